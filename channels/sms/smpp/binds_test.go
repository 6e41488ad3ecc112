package smpp

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"martinella/channels"
)

func TestSeveralBindsShareTheWork(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		s := &smsc{on: func(c *caller, p pdu) bool {
			if p.command == submitSM {
				go func() { time.Sleep(time.Second); c.take(p) }()
			}
			return p.command == submitSM
		}}
		c := newChannel(t, s, func(c *Config) { c.Binds, c.Window = 3, 4 })
		if got := c.Limit().Window; got != 12 {
			t.Errorf("the window is %d, want 12", got)
		}
		listen(t, c, newMemory())
		var wg sync.WaitGroup
		for i := range 12 {
			wg.Go(func() {
				if _, err := c.Send(t.Context(), text(fmt.Sprint(i), "Piove.")); err != nil {
					t.Error(err)
				}
			})
			synctest.Wait()
		}
		start := time.Now()
		wg.Wait()
		if took := time.Since(start); took > time.Second {
			t.Errorf("12 requests need %v: they wait for each other", took)
		}
		if n := len(s.connected()); n != 3 {
			t.Fatalf("%d binds, want 3", n)
		}
		for i, one := range s.connected() {
			if role, took := one.is(); took != 4 || role != bindTransceiver {
				t.Errorf("%s %d carried %d, want 4", role, i, took)
			}
		}
	})
}

func TestALostBindIsBoundAgainWhileTheOthersGoOn(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		s := new(smsc)
		c := newChannel(t, s, func(c *Config) { c.Binds = 2 })
		listen(t, c, newMemory())
		s.connected()[0].Close()
		synctest.Wait()
		for i := range 4 {
			if _, err := c.Send(t.Context(), text(fmt.Sprint(i), "Piove.")); err != nil {
				t.Errorf("with a bind left: %v", err)
			}
		}
		time.Sleep(longestWait)
		all := s.connected()
		if len(all) != 3 {
			t.Fatalf("%d binds in all, want a third", len(all))
		}
		for i := range 2 {
			if _, err := c.Send(t.Context(), text(fmt.Sprint("again", i), "Piove.")); err != nil {
				t.Error(err)
			}
		}
		if _, took := all[2].is(); took == 0 {
			t.Error("the new bind carries nothing")
		}
	})
}

// A contract for one bind of which two are asked: the first goes on.
func TestARefusedSecondBindStopsNothing(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		bound := 0
		s := &smsc{}
		s.on = func(c *caller, p pdu) bool {
			if p.command != bindTransceiver {
				return false
			}
			s.mu.Lock()
			bound++
			refused := bound > 1
			s.mu.Unlock()
			if refused {
				c.refuse(p, statusBindFailed)
				c.Close()
			}
			return refused
		}
		c := newChannel(t, s, func(c *Config) { c.Binds = 2 })
		listen(t, c, newMemory())
		if _, err := c.Send(t.Context(), text("k", "Piove.")); err != nil {
			t.Error(err)
		}
		for range 2 { // whichever of them is asked first
			if err := c.Check(t.Context()); err != nil {
				t.Errorf("one bind is there: %v", err)
			}
			slices.Reverse(c.binds.send)
		}
		before := len(s.dialled())
		time.Sleep(10 * time.Minute)
		if n := len(s.dialled()) - before; n > 21 {
			t.Errorf("%d further attempts in 10 minutes", n)
		}
	})
}

func TestAPairSendsOverOneAndHearsOverTheOther(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		s, m := new(smsc), newMemory()
		c := newChannel(t, s, func(c *Config) { c.Bind = "pair" })
		if err := c.Check(t.Context()); err != nil {
			t.Fatal(err)
		}
		listen(t, c, m)
		got, err := c.Send(t.Context(), text("k", "Piove."))
		if err != nil {
			t.Fatal(err)
		}
		roles := map[command]*caller{}
		for _, one := range s.connected() {
			role, took := one.is()
			if want := map[command]int{bindTransmitter: 1, bindReceiver: 0}[role]; took != want {
				t.Errorf("%s carried %d", role, took)
			}
			roles[role] = one
		}
		if len(s.connected()) != 2 || roles[bindTransmitter] == nil || roles[bindReceiver] == nil {
			t.Fatalf("bound as %v", roles)
		}
		roles[bindReceiver].send(pdu{command: deliverSM, seq: 1, body: receiptFor(got.ID)})
		m.wait(t, 1)
		if m.reports[0].MessageID != got.ID {
			t.Errorf("reported %+v", m.reports[0])
		}
	})
}

