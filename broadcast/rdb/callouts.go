package rdb

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"martinella/alerts"
	"martinella/alerts/volunteers"
	"martinella/broadcast/callout"
)

// Callouts keeps calls to volunteers. What names people or holds their words is
// sealed; numbers and times are plain, since scripts compare them. Legs and what
// was paged are kept as long as deliveries, the call, its answers and presences
// until they are forgotten.
type Callouts struct{ r *Redis }

var _ callout.Store = (*Callouts)(nil)

// Callouts gives the store of calls.
func (r *Redis) Callouts() *Callouts { return &Callouts{r} }

// keptMessages is how many messages of a call are kept; of more, the newest.
const keptMessages = 500

// Purposes of what is sealed.
func callPurpose(id alerts.ID) string { return "call " + string(id) }
func answerPurpose(id alerts.ID, number uint32) string {
	return "answer " + string(id) + " " + utoa(number)
}
func presencePurpose(id alerts.ID, number uint32) string {
	return "presence " + string(id) + " " + utoa(number)
}
func messagePurpose(id alerts.ID) string { return "message " + string(id) }

func utoa(n uint32) string { return strconv.FormatUint(uint64(n), 10) }

// millis writes a time as scripts take it; "" for none.
func millis(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return itoa(t.UnixMilli())
}

// keptCall is how long legs and what was paged are kept.
func keptCall(c *volunteers.Call) int64 {
	return milliseconds(max(time.Until(c.Until), 0) + keepDeliveries)
}

// sealCall is the call as it is stored; number, revision and state are beside it.
func (s *Callouts) sealCall(c *volunteers.Call) ([]byte, error) {
	plain := *c
	plain.Number, plain.Revision = 0, 0
	doc, err := json.Marshal(&plain)
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(doc, new(volunteers.Call)); err != nil {
		return nil, err
	}
	return s.r.vault.close(doc, callPurpose(c.ID)), nil
}

// readCall reads what scripts give: number, revision, state and call.
func (s *Callouts) readCall(id alerts.ID, fields []any) (*volunteers.Call, error) {
	if len(fields) < 4 || fields[0] == nil {
		return nil, alerts.ErrNotFound
	}
	var texts [4]string
	for i := range texts {
		texts[i], _ = fields[i].(string)
	}
	doc, err := s.r.vault.open([]byte(texts[3]), callPurpose(id))
	if err != nil {
		return nil, err
	}
	c := &volunteers.Call{}
	if err := json.Unmarshal(doc, c); err != nil {
		return nil, err
	}
	if c.V > volunteers.Version {
		return nil, fmt.Errorf("the call has format %d, this program reads %d: %w", c.V, volunteers.Version, alerts.ErrUnavailable)
	}
	number, err := strconv.ParseUint(texts[0], 10, 32)
	if err != nil {
		return nil, err
	}
	c.Number, c.State = uint32(number), volunteers.State(texts[2])
	c.Revision, err = strconv.ParseInt(texts[1], 10, 64)
	return c, err
}

// some reads calls, in the order of ids; one that is gone is left out.
func (s *Callouts) some(ctx context.Context, ids []string) (all []*volunteers.Call, err error) {
	for part := range slices.Chunk(ids, page) {
		cmds := make([]*redis.SliceCmd, len(part))
		err := again(ctx, func(ctx context.Context) error {
			pipe := s.r.commands.Pipeline()
			for i, id := range part {
				cmds[i] = pipe.HMGet(ctx, s.r.keys.call(alerts.ID(id)), "number", "rev", "state", "j")
			}
			_, err := pipe.Exec(ctx)
			return err
		})
		if err != nil {
			return nil, err
		}
		for i, cmd := range cmds {
			c, err := s.readCall(alerts.ID(part[i]), cmd.Val())
			if errors.Is(err, alerts.ErrNotFound) {
				continue
			}
			if err != nil {
				return nil, fmt.Errorf("call %s: %w", part[i], err)
			}
			all = append(all, c)
		}
	}
	return all, nil
}

// Call implements [callout.Store].
func (s *Callouts) Call(ctx context.Context, id alerts.ID) (*volunteers.Call, error) {
	all, err := s.some(ctx, []string{string(id)})
	if err == nil && len(all) == 0 {
		err = alerts.ErrNotFound
	}
	if err != nil {
		return nil, fail("call "+string(id), err)
	}
	return all[0], nil
}

// ids reads ids off a sorted set.
func (s *Callouts) ids(ctx context.Context, read func(context.Context) *redis.StringSliceCmd) (ids []string, err error) {
	err = again(ctx, func(ctx context.Context) (err error) {
		ids, err = read(ctx).Result()
		return err
	})
	return ids, err
}

// ByNumber implements [callout.Store].
func (s *Callouts) ByNumber(ctx context.Context, number uint32) (*volunteers.Call, error) {
	ids, err := s.ids(ctx, func(ctx context.Context) *redis.StringSliceCmd {
		return s.r.commands.ZRangeByScore(ctx, s.r.keys.calls(), &redis.ZRangeBy{Min: utoa(number), Max: utoa(number)})
	})
	if err == nil && len(ids) == 0 {
		err = alerts.ErrNotFound
	}
	if err != nil {
		return nil, fail("call number "+utoa(number), err)
	}
	return s.Call(ctx, alerts.ID(ids[0]))
}

