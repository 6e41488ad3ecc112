package live

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/gorilla/websocket"
)

func TestWhoMayOpen(t *testing.T) {
	s := newStand(t, newBook(0), func(c *Config) { c.Origins = []string{"https://www.Comune.example/"} })
	srv := s.serve(t)
	cases := map[string]struct {
		origin string
		status int
	}{
		"a program without origin":              {"", 101},
		"the feed's own page":                   {srv.URL, 101},
		"its own page in other letters":         {strings.ToUpper(srv.URL), 101},
		"a configured site":                     {"https://www.comune.example", 101},
		"the configured site without TLS":       {"http://www.comune.example", 403},
		"a site under the configured one":       {"https://x.www.comune.example", 403},
		"a foreign site":                        {"https://evil.example", 403},
		"a foreign site that begins like ours":  {srv.URL + ".evil.example", 403},
		"a page from a file or a sandboxed one": {"null", 403},
		"what is no origin":                     {"%zz", 403},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			header := http.Header{}
			if c.origin != "" {
				header.Set("Origin", c.origin)
			}
			conn, resp, err := websocket.DefaultDialer.Dial(wsURL(srv.URL, ""), header)
			if err == nil {
				conn.Close()
			}
			if resp == nil || resp.StatusCode != c.status {
				t.Fatalf("WebSocket: got %v, %v, want %d", resp, err, c.status)
			}
			req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, srv.URL+"/events", nil)
			req.Header = header
			events, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			events.Body.Close()
			if want := map[int]int{101: 200, 403: 403}[c.status]; events.StatusCode != want {
				t.Errorf("events: got %d, want %d", events.StatusCode, want)
			}
			if got := events.Header.Get("Access-Control-Allow-Origin"); events.StatusCode == 200 && got != c.origin {
				t.Errorf("allowed origin: got %q, want %q", got, c.origin)
			}
		})
	}
	if got := s.value(t, "martinella_live_dropped_total", dropOrigin); got != 12 {
		t.Errorf("refused for the origin: got %v, want 12", got)
	}
}

func TestRequestsThatAreRefused(t *testing.T) {
	s := newStand(t, newBook(0))
	srv := s.serve(t)
	cases := map[string]struct {
		method, path string
		status       int
	}{
		"a page instead of a socket": {"GET", "/live", 426},
		"a post":                     {"POST", "/live", 405},
		"a post of events":           {"POST", "/events", 405},
		"an unknown view":            {"GET", "/events?view=all", 400},
		"an endless area":            {"GET", "/events?area=" + strings.Repeat("1", 65), 400},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			req, _ := http.NewRequestWithContext(t.Context(), c.method, srv.URL+c.path, nil)
			resp, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			if body, _ := io.ReadAll(resp.Body); resp.StatusCode != c.status || strings.Contains(string(body), "websocket:") {
				t.Errorf("got %d %s, want %d", resp.StatusCode, body, c.status)
			}
		})
	}
}

func TestNoMoreThanAllowed(t *testing.T) {
	s := newStand(t, newBook(0), func(c *Config) { c.MaxClients = 2 })
	srv := s.serve(t)
	listen(t, srv.URL, "").wants("hello 0")
	listen(t, srv.URL, "").wants("hello 0")
	_, resp, err := websocket.DefaultDialer.Dial(wsURL(srv.URL, ""), nil)
	if err == nil || resp.StatusCode != http.StatusServiceUnavailable || resp.Header.Get("Retry-After") == "" {
		t.Fatalf("got %v, %v, want 503 with Retry-After", resp, err)
	}
	if got := s.value(t, "martinella_live_dropped_total", dropFull); got != 1 {
		t.Errorf("turned away: got %v, want 1", got)
	}
}

func TestSameOriginIsTheWholeHost(t *testing.T) {
	s := newStand(t, newBook(0))
	for origin, want := range map[string]bool{
		"https://feed.test": true, "http://FEED.test": true, "": true,
		"https://feed.test.evil.example": false, "https://feed.tes": false, "https://feed.test:8443": false, "https://x.feed.test": false,
	} {
		r := &http.Request{Host: "feed.test", Header: http.Header{"Origin": {origin}}}
		if got := s.mayOpen(r); got != want {
			t.Errorf("%q: got %v, want %v", origin, got, want)
		}
	}
}
