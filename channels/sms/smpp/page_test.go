package smpp

import (
	"context"
	"strings"
	"testing"
	"time"

	"martinella/channels"
	"martinella/channels/channeltest"
)

func onePart(t testing.TB, name string, m channels.Message) {
	t.Helper()
	if encoding, parts := channels.Segments(m.Text); encoding != channels.GSM7 || len(parts) != 1 {
		t.Errorf("%s: %d parts of %s: %q", name, len(parts), encoding, m.Text)
	}
}

func TestPages(t *testing.T) {
	channeltest.Pages(t, channeltest.PagerSuite{New: func(t testing.TB) channels.Pager { return newChannel(t, nil, nil) }, Fits: onePart, LinkInText: true})
}

func TestGoldenPages(t *testing.T) {
	channeltest.GoldenPages(t, newChannel(t, nil, func(c *Config) { c.Source = "+390573000111" }))
}

// An alias takes no answer: nobody is told to write one, unless there is a number
// for it.
func TestWhoMayAnswer(t *testing.T) {
	for sentence, c := range map[string]struct {
		edit func(*Config)
		want string
	}{
		"an alias":               {nil, "18:15. https://"},
		"an alias with a number": {func(c *Config) { c.ReplyNumber = "+390573000111" }, "SI 20, NO o FORSE 60 al +390573000111. https://"},
		"a number":               {func(c *Config) { c.Source = "+390573000111" }, "Rispondi SI 20, NO o FORSE 60. https://"},
	} {
		t.Run(sentence, func(t *testing.T) {
			m, err := newChannel(t, nil, c.edit).RenderPage(channeltest.SamplePage(channels.PageCall, "it"))
			if err != nil || !strings.Contains(m.Text, c.want) {
				t.Errorf("%q, %v; want %q", m.Text, err, c.want)
			}
		})
	}
}

// A page through somebody else's SMSC and the answer back from it.
func TestForeignSMSCCarriesAPageAndItsAnswer(t *testing.T) {
	const number = "+390573000111"
	peer := channeltest.StartPeer(t, "smsc.js", "--password", testPassword)
	c := newChannel(t, nil, func(c *Config) { c.Addr, c.Source = peer.Addr(), number })
	ctx, cancel := context.WithCancel(t.Context())
	heard, done := newMemory(), make(chan error, 1)
	go func() { done <- c.Listen(ctx, heard) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("listen: %v", err)
		}
	})

	p := channeltest.SamplePage(channels.PageCall, "it")
	m, err := c.RenderPage(p)
	if err != nil {
		t.Fatal(err)
	}
	m = m.For(map[string]string{channels.PersonLink: "AAAAKgAAAaHkQ0Zb3n1xWq_-"})
	m.Channel, m.Audience, m.Key, m.To, m.Ordinal, m.Expires = "sms", channels.AudienceVolunteers, "call/1/sms/7", testNumber, 7, time.Now().Add(time.Hour)
	receipt, err := c.Send(t.Context(), m)
	if err != nil || len(receipt.Parts) > 1 {
		t.Fatalf("%+v, %v", receipt, err)
	}
	l := next(t, peer, isSubmit)
	if want := "PC Valdemo V-0417: Sacchi in via del Ponte, ritrovo magazzino 18:15. Rispondi SI 20, NO o FORSE 60. https://valdemo.example/d/AAAAKgAAAaHkQ0Zb3n1xWq_-"; l.Text != want || l.DCS != 0 || len(l.UDH) != 0 {
		t.Errorf("arrived as %+v, want %q", l, want)
	}
	peer.Tell(t, map[string]any{"mo": map[string]string{"from": strings.TrimPrefix(testNumber, "+"), "to": strings.TrimPrefix(number, "+"), "text": "SI 20"}})
	heard.wait(t, 2) // the receipt and the answer
	heard.mu.Lock()
	defer heard.mu.Unlock()
	if len(heard.replies) != 1 {
		t.Fatalf("%d replies", len(heard.replies))
	}
	if r := heard.replies[0]; r.From != testNumber || r.Text != "SI 20" || r.At.IsZero() {
		t.Errorf("got %+v", r)
	}
}
