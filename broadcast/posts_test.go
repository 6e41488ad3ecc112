package broadcast

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"

	"martinella/alerts"
	"martinella/channels"
)

// wall is a platform whose posts can be changed. It keeps what readers see.
type wall struct {
	name string
	// fail decides one call, by what is done: "send", "edit", "withdraw"; nil:
	// all of it works. taken does it.
	fail    func(what string, m channels.Message, taken func()) error
	refused map[string]bool // posts that cannot be changed for good, by id

	mu    sync.Mutex
	posts map[string]string // what is seen, by id
	hangs map[string]string // what a post answers
	said  []string          // every call, in order
	cards map[string]int    // bytes of the picture of each post
}

func (w *wall) Name() string { return w.name }

func (w *wall) Render(r *alerts.Record) ([]channels.Message, error) {
	info := r.Infos()[0]
	return []channels.Message{{Audience: "public", Language: info.Language, Text: fmt.Sprintf("%s: %s", r.Change, info.Headline), URL: "https://valdemo.example/a",
		Image: &channels.Image{Type: "image/png", Alt: info.Headline}}}, nil
}

func (w *wall) do(what, id string, m channels.Message, act func()) error {
	w.mu.Lock()
	w.said = append(w.said, what)
	w.mu.Unlock()
	taken := func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		if w.posts == nil {
			w.posts, w.hangs, w.cards = map[string]string{}, map[string]string{}, map[string]int{}
		}
		act()
	}
	if w.fail != nil {
		return w.fail(what, m, taken)
	}
	taken()
	return nil
}

func (w *wall) Send(_ context.Context, m channels.Message) (channels.Receipt, error) {
	id := fmt.Sprintf("post%d", m.Revision)
	err := w.do("send", id, m, func() {
		if _, twice := w.posts[id]; twice {
			id += " again"
		}
		w.posts[id], w.hangs[id] = m.Text, m.Previous
		if m.Image != nil {
			w.cards[id] = len(m.Image.Bytes)
		}
	})
	return channels.Receipt{ID: id, URL: "https://wall.example/" + id}, err
}

// The abilities, each as a wrapper.

type amendable struct{ *wall }

func (a amendable) Edit(_ context.Context, id string, m channels.Message) (channels.Receipt, error) {
	if a.refused[id] {
		return channels.Receipt{}, channels.Permanent(errors.New("too old to be changed"))
	}
	gone := false
	err := a.do("edit", id, m, func() {
		if _, there := a.posts[id]; !there {
			gone = true
			return
		}
		a.posts[id] = m.Text
	})
	if gone {
		return channels.Receipt{}, channels.PostGone(errors.New("404"))
	}
	return channels.Receipt{ID: id, URL: "https://wall.example/" + id}, err
}

func (a amendable) RenderAmended(before, r *alerts.Record) ([]channels.Message, error) {
	info := before.Infos()[0]
	return []channels.Message{{Audience: "public", Language: info.Language, Text: fmt.Sprintf("was %s, now %s: {next}", info.Headline, r.Change), URL: "https://valdemo.example/a"}}, nil
}

func (a amendable) Withdraw(_ context.Context, id string) error {
	return a.do("withdraw", id, channels.Message{}, func() { delete(a.posts, id) })
}

// speechless cannot say what became of an earlier post.
type speechless struct{ amendable }

func (speechless) RenderAmended(_, _ *alerts.Record) ([]channels.Message, error) {
	return nil, channels.ErrNoRoom
}

// life runs one channel over the revisions that say gives, each once the one
// before has come to its end.
func life(t *testing.T, ch channels.Channel, withdraw bool, revise ...func(h *house, last *alerts.Record) *alerts.Record) (*house, []*alerts.Record) {
	t.Helper()
	route := Route{Channel: ch, Withdraw: withdraw}
	h := newHouse(t, route)
	ctx, stop := context.WithCancel(t.Context())
	_, done := h.dispatch(ctx, "a", route)
	records := []*alerts.Record{h.issue(h.record(alerts.SeveritySevere, time.Hour))}
	h.settle("social", time.Hour)
	for _, next := range revise {
		records = append(records, h.issue(next(h, records[len(records)-1])))
		h.settle("social", 100*time.Hour)
	}
	stop()
	<-done
	return h, records
}

