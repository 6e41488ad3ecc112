package broadcast

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"
	"go.uber.org/zap"

	"martinella/alerts"
	"martinella/channels"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var errNo = errors.New("the platform is away")

// always gives one verdict to every attempt and takes nothing.
func always(err error) func(context.Context, channels.Message, int, func()) error {
	return func(context.Context, channels.Message, int, func()) error { return err }
}

// after fails n times, then takes.
func after(n int, err error) func(context.Context, channels.Message, int, func()) error {
	return func(_ context.Context, _ channels.Message, tries int, taken func()) error {
		if tries <= n {
			return err
		}
		taken()
		return nil
	}
}

func TestEveryVerdictEndsTruthfully(t *testing.T) {
	lostAnswer := func(n int) func(context.Context, channels.Message, int, func()) error {
		return func(_ context.Context, _ channels.Message, tries int, taken func()) error {
			taken()
			if tries <= n {
				return channels.Uncertain(errors.New("the answer was lost"))
			}
			return nil
		}
	}
	neverArrives := func(n int) func(context.Context, channels.Message, int, func()) error {
		return func(_ context.Context, _ channels.Message, tries int, taken func()) error {
			if tries <= n {
				return channels.Uncertain(errors.New("cut"))
			}
			taken()
			return nil
		}
	}
	tests := map[string]struct {
		severity alerts.Severity
		script   func(context.Context, channels.Message, int, func()) error
		finder   bool
		want     map[State]int
		taken    int // by the platform, for each of 3 recipients
		reason   string
	}{
		"taken at once":                                               {alerts.SeverityMinor, nil, false, map[State]int{Accepted: 3}, 1, ""},
		"refused for good":                                            {alerts.SeverityExtreme, always(channels.Permanent(errors.New("no such number"))), false, map[State]int{Failed: 3}, 0, "no such number"},
		"away twice, then taken":                                      {alerts.SeverityMinor, after(2, errNo), false, map[State]int{Accepted: 3}, 1, ""},
		"asked to wait, then taken":                                   {alerts.SeverityMinor, after(1, channels.RetryAfter(errNo, 7*time.Second)), false, map[State]int{Accepted: 3}, 1, ""},
		"away until the alert expires":                                {alerts.SeverityMinor, always(errNo), false, map[State]int{Expired: 3}, 0, ""},
		"an answer is lost: a platform that can tell is asked":        {alerts.SeverityMinor, lostAnswer(1), true, map[State]int{Accepted: 3}, 1, ""},
		"it never arrived: asked, then sent again":                    {alerts.SeverityMinor, neverArrives(2), true, map[State]int{Accepted: 3}, 1, ""},
		"an answer is lost, nobody can tell, minor: uncertain":        {alerts.SeverityMinor, lostAnswer(9), false, map[State]int{Uncertain: 3}, 1, "the answer was lost"},
		"an answer is lost, nobody can tell, severe: sent once more":  {alerts.SeveritySevere, lostAnswer(1), false, map[State]int{Accepted: 3}, 2, doubtful},
		"two answers are lost, nobody can tell, severe: no third one": {alerts.SeveritySevere, lostAnswer(9), false, map[State]int{Uncertain: 3}, 2, "the answer was lost"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := &platform{name: "sms", script: tt.script}
				var ch channels.Channel = phones{p}
				if tt.finder {
					ch = findingPhones{phones: phones{p}}
				}
				route := Route{Channel: ch}
				h := newHouse(t, route)
				h.subscribe(3, "it")
				ctx, stop := context.WithCancel(t.Context())
				reg, done := h.dispatch(ctx, "a", route)
				r := h.issue(h.record(tt.severity, 20*time.Minute))
				h.settle("sms", time.Hour)
				stop()
				<-done
				got := h.states("sms", r.ID)
				if fmt.Sprint(got) != fmt.Sprint(tt.want) {
					t.Errorf("states %v, want %v", got, tt.want)
				}
				for key, n := range p.taken {
					if n != tt.taken {
						t.Errorf("%s was taken %d times, want %d", key, n, tt.taken)
					}
				}
				if tt.taken > 0 && len(p.taken) != 3 {
					t.Errorf("%d recipients reached, want 3", len(p.taken))
				}
				if tt.reason != "" && h.reasons("sms")[tt.reason] != 3 {
					t.Errorf("reasons %v, want %q for all", h.reasons("sms"), tt.reason)
				}
				for s, n := range tt.want {
					if v := value(t, reg, "martinella_deliveries_total", "channel", "sms", "outcome", s.String()); int(v) != n {
						t.Errorf("deliveries_total{%s} = %v, want %d", s, v, n)
					}
				}
			})
		})
	}
}

