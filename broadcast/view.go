package broadcast

import (
	"maps"
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

// Holds reports whether the danger of the event goes on, as far as anybody has
// said: lapsed is not over.
func (s Standing) Holds() bool { return s == StandingActive || s == StandingLapsed }

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
	heads  []*alerts.Record               // newest first
	seen   map[alerts.ID][]*alerts.Sitrep // by event, in the order in which they came; shared between views
	pruned time.Time                      // when what is forgotten was last left out
	codes  *codes                         // shared between views: it only grows
}

// pruneEvery is how often a view leaves out what is forgotten; what is read
// from it never holds any.
const pruneEvery = time.Minute

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
	for _, r := range v.heads {
		if r.Event == id || r.ID == id {
			return Happening{Record: r, Standing: standing(r, now)}, !forgotten(r, now)
		}
	}
	return Happening{}, false
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
// long ago is forgotten. An alert in the log costs one pass over the heads.
func (v *View) with(cursor Cursor, now time.Time, records ...*alerts.Record) *View {
	newest := make(map[alerts.ID]*alerts.Record, len(records))
	for _, r := range records {
		if r == nil || r.Alert == nil || !r.State.Published() {
			continue
		}
		if have := newest[r.Event]; have == nil || r.Revision >= have.Revision {
			newest[r.Event] = r
		}
	}
	next := &View{Cursor: cursor, heads: make([]*alerts.Record, 0, len(v.heads)+len(newest)), seen: v.seen, pruned: v.pruned, codes: v.codes}
	prune := now.Sub(v.pruned) >= pruneEvery || now.Before(v.pruned)
	if prune {
		next.pruned = now
	}
	for _, r := range v.heads {
		if fresh := newest[r.Event]; fresh != nil {
			if fresh.Revision >= r.Revision {
				continue
			}
			delete(newest, r.Event) // it came late
		}
		if !prune || !forgotten(r, now) {
			next.heads = append(next.heads, r)
		}
	}
	fresh := make([]*alerts.Record, 0, len(newest))
	for _, r := range newest {
		if Public(r) && !forgotten(r, now) {
			fresh = append(fresh, r)
		}
	}
	slices.SortFunc(fresh, newestFirst)
	next.heads = merge(next.heads, fresh)
	if prune {
		next.seen = maps.Clone(next.seen)
		maps.DeleteFunc(next.seen, func(event alerts.ID, _ []*alerts.Sitrep) bool { return !next.Holds(event) })
	}
	return next
}

// Coded gives the revisions with this code, as [alerts.CodeOf] writes it, of
// all that were ever published for everybody, the oldest first. Several have
// the same code now and then.
func (v *View) Coded(code string) []alerts.ID { return v.codes.of(code) }

// Holds reports whether the view knows the event: then [View.Sitreps] gives all
// that was seen there.
func (v *View) Holds(event alerts.ID) bool {
	return slices.ContainsFunc(v.heads, func(r *alerts.Record) bool { return r.Event == event })
}

// Sitreps gives what was seen at an event that [View.Get] finds, in the order in
// which it came, withdrawn reports too. Nobody changes them.
func (v *View) Sitreps(event alerts.ID) []*alerts.Sitrep { return v.seen[event] }

// reported is the view after a report at cursor, new or withdrawn.
func (v *View) reported(cursor Cursor, s *alerts.Sitrep) *View {
	next := *v
	next.Cursor = cursor
	if !v.Holds(s.Event) {
		return &next
	}
	all := slices.Clone(v.seen[s.Event])
	at := slices.IndexFunc(all, func(have *alerts.Sitrep) bool { return have.ID == s.ID })
	if at >= 0 {
		all[at] = s
	} else {
		all = append(all, s)
	}
	for i, old := range all {
		if s.Replaces != "" && old.ID == s.Replaces && old.Withdrawn == nil {
			replaced := *old
			replaced.Withdrawn = &alerts.Withdrawal{By: s.Author, At: s.Posted, Replaced: s.ID}
			all[i] = &replaced
		}
	}
	next.seen = maps.Clone(v.seen)
	if next.seen == nil {
		next.seen = map[alerts.ID][]*alerts.Sitrep{}
	}
	next.seen[s.Event] = all
	return &next
}

// merge puts the fresh records into their places among the heads.
func merge(heads, fresh []*alerts.Record) []*alerts.Record {
	if len(fresh) > 8 {
		heads = append(heads, fresh...)
		slices.SortFunc(heads, newestFirst)
		return heads
	}
	for _, r := range fresh {
		at, _ := slices.BinarySearchFunc(heads, r, newestFirst)
		heads = slices.Insert(heads, at, r)
	}
	return heads
}

func newestFirst(a, b *alerts.Record) int {
	if c := b.Published.Compare(a.Published); c != 0 {
		return c
	}
	return compareID(b.ID, a.ID)
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
