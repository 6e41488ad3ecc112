package broadcast

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"

	"martinella/alerts"
	"martinella/channels"
)

func TestARevisionStopsWhatWasNotSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &platform{name: "sms"}
		p.script = func(_ context.Context, _ channels.Message, _ int, taken func()) error {
			time.Sleep(time.Second)
			taken()
			return nil
		}
		route := Route{Channel: phones{p}}
		h := newHouse(t, route)
		h.subscribe(5000, "it")
		ctx, stop := context.WithCancel(t.Context())
		_, done := h.dispatch(ctx, "a", route)
		r := h.issue(h.record(alerts.SeverityModerate, time.Hour))
		time.Sleep(5 * time.Second)
		c := h.issue(h.next(r, alerts.ChangeCancelled, alerts.SeverityModerate))
		h.settle("sms", 30*time.Minute)
		stop()
		<-done
		got := h.states("sms", r.ID)
		if got[Accepted] == 0 || got[Suppressed] == 0 || got[Accepted]+got[Suppressed] != 5000 || got[Accepted] > 1000 {
			t.Errorf("the Alert: %v, want a few accepted and the rest suppressed", got)
		}
		if end := h.states("sms", c.ID); end[Accepted] != got[Accepted] || end[Suppressed] != got[Suppressed] {
			t.Errorf("the Cancel: %v, want it with exactly those who got the Alert: %v", end, got)
		}
		if got, want := c.Reach, 5000; got != want {
			t.Errorf("reach of the Cancel %d, want %d", got, want)
		}
	})
}

func TestPostsOfAnEventHangTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &platform{name: "social"}
		route := Route{Channel: p}
		h := newHouse(t, route)
		ctx, stop := context.WithCancel(t.Context())
		_, done := h.dispatch(ctx, "a", route)
		first := h.issue(h.record(alerts.SeverityModerate, time.Hour))
		h.settle("social", time.Minute)
		same := h.issue(h.next(first, alerts.ChangeUpdated, alerts.SeverityModerate))
		h.settle("social", time.Minute)
		worse := h.issue(h.next(same, alerts.ChangeUpdated, alerts.SeverityExtreme))
		h.settle("social", time.Minute)
		over := h.issue(h.next(worse, alerts.ChangeCancelled, alerts.SeverityExtreme))
		h.settle("social", time.Minute)
		stop()
		<-done
		previous := map[alerts.ID]map[string]string{}
		for _, m := range p.got() {
			if previous[m.Alert] == nil {
				previous[m.Alert] = map[string]string{}
			}
			previous[m.Alert][m.Language] = m.Previous
		}
		key := func(r *alerts.Record, o int) string { return fmt.Sprintf("id-%s/%d/social/%d", r.ID, r.Revision, o) }
		for name, c := range map[string]struct{ got, want string }{
			"the first":                        {previous[first.ID]["it-IT"], ""},
			"an update hangs on it":            {previous[same.ID]["it-IT"], key(first, 0)},
			"each language on its own":         {previous[same.ID]["en-GB"], key(first, 1)},
			"what is more severe stands alone": {previous[worse.ID]["it-IT"], ""},
			"a Cancel hangs on the newest":     {previous[over.ID]["it-IT"], key(worse, 0)},
		} {
			if c.got != c.want {
				t.Errorf("%s: previous %q, want %q", name, c.got, c.want)
			}
		}
	})
}

