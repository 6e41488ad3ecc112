package live

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// openLine is a connection whose socket takes everything.
type openLine struct{ fullLine }

func (*openLine) try(b []byte) (int, error) { return len(b), nil }

// Who comes in the very moment of a tick is not forgotten for a whole turn of
// the wheel, which would be taken for silence.
func TestNobodyMissesTheFirstTurn(t *testing.T) {
	s := newStand(t, newBook(0))
	w := s.wheel
	w.pingEvery = 1 // every first turn is the next tick
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			select {
			case <-stop:
				return
			default:
				w.tick()
			}
		}
	}()
	var clients []*client
	for range 20_000 {
		c := &client{hub: s.Hub, line: &openLine{}, sse: true}
		c.mu.Lock()
		w.add(c)
		c.mu.Unlock()
		clients = append(clients, c)
		if len(clients)%100 == 0 { // few enough for quick ticks
			for _, c := range clients[len(clients)-100:] {
				c.mu.Lock()
				c.ended = endLeft
				if missed := w.now.Load() - c.ping; missed > 0 {
					t.Errorf("a client was not visited for %d ticks", missed)
				}
				c.mu.Unlock()
			}
		}
	}
	close(stop)
	<-stopped
}

// Who reads slowly for longer than a pong may take is not dead: while its
// socket is full it is judged by what it takes.
func TestSlowReaderIsNotSilent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t, newBook(1500))
		p, stop := s.servePipes(t)
		defer stop()
		l := p.listen(t, "since=e1-0-0")
		defer l.Close()
		l.wants("hello 0")
		for i := 1; i <= 1500; i++ {
			time.Sleep(80 * time.Millisecond)
			if m, err := l.next(); err != nil || m.Cursor != cursor(i) {
				t.Fatalf("after %d messages got %v, %v", i-1, m, err)
			}
		}
		s.publish(record())
		l.wants("alert 1501")
	})
}

// Turn by turn: everybody is pinged once in an interval, the ended are let go,
// and a write that takes too long is cut within its time.
func TestWheelTurns(t *testing.T) {
	s := newStand(t, newBook(0))
	w := s.wheel
	var pinged sync.Map
	for range 100 {
		c := s.opened(&openLine{})
		c.sse = true // has no pong
		pinged.Store(c, c.ping)
	}
	gone, full := s.opened(&openLine{}), &fullLine{}
	slow := s.opened(full)
	slow.push(newFrame("x", []byte("x")))
	gone.mu.Lock()
	gone.end(endLeft)
	gone.mu.Unlock()
	for tick := int32(1); tick <= 3*w.pingEvery; tick++ {
		w.tick()
		if cut := full.closed; cut != (tick >= w.ticks(s.cfg.WriteTimeout)) {
			t.Fatalf("after %d ticks the slow one is cut: %v", tick, cut)
		}
		pinged.Range(func(k, v any) bool {
			c, due := k.(*client), v.(int32)
			if tick == due {
				due += w.pingEvery
				pinged.Store(c, due)
			}
			if c.ping != due {
				t.Errorf("after %d ticks the next ping is at %d, want %d", tick, c.ping, due)
			}
			return true
		})
	}
	stand := 0
	for _, slot := range w.slots {
		stand += len(slot)
	}
	if stand != 100 || len(w.late) != 0 {
		t.Errorf("%d clients stand on the wheel and %d are watched, want 100 and none", stand, len(w.late))
	}
	if got := s.value(t, "martinella_live_dropped_total", dropWrite); got != 1 {
		t.Errorf("dropped for a write: got %v, want 1", got)
	}
	if got := s.Clients(); got != 100 {
		t.Errorf("got %d clients, want 100", got)
	}
}
