package dashboards

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"martinella/channels"
)

// hurry serves the gateway's public and administration ports with a short time
// for bodies.
func hurry(t *testing.T, change ...func(*Config)) (public, admin string) {
	t.Helper()
	g := open(t, change...)
	g.server.bodyTime = 300 * time.Millisecond
	p, a := httptest.NewServer(g.server.Public()), httptest.NewServer(g.server.Admin())
	t.Cleanup(func() { p.Close(); a.Close() })
	return p.Listener.Addr().String(), a.Listener.Addr().String()
}

// dawdle sends a request to its last header, then nothing more, and reads
// until the server closes.
func dawdle(t *testing.T, address, request string) string {
	t.Helper()
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(30 * time.Second)); err != nil { // a hang limit
		t.Fatal(err)
	}
	if _, err := io.WriteString(conn, request); err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(conn)
	if err != nil {
		t.Errorf("the connection stays open: %v after %q", err, b)
	}
	return string(b)
}

func TestWhoAnnouncesABodyAndSendsNoneIsCutOff(t *testing.T) {
	public, admin := hurry(t, func(c *Config) {
		c.Hooks, c.Sink = map[string]channels.Inbound{"sms": platform{}}, &sink{}
	})
	for sentence, tt := range map[string]struct{ address, line, headers, want string }{
		"an alert without a key":        {public, "POST /api/v1/alerts", "Content-Type: application/cap+xml\r\n", " 401 "},
		"an alert with a key":           {public, "POST /api/v1/alerts", "Content-Type: application/cap+xml\r\nAuthorization: Bearer " + issuer + "\r\n", "did not arrive"},
		"an act with a key":             {public, "POST /api/v1/alerts/X/approve", "Content-Type: application/json\r\nAuthorization: Bearer " + approver + "\r\n", "did not arrive"},
		"the page":                      {public, "GET /", "", " 200 "},
		"a hook that is not there":      {public, "POST /hooks/none", "", " 404 "},
		"a hook that reads":             {public, "POST /hooks/sms", "Content-Type: application/x-www-form-urlencoded\r\n", " 400 "},
		"a path that is not there":      {public, "PUT /nowhere", "", " 404 "},
		"the administration's readings": {admin, "GET /healthz", "", " 200 "},
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			got := dawdle(t, tt.address, tt.line+" HTTP/1.1\r\nHost: valdemo.example\r\nContent-Length: 1000\r\n"+tt.headers+"\r\n")
			if !strings.Contains(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// endless is a feed that goes on until the reader leaves or its request is given
// up.
func endless(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	for i := 0; r.Context().Err() == nil; i++ {
		fmt.Fprintln(w, i)
		_ = http.NewResponseController(w).Flush()
		select {
		case <-r.Context().Done():
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func TestAnAnswerOutlivesTheTimeForBodies(t *testing.T) {
	for sentence, body := range map[string]io.Reader{
		"to a request without a body":     nil,
		"to one whose body came and ends": strings.NewReader("a body"),
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			public, _ := hurry(t, func(c *Config) { c.Events = http.HandlerFunc(endless) })
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+public+"/events", body)
			if err != nil {
				t.Fatal(err)
			}
			res, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			began := time.Now()
			for in := bufio.NewScanner(res.Body); in.Scan() && time.Since(began) < time.Second; {
				continue
			}
			if lived := time.Since(began); lived < time.Second {
				t.Errorf("it was cut off after %v", lived)
			}
		})
	}
}
