package broadcast

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"martinella/alerts"
	"martinella/channels"
)

// pair is a channel "sms" that falls back on "backup".
type pair struct {
	*house
	sink    *Sink
	metrics *prometheus.Registry
	stop    context.CancelFunc
	done    sync.WaitGroup
}

// newPair runs both on a node of the name, over an own store.
func newPair(t *testing.T, people int, own, second channels.Channel) *pair {
	t.Helper()
	p := idlePair(t, people, own)
	p.run(t, "a", own, second)
	return p
}

// idlePair is one that no node runs yet.
func idlePair(t *testing.T, people int, own channels.Channel) *pair {
	t.Helper()
	h := newHouse(t, Route{Channel: own})
	h.channel("backup")
	h.subscribe(people, "it")
	return &pair{house: h}
}

func (p *pair) run(t *testing.T, node string, own, second channels.Channel) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	queues := NewQueues(p.node(node))
	p.metrics, p.stop = prometheus.NewRegistry(), stop
	ms := NewMetrics(p.metrics, []string{own.Name(), second.Name()})
	p.sink = &Sink{Queues: queues, Metrics: ms, Log: zap.NewNop()}
	for _, d := range dispatchers(own, second, &Dispatcher{Queues: queues, People: p.memory, Metrics: ms, Log: zap.NewNop(), Sink: p.sink}) {
		p.done.Go(func() { _ = d.Run(ctx) })
	}
}

// dispatchers are those of a channel and of what it falls back on, if anything,
// with the same of everything.
func dispatchers(own, second channels.Channel, with *Dispatcher) []*Dispatcher {
	all := []*Dispatcher{{Route: Route{Channel: own}, Queues: with.Queues, People: with.People, Metrics: with.Metrics, Log: with.Log, Sink: with.Sink}}
	if second != nil {
		all = append(all, &Dispatcher{Route: Route{Channel: second, Standby: true}, Queues: with.Queues, People: with.People, Metrics: with.Metrics, Log: with.Log, Sink: with.Sink})
		all[0].Fallback = all[1]
	}
	return all
}

// dispatchBoth runs a channel that falls back on another one, on this node,
// until ctx ends.
func (h *house) dispatchBoth(ctx context.Context, name string, own, second channels.Channel) (done <-chan struct{}) {
	queues := NewQueues(h.node(name))
	ms := NewMetrics(prometheus.NewRegistry(), []string{own.Name(), "backup"})
	over, wait := make(chan struct{}), sync.WaitGroup{}
	for _, d := range dispatchers(own, second, &Dispatcher{Queues: queues, People: h.memory, Metrics: ms, Log: zap.NewNop(), Sink: &Sink{Queues: queues, Metrics: ms, Log: zap.NewNop()}}) {
		wait.Go(func() { _ = d.Run(ctx) })
	}
	go func() {
		defer close(over)
		wait.Wait()
	}()
	return over
}

func (p *pair) end() {
	p.stop()
	p.done.Wait()
}

// copies counts what two platforms took of each message together.
func copies(ps ...*platform) map[string]int {
	all := map[string]int{}
	for _, p := range ps {
		p.mu.Lock()
		for key, n := range p.taken {
			all[key] += n
		}
		p.mu.Unlock()
	}
	return all
}

// once wants every one of n messages taken once.
func once(t *testing.T, n int, ps ...*platform) {
	t.Helper()
	all := copies(ps...)
	if len(all) != n {
		t.Errorf("%d were reached, want %d", len(all), n)
	}
	for key, k := range all {
		if k != 1 {
			t.Errorf("%s was taken %d times", key, k)
		}
	}
}

// gate lets a platform's sends through, or not, as long as it says.
type gate struct {
	err  error
	shut atomic.Bool
}

func (g *gate) script(_ context.Context, _ channels.Message, _ int, taken func()) error {
	if g.shut.Load() {
		return g.err
	}
	taken()
	return nil
}