// corrected says the same in better words.
func corrected(h *house, last *alerts.Record) *alerts.Record {
	r := h.next(last, alerts.ChangeUpdated, last.Severity())
	r.Alert.Infos = r.Alert.Infos[:len(last.Alert.Infos)]
	for i := range r.Alert.Infos {
		r.Alert.Infos[i].Expires = last.Alert.Infos[i].Expires
		r.Alert.Infos[i].Headline += " (corretto)"
	}
	return r
}

func worse(h *house, last *alerts.Record) *alerts.Record {
	return h.next(last, alerts.ChangeUpdated, alerts.SeverityExtreme)
}

func closed(change alerts.Change) func(*house, *alerts.Record) *alerts.Record {
	return func(h *house, last *alerts.Record) *alerts.Record { return h.next(last, change, last.Severity()) }
}

func TestPostsFollowTheLifeOfAnAlert(t *testing.T) {
	const head = "Il torrente esonda"
	for name, c := range map[string]struct {
		channel  func(*wall) channels.Channel
		withdraw bool
		fail     func(what string, m channels.Message, taken func()) error
		revise   []func(*house, *alerts.Record) *alerts.Record
		posts    map[string]string
		hangs    map[string]string // only those that hang on another
		said     string
	}{
		"a correction changes the post": {
			revise: []func(*house, *alerts.Record) *alerts.Record{corrected},
			posts:  map[string]string{"post1": "updated: " + head + " (corretto)"},
			said:   "send edit",
		},
		"a second correction changes the same post": {
			revise: []func(*house, *alerts.Record) *alerts.Record{corrected, corrected},
			posts:  map[string]string{"post1": "updated: " + head + " (corretto)"},
			said:   "send edit edit",
		},
		"what is more severe is a post of its own, and the first one points to it": {
			revise: []func(*house, *alerts.Record) *alerts.Record{worse},
			posts:  map[string]string{"post1": "was " + head + ", now updated: https://wall.example/post2", "post2": "updated: " + head},
			said:   "send send edit",
		},
		"a Cancel answers, and every post that stands says so": {
			revise: []func(*house, *alerts.Record) *alerts.Record{worse, closed(alerts.ChangeCancelled)},
			posts: map[string]string{"post1": "was " + head + ", now updated: https://wall.example/post2",
				"post2": "was " + head + ", now cancelled: https://wall.example/post3", "post3": "cancelled: " + head},
			hangs: map[string]string{"post3": "post2"},
			said:  "send send edit send edit",
		},
		"an all-clear after a correction": {
			revise: []func(*house, *alerts.Record) *alerts.Record{corrected, closed(alerts.ChangeEnded)},
			posts:  map[string]string{"post1": "was " + head + " (corretto), now ended: https://wall.example/post3", "post3": "ended: " + head},
			hangs:  map[string]string{"post3": "post1"},
			said:   "send edit send edit",
		},
		"a correction of what was never posted is posted": {
			fail: func(what string, m channels.Message, taken func()) error {
				if m.Revision == 1 {
					return channels.Permanent(errors.New("no"))
				}
				taken()
				return nil
			},
			revise: []func(*house, *alerts.Record) *alerts.Record{corrected},
			posts:  map[string]string{"post2": "updated: " + head + " (corretto)"},
			said:   "send send",
		},
		"a post that somebody took away is posted again": {
			fail: func(what string, m channels.Message, taken func()) error {
				if what == "edit" {
					return channels.PostGone(errors.New("404"))
				}
				taken()
				return nil
			},
			revise: []func(*house, *alerts.Record) *alerts.Record{corrected},
			posts:  map[string]string{"post1": "issued: " + head, "post2": "updated: " + head + " (corretto)"},
			said:   "send edit send",
		},
		"where the new post cannot be made the first one points to the page": {
			fail: func(what string, m channels.Message, taken func()) error {
				if what == "send" && m.Revision == 2 {
					return channels.Permanent(errors.New("no"))
				}
				taken()
				return nil
			},
			revise: []func(*house, *alerts.Record) *alerts.Record{worse},
			posts:  map[string]string{"post1": "was " + head + ", now updated: https://valdemo.example/a"},
			said:   "send send edit",
		},
		"a lost answer to a change is changed again": {
			fail: func() func(what string, m channels.Message, taken func()) error {
				n := 0
				return func(what string, m channels.Message, taken func()) error {
					taken()
					if what == "edit" {
						if n++; n <= 2 {
							return channels.Uncertain(errors.New("cut"))
						}
					}
					return nil
				}
			}(),
			revise: []func(*house, *alerts.Record) *alerts.Record{corrected, closed(alerts.ChangeCancelled)},
			posts:  map[string]string{"post1": "was " + head + " (corretto), now cancelled: https://wall.example/post3", "post3": "cancelled: " + head},
			hangs:  map[string]string{"post3": "post1"},
			said:   "send edit edit edit send edit",
		},
		"taken back where the configuration wants it": {
			withdraw: true,
			revise:   []func(*house, *alerts.Record) *alerts.Record{worse, closed(alerts.ChangeCancelled)},
			posts:    map[string]string{"post3": "cancelled: " + head},
			hangs:    map[string]string{"post3": "post2"},
			said:     "send send edit send withdraw withdraw",
		},
		"an all-clear takes nothing back": {
			withdraw: true,
			revise:   []func(*house, *alerts.Record) *alerts.Record{closed(alerts.ChangeEnded)},
			posts:    map[string]string{"post1": "was " + head + ", now ended: https://wall.example/post2", "post2": "ended: " + head},
			hangs:    map[string]string{"post2": "post1"},
			said:     "send send edit",
		},
		"a platform whose readers see no changes gets answers": {
			channel: func(w *wall) channels.Channel { return w },
			revise:  []func(*house, *alerts.Record) *alerts.Record{corrected, closed(alerts.ChangeCancelled)},
			posts:   map[string]string{"post1": "issued: " + head, "post2": "updated: " + head + " (corretto)", "post3": "cancelled: " + head},
			hangs:   map[string]string{"post2": "post1", "post3": "post2"},
			said:    "send send send",
		},
		"a channel without words for it posts all the same": {
			channel: func(w *wall) channels.Channel { return speechless{amendable{w}} },
			revise:  []func(*house, *alerts.Record) *alerts.Record{worse},
			posts:   map[string]string{"post1": "issued: " + head, "post2": "updated: " + head},
			said:    "send send",
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := &wall{name: "social", fail: c.fail}
				var ch channels.Channel = amendable{w}
				if c.channel != nil {
					ch = c.channel(w)
				}
				life(t, ch, c.withdraw, c.revise...)
				if !maps.Equal(w.posts, c.posts) {
					t.Errorf("readers see %q,\nwant %q", w.posts, c.posts)
				}
				maps.DeleteFunc(w.hangs, func(_, on string) bool { return on == "" })
				if !maps.Equal(w.hangs, c.hangs) {
					t.Errorf("posts hang on %v, want %v", w.hangs, c.hangs)
				}
				if said := strings.Join(w.said, " "); said != c.said {
					t.Errorf("calls %q, want %q", said, c.said)
				}
			})
		})
	}
}

