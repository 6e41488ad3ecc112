package rdb

import (
	"context"
	"errors"
	"iter"
	"time"

	"github.com/redis/go-redis/v9"
	"go.uber.org/zap"

	"martinella/alerts"
	"martinella/broadcast"
)

// Log is the stream of published changes.
type Log struct{ r *Redis }

var _ broadcast.Log = (*Log)(nil)

// Log gives the log.
func (r *Redis) Log() *Log { return &Log{r} }

// blocked is how long a reader waits in Redis before it looks around.
const blocked = time.Second

// Head implements [broadcast.Log].
func (l *Log) Head(ctx context.Context) (broadcast.Cursor, error) {
	epoch, head, _, err := l.r.bounds(ctx)
	if err != nil {
		return "", fail("head of the log", err)
	}
	l.r.saw(head.String())
	return newCursor(epoch, head.String()), nil
}

// After implements [broadcast.Log].
func (l *Log) After(ctx context.Context, c broadcast.Cursor, most int) ([]broadcast.Entry, error) {
	epoch, from, err := l.from(ctx, c)
	if err != nil {
		return nil, fail("read the log", err)
	}
	var out []broadcast.Entry
	for len(out) < most { // behind pages there may be more
		want := most - len(out)
		var entries []redis.XMessage
		err = again(ctx, func(ctx context.Context) (err error) {
			next := place{from.ms, from.seq + 1} // no exclusive ranges in miniredis; sequence numbers never reach their end
			entries, err = l.r.commands.XRangeN(ctx, l.r.keys.log(), next.String(), "+", int64(want)).Result()
			return err
		})
		if err != nil {
			return nil, fail("read the log", err)
		}
		some, err := l.r.entries(ctx, epoch, l.r.withoutPages(entries))
		if err != nil {
			return nil, fail("read the log", err)
		}
		out = append(out, some...)
		if len(entries) < want {
			break
		}
		from, _ = readPlace(entries[len(entries)-1].ID)
	}
	return out, nil
}

// withoutPages leaves out pages to volunteers, which only their channels read.
func (r *Redis) withoutPages(in []redis.XMessage) (out []redis.XMessage) {
	for _, m := range in {
		if r.saw(m.ID); m.Values["call"] == nil {
			out = append(out, m)
		}
	}
	return out
}

// from checks a cursor and gives the place after which to read.
func (l *Log) from(ctx context.Context, c broadcast.Cursor) (epoch string, from place, err error) {
	epoch, head, floor, err := l.r.bounds(ctx)
	if err != nil || c == "" {
		return epoch, place{}, err
	}
	wanted, from, ok := readCursor(c)
	if !ok || wanted != epoch || head.before(from) || from.before(floor) {
		return epoch, from, broadcast.ErrGone
	}
	return epoch, from, nil
}

// Tail implements [broadcast.Log]. [broadcast.ErrGone] ends it.
func (l *Log) Tail(ctx context.Context, c broadcast.Cursor) iter.Seq2[broadcast.Entry, error] {
	return func(yield func(broadcast.Entry, error) bool) {
		var epoch string
		var from place
		checked, down := false, false
		for ctx.Err() == nil {
			var err error
			if !checked {
				epoch, from, err = l.from(ctx, c)
			}
			var entries []broadcast.Entry
			if err == nil {
				checked = true
				entries, err = l.wait(ctx, epoch, from)
			}
			if errors.Is(err, broadcast.ErrGone) {
				yield(broadcast.Entry{}, fail("tail the log", err))
				return
			}
			if err != nil {
				if ctx.Err() != nil {
					return
				}
				checked = false
				if !down && !yield(broadcast.Entry{}, fail("tail the log", err)) {
					return
				}
				down = true
				pause(ctx, 200*time.Millisecond)
				continue
			}
			if down && !yield(broadcast.Entry{Cursor: c}, nil) { // an idle log too says that it is read again
				return
			}
			down = false
			for _, e := range entries {
				c = e.Cursor
				_, from, _ = readCursor(c)
				if !yield(e, nil) {
					return
				}
			}
			if c == "" { // nothing yet, but from now on the place is known
				c = newCursor(epoch, from.String())
			}
		}
	}
}

