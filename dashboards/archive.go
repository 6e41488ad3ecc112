package dashboards

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"martinella/alerts"
	"martinella/broadcast"
)

// archive knows which events there were, when and where, without their words:
// enough to list a month. It reads every record once, when somebody first asks,
// and the log from then on, so that no reader has the store gone through. It may
// be used from many goroutines.
type archive struct {
	s     *Server
	atlas *atlas

	mu     sync.Mutex
	loaded bool
	cursor broadcast.Cursor
	events map[alerts.ID]*pastEvent
	list   []*pastEvent // those for everybody, the newest first
	failed time.Time    // when the store did not answer; it is not asked again at once
	err    error
}

// pastEvent is what the archive keeps of an event's newest published revision.
type pastEvent struct {
	event, id alerts.ID
	revision  int
	public    bool
	published time.Time
	expires   time.Time
	over      bool // cancelled, or the all-clear was given
	lapsed    bool // somebody has seen it expire
	practice  bool
	severe    bool // Severe or above
	reach     reach
}

// archiveTimeout is how long reading all records may take.
const archiveTimeout = time.Minute

// past reports whether the event is no longer on the first page for what holds;
// the same as [happening.shown] says of a record.
func (e *pastEvent) past(now time.Time) bool {
	lapsed := e.lapsed || !e.expires.IsZero() && !now.Before(e.expires)
	switch {
	case e.over:
		return true
	case !lapsed:
		return false
	case e.practice:
		return !now.Before(e.expires.Add(overShown))
	case e.severe:
		return false // until somebody ends it
	}
	return !now.Before(e.expires.Add(lapsedShown))
}

// catchUp brings the archive to a cursor of the board. It blocks for the store
// where there is something to read, the first time for all of it.
func (a *archive) catchUp(ctx context.Context, to broadcast.Cursor) error {
	if !a.loaded {
		return a.load(ctx)
	}
	for !a.cursor.Reached(to) {
		const most = 500
		entries, err := a.s.Log.After(ctx, a.cursor, most)
		if errors.Is(err, broadcast.ErrGone) {
			return a.load(ctx)
		}
		if err != nil {
			return err
		}
		for _, e := range entries {
			if e.Sitrep == nil && e.Record != nil {
				a.put(e.Record)
			}
			a.cursor = e.Cursor
		}
		if len(entries) < most { // up to there, and behind may be what is not for readers
			if !a.cursor.Reached(to) {
				a.cursor = to
			}
			break
		}
	}
	return nil
}

// load reads the cursor first and the records then: what is published in between
// comes again by the log.
func (a *archive) load(ctx context.Context) error {
	head, err := a.s.Log.Head(ctx)
	if err != nil {
		return err
	}
	a.loaded, a.events, a.list = false, map[alerts.ID]*pastEvent{}, nil
	closed := []alerts.State{alerts.StateIssued, alerts.StateCancelled, alerts.StateLapsed, alerts.StateEnded}
	for r, err := range a.s.Desk.Store.All(ctx, alerts.Filter{States: closed}) {
		if err != nil {
			return err
		}
		if e := a.of(r); e != nil {
			a.events[r.Event] = e
		}
	}
	for _, e := range a.events {
		if e.public {
			a.list = append(a.list, e)
		}
	}
	slices.SortFunc(a.list, newerEvent)
	a.loaded, a.cursor = true, head
	return nil
}

// of is what is kept of a record; nil where a newer revision is known.
func (a *archive) of(r *alerts.Record) *pastEvent {
	if was := a.events[r.Event]; was != nil && was.revision > r.Revision || !r.State.Published() {
		return nil
	}
	e := &pastEvent{
		event: r.Event, id: r.ID, revision: r.Revision, public: broadcast.Public(r), published: r.Published, expires: r.Alert.Expires(),
		over:     r.Change == alerts.ChangeCancelled || r.Change == alerts.ChangeEnded || r.State == alerts.StateCancelled || r.State == alerts.StateEnded,
		lapsed:   r.State == alerts.StateLapsed,
		practice: r.Alert.Practice(), severe: r.Severity().Rank() >= alerts.SeveritySevere.Rank(),
	}
	if len(a.atlas.all) > 0 && e.public {
		e.reach = a.atlas.reach(r)
	}
	return e
}

// put takes a published change.
func (a *archive) put(r *alerts.Record) {
	e := a.of(r)
	if e == nil {
		return
	}
	if was := a.events[r.Event]; was != nil && was.public {
		if at, found := slices.BinarySearchFunc(a.list, was, newerEvent); found {
			a.list = slices.Delete(a.list, at, at+1)
		}
	}
	a.events[r.Event] = e
	if e.public {
		at, _ := slices.BinarySearchFunc(a.list, e, newerEvent)
		a.list = slices.Insert(a.list, at, e)
	}
}

func newerEvent(a, b *pastEvent) int {
	return cmp.Or(b.published.Compare(a.published), cmp.Compare(b.event, a.event))
}

// pastMonth is a month of the archive, in the authority's zone.
type pastMonth struct {
	key   string // "2026-11"
	first time.Time
	n     int
}

// months gives the past events of a month, and how many there are in each, the
// newest first. key "" is the newest month with any; around nil is everywhere.
func (a *archive) months(ctx context.Context, to broadcast.Cursor, around *surroundings, key string, zone *time.Location, now time.Time) (months []pastMonth, events []*pastEvent, err error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), archiveTimeout)
	defer cancel()
	a.mu.Lock()
	defer a.mu.Unlock()
	if time.Since(a.failed) < failedFor {
		return nil, nil, a.err
	}
	if err := a.catchUp(ctx, to); err != nil {
		a.failed, a.err = time.Now(), err
		return nil, nil, err
	}
	for _, e := range a.list {
		if !e.past(now) || around != nil && !around.concerns(e.reach) {
			continue
		}
		at := e.published.In(zone)
		k := at.Format("2006-01")
		if n := len(months); n == 0 || months[n-1].key != k {
			months = append(months, pastMonth{key: k, first: at})
		}
		months[len(months)-1].n++
		if key == "" {
			key = k
		}
		if k == key {
			events = append(events, e)
		}
	}
	return months, events, nil
}
