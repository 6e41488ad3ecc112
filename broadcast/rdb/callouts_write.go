package rdb

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"martinella/alerts"
	"martinella/alerts/volunteers"
	"martinella/broadcast/callout"
	"martinella/broadcast/crash"
)

// legArgs are legs as scripts take them.
func legArgs(args []any, legs []volunteers.Leg) []any {
	args = slices.Grow(args, 3*len(legs))
	for _, l := range legs {
		args = append(args, l.Number, writeLeg(l), millis(l.Due))
	}
	return args
}

// Open implements [callout.Store].
func (s *Callouts) Open(ctx context.Context, c *volunteers.Call, legs []volunteers.Leg, act alerts.Act) (*volunteers.Call, error) {
	op := "open call " + string(c.ID)
	doc, err := s.sealCall(c)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", op, err)
	}
	text, err := actText(&act)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", op, err)
	}
	k := s.r.keys
	cmd, _ := s.r.keep(ctx, s.r.scripts.opencall, []string{k.nothing(), k.call(c.ID), k.callLegs(c.ID), k.callDue(c.ID), k.callAnswers(c.ID), k.calls(), k.callSeq(),
		k.callsOpen(), k.callsDue(), k.acts(), k.actSeq(), k.actsOf(c.ID), k.tombstones(), k.callsNamed()},
		legArgs([]any{string(c.ID), doc, text, keptCall(c), c.Opened.UnixMilli()}, legs)...)
	out, err := cmd.Slice()
	if err != nil {
		return nil, fail(op, err)
	}
	crash.At(crash.AfterCall)
	stored, err := s.readCall(c.ID, out)
	return stored, fail(op, err)
}

// Change implements [callout.Store].
func (s *Callouts) Change(ctx context.Context, id alerts.ID, legs []volunteers.Leg, act *alerts.Act, edit func(*volunteers.Call) error) (*volunteers.Call, error) {
	op := "change call " + string(id)
	text, err := actText(act)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", op, err)
	}
	at := int64(0)
	if act != nil {
		at = act.At.UnixMilli()
	}
	k := s.r.keys
	for range tries {
		c, err := s.Call(ctx, id)
		if err != nil {
			return nil, err
		}
		was := *c
		if err := edit(c); err != nil {
			return nil, err
		}
		c.ID, c.Number, c.Revision = was.ID, was.Number, was.Revision
		doc, err := s.sealCall(c)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", op, err)
		}
		cmd, _ := s.r.keep(ctx, s.r.scripts.changecall, []string{k.nothing(), k.call(id), k.callLegs(id), k.callDue(id), k.callAnswers(id), k.callPages(id), k.callPaged(id),
			k.callsOpen(), k.callsDue(), k.acts(), k.actSeq(), k.actsOf(id), k.tombstones(), k.callsNamed()},
			legArgs([]any{string(id), doc, text, keptCall(c), at, nonce(), was.Revision, string(c.State), k.tag}, legs)...)
		switch got, err := cmd.Int(); {
		case err != nil:
			return nil, fail(op, err)
		case got == 1:
			c.Revision++
			return c, nil
		case got == -1:
			return nil, fmt.Errorf("%s: %w", op, alerts.ErrNotFound)
		case got == -2:
			return nil, fmt.Errorf("%s: %w", op, callout.ErrOver)
		}
	}
	return nil, fmt.Errorf("%s: %w", op, alerts.ErrStale)
}

// field reads one field of a hash; "" for none.
func (s *Callouts) field(ctx context.Context, key, field string) (value string, err error) {
	err = again(ctx, func(ctx context.Context) (err error) {
		value, err = s.r.commands.HGet(ctx, key, field).Result()
		return err
	})
	if errors.Is(err, redis.Nil) {
		err = nil
	}
	return value, err
}

