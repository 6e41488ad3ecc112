package broadcast

import (
	"context"
	"errors"
	"iter"
	"strconv"
	"strings"
	"time"

	"martinella/alerts"
	"martinella/channels"
)

// Cursor is a place in the log: opaque to everybody but the store, written
// "<epoch>-<ms>-<seq>". The epoch changes when the log was made anew, so that
// a cursor never points into another history.
type Cursor string

// place splits a cursor; ok is false for what is none.
func (c Cursor) place() (epoch string, ms, seq uint64, ok bool) {
	rest, last, found := cutLast(string(c))
	epoch, first, found2 := cutLast(rest)
	ms, err := strconv.ParseUint(first, 10, 64)
	seq, err2 := strconv.ParseUint(last, 10, 64)
	return epoch, ms, seq, found && found2 && epoch != "" && err == nil && err2 == nil
}

func cutLast(s string) (before, after string, found bool) {
	i := strings.LastIndexByte(s, '-')
	if i < 0 {
		return "", s, false
	}
	return s[:i], s[i+1:], true
}

// Reached reports whether c is at or past other in the same epoch.
func (c Cursor) Reached(other Cursor) bool {
	epoch, ms, seq, ok := c.place()
	epoch2, ms2, seq2, ok2 := other.place()
	return ok && ok2 && epoch == epoch2 && (ms > ms2 || ms == ms2 && seq >= seq2)
}

// ErrGone is the error for a cursor that the log no longer reaches back to, or
// that belongs to another epoch: load everything again.
var ErrGone = errors.New("the cursor is too old")

// Entry is one published change: the record as it was published; or what was seen
// at an event, with the event's newest published record, which it does not change.
type Entry struct {
	Cursor Cursor
	Record *alerts.Record
	Sitrep *alerts.Sitrep // as it stands now; nil for a change of the record
}

// Log carries published changes, in one order for all. Its methods may be
// called from many goroutines.
type Log interface {
	// Head gives the cursor of the newest entry, also for an empty log.
	Head(ctx context.Context) (Cursor, error)

	// After gives up to max entries after c, oldest first, without waiting and
	// without pages to volunteers; fewer than max only at the end of the log.
	// ErrGone when c is too old or of another epoch. An empty c is the start
	// of what the log holds.
	After(ctx context.Context, c Cursor, max int) ([]Entry, error)

	// Tail gives the entries after c as they come and blocks in between, until
	// ctx ends or the caller stops. Losing the store does not end it: it yields
	// the error once, comes back by itself, yields an entry without a record
	// once it reads again, and goes on without a gap. Pages to volunteers are in
	// the log for their channels alone: in their place comes an entry without a
	// record, which moves the cursor.
	Tail(ctx context.Context, c Cursor) iter.Seq2[Entry, error]
}

// Publication is the one write that makes an alert public.
type Publication struct {
	Record   *alerts.Record // as it will be stored: state issued, Published and Approved set
	Act      alerts.Act
	Messages []channels.Message // of every channel, in the order of Spans
	Spans    []Span
	Failures map[string]string // channel: why it could not render
}

// Span says which ordinals of a channel get which message. Ordinals run from 0
// within an alert and channel: one for a public post, one for each recipient
// of a snapshot. Several spans of one channel follow on one another.
type Span struct {
	Channel string `json:"channel"`
	Message int    `json:"message"` // index into Messages
	From    uint32 `json:"from"`
	To      uint32 `json:"to"` // exclusive
	// People are the recipients of [From, To) by number; nil for public posts.
	People []uint32 `json:"-"`
}

// Publisher is the store's side of publishing.
type Publisher interface {
	// Publish writes everything or nothing: it compares the stored state
	// (submitted), content and approved digest with p.Record, and the event's
	// head with p.Record.Supersedes; then it stores the record with its cursor,
	// closes the earlier revision (superseded, cancelled or ended), stops the
	// earlier revision's unsent deliveries on the channels that carry the new
	// one, stores messages, spans and snapshots, appends the act and the log
	// entry. It fills p.Record.Cursor. alerts.ErrStale when the comparison
	// fails; an error wrapping alerts.ErrUnavailable when the store did not
	// answer: then it may or may not have happened, and asking again is safe.
	Publish(ctx context.Context, p *Publication) error
}

// Durability is what the store promises.
type Durability struct {
	Mode     string        // "always", "everysec", "no", "memory", "unknown"
	Durable  bool          // an accepted alert survives kill -9 and power loss
	Accepted bool          // a weaker mode that the configuration accepts by name
	Memory   bool          // nothing is kept: Actual is refused
	Skew     time.Duration // this node's clock ahead of the store's
	Reason   string        // for people, where not durable

	Replicas  int // that have what was accepted, as [Replicating]
	Wanted    int // that each answer waits for; 0: none
	Following int // that follow the store now; -1: not known
}

// Replicated reports whether as many replicas follow as each answer waits for:
// then what is accepted survives the loss of the machine as well.
func (d Durability) Replicated() bool { return d.Wanted > 0 && d.Following >= d.Wanted }

// Work opens the queues of channels and tells about deliveries.
type Work interface {
	// Queue opens the queue of one channel for this node. It creates the
	// channel's group at the current end of the log if the channel is new, so
	// that history is never sent again.
	Queue(ctx context.Context, channel string) (Queue, error)

	// Deliveries gives the state of every channel of the alert's revision, in
	// plan order.
	Deliveries(ctx context.Context, alert alerts.ID) ([]Delivery, error)

	// Durability reports what the store promises now.
	Durability(ctx context.Context) (Durability, error)
}

// Replicating is a [Work] that knows at every moment how many replicas have
// what was accepted until two seconds ago; 0 where that is not known, or where
// no answer waits for any. It does not block and may be called from many
// goroutines.
type Replicating interface{ ReplicasAcked() int }
