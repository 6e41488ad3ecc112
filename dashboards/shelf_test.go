package dashboards

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// rendered counts the pages that were rendered so far.
func (g *gateway) rendered() uint64 {
	g.t.Helper()
	families, err := g.server.Registry.Gather()
	if err != nil {
		g.t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == "martinella_page_render_seconds" {
			return f.GetMetric()[0].GetHistogram().GetSampleCount()
		}
	}
	g.t.Fatal("rendering is not counted")
	return 0
}

// within runs f again where the clock's minute changed meanwhile: a page says
// when it was made.
func within(t *testing.T, g *gateway, f func() uint64) uint64 {
	t.Helper()
	for {
		minute := g.server.pages.version(t.Context(), "", time.Now()).minute
		n := f()
		if g.server.pages.version(t.Context(), "", time.Now()).minute == minute {
			return n
		}
	}
}

func TestAPageIsRenderedOnceForAllWhoWait(t *testing.T) {
	g := open(t)
	h := g.server.Public()
	for round := range 3 {
		cursor, _ := g.issue(message("once-" + strconv.Itoa(round)))["cursor"].(string)
		event, _ := g.issue(message("once-more-" + strconv.Itoa(round)))["event"].(string)
		n := within(t, g, func() uint64 {
			before := g.rendered()
			var all sync.WaitGroup
			for i := range 300 {
				all.Go(func() {
					path := "/?part=live&lang=it&v=" + cursor
					if i%3 == 0 {
						path = "/a/" + event + "?lang=it"
					}
					w := httptest.NewRecorder()
					h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
					if w.Code != http.StatusOK {
						t.Errorf("%s: %d", path, w.Code)
					}
				})
			}
			all.Wait()
			return g.rendered() - before
		})
		if n > 2 {
			t.Errorf("300 readers of two pages: rendered %d times", n)
		}
	}
}

// Who waits for the cursor of a change gets a fragment that has it, however
// many ask while it is being published.
func TestAFragmentHasTheChangeThatWasAskedFor(t *testing.T) {
	g := open(t)
	stop := make(chan struct{})
	var readers sync.WaitGroup
	for range 4 {
		readers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					g.server.Public().ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/?part=live&lang=it", nil))
				}
			}
		})
	}
	for i := range 30 {
		headline := "Cambiamento " + strconv.Itoa(i)
		r := g.post(alone, "/api/v1/alerts", message("asked-"+strconv.Itoa(i), "headline", headline))
		cursor, _ := r.json(t)["cursor"].(string)
		if got := g.get("/?part=live&lang=it&v=" + cursor); got.StatusCode != http.StatusOK || !strings.Contains(got.body, headline) {
			t.Errorf("%s: %d, not in the fragment", headline, got.StatusCode)
		}
	}
	close(stop)
	readers.Wait()
}

func TestThePageOfAnEventIsMadeAnewOnlyForItself(t *testing.T) {
	g := open(t)
	first := g.issue(message("own"))
	event, _ := first["event"].(string)
	path := "/a/" + event + "?part=live&lang=it"
	n := within(t, g, func() uint64 {
		before := g.get(path)
		count := g.rendered()
		g.issue(message("another-" + strconv.FormatUint(count, 10)))
		if after := g.get(path); after.Header.Get("ETag") != before.Header.Get("ETag") {
			t.Error("another alert changed the page")
		}
		return g.rendered() - count
	})
	if n != 0 {
		t.Errorf("another alert: rendered %d times", n)
	}
	digest, _ := first["digest"].(string)
	if r := g.act(alone, event, "cancel", `{"digest":"`+digest+`","reason":"errore"}`); r.StatusCode != http.StatusCreated {
		t.Fatalf("cancel: %d %s", r.StatusCode, r.body)
	}
	g.settle()
	if got := g.get(path); !strings.Contains(got.body, "Annullata") && !strings.Contains(got.body, "errore") {
		t.Errorf("the Cancel is not on the page: %s", got.body)
	}
}

func TestNamesOfNothingDoNotFillTheShelf(t *testing.T) {
	g := open(t)
	for range 50 {
		if r := g.get("/a/" + strings.Repeat("0", 24) + "ZZ"); r.StatusCode != http.StatusNotFound {
			t.Fatalf("%d", r.StatusCode)
		}
	}
	g.server.pages.shelf.mu.RLock()
	defer g.server.pages.shelf.mu.RUnlock()
	for p := range g.server.pages.shelf.pages {
		if p.name == "alert" {
			t.Errorf("the shelf has %+v", p)
		}
	}
}

func TestTheQueryIsReadAsNetURLReadsIt(t *testing.T) {
	for _, raw := range []string{
		"", "part=live", "lang=it&part=live&v=abc-1-2", "v=a&v=b", "part=live;lang=it", "part=l%69ve", "lang=it+en", "=", "&&", "part", "part=live=", "PART=live", "v=%zz&part=live", "refresh=60&x=",
	} {
		r := &http.Request{URL: &url.URL{RawQuery: raw}}
		q := r.URL.Query()
		want := asked{q.Get("lang"), q.Get("part") == "live", q.Get("bare") != "", q.Get("v"), q.Get("refresh")}
		if got := askedOf(r); got != want {
			t.Errorf("%q: %+v, want %+v", raw, got, want)
		}
	}
}

// Pages of areas, in every language, whole and as live parts, stay within the
// bytes of the shelf, and those that everybody reads stay.
func TestTheShelfIsBoundedInBytes(t *testing.T) {
	g := open(t, valdemo)
	s := g.server.pages.shelf
	s.most = 200_000
	g.get("/?lang=it")
	home := func() (all []*ready) {
		for at, c := range s.pages {
			if at.name == "home" {
				all = append(all, c.ready.Load())
			}
		}
		return all
	}
	before, asked := home(), 0
	for _, a := range g.server.pages.atlas.all {
		for _, lang := range pageLanguages {
			for _, part := range []string{"", "&part=live"} {
				asked++
				if r := g.get(a.URL() + "?lang=" + lang + part); r.StatusCode != http.StatusOK {
					t.Fatalf("%s: %d", a.URL(), r.StatusCode)
				}
				weight := 0
				for _, c := range s.pages {
					weight += c.weight
				}
				if s.bytes > s.most || s.bytes != weight {
					t.Fatalf("%d bytes are counted, %d kept, %d may be", s.bytes, weight, s.most)
				}
			}
		}
	}
	if len(s.pages) == 0 || len(s.pages) >= asked {
		t.Errorf("%d pages of %d are kept", len(s.pages), asked)
	}
	if len(before) != 1 || !slices.Equal(home(), before) {
		t.Error("the first page went")
	}
}
