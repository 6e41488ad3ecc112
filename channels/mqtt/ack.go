package mqtt

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/eclipse/paho.golang/paho"
	"go.uber.org/zap"

	"martinella/alerts"
	"martinella/channels"
)

// ack is what a device says of a message: on ACK_TOPIC/DEVICE, with the
// correlation data of the message, or its text "EVENT/REVISION", or
//
//	{"event":"01KAK...","revision":2,"state":"done"}
//
// state is done (also where it is absent) or failed.
type ack struct {
	device   string
	event    alerts.ID
	revision int
	failed   bool
}

const (
	longestAck  = 1024
	maxRevision = 1 << 20
)

var (
	deviceName = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)
	eventID    = regexp.MustCompile(`^[0-9A-Z]{26}$`)
	errNoAck   = errors.New("it is not an acknowledgement")
)

// readAck reads what anybody with the right to write may have sent. The error
// repeats nothing of it.
func readAck(prefix, topic string, payload, correlation []byte) (a ack, err error) {
	device, ok := strings.CutPrefix(topic, prefix+"/")
	if !ok || !deviceName.MatchString(device) || len(payload) > longestAck || len(correlation) > longestAck {
		return a, errNoAck
	}
	a.device = device
	var said struct {
		Event    string `json:"event"`
		Revision int    `json:"revision"`
		State    string `json:"state"`
	}
	text := bytes.TrimSpace(payload)
	inJSON := len(text) > 0 && text[0] == '{'
	if inJSON && json.Unmarshal(text, &said) != nil {
		return ack{}, errNoAck
	}
	if len(correlation) > 0 {
		text = correlation
	}
	if !inJSON || len(correlation) > 0 {
		event, revision, _ := strings.Cut(string(text), "/")
		n, err := strconv.Atoi(revision)
		if err != nil || strconv.Itoa(n) != revision {
			return ack{}, errNoAck
		}
		said.Event, said.Revision = event, n
	}
	if !eventID.MatchString(said.Event) || said.Revision < 1 || said.Revision > maxRevision {
		return ack{}, errNoAck
	}
	switch said.State {
	case "", "done":
	case "failed":
		a.failed = true
	default:
		return ack{}, errNoAck
	}
	a.event, a.revision = alerts.ID(said.Event), said.Revision
	return a, nil
}

// listening is who takes what devices say.
type listening struct {
	ctx  context.Context
	sink channels.Sink
}

var errListening = errors.New("somebody listens already")

// Listen keeps the connections up and passes devices' acknowledgements on until
// ctx ends. The broker is told that one was taken when the sink has stored it.
// Blocks; one listener at a time.
func (c *Channel) Listen(ctx context.Context, to channels.Sink) error {
	if !c.listening.CompareAndSwap(nil, &listening{ctx, to}) {
		return errListening
	}
	defer c.listening.Store(nil)
	var wg sync.WaitGroup
	wg.Go(func() { c.sender.hold(ctx) })
	wg.Go(func() {
		c.acks.hold(ctx)
		c.acks.leave()
	})
	wg.Wait()
	return nil
}

// openAcks connects a second time: this connection may be one that the broker
// remembers, and a flood of acknowledgements stays out of the way of alerts.
func (c *Channel) openAcks(ctx context.Context) (*session, error) {
	s, err := c.dial(ctx, caller{id: c.clientID + "-acks", expiry: c.config.SessionExpiry, manual: true, received: c.acknowledged})
	if err != nil {
		return nil, err
	}
	limited, stop := s.within(ctx)
	defer stop()
	// RetainHandling 2: an acknowledgement that somebody retained is not news.
	answer, err := s.client.Subscribe(limited, &paho.Subscribe{Subscriptions: []paho.SubscribeOptions{{Topic: c.config.AckTopic + "/+", QoS: 1, RetainHandling: 2}}})
	if err == nil {
		return s, nil
	}
	s.drop(errLeft)
	if answer != nil && len(answer.Reasons) == 1 {
		return nil, reason(answer.Reasons[0]).verdict("the broker, on subscribing to "+c.config.AckTopic+"/+,", "")
	}
	return nil, fmt.Errorf("subscribe to acknowledgements: %w", err)
}

