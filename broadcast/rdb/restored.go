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
	"martinella/broadcast/backup"
)

const (
	// restoredNumbers is how far the numbers of people jump: those given after the
	// copy are in links that are out there, and must never be another person's.
	restoredNumbers = 100_000
	// ofStore is what acts about the whole store are indexed under.
	ofStore = "store"
)

// ErrRestoring is the error of [Open] where a copy was being brought back into
// the store, and that did not come to its end.
var ErrRestoring = errors.New("a backup was being restored into this store and not all of it is there")

// RestoringDir is the folder within a data directory in which a copy is brought
// back; the embedded server does not start beside it.
const RestoringDir = "restoring"

// Held is a channel of an alert that was still being sent when the copy was made.
type Held struct {
	Alert   alerts.ID
	Channel string
	Unsure  int // recipients of whom nobody knows whether they got it after the copy
}

// Restored is what a store is like after it was brought back.
type Restored struct {
	Held    []Held
	InForce []*alerts.Record // published and not expired; one may have been ended after the copy
	Waiting []*alerts.Record // not decided on; one may have been published after the copy
	Calls   int              // calls to volunteers that are open: nothing more goes out for them by itself
	Erased  int              // people who were erased after the copy, and are so again
}

// Restored makes a store that was brought back from a copy safe to run. Nothing
// that the copy shows as not yet sent leaves by itself: whether it left after the
// copy nobody knows, so it is uncertain, which a person may release, and then the
// platforms that can be asked are asked first. Cursors of pages are gone, leases
// and jobs of former nodes as well, and everybody must sign in again. erased are
// the numbers of people who were erased up to the loss. The same call again
// changes nothing. No gateway may run on the store.
func (r *Redis) Restored(ctx context.Context, at backup.Restored, erased []uint32) (out Restored, err error) {
	const op = "make the restored store safe"
	steps := []func(context.Context) error{
		func(ctx context.Context) error { return r.unsureAll(ctx, at, &out) },
		r.emptyLanes,
		func(ctx context.Context) error { return r.haltCalls(ctx, &out) },
		func(ctx context.Context) error { return r.eraseAgain(ctx, erased, &out) },
		r.forgetNodes,
		func(ctx context.Context) error { return r.enterRestored(ctx, at) },
	}
	for _, step := range steps {
		if err := step(ctx); err != nil {
			return out, fail(op, err)
		}
	}
	return out, nil
}

// unsureAll goes through all that was ever published, alerts and pages of calls.
func (r *Redis) unsureAll(ctx context.Context, at backup.Restored, out *Restored) error {
	ids, err := r.commands.ZRange(ctx, r.keys.records(), 0, -1).Result()
	if err != nil {
		return err
	}
	calls, err := r.commands.ZRange(ctx, r.keys.calls(), 0, -1).Result()
	if err != nil {
		return err
	}
	for _, call := range calls {
		pages, err := r.commands.HKeys(ctx, r.keys.callPages(alerts.ID(call))).Result()
		if err != nil {
			return err
		}
		ids = append(ids, pages...)
	}
	reason := "the gateway was restored from a copy of " + at.Of.UTC().Format("2006-01-02 15:04") + " UTC: it may have left after it"
	for some := range slices.Chunk(ids, page) {
		records, err := r.recordsOf(ctx, some, nil)
		if err != nil {
			return err
		}
		for i, rec := range records {
			if rec == nil {
				continue
			}
			names, err := r.planned(ctx, alerts.ID(some[i]))
			if err != nil && !errors.Is(err, redis.Nil) {
				return err
			}
			for _, name := range names {
				n, err := r.unsure(ctx, rec, name, reason)
				if err != nil {
					return err
				}
				if n > 0 {
					out.Held = append(out.Held, Held{rec.ID, name, n})
				}
			}
			switch {
			case rec.Call != "":
			case rec.State == alerts.StateIssued && rec.Alert.Expires().After(at.At):
				out.InForce = append(out.InForce, rec)
			case rec.State == alerts.StateSubmitted:
				out.Waiting = append(out.Waiting, rec)
			}
		}
	}
	return nil
}

// unsure looks at one channel of one alert.
func (r *Redis) unsure(ctx context.Context, rec *alerts.Record, channel, reason string) (unsure int, err error) {
	k := r.keys
	tally, err := r.commands.HGetAll(ctx, k.tally(rec.ID, channel)).Result()
	if err != nil {
		return 0, err
	}
	total, _ := strconv.Atoi(tally["n"])
	settled := 0
	for s := broadcast.Accepted; s <= broadcast.Suppressed; s++ {
		n, _ := strconv.Atoi(tally["s"+strconv.Itoa(int(s))])
		settled += n
	}
	if settled >= total && tally["delayed"] == "" {
		return 0, nil
	}
	there, err := r.commands.Exists(ctx, k.states(rec.ID, channel)).Result()
	if err != nil || settled > 0 && there == 0 { // its states are past their time: nothing is known any more, and nothing sent
		return 0, err
	}
	for from := 0; from < total; from += resendWindow {
		n, err := r.repeat(ctx, r.scripts.unsure, []string{k.tally(rec.ID, channel), k.states(rec.ID, channel), k.reasons(rec.ID, channel)},
			from, min(total, from+resendWindow), milliseconds(keptFor(rec)), reason).Int()
		if err != nil {
			return unsure, err
		}
		unsure += n
	}
	return unsure, nil
}

