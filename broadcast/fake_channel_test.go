package broadcast

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"martinella/alerts"
	"martinella/channels"
)

// platform is a scripted channel. What it has taken it remembers, as a real
// platform does.
type platform struct {
	name   string
	render func(*alerts.Record) ([]channels.Message, error)
	// script decides one send; nil takes everything. tries counts from 1 for
	// each key. taken is called when the platform keeps the message.
	script func(ctx context.Context, m channels.Message, tries int, taken func()) error

	mu    sync.Mutex
	tries map[string]int
	taken map[string]int // by key: 2 is a double
	order []channels.Message
}

func (p *platform) Name() string { return p.name }

func (p *platform) Render(r *alerts.Record) ([]channels.Message, error) {
	if p.render != nil {
		return p.render(r)
	}
	var ms []channels.Message
	for i := range r.Alert.Infos {
		ms = append(ms, channels.Message{Audience: "public", Language: r.Alert.Infos[i].Language, Text: r.Alert.Infos[i].Headline + " {sent} {code}"})
	}
	return ms, nil
}

func (p *platform) Send(ctx context.Context, m channels.Message) (channels.Receipt, error) {
	p.mu.Lock()
	if p.tries == nil {
		p.tries, p.taken = map[string]int{}, map[string]int{}
	}
	p.tries[m.Key]++
	n := p.tries[m.Key]
	p.mu.Unlock()
	taken := func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.taken[m.Key]++
		p.order = append(p.order, m)
	}
	if p.script == nil {
		taken()
		return channels.Receipt{ID: "id-" + m.Key}, nil
	}
	err := p.script(ctx, m, n, taken)
	if err != nil {
		return channels.Receipt{}, err
	}
	return channels.Receipt{ID: "id-" + m.Key}, nil
}

func (p *platform) got() []channels.Message {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]channels.Message(nil), p.order...)
}

func (p *platform) sends() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := 0
	for _, t := range p.tries {
		n += t
	}
	return n
}

// The abilities, each as a wrapper, so that a test chooses.

type phones struct{ *platform }

func (phones) AddressKind() string { return "phone" }

type findingPhones struct {
	phones
	fail *bool
}

