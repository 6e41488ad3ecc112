package broadcast

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"martinella/alerts"
	"martinella/channels"
)

// account is a limiter in memory: a quota of the hour, and what the platform
// asked for.
type account struct {
	sync.Mutex
	until time.Time // what the platform asked for
	sent  int       // within the hour that ends at next
	next  time.Time
	holds int
}

func (a *account) grant(l channels.Limit, ask Ask) Grant {
	a.Lock()
	defer a.Unlock()
	now := time.Now()
	if wait := a.until.Sub(now); wait > 0 && ask.Class != ClassExempt {
		return Grant{Wait: wait, Why: HoldingPlatform}
	}
	if !now.Before(a.next) {
		a.sent, a.next = 0, now.Add(time.Hour)
	}
	left := l.PerHour - a.sent
	if ask.Class == ClassOrdinary {
		left -= int(float64(l.PerHour) * l.Reserve)
	}
	if l.PerHour == 0 || ask.Class == ClassExempt {
		left = ask.N
	}
	if left <= 0 {
		return Grant{Wait: a.next.Sub(now), Why: HoldingHour}
	}
	n := min(left, ask.N)
	a.sent += n
	return Grant{N: n}
}

type accountNode struct {
	*node
	account *account
}

type accountQueue struct {
	*memoryQueue
	account *account
}

func (n accountNode) Queue(ctx context.Context, channel string) (Queue, error) {
	q, err := n.node.Queue(ctx, channel)
	return accountQueue{q.(*memoryQueue), n.account}, err
}

func (q accountQueue) Pace(_ context.Context, l channels.Limit, ask Ask) (Grant, error) {
	return q.account.grant(l, ask), nil
}

func (q accountQueue) Hold(_ context.Context, _ channels.Limit, wait time.Duration) error {
	q.account.Lock()
	defer q.account.Unlock()
	q.account.until, q.account.holds = time.Now().Add(wait), q.account.holds+1
	return nil
}

// limited runs a dispatcher over an account until the test stops it.
func (h *house) limited(ctx context.Context, name string, route Route, a *account) (done <-chan struct{}) {
	ended := make(chan struct{})
	d := &Dispatcher{Route: route, Queues: NewQueues(accountNode{h.node(name), a}), People: h.memory, Metrics: NewMetrics(prometheus.NewRegistry(), []string{route.Name()}), Log: zap.NewNop()}
	go func() {
		defer close(ended)
		_ = d.Run(ctx) // always nil
	}()
	return ended
}

// TestAQuotaHoldsBackButNeverWhatIsSevere: an ordinary alert stops at what is
// not kept for corrections, and what of it is still held at its end expires;
// its correction has the rest, a Severe and a Cancel all that they need.
func TestAQuotaHoldsBackButNeverWhatIsSevere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &platform{name: "sms"}
		route := Route{Channel: phones{p}, Limits: channels.Limit{PerHour: 100, Reserve: 0.1}}
		h := newHouse(t, route)
		h.subscribe(150, "it")
		ctx, stop := context.WithCancel(t.Context())
		a := &account{}
		done := h.limited(ctx, "a", route, a)

		minor := h.issue(h.record(alerts.SeverityMinor, 30*time.Minute))
		time.Sleep(10 * time.Minute)
		if got := h.states("sms", minor.ID); got[Accepted] != 90 || p.sends() != 90 {
			t.Errorf("ten minutes later: %v after %d sends, want 90 accepted", got, p.sends())
		}
		severe := h.issue(h.record(alerts.SeveritySevere, time.Hour))
		time.Sleep(time.Minute)
		if got := h.states("sms", severe.ID); got[Accepted] != 150 {
			t.Errorf("the Severe: %v, want 150 accepted", got)
		}
		time.Sleep(25 * time.Minute)
		if got := h.states("sms", minor.ID); got[Accepted] != 90 || got[Expired] != 60 {
			t.Errorf("at its end: %v, want 90 accepted and 60 expired", got)
		}
		stop()
		<-done
	})
}

func TestWhatAQuotaHeldBackGoesWhenItMay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &platform{name: "sms"}
		route := Route{Channel: phones{p}, Limits: channels.Limit{PerHour: 100, Reserve: 0.1}}
		h := newHouse(t, route)
		h.subscribe(150, "it")
		ctx, stop := context.WithCancel(t.Context())
		done := h.limited(ctx, "a", route, &account{})
		minor := h.issue(h.record(alerts.SeverityMinor, 24*time.Hour))
		time.Sleep(time.Minute)
		update := h.issue(h.record(alerts.SeverityMinor, 24*time.Hour))
		time.Sleep(10 * time.Minute)
		if got := h.states("sms", update.ID); got[Accepted] != 0 {
			t.Errorf("another ordinary one while the quota is used up: %v", got)
		}
		time.Sleep(3 * time.Hour)
		for _, r := range []*alerts.Record{minor, update} {
			if got := h.states("sms", r.ID); got[Accepted] != 150 {
				t.Errorf("three hours later: %v, want 150 accepted", got)
			}
		}
		stop()
		<-done
		if p.sends() != 300 {
			t.Errorf("%d sends, want each recipient once for each alert", p.sends())
		}
	})
}