func TestNothingLeavesAfterExpiry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &platform{name: "sms"}
		route := Route{Channel: phones{p}}
		h := newHouse(t, route)
		h.subscribe(600, "it")
		r := h.issue(h.record(alerts.SeverityExtreme, time.Minute))
		time.Sleep(2 * time.Minute) // nobody was there to send it
		c := h.next(r, alerts.ChangeCancelled, alerts.SeverityExtreme)
		c.Alert.Infos[0].Expires = time.Now().Add(-time.Second)
		ctx, stop := context.WithCancel(t.Context())
		_, done := h.dispatch(ctx, "a", route)
		h.settle("sms", time.Minute)
		if got := h.states("sms", r.ID); got[Expired] != 600 || p.sends() != 0 {
			t.Errorf("states %v after %d sends, want 600 expired and none", got, p.sends())
		}
		h.issue(c)
		h.settle("sms", time.Minute)
		if got := h.states("sms", c.ID); got[Suppressed] != 600 {
			t.Errorf("the Cancel of what nobody got: %v, want 600 suppressed", got)
		}

		told := h.issue(h.record(alerts.SeverityExtreme, time.Minute))
		h.settle("sms", 30*time.Second)
		time.Sleep(2 * time.Minute)
		c = h.next(told, alerts.ChangeCancelled, alerts.SeverityExtreme)
		c.Alert.Infos[0].Expires = time.Now().Add(-time.Second)
		h.issue(c)
		h.settle("sms", time.Minute)
		stop()
		<-done
		if got := h.states("sms", c.ID); got[Accepted] != 600 {
			t.Errorf("the Cancel of what they got: %v, want 600 accepted: it always leaves", got)
		}
	})
}

func TestWhatThePlatformAsksToWaitIsWaited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var first, second time.Time
		p := &platform{name: "social"}
		p.script = func(_ context.Context, _ channels.Message, tries int, taken func()) error {
			if tries == 1 {
				first = time.Now()
				return channels.RetryAfter(errNo, 90*time.Second)
			}
			second = time.Now()
			taken()
			return nil
		}
		p.render = func(*alerts.Record) ([]channels.Message, error) {
			return []channels.Message{{Language: "it", Text: "x"}}, nil
		}
		route := Route{Channel: p}
		h := newHouse(t, route)
		ctx, stop := context.WithCancel(t.Context())
		reg, done := h.dispatch(ctx, "a", route)
		h.issue(h.record(alerts.SeverityMinor, time.Hour))
		h.settle("social", 10*time.Minute)
		stop()
		<-done
		if d := second.Sub(first); d < 90*time.Second || d > 101*time.Second {
			t.Errorf("came back after %v, want 90 s and a little", d)
		}
		if v := value(t, reg, "martinella_breaker_open", "channel", "social"); v != 0 {
			t.Errorf("breaker_open = %v: being asked to wait is no failure", v)
		}
	})
}