// The counts of a revision are honest: what changes earlier posts is a delivery
// of its own, one that had nothing to change counts as nobody's.
func TestWhatChangesEarlierPostsIsCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, records := life(t, amendable{&wall{name: "social"}}, false, worse)
		if got := h.states("social", records[1].ID); got[Accepted] != 2 {
			t.Errorf("got %v, want the post and the change accepted", got)
		}
		none := &wall{name: "social", fail: func(_ string, m channels.Message, taken func()) error {
			if m.Revision == 1 {
				return channels.Permanent(errors.New("no"))
			}
			taken()
			return nil
		}}
		h, records = life(t, amendable{none}, false, worse)
		if got := h.states("social", records[1].ID); got[Accepted] != 1 || got[Suppressed] != 1 {
			t.Errorf("got %v, want the post accepted, and nothing to change", got)
		}
	})
}

// A revision that is replaced before the posts before it were changed leaves
// that to the next one.
func TestTheNextRevisionChangesWhatIsStillStanding(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &wall{name: "social"}
		w.fail = func(what string, m channels.Message, taken func()) error {
			if what == "edit" && m.Revision == 2 {
				return channels.RetryAfter(errors.New("slow down"), 10*time.Minute)
			}
			taken()
			return nil
		}
		route := Route{Channel: amendable{w}}
		h := newHouse(t, route)
		ctx, stop := context.WithCancel(t.Context())
		_, done := h.dispatch(ctx, "a", route)
		first := h.issue(h.record(alerts.SeveritySevere, time.Hour))
		h.settle("social", time.Minute)
		second := h.issue(worse(h, first))
		time.Sleep(time.Minute) // the post is out, the change waits
		h.issue(h.next(second, alerts.ChangeEnded, alerts.SeverityExtreme))
		h.settle("social", time.Hour)
		stop()
		<-done
		for _, id := range []string{"post1", "post2"} {
			if want := "was Il torrente esonda, now ended: https://wall.example/post3"; w.posts[id] != want {
				t.Errorf("%s says %q, want %q", id, w.posts[id], want)
			}
		}
	})
}

