package volunteers

import (
	"slices"
	"time"
)

// Late is how long after its time a step may still fire once people have met. One
// that is later is dropped then: after an outage nobody is woken by what was meant
// for another hour. Before they meet it is put off.
const Late = 30 * time.Minute

// The waits after a step. A push that is not seen within a minute is on a
// telephone that lies elsewhere (LOOK section 10).
const (
	waitPush  = 60 * time.Second
	waitOther = 5 * time.Minute
)

// Wait is how long an answer is waited for after a step over a kind of contact,
// before the next one is tried. The kind is that of the address ("push",
// "phone", "email", "telegram"); "webpush" is read as "push".
func Wait(kind string) time.Duration {
	if kind == "push" || kind == "webpush" {
		return waitPush
	}
	return waitOther
}

// NewLeg is a volunteer who is to be called from begun on, by those kinds of
// contact in that order; a kind that stands twice is tried once. Nothing is due
// where there is no kind.
func NewLeg(number uint32, wave int, kinds []string, begun time.Time) Leg {
	l := Leg{Number: number, Wave: wave, Begun: begun, Kinds: make([]string, 0, len(kinds))}
	for _, k := range kinds {
		if k != "" && !slices.Contains(l.Kinds, k) {
			l.Kinds = append(l.Kinds, k)
		}
	}
	if len(l.Kinds) > 0 {
		l.Due = begun
	}
	return l
}

// Turn says what to do with a leg at now, and how it stands afterwards:
//
//   - kind is not "": the step fires over it, and the next one, if there is one,
//     is due [Wait] from now on. late: it was due more than [Late] ago;
//   - late alone: the step was due more than [Late] ago, and people meet at meet,
//     which is not after now. It is dropped and nothing fires; the next step, if
//     there is one, is due at once, as its own time begins only now;
//   - neither: nothing is due yet, or any more, and next is the same leg.
//
// Whether the call is still open, and whether they answered, is the caller's to
// know: see [Call.Paging].
func (l Leg) Turn(now, meet time.Time) (kind string, late bool, next Leg) {
	if l.Due.IsZero() || l.Due.After(now) {
		return "", false, l
	}
	if l.Step < 0 || l.Step >= len(l.Kinds) {
		return "", false, l.stopped()
	}
	kind, late = l.Kinds[l.Step], now.Sub(l.Due) > Late
	next = l
	next.Step++
	next.Due = now
	if !late || now.Before(meet) {
		next.Due, next.Held = now.Add(Wait(kind)), time.Time{}
	} else {
		kind = ""
	}
	if next.Step == len(l.Kinds) {
		next = next.stopped()
	}
	return kind, late, next
}

// Hold puts a leg off until then, since its person has quiet hours.
func (l Leg) Hold(until time.Time) Leg {
	l.Due, l.Held = until, until
	return l
}

// stopped is the leg with nothing due any more.
func (l Leg) stopped() Leg {
	l.Due = time.Time{}
	return l
}
