package smpp

import (
	"context"
	"testing"
	"time"
)

func TestReconnectsWithLongerWaits(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		s := &smsc{on: func(c *caller, p pdu) bool { c.Close(); return true }}
		c := newChannel(t, s, nil)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
		defer cancel()
		if err := c.Listen(ctx, newMemory()); err != nil {
			t.Fatal(err)
		}
		dials := s.dialled()
		if n := len(dials); n < 20 || n > 60 { // at most one in 15-30 s once grown, plus the first few
			t.Errorf("%d attempts in 10 minutes", n)
		}
		for i := 1; i < len(dials); i++ {
			if wait := dials[i].Sub(dials[i-1]); wait < firstWait/2 || wait > longestWait+time.Second {
				t.Errorf("attempt %d after %v", i, wait)
			}
		}
	})
}

// An SMSC that takes the bind and hangs up at once is not bound in a storm; once
// a session held, the next loss is the first again.
func TestShortSessionsMakeTheWaitsLonger(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		s := &smsc{}
		s.on = func(c *caller, p pdu) bool {
			if p.command == bindTransceiver {
				c.usual(p)
				time.Sleep(time.Second)
				c.Close()
			}
			return p.command == bindTransceiver
		}
		c := newChannel(t, s, nil)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
		defer cancel()
		if err := c.Listen(ctx, newMemory()); err != nil {
			t.Fatal(err)
		}
		dials := s.dialled()
		if n := len(dials); n < 15 || n > 60 {
			t.Errorf("%d binds in 10 minutes", n)
		}
		if last := dials[len(dials)-1].Sub(dials[len(dials)-2]); last < longestWait/2 {
			t.Errorf("the last wait was %v", last)
		}
		l := c.binds.send[0]
		l.mu.Lock()
		defer l.mu.Unlock()
		held, cancelHeld := context.WithCancel(t.Context())
		defer cancelHeld()
		conn, _ := (&smsc{password: testPassword}).dial(held, "")
		se, err := bind(held, conn, bindTransceiver, bindRequest{password: testPassword}, testLimits, func(*message, func(status)) {}, c.log)
		if err != nil {
			t.Fatal(err)
		}
		l.live, l.since = se, time.Now()
		time.Sleep(steady + time.Second)
		se.end(errSilent)
		se.wait()
		l.lost(se)
		if l.failures != 1 {
			t.Errorf("after a session that held: %d failures, want 1", l.failures)
		}
	})
}

func TestReconnectsAfterALoss(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		s := new(smsc)
		c := newChannel(t, s, nil)
		ctx, cancel := context.WithCancel(t.Context())
		listened := make(chan error)
		go func() { listened <- c.Listen(ctx, newMemory()) }()
		time.Sleep(time.Hour)
		s.newest().Close()
		time.Sleep(time.Second)
		if n := len(s.dialled()); n != 2 {
			t.Errorf("%d binds after a loss, want 2", n)
		}
		if _, err := c.Send(t.Context(), text("k", "Piove.")); err != nil {
			t.Error(err)
		}
		cancel()
		if err := <-listened; err != nil {
			t.Error(err)
		}
		if n := s.unbinds(); n != 1 {
			t.Errorf("%d unbinds, want 1", n)
		}
	})
}

func TestCloseWaitsForAnswersInFlight(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		s := &smsc{on: func(c *caller, p pdu) bool {
			if p.command == submitSM {
				go func() { time.Sleep(2 * time.Second); c.take(p) }()
			}
			return p.command == submitSM
		}}
		c := newChannel(t, s, nil)
		sent := make(chan error)
		go func() { _, err := c.Send(t.Context(), text("k", "Piove.")); sent <- err }()
		time.Sleep(time.Second)
		go c.Close()
		if err := <-sent; err != nil {
			t.Errorf("closing lost an answer: %v", err)
		}
		time.Sleep(time.Minute)
		if n := s.unbinds(); n != 1 {
			t.Errorf("%d unbinds, want 1", n)
		}
	})
}
