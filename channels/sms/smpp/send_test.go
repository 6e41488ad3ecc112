package smpp

import (
	"context"
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"martinella/channels"
)

var longText = strings.Repeat("ALLERTA METEO ROSSA perché piove. ", 8) // 2 parts

// inBubble runs a test with virtual time. A goroutine that is left over fails
// it.
func inBubble(t *testing.T, f func(t *testing.T)) { t.Helper(); synctest.Test(t, f) }

func TestSendTellsTheSMSCEverything(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		s := new(smsc)
		c := newChannel(t, s, nil)
		m := text("k", longText)
		m.Expires = time.Now().Add(time.Hour)
		got, err := c.Send(t.Context(), m)
		if err != nil {
			t.Fatal(err)
		}
		if fmt.Sprint(got) != fmt.Sprint(channels.Receipt{ID: "1001", Parts: []channels.Part{{ID: "1001"}, {ID: "1002"}}}) {
			t.Errorf("got %+v", got)
		}
		parts := s.seen()
		if len(parts) != 2 {
			t.Fatalf("got %d submits, want 2", len(parts))
		}
		if parts[0].seq == parts[1].seq {
			t.Error("two parts share a sequence number")
		}
		for i, p := range parts {
			b := p.body.(*message)
			if b.source != (address{5, 0, "Comune"}) || b.destination != (address{1, 1, "393330001234"}) {
				t.Errorf("from %+v to %+v", b.source, b.destination)
			}
			reference, _ := find(b.tlvs, tagUserReference)
			if b.registered != 1 || b.dataCoding != 0 || b.esmClass != 0x40 || fmt.Sprintf("%x", reference) != fmt.Sprintf("%04x", 70007&0xFFFF) {
				t.Errorf("part %d: %+v", i, b)
			}
			if want := m.Expires.UTC().Format("060102150405") + "000+"; b.validity != want {
				t.Errorf("validity %q, want %q", b.validity, want)
			}
			if b.text[4] != 2 || b.text[5] != byte(i+1) {
				t.Errorf("part %d has the header %x", i, b.text[:6])
			}
		}
	})
}

func TestVerdicts(t *testing.T) {
	for _, c := range []struct {
		status status
		want   channels.Verdict
	}{
		{statusThrottled, channels.VerdictRetry}, {statusQueueFull, channels.VerdictRetry}, {0x64, channels.VerdictRetry},
		{0x0B, channels.VerdictPermanent}, {0x0A, channels.VerdictPermanent},
		{statusInvalidPassword, channels.VerdictUnauthorized},
		{statusSystemError, channels.VerdictUncertain}, {0x4FF, channels.VerdictUncertain},
	} {
		t.Run(c.status.String(), func(t *testing.T) {
			inBubble(t, func(t *testing.T) {
				s := &smsc{on: func(caller *caller, p pdu) bool {
					if p.command == submitSM {
						caller.refuse(p, c.status)
					}
					return p.command == submitSM
				}}
				_, err := newChannel(t, s, nil).Send(t.Context(), text("k", "Piove."))
				verdict(t, err, c.want)
				if !strings.Contains(err.Error(), c.status.String()) || !strings.Contains(err.Error(), "+39 333 ***1234") || strings.Contains(err.Error(), "0001234") {
					t.Errorf("the error says %q", err)
				}
				_, wait := channels.VerdictOf(err)
				if throttled := c.status == statusThrottled || c.status == statusQueueFull; throttled != (wait > 0) {
					t.Errorf("it asks to wait %v", wait)
				}
			})
		})
	}
}

func TestSendRefusesWithoutAConnection(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		s := new(smsc)
		c := newChannel(t, s, nil)
		badNumber, expired := text("k", "x"), text("k", "x")
		badNumber.To, expired.Expires = "333 0001234", time.Now()
		for _, m := range []channels.Message{badNumber, expired, text("k", strings.Repeat("x", 40000))} {
			_, err := c.Send(t.Context(), m)
			verdict(t, err, channels.VerdictPermanent)
			if strings.Contains(err.Error(), "0001234") {
				t.Errorf("the error shows the number: %v", err)
			}
		}
		if n := len(s.dialled()); n != 0 {
			t.Errorf("%d connections", n)
		}
	})
}

