package broadcast

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"martinella/alerts"
	"martinella/channels"
)

// step issues a revision after a while.
type step struct {
	after  time.Duration
	revise func(*house, *alerts.Record) *alerts.Record
}

// hurried runs one channel over revisions that do not wait for each other.
func hurried(t *testing.T, ch channels.Channel, severity alerts.Severity, steps ...step) (*house, []*alerts.Record, *prometheus.Registry) {
	t.Helper()
	route := Route{Channel: ch}
	h := newHouse(t, route)
	ctx, stop := context.WithCancel(t.Context())
	reg, done := h.dispatch(ctx, "a", route)
	records := []*alerts.Record{h.issue(h.record(severity, 2*time.Hour))}
	for _, s := range steps {
		time.Sleep(s.after)
		records = append(records, h.issue(s.revise(h, records[len(records)-1])))
	}
	h.settle("social", 100*time.Hour)
	stop()
	<-done
	return h, records, reg
}

// slower answers a send of the revision after a while, all else at once.
func slower(revision int, by time.Duration) func(string, channels.Message, func()) error {
	return func(what string, m channels.Message, taken func()) error {
		if what == "send" && m.Revision == revision {
			time.Sleep(by)
		}
		taken()
		return nil
	}
}

// notNow has the platform ask to wait for what a revision does, until a moment.
func notNow(what string, revision int) func(string, channels.Message, func()) error {
	return func(does string, m channels.Message, taken func()) error {
		if does == what && m.Revision == revision {
			return channels.RetryAfter(errors.New("slow down"), 10*time.Minute)
		}
		taken()
		return nil
	}
}

func TestPostsOfRevisionsInAHurry(t *testing.T) {
	const head, second = "Il torrente esonda", time.Second
	for name, c := range map[string]struct {
		fail  func(what string, m channels.Message, taken func()) error
		steps []step
		posts map[string]string
		said  string
	}{
		"a post that appears after what is worse points to it": {
			fail:  slower(1, 20*second),
			steps: []step{{second, worse}},
			posts: map[string]string{"post1": "was " + head + ", now updated: https://wall.example/post2", "post2": "updated: " + head},
		},
		"a post that appears after its Cancel says so": {
			fail:  slower(1, 29*second),
			steps: []step{{second, closed(alerts.ChangeCancelled)}},
			posts: map[string]string{"post1": "was " + head + ", now cancelled: https://wall.example/post2", "post2": "cancelled: " + head},
		},
		"a correction waits for the post that it changes": {
			fail:  slower(1, 20*second),
			steps: []step{{second, corrected}},
			posts: map[string]string{"post1": "updated: " + head + " (corretto)"},
			said:  "send edit",
		},
		"a correction never makes an earlier post more severe in silence": {
			fail:  notNow("send", 2),
			steps: []step{{10 * second, worse}, {10 * second, corrected}},
			posts: map[string]string{"post1": "was " + head + ", now updated: https://wall.example/post3", "post3": "updated: " + head + " (corretto)"},
		},
		"a correction marks what the revision before had no time to mark": {
			fail:  notNow("edit", 2),
			steps: []step{{10 * second, worse}, {10 * second, corrected}},
			posts: map[string]string{"post1": "was " + head + ", now updated: https://wall.example/post2", "post2": "updated: " + head + " (corretto)"},
		},
		"an older change that comes late has not the last word": {
			fail: func(what string, m channels.Message, taken func()) error {
				if what == "edit" && m.Revision == 2 {
					time.Sleep(25 * second)
				}
				taken()
				return nil
			},
			steps: []step{{10 * second, corrected}, {second, closed(alerts.ChangeCancelled)}},
			posts: map[string]string{"post1": "was " + head + " (corretto), now cancelled: https://wall.example/post3", "post3": "cancelled: " + head},
		},
		"a post that fails at first is waited for and pointed to": {
			fail: func() func(string, channels.Message, func()) error {
				n := 0
				return func(what string, m channels.Message, taken func()) error {
					if what == "send" && m.Revision == 2 {
						if n++; n <= 2 {
							return errors.New("500")
						}
					}
					taken()
					return nil
				}
			}(),
			steps: []step{{10 * second, worse}},
			posts: map[string]string{"post1": "was " + head + ", now updated: https://wall.example/post2", "post2": "updated: " + head},
			said:  "send send send send edit",
		},
		"a post that keeps failing is not waited for": {
			fail: func(what string, m channels.Message, taken func()) error {
				if what == "send" && m.Revision == 2 {
					return errors.New("500")
				}
				taken()
				return nil
			},
			steps: []step{{10 * second, worse}},
			posts: map[string]string{"post1": "was " + head + ", now updated: https://valdemo.example/a"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := &wall{name: "social", fail: c.fail}
				hurried(t, amendable{w}, alerts.SeverityModerate, c.steps...)
				if !maps.Equal(w.posts, c.posts) {
					t.Errorf("readers see %q,\nwant %q", w.posts, c.posts)
				}
				if said := strings.Join(w.said, " "); c.said != "" && said != c.said {
					t.Errorf("calls %q, want %q", said, c.said)
				}
			})
		})
	}
}