func TestRefusedCredentialsStopTheChannelAndLoseNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var broken atomic.Bool
		broken.Store(true)
		p := &platform{name: "sms"}
		p.script = func(_ context.Context, _ channels.Message, _ int, taken func()) error {
			if broken.Load() {
				return channels.Unauthorized(errors.New("bad token"))
			}
			taken()
			return nil
		}
		route := Route{Channel: checkedPhones{phones{p}, func() error {
			if broken.Load() {
				return errors.New("bad token")
			}
			return nil
		}}}
		h := newHouse(t, route)
		h.subscribe(500, "it")
		ctx, stop := context.WithCancel(t.Context())
		reg, done := h.dispatch(ctx, "a", route)
		r := h.issue(h.record(alerts.SeverityModerate, 2*time.Hour))
		time.Sleep(30 * time.Minute)
		if v := value(t, reg, "martinella_breaker_open", "channel", "sms"); v != 1 {
			t.Errorf("breaker_open = %v, want 1", v)
		}
		if v := value(t, reg, "martinella_channel_check_ok", "channel", "sms"); v != 0 {
			t.Errorf("channel_check_ok = %v, want 0", v)
		}
		if n := p.sends(); n > 200 {
			t.Errorf("%d sends while the credentials were refused: the channel did not stop", n)
		}
		broken.Store(false)
		h.settle("sms", 2*time.Minute)
		stop()
		<-done
		if got := h.states("sms", r.ID); got[Accepted] != 500 {
			t.Errorf("states %v, want 500 accepted", got)
		}
		if v := value(t, reg, "martinella_breaker_open", "channel", "sms"); v != 0 {
			t.Errorf("breaker_open = %v, want 0", v)
		}
	})
}

func TestABrokenPlatformIsNotHammered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var away atomic.Bool
		away.Store(true)
		p := &platform{name: "sms"}
		p.script = func(_ context.Context, _ channels.Message, _ int, taken func()) error {
			if away.Load() {
				return errNo
			}
			taken()
			return nil
		}
		route := Route{Channel: phones{p}}
		h := newHouse(t, route)
		h.subscribe(2000, "it")
		ctx, stop := context.WithCancel(t.Context())
		reg, done := h.dispatch(ctx, "a", route)
		r := h.issue(h.record(alerts.SeverityModerate, 3*time.Hour))
		time.Sleep(10 * time.Minute)
		if n := p.sends(); n > 400 {
			t.Errorf("%d sends in ten minutes to a platform that is away", n)
		}
		if v := value(t, reg, "martinella_breaker_open", "channel", "sms"); v != 1 && p.sends() > 0 {
			t.Logf("breaker half-open at this moment (%v)", v)
		}
		away.Store(false)
		h.settle("sms", 10*time.Minute)
		stop()
		<-done
		if got := h.states("sms", r.ID); got[Accepted] != 2000 {
			t.Errorf("states %v, want 2000 accepted", got)
		}
	})
}

func TestExtremeOvertakesARunningFanOut(t *testing.T) {
	for name, limit := range map[string]channels.Limit{
		"a fast platform":      {},
		"a hundred a second":   {PerSecond: 100, Burst: 100},
		"ten a second":         {PerSecond: 10, Burst: 10},
		"one at a time, 5/sec": {PerSecond: 5, Burst: 1, Window: 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var urgentAt atomic.Int64
				p := &platform{name: "sms"}
				p.script = func(_ context.Context, m channels.Message, _ int, _ func()) error {
					if m.Severity == alerts.SeverityExtreme {
						urgentAt.CompareAndSwap(0, time.Now().UnixNano())
					}
					time.Sleep(20 * time.Millisecond)
					p.mu.Lock()
					defer p.mu.Unlock()
					p.taken[m.Key]++
					return nil
				}
				route := Route{Channel: limitedPhones{phones{p}, limit}}
				h := newHouse(t, route)
				h.subscribe(20_000, "it")
				ctx, stop := context.WithCancel(t.Context())
				_, done := h.dispatch(ctx, "a", route)
				h.issue(h.record(alerts.SeverityMinor, 20*time.Hour))
				time.Sleep(1300 * time.Millisecond)
				sent := p.sends()
				if sent == 0 || sent >= 20_000 {
					t.Fatalf("%d sent: the normal fan-out is not running", sent)
				}
				issued := time.Now()
				h.issue(h.record(alerts.SeverityExtreme, time.Hour))
				for urgentAt.Load() == 0 && time.Since(issued) < time.Minute {
					time.Sleep(5 * time.Millisecond)
				}
				stop()
				<-done
				if d := time.Unix(0, urgentAt.Load()).Sub(issued); urgentAt.Load() == 0 || d > 450*time.Millisecond {
					t.Errorf("the Extreme went out after %v behind 20,000", d)
				}
			})
		})
	}
}