// TestOneNodeIsToldForAll: the platform answers one node with a wait; the other
// one does not ask it again before.
func TestOneNodeIsToldForAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var told time.Time
		early := 0
		p := &platform{name: "sms"}
		p.script = func(_ context.Context, _ channels.Message, _ int, taken func()) error {
			mu.Lock()
			defer mu.Unlock()
			switch since := time.Since(told); {
			case told.IsZero():
				told = time.Now()
				return channels.RetryAfter(errNo, 5*time.Minute)
			case since == 0: // in flight with it
				return channels.RetryAfter(errNo, 5*time.Minute)
			case since < 5*time.Minute:
				early++
				return channels.RetryAfter(errNo, 5*time.Minute)
			}
			taken()
			return nil
		}
		route := Route{Channel: phones{p}}
		h := newHouse(t, route)
		h.subscribe(20, "it")
		ctx, stop := context.WithCancel(t.Context())
		a := &account{}
		one, two := h.limited(ctx, "a", route, a), h.limited(ctx, "b", route, a)
		first := h.issue(h.record(alerts.SeverityMinor, time.Hour))
		time.Sleep(time.Minute)
		second := h.issue(h.record(alerts.SeverityMinor, time.Hour))
		time.Sleep(20 * time.Minute)
		stop()
		<-one
		<-two
		for _, r := range []*alerts.Record{first, second} {
			if got := h.states("sms", r.ID); got[Accepted] != 20 {
				t.Errorf("states %v, want 20 accepted", got)
			}
		}
		if early != 0 || a.holds == 0 {
			t.Errorf("asked %d times before the time, told the others %d times", early, a.holds)
		}
	})
}