func TestTheSecondProviderCarriesWhatTheFirstCannot(t *testing.T) {
	const people = 1200
	for name, tt := range map[string]struct {
		own func() (channels.Channel, *platform)
	}{
		"it is away": {func() (channels.Channel, *platform) {
			p := &platform{name: "sms", script: always(errNo)}
			return phones{p}, p
		}},
		"its credentials are refused": {func() (channels.Channel, *platform) {
			p := &platform{name: "sms", script: always(channels.Unauthorized(errors.New("bad token")))}
			return checkedPhones{phones{p}, func() error { return errors.New("bad token") }}, p
		}},
		"its credentials are refused and it cannot be checked": {func() (channels.Channel, *platform) {
			p := &platform{name: "sms", script: always(channels.Unauthorized(errors.New("bad token")))}
			return phones{p}, p
		}},
	} {
		for _, severity := range []alerts.Severity{alerts.SeverityExtreme, alerts.SeverityMinor} {
			t.Run(fmt.Sprintf("%s, %s", name, severity), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					own, first := tt.own()
					second := &platform{name: "backup"}
					p := newPair(t, people, own, phones{second})
					r := p.issue(p.record(severity, time.Hour))
					at := time.Now()
					p.settle("sms", 5*time.Minute)
					took := time.Since(at)
					p.end()
					if got := p.states("sms", r.ID); got[Accepted] != people {
						t.Errorf("states %v, want %d accepted", got, people)
					}
					once(t, people, first, second)
					if n := first.sends(); n > 500 {
						t.Errorf("%d sends to a provider that takes nothing", n)
					}
					if got := p.channel("sms").seconds; len(got) != people {
						t.Errorf("%d are said to have gone over the second provider, want all", len(got))
					}
					if v := value(t, p.metrics, "martinella_deliveries_total", "channel", "sms", "outcome", "accepted"); v != people {
						t.Errorf("deliveries_total of the channel = %v", v)
					}
					if v := value(t, p.metrics, "martinella_deliveries_total", "channel", "backup", "outcome", "accepted"); v != 0 {
						t.Errorf("deliveries_total of the second provider = %v: they are the channel's", v)
					}
					if v := value(t, p.metrics, "martinella_delivery_attempts_total", "channel", "backup", "verdict", "accepted"); v != people {
						t.Errorf("attempts of the second provider = %v", v)
					}
					if took > time.Second {
						t.Errorf("all were reached after %v: what the first one did not take goes over the second one at once", took)
					}
				})
			})
		}
	}
}

func TestARecoveredProviderCarriesAgain(t *testing.T) {
	for name, tt := range map[string]struct {
		err     error
		checked bool
	}{
		"it was away":                                  {errNo, false},
		"its credentials were refused":                 {channels.Unauthorized(errors.New("bad token")), true},
		"its credentials were refused, nobody checks":  {channels.Unauthorized(errors.New("bad token")), false},
		"it asked for a minute, and fails after that":  {errNo, true},
		"it hung, and what it was sent never arrived":  {channels.Uncertain(errors.New("cut")), false},
		"it hung, and what it was sent never arrived!": {channels.Uncertain(errors.New("cut")), true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := &gate{err: tt.err}
				g.shut.Store(true)
				first, second := &platform{name: "sms", script: g.script}, &platform{name: "backup"}
				var own channels.Channel = phones{first}
				if tt.checked {
					own = checkedPhones{phones{first}, func() error {
						if g.shut.Load() {
							return errNo
						}
						return nil
					}}
				}
				p := newPair(t, 300, own, phones{second})
				p.issue(p.record(alerts.SeverityMinor, time.Hour))
				p.settle("sms", 5*time.Minute)
				if len(second.got()) == 0 {
					t.Fatal("the second provider carried nothing")
				}
				g.shut.Store(false)
				time.Sleep(90 * time.Second)
				// One of the first alert after it looks whether the provider is back.
				p.issue(p.record(alerts.SeverityMinor, time.Hour))
				p.settle("sms", 5*time.Minute)
				before := len(second.got())
				last := p.issue(p.record(alerts.SeverityMinor, time.Hour))
				p.settle("sms", 5*time.Minute)
				p.end()
				if n := len(second.got()) - before; n != 0 {
					t.Errorf("%d of the last alert went over the second provider", n)
				}
				if got := p.states("sms", last.ID); got[Accepted] != 300 {
					t.Errorf("states %v", got)
				}
			})
		})
	}
}

