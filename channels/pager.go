package channels

import (
	"time"

	"martinella/alerts"
)

// Pager is an [Addressed] channel that can page volunteers of a call-out, or a
// place where practice is written down once for all of them.
type Pager interface {
	// RenderPage writes a page in its language in the form that the channel's
	// recipients read: within one message where they are paid for by parts. It
	// is pure, like Render; Channel, Audience, Alert, Event, Revision, Change,
	// Severity and Expires are the caller's. An error means that it cannot be
	// said here.
	RenderPage(p Page) (Message, error)
}

// Page is what a volunteer is told of a call-out. Times are in the authority's
// zone.
type Page struct {
	Kind      PageKind
	Language  string // RFC 3066; of the words around what the coordinator wrote
	Authority string // "PC Valdemo"
	Code      string // of the call: "V-0417"
	What      string
	Where     string
	Meet      time.Time
	Until     time.Time
	Bring     string
	Words     string // of who ended the call; "": none
	Link      string // the volunteer's own page of this call: {person.link}, and what stands before it; "": none
	Exercise  bool   // ESERCITAZIONE stands first
	Urgent    bool
	Event     alerts.ID // of the call: what belongs together on a telephone's screen
	// At is when it is written. A short text leaves the day of Meet out only
	// where At, Meet and Until are on one day: see [Page.NamesDay]. Zero: the
	// day is always named.
	At time.Time
}

// PageKind is what a page is for.
type PageKind string

// The values of [PageKind].
const (
	PageCall      PageKind = "call"      // can you come?
	PageFilled    PageKind = "filled"    // enough come, thank you
	PageNeeded    PageKind = "needed"    // a place is free again: can you come after all? Who said yes is counted on
	PageClosed    PageKind = "closed"    // it is done, thank you
	PageCancelled PageKind = "cancelled" // nobody is needed: do not set out
	PageTest      PageKind = "test"      // a test of contacts: nothing is wrong, say that it arrived
)

// AudienceVolunteers is the audience of pages.
const AudienceVolunteers = "volunteers"