func (f findingPhones) Find(_ context.Context, m channels.Message) (channels.Receipt, bool, error) {
	if f.fail != nil && *f.fail {
		return channels.Receipt{}, false, errors.New("no answer")
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return channels.Receipt{ID: "id-" + m.Key}, f.taken[m.Key] > 0, nil
}

type checkedPhones struct {
	phones
	check func() error
}

func (c checkedPhones) Check(context.Context) error { return c.check() }

type limitedPhones struct {
	phones
	limit channels.Limit
}

func (l limitedPhones) Limit() channels.Limit { return l.limit }

// house is a store with routes and a planner.
type house struct {
	*memory
	planner *Planner
	queues  *Queues
	t       testing.TB
	count   int
}

func newHouse(t testing.TB, routes ...Route) *house {
	m := newMemory()
	first := m.node("planner")
	h := &house{memory: m, t: t, queues: NewQueues(first)}
	h.planner = &Planner{Routes: routes, Records: m, People: m, Store: m, Work: first, Queues: h.queues, Language: "it", Log: zap.NewNop()}
	for _, r := range routes {
		m.channel(r.Name())
	}
	return h
}

// subscribe adds n people with a phone in the area.
func (h *house) subscribe(n int, language string) {
	for range n {
		_, _, _ = h.Add(context.Background(), Subscriber{V: 1, Language: language, Areas: []string{"047014"}, Contacts: map[string]string{"phone": fmt.Sprintf("+39000%06d", len(h.people))}})
	}
}

// record is an alert in state submitted, expiring after life.
func (h *house) record(severity alerts.Severity, life time.Duration) *alerts.Record {
	h.count++
	id := alerts.ID(fmt.Sprintf("01ALERT%019d", h.count))
	now := time.Now().Truncate(time.Second)
	info := func(language, headline string) alerts.Info {
		return alerts.Info{Language: language, Categories: []alerts.Category{"Met"}, Event: "Piena", Urgency: "Immediate", Severity: severity, Certainty: "Likely",
			Expires: now.Add(life), Headline: headline, Areas: []alerts.Area{{Description: "Valdemo", Geocodes: []alerts.Value{{Name: "ISTAT", Value: "047014"}}}}}
	}
	return &alerts.Record{V: alerts.RecordVersion, ID: id, Event: id, Revision: 1, State: alerts.StateSubmitted, Change: alerts.ChangeIssued, Own: true,
		Content: alerts.Digest("content-" + string(id)), Author: alerts.By{ID: "a", Name: "Anna"}, Via: "api", Received: now,
		Alert: &alerts.Alert{Identifier: string(id), Sender: "pc@valdemo.example", Sent: now, Status: alerts.StatusActual, MsgType: alerts.MsgAlert, Scope: alerts.ScopePublic,
			Infos: []alerts.Info{info("it-IT", "Il torrente esonda"), info("en-GB", "The river floods")}}}
}

// next is a later revision of a published record.
func (h *house) next(r *alerts.Record, change alerts.Change, severity alerts.Severity) *alerts.Record {
	n := h.record(severity, time.Hour)
	n.Event, n.Revision, n.Supersedes, n.Change = r.Event, r.Revision+1, r.ID, change
	n.Alert.MsgType = alerts.MsgUpdate
	if change == alerts.ChangeCancelled {
		n.Alert.MsgType = alerts.MsgCancel
	}
	return n
}

// issue prepares, stores and publishes.
func (h *house) issue(r *alerts.Record) *alerts.Record {
	h.t.Helper()
	if err := h.planner.Prepare(context.Background(), r); err != nil {
		h.t.Fatalf("prepare: %v", err)
	}
	if err := h.planner.Publish(context.Background(), r, alerts.Act{Verb: "issued"}); err != nil {
		h.t.Fatalf("publish: %v", err)
	}
	return r
}

// dispatch runs a dispatcher of this node until the test or stop ends it.
func (h *house) dispatch(ctx context.Context, name string, route Route) (metrics *prometheus.Registry, done <-chan struct{}) {
	reg := prometheus.NewRegistry()
	queues := NewQueues(h.node(name))
	ms := NewMetrics(reg, []string{route.Name()})
	d := &Dispatcher{Route: route, Queues: queues, People: h.memory, Metrics: ms, Log: zap.NewNop(), Sink: &Sink{Queues: queues, Metrics: ms, Log: zap.NewNop()}}
	over := make(chan struct{})
	go func() {
		defer close(over)
		_ = d.Run(ctx)
	}()
	return reg, over
}

// states counts where the recipients of the alert stand on the channel.
func (h *house) states(channel string, id alerts.ID) map[State]int {
	h.mu.Lock()
	defer h.mu.Unlock()
	count := map[State]int{}
	for _, s := range h.channel(channel).states[id] {
		count[s.Plain()]++
	}
	return count
}

func (h *house) reasons(channel string) map[string]int {
	h.mu.Lock()
	defer h.mu.Unlock()
	count := map[string]int{}
	for _, r := range h.channel(channel).reasons {
		count[r]++
	}
	return count
}

// idle reports whether the channel has no job left.
func (h *house) idle(channel string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	c := h.channel(channel)
	return len(c.entries) == 0 && len(c.unplanned) == 0 && c.position == len(h.log)
}

// settle waits (in a bubble) until the channel is idle.
func (h *house) settle(channel string, limit time.Duration) {
	h.t.Helper()
	end := time.Now().Add(limit)
	for !h.idle(channel) {
		if time.Now().After(end) {
			h.t.Fatalf("the channel %s is not idle after %v", channel, limit)
		}
		time.Sleep(200 * time.Millisecond)
	}
}

func value(t *testing.T, reg *prometheus.Registry, name string, labels ...string) float64 {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() != name {
			continue
		}
		for _, m := range f.GetMetric() {
			match := 0
			for _, l := range m.GetLabel() {
				for i := 0; i+1 < len(labels); i += 2 {
					if l.GetName() == labels[i] && l.GetValue() == labels[i+1] {
						match += 2
					}
				}
			}
			if match != len(labels) {
				continue
			}
			switch {
			case m.Counter != nil:
				return m.Counter.GetValue()
			case m.Gauge != nil:
				return m.Gauge.GetValue()
			case m.Histogram != nil:
				return float64(m.Histogram.GetSampleCount())
			}
		}
	}
	t.Fatalf("no metric %s %v", name, labels)
	return 0
}