// Answer implements [callout.Store].
func (s *Callouts) Answer(ctx context.Context, id alerts.ID, number uint32, a volunteers.Answer, act alerts.Act) (done callout.Answered, err error) {
	op := "answer to call " + string(id)
	text, err := actText(&act)
	if err != nil {
		return done, fmt.Errorf("%s: %w", op, err)
	}
	k := s.r.keys
	who := utoa(number)
	for range tries {
		had, err := s.field(ctx, k.callAnswers(id), who)
		if err != nil {
			return done, fail(op, err)
		}
		read := ""
		if had != "" {
			if read, done.Before, err = s.readAnswer(id, number, had); err != nil {
				return done, fail(op, err)
			}
		}
		said := a
		if b := done.Before; b != nil {
			if said = a.With(*b); said.Says(*b) {
				return done, s.stillOpen(ctx, op, id)
			}
		}
		doc, err := json.Marshal(said)
		if err != nil {
			return done, fmt.Errorf("%s: %w", op, err)
		}
		box := s.r.vault.close(doc, answerPurpose(id, number))
		c, err := s.Call(ctx, id)
		if err != nil {
			return done, err
		}
		cmd, _ := s.r.keep(ctx, s.r.scripts.answercall, []string{k.nothing(), k.call(id), k.callLegs(id), k.callDue(id), k.callAnswers(id), k.callPaged(id), k.callsDue(),
			k.acts(), k.actSeq(), k.actsOf(id), k.tombstones()},
			string(id), number, nonce(), read, box, text, a.At.UnixMilli(), keptCall(c), k.tag)
		out, err := cmd.Int64Slice()
		if err != nil {
			return done, fail(op, err)
		}
		switch out[0] {
		case 1:
			crash.At(crash.AfterAnswer)
			done.Changed, done.Unavoidable = true, int(out[1])
			return done, nil
		case -1:
			return callout.Answered{}, fmt.Errorf("%s: %w", op, alerts.ErrNotFound)
		case -2:
			return callout.Answered{}, fmt.Errorf("%s: %w", op, callout.ErrOver)
		}
		done = callout.Answered{}
	}
	return done, fmt.Errorf("%s: %w", op, alerts.ErrStale)
}

// stillOpen fails with ErrOver for a call that is over.
func (s *Callouts) stillOpen(ctx context.Context, op string, id alerts.ID) error {
	state, err := s.field(ctx, s.r.keys.call(id), "state")
	if err == nil && state != string(volunteers.StateOpen) {
		err = callout.ErrOver
	}
	return fail(op, err)
}

// Hurry implements [callout.Store].
func (s *Callouts) Hurry(ctx context.Context, id alerts.ID, steps map[uint32]int, now time.Time) error {
	k := s.r.keys
	args := []any{string(id), now.UnixMilli()}
	for number, step := range steps {
		args = append(args, number, step)
	}
	if err := s.r.repeat(ctx, s.r.scripts.hurrycall, []string{k.call(id), k.callLegs(id), k.callDue(id), k.callsDue()}, args...).Err(); err != nil {
		return fail("hurry pages of call "+string(id), err)
	}
	return nil
}

// Attend implements [callout.Store].
func (s *Callouts) Attend(ctx context.Context, id alerts.ID, number uint32, act *alerts.Act, edit func(*volunteers.Presence) (bool, error)) error {
	op := "presence at call " + string(id)
	c, err := s.Call(ctx, id)
	if err != nil {
		return err
	}
	text, err := actText(act)
	if err != nil {
		return fmt.Errorf("%s: %w", op, err)
	}
	k := s.r.keys
	for range tries {
		had, err := s.field(ctx, k.callPresent(id), utoa(number))
		if err != nil {
			return fail(op, err)
		}
		read, p := "", volunteers.Presence{}
		if had != "" {
			if read, p, err = s.readPresence(id, number, had); err != nil {
				return fail(op, err)
			}
		}
		before := p
		changed, err := edit(&p)
		if err != nil || !changed {
			return err
		}
		doc, err := s.writePresence(id, number, p)
		if err != nil {
			return fmt.Errorf("%s: %w", op, err)
		}
		arrives, at := "", int64(0)
		switch {
		case before.Arrived.IsZero() && !p.Arrived.IsZero():
			arrives, at = "1", p.Arrived.UnixMilli()
		case !before.Arrived.IsZero() && p.Arrived.IsZero():
			arrives, at = "0", before.Arrived.UnixMilli()
		}
		if act != nil { // a correction tells of hours ago, and nothing was due since then
			at = max(at, act.At.UnixMilli())
		}
		cmd, _ := s.r.keep(ctx, s.r.scripts.attendcall, []string{k.nothing(), k.call(id), k.callPresent(id), k.acts(), k.actSeq(), k.actsOf(id), k.tombstones(), k.callsNamed(),
			k.callDue(id), k.callPaged(id), k.callsDue()},
			number, nonce(), read, doc, text, arrives, string(id), at, keptCall(c), k.tag)
		switch got, err := cmd.Int(); {
		case err != nil:
			return fail(op, err)
		case got == 1:
			return nil
		case got == -1:
			return fmt.Errorf("%s: %w", op, alerts.ErrNotFound)
		}
	}
	return fmt.Errorf("%s: %w", op, alerts.ErrStale)
}

