package dashboards

import (
	"context"
	"encoding/json"
	"sync"
	"time"

	"martinella/alerts"
	"martinella/broadcast"
)

// The pace of a board that is followed.
const (
	progressEvery    = 250 * time.Millisecond // between two reads, and so two changes
	progressPatience = time.Second            // for one read; then the store is away
)

// sight is how the deliveries of one alert stood at a moment.
type sight struct {
	record   *alerts.Record
	at       time.Time
	channels []broadcast.Delivery
	away     time.Time // since when the store does not answer; zero: it does
	ended    bool      // every channel has come to its end, or there is nothing to send
}

// watchers share one reader for each alert that somebody follows; nobody reads
// what nobody follows. Its methods may be called from many goroutines.
type watchers struct {
	deliveries func(context.Context, alerts.ID) ([]broadcast.Delivery, error)
	record     func(context.Context, alerts.ID) (*alerts.Record, error)

	mu       sync.Mutex
	by       map[alerts.ID]*watched
	of       map[string]int // person: streams open
	all      int
	closed   bool
	farewell chan struct{}
}

// Bounds of streams that are open at once, for all and for one person.
const (
	maxWatchers   = 256
	maxWatchersOf = 64
)

func newWatchers(s *Server) *watchers {
	return &watchers{deliveries: s.Work.Deliveries, by: map[alerts.ID]*watched{}, of: map[string]int{}, farewell: make(chan struct{}),
		record: func(ctx context.Context, id alerts.ID) (*alerts.Record, error) {
			return s.Desk.Store.Get(ctx, id, alerts.Exactly)
		}}
}

// watched is an alert that somebody follows.
type watched struct {
	mu    sync.Mutex
	last  sight
	moved chan struct{} // closed when last was replaced

	followers int // guarded by watchers.mu
	stop      context.CancelFunc
}

// now gives the newest sight, and a channel that is closed once there is
// another one.
func (w *watched) now() (sight, <-chan struct{}) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.last, w.moved
}

func (w *watched) see(s sight) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.last = s
	close(w.moved)
	w.moved = make(chan struct{})
}

// follow begins to follow a record; leave must be called once. full: too many
// streams are open, of all or of this person.
func (ws *watchers) follow(person string, r *alerts.Record) (w *watched, leave func(), full bool) {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	if ws.closed || ws.all >= maxWatchers || ws.of[person] >= maxWatchersOf {
		return nil, nil, true
	}
	ws.all++
	ws.of[person]++
	w = ws.by[r.ID]
	if w == nil {
		ctx, stop := context.WithCancel(context.Background())
		w = &watched{last: sight{record: r}, moved: make(chan struct{}), stop: stop}
		ws.by[r.ID] = w
		go ws.read(ctx, r.ID, w)
	}
	w.followers++
	return w, func() { ws.leave(person, r.ID, w) }, false
}

func (ws *watchers) leave(person string, id alerts.ID, w *watched) {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	ws.all--
	if ws.of[person]--; ws.of[person] == 0 {
		delete(ws.of, person)
	}
	if w.followers--; w.followers == 0 {
		ws.drop(id, w)
	}
}

// drop ends the reading; the caller holds the lock.
func (ws *watchers) drop(id alerts.ID, w *watched) {
	w.stop()
	if ws.by[id] == w {
		delete(ws.by, id)
	}
}

// read looks at the deliveries until nobody follows them or all have ended.
func (ws *watchers) read(ctx context.Context, id alerts.ID, w *watched) {
	tick := time.NewTicker(progressEvery)
	defer tick.Stop()
	for ctx.Err() == nil {
		before, _ := w.now()
		now := ws.look(ctx, id, before)
		if ctx.Err() != nil {
			return
		}
		if now.ended { // who comes later begins anew: something may have been sent again
			ws.mu.Lock()
			if ws.by[id] == w {
				delete(ws.by, id)
			}
			ws.mu.Unlock()
		}
		if before.at.IsZero() || !same(before, now) {
			w.see(now)
		}
		if now.ended {
			return
		}
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
	}
}

// look reads once. What was known stays while the store is away.
func (ws *watchers) look(ctx context.Context, id alerts.ID, before sight) sight {
	ctx, cancel := context.WithTimeout(ctx, progressPatience)
	defer cancel()
	now := sight{record: before.record, at: time.Now()}
	var err error
	if !now.record.State.Published() { // it waits for a second person
		now.record, err = ws.record(ctx, id)
	}
	if err == nil && now.record.State.Published() {
		now.channels, err = ws.deliveries(ctx, id)
	}
	if err != nil {
		before.at = now.at
		if before.away.IsZero() {
			before.away = now.at
		}
		return before
	}
	switch now.record.State {
	case alerts.StateSubmitted, alerts.StateDraft:
	default: // published, or rejected or returned, which is an end without deliveries
		now.ended = true
		for _, d := range now.channels {
			now.ended = now.ended && d.Over()
		}
	}
	return now
}

func same(a, b sight) bool {
	return a.away.Equal(b.away) && a.ended == b.ended && a.record.State == b.record.State && len(a.channels) == len(b.channels) && len(changed(a.channels, b.channels)) == 0
}

// changed gives the deliveries of now that are not as before.
func changed(before, now []broadcast.Delivery) (list []broadcast.Delivery) {
	known := make(map[string]string, len(before))
	for _, d := range before {
		known[d.Channel] = spelt(d)
	}
	for _, d := range now {
		if was, ok := known[d.Channel]; !ok || was != spelt(d) {
			list = append(list, d)
		}
	}
	return list
}

func spelt(d broadcast.Delivery) string {
	b, err := json.Marshal(d)
	if err != nil {
		panic("dashboards: a delivery always marshals: " + err.Error())
	}
	return string(b)
}

// Farewell ends the streams of progress: the server stops. It may be called
// more than once.
func (s *Server) Farewell() {
	ws := s.watchers
	ws.mu.Lock()
	defer ws.mu.Unlock()
	if !ws.closed {
		ws.closed = true
		close(ws.farewell)
	}
}
