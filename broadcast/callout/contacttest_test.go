package callout_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"martinella/alerts"
	"martinella/alerts/volunteers"
	"martinella/broadcast"
	"martinella/broadcast/callout"
	"martinella/channels"
)

// test begins a test by hand.
func (w *town) test(groups ...string) *volunteers.Call {
	w.t.Helper()
	c, err := w.calls.StartTest(w.t.Context(), anna, "", groups, 3*24*time.Hour)
	if err != nil {
		w.t.Fatal(err)
	}
	return c
}

// days lets time pass by quarters of an hour, with all that falls due.
func (w *town) days(n float64) {
	for range int(n * 24 * 4) {
		w.pass(15 * time.Minute)
		w.work()
	}
}

func (w *town) member(n uint32) broadcast.Member {
	people, _ := w.roll.Members(w.t.Context(), []uint32{n})
	return *people[0]
}

func TestAContactTestAsksByOneContactAfterTheOther(t *testing.T) {
	w := newTown(t, nil)
	quick, silent, mute, gone := w.volunteer(), w.volunteer(), w.volunteer(), w.volunteer()
	w.roll.people[mute].Contacts = nil
	w.roll.people[quick].Silent = noon.AddDate(0, -6, 0)
	c := w.test()
	w.work()
	w.work()
	r := w.store.Published()[0].Record
	if r.Urgent() || !r.CallTest || r.Alert.Scope != alerts.ScopeRestricted || !r.Expires().Equal(c.Until) {
		t.Errorf("the record of a test is %+v", r)
	}
	token := strings.TrimPrefix(w.calls.Link(quick, c.Number, "push"), "https://pc.valdemo.example/d/")
	own, err := w.calls.Own(t.Context(), token)
	if err != nil || !own.Call.Test || own.Answer != nil {
		t.Fatalf("the page of a test: %+v, %v", own, err)
	}
	if own, err = w.calls.Answer(t.Context(), token, volunteers.Answer{}); err != nil || own.Answer == nil || own.Answer.Contacts != "push" {
		t.Fatalf("confirmed: %+v, %v", own, err)
	}
	if m := w.member(quick); !m.Reached.Equal(noon) || !m.Silent.IsZero() {
		t.Errorf("who answered counts as reached %v, silent %v", m.Reached, m.Silent)
	}
	w.pass(volunteers.TestWait)
	w.work()
	if err := w.calls.Reply(t.Context(), "sms", channels.Reply{From: phone(gone), Text: "Ok", At: w.now()}); err != nil {
		t.Fatal(err)
	}
	if got := w.written[len(w.written)-1]; !strings.Contains(got, "il contatto funziona") {
		t.Errorf("said back %q", got)
	}
	w.days(3.1)
	for number, want := range map[uint32]string{quick: "[push test]", gone: "[push test sms test]", silent: "[push test sms test mail test]", mute: "[]"} {
		if got := fmt.Sprint(w.said(number)); got != want {
			t.Errorf("%d was told %s, want %s", number, got, want)
		}
	}
	now, err := w.store.Call(t.Context(), c.ID)
	if err != nil || now.State != volunteers.StateExpired {
		t.Errorf("after three days it is %+v, %v", now, err)
	}
	for number, want := range map[uint32]bool{quick: false, gone: false, silent: true, mute: true} {
		if m := w.member(number); !m.Silent.IsZero() != want || m.Reached.IsZero() != want || want && !m.Silent.Equal(c.Opened) {
			t.Errorf("%d: reached %v, silent since %v", number, m.Reached, m.Silent)
		}
	}
	sheet, err := w.store.Sheet(t.Context(), c.ID)
	if err != nil || len(sheet) != 4 || sheet[gone-1].Answer.Contacts != "phone" || sheet[gone-1].Answer.Via != "sms" || len(sheet[mute-1].Leg.Kinds) != 0 {
		t.Errorf("the sheet: %+v, %v", sheet, err)
	}
	if calls, err := w.calls.Calls(t.Context(), 10); err != nil || len(calls) != 0 {
		t.Errorf("a test stands among the calls: %v, %v", calls, err)
	}
	if _, err := w.calls.Answer(t.Context(), token, volunteers.Answer{}); !errors.Is(err, callout.ErrOver) {
		t.Errorf("an answer after the end: %v", err)
	}
}