// A post that cannot be changed for good leaves no other one as it was, and the
// delivery says so.
func TestOnePostThatCannotBeChangedHoldsUpNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &wall{name: "social", refused: map[string]bool{"post1": true}}
		h, records, _ := hurried(t, amendable{w}, alerts.SeveritySevere, step{10 * time.Second, worse}, step{10 * time.Second, closed(alerts.ChangeCancelled)})
		if want := "was Il torrente esonda, now cancelled: https://wall.example/post3"; w.posts["post2"] != want {
			t.Errorf("post2 says %q, want %q", w.posts["post2"], want)
		}
		if got := h.states("social", records[2].ID); got[Accepted] != 1 || got[Failed] != 1 {
			t.Errorf("got %v, want the Cancel accepted and a failure", got)
		}
		if got := h.reasons("social"); got["an earlier post stands as it was: too old to be changed"] != 2 {
			t.Errorf("reasons %v", got)
		}
	})
}

// What the platform refuses to take back stands, and people are told.
func TestAPostThatIsNotTakenBackIsShown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &wall{name: "social", fail: func(what string, _ channels.Message, taken func()) error {
			if what == "withdraw" {
				return channels.Permanent(errors.New("403"))
			}
			taken()
			return nil
		}}
		h, records := life(t, amendable{w}, true, closed(alerts.ChangeCancelled))
		if got := h.states("social", records[1].ID); got[Accepted] != 1 || got[Failed] != 1 {
			t.Errorf("got %v, want the Cancel accepted and a failure", got)
		}
		if got := h.reasons("social"); got["an earlier post stands as it was: 403"] != 1 {
			t.Errorf("reasons %v", got)
		}
	})
}

// A correction whose post is gone is a new post, and the policy of doubt is that
// of a post.
func TestACorrectionThatIsPostedAnewIsNotPostedWithoutEnd(t *testing.T) {
	for name, c := range map[string]struct {
		severity alerts.Severity
		sends    int // of the correction
		state    State
	}{
		"what can wait is never sent twice":         {alerts.SeverityModerate, 1, Uncertain},
		"what is urgent is sent once more, no more": {alerts.SeveritySevere, 2, Uncertain},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				sends := 0
				w := &wall{name: "social", fail: func(what string, m channels.Message, taken func()) error {
					switch {
					case what == "edit":
						return channels.PostGone(errors.New("404"))
					case m.Revision == 2:
						sends++
						taken()
						return channels.Uncertain(errors.New("cut"))
					}
					taken()
					return nil
				}}
				h, records, _ := hurried(t, amendable{w}, c.severity, step{time.Minute, corrected})
				if sends != c.sends {
					t.Errorf("sent %d times, want %d", sends, c.sends)
				}
				if got := h.states("social", records[1].ID); got[c.state] != 1 {
					t.Errorf("got %v, want it %s", got, c.state)
				}
			})
		})
	}
}

// polyglot posts every language of an alert.
type polyglot struct{ amendable }

func (p polyglot) Render(r *alerts.Record) (ms []channels.Message, err error) {
	for _, info := range r.Infos() {
		ms = append(ms, channels.Message{Audience: "public", Language: info.Language, Text: info.Headline, URL: "https://valdemo.example/a"})
	}
	return ms, nil
}

