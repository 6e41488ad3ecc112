package callout_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"martinella/alerts/volunteers"
	"martinella/broadcast/callout"
)

// again is a new process in place of the one that died.
func (w *town) again() { w.calls = callout.New(w.config(), prometheus.NewRegistry()) }

// After an outage steps that were due within the last half hour fire, once, and
// until people meet also what was due before; after that, what was meant for
// another hour does not, and the next way has its time from now on.
func TestAfterAnOutageNothingOfAnotherHourFires(t *testing.T) {
	for name, one := range map[string]struct {
		worked bool // the first step had fired before
		outage time.Duration
		first  string // what fires when a gateway is there again
		all    string // what was fired in the end
	}{
		"a short one delays what follows":                     {true, 29 * time.Minute, "[push call sms call]", "[push call sms call mail call]"},
		"at the bound it still fires":                         {true, 31 * time.Minute, "[push call sms call]", "[push call sms call mail call]"},
		"a longer one too, before people meet":                {true, 59 * time.Minute, "[push call sms call]", "[push call sms call mail call]"},
		"after they met it leaves the step out, and goes on":  {true, 60 * time.Minute, "[push call mail call]", "[push call mail call]"},
		"a long one too":                                      {true, 3 * time.Hour, "[push call mail call]", "[push call mail call]"},
		"before the first step a short one delays all":        {false, 30 * time.Minute, "[push call]", "[push call sms call mail call]"},
		"before the first step and the meeting a longer one":  {false, 59 * time.Minute, "[push call]", "[push call sms call mail call]"},
		"before the first step, and it is the meeting's time": {false, 60 * time.Minute, "[sms call]", "[sms call mail call]"},
		"before the first step, nearly until the end":         {false, 6*time.Hour - time.Minute, "[sms call]", "[sms call]"},
		"until the end there is nobody left to ask":           {false, 6 * time.Hour, "[]", "[]"},
		"until the end, after the first step":                 {true, 6 * time.Hour, "[push call]", "[push call]"},
		"a month later nobody hears of what was long ago":     {true, 30 * 24 * time.Hour, "[push call]", "[push call]"},
		"a month later nobody hears of what was never begun":  {false, 30 * 24 * time.Hour, "[]", "[]"},
		"a restart without an outage changes nothing of time": {true, 0, "[push call]", "[push call sms call mail call]"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newTown(t, nil)
			silent := w.volunteer()
			c := w.open(w.draft(1))
			if one.worked {
				w.work()
			}
			w.pass(one.outage)
			lag, err := w.store.Lag(t.Context(), w.now())
			if overdue := one.outage > time.Minute; err != nil || overdue != (lag >= one.outage-time.Minute && lag > 0) {
				t.Errorf("the watchdog says %v, %v after %v", lag, err, one.outage)
			}
			w.again()
			w.work()
			if got := fmt.Sprint(w.said(silent)); got != one.first {
				t.Errorf("at the return they had %v, want %v", got, one.first)
			}
			for range 15 {
				w.pass(time.Minute)
				w.again() // it dies all the time
				w.work()
			}
			if got := fmt.Sprint(w.said(silent)); got != one.all {
				t.Errorf("in the end they had %v, want %v", got, one.all)
			}
			if lag, err := w.store.Lag(t.Context(), w.now()); err != nil || lag != 0 {
				t.Errorf("something is due for ever: %v, %v", lag, err)
			}
			state, expired := volunteers.StateOpen, 0
			if one.outage+15*time.Minute >= 6*time.Hour {
				state, expired = volunteers.StateExpired, 1
			}
			acts := 0
			for _, a := range w.store.Acts() {
				if a.Verb == "expired" {
					acts++
				}
			}
			if now, err := w.store.Call(t.Context(), c.ID); err != nil || now.State != state || acts != expired {
				t.Errorf("the call is %s, %v, with %d acts of its end", now.State, err, acts)
			}
		})
	}
}

// A gateway that starts again after the end of a call pages nobody to come. Who
// comes is told of the end as long as that is news.
func TestALateRestartAfterTheEndAsksNobodyToCome(t *testing.T) {
	for name, one := range map[string]struct {
		state                 volunteers.State
		outage                time.Duration
		coming, silent, never string
	}{
		"closed a quarter of an hour ago":    {volunteers.StateClosed, 15 * time.Minute, "[push call push closed]", "[push call]", "[push call]"},
		"closed an hour ago":                 {volunteers.StateClosed, time.Hour, "[push call]", "[push call]", "[push call]"},
		"closed a month ago":                 {volunteers.StateClosed, 30 * 24 * time.Hour, "[push call]", "[push call]", "[push call]"},
		"cancelled a quarter of an hour ago": {volunteers.StateCancelled, 15 * time.Minute, "[push call push cancelled]", "[push call push cancelled]", "[push call]"},
		"cancelled an hour ago":              {volunteers.StateCancelled, time.Hour, "[push call]", "[push call]", "[push call]"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newTown(t, nil)
			coming, silent, cannot := w.volunteer(), w.volunteer(), w.volunteer()
			c := w.open(w.draft(3))
			w.work()
			for number, kind := range map[uint32]volunteers.AnswerKind{coming: volunteers.Coming, cannot: volunteers.Cannot} {
				if _, err := w.calls.Answer(t.Context(), w.link(number, c), volunteers.Answer{Kind: kind}); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := w.calls.End(t.Context(), anna, c.ID, one.state, "grazie"); err != nil { // and the node dies
				t.Fatal(err)
			}
			w.pass(one.outage)
			for range 15 {
				w.again()
				w.work()
				w.calls.Sweep(t.Context())
				w.pass(time.Minute)
			}
			for number, want := range map[uint32]string{coming: one.coming, silent: one.silent, cannot: one.never} {
				if got := fmt.Sprint(w.said(number)); got != want {
					t.Errorf("person %d was told %v, want %v", number, got, want)
				}
			}
			if _, err := w.calls.Answer(t.Context(), w.link(silent, c), volunteers.Answer{Kind: volunteers.Coming}); one.outage < 24*time.Hour && !errors.Is(err, callout.ErrOver) || err == nil {
				t.Errorf("an answer after the end: %v", err)
			}
		})
	}
}
