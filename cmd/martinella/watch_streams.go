package main

import (
	"context"
	"sync"
	"time"

	"martinella/alerts"
	"martinella/broadcast"
)

// mostStreams bounds the streams of progress that one watch listens to; the
// deliveries of the other alerts are asked for.
const mostStreams = 8

// streams listens to how the deliveries of some alerts go. Its methods but told
// are for one goroutine.
type streams struct {
	client *client
	moved  chan struct{} // has one when something was told
	again  time.Duration // after a stream broke off

	mu sync.Mutex
	by map[alerts.ID]*heard

	listening sync.WaitGroup
}

// heard is what a stream has told.
type heard struct {
	stop       context.CancelFunc
	live       bool // it tells now: nobody need ask
	deliveries []broadcast.Delivery
}

func newStreams(c *client) *streams {
	return &streams{client: c, moved: make(chan struct{}, 1), again: streamAgain, by: map[alerts.ID]*heard{}}
}

// told gives the deliveries of an alert as a stream tells them; false where
// none does.
func (l *streams) told(id alerts.ID) ([]broadcast.Delivery, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if h := l.by[id]; h != nil && h.live {
		return h.deliveries, true
	}
	return nil, false
}

// follow listens to what is on its way in the sight, and no longer to what is
// not in it. The newest alerts come first.
func (l *streams) follow(s sight) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for id, h := range l.by {
		if _, shown := s.deliveries[id]; !shown {
			h.stop()
		}
	}
	for _, a := range s.alerts {
		ds := s.deliveries[a.ID]
		if len(l.by) >= mostStreams {
			return
		}
		if l.by[a.ID] != nil || len(ds) == 0 || allOver(ds) {
			continue
		}
		ctx, stop := context.WithCancel(context.Background())
		h := &heard{stop: stop}
		l.by[a.ID] = h
		l.listening.Go(func() { l.listen(ctx, a.ID, h) })
	}
}

// listen takes what one stream tells until it ends. After one that broke off
// the next waits.
func (l *streams) listen(ctx context.Context, id alerts.ID, h *heard) {
	defer h.stop()
	err := l.client.progress(ctx, id, func(p progress) bool {
		if p.ID != id {
			return false // the alert has another revision
		}
		l.mu.Lock()
		h.live, h.deliveries = true, p.Channels
		l.mu.Unlock()
		select {
		case l.moved <- struct{}{}:
		default: // it will be seen with what came before
		}
		return true
	})
	l.mu.Lock()
	h.live = err == nil && h.live && allOver(h.deliveries) // the end stays told until it was seen
	l.mu.Unlock()
	again := time.NewTimer(l.again)
	defer again.Stop()
	select {
	case <-ctx.Done():
	case <-again.C:
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.by, id)
}

// close ends all streams and waits for it.
func (l *streams) close() {
	l.mu.Lock()
	for _, h := range l.by {
		h.stop()
	}
	l.mu.Unlock()
	l.listening.Wait()
}