func (p polyglot) RenderAmended(before, r *alerts.Record) (ms []channels.Message, err error) {
	for _, info := range before.Infos() {
		ms = append(ms, channels.Message{Audience: "public", Language: info.Language, Text: "was " + info.Headline + ", now " + string(r.Change), URL: "https://valdemo.example/a"})
	}
	return ms, nil
}

func italian(revise func(*house, *alerts.Record) *alerts.Record) func(*house, *alerts.Record) *alerts.Record {
	return func(h *house, last *alerts.Record) *alerts.Record {
		r := revise(h, last)
		r.Alert.Infos = r.Alert.Infos[:1]
		return r
	}
}

// The plan of a revision, by what readers were told on this channel.
func TestStepsFollowWhatTheChannelSaid(t *testing.T) {
	elsewhere := func(h *house, last *alerts.Record) *alerts.Record {
		r := worse(h, last)
		for i := range r.Alert.Infos {
			r.Alert.Infos[i].Expires, r.Alert.Infos[i].Headline = last.Alert.Infos[i].Expires, "Altrove"
		}
		r.Channels = []string{"other"}
		return r
	}
	back := func(h *house, last *alerts.Record) *alerts.Record {
		r := corrected(h, last)
		for i := range r.Alert.Infos {
			r.Alert.Infos[i].Severity, r.Alert.Infos[i].Headline = alerts.SeveritySevere, "Di nuovo"
		}
		r.Channels = []string{"social", "other"}
		return r
	}
	for name, c := range map[string]struct {
		revise []func(*house, *alerts.Record) *alerts.Record
		want   []string
	}{
		"a correction": {[]func(*house, *alerts.Record) *alerts.Record{corrected}, []string{"correct it-IT Il torrente esonda (corretto)", "correct en-GB The river floods (corretto)"}},
		"a correction that drops a language marks it":  {[]func(*house, *alerts.Record) *alerts.Record{italian(corrected)}, []string{"correct it-IT Il torrente esonda (corretto)", "point en-GB was The river floods, now updated"}},
		"a language that was dropped before is marked": {[]func(*house, *alerts.Record) *alerts.Record{italian(worse), italian(closed(alerts.ChangeCancelled))}, []string{" it-IT Il torrente esonda", "point it-IT was Il torrente esonda, now cancelled", "point en-GB was The river floods, now cancelled"}},
		"a correction of what may never have been said marks what was": {[]func(*house, *alerts.Record) *alerts.Record{italian(worse), corrected},
			[]string{"correct it-IT Il torrente esonda (corretto)", "point it-IT was Il torrente esonda, now updated", "point en-GB was The river floods, now updated"}},
		"a Cancel of what went elsewhere marks what was said here":      {[]func(*house, *alerts.Record) *alerts.Record{elsewhere, italian(closed(alerts.ChangeCancelled))}, []string{" it-IT Il torrente esonda", "point it-IT was Il torrente esonda, now cancelled", "point en-GB was The river floods, now cancelled"}},
		"what differs from elsewhere and not from here is no news here": {[]func(*house, *alerts.Record) *alerts.Record{elsewhere, back}, []string{"correct it-IT Di nuovo", "correct en-GB Di nuovo"}},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t, Route{Channel: polyglot{amendable{&wall{name: "social"}}}}, Route{Channel: &platform{name: "other"}})
			r := h.issue(h.record(alerts.SeveritySevere, time.Hour))
			for _, next := range c.revise {
				r = h.issue(next(h, r))
			}
			var got []string
			for _, m := range h.pubs[r.ID].Messages {
				if m.Channel == "social" {
					got = append(got, string(m.Step)+" "+m.Language+" "+m.Text)
				}
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("got  %q\nwant %q", got, c.want)
			}
		})
	}
}

// What readers wait for is the post, not the change of an earlier one.
func TestChangesAreNotTimed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, _, reg := hurried(t, amendable{&wall{name: "social"}}, alerts.SeveritySevere, step{time.Minute, worse}, step{time.Minute, closed(alerts.ChangeEnded)})
		timed := value(t, reg, "martinella_delivery_seconds", "channel", "social", "severity", "Severe") + value(t, reg, "martinella_delivery_seconds", "channel", "social", "severity", "Extreme")
		if timed != 3 {
			t.Errorf("%v deliveries were timed, want the three posts", timed)
		}
		if n := value(t, reg, "martinella_deliveries_total", "channel", "social", "outcome", "accepted"); n != 5 {
			t.Errorf("%v accepted, want three posts and two changes", n)
		}
	})
}