// emptyLanes takes the jobs away and has every channel begin behind the log: what
// stands in it was planned, or is unsure.
func (r *Redis) emptyLanes(ctx context.Context) error {
	k := r.keys
	names, err := r.commands.HKeys(ctx, k.starts()).Result()
	if err != nil {
		return err
	}
	var gone []string
	for _, name := range names {
		gone = append(gone, k.lane(name, laneUrgent), k.lane(name, laneNormal), k.delayed(name))
	}
	if len(gone) > 0 {
		if err := r.commands.Del(ctx, gone...).Err(); err != nil {
			return err
		}
	}
	last, err := r.commands.XRevRangeN(ctx, k.log(), "+", "-", 1).Result()
	if err != nil || len(last) == 0 {
		return err
	}
	groups, err := r.commands.XInfoGroups(ctx, k.log()).Result()
	if err != nil {
		return err
	}
	for _, g := range groups {
		consumers, err := r.commands.XInfoConsumers(ctx, k.log(), g.Name).Result()
		if err != nil {
			return err
		}
		for _, c := range consumers {
			if err := r.commands.XGroupDelConsumer(ctx, k.log(), g.Name, c.Name).Err(); err != nil {
				return err
			}
		}
		if err := r.commands.XGroupSetID(ctx, k.log(), g.Name, last[0].ID).Err(); err != nil {
			return err
		}
	}
	for _, name := range names { // a group that is lost is made again here
		if err := r.commands.HSet(ctx, k.starts(), name, last[0].ID).Err(); err != nil {
			return err
		}
	}
	return nil
}

// haltCalls has no call go on by itself: who is paged next may have been. Rings
// to staff end as well.
func (r *Redis) haltCalls(ctx context.Context, out *Restored) error {
	k := r.keys
	open, err := r.commands.ZRange(ctx, k.callsOpen(), 0, -1).Result()
	if err != nil {
		return err
	}
	for _, id := range open {
		if err := r.commands.Del(ctx, k.callDue(alerts.ID(id))).Err(); err != nil {
			return err
		}
		if err := r.commands.ZRem(ctx, k.callsDue(), id).Err(); err != nil {
			return err
		}
	}
	out.Calls = len(open)
	return r.commands.Del(ctx, k.ringsDue()).Err()
}

// eraseAgain erases who was erased after the copy, and gives no number twice.
func (r *Redis) eraseAgain(ctx context.Context, erased []uint32, out *Restored) (err error) {
	if out.Erased, err = r.People().EraseAll(ctx, erased, nil, nil); err != nil {
		return err
	}
	last, err := r.commands.Get(ctx, r.keys.peopleSeq()).Int64()
	if err != nil && !errors.Is(err, redis.Nil) {
		return err
	}
	for _, n := range erased {
		last = max(last, int64(n))
	}
	return r.commands.Set(ctx, r.keys.peopleSeq(), min(last+restoredNumbers, 1<<32-1), 0).Err()
}

// forgetNodes takes away who lived then: nodes with their leases, sessions and
// open invitations (one that was withdrawn or used after the copy must not come
// back), and the log's epoch, so that every cursor of before is gone.
func (r *Redis) forgetNodes(ctx context.Context) error {
	k := r.keys
	gone := []string{k.nodes(), k.epoch(), k.rewriteTurn()}
	for _, pattern := range []string{k.lease("*"), k.session("*"), k.sessionsOf("*"), k.tag + "ticket:*", k.tag + "tickets:*", k.feedTurn("*"), k.backupTurn("*"), k.listenTurn("*")} {
		for cursor := uint64(0); ; {
			names, next, err := r.commands.Scan(ctx, cursor, pattern, 1000).Result()
			if err != nil {
				return err
			}
			gone = append(gone, names...)
			if cursor = next; cursor == 0 {
				break
			}
		}
	}
	for some := range slices.Chunk(gone, 1000) {
		if err := r.commands.Del(ctx, some...).Err(); err != nil {
			return err
		}
	}
	return nil
}

// enterRestored writes it into the ledger, once for each restoring.
func (r *Redis) enterRestored(ctx context.Context, at backup.Restored) error {
	doc, err := json.Marshal(at)
	if err != nil {
		return err
	}
	act, err := json.Marshal(alerts.Act{V: 1, At: at.At, By: alerts.By{ID: "restore", Name: "martinella restore"}, Verb: "restored",
		Reason: fmt.Sprintf("from a copy of %s with %d acts", at.Of.UTC().Format(time.RFC3339), at.Acts)})
	if err != nil {
		return err
	}
	k := r.keys
	return r.repeat(ctx, r.scripts.enter, []string{k.acts(), k.actSeq(), k.actsOf(ofStore), k.restored()}, act, doc).Err()
}

// LastRestored tells when this store was last brought back; zero where never.
func (r *Redis) LastRestored(ctx context.Context) (at backup.Restored, err error) {
	var doc []byte
	err = again(ctx, func(ctx context.Context) (err error) {
		doc, err = r.commands.Get(ctx, r.keys.restored()).Bytes()
		return err
	})
	if errors.Is(err, redis.Nil) {
		return at, nil
	}
	if err == nil {
		err = json.Unmarshal(doc, &at)
	}
	return at, fail("when the store was restored", err)
}
