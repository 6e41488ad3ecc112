package dashboards

import (
	"crypto/sha1"
	"encoding/base64"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"
)

// road is a gateway behind something that we bend: what stands in between
// decides about each request first. It counts what comes by.
type road struct {
	*gateway
	url string

	mu   sync.Mutex
	seen map[string][]time.Time // by kind of request
}

// The kinds of requests of an open page.
const (
	wholePage = "page"
	upgrade   = "WebSocket"
	probe     = "plain request of the feed"
	stream    = "events"
	fragment  = "fragment"
)

func kindOf(r *http.Request) string {
	switch {
	case r.URL.Path == "/live" && r.Header.Get("Upgrade") != "":
		return upgrade
	case r.URL.Path == "/live":
		return probe
	case r.URL.Path == "/events":
		return stream
	case r.URL.Query().Get("part") == "live":
		return fragment
	case r.URL.Path == "/":
		return wholePage
	}
	return r.URL.Path
}

// openRoad opens a road; a browser is opened after it, and so closed before.
func openRoad(t *testing.T, bend func(w http.ResponseWriter, r *http.Request, kind string, nth int) (answered bool)) *road {
	t.Helper()
	g, _ := openLive(t)
	d := &road{gateway: g, seen: map[string][]time.Time{}}
	h := g.server.Public()
	s := serve(t, "127.0.0.1:0", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		kind := kindOf(r)
		d.mu.Lock()
		d.seen[kind] = append(d.seen[kind], time.Now())
		nth := len(d.seen[kind])
		d.mu.Unlock()
		if !bend(w, r, kind, nth) {
			h.ServeHTTP(w, r)
		}
	}))
	d.url = s.URL
	return d
}

func (d *road) times(kind string) []time.Time {
	d.mu.Lock()
	defer d.mu.Unlock()
	return append([]time.Time(nil), d.seen[kind]...)
}

// await waits until n requests of a kind came by.
func (d *road) await(kind string, n int) []time.Time {
	d.t.Helper()
	end := time.After(60 * time.Second)
	for {
		if got := d.times(kind); len(got) >= n {
			return got
		}
		select {
		case <-time.After(10 * time.Millisecond):
		case <-end:
			d.t.Fatalf("%d of %d: %s", len(d.times(kind)), n, kind)
		}
	}
}

// sayAndClose takes a WebSocket, says a hello where it should, and closes it.
func sayAndClose(t *testing.T, w http.ResponseWriter, r *http.Request, hello string, code int, reason string) {
	t.Helper()
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		t.Error(err)
		return
	}
	defer conn.Close()
	// The handshake of RFC 6455 asks for SHA-1.
	sum := sha1.Sum([]byte(r.Header.Get("Sec-WebSocket-Key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	answer := "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " + base64.StdEncoding.EncodeToString(sum[:]) + "\r\n\r\n"
	if hello != "" {
		answer += "\x81" + string(rune(len(hello))) + hello // under 126 bytes
	}
	answer += "\x88" + string(rune(2+len(reason))) + string([]byte{byte(code >> 8), byte(code)}) + reason
	_, _ = conn.Write([]byte(answer))
	_, _ = conn.Read(make([]byte, 64)) // its own close frame
}

const connected = `document.getElementById('state').textContent === 'La pagina si aggiorna da sola'`

func TestThePageObeysTheHintOfAServerThatSendsItAway(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIP: -short leaves the browser out")
	}
	t.Parallel()
	for sentence, tt := range map[string]struct {
		hello string
		code  int
	}{
		"restarting, after a hello":      {`{"type":"hello","cursor":"","time":""}`, 1012},
		"not now, instead of a greeting": {"", 1013},
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			d := openRoad(t, func(w http.ResponseWriter, r *http.Request, kind string, nth int) bool {
				if kind != upgrade || nth > 1 {
					return false
				}
				sayAndClose(t, w, r, tt.hello, tt.code, "retry=6")
				return true
			})
			b := openBrowser(t)
			b.open(d.url + "/?lang=it")
			at := d.await(upgrade, 2)
			// Without the hint it would have come back within two seconds.
			if wait := at[1].Sub(at[0]); wait < 3*time.Second-50*time.Millisecond {
				t.Errorf("it came back after %v, want at least half of six seconds", wait)
			}
			b.until(connected)
			if n := len(d.times(stream)); n > 0 {
				t.Errorf("it asked for events %d times", n)
			}
		})
	}
}

func TestThePageTakesEventsWhereWebSocketsBreakInABrowser(t *testing.T) {
	onlyInE2E(t)
	t.Parallel()
	d := openRoad(t, func(w http.ResponseWriter, _ *http.Request, kind string, _ int) bool {
		if kind == upgrade { // as a proxy that does not know the word
			http.Error(w, "bad request", http.StatusBadRequest)
		}
		return kind == upgrade
	})
	b := openBrowser(t)
	b.open(d.url + "/?lang=it")
	b.until(connected)
	if len(d.times(stream)) != 1 {
		t.Errorf("events were asked for %d times", len(d.times(stream)))
	}
	d.issue(message("by-events", "headline", "Restate in casa"))
	b.until(`document.querySelector('#cards [data-k] h2')?.textContent === 'Restate in casa'`)
}