// What is answered with an open call and an open test is the call's.
func TestAnAnswerIsTheCallsBeforeItIsTheTests(t *testing.T) {
	for sentence, tt := range map[string]struct {
		text         string
		call, tested bool // answered
		said         string
	}{
		"yes is for the call":                {"SI 20", true, false, "vengo fra 20 minuti"},
		"no too":                             {"NO", true, false, "non posso"},
		"unless it names the test":           {"ok V-0001", false, true, "il contatto funziona"},
		"what nobody can read is the call's": {"chi parla?", false, false, "coordinatore di V-0002"},
	} {
		t.Run(sentence, func(t *testing.T) {
			w := newTown(t, nil)
			one := w.volunteer()
			test := w.test()
			call := w.open(w.draft(1))
			w.work()
			if err := w.calls.Reply(t.Context(), "sms", channels.Reply{From: phone(one), Text: tt.text, At: w.now()}); err != nil {
				t.Fatal(err)
			}
			for id, want := range map[alerts.ID]bool{call.ID: tt.call, test.ID: tt.tested} {
				sheet, err := w.store.Sheet(t.Context(), id)
				if err != nil || (sheet[0].Answer != nil) != want {
					t.Errorf("answered %+v, %v", sheet, err)
				}
			}
			if len(w.written) != 1 || !strings.Contains(w.written[0], tt.said) {
				t.Errorf("said back %q", w.written)
			}
		})
	}
	w := newTown(t, nil)
	one := w.volunteer()
	w.test()
	w.work()
	if err := w.calls.Reply(t.Context(), "sms", channels.Reply{From: phone(one), Text: "NO", At: w.now()}); err != nil || !strings.Contains(w.written[0], "rispondi OK") || w.member(one).Reached != (time.Time{}) {
		t.Errorf("a no to a test: %v, %q", err, w.written)
	}
	if d := w.draft(1); w.open(d).Waves[0].People != 1 {
		t.Error("who is asked by a test counts as busy")
	}
}

// The whole test waits for the morning and for the end of an alert; a person for
// the end of their quiet hours. Nothing of it is lost by waiting.
func TestATestRingsNobodyAtNight(t *testing.T) {
	severe := false
	w := newTown(t, func(c *callout.Config) {
		c.Alerts = func(now time.Time) []broadcast.Happening {
			if severe {
				return danger(true)(now)
			}
			return nil
		}
	})
	one, sleeper := w.volunteer(), w.volunteer()
	w.roll.people[sleeper].Quiet = &broadcast.Hours{From: "08:00", To: "11:00"}
	w.pass(6 * time.Hour) // 18:00
	w.test()
	severe = true
	w.days(1.0 / 24)
	if len(w.said(one)) != 0 {
		t.Errorf("while a severe alert stands: %v", w.said(one))
	}
	severe = false
	w.days(1.0 / 24) // until 20:00
	if got := fmt.Sprint(w.said(one), w.said(sleeper)); got != "[push test] [push test]" {
		t.Errorf("in the evening: %s", got)
	}
	w.pass(10 * time.Hour) // all nodes are away until 6:00
	w.days(1.75 / 24)      // 7:45
	if len(w.said(one)) != 1 {
		t.Errorf("at night: %v", w.said(one))
	}
	w.days(1.0 / 24)
	if got := fmt.Sprint(w.said(one), w.said(sleeper)); got != "[push test sms test] [push test]" {
		t.Errorf("in the morning: %s", got)
	}
	w.days(2.5 / 24)
	if got := fmt.Sprint(w.said(sleeper)); got != "[push test sms test]" {
		t.Errorf("after the quiet hours: %s", got)
	}
}

