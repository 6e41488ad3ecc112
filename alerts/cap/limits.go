package cap

import "errors"

// Limits bound what is read before it is parsed.
type Limits struct {
	Bytes      int // of the whole message
	Depth      int // of nested elements (or JSON values)
	Attributes int // on one element, namespace declarations included
	Elements   int // in the whole message (or JSON values)
}

// Submit is for one alert that a stranger or a key sends: the largest of the
// real alerts that were looked at has 28 kB, 358 elements and depth 10.
var Submit = Limits{Bytes: 256 << 10, Depth: 16, Attributes: 32, Elements: 4000}

// Container is for feeds: real ones reach 392 kB and 6,029 elements. Each alert
// inside must still pass Submit.
var Container = Limits{Bytes: 2 << 20, Depth: 24, Attributes: 32, Elements: 50_000}

// National is for a configured national source: real messages of 1.7 MB exist.
var National = Limits{Bytes: 8 << 20, Depth: 16, Attributes: 32, Elements: 400_000}

// Why a message is not read at all. Each comes wrapped with what was found.
var (
	ErrTooLarge  = errors.New("the message is too large")
	ErrMalformed = errors.New("the message is not well-formed")
	ErrUnsafe    = errors.New("the message holds what is never needed in an alert")
)
