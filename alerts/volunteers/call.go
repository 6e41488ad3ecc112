package volunteers

import (
	"slices"
	"strings"
	"time"

	"martinella/alerts"
)

// Call is one call-out: what is to be done, where, when, and whom it needs. Its
// store keeps it sealed, since it names people.
type Call struct {
	V        int       `json:"v"`
	ID       alerts.ID `json:"id"`              // a ULID; acts of the ledger have it as their event
	Number   uint32    `json:"number"`          // of this authority, never reused: see [Call.Code]
	Alert    alerts.ID `json:"alert,omitempty"` // the event that it hangs on; "": it stands alone
	Revision int64     `json:"revision"`        // grows with every change of the call; the store sets it
	Exercise bool      `json:"exercise,omitempty"`
	// Test: nobody is needed, everybody is only asked whether their contacts work.
	// It has no needs, no meeting, one wave, and is never urgent.
	Test   bool `json:"test,omitempty"`
	Urgent bool `json:"urgent,omitempty"` // quiet hours do not hold it, and it travels in the urgent lane

	What     string        `json:"what"`  // "Sacchi di sabbia in via del Ponte"
	Where    string        `json:"where"` // the meeting point in words
	Point    *alerts.Point `json:"point,omitempty"`
	Meet     time.Time     `json:"meet"`  // when to be there
	Until    time.Time     `json:"until"` // when it is expected to be over; nobody is paged from then on
	Bring    string        `json:"bring,omitempty"`
	Needs    []Need        `json:"needs"`
	Referent Referent      `json:"referent"`
	Choice   Choice        `json:"choice"`
	Second   Second        `json:"second"`

	State  State     `json:"state"`
	Opened time.Time `json:"opened"`
	By     alerts.By `json:"by"`
	Ended  time.Time `json:"ended,omitzero"`
	EndBy  alerts.By `json:"end_by,omitzero"`
	Words  string    `json:"words,omitempty"` // of who ended it: thanks, or why it was cancelled
	Waves  []Wave    `json:"waves"`

	Activation Activation `json:"activation,omitzero"`

	// Filled is when the last need was met; zero while somebody is missing.
	Filled time.Time `json:"filled,omitzero"`
	// Short is when it was noticed that too few come, [Second.After] after the
	// newest wave; a new wave clears it.
	Short time.Time `json:"short,omitzero"`

	// Stopped is when the last need was met the last time, also where somebody is
	// missing again: who was called before is asked no more, but for Asked.
	Stopped time.Time `json:"stopped,omitzero"`
	// Reserve are those who come and were not needed when somebody last looked.
	Reserve []uint32 `json:"reserve,omitempty"`
	// Gaps counts how often a place became free again: after the call was full, or
	// one that a reserve takes. Freed is when the newest did, Lacking how many each
	// need missed then, none while the call is full. Again are those who are told
	// of that gap, Asked all who were asked since the call was full.
	Gaps    int       `json:"gaps,omitempty"`
	Freed   time.Time `json:"freed,omitzero"`
	Lacking []int     `json:"lacking,omitempty"`
	Again   []uint32  `json:"again,omitempty"`
	Asked   []uint32  `json:"asked,omitempty"`
}

// Version is the stored format of [Call], [Leg], [Answer] and [Presence].
const Version = 1

// State is where a call stands.
type State string

// The values of [State].
const (
	StateOpen      State = "open"
	StateClosed    State = "closed"    // it is done: who came is thanked
	StateCancelled State = "cancelled" // nobody is needed after all
	StateExpired   State = "expired"   // Until passed and nobody ended it
)

// Need is how many people with a skill are wanted; Skill "" is anybody.
type Need struct {
	Skill  string `json:"skill"`
	People int    `json:"people"`
}

// Referent is who leads on the spot; the telephone stands on the volunteers'
// pages.
type Referent struct {
	Name  string `json:"name"`
	Phone string `json:"phone,omitempty"` // E.164
}

// Choice says who is called. People who have no needed skill are never called
// where every need names one.
type Choice struct {
	Groups  []string `json:"groups,omitempty"`  // any of them; none: every group
	Areas   []string `json:"areas,omitempty"`   // home in any of them; none: everywhere
	Nearest bool     `json:"nearest,omitempty"` // those who live nearest to Point first; else in a fair order
	// Times is how many are called for each one that is needed; 0: [DefaultTimes].
	Times float64 `json:"times,omitempty"`
}

// DefaultTimes is how many are called for one who is needed: departments report
// that about one in four comes.
const DefaultTimes = 4

// Second is what happens when too few have said that they come (DECISIONS 11).
type Second struct {
	After time.Duration `json:"after"`          // since the newest wave; 0: never asked
	Auto  bool          `json:"auto,omitempty"` // calls the next ones by itself; else the coordinator is asked
	Most  int           `json:"most,omitempty"` // people in all automatic waves together; 0: as many as the first wave
}

