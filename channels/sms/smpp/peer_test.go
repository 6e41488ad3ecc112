package smpp

import (
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"martinella/channels"
	"martinella/channels/channeltest"
)

// line is what the foreign SMSC prints.
type line struct {
	Bind               string
	Status             *int
	Submit             int
	Seq                uint32
	Src, Dst           string
	SrcTON             int `json:"src_ton"`
	DstTON             int `json:"dst_ton"`
	DCS                int
	ESMClass           int `json:"esm_class"`
	UDH                []string
	Octets             string // of short_message, in hexadecimal
	Text, ID           string
	UserReference      int    `json:"user_message_reference"`
	RegisteredDelivery int    `json:"registered_delivery"`
	Validity           string `json:"validity_period"`
	Receipt, MO, Error string
	Unbind, Alive      int
}

// words is the text, whichever peer read it.
func (l line) words(t *testing.T) string {
	t.Helper()
	if l.Octets == "" {
		return l.Text
	}
	octets, err := hex.DecodeString(l.Octets)
	if err != nil {
		t.Fatal(err)
	}
	return decode(&message{esmClass: byte(l.ESMClass), dataCoding: byte(l.DCS), text: octets})
}

// peers are the foreign SMSCs, each on a codec of its own.
var peers = map[string]func(t *testing.T, args ...string) *channeltest.Peer{
	"npm smpp": func(t *testing.T, args ...string) *channeltest.Peer {
		t.Helper()
		return channeltest.StartPeer(t, "smsc.js", args...)
	},
	"Net::SMPP": func(t *testing.T, args ...string) *channeltest.Peer {
		t.Helper()
		return channeltest.StartPerl(t, "smsc.pl", "Net::SMPP", "libnet-smpp-perl", args...)
	},
}

// foreign starts the SMSC of the npm package smpp and a channel to it.
func foreign(t *testing.T, args ...string) (*channeltest.Peer, *Channel) {
	t.Helper()
	peer := channeltest.StartPeer(t, "smsc.js", append([]string{"--password", testPassword}, args...)...)
	return peer, newChannel(t, nil, func(c *Config) { c.Addr = peer.Addr() })
}

// next gives the peer's next line that fits.
func next(t *testing.T, peer *channeltest.Peer, fits func(line) bool) line {
	t.Helper()
	for range 100 {
		var l line
		if peer.Next(t, &l); fits(l) {
			return l
		}
	}
	t.Fatal("the peer talks of other things")
	return line{}
}

func isSubmit(l line) bool  { return l.Submit > 0 }
func isReceipt(l line) bool { return l.Receipt != "" }

func TestForeignSMSCReadsWhatWeSend(t *testing.T) {
	peer, c := foreign(t)
	for sentence, m := range map[string]struct {
		text  string
		dcs   int
		parts []int // characters
	}{
		"one message with accents": {"Perché piove: è allerta à ò ù ì § @ € [x] {y} ~ | \\ ^", 0, []int{53}},
		"two parts":                {longText, 0, []int{153, 119}},
		"UCS-2 with an emoji":      {strings.Repeat("Тревога ", 9) + "🔥", 8, []int{67, 7}},
	} {
		t.Run(sentence, func(t *testing.T) {
			want := text(sentence, m.text)
			want.Expires = time.Now().Add(time.Hour)
			got, err := c.Send(t.Context(), want)
			if err != nil {
				t.Fatal(err)
			}
			if len(got.Parts) != len(m.parts) {
				t.Fatalf("got %+v, want %d parts", got, len(m.parts))
			}
			var whole strings.Builder
			seen := map[uint32]bool{}
			for i := range m.parts {
				l := next(t, peer, isSubmit)
				if l.Src != "Comune" || l.SrcTON != 5 || l.Dst != "393330001234" || l.DstTON != 1 || l.DCS != m.dcs || l.RegisteredDelivery != 1 || l.UserReference != 70007&0xFFFF || l.Validity == "" || l.ID != got.Parts[i].ID || seen[l.Seq] {
					t.Errorf("part %d arrived as %+v", i+1, l)
				}
				seen[l.Seq] = true
				udh := ""
				if len(m.parts) > 1 {
					udh = fmt.Sprintf("0003%02x%02x%02x", reference("Comune", "393330001234", want), len(m.parts), i+1)
				}
				if strings.Join(l.UDH, " ") != udh {
					t.Errorf("part %d has the header %q, want %q", i+1, l.UDH, udh)
				}
				if n := channels.Units16(l.Text); n != m.parts[i] {
					t.Errorf("part %d has %d characters, want %d", i+1, n, m.parts[i])
				}
				whole.WriteString(l.Text)
			}
			if whole.String() != m.text {
				t.Errorf("arrived as %q", whole.String())
			}
		})
	}
}

