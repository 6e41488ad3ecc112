package broadcast

import (
	"context"
	"fmt"
	"time"

	"martinella/alerts"
)

// The verbs of acts on volunteers. Such an act names the volunteer by number
// alone, as "person:<number>" in Of: the ledger is never changed, and who was
// erased must not be in it by name.
const (
	ActVolunteerAdded   = "volunteer-added"
	ActVolunteerChanged = "volunteer-changed"
	ActVolunteerErased  = "volunteer-erased"
	ActVolunteerShown   = "volunteer-shown" // the contacts, in full
	// ActListTaken is that somebody took a list that names people; its reason is
	// a [TakenList].
	ActListTaken = "list-taken"
	// ActListStored is that a list of people was imported; its reason is a
	// [TakenList] with the rows that were added or changed.
	ActListStored = "list-stored"
)

// ViaOwnPage is the way of acts that somebody did on a page of their own.
const ViaOwnPage = "own page"

// PersonID is how acts name a subscriber.
func PersonID(number uint32) string { return fmt.Sprintf("person:%d", number) }

// The lists of a [TakenList].
const (
	ListRoster      = "roster"      // of volunteers, with their contacts
	ListSubscribers = "subscribers" // all of them, with their contacts
	ListAttendance  = "attendance"  // of one call
	ListHours       = "hours"       // of all calls within a time
)

// TakenList is which list was taken, or stored, and how many rows it had.
type TakenList struct {
	List string
	Rows int
}

// String is the reason of an act: "roster: 120 rows".
func (t TakenList) String() string { return fmt.Sprintf("%s: %d rows", t.List, t.Rows) }

// NoteList appends to the ledger that a list was taken, or stored. What hands a
// list out calls it first, and hands out nothing where it fails: an entry about a
// list that did not arrive does no harm. call is that of a list about one, else
// "". It blocks until the act is durable.
func NoteList(ctx context.Context, roll Roll, by alerts.By, verb, via string, call alerts.ID, t TakenList, now time.Time) error {
	if err := roll.Note(ctx, alerts.Act{V: 1, At: now.UTC(), By: by, Verb: verb, Event: call, Reason: t.String(), Via: via}); err != nil {
		return fmt.Errorf("note that a list was read: %w", err)
	}
	return nil
}
