package mqtt

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"martinella/channels"
	"martinella/channels/channeltest"
)

// connected reports whether the link has a session now.
func (l *link) connected() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.live != nil && l.live.alive()
}

// sink keeps reports; the first fail calls are refused.
type sink struct {
	mu      sync.Mutex
	fail    int
	reports chan channels.DeliveryReport
}

func newSink() *sink { return &sink{reports: make(chan channels.DeliveryReport, 4096)} }

func (s *sink) Report(_ context.Context, _ string, r channels.DeliveryReport) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fail > 0 {
		s.fail--
		return errors.New("the store is away")
	}
	s.reports <- r
	return nil
}

func (s *sink) Reply(context.Context, string, channels.Reply) error {
	return errors.New("machines do not reply")
}

func (s *sink) next(t testing.TB) channels.DeliveryReport {
	t.Helper()
	select {
	case r := <-s.reports:
		return r
	case <-time.After(patience):
		t.Fatal("no report came")
		return channels.DeliveryReport{}
	}
}

// listen runs until the test ends, or until stop.
func listen(t testing.TB, c *Channel, to channels.Sink) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- c.Listen(ctx, to) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(stop)
	until(t, "listening", func() bool { return c.acks.connected() })
	return stop
}

const otherEvent = "01KAK3Z8G0SENT1NEL00000001"

func TestAcknowledgements(t *testing.T) {
	m := startMosquitto(t, usualACL)
	c := open(t, m.addr(), nil)
	to := newSink()
	to.fail = 1
	listen(t, c, to)
	if err := c.Listen(t.Context(), to); !errors.Is(err, errListening) {
		t.Errorf("a second listener: %v", err)
	}
	receipt := send(t, c, rendered(t, c, channeltest.Actual, "047014"))
	m.publish(t, "siren1", "ack/siren1", `{"event":"01KAK3Z8G0FLD1RST0000000A1","revision":1}`)
	if r := to.next(t); r.MessageID != receipt.ID || r.State != channels.ReportDelivered {
		t.Errorf("got %+v for %+v", r, receipt)
	}
	// What comes twice, fails, is retained or is no acknowledgement changes nothing.
	m.publish(t, "siren1", "ack/siren1", `{"event":"01KAK3Z8G0FLD1RST0000000A1","revision":1,"state":"done"}`)
	m.publish(t, "all", "ack/siren2", `{"event":"01KAK3Z8G0FLD1RST0000000A1","revision":2,"state":"failed"}`)
	m.publish(t, "all", "ack/siren2", "\xff")
	m.publish(t, "all", "ack/siren 3", "01KAK3Z8G0FLD1RST0000000A1/3")
	m.publish(t, "siren1", "ack/siren1", "", "-D", "publish", "correlation-data", otherEvent+"/7")
	if r := to.next(t); r.MessageID != otherEvent+"/7" {
		t.Errorf("got %+v", r)
	}
}

// A broker that remembers us keeps what devices say while we are away.
func TestAcknowledgementsWhileWeAreAway(t *testing.T) {
	m := startMosquitto(t, usualACL)
	remembered := func(c *Config) { c.ClientID = "node-1" }
	c := open(t, m.addr(), remembered)
	listen(t, c, newSink())()
	c.Close()
	m.publish(t, "siren1", "ack/siren1", otherEvent+"/1")
	c = open(t, m.addr(), remembered)
	to := newSink()
	listen(t, c, to)
	if r := to.next(t); r.MessageID != otherEvent+"/1" {
		t.Errorf("got %+v", r)
	}
}

func TestNoRightToReadAcknowledgements(t *testing.T) {
	f := startFake(t, nil) // it refuses every subscription with 135
	c := open(t, f.addr(), nil)
	_, err := c.openAcks(t.Context())
	suite.Refuses(t, "subscribing", err, channels.VerdictUnauthorized)
}