// wait reads what comes after a place; nothing within a second is no error. Where
// the newest are pages, or of no kind that is known here, an entry without a
// record tells how far it read.
func (l *Log) wait(ctx context.Context, epoch string, from place) (entries []broadcast.Entry, err error) {
	if now := l.r.epoch.Load(); now != nil && *now != epoch {
		return nil, broadcast.ErrGone // the log was made anew while we read
	}
	reading, cancel := context.WithTimeout(ctx, blocked+time.Second)
	defer cancel()
	streams, err := l.r.reader.XRead(reading, &redis.XReadArgs{Streams: []string{l.r.keys.log(), from.String()}, Count: page, Block: blocked}).Result()
	if errors.Is(err, redis.Nil) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if err := l.chained(ctx, epoch, from, streams[0].Messages); err != nil {
		return nil, err
	}
	if entries, err = l.r.entries(ctx, epoch, l.r.withoutPages(streams[0].Messages)); err != nil {
		return nil, err
	}
	past := newCursor(epoch, streams[0].Messages[len(streams[0].Messages)-1].ID)
	if len(entries) == 0 || entries[len(entries)-1].Cursor != past {
		entries = append(entries, broadcast.Entry{Cursor: past})
	}
	return entries, nil
}

// chained checks that what follows a place really followed it: after a failover
// the log may lack what was read, and have gone on since. Then all cursors are
// gone, here and on every other node.
func (l *Log) chained(ctx context.Context, epoch string, from place, next []redis.XMessage) error {
	if len(next) == 0 || from == (place{}) {
		return nil
	}
	after, _ := next[0].Values["after"].(string)
	if p, ok := readPlace(after); !ok || p == from { // older programs did not write it
		return nil
	}
	if err := l.r.renewEpochFor(ctx, from.String()); err != nil {
		return err
	}
	if now := l.r.epoch.Load(); now != nil && *now != epoch {
		return broadcast.ErrGone
	}
	return nil
}

// entries reads the records that log entries name. An entry of a kind that is not
// known here is left out.
func (r *Redis) entries(ctx context.Context, epoch string, in []redis.XMessage) ([]broadcast.Entry, error) {
	ids := make([]string, 0, len(in))
	for _, m := range in {
		r.saw(m.ID)
		if id, _ := m.Values["id"].(string); id != "" {
			ids = append(ids, id)
		}
	}
	recs, err := r.recordsOf(ctx, ids, nil)
	if err != nil {
		return nil, err
	}
	var out []broadcast.Entry
	for _, m := range in {
		e := broadcast.Entry{Cursor: newCursor(epoch, m.ID)}
		id, _ := m.Values["id"].(string)
		switch _, seen := m.Values["sitrep"]; {
		case id != "":
			if e.Record, recs = recs[0], recs[1:]; e.Record != nil {
				asPublished(e.Record)
			}
		case seen:
			if e.Record, e.Sitrep, err = r.reported(ctx, m); err != nil {
				return nil, err
			}
		default:
			continue
		}
		if e.Record == nil {
			r.log.Error("the log names what is not there", zap.String("alert", id), zap.String("entry", m.ID))
			continue
		}
		out = append(out, e)
	}
	return out, nil
}

// asPublished undoes what happened to a record after it was published: an
// entry tells of its own moment.
func asPublished(rec *alerts.Record) { rec.State, rec.Closed = alerts.StateIssued, "" }

// pause waits for d or until ctx ends.
func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

// missing says that entries were deleted while they were pending: somebody
// trimmed the stream by hand.
func (r *Redis) missing(stream string, n int) {
	if n <= 0 {
		return
	}
	r.lost.Add(int64(n))
	r.log.Error("entries were deleted while they were pending", zap.String("stream", stream), zap.Int("entries", n))
}
