package broadcast_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"martinella/alerts"
	"martinella/alerts/cap"
	"martinella/broadcast"
	"martinella/broadcast/broadcasttest"
	"martinella/broadcast/rdb"
)

// bulletin writes a CAP message of the region.
func bulletin(t testing.TB, id string, change ...func(*alerts.Alert)) string {
	t.Helper()
	a := broadcasttest.NewRecord(alerts.SeveritySevere).Alert
	a.Identifier, a.Sender, a.Status = id, "bollettini@regione.example", alerts.StatusActual
	a.Infos[0].Headline = "Temporali forti " + id
	for _, f := range change {
		f(a)
	}
	b, err := cap.Write(a)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(strings.TrimPrefix(string(b), `<?xml version="1.0" encoding="UTF-8"?>`))
}

// atom is a feed of entries, each a whole alert or a link.
func atom(entries ...string) string {
	var b strings.Builder
	b.WriteString(`<?xml version="1.0"?><feed xmlns="http://www.w3.org/2005/Atom"><id>urn:x</id><title>Regione</title><updated>2026-11-22T10:00:00Z</updated>`)
	for i, e := range entries {
		fmt.Fprintf(&b, `<entry><id>urn:x:%d:%x</id><title>t</title><updated>2026-11-22T10:00:00Z</updated>`, i, len(e))
		if strings.HasPrefix(e, "<") {
			b.WriteString(`<content type="application/cap+xml">` + e + `</content>`)
		} else {
			b.WriteString(`<link type="application/cap+xml" href="` + e + `"/>`)
		}
		b.WriteString(`</entry>`)
	}
	b.WriteString(`</feed>`)
	return b.String()
}

// rungBell remembers rings.
type rungBell struct {
	mu    sync.Mutex
	rings []alerts.Ring
}

func (b *rungBell) Ring(_ context.Context, r alerts.Ring) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.rings = append(b.rings, r)
}

func (b *rungBell) heard() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var all []string
	for _, r := range b.rings {
		all = append(all, string(r.Who)+" "+string(r.Why))
	}
	return strings.Join(all, ", ")
}

type handlerTransport struct{ http.Handler }

func (h handlerTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	res := w.Result()
	res.Request = r
	return res, nil
}

// reader reads one feed into a store in memory.
type reader struct {
	*broadcast.Feeds
	feed  broadcast.Feed
	store *rdb.Redis
	bell  *rungBell
}

