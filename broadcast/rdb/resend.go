package rdb

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"martinella/alerts"
	"martinella/broadcast"
)

var _ broadcast.Outcomes = (*Redis)(nil)

const (
	// resendWindow is how many recipients one call of the script looks at:
	// some milliseconds of Redis.
	resendWindow = 10_000
	// resendChunk is how many recipients a job holds at most, as those of the
	// plan (RELIABILITY 9).
	resendChunk = 250
)

// Resend implements [broadcast.Outcomes].
func (r *Redis) Resend(ctx context.Context, want broadcast.Resend) (out broadcast.Resent, err error) {
	op := "resend " + string(want.Alert) + " on " + want.Channel
	q, t, err := r.carried(ctx, want.Alert, want.Channel)
	if err != nil {
		return out, fail(op, err)
	}
	if t.Failure != "" {
		return out, &alerts.Refusal{Kind: alerts.ErrNotSendable, Problems: alerts.Problems{{Field: "channel", Problem: "has nothing to send: " + t.Failure, Hint: "send an update that the channel can carry"}}}
	}
	urgent, err := q.urgent(ctx, t)
	if err != nil {
		return out, fail(op, err)
	}
	var from, to uint32
	for _, s := range t.Spans {
		to = max(to, s.To)
	}
	if want.Recipient != nil {
		if *want.Recipient >= to {
			return out, &alerts.Refusal{Kind: alerts.ErrNotFound, Problems: alerts.Problems{{Field: "recipient", Problem: "is not one of this alert on this channel", Hint: fmt.Sprintf("they run from 0 to %d", int64(to)-1)}}}
		}
		from, to = *want.Recipient, *want.Recipient+1
	}
	act, err := json.Marshal(want.Act)
	if err != nil {
		return out, fail(op, err)
	}
	request := want.Request
	if request == "" {
		request = nonce()
	}
	k := r.keys
	letter := laneNormal
	if urgent {
		letter = laneUrgent
	}
	job := fmt.Sprintf(`{"v":1,"alert":%q,"n":%%d,"from":%%d,"to":%%d,"attempt":1,"urgent":%t,"again":%%d,"key":%%d,"insist":%%s}`, want.Alert, urgent)
	keys := []string{k.tally(want.Alert, want.Channel), k.states(want.Alert, want.Channel), k.reasons(want.Alert, want.Channel), k.parts(want.Alert, want.Channel),
		q.lane(letter), k.resends(want.Alert, want.Channel), k.acts(), k.actSeq(), k.actsOf(t.Record.Event), k.record(want.Alert)}
	for at := from; at < to; {
		args := []any{request, at, min(to, at+resendWindow), resendChunk, flag(want.Uncertain), milliseconds(keptFor(t.Record)), act, job}
		var cmd *redis.Cmd
		if out.Replicated != nil && !*out.Replicated { // nothing that is waited for now makes all of it safe
			cmd = r.repeat(ctx, r.scripts.resend, keys, args...)
		} else {
			cmd, out.Replicated = r.keep(ctx, r.scripts.resend, keys, args...)
		}
		got, err := cmd.Int64Slice()
		if err != nil {
			return out, fail(op, err)
		}
		if len(got) != 3 {
			return out, &alerts.Refusal{Kind: alerts.ErrNotSendable, Problems: alerts.Problems{{Field: "state", Problem: "is over: another revision took its place on this channel", Hint: "read the alert again"}}}
		}
		at, out.Failed, out.Uncertain = uint32(got[0]), int(got[1]), int(got[2])
	}
	return out, fail(op, r.bringBack(ctx, q, want.Alert))
}

// carried gives what the channel sends of a published alert; alerts.ErrNotFound
// where it is not in the plan. It joins nothing: reading makes no channel.
func (r *Redis) carried(ctx context.Context, alert alerts.ID, channel string) (*Queue, *cachedTask, error) {
	names, err := r.planned(ctx, alert)
	if errors.Is(err, redis.Nil) || (err == nil && !slices.Contains(names, channel)) {
		return nil, nil, alerts.ErrNotFound
	}
	if err != nil {
		return nil, nil, err
	}
	q := &Queue{r: r, channel: channel, tasks: map[alerts.ID]*cachedTask{}}
	if open, known := r.opened.Load(channel); known {
		q = open.(*Queue)
	}
	t, err := q.task(ctx, alert)
	return q, t, err
}