func TestWithoutAReceiverTheCheckFails(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		s := &smsc{on: func(c *caller, p pdu) bool {
			if p.command == bindReceiver {
				c.refuse(p, statusInvalidPassword)
				c.Close()
			}
			return p.command == bindReceiver
		}}
		c := newChannel(t, s, func(c *Config) { c.Bind = "pair" })
		verdict(t, c.Check(t.Context()), channels.VerdictUnauthorized)
		if _, err := c.Send(t.Context(), text("k", "Piove.")); err != nil {
			t.Errorf("the transmitter is there: %v", err)
		}
	})
}

func TestTheOtherAddressTakesOver(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		s := new(smsc)
		s.leaves("a.example:2775", true)
		c := newChannel(t, s, func(c *Config) { c.Addr, c.Addrs = "a.example:2775", []string{"b.example:2775", "c.example:2775"} })
		listen(t, c, newMemory())
		if _, err := c.Send(t.Context(), text("1", "Piove.")); err != nil {
			t.Fatal(err)
		}
		if want := []string{"a.example:2775", "b.example:2775"}; !slices.Equal(s.where(), want) {
			t.Errorf("dialled %q, want %q", s.where(), want)
		}
		s.leaves("b.example:2775", true)
		s.newest().Close()
		time.Sleep(longestWait)
		if _, err := c.Send(t.Context(), text("2", "Piove.")); err != nil {
			t.Fatal(err)
		}
		if want := []string{"b.example:2775", "c.example:2775"}; !slices.Equal(s.where()[2:], want) {
			t.Errorf("then dialled %q, want the last good one first: %q", s.where()[2:], want)
		}
		// Nobody is there: each attempt tries all, and says why.
		for _, addr := range []string{"a.example:2775", "c.example:2775"} {
			s.leaves(addr, true)
		}
		s.newest().Close()
		synctest.Wait()
		time.Sleep(longestWait)
		_, err := c.Send(t.Context(), text("3", "Piove."))
		verdict(t, err, channels.VerdictRetry)
		s.leaves("a.example:2775", false)
		time.Sleep(2 * longestWait)
		if _, err := c.Send(t.Context(), text("3", "Piove.")); err != nil {
			t.Errorf("the first is back: %v", err)
		}
	})
}

// Nothing is bound yet and everybody sends: each bind is opened once.
func TestManyWaitForTheFirstBind(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		s := new(smsc)
		c := newChannel(t, s, func(c *Config) { c.Binds, c.Window = 2, 50 })
		var wg sync.WaitGroup
		for i := range 40 {
			wg.Go(func() {
				if _, err := c.Send(t.Context(), text(fmt.Sprint(i), "Piove.")); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		synctest.Wait() // the second bind may be on its way when all is sent
		if n := len(s.dialled()); n != 2 {
			t.Errorf("%d binds, want 2", n)
		}
	})
}

func TestABusyBindIsSpared(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		var stuck *caller
		s := &smsc{}
		s.on = func(c *caller, p pdu) bool { return p.command == submitSM && c == stuck }
		c := newChannel(t, s, func(c *Config) { c.Binds, c.Window = 2, 8 })
		listen(t, c, newMemory())
		s.mu.Lock()
		stuck = s.callers[0] // answers nothing
		s.mu.Unlock()
		var wg sync.WaitGroup
		for i := range 20 {
			wg.Go(func() { _, _ = c.Send(t.Context(), text(fmt.Sprint(i), "Piove.")) })
			synctest.Wait()
		}
		if _, took := stuck.is(); took > 1 {
			t.Errorf("%d of 20 went over the bind that answers nothing", took)
		}
		wg.Wait()
	})
}

// Without anybody listening, sending alone brings a lost bind back.
func TestSendingBindsAgain(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		s := new(smsc)
		c := newChannel(t, s, func(c *Config) { c.Binds = 2 })
		for i := range 3 {
			if _, err := c.Send(t.Context(), text(fmt.Sprint(i), "Piove.")); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
		}
		s.connected()[0].Close()
		synctest.Wait()
		time.Sleep(longestWait)
		if _, err := c.Send(t.Context(), text("k", "Piove.")); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if n := len(s.connected()); n != 3 {
			t.Errorf("%d binds in all, want a third", n)
		}
	})
}