func newReader(t testing.TB, shared *rdb.Shared, feed broadcast.Feed, transport http.RoundTripper) *reader {
	t.Helper()
	store, err := rdb.Open(t.Context(), rdb.Config{Redis: rdb.Memory, Shared: shared, Authority: "valdemo"}, zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	r := &reader{feed: feed, store: store, bell: &rungBell{}}
	r.Feeds = broadcast.NewFeeds(broadcast.FeedsConfig{Feeds: []broadcast.Feed{feed}, Store: store.Warnings(), Ringer: r.bell, Language: "it-IT", Transport: transport, Log: zap.NewNop()}, prometheus.NewRegistry())
	return r
}

func (r *reader) all(t testing.TB) []*broadcast.Warning {
	t.Helper()
	all, err := r.store.Warnings().LatestWarnings(t.Context(), time.Time{}, 1000)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestWhatOfAFeedConcernsUs(t *testing.T) {
	now := time.Now()
	for sentence, tt := range map[string]struct {
		change func(*alerts.Alert)
		feed   broadcast.Feed
		want   int
	}{
		"a Severe":                     {want: 1},
		"not below the least severity": {change: func(a *alerts.Alert) { a.Infos[0].Severity = alerts.SeverityMinor }},
		"not what has expired": {change: func(a *alerts.Alert) {
			a.Sent = now.Add(-2 * time.Hour).Truncate(time.Second)
			a.Infos[0].Expires = now.Add(-time.Hour).Truncate(time.Second)
		}},
		"not an exercise":                {change: func(a *alerts.Alert) { a.Status = alerts.StatusExercise }},
		"an exercise where it is wanted": {change: func(a *alerts.Alert) { a.Status = alerts.StatusExercise }, feed: broadcast.Feed{Exercises: true}, want: 1},
		"never a test":                   {change: func(a *alerts.Alert) { a.Status = alerts.StatusTest }, feed: broadcast.Feed{Exercises: true}},
		"not another hazard":             {feed: broadcast.Feed{Hazards: []string{"Geo"}}},
		"one of the hazards":             {feed: broadcast.Feed{Hazards: []string{"Geo", "Met"}}, want: 1},
		"not another place":              {feed: broadcast.Feed{Areas: []string{"052*"}}},
		"one of the places":              {feed: broadcast.Feed{Areas: []string{"052*", "ISTAT=0480*"}}, want: 1},
		"not a place of another code":    {feed: broadcast.Feed{Areas: []string{"EMMA_ID=048099"}}},
		"not one from the future": {change: func(a *alerts.Alert) {
			a.Sent = now.Add(48 * time.Hour).Truncate(time.Second)
			a.Infos[0].Expires = now.Add(72 * time.Hour).Truncate(time.Second)
		}},
		"not an all-clear of what is unknown": {change: func(a *alerts.Alert) { a.Infos[0].ResponseTypes = []alerts.ResponseType{alerts.ResponseAllClear} }},
		"not a Cancel of what is unknown": {change: func(a *alerts.Alert) {
			a.MsgType, a.References = alerts.MsgCancel, []alerts.Reference{{Sender: a.Sender, Identifier: "none", Sent: a.Sent}}
		}},
	} {
		t.Run(sentence, func(t *testing.T) {
			body := atom(bulletin(t, "a", func(a *alerts.Alert) {
				if tt.change != nil {
					tt.change(a)
				}
			}))
			feed := tt.feed
			feed.Name, feed.URL, feed.Every, feed.Severity = "regione", "https://regione.example/feed", time.Minute, alerts.SeverityModerate
			r := newReader(t, nil, feed, handlerTransport{http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(body)) })})
			defer r.store.Close()
			for range 2 {
				if err := r.Read(t.Context(), feed); err != nil {
					t.Fatal(err)
				}
			}
			if all := r.all(t); len(all) != tt.want || len(r.bell.rings) != tt.want {
				t.Errorf("%d warnings, rung %s", len(all), r.bell.heard())
			}
		})
	}
}