func TestOnlyTheMissingPartsAreSentAgain(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		var first atomic.Bool
		s := &smsc{}
		s.on = func(c *caller, p pdu) bool {
			if p.command == submitSM && p.body.(*message).text[5] == 2 && first.CompareAndSwap(false, true) {
				c.refuse(p, statusThrottled)
				return true
			}
			return false
		}
		c := newChannel(t, s, nil)
		got, err := c.Send(t.Context(), text("k", longText))
		verdict(t, err, channels.VerdictRetry)
		if len(got.Parts) != 1 {
			t.Errorf("the receipt has the parts %v, want the one that was taken", got.Parts)
		}
		got, err = c.Send(t.Context(), text("k", longText))
		if err != nil || len(got.Parts) != 2 {
			t.Errorf("got %+v, %v", got, err)
		}
		parts := s.seen()
		if len(parts) != 3 {
			t.Fatalf("%d submits, want 3", len(parts))
		}
		before, after := parts[1].body.(*message).text, parts[2].body.(*message).text
		if string(before) != string(after) {
			t.Error("the part sent again differs: the handset cannot join it")
		}
		// Another message, and the same one once it is finished, are sent whole.
		for _, key := range []string{"k", "other"} {
			if _, err = c.Send(t.Context(), text(key, longText)); err != nil {
				t.Fatal(err)
			}
		}
		if n := len(s.seen()); n != 7 {
			t.Errorf("%d submits, want 7", n)
		}
	})
}

// The graver verdict of a part counts, whichever part it is.
func TestTheGravestVerdictOfThePartsCounts(t *testing.T) {
	for _, c := range []struct {
		first, second status
		want          channels.Verdict
	}{
		{statusSystemError, 0x0B, channels.VerdictPermanent}, {0x0B, statusSystemError, channels.VerdictPermanent},
		{statusSystemError, statusThrottled, channels.VerdictUncertain}, {statusThrottled, statusSystemError, channels.VerdictUncertain},
		{statusInvalidPassword, 0x64, channels.VerdictUnauthorized}, {0x64, statusInvalidPassword, channels.VerdictUnauthorized},
		{statusOK, statusSystemError, channels.VerdictUncertain}, {statusSystemError, statusOK, channels.VerdictUncertain},
	} {
		inBubble(t, func(t *testing.T) {
			s := &smsc{}
			s.on = func(caller *caller, p pdu) bool {
				if p.command != submitSM {
					return false
				}
				st := map[byte]status{1: c.first, 2: c.second}[p.body.(*message).text[5]]
				if st == statusOK {
					return false
				}
				caller.refuse(p, st)
				return true
			}
			_, err := newChannel(t, s, nil).Send(t.Context(), text("k", longText))
			if got, _ := channels.VerdictOf(err); got != c.want {
				t.Errorf("%s and %s: got %s (%v), want %s", c.first, c.second, got, err, c.want)
			}
		})
	}
}

func TestALateAnswerSparesTheSecondCopy(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		s := &smsc{}
		s.on = func(c *caller, p pdu) bool {
			if p.command == submitSM {
				go func() { time.Sleep(3 * time.Second); c.take(p) }()
			}
			return p.command == submitSM
		}
		c := newChannel(t, s, nil)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := c.Send(ctx, text("k", "Piove."))
		verdict(t, err, channels.VerdictUncertain)
		time.Sleep(5 * time.Second)
		got, err := c.Send(t.Context(), text("k", "Piove."))
		if err != nil || got.ID != "1001" {
			t.Errorf("got %+v, %v; want the late id", got, err)
		}
		if n := len(s.seen()); n != 1 {
			t.Errorf("%d submits, want 1", n)
		}
	})
}

func TestASilentSMSCIsUncertain(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		s := &smsc{on: func(_ *caller, p pdu) bool { return p.command == submitSM }}
		c := newChannel(t, s, nil)
		start := time.Now()
		_, err := c.Send(t.Context(), text("k", "Piove."))
		verdict(t, err, channels.VerdictUncertain)
		if took := time.Since(start); took < answerTime || took > answerTime+2*time.Second {
			t.Errorf("gave up after %v, want %v", took, answerTime)
		}
	})
}

func TestThrottlingStopsEverybodyForAWhile(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		var refusals atomic.Int32
		refusals.Store(3)
		s := &smsc{on: func(c *caller, p pdu) bool {
			if p.command == submitSM && refusals.Add(-1) >= 0 {
				c.refuse(p, statusThrottled)
				return true
			}
			return false
		}}
		c := newChannel(t, s, nil)
		start := time.Now()
		for range 4 {
			_, err := c.Send(t.Context(), text("k", "Piove."))
			if err == nil {
				break
			}
		}
		if took := time.Since(start); took != 250*time.Millisecond+500*time.Millisecond+time.Second {
			t.Errorf("taken after %v, want the three pauses", took)
		}
	})
}