func TestLostAnswersAreNotSentOverTheOtherProvider(t *testing.T) {
	for name, tt := range map[string]struct {
		severity alerts.Severity
		finder   bool
		most     int // copies of one message
	}{
		"minor, nobody can tell":    {alerts.SeverityMinor, false, 1},
		"minor, it can be asked":    {alerts.SeverityMinor, true, 1},
		"extreme, it can be asked":  {alerts.SeverityExtreme, true, 1},
		"extreme, and nobody knows": {alerts.SeverityExtreme, false, 2},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const people = 400
				// The first provider takes ten and loses their answers, then it
				// is away altogether.
				first := &platform{name: "sms"}
				var lost atomic.Int32
				first.script = func(_ context.Context, _ channels.Message, tries int, taken func()) error {
					if tries > 1 || lost.Add(1) > 10 {
						return errNo
					}
					taken()
					return channels.Uncertain(errors.New("the answer was lost"))
				}
				second := &platform{name: "backup"}
				var own channels.Channel = phones{first}
				if tt.finder {
					own = findingPhones{phones: phones{first}}
				}
				p := newPair(t, people, own, phones{second})
				r := p.issue(p.record(tt.severity, time.Hour))
				p.settle("sms", 2*time.Hour)
				p.end()
				all, doubled := copies(first, second), 0
				for key, n := range all {
					if n > tt.most {
						t.Errorf("%s was taken %d times", key, n)
					}
					if n > 1 {
						doubled++
					}
				}
				if len(all) != people {
					t.Errorf("%d reached, want %d", len(all), people)
				}
				if (doubled > 0) != (tt.most > 1) || p.reasons("sms")[doubtful] != doubled {
					t.Errorf("%d doubled, %d of them said so", doubled, p.reasons("sms")[doubtful])
				}
				got := p.states("sms", r.ID)
				if want := people - got[Uncertain]; got[Accepted] != want || tt.finder && got[Uncertain] != 0 || tt.most > 1 && got[Uncertain] != 0 {
					t.Errorf("states %v", got)
				}
			})
		})
	}
}

// A provider that is away and may have some is asked when it is back, and
// nobody is sent them over the other one meanwhile.
func TestWhoMayHaveItIsAskedWhenItIsBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const people = 300
		var away, well atomic.Bool
		silent := true
		first, second := &platform{name: "sms"}, &platform{name: "backup"}
		var lost atomic.Int32
		first.script = func(_ context.Context, _ channels.Message, _ int, taken func()) error {
			if away.Load() {
				return errNo
			}
			if taken(); well.Load() {
				return nil
			}
			if lost.Add(1) > 6 {
				away.Store(true)
			}
			return channels.Uncertain(errors.New("the answer was lost"))
		}
		p := newPair(t, people, findingPhones{phones{first}, &silent}, phones{second})
		r := p.issue(p.record(alerts.SeverityMinor, 10*time.Hour))
		time.Sleep(20 * time.Minute)
		if got := p.states("sms", r.ID); got[Accepted]+got[Trying] != people || got[Trying] == 0 || got[Trying] > 3*maxWindow {
			t.Errorf("states %v while the first is away, want those in doubt waiting and the others reached", got)
		}
		first.mu.Lock()
		silent = false
		first.mu.Unlock()
		well.Store(true)
		away.Store(false)
		p.issue(p.record(alerts.SeverityMinor, time.Hour)) // one of it looks whether the first is back
		p.settle("sms", time.Hour)
		p.end()
		if got := p.states("sms", r.ID); got[Accepted] != people {
			t.Errorf("states %v", got)
		}
		once(t, 2*people, first, second)
	})
}

func TestBothProvidersAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const people = 600
		a, b := &gate{err: errNo}, &gate{err: errNo}
		a.shut.Store(true)
		b.shut.Store(true)
		first, second := &platform{name: "sms", script: a.script}, &platform{name: "backup", script: b.script}
		p := newPair(t, people, phones{first}, phones{second})
		r := p.issue(p.record(alerts.SeverityModerate, 3*time.Hour))
		time.Sleep(10 * time.Minute)
		if got := p.states("sms", r.ID); got[Accepted] != 0 || got[Failed] != 0 || got[Uncertain] != 0 {
			t.Errorf("states %v, want all waiting", got)
		}
		if n := first.sends() + second.sends(); n > 1000 {
			t.Errorf("%d sends in ten minutes to two that are away", n)
		}
		b.shut.Store(false)
		p.settle("sms", 10*time.Minute)
		p.end()
		if got := p.states("sms", r.ID); got[Accepted] != people {
			t.Errorf("states %v", got)
		}
		once(t, people, first, second)
	})
}

func TestReportsOfTheSecondProviderFindTheirDelivery(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		// Both give the same ids to different messages.
		first, second := &platform{name: "sms", script: always(errNo)}, &platform{name: "backup"}
		p := newPair(t, 40, phones{first}, phones{second})
		early := channels.DeliveryReport{MessageID: "id-" + "unknown", State: channels.ReportDelivered}
		if err := p.sink.Report(t.Context(), "backup", early); err != nil {
			t.Error(err)
		}
		r := p.issue(p.record(alerts.SeverityMinor, time.Hour))
		p.settle("sms", 5*time.Minute)
		p.end()
		id := fmt.Sprintf("id-%s/1/sms/7", r.ID)
		if err := p.sink.Report(t.Context(), "sms", channels.DeliveryReport{MessageID: id, State: channels.ReportFailed, Code: "5"}); err != nil {
			t.Error(err)
		}
		if got := p.states("sms", r.ID); got[Accepted] != 40 {
			t.Errorf("a report of the other provider with the same id was taken: %v", got)
		}
		// Another node, after a restart.
		queues := NewQueues(p.node("b"))
		reg := prometheus.NewRegistry()
		ms := NewMetrics(reg, []string{"sms", "backup"})
		sink := &Sink{Queues: queues, Metrics: ms, Log: zap.NewNop()}
		if err := sink.Report(t.Context(), "backup", channels.DeliveryReport{MessageID: id, State: channels.ReportDelivered}); err != nil {
			t.Error(err)
		}
		if got := p.states("sms", r.ID); got[Delivered] != 1 || got[Accepted] != 39 {
			t.Errorf("states %v, want one delivered", got)
		}
		if v := value(t, reg, "martinella_deliveries_total", "channel", "sms", "outcome", "delivered"); v != 1 {
			t.Errorf("deliveries_total{delivered} of the channel = %v", v)
		}
		if v := value(t, reg, "martinella_receipts_total", "channel", "backup", "state", "delivered"); v != 1 {
			t.Errorf("receipts_total of the second provider = %v", v)
		}
	})
}