// TestAFeedThatMisbehaves reads a feed that does what real ones do.
func TestAFeedThatMisbehaves(t *testing.T) {
	var mu sync.Mutex
	asked := map[string]int{}
	var serve http.HandlerFunc
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		asked[r.URL.Path]++
		h := serve
		mu.Unlock()
		h(w, r)
	}))
	defer server.Close()
	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { t.Error("it was asked elsewhere"); w.WriteHeader(500) }))
	defer elsewhere.Close()
	feed := broadcast.Feed{Name: "regione", URL: server.URL + "/feed", Every: time.Minute, Severity: alerts.SeverityModerate}
	r := newReader(t, nil, feed, nil)
	defer r.store.Close()
	state := func() broadcast.FeedState {
		s, err := r.store.Warnings().FeedState(t.Context(), "regione")
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	read := func(h http.HandlerFunc) error {
		mu.Lock()
		serve = h
		mu.Unlock()
		return r.Read(t.Context(), feed)
	}
	body := func(s string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(s)) }
	}
	first := bulletin(t, "first")
	if err := read(func(w http.ResponseWriter, q *http.Request) {
		w.Header().Set("ETag", `"one"`)
		w.Header().Set("Last-Modified", "Sun, 22 Nov 2026 10:00:00 GMT")
		body(atom(first))(w, q)
	}); err != nil || len(r.all(t)) != 1 {
		t.Fatalf("%v, %d warnings", err, len(r.all(t)))
	}
	if err := read(func(w http.ResponseWriter, q *http.Request) {
		if q.Header.Get("If-None-Match") != `"one"` || q.Header.Get("If-Modified-Since") == "" {
			t.Errorf("asked with %v", q.Header)
		}
		w.WriteHeader(http.StatusNotModified)
	}); err != nil || state().ETag != `"one"` || state().Failures != 0 {
		t.Errorf("not modified: %v %+v", err, state())
	}
	huge := "<feed xmlns=\"http://www.w3.org/2005/Atom\">" + strings.Repeat("<entry/>", 1<<19)
	for i, tt := range []struct {
		sentence string
		serve    http.HandlerFunc
		want     string
	}{
		{"a defect", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) }, "500"},
		{"overload", func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Retry-After", "600"); w.WriteHeader(503) }, "503"},
		{"nothing there", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(404) }, "404"},
		{"garbage", body("<html><p>Wartung</html>"), "cannot be read"},
		{"no XML", body("\x00\x01"), "cannot be read"},
		{"a bomb", body(`<!DOCTYPE x [<!ENTITY a "aaaa">]><feed xmlns="http://www.w3.org/2005/Atom">&a;</feed>`), "cannot be read"},
		{"half a feed", body(atom(first)[:900]), "cannot be read"},
		{"a broken connection", func(w http.ResponseWriter, q *http.Request) {
			w.Header().Set("Content-Length", "9000")
			body("<feed")(w, q)
		}, "middle"},
		{"a huge one", body(huge), "bytes"},
		{"a circle", func(w http.ResponseWriter, q *http.Request) { http.Redirect(w, q, "/feed", http.StatusFound) }, "on and on"},
		{"a way elsewhere", func(w http.ResponseWriter, q *http.Request) { http.Redirect(w, q, elsewhere.URL, http.StatusFound) }, "not among the hosts"},
		{"a file", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", "file:///etc/passwd")
			w.WriteHeader(302)
		}, "https"},
	} {
		err := read(tt.serve)
		if err == nil || !strings.Contains(err.Error(), tt.want) || state().Failures != i+1 || state().ETag != `"one"` || state().Problem == "" {
			t.Errorf("%s: %v, %+v", tt.sentence, err, state())
		}
		if tt.sentence == "overload" {
			if mine, _ := r.store.Warnings().TakeTurn(t.Context(), "regione", time.Minute); mine {
				t.Error("it is asked again at once")
			}
		}
	}
	if n := len(r.all(t)); n != 1 {
		t.Errorf("%d warnings after all that", n)
	}

	// New names for the same words, and a bad entry between good ones.
	parsed, err := cap.Parse([]byte(first), cap.Submit)
	if err != nil {
		t.Fatal(err)
	}
	copied := parsed.Alert.Clone()
	copied.Identifier, copied.Sent = "renamed", copied.Sent.Add(time.Minute)
	renamed, err := cap.Write(copied)
	if err != nil {
		t.Fatal(err)
	}
	broken := strings.Replace(bulletin(t, "broken"), "<status>Actual</status>", "<status>Perhaps</status>", 1)
	if err := read(body(atom(strings.TrimPrefix(string(renamed), `<?xml version="1.0" encoding="UTF-8"?>`+"\n"), broken, bulletin(t, "second")))); err != nil || len(r.all(t)) != 2 || state().Failures != 0 {
		t.Errorf("%v, %d warnings, %+v", err, len(r.all(t)), state())
	}

	// Links are followed once, on the feed's own host alone.
	links := atom("/cap/1", "/cap/gone", elsewhere.URL+"/x", "javascript:alert(1)")
	for range 2 {
		err := read(func(w http.ResponseWriter, q *http.Request) {
			switch q.URL.Path {
			case "/feed":
				body(links)(w, q)
			case "/cap/1":
				body(bulletin(t, "linked"))(w, q)
			default:
				w.WriteHeader(http.StatusGone)
			}
		})
		if err != nil {
			t.Error(err)
		}
	}
	if len(r.all(t)) != 3 || asked["/cap/1"] != 1 || asked["/cap/gone"] != 1 {
		t.Errorf("%d warnings, asked %v", len(r.all(t)), asked)
	}
	// A flood of new ones is kept, and rings a bounded number of times.
	var many []string
	for i := range 30 {
		many = append(many, bulletin(t, fmt.Sprintf("flood-%d", i)))
	}
	before := len(r.bell.rings)
	if err := read(body(atom(many...))); err != nil || len(r.all(t)) != 33 || len(r.bell.rings)-before != 10 {
		t.Errorf("%v: %d warnings, %d rings", err, len(r.all(t)), len(r.bell.rings)-before)
	}
}