func TestACancelStandsBehindItsAlert(t *testing.T) {
	for name, c := range map[string]struct {
		slow  time.Duration // the Alert's post
		after time.Duration // the Cancel goes out so long after its issue, at most
		hangs bool          // on the Alert's post
	}{
		"a slow platform":       {2 * time.Second, 2 * time.Second, true},
		"a platform that hangs": {25 * time.Second, 6 * time.Second, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := &platform{name: "social", render: oneMessage("x")}
				var sent sync.Map
				p.script = func(_ context.Context, m channels.Message, _ int, taken func()) error {
					sent.Store(m.Change, m)
					sent.Store(string(m.Change)+" at", time.Now())
					if m.Change == alerts.ChangeIssued {
						time.Sleep(c.slow)
					}
					taken()
					return nil
				}
				route := Route{Channel: p}
				h := newHouse(t, route)
				ctx, stop := context.WithCancel(t.Context())
				_, done := h.dispatch(ctx, "a", route)
				first := h.issue(h.record(alerts.SeverityModerate, time.Hour))
				time.Sleep(time.Second)
				h.issue(h.next(first, alerts.ChangeCancelled, alerts.SeverityModerate))
				issued := time.Now()
				h.settle("social", time.Minute)
				stop()
				<-done
				m, _ := sent.Load(alerts.ChangeCancelled)
				at, _ := sent.Load(string(alerts.ChangeCancelled) + " at")
				if d := at.(time.Time).Sub(issued); d > c.after {
					t.Errorf("the Cancel went out after %v, want at most %v", d, c.after)
				}
				if got := m.(channels.Message).Previous != ""; got != c.hangs {
					t.Errorf("the Cancel hangs on %q", m.(channels.Message).Previous)
				}
			})
		})
	}
}

func TestWhoWasNotReachedGetsEveryLaterUpdateAsUrgently(t *testing.T) {
	for name, c := range map[string]struct {
		severities []alerts.Severity
		want       bool
	}{
		"it was never urgent":                   {[]alerts.Severity{alerts.SeverityMinor, alerts.SeverityMinor}, false},
		"the one before was":                    {[]alerts.Severity{alerts.SeverityExtreme, alerts.SeverityMinor}, true},
		"the first of three was":                {[]alerts.Severity{alerts.SeverityExtreme, alerts.SeverityModerate, alerts.SeverityMinor}, true},
		"the first of four was, all others not": {[]alerts.Severity{alerts.SeveritySevere, alerts.SeverityMinor, alerts.SeverityMinor, alerts.SeverityMinor}, true},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t, Route{Channel: phones{&platform{name: "sms"}}})
			h.subscribe(3, "it")
			var r *alerts.Record
			for i, severity := range c.severities {
				if i == 0 {
					r = h.issue(h.record(severity, time.Hour))
				} else {
					r = h.issue(h.next(r, alerts.ChangeUpdated, severity))
				}
			}
			l := &line{name: "sms", kind: "phone", queue: &memoryQueue{h.memory, "sms", "a"}, log: zap.NewNop()}
			jobs, _, err := l.jobs(t.Context(), r)
			if err != nil || len(jobs) != 1 || jobs[0].Urgent != c.want {
				t.Errorf("jobs %+v, %v: want one, urgent %v", jobs, err, c.want)
			}
		})
	}
}

func TestACancelIsTriedForThreeDaysAndThenHasFailedVisibly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var away atomic.Bool
		p := &platform{name: "social", render: oneMessage("x")}
		p.script = func(_ context.Context, _ channels.Message, _ int, taken func()) error {
			if away.Load() {
				return errNo
			}
			taken()
			return nil
		}
		route := Route{Channel: p}
		h := newHouse(t, route)
		ctx, stop := context.WithCancel(t.Context())
		_, done := h.dispatch(ctx, "a", route)
		r := h.issue(h.record(alerts.SeveritySevere, time.Hour))
		h.settle("social", time.Minute)
		away.Store(true)
		c := h.issue(h.next(r, alerts.ChangeCancelled, alerts.SeveritySevere))
		for _, wait := range []time.Duration{70 * time.Hour, 2 * time.Hour} { // nobody polls through three days
			time.Sleep(5 * time.Minute)
			if h.idle("social") {
				t.Error("the Cancel was given up within 71 hours")
			}
			stop()
			<-done
			time.Sleep(wait)
			ctx, stop = context.WithCancel(t.Context()) //nolint:fatcontext // each round is a new node, not a child of the last one
			_, done = h.dispatch(ctx, "a", route)
		}
		h.settle("social", 5*time.Minute)
		stop()
		<-done
		if got := h.states("social", c.ID); got[Failed] != 1 {
			t.Errorf("states %v, want 1 failed", got)
		}
		if h.reasons("social")[unsentReasons[Failed]] != 1 {
			t.Errorf("reasons %v", h.reasons("social"))
		}
	})
}
