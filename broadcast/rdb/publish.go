package rdb

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"martinella/alerts"
	"martinella/broadcast"
	"martinella/broadcast/crash"
	"martinella/channels"
)

var (
	_ broadcast.Publisher = (*Redis)(nil)
	_ broadcast.Work      = (*Redis)(nil)
)

// keepDeliveries is how long the state of single recipients and the numbers of
// a snapshot are kept after the alert's validity; the counts stay for ever.
const keepDeliveries = broadcast.KeepDeliveries

// closing is what a change makes of the revision before it.
var closing = map[alerts.Change]alerts.State{
	alerts.ChangeIssued:    alerts.StateSuperseded,
	alerts.ChangeUpdated:   alerts.StateSuperseded,
	alerts.ChangeCancelled: alerts.StateCancelled,
	alerts.ChangeEnded:     alerts.StateEnded,
}

// watchedAt tells the script whether, and from when, the record is watched, and
// what is watched no longer.
func watchedAt(rec *alerts.Record) []any {
	if !rec.Watched() {
		return []any{"", ""}
	}
	at := rec.Published
	return []any{at.UnixMilli(), at.Add(-alerts.WatchedFor).UnixMilli()}
}

// outgoing is what is stored of one channel.
type outgoing struct {
	name     string
	messages []channels.Message
	spans    []broadcast.Span // Message indexes messages
	people   []byte           // packed snapshot
	total    uint32
	failure  string
}

// Publish implements [broadcast.Publisher].
func (r *Redis) Publish(ctx context.Context, p *broadcast.Publication) error {
	rec := p.Record
	op := "publish " + string(rec.ID)
	outs, err := split(p)
	if err != nil {
		return fmt.Errorf("%s: %w", op, err)
	}
	stored := rec.Clone()
	stored.State, stored.Cursor, stored.Closed = alerts.StateIssued, "", ""
	j, act, err := encode(stored, p.Act)
	if err != nil {
		return fmt.Errorf("%s: %w", op, err)
	}
	earlier, err := r.chain(ctx, rec.Supersedes)
	if err != nil {
		return fail(op, err)
	}

	k := r.keys
	keys := []string{k.record(rec.ID), k.event(rec.Event), k.log(), k.epoch(), k.acts(), k.actSeq(), k.actsOf(rec.Event), k.out(rec.ID), k.record(rec.Supersedes), k.nothing(), k.watched(), k.waiting()}
	stopped, err := r.stopped(ctx, rec, outs, earlier)
	if err != nil {
		return fail(op, err)
	}
	keys = append(keys, stopped...)
	args := []any{nonce(), flag(rec.Urgent()), string(rec.Content), string(rec.Approved), string(rec.Supersedes), j, act, string(rec.ID),
		string(closing[rec.Change]), milliseconds(keptFor(rec)), len(stopped), len(outs)}
	args = append(args, watchedAt(rec)...)
	plan := make([]string, len(outs))
	for i, o := range outs {
		keys = append(keys, k.tally(rec.ID, o.name), k.snapshot(rec.ID, o.name))
		args = append(args, o.total, o.people, o.failure)
		plan[i] = o.name
	}
	args = append(args, "v", 1, "plan", strings.Join(plan, " "))
	for _, o := range outs {
		m, err := json.Marshal(o.messages)
		if err != nil {
			return fmt.Errorf("%s: %w", op, err)
		}
		s, err := json.Marshal(o.spans)
		if err != nil {
			return fmt.Errorf("%s: %w", op, err)
		}
		args = append(args, "m:"+o.name, m, "s:"+o.name, s)
		if o.failure != "" {
			args = append(args, "f:"+o.name, o.failure)
		}
	}

	cmd, replicated := r.keep(ctx, r.scripts.publish, keys, args...)
	out, err := cmd.Slice()
	if err != nil {
		return fail(op, err)
	}
	switch code, _ := out[0].(int64); code {
	case 1:
		crash.At(crash.AfterXAdd)
	case -2:
		return fmt.Errorf("%s: %w", op, alerts.ErrNotFound)
	case -1:
		return fmt.Errorf("%s: another revision was published: %w", op, alerts.ErrStale)
	default:
		return fmt.Errorf("%s: %w", op, alerts.ErrStale)
	}
	cursor, _ := out[1].(string)
	rec.State, rec.Cursor, rec.Replicated = alerts.StateIssued, cursor, replicated
	if _, at, ok := readCursor(broadcast.Cursor(cursor)); ok {
		r.saw(at.String())
	}
	return nil
}

