package rdb

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"
	"go.uber.org/zap"

	"martinella/alerts"
	"martinella/broadcast"
	"martinella/broadcast/crash"
)

// Store keeps records and acts.
type Store struct{ r *Redis }

var _ alerts.Store = (*Store)(nil)

// Store gives the store of records.
func (r *Redis) Store() *Store { return &Store{r} }

// page is how many records or acts are read at once; fewMore is how many beside
// a limit, for those that do not pass the filter.
const (
	page    = 200
	fewMore = 10
)

// Intake implements [alerts.Store].
func (s *Store) Intake(ctx context.Context, rec *alerts.Record, raw []byte, act alerts.Act) (*alerts.Record, bool, error) {
	j, a, err := encode(rec, act)
	if err != nil {
		return nil, false, fmt.Errorf("intake %s: %w", rec.ID, err)
	}
	crash.At(crash.BeforeAccept)
	k := s.r.keys
	cmd, replicated := s.r.keep(ctx, s.r.scripts.intake, []string{
		k.alias(rec.Alert.Sender, rec.Alert.Identifier), k.record(rec.ID), k.raw(rec.ID), k.records(), k.event(rec.Event),
		k.acts(), k.actSeq(), k.actsOf(rec.Event), k.nothing(), k.waiting(),
	}, string(rec.ID), flag(rec.Urgent()), raw, a,
		"v", rec.V, "j", j, "state", string(rec.State), "content", string(rec.Content), "approved", string(rec.Approved),
		"event", string(rec.Event), "supersedes", string(rec.Supersedes))
	out, err := cmd.Slice()
	if err != nil {
		return nil, false, fail("intake "+string(rec.ID), err)
	}
	crash.At(crash.AfterAccept)
	if fresh, _ := out[1].(int64); fresh == 1 {
		stored := rec.Clone()
		stored.Replicated = replicated
		return stored, true, nil
	}
	id, _ := out[0].(string)
	stored, err := s.Get(ctx, alerts.ID(id), alerts.Exactly)
	if err != nil {
		return nil, false, fail("intake "+string(rec.ID), err)
	}
	stored.Replicated = replicated
	return stored, false, nil
}

// Get implements [alerts.Store].
func (s *Store) Get(ctx context.Context, id alerts.ID, which alerts.Latest) (*alerts.Record, error) {
	rec, err := s.r.record(ctx, id)
	if err == nil && rec.Call != "" { // a page to volunteers is no alert: see callouts.go
		err = alerts.ErrNotFound
	}
	if err != nil {
		return nil, fail("get "+string(id), err)
	}
	if which == alerts.Exactly {
		return rec, nil
	}
	if which == alerts.Newest && id != rec.Event && !rec.State.Published() {
		return rec, nil // a change that was asked for by its own name
	}
	var ends []any
	err = again(ctx, func(ctx context.Context) (err error) {
		ends, err = s.r.commands.HMGet(ctx, s.r.keys.event(rec.Event), "head", "last").Result()
		return err
	})
	if err != nil {
		return nil, fail("get "+string(id), err)
	}
	head, _ := ends[0].(string)
	last, _ := ends[1].(string)
	want := alerts.ID(last)
	if which == alerts.Published && head != "" {
		want = alerts.ID(head)
	}
	if want != rec.ID {
		if rec, err = s.r.record(ctx, want); err != nil {
			return nil, fail("get "+string(id), err)
		}
	}
	// A rejected change is over; and one that came before the head was
	// published can no longer be. What counts is the head again.
	if which == alerts.Newest && head != "" && rec.ID != alerts.ID(head) && (rec.State == alerts.StateRejected || rec.State.Published() || rec.Supersedes != alerts.ID(head)) {
		if rec, err = s.r.record(ctx, alerts.ID(head)); err != nil {
			return nil, fail("get "+string(id), err)
		}
	}
	return rec, nil
}