// Calls implements [callout.Store].
func (s *Callouts) Calls(ctx context.Context, most int) ([]*volunteers.Call, error) {
	if most <= 0 {
		return nil, nil
	}
	ids, err := s.ids(ctx, func(ctx context.Context) *redis.StringSliceCmd {
		return s.r.commands.ZRevRange(ctx, s.r.keys.calls(), 0, int64(most)-1)
	})
	if err != nil {
		return nil, fail("calls", err)
	}
	all, err := s.some(ctx, ids)
	return all, fail("calls", err)
}

// open gives the ids of open calls, the newest first.
func (s *Callouts) open(ctx context.Context) ([]string, error) {
	return s.ids(ctx, func(ctx context.Context) *redis.StringSliceCmd {
		return s.r.commands.ZRevRange(ctx, s.r.keys.callsOpen(), 0, -1)
	})
}

// OpenOf implements [callout.Store].
func (s *Callouts) OpenOf(ctx context.Context, number uint32) ([]*volunteers.Call, error) {
	op := "open calls of person " + utoa(number)
	ids, err := s.open(ctx)
	if err != nil || len(ids) == 0 {
		return nil, fail(op, err)
	}
	legs := make([]*redis.BoolCmd, len(ids))
	err = again(ctx, func(ctx context.Context) error {
		pipe := s.r.commands.Pipeline()
		for i, id := range ids {
			legs[i] = pipe.HExists(ctx, s.r.keys.callLegs(alerts.ID(id)), utoa(number))
		}
		_, err := pipe.Exec(ctx)
		return err
	})
	if err != nil {
		return nil, fail(op, err)
	}
	var mine []string
	for i, leg := range legs {
		if leg.Val() {
			mine = append(mine, ids[i])
		}
	}
	all, err := s.some(ctx, mine)
	if err != nil {
		return nil, fail(op, err)
	}
	return slices.DeleteFunc(all, func(c *volunteers.Call) bool { return c.State != volunteers.StateOpen }), nil
}

// Lag implements [callout.Store].
func (s *Callouts) Lag(ctx context.Context, now time.Time) (time.Duration, error) {
	ids, err := s.open(ctx)
	if err != nil || len(ids) == 0 {
		return 0, fail("lag of calls", err)
	}
	firsts, timers := make([]*redis.ZSliceCmd, len(ids)), make([]*redis.StringCmd, len(ids))
	err = again(ctx, func(ctx context.Context) error {
		pipe := s.r.commands.Pipeline()
		for i, id := range ids {
			firsts[i] = pipe.ZRangeWithScores(ctx, s.r.keys.callDue(alerts.ID(id)), 0, 0)
			timers[i] = pipe.HGet(ctx, s.r.keys.call(alerts.ID(id)), "timer")
		}
		if _, err := pipe.Exec(ctx); err != nil && !errors.Is(err, redis.Nil) {
			return err
		}
		return nil
	})
	if err != nil {
		return 0, fail("lag of calls", err)
	}
	var lag time.Duration
	for i := range ids {
		if first := firsts[i].Val(); len(first) > 0 {
			lag = max(lag, now.Sub(time.UnixMilli(int64(first[0].Score))))
		}
		if ms := number(timers[i].Val()); ms != nil {
			lag = max(lag, now.Sub(time.UnixMilli(*ms)))
		}
	}
	return lag, nil
}

