package smpp

import (
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"martinella/channels"
)

// Several refusals of one form are one answer to it: the next form is not
// passed over, and the texts that follow still have an end.
func TestRefusalsOfOneFormAreOneStep(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		var mu sync.Mutex
		var held []pdu
		s := &smsc{}
		s.on = func(c *caller, p pdu) bool {
			if p.command != submitSM {
				return false
			}
			v := p.body.(*message).validity
			if !strings.HasSuffix(v, "+") {
				return false
			}
			mu.Lock()
			defer mu.Unlock()
			if held = append(held, p); len(held) == 4 { // all are on their way when the first answer comes
				for _, p := range held {
					c.refuse(p, statusInvalidExpiry)
				}
			}
			return true
		}
		c := newChannel(t, s, nil)
		message1 := func(key string) channels.Message {
			m := text(key, "Piove.")
			m.Expires = time.Now().Add(time.Hour)
			return m
		}
		var wg sync.WaitGroup
		for _, key := range []string{"1", "2", "3", "4"} {
			wg.Go(func() {
				_, err := c.Send(t.Context(), message1(key))
				verdict(t, err, channels.VerdictRetry)
			})
		}
		wg.Wait()
		if _, err := c.Send(t.Context(), message1("1")); err != nil {
			t.Fatal(err)
		}
		all := s.seen()
		if got := all[len(all)-1].body.(*message).validity; !strings.HasSuffix(got, "R") {
			t.Errorf("the next text ends %q, want a relative end", got)
		}
	})
}

// A text that waited for its turn beyond the alert's end stays here.
func TestNothingLeavesAfterTheEnd(t *testing.T) {
	for sentence, tweak := range map[string]struct {
		config func(*Config)
		on     func(*caller, pdu) bool
	}{
		"waiting for the pace":   {func(c *Config) { c.Rate = 0.2 }, nil},
		"waiting for the window": {func(c *Config) { c.Window = 1 }, func(_ *caller, p pdu) bool { return p.command == submitSM }},
	} {
		t.Run(sentence, func(t *testing.T) {
			inBubble(t, func(t *testing.T) {
				s := &smsc{on: tweak.on}
				c := newChannel(t, s, tweak.config)
				go c.Send(t.Context(), text("1", "Piove."))
				synctest.Wait()
				m := text("2", "Piove.")
				m.Expires = time.Now().Add(2 * time.Second)
				_, err := c.Send(t.Context(), m)
				if late := time.Since(m.Expires); err == nil || late > 0 {
					t.Errorf("%v after the end: %v", late, err)
				}
				verdict(t, err, channels.VerdictPermanent)
				if n := len(s.seen()); n != 1 {
					t.Errorf("%d submits, want the first alone", n)
				}
				if c.validity.Load() != validityAbsolute {
					t.Error("the form of the end was changed")
				}
				time.Sleep(time.Minute) // the first one ends
			})
		})
	}
}

func TestNothingLeavesWhenTheBindTookTooLong(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		s := &smsc{on: func(_ *caller, p pdu) bool {
			if p.command == bindTransceiver {
				time.Sleep(5 * time.Second)
			}
			return false
		}}
		c := newChannel(t, s, func(c *Config) { c.Window = 100 })
		var wg sync.WaitGroup
		for i := range 50 {
			wg.Go(func() {
				m := text(strconv.Itoa(i), "Piove.")
				m.Expires = time.Now().Add(2 * time.Second)
				_, err := c.Send(t.Context(), m)
				verdict(t, err, channels.VerdictPermanent)
			})
		}
		wg.Wait()
		if n := len(s.seen()); n != 0 {
			t.Errorf("%d left after the end", n)
		}
	})
}