func TestAnUpdateAndACancelAreFollowed(t *testing.T) {
	var body string
	feed := broadcast.Feed{Name: "regione", URL: "https://regione.example/feed", Every: time.Minute, Severity: alerts.SeverityModerate}
	r := newReader(t, nil, feed, handlerTransport{http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(body)) })})
	defer r.store.Close()
	var sent time.Time
	read := func(messages ...string) {
		t.Helper()
		body = atom(messages...)
		if err := r.Read(t.Context(), feed); err != nil {
			t.Fatal(err)
		}
	}
	states := func() string {
		out := map[string]string{}
		for _, w := range r.all(t) {
			out[w.Alert.Identifier] = string(w.State)
			if w.Quiet {
				out[w.Alert.Identifier] += " quietly"
			}
		}
		return fmt.Sprint(out)
	}
	read(bulletin(t, "one", func(a *alerts.Alert) { sent = a.Sent }))
	changes := func(id string, typ alerts.MsgType, of string, more ...func(*alerts.Alert)) string {
		return bulletin(t, id, append([]func(*alerts.Alert){func(a *alerts.Alert) {
			a.MsgType, a.References = typ, []alerts.Reference{{Sender: a.Sender, Identifier: of, Sent: sent}}
		}}, more...)...)
	}
	read(changes("strange", alerts.MsgCancel, "one", func(a *alerts.Alert) { a.Sender = "evil@example" })) // names another sender's
	if got := states(); got != "map[one:open]" {
		t.Errorf("%s", got)
	}
	read(changes("two", alerts.MsgUpdate, "one"))
	if got := states(); got != "map[one:superseded two:open]" || r.bell.heard() != "duty warning, duty warning" {
		t.Errorf("%s, rung %s", got, r.bell.heard())
	}
	read(changes("three", alerts.MsgUpdate, "two", func(a *alerts.Alert) { a.Infos[0].Severity = alerts.SeverityMinor }))
	read(changes("four", alerts.MsgCancel, "three"))
	if got := states(); got != "map[four:open quietly one:superseded three:cancelled quietly two:superseded]" || len(r.bell.rings) != 2 {
		t.Errorf("%s, rung %s", got, r.bell.heard())
	}
}

// TestNobodyAnswersAWarning runs the clock over restarts and two nodes.
func TestNobodyAnswersAWarning(t *testing.T) {
	for sentence, tt := range map[string]struct {
		ends   time.Duration
		answer time.Duration // 0: never
		cancel time.Duration
		want   string
	}{
		"duty, duty again, everyone": {ends: 6 * time.Hour, want: "duty warning, duty warning-unanswered, everyone warning-escalated"},
		"not after an answer":        {ends: 6 * time.Hour, answer: 7 * time.Minute, want: "duty warning, duty warning-unanswered"},
		"not after its end":          {ends: 10 * time.Minute, want: "duty warning, duty warning-unanswered"},
		"not after it was cancelled": {ends: 6 * time.Hour, cancel: 2 * time.Minute, want: "duty warning"},
	} {
		t.Run(sentence, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				shared := rdb.NewShared()
				defer shared.Close()
				start := time.Now()
				warning := bulletin(t, "one", func(a *alerts.Alert) { a.Infos[0].Expires = start.Add(tt.ends).Truncate(time.Second) })
				cancel := bulletin(t, "two", func(a *alerts.Alert) {
					a.MsgType, a.References = alerts.MsgCancel, []alerts.Reference{{Sender: a.Sender, Identifier: "one", Sent: a.Sent}}
				})
				transport := handlerTransport{http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
					if tt.cancel > 0 && time.Since(start) > tt.cancel {
						_, _ = w.Write([]byte(atom(warning, cancel)))
						return
					}
					_, _ = w.Write([]byte(atom(warning)))
				})}
				feed := broadcast.Feed{Name: "regione", URL: "https://regione.example/feed", Every: time.Minute, Severity: alerts.SeverityModerate}
				all := &rungBell{}
				for time.Since(start) < time.Hour { // nodes come and go every three and a half minutes
					var wg sync.WaitGroup
					ctx, stop := context.WithCancel(t.Context())
					for range 2 {
						r := newReader(t, shared, feed, transport)
						r.Feeds.Ringer = all
						wg.Go(func() {
							_ = r.Run(ctx)
							_ = r.store.Close()
						})
					}
					time.Sleep(210 * time.Second)
					if tt.answer > 0 && time.Since(start) > tt.answer {
						r := newReader(t, shared, feed, transport)
						for _, w := range r.all(t) {
							_ = r.store.Warnings().AnswerWarning(t.Context(), w.Key, broadcast.WarningHandled, alerts.Act{Event: alerts.ID(w.Key)})
						}
						_ = r.store.Close()
					}
					stop()
					wg.Wait()
				}
				if got := all.heard(); got != tt.want {
					t.Errorf("rung %s, want %s", got, tt.want)
				}
			})
		})
	}
}