// Wave is people who were called together.
type Wave struct {
	At     time.Time `json:"at"`
	People int       `json:"people"`
	By     alerts.By `json:"by"`
}

// Leg is how far the calling of one volunteer is: the contacts are tried one
// after the other, each a step, until there is an answer.
type Leg struct {
	Number uint32    `json:"number"`
	Wave   int       `json:"wave"` // from 0
	Kinds  []string  `json:"kinds"`
	Step   int       `json:"step"`         // the next one; len(Kinds): all were tried
	Due    time.Time `json:"due,omitzero"` // of Step; zero: nothing is due any more
	Begun  time.Time `json:"begun"`        // when the wave began
	// Held is until when quiet hours hold the next step back; zero once it fired,
	// or where none did.
	Held time.Time `json:"held,omitzero"`
}

// Answer is what a volunteer said.
type Answer struct {
	Kind    AnswerKind `json:"kind"`
	Minutes int        `json:"minutes,omitempty"` // until they are there, 1 to 1440; 0: not said
	At      time.Time  `json:"at"`
	Via     string     `json:"via"`            // page, sms, telegram, voice, desk
	Note    string     `json:"note,omitempty"` // what else they wrote: "al lavoro"
	// Contacts are the kinds of contact that a test has confirmed, in that order,
	// with spaces between.
	Contacts string `json:"contacts,omitempty"`
	// Since is when they first said that they come, where an earlier answer said
	// so and they have not said since that they cannot: see [Answer.First].
	Since time.Time `json:"since,omitzero"`
}

// First is when they said that they come, for the order of who fills a need:
// who only says another time or note keeps their place.
func (a Answer) First() time.Time {
	if a.Since.IsZero() {
		return a.At
	}
	return a.Since
}

// With is an answer after an earlier one: contacts that were confirmed stay so,
// and so does the place of who said before that they come, unless one of the two
// is [Cannot].
func (a Answer) With(before Answer) Answer {
	switch {
	case a.Kind == Cannot || before.Kind == Cannot:
		a.Since = time.Time{}
	case before.Kind == Coming:
		a.Since = before.First()
	default:
		a.Since = before.Since
	}
	both := strings.Fields(before.Contacts)
	for kind := range strings.FieldsSeq(a.Contacts) {
		if !slices.Contains(both, kind) {
			both = append(both, kind)
		}
	}
	a.Contacts = strings.Join(both, " ")
	return a
}

// Says reports whether two answers say the same, whenever and however they came.
func (a Answer) Says(b Answer) bool {
	return a.Kind == b.Kind && a.Minutes == b.Minutes && a.Note == b.Note && a.Contacts == b.Contacts
}

// AnswerKind is yes, perhaps or no.
type AnswerKind string

// The values of [AnswerKind].
const (
	Coming AnswerKind = "coming"
	Maybe  AnswerKind = "maybe"
	Cannot AnswerKind = "cannot"
)

// Presence is when a volunteer was there, as they or the coordinator said.
type Presence struct {
	Arrived time.Time `json:"arrived,omitzero"`
	Left    time.Time `json:"left,omitzero"`
	// Safe is the newest sign of life between the two: see the welfare timer.
	Safe time.Time `json:"safe,omitzero"`
	// Corrections are those of coordinators, the oldest first.
	Corrections []Correction `json:"corrections,omitempty"`
}

// Empty reports whether nothing was ever noted.
func (p Presence) Empty() bool {
	return p.Arrived.IsZero() && p.Left.IsZero() && p.Safe.IsZero() && len(p.Corrections) == 0
}

// Mark is what is written into a [Presence].
type Mark string

// The values of [Mark].
const (
	MarkArrived Mark = "arrived"
	MarkSafe    Mark = "safe" // still there and well
	MarkLeft    Mark = "left"
	MarkUndo    Mark = "undo" // takes the newest of them back
)

// Reason is why somebody is not called.
type Reason string

// The values of [Reason].
const (
	ReasonNoSkill   Reason = "skill"    // has none that is needed, or its certificate has ended
	ReasonGroup     Reason = "group"    // in none of the groups
	ReasonArea      Reason = "area"     // at home elsewhere
	ReasonAway      Reason = "away"     // not available when people meet
	ReasonQuiet     Reason = "quiet"    // has quiet hours until people meet, or shortly before, and the call is not urgent
	ReasonNoContact Reason = "contact"  // no contact that could be tried
	ReasonEnough    Reason = "enough"   // could be called: kept for the next wave
	ReasonBusy      Reason = "busy"     // comes to another open call
	ReasonFar       Reason = "distance" // nearest first, nobody knows where they live, and others are enough
)

// Filled is how far a need is met.
type Filled struct {
	Need
	Coming int // who comes and counts for it
	Maybe  int // who may come and could fill it
}
