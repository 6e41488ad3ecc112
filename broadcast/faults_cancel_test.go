package broadcast_test

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"go.uber.org/zap"

	"martinella/alerts"
	"martinella/broadcast"
	"martinella/broadcast/broadcasttest"
)

// TestCancelDuringAFanOutStopsItAndFollowsIt is fault 44: what was not sent
// stops, and the Cancel goes to exactly those who got the alert or may have.
func TestCancelDuringAFanOutStopsItAndFollowsIt(t *testing.T) {
	beside(t)
	people := 6000
	if chaotic() {
		people = 100_000
	}
	const perSecond, atOnce = 5000, 300 // messages in flight on two nodes, at most
	p := newPlant(t, os.Args[0], perSecond, true)
	p.node()
	p.node()
	queues := broadcast.NewQueues(p.store)
	desk := &gateway{store: p.store, planner: &broadcast.Planner{
		Routes:  []broadcast.Route{{Channel: &dialled{name: "sms"}, Exercise: true}},
		Records: p.store.Store(), People: everybody{}, Store: p.store, Work: p.store, Queues: queues, Language: "it", Log: zap.NewNop(),
	}}
	r := p.issue(broadcasttest.NewRecord(alerts.SeverityExtreme, "sms"), people)
	p.until("the fan-out is a third done", func() bool { return p.provider.count("issued") > people/3 })
	asked := time.Now()
	c := desk.issue(t, broadcasttest.Revise(r, alerts.ChangeCancelled))
	published := time.Now()
	p.over(r.ID)
	p.over(c.ID)
	p.until("all reports are kept", p.provider.quiet)

	before, after := p.ends(r.ID, people), p.ends(c.ID, people)
	p.provider.mu.Lock()
	defer p.provider.mu.Unlock()
	var lastAlert, firstCancel, lastCancel time.Time
	told, cancelled, needless, stranded, doubled, untrue := 0, 0, 0, 0, 0, 0
	for o := range people {
		alert, cancel := fmt.Sprintf("%s/%d/sms/%d", r.ID, r.Revision, o), fmt.Sprintf("%s/%d/sms/%d", c.ID, c.Revision, o)
		got, over := p.provider.taken[alert], p.provider.taken[cancel]
		if got > 1 || over > 1 {
			doubled++
		}
		if got > 0 {
			told++
			if at := p.provider.at[alert]; at.After(lastAlert) {
				lastAlert = at
			}
			if over == 0 && !refused(cancel) {
				stranded++
			}
		} else if before[o] != isSuppressed && !refused(alert) {
			untrue++ // nothing was sent, and it is not called so
		}
		if over > 0 {
			cancelled++
			if got == 0 && !refused(alert) {
				needless++
			}
			at := p.provider.at[cancel]
			if firstCancel.IsZero() || at.Before(firstCancel) {
				firstCancel = at
			}
			if at.After(lastCancel) {
				lastCancel = at
			}
		} else if after[o] != isSuppressed && !refused(cancel) {
			untrue++
		}
	}
	if stranded+doubled+untrue > 0 || needless > atOnce {
		t.Errorf("%d got the alert and not its Cancel, %d got one twice, %d in an untrue state, %d got a Cancel of what was never on its way to them", stranded, doubled, untrue, needless)
	}
	if told == people || cancelled == 0 {
		t.Errorf("%d of %d got the alert, %d its Cancel: the test proves nothing", told, people, cancelled)
	}
	if late := lastAlert.Sub(published); late > 5*time.Second {
		t.Errorf("the last alert left %v after its Cancel", late)
	}
	t.Logf("%d of %d got the alert, %d the Cancel (%d while theirs was in flight); published in %v; the last alert left %v after that, the first Cancel %v, the last %v",
		told, people, cancelled, needless, published.Sub(asked).Round(time.Millisecond), lastAlert.Sub(published).Round(time.Millisecond),
		firstCancel.Sub(published).Round(time.Millisecond), lastCancel.Sub(published).Round(time.Millisecond))
}

// Select gives nobody: the audience of a Cancel is who was told.
func (everybody) Select(context.Context, string, broadcast.Selection) ([]broadcast.Group, error) {
	return nil, nil
}