func TestARevisionSaysWhatItCannotMark(t *testing.T) {
	route := Route{Channel: speechless{amendable{&wall{name: "social"}}}}
	h := newHouse(t, route)
	first := h.issue(h.record(alerts.SeveritySevere, time.Hour))
	r := worse(h, first)
	if err := h.planner.Prepare(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(r.Warnings, func(p alerts.Problem) bool {
		return p.Field == "channels[social]" && strings.Contains(p.Problem, "cannot mark its earlier posts")
	}) {
		t.Errorf("warnings %v", r.Warnings)
	}
}

// cards draws what the test wants.
type cards func(r *alerts.Record, language string) ([]byte, error)

func (c cards) Card(r *alerts.Record, language string) ([]byte, error) { return c(r, language) }

func TestPostsCarryThePicture(t *testing.T) {
	for name, c := range map[string]struct {
		cards cards
		want  int
	}{
		"drawn":            {func(*alerts.Record, string) ([]byte, error) { return []byte("PNG"), nil }, 3},
		"nobody draws":     {nil, 0},
		"it cannot be":     {func(*alerts.Record, string) ([]byte, error) { return nil, errors.New("no") }, 0},
		"the drawer fails": {func(*alerts.Record, string) ([]byte, error) { panic("no") }, 0},
	} {
		t.Run(name, func(t *testing.T) {
			w := &wall{name: "social"}
			route := Route{Channel: w}
			h := newHouse(t, route)
			r := h.issue(h.record(alerts.SeveritySevere, time.Hour))
			l := &line{log: zap.NewNop()}
			if c.cards != nil {
				l.cards = c.cards
			}
			stored := h.pubs[r.ID].Messages[0]
			m := stored
			l.picture(&m, r)
			if m.Image == nil || len(m.Image.Bytes) != c.want {
				t.Errorf("got %+v, want %d bytes", m.Image, c.want)
			}
			if len(stored.Image.Bytes) != 0 {
				t.Error("what is stored was changed")
			}
		})
	}
}