func TestTwoDispatchersShareTheWork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &platform{name: "sms"}
		p.script = func(_ context.Context, _ channels.Message, _ int, taken func()) error {
			time.Sleep(10 * time.Millisecond)
			taken()
			return nil
		}
		route := Route{Channel: phones{p}}
		h := newHouse(t, route)
		h.subscribe(5000, "it")
		ctx, stop := context.WithCancel(t.Context())
		rega, a := h.dispatch(ctx, "a", route)
		regb, b := h.dispatch(ctx, "b", route)
		r := h.issue(h.record(alerts.SeverityModerate, time.Hour))
		h.settle("sms", time.Minute)
		stop()
		<-a
		<-b
		if got := h.states("sms", r.ID); got[Accepted] != 5000 || len(p.got()) != 5000 {
			t.Errorf("states %v, %d taken, want 5000 each once", got, len(p.got()))
		}
		for name, reg := range map[string]interface{ value() float64 }{
			"a": valuer(func() float64 {
				return value(t, rega, "martinella_deliveries_total", "channel", "sms", "outcome", "accepted")
			}),
			"b": valuer(func() float64 {
				return value(t, regb, "martinella_deliveries_total", "channel", "sms", "outcome", "accepted")
			}),
		} {
			if v := reg.value(); v < 500 {
				t.Errorf("node %s did %v of 5000", name, v)
			}
		}
	})
}

type valuer func() float64

func (v valuer) value() float64 { return v() }

// A node dies after the platform took the messages and before it was written
// down.
func TestADeadNodesWorkIsAskedForAndNotDoubled(t *testing.T) {
	for name, tt := range map[string]struct {
		finder   bool
		severity alerts.Severity
		want     func(map[State]int) bool
		double   bool
	}{
		"the platform can tell":           {true, alerts.SeverityExtreme, func(g map[State]int) bool { return g[Accepted] == 40 }, false},
		"nobody can tell, minor":          {false, alerts.SeverityMinor, func(g map[State]int) bool { return g[Uncertain] == 40 }, false},
		"nobody can tell, extreme: twice": {false, alerts.SeverityExtreme, func(g map[State]int) bool { return g[Accepted] == 40 }, true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := &platform{name: "sms"}
				var ch channels.Channel = phones{p}
				if tt.finder {
					ch = findingPhones{phones: phones{p}}
				}
				route := Route{Channel: ch}
				h := newHouse(t, route)
				h.subscribe(40, "it")
				h.fault = func(op, node string) (bool, bool) { return op == "finish" && node == "a", false }
				ctxA, stopA := context.WithCancel(t.Context())
				_, a := h.dispatch(ctxA, "a", route)
				r := h.issue(h.record(tt.severity, time.Hour))
				time.Sleep(time.Second)
				if len(p.got()) != 40 || h.states("sms", r.ID)[Trying] != 40 {
					t.Fatalf("%d taken, states %v: the crash is not where it should be", len(p.got()), h.states("sms", r.ID))
				}
				h.kill("a")
				ctxB, stopB := context.WithCancel(t.Context())
				_, b := h.dispatch(ctxB, "b", route)
				h.settle("sms", time.Minute)
				stopA()
				stopB()
				<-a
				<-b
				if got := h.states("sms", r.ID); !tt.want(got) {
					t.Errorf("states %v", got)
				}
				for key, n := range p.taken {
					if (n == 2) != tt.double {
						t.Errorf("%s was taken %d times", key, n)
					}
				}
				if tt.double && h.reasons("sms")[doubtful] != 40 {
					t.Errorf("reasons %v: doubles must be marked", h.reasons("sms"))
				}
			})
		})
	}
}

func TestAPanicBuriesItsJobAndNothingElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &platform{name: "sms"}
		p.script = func(_ context.Context, m channels.Message, _ int, taken func()) error {
			if strings.HasSuffix(m.Key, "/7") {
				panic("poison")
			}
			taken()
			return nil
		}
		route := Route{Channel: findingPhones{phones: phones{p}}}
		h := newHouse(t, route)
		h.subscribe(600, "it")
		ctx, stop := context.WithCancel(t.Context())
		reg, done := h.dispatch(ctx, "a", route)
		r := h.issue(h.record(alerts.SeverityModerate, 10*time.Hour))
		h.settle("sms", time.Hour)
		time.Sleep(3 * time.Second) // the next measurement
		stop()
		<-done
		if got := h.states("sms", r.ID); got[Accepted] != 599 || got[Failed] != 1 {
			t.Errorf("states %v, want 599 accepted and the poisonous one failed", got)
		}
		if v := value(t, reg, "martinella_dead_letters", "channel", "sms"); v != 1 {
			t.Errorf("dead_letters = %v, want 1", v)
		}
		if n := p.tries[fmt.Sprintf("%s/1/sms/7", r.ID)]; n != maxTaken {
			t.Errorf("the poisonous one was tried %d times, want %d", n, maxTaken)
		}
	})
}

func TestAJobThatNobodyEndsIsBuried(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &platform{name: "sms"}
		route := Route{Channel: phones{p}}
		h := newHouse(t, route)
		h.subscribe(3, "it")
		r := h.issue(h.record(alerts.SeverityModerate, time.Hour))
		q := &memoryQueue{h.memory, "sms", "dead"}
		es, _ := q.Entries(t.Context(), 1)
		if _, err := q.Plan(t.Context(), es[0], 0, []Job{{V: 1, Alert: r.ID, From: 0, To: 3}}, true); err != nil {
			t.Fatal(err)
		}
		for range maxTaken + 1 {
			if js, _ := q.Take(t.Context(), 1); len(js) == 0 {
				time.Sleep(10 * time.Second)
				_, _ = q.Recover(t.Context(), nil)
			}
		}
		h.kill("dead")
		ctx, stop := context.WithCancel(t.Context())
		_, done := h.dispatch(ctx, "a", route)
		h.settle("sms", time.Minute)
		stop()
		<-done
		if got := h.states("sms", r.ID); got[Failed] != 3 || p.sends() != 0 {
			t.Errorf("states %v after %d sends, want 3 failed and none", got, p.sends())
		}
	})
}

func TestStoppingEndsWhatWasBegunAndGivesTheRestBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &platform{name: "sms"}
		p.script = func(_ context.Context, _ channels.Message, _ int, taken func()) error {
			time.Sleep(3 * time.Second)
			taken()
			return nil
		}
		route := Route{Channel: phones{p}}
		h := newHouse(t, route)
		h.subscribe(1000, "it")
		ctx, stop := context.WithCancel(t.Context())
		_, done := h.dispatch(ctx, "a", route)
		r := h.issue(h.record(alerts.SeverityModerate, time.Hour))
		time.Sleep(4 * time.Second)
		stop()
		at := time.Now()
		<-done
		if d := time.Since(at); d > stopTime+2*time.Second {
			t.Errorf("stopped after %v", d)
		}
		if got := h.states("sms", r.ID); got[Trying] != 0 || got[Accepted] == 0 || got[Queued] == 0 {
			t.Errorf("states %v, want some accepted, the rest queued, none in between", got)
		}
		ctx, stop = context.WithCancel(t.Context())
		_, done = h.dispatch(ctx, "a2", route)
		h.settle("sms", 5*time.Minute)
		stop()
		<-done
		if got := h.states("sms", r.ID); got[Accepted] != 1000 || len(p.got()) != 1000 {
			t.Errorf("states %v, %d taken, want 1000 each once", got, len(p.got()))
		}
	})
}