// stopped gives the tallies of earlier revisions that stop. Where nobody gets
// the new one on a channel, or it cannot be said there, the old one goes on
// (DECISIONS 7); what closes the event ends all of it everywhere.
func (r *Redis) stopped(ctx context.Context, rec *alerts.Record, outs []*outgoing, earlier []alerts.ID) (tallies []string, err error) {
	closes := rec.Change == alerts.ChangeCancelled || rec.Change == alerts.ChangeEnded
	for _, id := range earlier {
		var names []string
		for _, o := range outs {
			if closes || o.total > 0 && o.failure == "" {
				names = append(names, o.name)
			}
		}
		if closes {
			plan, err := r.planned(ctx, id)
			if err != nil && !errors.Is(err, redis.Nil) {
				return nil, err
			}
			names = append(names, plan...)
		}
		slices.Sort(names)
		for _, name := range slices.Compact(names) {
			tallies = append(tallies, r.keys.tally(id, name))
		}
	}
	return tallies, nil
}

// planned gives the channels of what was published; redis.Nil where it was not.
func (r *Redis) planned(ctx context.Context, id alerts.ID) ([]string, error) {
	var plan string
	err := again(ctx, func(ctx context.Context) (err error) {
		plan, err = r.commands.HGet(ctx, r.keys.out(id), "plan").Result()
		return err
	})
	return strings.Fields(plan), err
}

// split sorts a publication by channel, in plan order: those of the record's
// plan first, then others that have spans or failures.
func split(p *broadcast.Publication) ([]*outgoing, error) {
	var outs []*outgoing
	byName := map[string]*outgoing{}
	of := func(name string) *outgoing {
		o := byName[name]
		if o == nil {
			o = &outgoing{name: name}
			byName[name] = o
			outs = append(outs, o)
		}
		return o
	}
	for _, name := range p.Record.Channels {
		of(name)
	}
	index := map[string]map[int]int{} // channel: number in the publication to number in the channel
	for _, s := range p.Spans {
		if s.Message < 0 || s.Message >= len(p.Messages) {
			return nil, fmt.Errorf("channel %s: a span names message %d of %d", s.Channel, s.Message, len(p.Messages))
		}
		o := of(s.Channel)
		if s.From != o.total || s.To < s.From || (s.People != nil && len(s.People) != int(s.To-s.From)) {
			return nil, fmt.Errorf("channel %s: the spans do not follow on one another", s.Channel)
		}
		if s.People == nil && len(o.people) > 0 || s.People != nil && len(o.people) != int(4*o.total) {
			return nil, fmt.Errorf("channel %s: posts and recipients are mixed", s.Channel)
		}
		if index[s.Channel] == nil {
			index[s.Channel] = map[int]int{}
		}
		n, known := index[s.Channel][s.Message]
		if !known {
			n = len(o.messages)
			index[s.Channel][s.Message] = n
			o.messages = append(o.messages, p.Messages[s.Message])
		}
		for _, person := range s.People {
			o.people = binary.LittleEndian.AppendUint32(o.people, person)
		}
		o.total = s.To
		s.Message, s.People = n, nil
		o.spans = append(o.spans, s)
	}
	for _, name := range slices.Sorted(mapKeys(p.Failures)) {
		if o := of(name); o.total == 0 {
			o.total, o.failure = 1, p.Failures[name]
		}
	}
	return outs, nil
}

func mapKeys(m map[string]string) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

// chain gives id and every revision before it: published ones never change
// what they supersede.
func (r *Redis) chain(ctx context.Context, id alerts.ID) (ids []alerts.ID, err error) {
	for id != "" && !slices.Contains(ids, id) {
		ids = append(ids, id)
		var before string
		err := again(ctx, func(ctx context.Context) (err error) {
			before, err = r.commands.HGet(ctx, r.keys.record(id), "supersedes").Result()
			return err
		})
		if errors.Is(err, redis.Nil) {
			return ids, nil
		}
		if err != nil {
			return nil, err
		}
		id = alerts.ID(before)
	}
	return ids, nil
}

// validFor is how long the record may still be sent; a Cancel always may, and
// counts for a day.
func validFor(rec *alerts.Record) time.Duration {
	if end := rec.Expires(); !end.IsZero() {
		return max(time.Until(end), 0)
	}
	return 24 * time.Hour
}

func keptFor(rec *alerts.Record) time.Duration { return validFor(rec) + keepDeliveries }

// reportsFor is how long reports of a platform find their recipient: validity
// and three days.
func reportsFor(rec *alerts.Record) time.Duration { return validFor(rec) + 72*time.Hour }
