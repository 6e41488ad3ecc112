package smpp

import (
	"bufio"
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"go.uber.org/zap"

	"martinella/channels"
	"martinella/channels/channeltest"
	"martinella/channels/sms"
)

// smsc is an SMSC of ours that misbehaves as told. It speaks over pipes, so
// that it lives inside a synctest bubble.
type smsc struct {
	password string
	keep     bool                                  // all frames, as they came
	on       func(c *caller, p pdu) (handled bool) // looked at first

	mu        sync.Mutex
	dials     []time.Time
	dialledAt []string
	away      map[string]bool // addresses where nobody answers
	callers   []*caller
	submits   []pdu
	answers   []pdu // deliver_sm_resp
	gone      int   // unbinds
	nextID    int
	frames    [][]byte
}

// caller is one connection to it.
type caller struct {
	net.Conn
	smsc *smsc
	mu   sync.Mutex
	role command // the bind that it gave; under smsc.mu
	took int     // submits that it brought
}

func (s *smsc) dial(_ context.Context, addr string) (net.Conn, error) {
	ours, theirs := net.Pipe()
	c := &caller{Conn: theirs, smsc: s}
	s.mu.Lock()
	if s.away[addr] {
		s.dials, s.dialledAt = append(s.dials, time.Now()), append(s.dialledAt, addr)
		s.mu.Unlock()
		return nil, errors.New("connection refused")
	}
	s.dials, s.dialledAt = append(s.dials, time.Now()), append(s.dialledAt, addr)
	s.callers = append(s.callers, c)
	s.mu.Unlock()
	go c.serve()
	return ours, nil
}

func (c *caller) serve() {
	defer c.Close()
	r := bufio.NewReader(c)
	for {
		frame, err := readFrame(r, nil)
		if err != nil {
			return
		}
		p, _ := decodePDU(frame)
		c.note(p)
		if c.smsc.keep {
			c.smsc.mu.Lock()
			c.smsc.frames = append(c.smsc.frames, frame)
			c.smsc.mu.Unlock()
		}
		if c.smsc.on != nil && c.smsc.on(c, p) {
			continue
		}
		if c.usual(p) {
			return
		}
	}
}

func (c *caller) note(p pdu) {
	s := c.smsc
	s.mu.Lock()
	defer s.mu.Unlock()
	switch p.command {
	case bindTransceiver, bindTransmitter, bindReceiver:
		c.role = p.command
	case submitSM:
		c.took++
		s.submits = append(s.submits, p)
	case deliverSM.response():
		s.answers = append(s.answers, p)
	case unbind:
		s.gone++
	}
}

// is gives what a caller is and how much it brought.
func (c *caller) is() (command, int) {
	c.smsc.mu.Lock()
	defer c.smsc.mu.Unlock()
	return c.role, c.took
}

// usual is what an honest SMSC does; true: hang up.
func (c *caller) usual(p pdu) bool {
	switch p.command {
	case bindTransceiver, bindTransmitter, bindReceiver:
		if !c.smsc.lets(p.body.(*bindRequest).password) {
			c.send(pdu{command: p.command.response(), status: statusInvalidPassword, seq: p.seq})
			return true
		}
		c.send(pdu{command: p.command.response(), seq: p.seq, body: &bindAnswer{"SMSC"}})
	case submitSM:
		c.take(p)
	case enquireLink:
		c.send(pdu{command: p.command.response(), seq: p.seq})
	case unbind:
		c.send(pdu{command: p.command.response(), seq: p.seq})
		return true
	}
	return false
}

// take answers a submit with a fresh id.
func (c *caller) take(p pdu) string {
	c.smsc.mu.Lock()
	c.smsc.nextID++
	id := strconv.Itoa(1000 + c.smsc.nextID)
	c.smsc.mu.Unlock()
	c.send(pdu{command: submitSM.response(), seq: p.seq, body: &messageAnswer{id}})
	return id
}