// urgent decides the lane as for the plan: that of the record, or of a revision
// before it (DECISIONS 7).
func (q *Queue) urgent(ctx context.Context, t *cachedTask) (bool, error) {
	chain, err := q.r.chain(ctx, t.Record.ID)
	if err != nil {
		return false, err
	}
	for _, id := range chain {
		rec, err := q.r.record(ctx, id)
		switch {
		case errors.Is(err, alerts.ErrNotFound), errors.Is(err, broadcast.ErrUnreadable):
		case err != nil:
			return false, err
		case rec.Urgent():
			return true, nil
		}
	}
	return false, nil
}

// bringBack takes away the dead letters of the alert that wait for nothing any
// more.
func (r *Redis) bringBack(ctx context.Context, q *Queue, alert alerts.ID) error {
	k := r.keys
	return r.dead(ctx, q.channel, func(e redis.XMessage) (bool, error) {
		if of, _ := e.Values["alert"].(string); of != string(alert) {
			return true, nil
		}
		var j broadcast.Job
		text, _ := e.Values["j"].(string)
		if err := json.Unmarshal([]byte(text), &j); err != nil {
			return true, nil //nolint:nilerr // it stays where people see it
		}
		args := append(append([]any{e.ID, j.Again}, ordinals(e.Values["failed"])...), ordinals(e.Values["doubt"])...)
		return true, r.repeat(ctx, r.scripts.undead, []string{k.dead(q.channel), k.states(alert, q.channel), k.tally(alert, q.channel), k.reasons(alert, q.channel)}, args...).Err()
	})
}

// dead gives each dead letter of a channel, the oldest first, until do says no.
func (r *Redis) dead(ctx context.Context, channel string, do func(redis.XMessage) (more bool, err error)) error {
	for start := "-"; ; {
		var entries []redis.XMessage
		err := again(ctx, func(ctx context.Context) (err error) {
			entries, err = r.commands.XRangeN(ctx, r.keys.dead(channel), start, "+", page).Result()
			return err
		})
		if err != nil || len(entries) == 0 {
			return err
		}
		for _, e := range entries {
			p, ok := readPlace(e.ID)
			if !ok {
				return errors.New("a dead letter cannot be read")
			}
			start = place{p.ms, p.seq + 1}.String()
			if more, err := do(e); err != nil || !more {
				return err
			}
		}
	}
}

// DeadLetters implements [broadcast.Outcomes].
func (r *Redis) DeadLetters(ctx context.Context, alert alerts.ID, channel string, most int) ([]broadcast.DeadLetter, error) {
	op := "dead letters"
	names := []string{channel}
	switch {
	case channel != "" && !slug.MatchString(channel):
		return nil, fail(op, alerts.ErrNotFound)
	case alert != "":
		planned, err := r.planned(ctx, alert)
		if errors.Is(err, redis.Nil) || (err == nil && channel != "" && !slices.Contains(planned, channel)) {
			err = alerts.ErrNotFound
		}
		if err != nil {
			return nil, fail(op, err)
		}
		if channel == "" {
			names = planned
		}
	case channel == "":
		err := again(ctx, func(ctx context.Context) (err error) {
			names, err = r.commands.HKeys(ctx, r.keys.starts()).Result()
			return err
		})
		if err != nil {
			return nil, fail(op, err)
		}
		slices.Sort(names)
	}
	out := []broadcast.DeadLetter{}
	for _, name := range names {
		if len(out) >= most {
			break
		}
		err := r.dead(ctx, name, func(e redis.XMessage) (bool, error) {
			d := readDead(name, e)
			if alert == "" || d.Alert == alert {
				out = append(out, d)
			}
			return len(out) < most, nil
		})
		if err != nil {
			return nil, fail(op, err)
		}
	}
	return out, nil
}

// readDead reads what bury wrote. What cannot be read is shown as far as it
// can: a dead letter is never hidden.
func readDead(channel string, e redis.XMessage) broadcast.DeadLetter {
	text := func(field string) string { s, _ := e.Values[field].(string); return s }
	d := broadcast.DeadLetter{ID: e.ID, Channel: channel, Alert: alerts.ID(text("alert")), Reason: text("err"),
		Failed: len(ordinals(e.Values["failed"])), Uncertain: len(ordinals(e.Values["doubt"]))}
	d.Taken, _ = strconv.Atoi(text("deliveries"))
	var j broadcast.Job
	if json.Unmarshal([]byte(text("j")), &j) == nil {
		d.From, d.To, d.Attempts = j.From, j.To, j.Attempt
	}
	if p, ok := readPlace(e.ID); ok {
		d.Since = time.UnixMilli(int64(p.ms)).UTC()
	}
	return d
}