func TestForeignReceipts(t *testing.T) {
	for sentence, args := range map[string][]string{
		"both forms":                {},
		"text alone":                {"--receipt-form", "text"},
		"parameters alone":          {"--receipt-form", "tlv"},
		"before the answer":         {"--receipt", "early"},
		"twice":                     {"--receipt", "double"},
		"the other spelling of ids": {"--hex"},
	} {
		t.Run(sentence, func(t *testing.T) {
			peer, c := foreign(t, args...)
			m := newMemory()
			ctx, cancel := context.WithCancel(t.Context())
			listened := make(chan error, 1)
			go func() { listened <- c.Listen(ctx, m) }()
			defer func() {
				cancel()
				if err := <-listened; err != nil {
					t.Error(err)
				}
			}()
			got, err := c.Send(t.Context(), text("k", longText))
			if err != nil {
				t.Fatal(err)
			}
			failed := text("f", "Piove.")
			failed.To = "+393330001404"
			bad, err := c.Send(t.Context(), failed)
			if err != nil {
				t.Fatal(err)
			}
			want := map[string]channels.ReportState{
				got.Parts[0].ID: channels.ReportDelivered, got.Parts[1].ID: channels.ReportDelivered, bad.ID: channels.ReportFailed,
			}
			times := 1
			if strings.Contains(fmt.Sprint(args), "double") {
				times = 2
			}
			m.wait(t, 3*times)
			for _, r := range m.reports {
				if want[r.MessageID] != r.State {
					t.Errorf("reported %+v; sent %v and %v", r, got, bad)
				}
			}
			for range 3 * times {
				if l := next(t, peer, isReceipt); *l.Status != 0 {
					t.Errorf("we answered a receipt with %d", *l.Status)
				}
			}
		})
	}
}

func TestForeignSMSCRefuses(t *testing.T) {
	_, c := foreign(t)
	for number, want := range map[string]channels.Verdict{"+393330001000": channels.VerdictPermanent, "+393330001500": channels.VerdictUncertain} {
		m := text(number, "Piove.")
		m.To = number
		_, err := c.Send(t.Context(), m)
		verdict(t, err, want)
	}
	m := text("throttled", "Piove.")
	m.To = "+393330001429"
	var waited time.Duration
	for range 2 {
		_, err := c.Send(t.Context(), m)
		verdict(t, err, channels.VerdictRetry)
		_, wait := channels.VerdictOf(err)
		waited += wait
	}
	if _, err := c.Send(t.Context(), m); err != nil || waited == 0 {
		t.Errorf("the third is to be taken: %v, after %v", err, waited)
	}
}

func TestForeignWrongPassword(t *testing.T) {
	peer := channeltest.StartPeer(t, "smsc.js", "--password", "another")
	c := newChannel(t, nil, func(c *Config) { c.Addr = peer.Addr() })
	err := c.Check(t.Context())
	verdict(t, err, channels.VerdictUnauthorized)
	if err == nil || !strings.Contains(err.Error(), "ESME_RINVPASWD") {
		t.Errorf("got %v", err)
	}
}

func TestForeignCitizen(t *testing.T) {
	peer, c := foreign(t)
	m := newMemory()
	ctx, cancel := context.WithCancel(t.Context())
	listened := make(chan error, 1)
	go func() { listened <- c.Listen(ctx, m) }()
	defer func() { cancel(); <-listened }()
	next(t, peer, func(l line) bool { return l.Bind != "" })
	peer.Tell(t, map[string]any{"mo": map[string]string{"from": "393330001234", "to": "390573000111", "text": "Sì 20"}})
	m.wait(t, 1)
	if got := m.replies[0]; got.From != "+393330001234" || got.To != "390573000111" || got.Text != "Sì 20" {
		t.Errorf("got %+q", got)
	}
	if l := next(t, peer, func(l line) bool { return l.MO != "" }); *l.Status != 0 {
		t.Errorf("we answered %d", *l.Status)
	}
}