// A node dies in the middle of what goes over the second provider; the next one
// asks that, and not the first one.
func TestADeadNodesWorkOverTheSecondProviderIsAskedThere(t *testing.T) {
	for name, tt := range map[string]struct {
		finder   bool
		severity alerts.Severity
		state    State
		most     int
	}{
		"it can tell":             {true, alerts.SeverityExtreme, Accepted, 1},
		"nobody can tell, minor":  {false, alerts.SeverityMinor, Uncertain, 1},
		"nobody can tell, severe": {false, alerts.SeveritySevere, Accepted, 2},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const people = 40
				g := &gate{err: channels.Unauthorized(errors.New("bad token"))}
				g.shut.Store(true)
				first, second := &platform{name: "sms", script: g.script}, &platform{name: "backup"}
				// The first one can be asked, and knows nothing of them.
				own := struct {
					findingPhones
					checker
				}{findingPhones{phones: phones{first}}, func() error {
					if g.shut.Load() {
						return errNo
					}
					return nil
				}}
				var fallback channels.Channel = phones{second}
				if tt.finder {
					fallback = findingPhones{phones: phones{second}}
				}
				var reached atomic.Bool
				second.script = func(_ context.Context, _ channels.Message, _ int, taken func()) error {
					reached.Store(true)
					taken()
					return nil
				}
				p := idlePair(t, people, own)
				p.fault = func(op, node string) (bool, bool) { return op == "finish" && node == "a" && reached.Load(), false }
				p.run(t, "a", own, fallback)
				r := p.issue(p.record(tt.severity, time.Hour))
				time.Sleep(5 * time.Second)
				if len(second.got()) != people || p.states("sms", r.ID)[Trying] != people {
					t.Fatalf("%d taken, states %v: the crash is not where it should be", len(second.got()), p.states("sms", r.ID))
				}
				p.kill("a")
				p.stop()
				g.shut.Store(false) // the first one is well again: it must not be sent what the second one has
				p.run(t, "b", own, fallback)
				p.settle("sms", 5*time.Minute)
				p.end()
				if got := p.states("sms", r.ID); got[tt.state] != people {
					t.Errorf("states %v", got)
				}
				for key, n := range copies(first, second) {
					if n != tt.most {
						t.Errorf("%s was taken %d times, want %d", key, n, tt.most)
					}
				}
				if tt.most > 1 && p.reasons("sms")[doubtful] != people {
					t.Errorf("reasons %v: doubles must be marked", p.reasons("sms"))
				}
			})
		})
	}
}

type checker func() error

func (c checker) Check(context.Context) error { return c() }

// A probe of a provider that hangs holds up nobody else.
func TestAHangingProviderHoldsUpNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const people = 2000
		first := &platform{name: "sms"}
		var broken atomic.Bool
		first.script = func(ctx context.Context, _ channels.Message, _ int, taken func()) error {
			if broken.Load() {
				<-ctx.Done()
				return channels.Uncertain(ctx.Err())
			}
			return errNo
		}
		second := &platform{name: "backup"}
		p := newPair(t, people, phones{first}, phones{second})
		r := p.issue(p.record(alerts.SeverityMinor, time.Hour))
		p.settle("sms", 5*time.Minute)
		broken.Store(true)
		time.Sleep(15 * time.Second) // the first one may be tried again
		x := p.issue(p.record(alerts.SeverityExtreme, time.Hour))
		at := time.Now()
		for len(second.got()) < 2*people-3 && time.Since(at) < 20*time.Second {
			time.Sleep(10 * time.Millisecond)
		}
		if d := time.Since(at); d > 5*time.Second {
			t.Errorf("the Extreme took %v to reach all but those who looked whether the first provider is back", d)
		}
		p.settle("sms", 10*time.Minute)
		p.end()
		for _, id := range []alerts.ID{r.ID, x.ID} {
			if got := p.states("sms", id); got[Accepted] != people {
				t.Errorf("states %v", got)
			}
		}
	})
}

func TestTheSecondProviderKeepsItsOwnPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first, second := &platform{name: "sms", script: always(errNo)}, &platform{name: "backup"}
		var at []time.Time
		second.script = func(_ context.Context, _ channels.Message, _ int, taken func()) error {
			second.mu.Lock()
			at = append(at, time.Now())
			second.mu.Unlock()
			taken()
			return nil
		}
		own := limitedPhones{phones{first}, channels.Limit{PerSecond: 1000}}
		p := newPair(t, 60, own, limitedPhones{phones{second}, channels.Limit{PerSecond: 2, Burst: 1}})
		r := p.issue(p.record(alerts.SeverityExtreme, time.Hour))
		p.settle("sms", 5*time.Minute)
		p.end()
		if got := p.states("sms", r.ID); got[Accepted] != 60 {
			t.Errorf("states %v", got)
		}
		if d := at[len(at)-1].Sub(at[0]); d < 29*time.Second {
			t.Errorf("60 went out within %v, over an account of two a second", d)
		}
	})
}

