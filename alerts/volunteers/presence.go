package volunteers

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// ErrOrder is the error for a mark that cannot follow those that are there:
// somebody leaves who never came, or is safe after they left.
var ErrOrder = errors.New("this cannot follow what was noted before")

// lag is how far the clock of one node may be behind that of another one: a mark
// that is so much older than the one before it was made at the same time.
const lag = 2 * time.Minute

// Set writes a mark that was made at that time, and reports whether anything
// changed: the same mark twice is one. It is [ErrOrder] that changes nothing
// where the mark cannot follow those that are there; somebody who left and comes
// again takes the leaving back with [MarkUndo].
func (p *Presence) Set(m Mark, at time.Time) (changed bool, err error) {
	if of, undo := strings.CutPrefix(string(m), string(MarkUndo)); undo {
		if of != "" && of != "-"+string(p.last()) {
			return false, nil // it was taken back before, or something came after it
		}
		return p.undo(), nil
	}
	if at.IsZero() {
		return false, fmt.Errorf("mark %q: %w: it has no time", m, ErrOrder)
	}
	if newest := p.newest(); at.Before(newest) {
		if newest.Sub(at) > lag {
			return false, fmt.Errorf("mark %q: %w", m, ErrOrder)
		}
		at = newest
	}
	there := !p.Arrived.IsZero() && p.Left.IsZero()
	switch {
	case m == MarkArrived && p.Arrived.IsZero():
		p.Arrived = at
	case m == MarkSafe && there && at.After(p.Safe):
		p.Safe = at
	case m == MarkLeft && there:
		p.Left = at
	case m == MarkArrived && there, m == MarkSafe && there, m == MarkLeft && !p.Left.IsZero():
		return false, nil
	default:
		return false, fmt.Errorf("mark %q: %w", m, ErrOrder)
	}
	return true, nil
}

// Undo is the mark that takes this one back where it is the newest, and changes
// nothing where it is not: tapped twice, it takes one mark back. [MarkUndo]
// itself takes back whatever is the newest.
func (m Mark) Undo() Mark { return MarkUndo + "-" + m }

// last is the newest mark, "" where there is none.
func (p Presence) last() Mark {
	switch {
	case !p.Left.IsZero():
		return MarkLeft
	case !p.Safe.IsZero():
		return MarkSafe
	case !p.Arrived.IsZero():
		return MarkArrived
	}
	return ""
}

// undo takes the newest mark back. Of several signs of life only the newest is
// known: without it, the arrival counts.
func (p *Presence) undo() bool {
	switch {
	case !p.Left.IsZero():
		p.Left = time.Time{}
	case !p.Safe.IsZero():
		p.Safe = time.Time{}
	case !p.Arrived.IsZero():
		p.Arrived = time.Time{}
	default:
		return false
	}
	return true
}

// newest is the time of the newest mark; zero where there is none.
func (p Presence) newest() time.Time {
	at := p.Arrived
	for _, other := range []time.Time{p.Safe, p.Left} {
		if other.After(at) {
			at = other
		}
	}
	return at
}

// Overdue reports whether somebody who is there has given no sign of life for
// longer than the welfare span; a span of 0 asks for none.
func (p Presence) Overdue(now time.Time, welfare time.Duration) bool {
	return welfare > 0 && !p.Arrived.IsZero() && p.Left.IsZero() && now.Sub(p.newest()) > welfare
}

// Time is how long somebody was there: until they left, else until the call was
// over or, while it is not, until now.
func (p Presence) Time(c *Call, now time.Time) time.Duration {
	if p.Arrived.IsZero() {
		return 0
	}
	end, _ := p.end(c, now)
	return max(end.Sub(p.Arrived), 0)
}

// end is when they left, as far as anybody knows; noted where they or the
// coordinator said so.
func (p Presence) end(c *Call, now time.Time) (at time.Time, noted bool) {
	switch {
	case !p.Left.IsZero():
		return p.Left, true
	case !c.Ended.IsZero() && c.Ended.Before(now):
		at = c.Ended
	default:
		at = now
	}
	if at.Before(p.Arrived) {
		at = p.Arrived
	}
	return at, false
}
