package channels

import (
	"math"
	"time"

	"martinella/alerts"
)

// Estimator tells an author what a record's texts would cost on the channel,
// and what is written otherwise than it was typed, before anything is approved.
type Estimator interface {
	// Estimate gives one for each message of Render, in its order. Like Render
	// it is pure, with the same errors.
	Estimate(r *alerts.Record) ([]Estimate, error)
}

// Estimate is what an author is told of a text that is paid for by its parts.
type Estimate struct {
	Language string   `json:"language,omitempty"`
	Text     string   `json:"text"` // as it would be sent
	Encoding Encoding `json:"encoding"`
	Units    int      `json:"units"` // septets, or UTF-16 units, without the headers that join parts
	Parts    int      `json:"parts"` // what is paid for, for each recipient
	Left     int      `json:"left"`  // units that still fit into the last part
	TooLong  bool     `json:"too_long,omitempty"`

	// Changes are the characters that are written otherwise to save SavedParts
	// parts; Kept says that the contract does not allow it, so that they are
	// not, and the parts would be saved if it did.
	Changes    []Replacement `json:"changes,omitempty"`
	SavedParts int           `json:"saved_parts,omitempty"`
	Kept       bool          `json:"kept,omitempty"`

	// Forcing are characters that GSM-7 can write in no way, each once: they make
	// every part hold 67 instead of 153. Not more than ten are named.
	Forcing []string `json:"forcing,omitempty"`

	Copies int     `json:"copies,omitempty"` // further ones that are paid for too: a flash copy
	Price  Money   `json:"-"`                // of one part; 0: not known
	Rate   float64 `json:"-"`                // parts a second by contract; 0: not limited
}

// all is how many parts each recipient costs.
func (e Estimate) all() int { return e.Parts * (1 + e.Copies) }

// Cost is what the text costs for so many recipients; known is false where the
// contract's price is not configured.
func (e Estimate) Cost(recipients int) (cost Money, known bool) {
	return e.Price.Times(e.all(), recipients), e.Price > 0
}

// Last is when the last of so many recipients' texts leaves at the contract's
// speed, counted from the first; 0 where the speed is not limited.
func (e Estimate) Last(recipients int) time.Duration {
	if e.Rate <= 0 || recipients <= 0 {
		return 0
	}
	seconds := float64(e.all()) * float64(recipients) / e.Rate
	if seconds >= math.MaxInt64/float64(time.Second) {
		return math.MaxInt64
	}
	return time.Duration(seconds * float64(time.Second))
}