// Corrections and what closes an event have what is kept for them, also where
// they change earlier posts (DECISIONS 8).
func TestChangesHaveWhatIsKeptForCorrections(t *testing.T) {
	h := newHouse(t, Route{Channel: amendable{&wall{name: "social"}}})
	first := h.issue(h.record(alerts.SeverityMinor, time.Hour))
	second := h.issue(corrected(h, first))
	third := h.issue(closed(alerts.ChangeCancelled)(h, second))
	for r, want := range map[*alerts.Record]Class{first: ClassOrdinary, second: ClassCorrection, third: ClassExempt} {
		b := &batch{task: &Task{Record: r}, job: Job{Alert: r.ID, Urgent: r.Urgent()}}
		if got := b.class(); got != want {
			t.Errorf("revision %d (%s): class %d, want %d", r.Revision, r.Change, got, want)
		}
	}
}

// What becomes of earlier posts is part of what was approved.
func TestTheApprovalCoversWhatBecomesOfEarlierPosts(t *testing.T) {
	words := "1"
	ch := wordy{amendable{&wall{name: "social"}}, &words}
	for name, c := range map[string]struct {
		revise func(*house, *alerts.Record) *alerts.Record
		change func(h *house, first *alerts.Record)
	}{
		"other words for the earlier post": {worse, func(*house, *alerts.Record) { words = "2" }},
		"it is taken back":                 {closed(alerts.ChangeCancelled), func(h *house, _ *alerts.Record) { h.planner.Routes[0].Withdraw = true }},
		"a correction that is none any more": {corrected, func(h *house, first *alerts.Record) {
			h.records[first.ID].Alert.Infos[0].Instruction = "Salite"
		}},
		"the earlier post was not the channel's": {worse, func(h *house, first *alerts.Record) { h.records[first.ID].Channels = []string{"other"} }},
	} {
		t.Run(name, func(t *testing.T) {
			words = "1"
			h := newHouse(t, Route{Channel: ch})
			first := h.issue(h.record(alerts.SeverityModerate, time.Hour))
			r := c.revise(h, first)
			if err := h.planner.Prepare(t.Context(), r); err != nil {
				t.Fatal(err)
			}
			c.change(h, first)
			var refused *alerts.Refusal
			if err := h.planner.Publish(t.Context(), r, alerts.Act{}); !errors.As(err, &refused) || !errors.Is(refused.Kind, alerts.ErrStale) {
				t.Errorf("got %v, want %v", err, alerts.ErrStale)
			}
		})
	}
}

type wordy struct {
	amendable
	words *string
}

func (w wordy) RenderAmended(before, r *alerts.Record) ([]channels.Message, error) {
	ms, err := w.amendable.RenderAmended(before, r)
	for i := range ms {
		ms[i].Text += *w.words
	}
	return ms, err
}

// The posts of other revisions are never taken for one whose answer was lost,
// also where they read the same once.
func TestNoOtherRevisionsPostIsTakenForOne(t *testing.T) {
	b := &batch{line: &line{}, task: &Task{Record: &alerts.Record{Revision: 4, Supersedes: "c", Alert: &alerts.Alert{}}},
		history: map[string]Posts{"it": {Of: []Post{{Revision: 1, ID: "a"}, {Revision: 2, ID: "b"}, {Revision: 3, ID: "b"}}, Amended: 2}}}
	m := channels.Message{Language: "it"}
	b.hang(&m)
	if !slices.Equal(m.Standing, []string{"a", "b"}) {
		t.Errorf("got %q, want all posts of other revisions", m.Standing)
	}
	m = channels.Message{Language: "it", Step: channels.StepPoint}
	b.hang(&m)
	if !slices.Equal(m.Standing, []string{"b"}) {
		t.Errorf("to be changed: %q, want what still stands", m.Standing)
	}
	m = channels.Message{Language: "it", Step: channels.StepWithdraw}
	b.hang(&m)
	if !slices.Equal(m.Standing, []string{"a", "b"}) {
		t.Errorf("to be taken back: %q, want all", m.Standing)
	}
}
