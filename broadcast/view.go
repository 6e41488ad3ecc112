package broadcast

import (
	"slices"
	"time"

	"martinella/alerts"
)

// Standing is where an event stands for who reads a page.
type Standing string

// The values of [Standing].
const (
	StandingActive    Standing = "active"
	StandingLapsed    Standing = "lapsed" // expired, and nobody has said that it is over (DECISIONS 3)
	StandingCancelled Standing = "cancelled"
	StandingEnded     Standing = "ended"
)

// Shown is how long an event stays on the pages after a Cancel or an all-clear
// (MISSION, Conventions), and one below Severe after its expiry. A Severe or
// Extreme stays until somebody says that it is over (DECISIONS 3).
const Shown = 48 * time.Hour

// Happening is one event at a time: its newest published revision.
type Happening struct {
	Record   *alerts.Record // shared: never changed
	Standing Standing
}

// View is what the board knew at one cursor. It never changes and may be read
// from many goroutines; so must nobody change the records in it.
type View struct {
	Cursor Cursor
	heads  []*alerts.Record             // newest first
	ids    map[alerts.ID]*alerts.Record // by event and by the newest revision
}

// Now gives the events that a page shows at now, the newest first: all that
// are active or lapsed, and what was closed within [Shown].
func (v *View) Now(now time.Time) []Happening {
	var all []Happening
	for _, r := range v.heads {
		if !forgotten(r, now) {
			all = append(all, Happening{Record: r, Standing: standing(r, now)})
		}
	}
	return all
}

// Get gives the event by its id or the id of its newest revision.
func (v *View) Get(id alerts.ID, now time.Time) (Happening, bool) {
	r, ok := v.ids[id]
	if !ok {
		return Happening{}, false
	}
	return Happening{Record: r, Standing: standing(r, now)}, true
}

// Calm reports whether a page may say that there is no alert: nothing is
// active in earnest, and no Severe or Extreme has lapsed without an all-clear.
// Exercises and tests do not count.
func (v *View) Calm(now time.Time) bool {
	for _, r := range v.heads {
		if r.Alert.Practice() {
			continue
		}
		switch standing(r, now) {
		case StandingActive:
			return false
		case StandingLapsed:
			if r.Alert.Severity().Rank() >= alerts.SeveritySevere.Rank() {
				return false
			}
		}
	}
	return true
}

func standing(r *alerts.Record, now time.Time) Standing {
	switch {
	case r.Change == alerts.ChangeCancelled || r.State == alerts.StateCancelled:
		return StandingCancelled
	case r.Change == alerts.ChangeEnded || r.State == alerts.StateEnded:
		return StandingEnded
	case r.State == alerts.StateLapsed:
		return StandingLapsed
	}
	if end := r.Alert.Expires(); !end.IsZero() && !now.Before(end) {
		return StandingLapsed
	}
	return StandingActive
}

// forgotten reports whether the event no longer belongs on the pages of now:
// closed or lapsed long ago, or an exercise whose time is over.
func forgotten(r *alerts.Record, now time.Time) bool {
	switch standing(r, now) {
	case StandingCancelled, StandingEnded:
		return now.Sub(r.Published) > Shown
	case StandingLapsed:
		end := r.Alert.Expires()
		return r.Alert.Practice() || (r.Alert.Severity().Rank() < alerts.SeveritySevere.Rank() && now.Sub(end) > Shown)
	}
	return false
}

// with is the view after the records at cursor. What is not for everybody is
// left out, and so is an event whose newest revision is not; what was closed
// long ago is forgotten.
func (v *View) with(cursor Cursor, now time.Time, records ...*alerts.Record) *View {
	next := &View{Cursor: cursor, ids: make(map[alerts.ID]*alerts.Record, len(v.ids)+2)}
	newest := make(map[alerts.ID]*alerts.Record, len(v.heads)+len(records))
	for _, r := range v.heads {
		newest[r.Event] = r
	}
	for _, r := range records {
		if r == nil || r.Alert == nil || !r.State.Published() {
			continue
		}
		if have := newest[r.Event]; have == nil || r.Revision >= have.Revision {
			newest[r.Event] = r
		}
	}
	for event, r := range newest {
		if !Public(r) || forgotten(r, now) {
			continue
		}
		next.heads = append(next.heads, r)
		next.ids[event], next.ids[r.ID] = r, r
	}
	slices.SortFunc(next.heads, func(a, b *alerts.Record) int {
		if c := b.Published.Compare(a.Published); c != 0 {
			return c
		}
		return compareID(b.ID, a.ID)
	})
	return next
}

func compareID(a, b alerts.ID) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}
