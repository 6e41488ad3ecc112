package callout_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"martinella/alerts"
	"martinella/alerts/volunteers"
	"martinella/broadcast"
	"martinella/broadcast/callout"
)

// fates are what became of pages, by channel and recipient: "sms 0".
type fates map[string]broadcast.State

func (f fates) States(_ context.Context, _ alerts.ID, channel string, from, to uint32) (all []broadcast.State, _ error) {
	for o := from; o < to; o++ {
		all = append(all, f[fmt.Sprint(channel, " ", o)])
	}
	return all, nil
}

func TestWhosePageFailedIsTriedByTheNextContactAtOnce(t *testing.T) {
	for name, test := range map[string]struct {
		push   broadcast.State
		before func(w *town, c *volunteers.Call, one uint32)
		change func(d *callout.Draft)
		want   string // what one is told within a second
	}{
		"it failed":                            {push: broadcast.Failed, want: "push call, sms call"},
		"it is on its way":                     {push: broadcast.Accepted, want: "push call"},
		"it arrived":                           {push: broadcast.Delivered, want: "push call"},
		"nobody knows whether it came":         {push: broadcast.Uncertain, want: "push call"},
		"it failed, and they have answered":    {push: broadcast.Failed, before: func(w *town, c *volunteers.Call, one uint32) { w.says(c, one, volunteers.Maybe, 0) }, want: "push call"},
		"it failed, and the call has ended":    {push: broadcast.Failed, before: func(w *town, c *volunteers.Call, _ uint32) { w.close(c) }, want: "push call"},
		"it failed, and they are there":        {push: broadcast.Failed, before: arrived, want: "push call"},
		"it failed, and it is not urgent":      {push: broadcast.Failed, change: func(d *callout.Draft) { d.Urgent = false }, want: "push call, sms call"},
		"it failed, and quiet hours have come": {push: broadcast.Failed, before: quiet, want: "push call"},
	} {
		t.Run(name, func(t *testing.T) {
			f := fates{"push 0": test.push}
			w := newTown(t, func(c *callout.Config) { c.Outcomes = f })
			one, other := w.volunteer(), w.volunteer()
			d := w.draft(2)
			if test.change != nil {
				test.change(&d)
			}
			c := w.open(d)
			w.work()
			if got := w.said(one); !slices.Equal(got, []string{"push call"}) {
				t.Fatalf("first they are told %q", got)
			}
			if test.before != nil {
				test.before(w, c, one)
			}
			w.pass(time.Second)
			for range 3 { // again and again changes nothing more
				w.calls.Hurry(t.Context())
				w.work()
			}
			got := slices.DeleteFunc(w.said(one), func(s string) bool { return !strings.HasSuffix(s, " call") })
			if strings.Join(got, ", ") != test.want {
				t.Errorf("told %q, want %q", got, test.want)
			}
			if got := slices.DeleteFunc(w.said(other), func(s string) bool { return !strings.HasSuffix(s, " call") }); !slices.Equal(got, []string{"push call"}) {
				t.Errorf("whose page did not fail is told %q", got)
			}
		})
	}
}

func arrived(w *town, c *volunteers.Call, one uint32) {
	if err := w.calls.AttendFor(w.t.Context(), anna, c.ID, one, volunteers.MarkArrived); err != nil {
		w.t.Fatal(err)
	}
}

// quiet begins at once for one, for an hour.
func quiet(w *town, _ *volunteers.Call, one uint32) {
	w.roll.people[one].Quiet = &broadcast.Hours{From: "11:00", To: "13:00"}
}

func TestEveryContactFailsOneAfterTheOther(t *testing.T) {
	f := fates{"push 0": broadcast.Failed, "sms 0": broadcast.Failed, "mail 0": broadcast.Failed}
	w := newTown(t, func(c *callout.Config) { c.Outcomes = f })
	one := w.volunteer()
	w.open(w.draft(1))
	for range 5 {
		w.work()
		w.pass(time.Second)
		w.calls.Hurry(t.Context())
	}
	if got, want := w.said(one), []string{"push call", "sms call", "mail call"}; !slices.Equal(got, want) {
		t.Errorf("told %q, want %q", got, want)
	}
}