func TestTheConfigurationReplacesWhatTheChannelSays(t *testing.T) {
	own := channels.Limit{PerSecond: 5, Burst: 10, Window: 2}
	r := Route{Channel: limitedPhones{phones{&platform{name: "sms"}}, own}}
	if got := r.Limit(); got != own {
		t.Errorf("got %+v, want the channel's own", got)
	}
	r.Limits = channels.Limit{Account: "provider", PerSecond: 2, PerDay: 1000, Reserve: 0.1}
	if got, want := r.Limit(), (channels.Limit{Account: "provider", PerSecond: 2, Burst: 10, Window: 2, PerDay: 1000, Reserve: 0.1}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	for h := HoldingPace; h <= HoldingDay; h++ {
		if strings.TrimSpace(h.String()) == "" {
			t.Errorf("holding %d has no words", h)
		}
	}
}

// heavy counts what its messages weigh, like an SMS contract.
type heavy struct {
	limitedPhones
	weights map[string]int // by language
}

func (h heavy) Weigh(m channels.Message) int { return h.weights[m.Language] }

// A text of three parts takes three of what the contract allows a second and an
// hour; who reads another language pays for its own parts.
func TestThePaceCountsWhatAMessageWeighs(t *testing.T) {
	for name, test := range map[string]struct {
		it, en   int
		takes    time.Duration // at ten a second, for 60 people in Italian and 60 in English
		accepted int           // of a quota of 240 an hour
		used     int           // of that quota
	}{
		"one part each":            {1, 1, 12 * time.Second, 120, 120},
		"three parts in English":   {1, 3, 24 * time.Second, 120, 240},
		"more than the hour holds": {3, 3, 36 * time.Second, 80, 240},
	} {
		t.Run(name, func(t *testing.T) {
			weights := map[string]int{"it-IT": test.it, "en-GB": test.en}
			synctest.Test(t, func(t *testing.T) {
				p := &platform{name: "sms"}
				route := Route{Channel: heavy{limitedPhones{phones{p}, channels.Limit{PerSecond: 10, Burst: 2}}, weights}}
				h := newHouse(t, route)
				h.subscribe(60, "it")
				h.subscribe(60, "en")
				ctx, stop := context.WithCancel(t.Context())
				_, done := h.dispatch(ctx, "a", route)
				start := time.Now()
				r := h.issue(h.record(alerts.SeverityMinor, time.Hour))
				h.settle("sms", 10*time.Minute)
				if d := time.Since(start); d < test.takes-time.Second || d > test.takes+4*time.Second {
					t.Errorf("they went out within %v, want about %v", d, test.takes)
				}
				if got := h.states("sms", r.ID); got[Accepted] != 120 {
					t.Errorf("states %v, want 120 accepted", got)
				}
				stop()
				<-done
			})
			synctest.Test(t, func(t *testing.T) {
				p := &platform{name: "sms"}
				route := Route{Channel: heavy{limitedPhones{phones{p}, channels.Limit{PerHour: 240}}, weights}}
				h := newHouse(t, route)
				h.subscribe(60, "it")
				h.subscribe(60, "en")
				ctx, stop := context.WithCancel(t.Context())
				a := &account{}
				done := h.limited(ctx, "a", route, a)
				r := h.issue(h.record(alerts.SeverityMinor, 2*time.Hour))
				time.Sleep(10 * time.Minute)
				if got := h.states("sms", r.ID); got[Accepted] != test.accepted || a.sent != test.used {
					t.Errorf("%v for %d of the hour, want %d accepted for %d", got, a.sent, test.accepted, test.used)
				}
				stop()
				<-done
			})
		})
	}
}

// meter is a pace that grants a few at a time and remembers what it was asked.
type meter struct {
	Queue
	most  int
	asked []int
}

func (m *meter) Pace(_ context.Context, _ channels.Limit, ask Ask) (Grant, error) {
	m.asked = append(m.asked, ask.N)
	return Grant{N: min(ask.N, m.most)}, nil
}

// What was granted and not used yet goes before more is asked for: what is left
// of a heavy message, and that of who needed none. It is of one account only.
func TestWhatThePaceGrantedIsUsedFirst(t *testing.T) {
	route := func(name string) Route {
		return Route{Channel: heavy{limitedPhones{phones{&platform{name: name}}, channels.Limit{PerSecond: 1000}}, map[string]int{"it-IT": 3}}}
	}
	h := newHouse(t, route("sms"))
	own, second := &meter{most: 5}, &meter{most: 5}
	metrics := NewMetrics(prometheus.NewRegistry(), []string{"sms", "backup"})
	b := &batch{
		line: &line{own: newProvider(route("sms"), metrics, zap.NewNop()), second: newProvider(route("backup"), metrics, zap.NewNop()), queue: own, pace: second, log: zap.NewNop()},
		task: &Task{Record: h.record(alerts.SeverityMinor, time.Hour), Messages: []channels.Message{{Language: "it-IT"}}, Spans: []Span{{From: 0, To: 100}}},
	}
	for _, step := range []struct {
		what         string
		spared       *window // who needed none, before
		via          Via
		n, may       int
		asked, other []int
	}{
		{"two of three parts each, of five", nil, ViaOwn, 2, 1, []int{6}, nil},
		{"two are left", nil, ViaOwn, 1, 1, []int{6, 1}, nil},
		{"one needed none", &window{}, ViaOwn, 1, 1, []int{6, 1}, nil},
		{"one was settled without being sent", &window{late: true}, ViaOwn, 1, 1, []int{6, 1, 3}, nil},
		{"one looked whether it is back", &window{probe: true}, ViaOwn, 1, 1, []int{6, 1, 3, 3}, nil},
		{"one needed none, and the other one carries", &window{}, ViaSecond, 1, 1, []int{6, 1, 3, 3}, []int{3}},
	} {
		if step.spared != nil {
			b.spare(*step.spared, 0)
		}
		n, err := b.paced(t.Context(), step.via, step.n)
		if err != nil || n != step.may || !slices.Equal(own.asked, step.asked) || !slices.Equal(second.asked, step.other) {
			t.Errorf("%s: %d may leave, asked for %v and %v, %v; want %d, %v and %v", step.what, n, own.asked, second.asked, err, step.may, step.asked, step.other)
		}
	}
}

// What goes at once is bounded by what it weighs, and by how many channels share
// the provider.
func TestAWindowHoldsWhatTheProviderTakes(t *testing.T) {
	for name, test := range map[string]struct {
		limit         channels.Limit
		weight, users int
		want          int
	}{
		"no limit":                       {channels.Limit{}, 1, 1, maxWindow},
		"no limit, three parts":          {channels.Limit{}, 3, 1, maxWindow},
		"a second":                       {channels.Limit{PerSecond: 24 / windowTime.Seconds()}, 1, 1, 24},
		"a second, three parts":          {channels.Limit{PerSecond: 24 / windowTime.Seconds()}, 3, 1, 8},
		"a burst":                        {channels.Limit{Burst: 12}, 1, 1, 12},
		"a burst, three parts":           {channels.Limit{Burst: 12}, 3, 1, 4},
		"a burst of less than a message": {channels.Limit{Burst: 2}, 3, 1, 1},
		"under way":                      {channels.Limit{Window: 12 * (normalWorkers + 1)}, 1, 1, 12},
		"under way, three parts":         {channels.Limit{Window: 12 * (normalWorkers + 1)}, 3, 1, 4},
		"under way, two channels":        {channels.Limit{Window: 12 * (normalWorkers + 1)}, 3, 2, 2},
		"nobody uses it yet":             {channels.Limit{Window: 12 * (normalWorkers + 1)}, 1, 0, 12},
	} {
		t.Run(name, func(t *testing.T) {
			p := newProvider(Route{Channel: limitedPhones{phones{&platform{name: "sms"}}, test.limit}}, NewMetrics(prometheus.NewRegistry(), []string{"sms"}), zap.NewNop())
			p.users.Store(int32(test.users))
			if got := p.window(test.weight); got != test.want {
				t.Errorf("%d at once, want %d", got, test.want)
			}
		})
	}
}
