package callout

import (
	"time"

	"martinella/alerts"
	"martinella/alerts/volunteers"
)

// Draft is a call as a coordinator writes it, before it is opened. ID makes
// sending the form twice one call.
type Draft struct {
	ID       alerts.ID // "": a new one
	Alert    alerts.ID
	Exercise bool
	Urgent   bool
	What     string
	Where    string
	Point    *alerts.Point
	Meet     time.Time
	Until    time.Time
	Bring    string
	Needs    []volunteers.Need
	Referent volunteers.Referent
	Choice   volunteers.Choice
	Second   volunteers.Second
}

// Suggestion is whom a call would page.
type Suggestion struct {
	Needed  int                       // all needs together
	Called  int                       // in the first wave
	Asleep  int                       // of them, whose first page waits for the end of their quiet hours
	Skilled []Skilled                 // by need, in its order
	Left    map[volunteers.Reason]int // who is not called, and why
	Kinds   map[string]int            // by the first contact that would be tried
}

// Skilled is how many a need finds.
type Skilled struct {
	volunteers.Need
	Found  int // who has the skill and can be called now
	Called int // of them, in the first wave
}

// View is a call as a coordinator sees it.
type View struct {
	Call     *volunteers.Call
	Needs    []volunteers.Filled // by need, in its order
	People   []Seen              // coming by arrival, then maybe, no answer, cannot
	Messages []Message
	// Called, Coming, Perhaps, Cannot, Silent and Arrived count people.
	Called, Coming, Perhaps, Cannot, Silent, Arrived int
	// Unavoidable counts pages that were on their way when their answer came.
	Unavoidable int
	Next        int    // how many a further wave is proposed to call; 0: nobody is missing
	Cursor      string // changes whenever anything here does
}

// Seen is one volunteer in a [View].
type Seen struct {
	Entry
	Name string // "" of who was erased
	// Organisation is that of the profile, for the attendance sheet.
	Organisation string
	Phone        string // E.164; "" without one
	Skill        string // the need that they fill; "" for anybody, and for who fills none
	Fills        bool   // counts for a need
	Spare        bool   // comes, and every need that they could fill is met
	Expect       time.Time
	Also         []string // the codes of other open calls to which they come; nil on a board
	// Held is until when quiet hours hold their next page back, zero where none
	// do. Undisturbed: they were not paged at all before the call ended.
	Held        time.Time
	Undisturbed bool
	// Overdue: they were there, and have given no sign of life for too long.
	Overdue bool
}

// OwnCall is a call as one volunteer sees it; it names no other one.
type OwnCall struct {
	Call     *volunteers.Call
	Number   uint32
	Name     string
	Language string
	Answer   *volunteers.Answer
	Presence volunteers.Presence
	Fills    bool // their coming counts
	Spare    bool // they come, and every need that they could fill is met
	Needed   int  // all needs together
	Coming   int  // who counts for them
	Full     bool
}