func TestACancelStopsWhatGoesOverTheSecondProvider(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const people = 2000
		first, second := &platform{name: "sms", script: always(errNo)}, &platform{name: "backup"}
		second.script = func(_ context.Context, _ channels.Message, _ int, taken func()) error {
			time.Sleep(50 * time.Millisecond)
			taken()
			return nil
		}
		p := newPair(t, people, phones{first}, limitedPhones{phones{second}, channels.Limit{PerSecond: 100, Burst: 20}})
		r := p.issue(p.record(alerts.SeverityMinor, time.Hour))
		time.Sleep(6 * time.Second)
		c := p.issue(p.next(r, alerts.ChangeCancelled, alerts.SeverityMinor))
		at := len(second.got())
		if at == 0 || at >= people {
			t.Fatalf("%d sent: the fan-out is not running", at)
		}
		p.settle("sms", time.Hour)
		p.end()
		got := p.states("sms", r.ID)
		if got[Accepted] == 0 || got[Accepted]+got[Suppressed] != people || got[Accepted] > at+3*20 {
			t.Errorf("states %v after %d were sent", got, at)
		}
		// Who is being sent it at that moment may have it.
		if told := p.states("sms", c.ID)[Accepted]; told < got[Accepted] || told > got[Accepted]+(normalWorkers+1)*maxWindow {
			t.Errorf("the Cancel went to %d, want the %d who got the alert, or may have", told, got[Accepted])
		}
	})
}

// Who may have it from the one provider is not called unreached because the
// other one refuses the number.
func TestARefusalByTheOtherProviderLeavesTheDoubt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const people = 20
		first, second := &platform{name: "sms"}, &platform{name: "backup", script: always(channels.Permanent(errors.New("no such number")))}
		first.script = func(_ context.Context, _ channels.Message, tries int, taken func()) error {
			if tries > 1 {
				return channels.Unauthorized(errors.New("bad token"))
			}
			taken()
			return channels.Uncertain(errors.New("the answer was lost"))
		}
		p := newPair(t, people, phones{first}, phones{second})
		r := p.issue(p.record(alerts.SeverityExtreme, time.Hour))
		p.settle("sms", 5*time.Minute)
		p.end()
		had := len(first.got())
		if got := p.states("sms", r.ID); had == 0 || got[Uncertain] != had || got[Failed] != people-had {
			t.Errorf("states %v, want the %d uncertain that the first one has, and the others failed", got, had)
		}
		if n := second.sends(); n != people {
			t.Errorf("%d went over the second provider, want all: the test proves nothing", n)
		}
	})
}

// A node dies while it sends once more what nobody can be asked about: that was
// written down before, so the next one does not send a third copy.
func TestNobodyGetsAThirdCopy(t *testing.T) {
	for name, answers := range map[string]error{"a lost answer, then a kill": channels.Uncertain(errors.New("the answer was lost")), "two kills": nil} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const people = 30
				p := &platform{name: "sms"}
				p.script = func(_ context.Context, _ channels.Message, _ int, taken func()) error {
					taken()
					return answers
				}
				route := Route{Channel: phones{p}}
				h := newHouse(t, route)
				h.subscribe(people, "it")
				h.fault = func(op, node string) (bool, bool) { return op == "finish" && node != "last", false }
				r := h.issue(h.record(alerts.SeverityExtreme, time.Hour))
				for _, node := range []string{"a", "b", "c", "last"} {
					ctx, stop := context.WithCancel(t.Context())
					_, done := h.dispatch(ctx, node, route)
					if node == "last" {
						h.settle("sms", 5*time.Minute)
					} else {
						time.Sleep(20 * time.Second)
						h.kill(node)
					}
					stop()
					<-done
				}
				if got := h.states("sms", r.ID); got[Uncertain] != people {
					t.Errorf("states %v, want all uncertain", got)
				}
				twice := 0
				for key, n := range p.taken {
					if n > 2 {
						t.Errorf("%s was taken %d times", key, n)
					}
					if n == 2 {
						twice++
					}
				}
				if twice == 0 {
					t.Error("nobody was sent it once more: the test proves nothing")
				}
			})
		})
	}
}