func TestWhenNoTestBegins(t *testing.T) {
	for sentence, tt := range map[string]struct {
		prepare func(*town)
		by      alerts.Person
		groups  []string
		want    error
		hold    callout.Hold
	}{
		"by day and in peace it does": {by: anna},
		"without the right":           {by: alerts.Person{ID: "key:1", Rights: alerts.Rights{Verbs: []alerts.Verb{alerts.VerbSubmit}, Statuses: alerts.Statuses}}, want: alerts.ErrForbidden},
		"at night":                    {by: anna, prepare: func(w *town) { w.pass(9 * time.Hour) }, want: callout.ErrHeld, hold: callout.HoldNight},
		"beside another one":          {by: anna, prepare: func(w *town) { w.test() }, want: callout.ErrHeld, hold: callout.HoldOpen},
		"of a group of nobody":        {by: anna, groups: []string{"sub"}, want: alerts.ErrNotSendable},
	} {
		t.Run(sentence, func(t *testing.T) {
			w := newTown(t, nil)
			w.volunteer()
			if tt.prepare != nil {
				tt.prepare(w)
			}
			if st, err := w.calls.Tests(t.Context()); err != nil || st.Hold != tt.hold {
				t.Errorf("held by %q, %v", st.Hold, err)
			}
			if _, err := w.calls.StartTest(t.Context(), tt.by, "", tt.groups, time.Hour); !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
		})
	}
	w := newTown(t, func(c *callout.Config) { c.Alerts = danger(true) })
	w.volunteer()
	if _, err := w.calls.StartTest(t.Context(), anna, "", nil, time.Hour); !errors.Is(err, callout.ErrHeld) {
		t.Errorf("under a severe alert: %v", err)
	}
}

// TestTheScheduleOfTests: in virtual time, with two nodes that die, stand still
// and have other clocks, each date begins one test; one that comes under an alert
// begins after it, and one that is over by a day is said and not made up for.
func TestTheScheduleOfTests(t *testing.T) {
	for sentence, tt := range map[string]struct {
		away   time.Duration // of all nodes, from the date on
		severe time.Duration // of an alert, from the date on
		skew   time.Duration // of the second node
		tests  int
		late   time.Duration // after the date
		missed bool
	}{
		"begins once":                               {tests: 1},
		"begins once where clocks differ":           {skew: 40 * time.Minute, tests: 1},
		"begins late after an outage":               {away: 3 * time.Hour, tests: 1, late: 3 * time.Hour},
		"in the next morning after a long one":      {away: 12 * time.Hour, tests: 1, late: 22 * time.Hour},
		"never months late":                         {away: 60 * 24 * time.Hour, missed: true},
		"not by a clock that jumps back afterwards": {skew: -26 * time.Hour, tests: 1},
		"after a severe alert":                      {severe: 5 * time.Hour, tests: 1, late: 5 * time.Hour},
		"not after one that stood for a day":        {severe: 30 * time.Hour, missed: true},
	} {
		t.Run(sentence, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newTown(t, nil)
				w.volunteer()
				start := time.Now()
				date := time.Date(2000, 1, 10, 10, 0, 0, 0, rome)
				set := volunteers.Testing{Every: 3, Day: 10, Hour: 10, Since: start}
				node := func(skew time.Duration) func() {
					c := w.config()
					c.Testing = func() volunteers.Testing { return set }
					c.Now = func() time.Time { return time.Now().Add(skew) }
					c.Alerts = func(now time.Time) []broadcast.Happening {
						if since := time.Since(date); since >= 0 && since < tt.severe {
							return danger(true)(now)
						}
						return nil
					}
					s := callout.New(c, prometheus.NewRegistry())
					w.calls = s
					ctx, cancel := context.WithCancel(t.Context())
					done := make(chan struct{})
					go func() { defer close(done); _ = s.Run(ctx) }()
					return func() { cancel(); <-done }
				}
				both := func(d time.Duration) {
					one := node(0)
					two := node(tt.skew)
					time.Sleep(d)
					two()
					one()
				}
				time.Sleep(time.Until(date.Add(-time.Hour)))
				both(3 * time.Minute)
				time.Sleep(time.Until(date.Add(tt.away)))
				for range 35 { // new processes at every hour
					both(3 * time.Minute)
					time.Sleep(57 * time.Minute)
				}
				var tests []*volunteers.Call
				calls, err := w.store.Calls(t.Context(), 10)
				for _, c := range calls {
					if c.Test {
						tests = append(tests, c)
					}
				}
				if err != nil || len(tests) != tt.tests {
					t.Fatalf("%d tests, want %d; %v", len(tests), tt.tests, err)
				}
				if tt.tests > 0 && tt.skew == 0 {
					if late := tests[0].Opened.Sub(date); late < tt.late || late > tt.late+2*time.Minute {
						t.Errorf("it began %v after its date, want %v", late, tt.late)
					}
				}
				end := node(0)
				st, err := w.calls.Tests(t.Context())
				if err != nil || !st.Missed.IsZero() != tt.missed || tt.missed && !st.Missed.Equal(date) || !st.Late.IsZero() {
					t.Errorf("it stands %+v, %v", st, err)
				}
				if next := time.Date(2000, 4, 10, 10, 0, 0, 0, rome); !st.Next.Equal(next) {
					t.Errorf("the next one is %v", st.Next)
				}
				end()
			})
		})
	}
}