func TestRateCountsParts(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		c := newChannel(t, new(smsc), func(c *Config) { c.Rate = 10 })
		if _, err := c.Send(t.Context(), text("k0", "Piove.")); err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		for i := range 5 {
			if _, err := c.Send(t.Context(), text(fmt.Sprint(i), longText)); err != nil {
				t.Fatal(err)
			}
		}
		if took := time.Since(start); took != time.Second {
			t.Errorf("10 parts took %v at 10 a second", took)
		}
		if got := c.Limit(); got != (channels.Limit{PerSecond: 10, Burst: 2, Window: 10}) {
			t.Errorf("limit %+v", got)
		}
	})
}

func TestRefusedValidityIsWrittenOtherwise(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		var seen []string
		s := &smsc{on: func(c *caller, p pdu) bool {
			if p.command != submitSM {
				return false
			}
			v := p.body.(*message).validity
			seen = append(seen, v)
			if v != "" {
				c.refuse(p, statusInvalidExpiry)
			}
			return v != ""
		}}
		c := newChannel(t, s, nil)
		m := text("k", "Piove.")
		m.Expires = time.Now().Add(time.Hour)
		for range 2 {
			_, err := c.Send(t.Context(), m)
			verdict(t, err, channels.VerdictRetry)
		}
		if _, err := c.Send(t.Context(), m); err != nil {
			t.Fatal(err)
		}
		if len(seen) != 3 || !strings.HasSuffix(seen[0], "+") || !strings.HasSuffix(seen[1], "R") || seen[2] != "" {
			t.Errorf("tried %q", seen)
		}
	})
}

func TestCallOutsShowANumberThatTakesAnswers(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		s := new(smsc)
		c := newChannel(t, s, func(c *Config) { c.ReplyNumber = "+390573000111" })
		call := text("k", "Rispondi SI o NO.")
		call.Audience = "volunteers"
		for _, m := range []channels.Message{call, text("k", "Piove.")} {
			if _, err := c.Send(t.Context(), m); err != nil {
				t.Fatal(err)
			}
		}
		parts := s.seen()
		if got := parts[0].body.(*message).source; got != (address{1, 1, "390573000111"}) {
			t.Errorf("the call-out comes from %+v", got)
		}
		if got := parts[1].body.(*message).source; got != (address{5, 0, "Comune"}) {
			t.Errorf("the alert comes from %+v", got)
		}
	})
}

func TestWrongPasswordIsNamed(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		s := &smsc{password: "another"}
		c := newChannel(t, s, nil)
		for range 3 { // the account must not be locked by a storm of binds
			_, err := c.Send(t.Context(), text("k", "Piove."))
			verdict(t, err, channels.VerdictUnauthorized)
			if !strings.Contains(err.Error(), "ESME_RINVPASWD") || strings.Contains(err.Error(), "EOF") || strings.Contains(err.Error(), testPassword) {
				t.Errorf("the error says %q", err)
			}
		}
		if n := len(s.dialled()); n != 1 {
			t.Errorf("%d binds, want 1", n)
		}
		verdict(t, c.Check(t.Context()), channels.VerdictUnauthorized)
		if n := len(s.dialled()); n != 2 {
			t.Errorf("a check asks again: %d binds, want 2", n)
		}
		s.wants(testPassword)
		if err := c.Check(t.Context()); err != nil {
			t.Errorf("after the password was mended: %v", err)
		}
	})
}

func TestNoConnectionIsAPlainRetry(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		c := newChannel(t, nil, nil)
		dials := 0
		c.connect = func(context.Context, string) (net.Conn, error) { dials++; return nil, net.ErrClosed }
		_, err := c.Send(t.Context(), text("k", "Piove."))
		verdict(t, err, channels.VerdictRetry)
		_, err = c.Send(t.Context(), text("k", "Piove."))
		verdict(t, err, channels.VerdictRetry)
		if _, wait := channels.VerdictOf(err); dials != 1 || wait <= 0 || wait > firstWait {
			t.Errorf("%d dials, then wait %v", dials, wait)
		}
		c.Close()
		_, err = c.Send(t.Context(), text("k", "Piove."))
		verdict(t, err, channels.VerdictRetry)
	})
}