// acknowledged takes one acknowledgement. It runs for one at a time, and blocks
// until that is stored: the broker holds the others back.
func (c *Channel) acknowledged(client *paho.Client, p *paho.Publish) {
	l := c.listening.Load()
	if l == nil {
		return // it comes again to who listens next
	}
	if c.store(l, p) {
		_ = client.Ack(p) // one that is lost brings it again, which does no harm
	}
}

// store reports whether the broker need not bring it again.
func (c *Channel) store(l *listening, p *paho.Publish) bool {
	var correlation []byte
	if p.Properties != nil {
		correlation = p.Properties.CorrelationData
	}
	a, err := readAck(c.config.AckTopic, p.Topic, p.Payload, correlation)
	if err != nil || p.Retain {
		c.heard.complain(c.now(), func(n int) { c.log.Warn("messages on the acknowledgement topic that are none", zap.Int("messages", n)) })
		return true
	}
	id := receiptID(a.event, a.revision)
	if a.failed { // of one device: the message reached others
		c.log.Error("a device could not act on an alert", zap.String("device", a.device), zap.String("event", string(a.event)), zap.Int("revision", a.revision))
		return true
	}
	switch c.heard.admit(id, c.now()) {
	case twice:
		c.log.Info("a device acted on an alert", zap.String("device", a.device), zap.String("event", string(a.event)), zap.Int("revision", a.revision))
		return true
	case tooMany:
		c.heard.complain(c.now(), func(n int) { c.log.Warn("acknowledgements of more alerts than there can be", zap.Int("messages", n)) })
		return true
	}
	report := channels.DeliveryReport{MessageID: id, State: channels.ReportDelivered, Code: "acknowledged", At: c.now()}
	for wait := 100 * time.Millisecond; ; wait = min(2*wait, 5*time.Second) {
		if err = l.sink.Report(l.ctx, c.name, report); err == nil {
			c.heard.remember(id)
			c.log.Info("a device acted on an alert", zap.String("device", a.device), zap.String("event", string(a.event)), zap.Int("revision", a.revision))
			return true
		}
		c.log.Warn("an acknowledgement is not stored yet", zap.Error(err))
		select {
		case <-time.After(wait):
		case <-l.ctx.Done():
			return false
		}
	}
}

// heard keeps a flood of acknowledgements away from the store: one of a message
// is enough, and in a minute there are not many messages.
type heard struct {
	mu     sync.Mutex
	known  map[string]bool
	order  []string // the oldest first
	minute time.Time
	fresh  int // in this minute
	bad    int // since the last complaint
	told   time.Time
}

const (
	mostHeard = 1024
	mostFresh = 300 // in a minute
)

type admission int

const (
	fresh admission = iota
	twice
	tooMany
)

func (h *heard) admit(id string, now time.Time) admission {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.known[id] {
		return twice
	}
	if now.Sub(h.minute) >= time.Minute || now.Before(h.minute) {
		h.minute, h.fresh = now, 0
	}
	if h.fresh++; h.fresh > mostFresh {
		return tooMany
	}
	return fresh
}

func (h *heard) remember(id string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.known == nil {
		h.known = map[string]bool{}
	}
	if len(h.order) >= mostHeard {
		delete(h.known, h.order[0])
		h.order = h.order[1:]
	}
	h.known[id], h.order = true, append(h.order, id)
}

// complain counts, and says so at most once a minute.
func (h *heard) complain(now time.Time, say func(n int)) {
	h.mu.Lock()
	h.bad++
	n, due := h.bad, now.Sub(h.told) >= time.Minute || now.Before(h.told)
	if due {
		h.bad, h.told = 0, now
	}
	h.mu.Unlock()
	if due {
		say(n)
	}
}