// Sheet implements [callout.Store].
func (s *Callouts) Sheet(ctx context.Context, id alerts.ID) ([]callout.Entry, error) {
	op := "sheet of call " + string(id)
	k := s.r.keys
	var there *redis.MapStringStringCmd
	var legs, answers, present, paged *redis.MapStringStringCmd
	var due *redis.ZSliceCmd
	err := again(ctx, func(ctx context.Context) error {
		pipe := s.r.commands.TxPipeline()
		there, legs, due = pipe.HGetAll(ctx, k.call(id)), pipe.HGetAll(ctx, k.callLegs(id)), pipe.ZRangeWithScores(ctx, k.callDue(id), 0, -1)
		answers, present, paged = pipe.HGetAll(ctx, k.callAnswers(id)), pipe.HGetAll(ctx, k.callPresent(id)), pipe.HGetAll(ctx, k.callPaged(id))
		_, err := pipe.Exec(ctx)
		return err
	})
	if err == nil && len(there.Val()) == 0 {
		err = alerts.ErrNotFound
	}
	if err != nil {
		return nil, fail(op, err)
	}
	dues := map[string]time.Time{}
	for _, z := range due.Val() {
		member, _ := z.Member.(string)
		dues[member] = time.UnixMilli(int64(z.Score)).UTC()
	}
	entries := map[uint32]*callout.Entry{}
	of := func(text string) (*callout.Entry, error) {
		n, err := strconv.ParseUint(text, 10, 32)
		e := entries[uint32(n)]
		if e == nil && err == nil {
			e = &callout.Entry{Number: uint32(n)}
			entries[e.Number] = e
		}
		return e, err
	}
	for text, leg := range legs.Val() {
		e, err := of(text)
		if err != nil {
			return nil, fail(op, err)
		}
		l, err := readLeg(e.Number, leg, dues[text])
		if err != nil {
			return nil, fail(op, err)
		}
		e.Leg, e.Pages = &l, readPaged(paged.Val()[text])
	}
	for text, value := range answers.Val() {
		e, err := of(text)
		if err == nil {
			_, e.Answer, err = s.readAnswer(id, e.Number, value)
		}
		if err != nil {
			return nil, fail(op, err)
		}
	}
	for text, value := range present.Val() {
		e, err := of(text)
		if err == nil {
			_, e.Presence, err = s.readPresence(id, e.Number, value)
		}
		if err != nil {
			return nil, fail(op, err)
		}
	}
	for field, n := range there.Val() {
		who, ok := strings.CutPrefix(field, "u")
		if number, err := strconv.ParseUint(who, 10, 32); ok && err == nil && entries[uint32(number)] != nil {
			entries[uint32(number)].Unavoidable, _ = strconv.Atoi(n) // a script wrote it
		}
	}
	all := make([]callout.Entry, 0, len(entries))
	for _, number := range slices.Sorted(maps.Keys(entries)) {
		all = append(all, *entries[number])
	}
	return all, nil
}

// writeLeg is a leg as it is stored, without when it is due.
func writeLeg(l volunteers.Leg) string {
	text := strconv.Itoa(l.Step) + " " + strconv.Itoa(l.Wave) + " " + itoa(l.Begun.UnixMilli()) + " "
	if !l.Held.IsZero() {
		text += heldMark + itoa(l.Held.UnixMilli()) + " "
	}
	return text + strings.Join(l.Kinds, " ")
}

// heldMark stands before the end of quiet hours, where kinds begin else.
const heldMark = "~"

func readLeg(number uint32, text string, due time.Time) (volunteers.Leg, error) {
	l := volunteers.Leg{Number: number, Due: due}
	fields := strings.Fields(text)
	if len(fields) < 3 {
		return l, errors.New("a leg is cut off")
	}
	step, err1 := strconv.Atoi(fields[0])
	wave, err2 := strconv.Atoi(fields[1])
	begun, err3 := strconv.ParseInt(fields[2], 10, 64)
	l.Step, l.Wave, l.Begun, l.Kinds = step, wave, time.UnixMilli(begun).UTC(), fields[3:]
	if len(l.Kinds) > 0 {
		if text, held := strings.CutPrefix(l.Kinds[0], heldMark); held {
			ms, err := strconv.ParseInt(text, 10, 64)
			if err != nil {
				return l, err
			}
			l.Held, l.Kinds = time.UnixMilli(ms).UTC(), l.Kinds[1:]
		}
	}
	return l, errors.Join(err1, err2, err3)
}

// readPaged reads lines "record channel ordinal ms".
func readPaged(text string) (all []callout.Paged) {
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		if len(f) != 4 {
			continue
		}
		ordinal, err := strconv.ParseUint(f[2], 10, 32)
		ms, err2 := strconv.ParseInt(f[3], 10, 64)
		if err == nil && err2 == nil {
			all = append(all, callout.Paged{Record: alerts.ID(f[0]), Channel: f[1], Ordinal: uint32(ordinal), At: time.UnixMilli(ms).UTC()})
		}
	}
	return all
}

// readAnswer reads "which nonce sealed answer".
func (s *Callouts) readAnswer(id alerts.ID, number uint32, value string) (nonce string, a *volunteers.Answer, err error) {
	parts := strings.SplitN(value, " ", 3)
	if len(parts) != 3 {
		return "", nil, errors.New("an answer is cut off")
	}
	doc, err := s.r.vault.open([]byte(parts[2]), answerPurpose(id, number))
	if err != nil {
		return "", nil, err
	}
	a = &volunteers.Answer{}
	err = json.Unmarshal(doc, a)
	return parts[1], a, err
}

// readPresence reads "nonce presence". What coordinators said of it is sealed:
// such a presence is; times alone are not.
func (s *Callouts) readPresence(id alerts.ID, number uint32, value string) (nonce string, p volunteers.Presence, err error) {
	nonce, text, _ := strings.Cut(value, " ")
	doc := []byte(text)
	if text != "" && text[0] == sealed {
		if doc, err = s.r.vault.open(doc, presencePurpose(id, number)); err != nil {
			return nonce, p, err
		}
	}
	err = json.Unmarshal(doc, &p)
	return nonce, p, err
}

// writePresence is a presence as it is stored.
func (s *Callouts) writePresence(id alerts.ID, number uint32, p volunteers.Presence) ([]byte, error) {
	doc, err := json.Marshal(p)
	if err == nil && len(p.Corrections) > 0 {
		doc = s.r.vault.close(doc, presencePurpose(id, number))
	}
	return doc, err
}
