package smpp

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"martinella/alerts"
	"martinella/channels/channeltest"
)

// Whatever happens, no line of the log and no error holds the password, a
// number or what a citizen wrote.
func TestTheLogTellsNoSecret(t *testing.T) {
	const citizen = "sono Maria, via Roma 1"
	seen, errs := observedTrouble(t, citizen)
	lines := errs
	for _, e := range seen.All() {
		var b strings.Builder
		fmt.Fprint(&b, e.Message)
		enc := zapcore.NewMapObjectEncoder()
		for _, f := range e.Context {
			f.AddTo(enc)
		}
		fmt.Fprint(&b, " ", enc.Fields)
		lines = append(lines, b.String())
	}
	if len(seen.All()) < 8 || len(errs) < 5 {
		t.Fatalf("only %d lines and %d errors: nothing happened", len(seen.All()), len(errs))
	}
	for _, line := range lines {
		for _, secret := range []string{testPassword, testNumber, testNumber[1:], testNumber[len(testNumber)-7:], citizen, "Maria", "Piove"} {
			if strings.Contains(line, secret) {
				t.Errorf("%q is in %q", secret, line)
			}
		}
	}
}

// observedTrouble sends and hears through everything that can go wrong.
func observedTrouble(t *testing.T, citizen string) (*observer.ObservedLogs, []string) {
	core, seen := observer.New(zapcore.DebugLevel)
	var errs []string
	inBubble(t, func(t *testing.T) {
		step := 0
		s := &smsc{password: testPassword}
		s.on = func(c *caller, p pdu) bool {
			if p.command != submitSM {
				return false
			}
			step++
			switch step {
			case 1:
				c.refuse(p, 0x0B)
			case 2:
				c.refuse(p, statusThrottled)
			case 3:
				c.refuse(p, statusInvalidExpiry)
			case 4: // an answer that cannot be read, with what it was sent
				c.send(pdu{command: submitSM.response(), seq: p.seq + 100, body: &messageAnswer{testNumber}})
				c.Write([]byte("\x00\x00\x00\x14\x00\x00\x00\x05\x00\x00\x00\x00\x00\x00\x00\x01" + testPassword[:4])) // too short for a deliver_sm
				c.refuse(p, 0xFF)
			case 5:
				c.Close()
			default:
				return false
			}
			return true
		}
		config := testConfig(t)
		config.Flash, config.Binds = "extreme", 2
		c, err := New("sms", config, channeltest.Settings(), zap.New(core))
		if err != nil {
			t.Fatal(err)
		}
		c.connect = s.dial
		m := newMemory()
		listen(t, c, m)
		for range 7 {
			msg := text("k", "Piove.")
			msg.Severity = alerts.SeverityExtreme
			msg.Expires = time.Now().Add(time.Hour)
			if _, err := c.Send(t.Context(), msg); err != nil {
				errs = append(errs, err.Error())
			}
			time.Sleep(2 * longestWait)
		}
		m.mu.Lock()
		m.fail = 2
		m.mu.Unlock()
		s.deliver(1, &message{source: address{1, 1, testNumber[1:]}, text: []byte(citizen)})
		s.deliver(2, receiptFor("1001"))
		noID := receiptFor("1")
		noID.text = []byte("stat:DELIVRD text:" + citizen)
		s.deliver(3, noID)
		synctest.Wait()
		s.wants("another")
		for _, one := range s.connected() {
			one.Close()
		}
		time.Sleep(longestWait)
		if _, err := c.Send(t.Context(), text("x", "Piove.")); err != nil {
			errs = append(errs, err.Error())
		}
		if err := c.Check(t.Context()); err != nil {
			errs = append(errs, err.Error())
		}
		s.wants(testPassword)
		_ = c.Check(t.Context())
		c.Close()
	})
	return seen, errs
}
