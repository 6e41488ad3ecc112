package callout_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/oklog/ulid/v2"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"martinella/alerts"
	"martinella/alerts/volunteers"
	"martinella/broadcast"
	"martinella/broadcast/broadcasttest"
	"martinella/broadcast/callout"
	"martinella/channels"
)

// roll is a list of subscribers in memory.
type roll struct {
	mu     sync.Mutex
	people map[uint32]*broadcast.Member
	last   uint32
}

func (r *roll) add(m broadcast.Member) uint32 {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.last++
	m.Number = r.last
	r.people[m.Number] = &m
	return m.Number
}

func (r *roll) Volunteers(context.Context) ([]*broadcast.Member, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var all []*broadcast.Member
	for n := range r.last {
		if m := r.people[n+1]; m != nil {
			all = append(all, m)
		}
	}
	return all, nil
}

func (r *roll) Members(_ context.Context, numbers []uint32) ([]*broadcast.Member, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := make([]*broadcast.Member, len(numbers))
	for i, n := range numbers {
		out[i] = r.people[n]
	}
	return out, nil
}

func (r *roll) Lookup(_ context.Context, kind, address string) (uint32, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for n, m := range r.people {
		if m.Contacts[kind] == address {
			return n, nil
		}
	}
	return 0, alerts.ErrNotFound
}

func (r *roll) Change(_ context.Context, number uint32, _ *alerts.Act, edit func(*broadcast.Member) (bool, error)) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	m := r.people[number]
	if m == nil {
		return alerts.ErrNotFound
	}
	next := *m
	changed, err := edit(&next)
	if err == nil && changed {
		r.people[number] = &next
	}
	return err
}

func (r *roll) MAC(text []byte) []byte {
	h := hmac.New(sha256.New, []byte("a key of this test"))
	h.Write(text)
	return h.Sum(nil)
}

// pager is a channel whose pages say what they are: "call V-0001 it".
type pager struct {
	name, kind string
	dumb       bool // cannot say it in any language
}

func (p *pager) Name() string        { return p.name }
func (p *pager) AddressKind() string { return p.kind }
func (p *pager) Render(*alerts.Record) ([]channels.Message, error) {
	return nil, errors.New("no alerts here")
}
func (p *pager) Send(context.Context, channels.Message) (channels.Receipt, error) {
	return channels.Receipt{}, nil
}

func (p *pager) RenderPage(page channels.Page) (channels.Message, error) {
	if p.dumb || page.Language == "xx" {
		return channels.Message{}, errors.New("cannot be said")
	}
	return channels.Message{Language: page.Language, Text: fmt.Sprintf("%s %s %s %s", page.Kind, page.Code, page.Language, page.Link)}, nil
}

// paper is an outbox: it reaches nobody and writes pages down.
type paper struct{ pager }

func (p *paper) AddressKind(int) {} // not the one of [channels.Addressed]

func routesOf(chs ...channels.Channel) []broadcast.Route {
	var routes []broadcast.Route
	for _, c := range chs {
		_, addressed := c.(channels.Addressed)
		routes = append(routes, broadcast.Route{Channel: c, Kind: c.Name(), Exercise: true, Memory: !addressed})
	}
	return routes
}

// town is an authority with its volunteers.
type town struct {
	t       *testing.T
	roll    *roll
	store   *broadcasttest.Callouts
	calls   *callout.Callouts
	mu      sync.Mutex
	at      time.Time
	written []string // back to people: "channel address text"
	short   int
	metrics *prometheus.Registry
}

var rome, _ = time.LoadLocation("Europe/Rome")

var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, rome)

func (w *town) now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.at
}

func (w *town) pass(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.at = w.at.Add(d)
}

// newTown has push, text messages and mail.
func newTown(t *testing.T, change func(*callout.Config)) *town {
	t.Helper()
	w := &town{t: t, roll: &roll{people: map[uint32]*broadcast.Member{}}, store: broadcasttest.NewCallouts(), at: noon, metrics: prometheus.NewRegistry()}
	c := w.config()
	if change != nil {
		change(&c)
	}
	w.calls = callout.New(c, w.metrics)
	return w
}

func (w *town) config() callout.Config {
	return callout.Config{Store: w.store, Roll: w.roll, Routes: routesOf(&pager{name: "push", kind: "push"}, &pager{name: "sms", kind: "phone"}, &pager{name: "mail", kind: "email"}),
		Durability: func(context.Context) (broadcast.Durability, error) { return broadcast.Durability{Durable: true}, nil },
		Authority:  alerts.Authority{Name: "PC Valdemo", Sender: "pc@valdemo.example"}, Language: "it", Zone: rome, PublicURL: "https://pc.valdemo.example/",
		NewID: func(at time.Time) alerts.ID {
			return alerts.ID(ulid.MustNew(ulid.Timestamp(at), ulid.DefaultEntropy()).String())
		},
		Write: func(_ context.Context, channel, to, text string) {
			w.written = append(w.written, channel+" "+to+" "+text)
		},
		Short: func(context.Context, *volunteers.Call) { w.short++ },
		Now:   w.now, Log: zap.NewNop()}
}

// volunteer has all three contacts.
func (w *town) volunteer(skills ...string) uint32 {
	n := w.roll.last + 1
	m := broadcast.Member{Subscriber: broadcast.Subscriber{Audience: channels.AudienceVolunteers, Language: "it", Areas: []string{"*"},
		Contacts:  map[string]string{"push": fmt.Sprint("push", n), "phone": phone(n), "email": fmt.Sprintf("v%d@example.org", n)},
		Volunteer: &volunteers.Profile{Name: fmt.Sprint("Volontario ", n)}}}
	for _, s := range skills {
		m.Volunteer.Skills = append(m.Volunteer.Skills, volunteers.Skill{Name: s})
	}
	return w.roll.add(m)
}

func phone(n uint32) string { return fmt.Sprintf("+39333%07d", n) }

var anna = alerts.Person{ID: "staff:1", Name: "Anna", Rights: alerts.Rights{Verbs: []alerts.Verb{alerts.VerbCall}, Statuses: alerts.Statuses}}

func (w *town) draft(people int) callout.Draft {
	return callout.Draft{What: "Sacchi di sabbia", Where: "via del Ponte", Meet: w.now().Add(time.Hour), Until: w.now().Add(6 * time.Hour),
		Needs: []volunteers.Need{{People: people}}, Referent: volunteers.Referent{Name: "Bruno", Phone: "+390500000000"}}
}

func (w *town) open(d callout.Draft) *volunteers.Call {
	w.t.Helper()
	c, err := w.calls.Open(w.t.Context(), anna, d)
	if err != nil {
		w.t.Fatal(err)
	}
	return c
}

// work does all that is due now.
func (w *town) work() {
	w.t.Helper()
	for range 100 {
		found, err := w.calls.Step(w.t.Context())
		if err != nil {
			w.t.Fatal(err)
		}
		if !found {
			return
		}
	}
	w.t.Fatal("there is always something due")
}

// said is what one person was told, in order: "sms call".
func (w *town) said(number uint32) (out []string) {
	for _, p := range w.store.Published() {
		for _, s := range p.Spans {
			for _, n := range s.People {
				if n == number {
					var kind string
					_, _ = fmt.Sscan(p.Messages[s.Message].Text, &kind)
					out = append(out, s.Channel+" "+kind)
				}
			}
		}
	}
	return out
}

// link is the token of a person's page.
func (w *town) link(number uint32, c *volunteers.Call) string {
	return w.calls.Link(number, c.Number, "")[len("https://pc.valdemo.example/d/"):]
}