// Find implements [alerts.Store].
func (s *Store) Find(ctx context.Context, sender, identifier string) (*alerts.Record, error) {
	var id string
	err := again(ctx, func(ctx context.Context) (err error) {
		id, err = s.r.commands.Get(ctx, s.r.keys.alias(sender, identifier)).Result()
		return err
	})
	if errors.Is(err, redis.Nil) {
		return nil, fmt.Errorf("find %.80q: %w", identifier, alerts.ErrNotFound)
	}
	if err != nil {
		return nil, fail("find", err)
	}
	return s.Get(ctx, alerts.ID(id), alerts.Exactly)
}

// Move implements [alerts.Store].
func (s *Store) Move(ctx context.Context, seen, to *alerts.Record, act alerts.Act) error {
	op := "move " + string(seen.ID)
	j, a, err := encode(to, act)
	if err != nil {
		return fmt.Errorf("%s: %w", op, err)
	}
	approved := to.Approved
	if seen.State.Published() {
		j, approved = nil, seen.Approved // what was issued never changes but for its state
	}
	k := s.r.keys
	got, err := s.r.repeat(ctx, s.r.scripts.move, []string{k.record(seen.ID), k.acts(), k.actSeq(), k.actsOf(seen.Event), k.nothing(), k.waiting()},
		nonce(), string(seen.State), string(seen.Content), string(seen.Approved), string(to.State), string(approved), j, a, string(seen.ID)).Int()
	switch {
	case err != nil:
		return fail(op, err)
	case got == 0:
		return fmt.Errorf("%s: %w", op, alerts.ErrStale)
	case got < 0:
		return fmt.Errorf("%s: %w", op, alerts.ErrNotFound)
	}
	return nil
}

// Note implements [alerts.Store].
func (s *Store) Note(ctx context.Context, event alerts.ID, once string, act alerts.Act) (bool, error) {
	op := "note " + string(event)
	a, err := json.Marshal(act)
	if err != nil {
		return false, fmt.Errorf("%s: %w", op, err)
	}
	k := s.r.keys
	got, err := s.r.repeat(ctx, s.r.scripts.note, []string{k.event(event), k.acts(), k.actSeq(), k.actsOf(event), k.nothing()}, nonce(), once, a).Int()
	switch {
	case err != nil:
		return false, fail(op, err)
	case got < 0:
		return false, fmt.Errorf("%s: %w", op, alerts.ErrNotFound)
	}
	return got == 1, nil
}

// Watched implements [alerts.Store].
func (s *Store) Watched(ctx context.Context, since time.Time) ([]*alerts.Record, error) {
	var ids []string
	err := again(ctx, func(ctx context.Context) (err error) {
		ids, err = s.r.commands.ZRevRangeByScore(ctx, s.r.keys.watched(), &redis.ZRangeBy{Max: "+inf", Min: strconv.FormatInt(since.UnixMilli(), 10)}).Result()
		return err
	})
	if err != nil {
		return nil, fail("watched", err)
	}
	var all []*alerts.Record
	for some := range slices.Chunk(ids, page) {
		recs, err := s.r.recordsOf(ctx, some, nil)
		if err != nil {
			return nil, fail("watched", err)
		}
		for _, rec := range recs {
			if rec != nil {
				all = append(all, rec)
			}
		}
	}
	return all, nil
}

// Raw implements [alerts.Store].
func (s *Store) Raw(ctx context.Context, id alerts.ID) (raw []byte, err error) {
	err = again(ctx, func(ctx context.Context) (err error) {
		raw, err = s.r.commands.Get(ctx, s.r.keys.raw(id)).Bytes()
		return err
	})
	if errors.Is(err, redis.Nil) {
		err = alerts.ErrNotFound
	}
	return raw, fail("raw "+string(id), err)
}

