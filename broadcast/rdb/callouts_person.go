package rdb

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"martinella/alerts"
	"martinella/broadcast/callout"
)

// partOf is what one call has of one person, as it is read.
type partOf struct {
	legs, answers, present, paged, late *redis.SliceCmd
	due                                 *redis.FloatSliceCmd
	wrote                               *redis.StringSliceCmd
}

// firstOf is the first field of a reply; "" where it is not there.
func firstOf(cmd *redis.SliceCmd) string {
	if all := cmd.Val(); len(all) > 0 {
		value, _ := all[0].(string)
		return value
	}
	return ""
}

// Of implements [callout.Store].
func (s *Callouts) Of(ctx context.Context, number uint32) (all []callout.Part, err error) {
	op, who, k := "calls of person "+utoa(number), utoa(number), s.r.keys
	ids, err := s.ids(ctx, func(ctx context.Context) *redis.StringSliceCmd { return s.r.commands.ZRevRange(ctx, k.calls(), 0, -1) })
	if err != nil {
		return nil, fail(op, err)
	}
	for chunk := range slices.Chunk(ids, page) {
		parts := make([]partOf, len(chunk))
		err := again(ctx, func(ctx context.Context) error {
			pipe := s.r.commands.Pipeline()
			for i := range chunk {
				id := alerts.ID(chunk[i])
				parts[i] = partOf{legs: pipe.HMGet(ctx, k.callLegs(id), who), answers: pipe.HMGet(ctx, k.callAnswers(id), who), present: pipe.HMGet(ctx, k.callPresent(id), who),
					paged: pipe.HMGet(ctx, k.callPaged(id), who), late: pipe.HMGet(ctx, k.call(id), "u"+who), due: pipe.ZMScore(ctx, k.callDue(id), who), wrote: pipe.HKeys(ctx, k.callMessages(id))}
			}
			_, err := pipe.Exec(ctx)
			return err
		})
		if err != nil {
			return nil, fail(op, err)
		}
		for i := range chunk {
			part, err := s.part(ctx, alerts.ID(chunk[i]), number, parts[i])
			if errors.Is(err, alerts.ErrNotFound) { // forgotten meanwhile, or not of this call
				continue
			}
			if err != nil {
				return nil, fail(op, err)
			}
			all = append(all, *part)
		}
	}
	return all, nil
}

// part reads what one call has of a person; [alerts.ErrNotFound] for nothing.
func (s *Callouts) part(ctx context.Context, id alerts.ID, number uint32, read partOf) (*callout.Part, error) {
	leg, answer, present := firstOf(read.legs), firstOf(read.answers), firstOf(read.present)
	wrote := slices.ContainsFunc(read.wrote.Val(), func(field string) bool {
		_, who, _ := strings.Cut(field, ":")
		return who == utoa(number)
	})
	if leg == "" && answer == "" && present == "" && !wrote {
		return nil, alerts.ErrNotFound
	}
	call, err := s.Call(ctx, id)
	if err != nil {
		return nil, err
	}
	part := &callout.Part{Call: call, Entry: callout.Entry{Number: number}}
	if leg != "" {
		var due time.Time
		if scores := read.due.Val(); len(scores) > 0 && scores[0] > 0 {
			due = time.UnixMilli(int64(scores[0])).UTC()
		}
		l, err := readLeg(number, leg, due)
		if err != nil {
			return nil, err
		}
		part.Leg, part.Pages = &l, readPaged(firstOf(read.paged))
	}
	if answer != "" {
		if _, part.Answer, err = s.readAnswer(id, number, answer); err != nil {
			return nil, err
		}
	}
	if present != "" {
		if _, part.Presence, err = s.readPresence(id, number, present); err != nil {
			return nil, err
		}
	}
	if late := firstOf(read.late); late != "" {
		if _, err := fmt.Sscan(late, &part.Unavoidable); err != nil {
			return nil, err
		}
	}
	if wrote {
		messages, err := s.Messages(ctx, id)
		if err != nil {
			return nil, err
		}
		part.Messages = slices.DeleteFunc(messages, func(m callout.Message) bool { return m.Number != number })
	}
	return part, nil
}
