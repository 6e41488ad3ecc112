package smpp

import (
	"context"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"
	"time"

	"martinella/alerts"
	"martinella/channels"
	"martinella/channels/channeltest"
)

// What every foreign SMSC must understand of us, and we of it, bound either way.
func TestForeignCodecs(t *testing.T) {
	for name, start := range peers {
		for _, kind := range []string{"transceiver", "pair"} {
			t.Run(name+" bound as "+kind, func(t *testing.T) { speaks(t, start, kind) })
		}
	}
}

func speaks(t *testing.T, start func(*testing.T, ...string) *channeltest.Peer, kind string) {
	peer := start(t, "--password", testPassword)
	c := newChannel(t, nil, func(c *Config) {
		c.Addr, c.Bind, c.Flash, c.ReplyNumber = peer.Addr(), kind, "extreme", "+390573000111"
	})
	if err := c.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	want := map[string][]string{"transceiver": {"transceiver"}, "pair": {"transmitter", "receiver"}}[kind]
	bound := map[string]bool{}
	for range want {
		bound[next(t, peer, func(l line) bool { return l.Bind != "" }).Bind] = true
	}
	for _, role := range want {
		if !bound[role] {
			t.Fatalf("bound as %v, want %v", bound, want)
		}
	}
	m := newMemory()
	ctx, cancel := context.WithCancel(t.Context())
	listened := make(chan error, 1)
	go func() { listened <- c.Listen(ctx, m) }()

	t.Run("a long alert and its flash copy", func(t *testing.T) {
		alert := text("k", "È "+longText)
		alert.Expires, alert.Severity = time.Now().Add(time.Hour), alerts.SeverityExtreme
		got, err := c.Send(t.Context(), alert)
		if err != nil {
			t.Fatal(err)
		}
		_, segments := channels.Segments(alert.Text)
		if len(got.Parts) != len(segments) {
			t.Errorf("got %+v, want %d parts", got, len(segments))
		}
		var words, flash strings.Builder
		for range 2 * len(segments) {
			l := next(t, peer, isSubmit)
			recorded := 1
			if l.DCS == 0x18 {
				recorded = 0
				flash.WriteString(l.words(t))
			} else {
				words.WriteString(l.words(t))
			}
			if l.Src != "Comune" || l.SrcTON != 5 || l.Dst != "393330001234" || l.ESMClass != 0x40 || l.RegisteredDelivery != recorded || !validUntil(l.Validity, alert.Expires) {
				t.Errorf("arrived as %+v", l)
			}
			if recorded == 1 && l.UserReference != 70007&0xFFFF {
				t.Errorf("with the reference %d", l.UserReference)
			}
		}
		if words.String() != alert.Text || flash.String() != alert.Text {
			t.Errorf("arrived as %q and, flash, %q", words.String(), flash.String())
		}
		m.wait(t, len(segments))
		reported := map[string]bool{}
		for _, r := range m.reports {
			reported[r.MessageID] = r.State == channels.ReportDelivered
		}
		for _, p := range got.Parts {
			if !reported[p.ID] {
				t.Errorf("part %s is not reported: %+v", p.ID, m.reports)
			}
		}
		if len(m.reports) != len(segments) {
			t.Errorf("%d reports for %d parts: the flash copy is counted", len(m.reports), len(segments))
		}
	})
	t.Run("refusals", func(t *testing.T) {
		for number, want := range map[string]channels.Verdict{"+393330001000": channels.VerdictPermanent, "+393330001500": channels.VerdictUncertain, "+393330001429": channels.VerdictRetry} {
			refused := text(number, "Piove.")
			refused.To = number
			_, err := c.Send(t.Context(), refused)
			verdict(t, err, want)
		}
	})
	t.Run("a failed delivery", func(t *testing.T) {
		failed := text("f", "Piove.")
		failed.To = "+393330001404"
		got, err := c.Send(t.Context(), failed)
		if err != nil {
			t.Fatal(err)
		}
		m.wait(t, 1)
		if r := m.reports[len(m.reports)-1]; r.MessageID != got.ID || r.State != channels.ReportFailed || r.Code != "UNDELIV err:027" {
			t.Errorf("reported %+v", r)
		}
	})
	t.Run("a citizen's long message, and the answer", func(t *testing.T) {
		for n, words := range []string{"ST", "OP"} {
			header := []byte{0, 3, 7, 2, byte(n + 1)}
			mo := map[string]any{"from": "393330001234", "to": "390573000111", "text": words, "udh": hex.EncodeToString(append([]byte{5}, header...)),
				"esm_class": 0x40, "octets": hex.EncodeToString(append(append([]byte{5}, header...), words...))}
			peer.Tell(t, map[string]any{"mo": mo})
		}
		m.wait(t, 1)
		if got := replies(m); got[0] == "(1/2) ST" { // the second was slower than our patience
			m.wait(t, 1)
		}
		got := replies(m)
		if from := m.replies[0].From; from != testNumber || got[len(got)-1] != "STOP" {
			t.Errorf("got %+q from %s", got, from)
		}
		for range 2 {
			if l := next(t, peer, func(l line) bool { return l.MO != "" }); *l.Status != 0 {
				t.Errorf("we answered %d", *l.Status)
			}
		}
		if err := c.Answer(t.Context(), testNumber, "Non riceverai più i nostri avvisi."); err != nil {
			t.Fatal(err)
		}
		l := next(t, peer, isSubmit)
		if l.Src != "390573000111" || l.Dst != "393330001234" || l.words(t) != "Non riceverai più i nostri avvisi." || l.RegisteredDelivery != 0 {
			t.Errorf("arrived as %+v", l)
		}
	})
	cancel()
	if err := <-listened; err != nil {
		t.Error(err)
	}
}

// validUntil reads what a peer made of the validity period: one gives it as it
// came, the other as a time.
func validUntil(period string, want time.Time) bool {
	if at, err := time.Parse(time.RFC3339, period); err == nil {
		return at.Equal(want.Truncate(time.Second))
	}
	return period == want.UTC().Format("060102150405")+"000+"
}

// Things that only the Perl SMSC can be told to say.
func TestNetSMPPAsksAndRefuses(t *testing.T) {
	peer := peers["Net::SMPP"](t, "--password", testPassword)
	c := newChannel(t, nil, func(c *Config) { c.Addr = peer.Addr() })
	m := newMemory()
	ctx, cancel := context.WithCancel(t.Context())
	listened := make(chan error, 1)
	go func() { listened <- c.Listen(ctx, m) }()
	next(t, peer, func(l line) bool { return l.Bind != "" })
	peer.Tell(t, map[string]int{"enquire": 1})
	next(t, peer, func(l line) bool { return l.Alive == 1 })
	peer.Tell(t, map[string]int{"nack": 1}) // of nothing that we asked: passed over
	got, err := c.Send(t.Context(), text("k", "Piove."))
	if err != nil || !strings.HasPrefix(got.ID, "p") {
		t.Errorf("got %+v, %v", got, err)
	}
	cancel()
	if err := <-listened; err != nil {
		t.Error(err)
	}
	next(t, peer, func(l line) bool { return l.Unbind == 1 })

	wrong := peers["Net::SMPP"](t, "--password", "another")
	stranger := newChannel(t, nil, func(c *Config) { c.Addr = wrong.Addr() })
	err = stranger.Check(t.Context())
	verdict(t, err, channels.VerdictUnauthorized)
	if err == nil || !strings.Contains(err.Error(), "ESME_RINVPASWD") || strings.Contains(fmt.Sprint(err), testPassword) {
		t.Errorf("got %v", err)
	}
}
