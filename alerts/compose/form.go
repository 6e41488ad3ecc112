package compose

import (
	"slices"
	"time"

	"martinella/alerts"
	"martinella/alerts/lint"
	"martinella/alerts/templates"
)

// Version is the form of [Form.V] that this program writes.
const Version = 1

// Form is what a person writes, as it was typed. It is plain JSON data: it is
// kept as a draft, also while half of it is missing. The zero value is an empty
// form; [New] begins one.
type Form struct {
	V        int               `json:"v"`
	Template string            `json:"template,omitempty"` // id of a templates.Template; "" none
	Values   map[string]string `json:"values,omitempty"`   // of the template's placeholders but {until}

	Status     alerts.Status         `json:"status"` // Actual, Exercise or Test
	Severity   alerts.Severity       `json:"severity,omitempty"`
	Urgency    alerts.Urgency        `json:"urgency,omitempty"`
	Certainty  alerts.Certainty      `json:"certainty,omitempty"`
	Categories []alerts.Category     `json:"category,omitempty"`
	Responses  []alerts.ResponseType `json:"response,omitempty"`

	From  string `json:"from,omitempty"`  // as typed, see [ParseTime]; "": from now on
	Until string `json:"until,omitempty"` // as typed

	Codes      []alerts.Value `json:"codes,omitempty"`      // areas by code: ISTAT 047014, a zone
	Shapes     []Shape        `json:"shapes,omitempty"`     // areas that were drawn
	EventCodes []alerts.Value `json:"event_code,omitempty"` // of the record that it was made from
	Files      []File         `json:"files,omitempty"`      // pictures; their words are in Text.Alts

	Channels []string `json:"channels"` // configured names; nil: all that the author may use

	Texts []Text `json:"texts,omitempty"` // the authority's language first

	// Filled is what the template put into the texts last, see [Fill]: by it a
	// later filling knows which words the person wrote. Keep it with the form.
	Filled []Text `json:"filled,omitempty"`

	Changes  alerts.ID `json:"changes,omitempty"`  // the published revision that this Update replaces; "" a new event
	Corrects alerts.ID `json:"corrects,omitempty"` // the returned or recalled record that this takes the place of; "" none
	Warning  string    `json:"warning,omitempty"`  // key of the official warning that it was opened from; "" none
	Ticked   bool      `json:"ticked,omitempty"`   // the person ticked what the lint found
}

// Text is the words of one language.
type Text struct {
	Language    string            `json:"language"`         // RFC 3066
	Source      string            `json:"source,omitempty"` // who warns; "": the authority, which channels add
	Event       string            `json:"event,omitempty"`
	Headline    string            `json:"headline,omitempty"`
	Description string            `json:"description,omitempty"` // the hazard and what it does
	Where       string            `json:"where,omitempty"`       // the place in words; "": the names of the codes
	Instruction string            `json:"instruction,omitempty"` // one step a line
	Web         string            `json:"web,omitempty"`
	Contact     string            `json:"contact,omitempty"`
	Changed     string            `json:"changed,omitempty"`   // of an Update: what is different; see alerts.ChangedParameter
	Own         map[string]string `json:"own,omitempty"`       // own words for a channel's name, its kind or an audience
	Alts        []string          `json:"alts,omitempty"`      // of Form.Files, by index
	Parameters  []alerts.Value    `json:"parameter,omitempty"` // others, of the record that it was made from
}

// Shape is a drawn area: a ring or a circle, exactly one of the two.
type Shape struct {
	Polygon alerts.Polygon `json:"polygon,omitempty"` // degrees
	Circle  *alerts.Circle `json:"circle,omitempty"`  // degrees, kilometres
}

// File is a file that belongs to the alert; see alerts.Resource.
type File struct {
	Type   string `json:"type"` // MIME
	URI    string `json:"uri,omitempty"`
	Size   int64  `json:"size,omitempty"` // bytes
	Digest string `json:"digest,omitempty"`
}

// Context is what is known besides the form.
type Context struct {
	Authority alerts.Authority
	Zone      *time.Location // of the times that people type and read; nil: UTC
	Languages []string       // that an alert should have, the authority's first; nil: the authority's alone
	Now       time.Time

	// Previous is the published revision that Form.Changes names; nil of a new
	// event. Earlier says which record Form.Corrects names.
	Previous *alerts.Record
	Earlier  *alerts.Record
	// Warning is the official warning that Form.Warning names; nil without one.
	Warning *alerts.Alert

	NewID     func(now time.Time) alerts.ID // the desk's; nil leaves the identifier to be filled, see [Form.Alert]
	Templates []templates.Template
	Areas     Gazetteer    // nil knows no area
	Words     lint.Context // what the lint needs; Previous and Languages are set from the above
}

// Gazetteer names areas. See [Named] for one over alerts/areas.
type Gazetteer interface {
	// Place gives the area with this code.
	Place(code string) (Place, bool)
	// Search gives at most so many areas whose name or code a person may mean,
	// the nearest first. Case and accents count for nothing.
	Search(text string, most int) []Place
}

// Place is a named area.
type Place struct {
	Code   alerts.Value
	Name   string
	Parent string // name of the area that it belongs to; "" where not known
}

// Finding is what the lint says of the form. Field is the form's
// ("texts[0].headline"), the offsets are those of its text without needless space.
type Finding struct {
	lint.Hit
	Channel string // that cannot carry the text; "" of the lint's own
}

// Failure is a channel that cannot carry the alert, and why.
type Failure struct {
	Channel string
	Reason  string
}

// TooLong is the code of a [Finding] that comes from a [Failure].
const TooLong lint.Code = "too_long"

// Kind says which side of a difference a [Piece] is on.
type Kind string

// The values of [Kind].
const (
	Same    Kind = "same"
	Removed Kind = "removed"
	Added   Kind = "added"
)

// Piece is part of a difference. The pieces that are not Added join to the text
// before, those that are not Removed to the text after.
type Piece struct {
	Kind Kind   `json:"kind"`
	Text string `json:"text"`
}

// Change is one field that differs between two forms. Field is a path as in
// [Finding]; the texts of a language are found by the language, so that its
// index is that of the form after, or of the one before where it is gone.
type Change struct {
	Field    string  `json:"field"`
	Language string  `json:"language,omitempty"`
	Before   string  `json:"before"`
	After    string  `json:"after"`
	Words    []Piece `json:"words"`
}

// Element is one of the five that every warning has.
type Element string

// The values of [Element], in the order in which a message says them.
const (
	Source Element = "source"
	Hazard Element = "hazard"
	Where  Element = "place"
	Action Element = "action"
	Until  Element = "time"
)

// Item is one line of a [Checklist].
type Item struct {
	Element Element
	Field   string // of the form, where it is written (the first language that lacks it)
	There   bool   // in every language
}

// Checklist says which of the five elements are there, in the order of a message.
type Checklist []Item

// Complete reports whether nothing is missing. What is missing keeps an alert
// from leaving only where [Form.Alert] says so too.
func (l Checklist) Complete() bool {
	return !slices.ContainsFunc(l, func(i Item) bool { return !i.There })
}
