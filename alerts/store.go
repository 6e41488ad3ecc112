package alerts

import (
	"context"
	"iter"
	"time"
)

// Store keeps records and acts. All methods may be called from many goroutines
// and nodes at once, block until the store answered or ctx ended, and return
// an error wrapping [ErrUnavailable] when it did not.
type Store interface {
	// Intake stores a new record in state submitted, the bytes as they came and
	// the act, all or nothing, once for each (sender, identifier), for ever.
	// When the pair is known, nothing is written and the stored record comes
	// back with fresh=false; the caller compares the content digests.
	Intake(ctx context.Context, r *Record, raw []byte, act Act) (stored *Record, fresh bool, err error)

	// Get gives what id stands for: a revision's id exactly that revision or
	// the revision of its event that which asks for; [ErrNotFound] otherwise.
	Get(ctx context.Context, id ID, which Latest) (*Record, error)

	// Find gives the record of (sender, identifier), or [ErrNotFound].
	Find(ctx context.Context, sender, identifier string) (*Record, error)

	// Move changes state, warnings and approved digest of an unpublished record
	// or the state of a published one, if it is still in state from with the
	// content and approved digest that seen has; [ErrStale] otherwise.
	Move(ctx context.Context, seen *Record, to *Record, act Act) error

	// Note appends an act of the event that changes no record, once for each
	// name, for ever; first is true for the one call that wrote it.
	// [ErrNotFound] for an event that is not there.
	Note(ctx context.Context, event ID, once string, act Act) (first bool, err error)

	// Ring is Note for an act of ringing. With it, in the same moment, the ring
	// is kept until people were reached, whatever happens to this node.
	Ring(ctx context.Context, once string, r Ring, act Act) (first bool, err error)

	// Watched gives the published records that are [Record.Watched] and were
	// published at or after since, the newest first. What was published longer
	// ago than [WatchedFor] may be left out.
	Watched(ctx context.Context, since time.Time) ([]*Record, error)

	// Raw gives the bytes as they came, or [ErrNotFound].
	Raw(ctx context.Context, id ID) ([]byte, error)

	// All gives the records that pass the filter, newest first. An error ends
	// the sequence.
	All(ctx context.Context, f Filter) iter.Seq2[*Record, error]

	// Acts gives what was done to the event, oldest first.
	Acts(ctx context.Context, event ID) ([]Act, error)
}

// Latest chooses what an id stands for in [Store.Get].
type Latest int

// The values of [Latest].
const (
	Exactly   Latest = iota // the revision with this id
	Published               // the event's newest published revision, or its only one
	Newest                  // the event's newest revision, published or not
)

// Filter chooses records; its zero value chooses all.
type Filter struct {
	States []State
	Since  time.Time // received at or after
	Limit  int       // 0: no limit
}

// Publisher renders and publishes. It is implemented by broadcast.
type Publisher interface {
	// Prepare renders every channel of the record's plan (all configured ones
	// where Channels is nil), and fills Channels, Areas, Reach, Approved and
	// the warnings of channels that cannot carry it. It sends and stores
	// nothing. Rendering fails a channel, never the alert.
	Prepare(ctx context.Context, r *Record) error

	// Publish makes the approved record public, all or nothing: state issued,
	// rendered messages, head of the event, the earlier revision closed, act,
	// log entry. It sets Published, Cursor and, for an own alert, sent. It
	// fails with [ErrStale] if the record is no longer as given or another
	// revision was published in between, and with [ErrNotDurable] for an
	// Actual that the store would not keep.
	Publish(ctx context.Context, r *Record, act Act) error
}
