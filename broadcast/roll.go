package broadcast

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"

	"martinella/alerts"
)

// Member is a subscriber with everything that is kept of one, as it is sealed.
type Member struct {
	Number uint32 `json:"-"`
	Subscriber
	// Stopped are the kinds of contact that the person does not want to be
	// written to at, and since when. A list that is imported again does not
	// change it: only the person does.
	Stopped map[string]time.Time `json:"stopped,omitempty"`
	// Asked is when a sign-up was asked to be confirmed.
	Asked time.Time `json:"asked,omitzero"`
	// Reached is when a volunteer last answered a test of contacts or a call,
	// Silent when the first test began since which they answered nothing; zero:
	// never. Like Stopped, no list changes them.
	Reached time.Time `json:"reached,omitzero"`
	Silent  time.Time `json:"silent,omitzero"`
}

// Reachable gives the address of a kind, "" where the person has none, said
// STOP there, or has not confirmed its own sign-up yet.
func (m *Member) Reachable(kind string) string {
	if _, stopped := m.Stopped[kind]; stopped || m.Consent == ConsentAsked {
		return ""
	}
	return m.Contacts[kind]
}

// Open is the subscriber with those contacts only that are not stopped: what
// [Selection.Concerns] is asked about, so that who stopped the preferred
// contact is reached at the next one.
func (m *Member) Open() Subscriber {
	s := m.Subscriber
	s.Contacts = make(map[string]string, len(m.Contacts))
	for kind, address := range m.Contacts {
		if _, stopped := m.Stopped[kind]; !stopped {
			s.Contacts[kind] = address
		}
	}
	return s
}

// Listing is a person as a list gives it.
type Listing struct {
	Subscriber Subscriber
	Stopped    []string // kinds of contact that are stopped, besides those that are already
	// Silent are the columns of which the list says nothing: see [Listing.Merge].
	Silent []string
}

// EntryOutcome is what became of an entry.
type EntryOutcome string

// The outcomes of an entry.
const (
	EntryAdded     EntryOutcome = "added"
	EntryChanged   EntryOutcome = "changed"
	EntryUnchanged EntryOutcome = "unchanged"
	EntryConflict  EntryOutcome = "conflict" // its contacts belong to several people: nothing was changed
)

// Entered is an entry with the person that it is of; 0 where it was not stored.
type Entered struct {
	Number  uint32
	Outcome EntryOutcome
}

// Roll is what those who keep the list of subscribers ask of the store, besides
// what sending asks of [People]. Its methods may be called from many goroutines
// and block until what they changed is durable.
type Roll interface {
	People

	// Enter adds or updates many at once, each by the contacts that it has; with
	// dry it only says what would become of them. The slice has the length of
	// entries. After an error some may be stored: entering them again changes
	// nothing more.
	Enter(ctx context.Context, entries []Listing, dry bool) ([]Entered, error)

	// All gives everybody by number, read page by page. What cannot be opened is
	// an error, after which it goes on.
	All(ctx context.Context) iter.Seq2[Member, error]

	// Member gives one person, alerts.ErrNotFound where there is none.
	Member(ctx context.Context, number uint32) (*Member, error)

	// Change edits one person: edit is called with what is stored, again if
	// somebody else changed it meanwhile, and tells whether it changed anything.
	// The act, unless nil, is appended together with the change.
	Change(ctx context.Context, number uint32, act *alerts.Act, edit func(*Member) (bool, error)) error

	// EraseAll removes people for good: all of them, or those of whom only says
	// so at the moment of erasing. Numbers of nobody are passed over. The act,
	// unless nil, is appended together with each removal, about "person:<number>".
	// It gives how many were removed.
	EraseAll(ctx context.Context, numbers []uint32, act *alerts.Act, only func(*Member) bool) (int, error)

	// Note appends an act that changes nobody, once: that a list which names
	// people was read. The call may be repeated by the store, never the act.
	Note(ctx context.Context, act alerts.Act) error

	// Unlist takes one address off a person: one that is no more. A person who
	// has no other is erased. It reports whether anything changed: nothing where
	// the contact is another one by now, or nobody's. The act is appended
	// together with the change.
	Unlist(ctx context.Context, number uint32, kind, address string, act alerts.Act) (bool, error)

	// Volunteers gives everybody of the audience of volunteers, by number, without
	// addresses: each contact is "*", and those that are stopped are in Stopped as
	// well. The members are shared and must not be changed. The first call after a
	// start opens every volunteer, later ones those who changed.
	Volunteers(ctx context.Context) ([]*Member, error)

	// Unconfirmed are the numbers of those who signed up and wait to confirm.
	Unconfirmed(ctx context.Context) ([]uint32, error)

	// MAC is a keyed code over a text: only this authority can make it.
	MAC(text []byte) []byte
}

func (m *Member) stop(kind string, since time.Time) {
	if m.Stopped == nil {
		m.Stopped = map[string]time.Time{}
	}
	m.Stopped[kind] = since
}

// Unlist takes an address off the roll that the platform says is no more: a
// browser that unsubscribed. It holds at once, also within an alert that is
// being sent. The act says of whom (by number), which kind of contact and by
// which channel, so that the authority sees whom it can no longer warn there.
// It gives the number and whether anything changed: doing it again, and an
// address that nobody has by now, are no errors.
func Unlist(ctx context.Context, roll Roll, kind, address, via string, now time.Time) (uint32, bool, error) {
	number, err := roll.Lookup(ctx, kind, address)
	if errors.Is(err, alerts.ErrNotFound) {
		return 0, false, nil
	}
	var changed bool
	if err == nil {
		changed, err = roll.Unlist(ctx, number, kind, address, alerts.Act{V: 1, At: now.UTC().Truncate(time.Second),
			By: alerts.By{ID: fmt.Sprintf("person:%d", number)}, Verb: "gone", Reason: kind, Via: via})
	}
	if err != nil {
		return 0, false, fmt.Errorf("unlist an address: %w", err)
	}
	return number, changed, nil
}

// SubscriberVersion is the stored format of [Subscriber] and [Member].
const SubscriberVersion = 1

// Kinds are the kinds of contact of the person, sorted.
func (m *Member) Kinds() []string {
	kinds := make([]string, 0, len(m.Contacts))
	for kind := range m.Contacts {
		kinds = append(kinds, kind)
	}
	slices.Sort(kinds)
	return kinds
}

// Clone is a copy that shares nothing with m.
func (m *Member) Clone() (*Member, error) {
	b, err := json.Marshal(m)
	if err != nil {
		return nil, err
	}
	c := new(Member)
	err = json.Unmarshal(b, c)
	c.Number = m.Number
	return c, err
}