func TestAServerThatRefusesAllIsNotAskedForEventsInABrowser(t *testing.T) {
	onlyInE2E(t)
	t.Parallel()
	d := openRoad(t, func(w http.ResponseWriter, _ *http.Request, kind string, nth int) bool {
		if kind != upgrade && kind != probe && kind != stream || kind == upgrade && nth > 3 {
			return false
		}
		w.Header().Set("Retry-After", "2")
		w.WriteHeader(http.StatusServiceUnavailable)
		return true
	})
	b := openBrowser(t)
	b.open(d.url + "/?lang=it")
	d.await(upgrade, 4)
	b.until(connected)
	if n := len(d.times(stream)); n > 0 {
		t.Errorf("it asked for events %d times", n)
	}
	if len(d.times(probe)) == 0 {
		t.Error("it never looked whether the server is there")
	}
}

// While a fragment is on its way, however many messages lead to one more.
func TestThePageFetchesOneFragmentAtATimeInABrowser(t *testing.T) {
	onlyInE2E(t)
	t.Parallel()
	release := make(chan struct{})
	d := openRoad(t, func(_ http.ResponseWriter, r *http.Request, kind string, nth int) bool {
		if kind == fragment && nth == 1 {
			select {
			case <-release:
			case <-r.Context().Done():
			}
		}
		return false
	})
	b := openBrowser(t)
	b.open(d.url + "/?lang=it")
	b.until(connected)
	d.issue(message("held-0"))
	d.await(fragment, 1)
	for i := range 5 {
		d.issue(message(fmt.Sprintf("held-%d", i+1)))
	}
	b.until(`document.querySelectorAll('#cards .card').length === 6`) // by their briefs
	b.eval(`new Promise(done => setTimeout(done, 500))`)
	if n := len(d.times(fragment)); n != 1 {
		t.Errorf("%d fetches while one was on its way", n)
	}
	close(release)
	b.until(`document.querySelectorAll('#cards [data-k]').length === 6`)
	b.eval(`new Promise(done => setTimeout(done, 1500))`)
	if n := len(d.times(fragment)); n != 2 {
		t.Errorf("%d fetches, want two", n)
	}
	b.quiet()
}

func TestThePageWaitsForAFragmentAsLongAsItIsToldInABrowser(t *testing.T) {
	onlyInE2E(t)
	t.Parallel()
	d := openRoad(t, func(w http.ResponseWriter, _ *http.Request, kind string, nth int) bool {
		if kind != fragment || nth > 1 {
			return false
		}
		w.Header().Set("Retry-After", "3")
		w.WriteHeader(http.StatusServiceUnavailable)
		return true
	})
	b := openBrowser(t)
	b.open(d.url + "/?lang=it")
	b.until(connected)
	d.issue(message("told-0"))
	d.await(fragment, 1)
	d.issue(message("told-1")) // what comes meanwhile does not make it sooner
	at := d.await(fragment, 2)
	if wait := at[1].Sub(at[0]); wait < 3*time.Second-50*time.Millisecond {
		t.Errorf("it came back after %v, want 3 s", wait)
	}
	b.until(`document.querySelectorAll('#cards [data-k]').length === 2`)
}

// The copy of a page that a cache gave is older than the feed.
func TestAnOldCopyOfThePageBringsItselfUpToDate(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIP: -short leaves the browser out")
	}
	t.Parallel()
	var old reply
	d := openRoad(t, func(w http.ResponseWriter, _ *http.Request, kind string, _ int) bool {
		if kind != wholePage {
			return false
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write([]byte(old.body))
		return true
	})
	old = d.get("/?lang=it")
	d.issue(message("since", "headline", "Salite ai piani alti"))
	b := openBrowser(t)
	b.open(d.url + "/?lang=it")
	b.until(`document.querySelector('#cards [data-k] h2')?.textContent === 'Salite ai piani alti'`)
	if n := len(d.times(fragment)); n != 1 {
		t.Errorf("%d fetches, want one", n)
	}
	// The page of one event leaves other events alone.
	event, _ := d.issue(message("its-own"))["event"].(string)
	b.open(d.url + "/a/" + event + "?lang=it")
	b.until(connected)
	before := len(d.times(fragment))
	d.issue(message("another"))
	b.eval(`new Promise(done => setTimeout(done, 800))`)
	if n := len(d.times(fragment)) - before; n != 0 {
		t.Errorf("another event: %d fetches", n)
	}
	b.quiet()
}