// All implements [alerts.Store]. Records that are stored while it runs may or
// may not come.
func (s *Store) All(ctx context.Context, f alerts.Filter) iter.Seq2[*alerts.Record, error] {
	return func(yield func(*alerts.Record, error) bool) {
		top, given, most := "+", 0, int64(page)
		from := s.r.keys.records()
		if len(f.States) == 1 && f.States[0] == alerts.StateSubmitted {
			from = s.r.keys.waiting()
		}
		if f.Limit > 0 { // whoever wants ten does not have two hundred read
			most = min(most, int64(f.Limit)+fewMore)
		}
		for {
			var ids []string
			err := again(ctx, func(ctx context.Context) (err error) {
				ids, err = s.r.commands.ZRevRangeByLex(ctx, from, &redis.ZRangeBy{Max: top, Min: "-", Count: most}).Result()
				return err
			})
			if err != nil {
				yield(nil, fail("all", err))
				return
			}
			if len(ids) == 0 {
				return
			}
			top = "(" + ids[len(ids)-1]
			recs, err := s.r.recordsOf(ctx, ids, f.States)
			if err != nil {
				yield(nil, fail("all", err))
				return
			}
			for _, rec := range recs {
				if rec == nil || rec.Received.Before(f.Since) {
					continue
				}
				if !yield(rec, nil) {
					return
				}
				if given++; given == f.Limit {
					return
				}
			}
		}
	}
}

// Acts implements [alerts.Store].
func (s *Store) Acts(ctx context.Context, event alerts.ID) ([]alerts.Act, error) {
	op := "acts of " + string(event)
	var numbers []string
	err := again(ctx, func(ctx context.Context) (err error) {
		numbers, err = s.r.commands.LRange(ctx, s.r.keys.actsOf(event), 0, -1).Result()
		return err
	})
	if err != nil {
		return nil, fail(op, err)
	}
	var acts []alerts.Act
	for some := range slices.Chunk(numbers, page) {
		cmds := make([]*redis.XMessageSliceCmd, len(some))
		err := again(ctx, func(ctx context.Context) error {
			pipe := s.r.commands.Pipeline()
			for i, n := range some {
				cmds[i] = pipe.XRange(ctx, s.r.keys.acts(), n+"-0", n+"-0")
			}
			_, err := pipe.Exec(ctx)
			return err
		})
		if err != nil {
			return nil, fail(op, err)
		}
		for i, cmd := range cmds {
			if len(cmd.Val()) == 0 {
				return nil, fmt.Errorf("%s: act %s is missing", op, some[i])
			}
			act, err := readAct(cmd.Val()[0])
			if err != nil {
				return nil, fail(op, err)
			}
			acts = append(acts, act)
		}
	}
	return acts, nil
}

// ActCount is the number of acts so far, which is that of the newest.
func (s *Store) ActCount(ctx context.Context) (n int64, err error) {
	err = again(ctx, func(ctx context.Context) (err error) {
		n, err = s.r.commands.Get(ctx, s.r.keys.actSeq()).Int64()
		if errors.Is(err, redis.Nil) {
			n, err = 0, nil
		}
		return err
	})
	return n, fail("acts", err)
}

// AllActs gives every act of the authority with a number above after, oldest
// first: what the ledger is built over.
func (s *Store) AllActs(ctx context.Context, after int64) iter.Seq2[alerts.Act, error] {
	return func(yield func(alerts.Act, error) bool) {
		for {
			var entries []redis.XMessage
			err := again(ctx, func(ctx context.Context) (err error) {
				entries, err = s.r.commands.XRangeN(ctx, s.r.keys.acts(), strconv.FormatInt(after+1, 10)+"-0", "+", page).Result()
				return err
			})
			if err != nil {
				yield(alerts.Act{}, fail("acts", err))
				return
			}
			if len(entries) == 0 {
				return
			}
			for _, e := range entries {
				act, err := readAct(e)
				if !yield(act, fail("acts", err)) || err != nil {
					return
				}
				after = act.Seq
			}
		}
	}
}

func readAct(e redis.XMessage) (act alerts.Act, err error) {
	text, _ := e.Values["j"].(string)
	if err := json.Unmarshal([]byte(text), &act); err != nil {
		return act, fmt.Errorf("act %s: %w", e.ID, err)
	}
	p, _ := readPlace(e.ID)
	act.Seq = int64(p.ms)
	return act, nil
}

// record reads one record with what happened to it since it was written.
func (r *Redis) record(ctx context.Context, id alerts.ID) (rec *alerts.Record, err error) {
	var fields map[string]string
	err = again(ctx, func(ctx context.Context) (err error) {
		fields, err = r.commands.HGetAll(ctx, r.keys.record(id)).Result()
		return err
	})
	if err != nil {
		return nil, err
	}
	if fields["j"] == "" {
		return nil, alerts.ErrNotFound
	}
	return readRecord(fields)
}