// Forget implements [callout.Store].
func (s *Callouts) Forget(ctx context.Context, number uint32) error {
	k := s.r.keys
	ids, err := s.ids(ctx, func(ctx context.Context) *redis.StringSliceCmd { return s.r.commands.ZRange(ctx, k.calls(), 0, -1) })
	if err != nil {
		return fail("forget in calls", err)
	}
	for from := 0; from == 0 || from < len(ids); from += page {
		part := ids[from:min(from+page, len(ids))]
		args := []any{number, k.tag, milliseconds(keepDeliveries), flag(from+page >= len(ids))}
		for _, id := range part {
			args = append(args, id)
		}
		err := s.r.repeat(ctx, s.r.scripts.forgetcalled, []string{k.callsForget(), k.callsDue(), k.callsNamed()}, args...).Err()
		if err != nil {
			return fail("forget in calls", err)
		}
	}
	return nil
}

// forgetErased has calls forget who was erased while that failed.
func (s *Callouts) forgetErased(ctx context.Context) error {
	numbers, err := s.ids(ctx, func(ctx context.Context) *redis.StringSliceCmd {
		return s.r.commands.SMembers(ctx, s.r.keys.callsForget())
	})
	if err != nil {
		return fail("forget in calls", err)
	}
	for _, text := range numbers {
		number, err := strconv.ParseUint(text, 10, 32)
		if err != nil {
			return fail("forget in calls", err)
		}
		if err := s.Forget(ctx, uint32(number)); err != nil {
			return err
		}
	}
	return nil
}

// Message implements [callout.Store].
func (s *Callouts) Message(ctx context.Context, id alerts.ID, m callout.Message) error {
	op := "message to call " + string(id)
	doc, err := json.Marshal(m)
	if err != nil {
		return fmt.Errorf("%s: %w", op, err)
	}
	k := s.r.keys
	cmd, _ := s.r.keep(ctx, s.r.scripts.messagecall, []string{k.call(id), k.callMessages(id), k.tombstones(), k.callsNamed()},
		m.Number, nonce(), s.r.vault.close(doc, messagePurpose(id)), keptMessages)
	got, err := cmd.Int()
	if err == nil && got < 0 {
		err = alerts.ErrNotFound
	}
	return fail(op, err)
}

// Messages implements [callout.Store].
func (s *Callouts) Messages(ctx context.Context, id alerts.ID) ([]callout.Message, error) {
	op := "messages to call " + string(id)
	var fields map[string]string
	err := again(ctx, func(ctx context.Context) (err error) {
		fields, err = s.r.commands.HGetAll(ctx, s.r.keys.callMessages(id)).Result()
		return err
	})
	if err == nil && len(fields) == 0 {
		_, err = s.Call(ctx, id)
	}
	if err != nil {
		return nil, fail(op, err)
	}
	type placed struct {
		callout.Message
		at int
	}
	var all []placed
	for field, box := range fields {
		which, _, _ := strings.Cut(field, ":")
		at, err := strconv.Atoi(which)
		if err != nil {
			return nil, fail(op, err)
		}
		doc, err := s.r.vault.open([]byte(box), messagePurpose(id))
		if err != nil {
			return nil, fail(op, err)
		}
		m := placed{at: at}
		if err := json.Unmarshal(doc, &m.Message); err != nil {
			return nil, fail(op, err)
		}
		all = append(all, m)
	}
	slices.SortFunc(all, func(a, b placed) int { return cmp.Compare(a.at, b.at) })
	out := make([]callout.Message, len(all))
	for i, m := range all {
		out[i] = m.Message
	}
	return out, nil
}
