package live

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// events reads server-sent events as a browser does.
type events struct {
	body  io.ReadCloser
	lines *bufio.Scanner
	id    string
	retry string
	pings int
}

func openEvents(ctx context.Context, c *http.Client, url, lastID string) (*events, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	if lastID != "" {
		req.Header.Set("Last-Event-ID", lastID)
	}
	resp, err := c.Do(req)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != 200 || resp.Header.Get("Content-Type") != "text/event-stream" {
		resp.Body.Close()
		return nil, fmt.Errorf("got %s %v", resp.Status, resp.Header)
	}
	lines := bufio.NewScanner(resp.Body)
	lines.Buffer(nil, 1<<20)
	return &events{body: resp.Body, lines: lines}, nil
}

func (e *events) next() (m message, err error) {
	var data string
	for e.lines.Scan() {
		field, value, _ := strings.Cut(e.lines.Text(), ":")
		value = strings.TrimPrefix(value, " ")
		switch {
		case e.lines.Text() == "" && data != "":
			return m, json.Unmarshal([]byte(data), &m)
		case e.lines.Text() == "":
		case field == "":
			e.pings++
		case field == "id":
			e.id = value
		case field == "retry":
			e.retry = value
		case field == "data":
			data += value
		default:
			return m, fmt.Errorf("unknown field %q", e.lines.Text())
		}
	}
	if err := e.lines.Err(); err != nil {
		return m, err
	}
	return m, io.EOF
}

func (e *events) wants(t testing.TB, want ...string) {
	t.Helper()
	for i, w := range want {
		m, err := e.next()
		if err != nil || m.String() != w {
			t.Fatalf("event %d: got %v, %v, want %s", i, m, err, w)
		}
	}
}

// followEvents is follow for server-sent events.
func followEvents(ctx context.Context, base string, at, most, end int) (int, error) {
	// The address is as old as the page; the header has the place.
	e, err := openEvents(ctx, http.DefaultClient, base+"/events?since=e1-0-0", string(cursor(at)))
	if err != nil {
		return at, err
	}
	defer e.body.Close()
	if m, err := e.next(); err == io.EOF {
		return at, nil
	} else if err != nil || m.Type != "hello" || m.Cursor != cursor(at) {
		return at, fmt.Errorf("events: got %v, %v, want hello %d", m, err, at)
	}
	for range most {
		if at == end {
			return at, nil
		}
		m, err := e.next()
		if err == io.EOF {
			return at, nil // too slow: come back
		}
		if err != nil {
			return at, err
		}
		if m.Type != "alert" || m.Cursor != cursor(at+1) || e.id != string(cursor(at+1)) {
			return at, fmt.Errorf("events: got %v with id %s, want alert %d", m, e.id, at+1)
		}
		at++
	}
	return at, nil
}

func TestEventsComeBackWithLastEventID(t *testing.T) {
	s := newStand(t, newBook(1))
	srv := s.serve(t)
	open := func(lastID string) *events {
		t.Helper()
		e, err := openEvents(t.Context(), http.DefaultClient, srv.URL+"/events?since=e1-0-0&lang=en", lastID)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { e.body.Close() })
		return e
	}
	first := open("")
	first.wants(t, "hello 0", "alert 1")
	s.publish(record())
	first.wants(t, "alert 2")
	if first.id != "e1-2-0" || first.retry == "" {
		t.Errorf("got id %q and retry %q", first.id, first.retry)
	}
	if got := s.value(t, "martinella_live_clients", sse); got != 1 {
		t.Errorf("clients: got %v, want 1", got)
	}
	first.body.Close()
	s.publish(record())
	again := open(first.id)
	again.wants(t, "hello 2", "alert 3")

	gone := open("e0-5-0")
	gone.wants(t, "hello 3", "gone")
	if gone.id != "e1-3-0" {
		t.Errorf("after gone the id is %q, want the head e1-3-0", gone.id)
	}
}

func TestEventsArePinged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t, newBook(0))
		p, stop := s.servePipes(t)
		browser := &http.Client{Transport: &http.Transport{DialContext: p.Dial}}
		defer browser.CloseIdleConnections()
		e, err := openEvents(t.Context(), browser, "http://feed.test/events", "")
		if err != nil {
			t.Fatal(err)
		}
		defer e.body.Close()
		e.wants(t, "hello 0")
		go func() {
			time.Sleep(5*time.Minute + time.Millisecond)
			s.publish(record())
			synctest.Wait()
			stop()
		}()
		e.wants(t, "alert 1")
		if e.pings != 10 {
			t.Errorf("got %d pings in 5 minutes, want 10", e.pings)
		}
		e.retry = ""
		if m, err := e.next(); err != io.EOF || e.retry == "" {
			t.Errorf("at shutdown got %v, %v, retry %q; want the end and a time to come back", m, err, e.retry)
		}
		stop()
	})
}

func TestSlowEventsAreClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t, newBook(0))
		p, stop := s.servePipes(t)
		defer stop()
		conn, err := p.Dial(t.Context(), "", "")
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if _, err := fmt.Fprint(conn, "GET /events HTTP/1.1\r\nHost: feed.test\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		synctest.Wait() // its first bytes are never read
		for range 4 {
			s.publish(record())
		}
		time.Sleep(11 * time.Second)
		if s.Clients() != 0 {
			t.Error("the stream that nobody reads is still open")
		}
		if got := s.value(t, "martinella_live_dropped_total", dropWrite); got != 1 {
			t.Errorf("dropped for the write timeout: got %v, want 1", got)
		}
	})
}