func (c *caller) refuse(p pdu, s status) {
	c.send(pdu{command: p.command.response(), status: s, seq: p.seq})
}

func (c *caller) send(p pdu) {
	b, err := appendPDU(nil, p)
	if err != nil {
		panic(err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.Write(b) // a caller who has gone is part of the tests
}

// deliver sends a deliver_sm on the newest connection.
func (s *smsc) deliver(seq uint32, m *message) {
	s.newest().send(pdu{command: deliverSM, seq: seq, body: m})
}

func (s *smsc) seen() []pdu {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]pdu(nil), s.submits...)
}

// heard is every frame that was kept, as it came.
func (s *smsc) heard() [][]byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.frames
}

func (s *smsc) answered() []pdu {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]pdu(nil), s.answers...)
}

// newest is the last that called.
func (s *smsc) newest() *caller {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.callers[len(s.callers)-1]
}

func (s *smsc) wants(password string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.password = password
}

func (s *smsc) lets(password string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.password == password
}

// where lists the addresses that were dialled.
func (s *smsc) where() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.dialledAt...)
}

func (s *smsc) leaves(addr string, away bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.away == nil {
		s.away = map[string]bool{}
	}
	s.away[addr] = away
}

// connected lists the connections, the oldest first.
func (s *smsc) connected() []*caller {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]*caller(nil), s.callers...)
}

func (s *smsc) unbinds() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.gone
}

func (s *smsc) dialled() []time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]time.Time(nil), s.dials...)
}

const testPassword = "segreto1"

func testConfig(t testing.TB) Config {
	t.Helper()
	file := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(file, []byte(testPassword+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return Config{Addr: "127.0.0.1:2775", SystemID: "gw", PasswordFile: file, Source: "Comune"}
}

// newChannel gives a channel whose SMSC is s; nil s: whatever Addr says.
func newChannel(t testing.TB, s *smsc, tweak func(*Config)) *Channel {
	t.Helper()
	config := testConfig(t)
	if tweak != nil {
		tweak(&config)
	}
	c, err := New("sms", config, channeltest.Settings(), zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	if s != nil {
		if s.password == "" {
			s.password = testPassword
		}
		c.connect = s.dial
	}
	t.Cleanup(func() { c.Close() })
	return c
}

const testNumber = "+393330001234"

func text(key, words string) channels.Message {
	return channels.Message{
		Channel: "sms", Audience: sms.AudienceSubscribers, Text: words, Event: "01KAK3Z8G0FLD1RST0000000A1", Revision: 1,
		Key: key, To: testNumber, Ordinal: 70007,
	}
}

// memory is a Sink.
type memory struct {
	mu      sync.Mutex
	fail    int // so many calls fail first
	reports []channels.DeliveryReport
	replies []channels.Reply
	got     chan struct{}
}

func newMemory() *memory { return &memory{got: make(chan struct{}, 1000)} }

func (m *memory) Report(_ context.Context, _ string, r channels.DeliveryReport) error {
	return m.store(func() { m.reports = append(m.reports, r) })
}

func (m *memory) Reply(_ context.Context, _ string, r channels.Reply) error {
	return m.store(func() { m.replies = append(m.replies, r) })
}

func (m *memory) store(do func()) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fail > 0 {
		m.fail--
		return errors.New("redis is away")
	}
	do()
	m.got <- struct{}{}
	return nil
}

// wait blocks until n more things were stored.
func (m *memory) wait(t testing.TB, n int) {
	t.Helper()
	limit := time.After(20 * time.Second)
	for range n {
		select {
		case <-m.got:
		case <-limit:
			t.Fatal("nothing comes back from the SMSC")
		}
	}
}

func verdict(t testing.TB, err error, want channels.Verdict) {
	t.Helper()
	if got, _ := channels.VerdictOf(err); got != want {
		t.Errorf("got %s (%v), want %s", got, err, want)
	}
}
