package callout_test

import (
	"slices"
	"testing"
	"time"

	"martinella/broadcast"
	"martinella/broadcast/callout"
)

// It is noon. Somebody has quiet hours until two when the call opens.
func TestWhoSleepsWhenACallOpensIsAskedWhenTheyWake(t *testing.T) {
	for name, one := range map[string]struct {
		meets  time.Duration
		urgent bool
		alone  bool     // nobody else is on the roster
		first  []string // what they are told until two
		then   []string // and in the hour after it
		left   bool     // the call does not find them
	}{
		"they wake an hour before people meet": {meets: 3 * time.Hour, then: []string{"push call", "sms call", "mail call"}},
		"they are the only ones":               {meets: 3 * time.Hour, alone: true, then: []string{"push call", "sms call", "mail call"}},
		"it is urgent":                         {meets: 3 * time.Hour, urgent: true, first: []string{"push call", "sms call", "mail call"}},
		"they would wake too late":             {meets: 3*time.Hour - time.Minute, left: true},
		"people have met":                      {meets: -time.Minute, left: true},
	} {
		t.Run(name, func(t *testing.T) {
			w := newTown(t, nil)
			sleeper := w.volunteer()
			w.roll.people[sleeper].Quiet = &broadcast.Hours{From: "11:00", To: "14:00"}
			if !one.alone {
				w.volunteer()
			}
			d := w.draft(2)
			d.Urgent, d.Meet = one.urgent, w.now().Add(one.meets)
			suggested, _, err := w.calls.Suggest(t.Context(), d)
			if err != nil {
				t.Fatal(err)
			}
			asleep := 1
			if one.urgent || one.left {
				asleep = 0
			}
			if suggested.Asleep != asleep {
				t.Errorf("%d of those who would be called are said to sleep, want %d", suggested.Asleep, asleep)
			}
			c := w.open(d)
			until := func(end time.Duration) []string {
				for w.now().Before(noon.Add(end)) {
					w.work()
					w.pass(time.Minute)
				}
				return w.said(sleeper)
			}
			first := until(2 * time.Hour)
			if !slices.Equal(first, one.first) {
				t.Errorf("before they wake they are told %q, want %q", first, one.first)
			}
			if all := until(3 * time.Hour); !slices.Equal(all[len(first):], one.then) {
				t.Errorf("when they woke they are told %q, want %q", all[len(first):], one.then)
			}
			v, err := w.calls.View(t.Context(), c.ID)
			if err != nil {
				t.Fatal(err)
			}
			if found := slices.ContainsFunc(v.People, func(p callout.Seen) bool { return p.Number == sleeper }); found == one.left {
				t.Errorf("the call found them: %v", found)
			}
		})
	}
}