// recordsOf reads many records, in their order; nil for one that is in none of
// these states (no states: all), or not there, or cannot be read.
func (r *Redis) recordsOf(ctx context.Context, ids []string, states []alerts.State) ([]*alerts.Record, error) {
	read := func(wanted []string) ([]*redis.MapStringStringCmd, error) {
		cmds := make([]*redis.MapStringStringCmd, len(wanted))
		err := again(ctx, func(ctx context.Context) error {
			pipe := r.commands.Pipeline()
			for i, id := range wanted {
				cmds[i] = pipe.HGetAll(ctx, r.keys.record(alerts.ID(id)))
			}
			_, err := pipe.Exec(ctx)
			return err
		})
		return cmds, err
	}
	if len(states) > 0 {
		narrowed, err := r.inStates(ctx, ids, states)
		if err != nil {
			return nil, err
		}
		ids = narrowed
	}
	if len(ids) == 0 {
		return nil, nil
	}
	cmds, err := read(ids)
	if err != nil {
		return nil, err
	}
	recs := make([]*alerts.Record, len(ids))
	for i, cmd := range cmds {
		if cmd.Val()["j"] == "" {
			continue
		}
		if recs[i], err = readRecord(cmd.Val()); err != nil {
			// One that cannot be read must not hide all others.
			r.unread.Add(1)
			r.log.Error("a record cannot be read and is left out", zap.String("alert", ids[i]), zap.Error(err))
			continue
		}
		if len(states) > 0 && !slices.Contains(states, recs[i].State) {
			recs[i] = nil
		}
	}
	return recs, nil
}

// inStates narrows ids to those in one of the states, without reading texts.
func (r *Redis) inStates(ctx context.Context, ids []string, states []alerts.State) ([]string, error) {
	cmds := make([]*redis.StringCmd, len(ids))
	err := again(ctx, func(ctx context.Context) error {
		pipe := r.commands.Pipeline()
		for i, id := range ids {
			cmds[i] = pipe.HGet(ctx, r.keys.record(alerts.ID(id)), "state")
		}
		if _, err := pipe.Exec(ctx); !errors.Is(err, redis.Nil) {
			return err
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	var in []string
	for i, cmd := range cmds {
		if slices.Contains(states, alerts.State(cmd.Val())) {
			in = append(in, ids[i])
		}
	}
	return in, nil
}

// readRecord merges the stored text with the fields that scripts change.
func readRecord(fields map[string]string) (*alerts.Record, error) {
	rec := new(alerts.Record)
	if err := json.Unmarshal([]byte(fields["j"]), rec); err != nil {
		if v, bad := strconv.Atoi(fields["v"]); bad == nil && v > alerts.RecordVersion {
			return nil, fmt.Errorf("%w: %w: %w", broadcast.ErrUnreadable, alerts.ErrUnavailable, err)
		}
		return nil, fmt.Errorf("%w: %w", broadcast.ErrUnreadable, err)
	}
	rec.State = alerts.State(fields["state"])
	rec.Approved = alerts.Digest(fields["approved"])
	rec.Cursor = fields["cursor"]
	rec.Closed = alerts.ID(fields["closed"])
	return rec, nil
}

// encode writes record and act as they are stored. What could not be read back
// is never stored: the error is an alerts.ErrInvalid then.
func encode(rec *alerts.Record, act alerts.Act) (j, a []byte, err error) {
	if j, err = json.Marshal(rec); err != nil {
		return nil, nil, err
	}
	if err := json.Unmarshal(j, new(alerts.Record)); err != nil {
		return nil, nil, fmt.Errorf("%w: %w", alerts.ErrInvalid, err)
	}
	a, err = json.Marshal(act)
	return j, a, err
}

func flag(b bool) string {
	if b {
		return "1"
	}
	return "0"
}

// milliseconds writes a duration as scripts take it, never below 1.
func milliseconds(d time.Duration) int64 { return max(1, d.Milliseconds()) }