// A test that is stopped says nothing of who is silent.
func TestATestThatIsStopped(t *testing.T) {
	w := newTown(t, nil)
	one := w.volunteer()
	c := w.test()
	w.work()
	if _, err := w.calls.End(t.Context(), anna, c.ID, volunteers.StateCancelled, ""); err != nil {
		t.Fatal(err)
	}
	w.days(1)
	if got := w.said(one); !slices.Equal(got, []string{"push test"}) || !w.member(one).Silent.IsZero() {
		t.Errorf("told %v, silent since %v", got, w.member(one).Silent)
	}
}

// The link of a test names the contact; a changed one opens nothing.
func TestTheLinkOfATest(t *testing.T) {
	w := newTown(t, nil)
	one := w.volunteer()
	c := w.test()
	w.work()
	seen := map[string]bool{}
	for _, contact := range []string{"phone", "email", "push", "telegram", "pigeon"} {
		token := strings.TrimPrefix(w.calls.Link(one, c.Number, contact), "https://pc.valdemo.example/d/")
		if len(token) > channels.LongestToken || seen[token] {
			t.Errorf("%s: %d characters, twice %v", contact, len(token), seen[token])
		}
		seen[token] = true
		if _, err := w.calls.Own(t.Context(), token); err != nil {
			t.Errorf("%s: %v", contact, err)
		}
		other := []byte(token)
		other[10] ^= 1
		if _, err := w.calls.Own(t.Context(), string(other)); !errors.Is(err, callout.ErrToken) {
			t.Errorf("%s, changed: %v", contact, err)
		}
	}
}

// Who answers a call shows that a contact works, as by a test.
func TestWhoAnswersACallWasReached(t *testing.T) {
	for name, one := range map[string]struct {
		say           func(w *town, c *volunteers.Call, n uint32)
		reached, mute bool
	}{
		"by their link": {func(w *town, c *volunteers.Call, n uint32) {
			if _, err := w.calls.Answer(w.t.Context(), w.link(n, c), volunteers.Answer{Kind: volunteers.Cannot}); err != nil {
				w.t.Fatal(err)
			}
		}, true, false},
		"by text": {func(w *town, _ *volunteers.Call, n uint32) {
			if err := w.calls.Reply(w.t.Context(), "sms", channels.Reply{From: phone(n), Text: "SI 20", At: w.now()}); err != nil {
				w.t.Fatal(err)
			}
		}, true, false},
		"a coordinator noted it": {func(w *town, c *volunteers.Call, n uint32) {
			if _, err := w.calls.AnswerFor(w.t.Context(), anna, c.ID, n, volunteers.Answer{Kind: volunteers.Coming}); err != nil {
				w.t.Fatal(err)
			}
		}, false, true},
		"not at all": {func(*town, *volunteers.Call, uint32) {}, false, true},
	} {
		for _, end := range []volunteers.State{volunteers.StateClosed, volunteers.StateCancelled} {
			t.Run(name+", then "+string(end), func(t *testing.T) {
				w := newTown(t, nil)
				n := w.volunteer()
				w.roll.people[n].Silent = noon.AddDate(0, -6, 0)
				c := w.open(w.draft(1))
				w.work()
				one.say(w, c, n)
				said := w.now()
				w.pass(time.Minute)
				if m := w.member(n); !m.Reached.IsZero() || m.Silent.IsZero() {
					t.Errorf("noted before the end: reached %v, silent %v", m.Reached, m.Silent)
				}
				if _, err := w.calls.End(t.Context(), anna, c.ID, end, ""); err != nil {
					t.Fatal(err)
				}
				w.work()
				m := w.member(n)
				if one.reached != m.Reached.Equal(said) || one.mute == m.Silent.IsZero() {
					t.Errorf("reached %v (said at %v), silent %v", m.Reached, said, m.Silent)
				}
			})
		}
	}
}