func TestForeignSMSCHangsUp(t *testing.T) {
	peer, c := foreign(t, "--close-after", "2")
	if _, err := c.Send(t.Context(), text("1", "Piove.")); err != nil {
		t.Fatal(err)
	}
	_, err := c.Send(t.Context(), text("2", "Piove."))
	verdict(t, err, channels.VerdictUncertain)
	if _, err = c.Send(t.Context(), text("3", "Piove.")); err != nil { // on a slow machine the wait may be over
		if _, wait := channels.VerdictOf(err); wait <= 0 || wait > firstWait {
			t.Errorf("right after the loss: %v, wait %v", err, wait)
		}
	}
	if err := c.Check(t.Context()); err != nil { // does not wait
		t.Fatal(err)
	}
	if _, err := c.Send(t.Context(), text("3", "Piove.")); err != nil {
		t.Error(err)
	}
	next(t, peer, func(l line) bool { return l.Submit == 3 })
}

// Whatever breaks between us and the SMSC: nothing is taken for sent or for
// not sent that we cannot know, and one Send is at most one submit.
func TestBreaks(t *testing.T) {
	for name, start := range peers {
		t.Run(name, func(t *testing.T) { breaks(t, start) })
	}
}

func breaks(t *testing.T, start func(*testing.T, ...string) *channeltest.Peer) {
	peer := start(t, "--password", testPassword)
	for sentence, c := range map[string]struct {
		fault   channeltest.Fault
		submits int
		silent  bool // nothing ever happens on the connection: whoever waits gives up
	}{
		"dropped before the answer": {channeltest.Drop(), 1, false},
		"reset before the answer":   {channeltest.Reset(), 1, false},
		"the answer is cut":         {channeltest.Truncate(12), 1, false},
		"the answer never comes":    {channeltest.Mute(), 1, true},
		"the request never arrives": {channeltest.Blackhole(), 0, true},
	} {
		t.Run(sentence, func(t *testing.T) {
			proxy := channeltest.StartProxy(t, peer.Addr())
			channel := newChannel(t, nil, func(c *Config) { c.Addr = proxy.Addr() })
			written := tap(channel)
			if err := channel.Check(t.Context()); err != nil {
				t.Fatal(err)
			}
			proxy.Break(c.fault, 1)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			sent := make(chan error, 1)
			go func() {
				_, err := channel.Send(ctx, text(sentence, sentence))
				sent <- err
			}()
			got := 0
			switch {
			case c.silent && c.submits > 0:
				next(t, peer, isSubmit)
				got++
				cancel()
			case c.silent:
				written(sentence)
				cancel()
			}
			verdict(t, <-sent, channels.VerdictUncertain)
			proxy.Cut()
			after := newChannel(t, nil, func(c *Config) { c.Addr = peer.Addr() })
			if _, err := after.Send(t.Context(), text("after", "after "+sentence)); err != nil {
				t.Fatal(err)
			}
			for {
				l := next(t, peer, isSubmit)
				if l.words(t) == "after "+sentence {
					break
				}
				got++
			}
			if got != c.submits {
				t.Errorf("%d submits, want %d", got, c.submits)
			}
		})
	}
}

// tap gives a function that waits until the words have left on a connection of
// the channel.
func tap(c *Channel) (written func(words string)) {
	wrote := make(chan []byte, 1000)
	connect := c.connect
	c.connect = func(ctx context.Context, addr string) (net.Conn, error) {
		conn, err := connect(ctx, addr)
		return tapped{conn, wrote}, err
	}
	return func(words string) {
		for b := range wrote {
			if bytes.Contains(b, []byte(words)) {
				return
			}
		}
	}
}

type tapped struct {
	net.Conn
	wrote chan []byte
}

func (c tapped) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	c.wrote <- bytes.Clone(b)
	return n, err
}