func TestAPlatformThatNeverAnswersDoesNotHoldTheStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &platform{name: "social"}
		p.script = func(ctx context.Context, _ channels.Message, _ int, _ func()) error {
			<-ctx.Done()
			return channels.Uncertain(ctx.Err())
		}
		route := Route{Channel: p}
		h := newHouse(t, route)
		ctx, stop := context.WithCancel(t.Context())
		_, done := h.dispatch(ctx, "a", route)
		h.issue(h.record(alerts.SeverityMinor, time.Hour))
		time.Sleep(time.Second)
		stop()
		at := time.Now()
		<-done
		if d := time.Since(at); d < stopTime || d > stopTime+time.Second {
			t.Errorf("stopped after %v, want %v", d, stopTime)
		}
	})
}

func TestErasedPeopleAreSkipped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &platform{name: "sms"}
		route := Route{Channel: phones{p}}
		h := newHouse(t, route)
		h.subscribe(10, "it")
		r := h.issue(h.record(alerts.SeverityMinor, time.Hour))
		_ = h.Erase(t.Context(), 4)
		ctx, stop := context.WithCancel(t.Context())
		_, done := h.dispatch(ctx, "a", route)
		h.settle("sms", time.Minute)
		stop()
		<-done
		if got := h.states("sms", r.ID); got[Accepted] != 9 || got[Suppressed] != 1 {
			t.Errorf("states %v, want 9 accepted, 1 suppressed", got)
		}
	})
}

func TestMessagesAreAddressed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &platform{name: "sms"}
		route := Route{Channel: phones{p}}
		h := newHouse(t, route)
		h.subscribe(1, "it")
		h.subscribe(1, "en")
		h.subscribe(1, "de")
		r := h.issue(h.record(alerts.SeverityMinor, time.Hour))
		ctx, stop := context.WithCancel(t.Context())
		_, done := h.dispatch(ctx, "a", route)
		h.settle("sms", time.Minute)
		stop()
		<-done
		want := map[string]string{"+39000000000": "Il torrente esonda", "+39000000001": "The river floods", "+39000000002": "Il torrente esonda"}
		keys := map[string]bool{}
		for _, m := range p.got() {
			if text := want[m.To] + " " + alerts.FormatTime(r.Alert.Sent) + " " + alerts.CodeOf(r.ID); m.Text != text {
				t.Errorf("%s got %q, want %q", m.To, m.Text, text)
			}
			if !m.Sent.Equal(r.Published) || m.Alert != r.ID || m.Expires.IsZero() {
				t.Errorf("message %+v lacks a fact of its record", m)
			}
			keys[m.Key] = true
		}
		if len(keys) != 3 {
			t.Errorf("keys %v, want three", keys)
		}
	})
}

func TestAWeakStoreLosesAndDoublesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &platform{name: "sms"}
		route := Route{Channel: phones{p}}
		h := newHouse(t, route)
		h.subscribe(500, "it")
		r := h.issue(h.record(alerts.SeverityMinor, time.Hour))
		var mu sync.Mutex
		dice := rand.New(rand.NewPCG(1, 2))
		h.fault = func(string, string) (bool, bool) { // every third call fails, before or after its effect
			mu.Lock()
			defer mu.Unlock()
			k := dice.IntN(6)
			return k == 0, k == 1
		}
		ctx, stop := context.WithCancel(t.Context())
		_, done := h.dispatch(ctx, "a", route)
		h.settle("sms", 20*time.Minute)
		stop()
		<-done
		got := h.states("sms", r.ID)
		if got[Accepted]+got[Uncertain] != 500 {
			t.Errorf("states %v, want every one accepted or in doubt", got)
		}
		for key, k := range p.taken {
			if k != 1 {
				t.Errorf("%s was taken %d times", key, k)
			}
		}
		if got[Uncertain] > 50 {
			t.Errorf("%d in doubt though nothing was ever cut off while sending", got[Uncertain])
		}
	})
}