func TestReadAck(t *testing.T) {
	long := strings.Repeat("x", 2000)
	for name, c := range map[string]struct {
		topic, payload, correlation string
		want                        ack
		ok                          bool
	}{
		"JSON":                     {"ack/siren1", `{"event":"` + otherEvent + `","revision":2,"state":"done","battery":80}`, "", ack{"siren1", otherEvent, 2, false}, true},
		"a failure":                {"ack/siren1", `{"event":"` + otherEvent + `","revision":2,"state":"failed"}`, "", ack{"siren1", otherEvent, 2, true}, true},
		"plain text":               {"ack/siren1", otherEvent + "/2\n", "", ack{"siren1", otherEvent, 2, false}, true},
		"correlation":              {"ack/siren1", "", otherEvent + "/2", ack{"siren1", otherEvent, 2, false}, true},
		"correlation, and a state": {"ack/siren1", `{"state":"failed"}`, otherEvent + "/2", ack{"siren1", otherEvent, 2, true}, true},
		"another topic":            {"state/siren1", otherEvent + "/2", "", ack{}, false},
		"no device":                {"ack/", otherEvent + "/2", "", ack{}, false},
		"a device of two levels":   {"ack/a/b", otherEvent + "/2", "", ack{}, false},
		"a device with a newline":  {"ack/a\nb", otherEvent + "/2", "", ack{}, false},
		"no revision":              {"ack/siren1", otherEvent, "", ack{}, false},
		"revision 0":               {"ack/siren1", otherEvent + "/0", "", ack{}, false},
		"a negative revision":      {"ack/siren1", otherEvent + "/-1", "", ack{}, false},
		"a revision too high":      {"ack/siren1", otherEvent + "/99999999999", "", ack{}, false},
		"two spellings":            {"ack/siren1", otherEvent + "/02", "", ack{}, false},
		"an event that is none":    {"ack/siren1", "martinella:log/1", "", ack{}, false},
		"an unknown state":         {"ack/siren1", `{"event":"` + otherEvent + `","revision":2,"state":"perhaps"}`, "", ack{}, false},
		"broken JSON":              {"ack/siren1", `{"event":`, "", ack{}, false},
		"too long":                 {"ack/siren1", `{"event":"` + otherEvent + `","revision":2,"x":"` + long + `"}`, "", ack{}, false},
	} {
		got, err := readAck("ack", c.topic, []byte(c.payload), []byte(c.correlation))
		if (err == nil) != c.ok || c.ok && got != c.want {
			t.Errorf("%s: got %+v, %v; want %+v, %v", name, got, err, c.want, c.ok)
		}
	}
}

func TestFloodOfAcknowledgements(t *testing.T) {
	var h heard
	now := channeltest.SampleSent
	for i := range mostFresh + 5 {
		if got, want := h.admit(strconv.Itoa(i), now), i >= mostFresh; (got == tooMany) != want {
			t.Fatalf("%d: got %d", i, got)
		}
	}
	if h.admit("a", now.Add(time.Minute)) != fresh {
		t.Error("a minute later it is still too many")
	}
	for i := range 3 * mostHeard {
		h.remember(strconv.Itoa(i))
	}
	if len(h.known) != mostHeard || len(h.order) != mostHeard || h.admit(fmt.Sprint(3*mostHeard-1), now) != twice {
		t.Errorf("%d and %d are remembered", len(h.known), len(h.order))
	}
	said := 0
	for range 100 {
		h.complain(now, func(int) { said++ })
	}
	h.complain(now.Add(time.Minute), func(n int) { said += n })
	if said != 1+100 {
		t.Errorf("said %d", said)
	}
}

func FuzzAck(f *testing.F) {
	f.Add("ack/siren1", []byte(`{"event":"`+otherEvent+`","revision":2}`), []byte(""))
	f.Add("ack/siren1", []byte(otherEvent+"/2"), []byte(""))
	f.Add("ack/#", []byte("{}"), []byte(otherEvent+"/2"))
	f.Add("ack/\x00", []byte("null"), []byte("/"))
	f.Fuzz(func(t *testing.T, topic string, payload, correlation []byte) {
		a, err := readAck("ack", topic, payload, correlation)
		if err != nil {
			if a.event != "" || err.Error() != errNoAck.Error() {
				t.Fatalf("refused with %+v, %v", a, err)
			}
			return
		}
		if "ack/"+a.device != topic || !eventID.MatchString(string(a.event)) || a.revision < 1 || a.revision > maxRevision || strings.ContainsAny(a.device, "+#/\n\x00") {
			t.Fatalf("%+v", a)
		}
		again, err := readAck("ack", topic, []byte(receiptID(a.event, a.revision)), nil)
		if err != nil || again.event != a.event || again.revision != a.revision {
			t.Fatalf("%+v is not read again: %v", a, err)
		}
	})
}
