package sms

import (
	"math"
	"time"

	"martinella/channels"
)

// Estimate is what an author is told of a text before it leaves.
type Estimate struct {
	Text     string            `json:"text"` // as it would be sent
	Encoding channels.Encoding `json:"encoding"`
	Units    int               `json:"units"` // septets, or UTF-16 units, without the headers that join parts
	Parts    int               `json:"parts"` // what is paid for, for each recipient
	Left     int               `json:"left"`  // units that still fit into the last part
	TooLong  bool              `json:"too_long,omitempty"`

	// Changes are the characters that are written otherwise to save SavedParts
	// parts; Kept says that the contract does not allow it, so that they are
	// not, and the parts would be saved if it did.
	Changes    []channels.Replacement `json:"changes,omitempty"`
	SavedParts int                    `json:"saved_parts,omitempty"`
	Kept       bool                   `json:"kept,omitempty"`

	// Forcing are the characters that GSM-7 can write in no way, each once: they
	// make every part hold 67 instead of 153. At most [mostForcing] are named.
	Forcing []string `json:"forcing,omitempty"`

	price Money
	rate  float64
}

const mostForcing = 10

// Estimate says how a text would travel and what its spelling saves. It is
// pure; texts of any length and content are taken.
func (t Text) Estimate(text string) Estimate {
	other, changes := channels.Transliterate(text)
	saved := partsOf(text) - partsOf(other)
	e := Estimate{Text: text, price: t.Price, rate: t.Rate}
	if saved > 0 {
		e.Changes, e.SavedParts, e.Kept = changes, saved, !t.Transliterate
		if t.Transliterate {
			e.Text = other
		}
	}
	encoding, segments := channels.Segments(e.Text)
	e.Encoding, e.Parts = encoding, len(segments)
	for _, s := range segments {
		e.Units += s.Units
	}
	alone, part := sizes(encoding)
	if e.Left = alone - e.Units; e.Parts > 1 {
		e.Left = part - segments[len(segments)-1].Units
	}
	e.TooLong = e.Parts > t.maxParts()
	if encoding == channels.UCS2 {
		e.Forcing = channels.Foreign(e.Text, mostForcing)
	}
	return e
}

// Cost is what the text costs for so many recipients; known is false where the
// contract's price is not configured.
func (e Estimate) Cost(recipients int) (cost Money, known bool) {
	return e.price.Times(e.Parts, recipients), e.price > 0
}

// Last is when the last of so many recipients' texts leaves at the contract's
// speed, counted from the first; 0 where the speed is not limited.
func (e Estimate) Last(recipients int) time.Duration {
	if e.rate <= 0 || recipients <= 0 {
		return 0
	}
	seconds := float64(e.Parts) * float64(recipients) / e.rate
	if seconds >= math.MaxInt64/float64(time.Second) {
		return math.MaxInt64
	}
	return time.Duration(seconds * float64(time.Second))
}