func TestALongAudienceIsPlannedOnceByManyNodes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &platform{name: "sms"}
		route := Route{Channel: phones{p}}
		h := newHouse(t, route)
		h.subscribe(chunkSize*3*planBatch+17, "it")
		r := h.issue(h.record(alerts.SeverityMinor, time.Hour))
		a, b := &line{name: "sms", kind: "phone", queue: &memoryQueue{h.memory, "sms", "a"}}, &line{name: "sms", kind: "phone", queue: &memoryQueue{h.memory, "sms", "b"}}
		entries, err := a.queue.Entries(t.Context(), 1)
		if err != nil {
			t.Fatal(err)
		}
		errs := make(chan error, 2)
		go func() { errs <- a.planOne(t.Context(), entries[0]) }()
		go func() { errs <- b.planOne(t.Context(), entries[0]) }()
		for range 2 {
			if err := <-errs; err != nil {
				t.Fatal(err)
			}
		}
		seen := map[int]bool{}
		next := uint32(0)
		for _, e := range h.channel("sms").entries {
			if seen[e.job.N] || e.job.From != next || e.job.Alert != r.ID {
				t.Fatalf("job %d from %d: planned twice or out of order", e.job.N, e.job.From)
			}
			seen[e.job.N], next = true, e.job.To
		}
		if int(next) != chunkSize*3*planBatch+17 || len(h.channel("sms").unplanned) != 0 {
			t.Errorf("planned up to %d, %d entries open", next, len(h.channel("sms").unplanned))
		}
	})
}

// blindNode reads no task.
type blindNode struct{ *node }

type blindQueue struct{ *memoryQueue }

func (b blindNode) Queue(ctx context.Context, channel string) (Queue, error) {
	q, err := b.node.Queue(ctx, channel)
	return blindQueue{q.(*memoryQueue)}, err
}

func (blindQueue) Task(context.Context, Job) (*Task, error) {
	return nil, fmt.Errorf("task: %w: invalid references", ErrUnreadable)
}

func TestAJobWhoseAlertCannotBeReadIsBuriedAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &platform{name: "sms"}
		route := Route{Channel: phones{p}}
		h := newHouse(t, route)
		h.subscribe(3, "it")
		r := h.issue(h.record(alerts.SeverityExtreme, time.Hour))
		q := &memoryQueue{h.memory, "sms", "a"}
		h.mu.Lock()
		q.push(h.channel("sms"), Job{V: 1, Alert: r.ID, To: 3, Urgent: true}, time.Time{})
		h.mu.Unlock()
		ms := NewMetrics(prometheus.NewRegistry(), []string{"sms"})
		d := &Dispatcher{Route: route, Queues: NewQueues(blindNode{h.node("a")}), People: h.memory, Metrics: ms, Log: zap.NewNop()}
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			_ = d.Run(ctx)
		}()
		h.settle("sms", 5*time.Second)
		stop()
		<-done
		if got := h.channel("sms").buryReason; got != "the alert cannot be read" {
			t.Errorf("buried for %q", got)
		}
		if got := h.states("sms", r.ID); got[Failed] != 3 {
			t.Errorf("states %v, want 3 failed", got)
		}
	})
}

func TestWhatWasSentIsWrittenDownBeforeAnyWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &platform{name: "sms"}
		route := Route{Channel: limitedPhones{phones{p}, channels.Limit{PerSecond: 0.1, Burst: 1}}}
		h := newHouse(t, route)
		h.subscribe(3, "it")
		ctx, stop := context.WithCancel(t.Context())
		_, done := h.dispatch(ctx, "a", route)
		r := h.issue(h.record(alerts.SeverityMinor, time.Hour))
		time.Sleep(5 * time.Second) // within the wait for the second one
		if got := h.states("sms", r.ID); got[Accepted] != 1 || got[Trying] != 0 {
			t.Errorf("states %v while the pace is waited for, want 1 accepted and none in doubt", got)
		}
		stop()
		<-done
	})
}
