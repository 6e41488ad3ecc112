package callout

import (
	"context"
	"errors"
	"time"

	"martinella/alerts"
	"martinella/alerts/volunteers"
	"martinella/broadcast"
)

// ErrOver is the error for an act on a call that is closed, cancelled or
// expired.
var ErrOver = errors.New("the call is over")

// Store keeps calls. Every method is one write, everything or nothing, and
// blocks until it is durable. Errors wrap [alerts.ErrNotFound] for a call or
// person of it that is not there, [alerts.ErrStale] where somebody else was
// faster (read again), [ErrOver], and [alerts.ErrUnavailable] where the store
// did not answer: then it may or may not have happened, and asking again is
// safe. Times are the caller's clock; the store has none. Methods may be called
// from many goroutines and nodes.
type Store interface {
	// Open stores a new call under the next number with the legs of its first
	// wave, and appends the act. Opening the same ID again changes nothing and
	// gives what is stored.
	Open(ctx context.Context, c *volunteers.Call, legs []volunteers.Leg, act alerts.Act) (*volunteers.Call, error)

	// Call gives a call by ID.
	Call(ctx context.Context, id alerts.ID) (*volunteers.Call, error)

	// ByNumber gives a call by its number.
	ByNumber(ctx context.Context, number uint32) (*volunteers.Call, error)

	// Calls gives the newest calls, the newest first.
	Calls(ctx context.Context, most int) ([]*volunteers.Call, error)

	// Change edits a call: edit gets what is stored, again if somebody else
	// changed it meanwhile. Legs are those of a new wave; who has one already
	// keeps it. Where that ends an open call, nothing is due any more and every
	// page of the call that has not left is stopped, in the same write. The act,
	// unless nil, is appended with it. An edit that fails changes nothing, and its
	// error is given. [ErrOver] where it would open an ended call again, or bring
	// a wave into one.
	Change(ctx context.Context, id alerts.ID, legs []volunteers.Leg, act *alerts.Act, edit func(*volunteers.Call) error) (*volunteers.Call, error)

	// Answer writes down what a volunteer said and, whatever it is, stops every
	// page of theirs: nothing is due, and what has not left does not leave. The
	// same kind, minutes and note as before changes nothing and appends no act,
	// unless it confirms one more contact; those of before stay confirmed.
	// [ErrOver] once the call is over.
	Answer(ctx context.Context, id alerts.ID, number uint32, a volunteers.Answer, act alerts.Act) (Answered, error)

	// Attend edits the presence of one volunteer, also of one who was not
	// called: whoever comes is counted. It can be done until the call is
	// forgotten. edit reports whether anything changed. Where somebody arrives at
	// an open call, every page of theirs is stopped in the same write; there, and
	// where an arrival is taken back, the round in hand is lost, and the call is
	// due at once.
	Attend(ctx context.Context, id alerts.ID, number uint32, act *alerts.Act, edit func(*volunteers.Presence) (bool, error)) error

	// Hurry makes legs of an open call due at now, by number: those that wait for
	// the step that is named with them, and are not held by quiet hours. Others
	// stay as they are, and so does a round that is under way.
	Hurry(ctx context.Context, id alerts.ID, steps map[uint32]int, now time.Time) error

	// Sheet gives everybody of a call, by number.
	Sheet(ctx context.Context, id alerts.ID) ([]Entry, error)

	// OpenOf gives the open calls of a volunteer, the newest first.
	OpenOf(ctx context.Context, number uint32) ([]*volunteers.Call, error)

	// Of gives what all calls, tests of contacts too, have of one person, the
	// newest call first; nothing of anybody else.
	Of(ctx context.Context, number uint32) ([]Part, error)

	// Take gives one call to one node, until the lease ends: an open one that has
	// something due at now, or that is new or was changed or answered since the
	// last round, or one that has ended and had no round since, so that who was
	// asked to come is told. [alerts.ErrNotFound] where there is none.
	Take(ctx context.Context, now time.Time, lease time.Duration) (*Round, error)

	// Page writes what a round came to: the page leaves to those legs, each leg
	// goes to its next step, and the call is due again at next (zero: never).
	// One write: the page's record, messages and snapshot, its entry in the log
	// and the steps. Who has said something else than [Round.Answers] since the
	// round began is left out of the page, and a leg whose step is another one
	// than when the round began refuses all of it with [alerts.ErrStale], as do a
	// lease that was lost and a call that ended meanwhile. p is nil where nothing
	// leaves. The page's record is no alert: it is Restricted, its Call is the
	// call's ID, it is in no list, no event has it as its head, and only the
	// channels that it names read it.
	Page(ctx context.Context, r *Round, p *Page, legs []volunteers.Leg, next time.Time) error

	// Lag tells since when the oldest step of an open call, or its own timer as
	// the last round set it, has been due at now; 0: nothing is overdue.
	Lag(ctx context.Context, now time.Time) (time.Duration, error)

	// Forget removes a person from every call: erased, or no volunteer any more.
	Forget(ctx context.Context, number uint32) error

	// Message keeps what a volunteer wrote and nobody could read as an answer,
	// for the coordinator; Messages gives the newest 500, the oldest first.
	Message(ctx context.Context, id alerts.ID, m Message) error
	Messages(ctx context.Context, id alerts.ID) ([]Message, error)
}

// Page is what leaves in one round: the record is Restricted, its plan the
// channels of Spans.
type Page = broadcast.Publication

// Answered is what an answer changed.
type Answered struct {
	Before  *volunteers.Answer // nil: it is the first
	Changed bool
	// Unavoidable counts pages to this person that were on their way to the
	// provider when the answer came: they may still arrive.
	Unavoidable int
}

// Round is a call in the hand of one node: Legs are those that are due, at most
// [RoundSize], the longest due first.
type Round struct {
	Call *volunteers.Call
	Legs []volunteers.Leg
	// Answers are of everybody, by number: by them the round sees whether
	// enough come.
	Answers map[uint32]volunteers.Answer
	// Here are those who arrived, left, or are not there after all, by number.
	Here  map[uint32]volunteers.Presence
	Token string // of the lease
	// Halt are people to whom nothing is to leave any more of what was written
	// before: [Store.Page] stops it in the same write. Whoever pages sets it.
	Halt []uint32
}

// RoundSize is how many legs a round brings at most.
const RoundSize = 1000

// Entry is one person of a call.
type Entry struct {
	Leg      *volunteers.Leg // nil: was not called, and came
	Number   uint32
	Pages    []Paged
	Answer   *volunteers.Answer
	Presence volunteers.Presence
	// Unavoidable is the most that [Answered.Unavoidable] of their answers was.
	Unavoidable int
}

// Part is what one call has of one person.
type Part struct {
	Call *volunteers.Call
	Entry
	Messages []Message // that they wrote, the oldest first
}

// Paged is one page to a person. How it went is [broadcast.Work.Deliveries]'
// business.
type Paged struct {
	Record  alerts.ID
	Channel string
	Ordinal uint32
	At      time.Time
}

// Message is what a volunteer wrote.
type Message struct {
	Number uint32    `json:"number"`
	At     time.Time `json:"at"`
	Via    string    `json:"via"` // the channel
	Text   string    `json:"text"`
	// Doubt: it may answer another call, and they were asked which one.
	Doubt bool `json:"doubt,omitempty"`
}

// ErrToken is the error for a token that opens nothing, or nothing any more.
var ErrToken = errors.New("the link is not valid any more")
