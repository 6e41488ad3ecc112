package main

import (
	"bufio"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// farewell is how an open page was left.
type farewell struct {
	at    time.Time
	what  string
	retry time.Duration
	err   error
}

// stays keeps a WebSocket until it is sent away.
func (s *station) stays(t *testing.T, ends chan<- farewell) {
	t.Helper()
	conn, _, err := websocket.DefaultDialer.DialContext(t.Context(), s.liveURL(), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if _, b, err := conn.ReadMessage(); err != nil || !strings.Contains(string(b), `"hello"`) {
		t.Fatalf("got %s, %v, want hello", b, err)
	}
	go func() {
		_, _, err := conn.ReadMessage()
		f := farewell{at: time.Now(), what: "a WebSocket", err: err}
		if closed, ok := errors.AsType[*websocket.CloseError](err); ok && closed.Code == websocket.CloseServiceRestart {
			text, _ := strings.CutPrefix(closed.Text, "retry=")
			f.retry, f.err = parseRetry(text, time.Second)
		}
		ends <- f
	}()
}

// listens keeps an event stream until it is sent away.
func (s *station) listens(t *testing.T, ends chan<- farewell) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.Public+"/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { resp.Body.Close() })
	lines := bufio.NewScanner(resp.Body)
	for lines.Scan() && !strings.Contains(lines.Text(), `"hello"`) {
	}
	if lines.Err() != nil || lines.Text() == "" {
		t.Fatalf("the stream says no hello: %v", lines.Err())
	}
	go func() {
		f := farewell{what: "an event stream", err: errors.New("it ends without a time to come back")}
		for lines.Scan() {
			if text, ok := strings.CutPrefix(lines.Text(), "retry: "); ok {
				f.retry, f.err = parseRetry(text, time.Millisecond)
			}
		}
		f.at, f.err = time.Now(), errors.Join(f.err, lines.Err())
		ends <- f
	}()
}

func (s *station) liveURL() string { return "ws" + strings.TrimPrefix(s.Public, "http") + "/live" }

func parseRetry(text string, unit time.Duration) (time.Duration, error) {
	n, err := strconv.Atoi(text)
	return time.Duration(n) * unit, err
}

// A gateway that is told to stop says so, sends its open pages away one after
// the other, each with a time to come back, lets nobody new into the feed, and
// serves pages until the last one has gone.
func TestAGatewayThatStopsSaysGoodbye(t *testing.T) {
	needRedis(t)
	const over = 3 * time.Second
	dir, config := settle(t, "")
	text, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	write(t, config, strings.Replace(string(text), "limits: {", "limits: {live_farewell: "+over.String()+", ", 1))
	s := open(t, dir, config)
	const pages = 4
	ends := make(chan farewell, pages)
	for range pages - 1 {
		s.stays(t, ends)
	}
	s.listens(t, ends)

	code := make(chan int, 1)
	go func() { code <- s.stop() }()
	left := []farewell{<-ends} // from now on it is stopping

	r, err := tell(t.Context(), http.MethodGet, s.Admin+"/readyz", "", "", nil)
	if err != nil || r.status != http.StatusServiceUnavailable || !strings.Contains(string(r.body), "the gateway is stopping") {
		t.Errorf("readyz while it stops: %d %s, %v; want 503, with the reason that the gateway is stopping", r.status, r.body, err)
	}
	_, resp, err := websocket.DefaultDialer.DialContext(t.Context(), s.liveURL(), nil)
	if err == nil || resp == nil || resp.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("a new reader got %v, %v, want 503", resp, err)
	} else if n, err := strconv.Atoi(resp.Header.Get("Retry-After")); err != nil || n < 1 {
		t.Errorf("a new reader is told Retry-After %q", resp.Header.Get("Retry-After"))
	}
	if r, err := tell(t.Context(), http.MethodGet, s.Public+"/", "", "", nil); err != nil || r.status != http.StatusOK || !strings.Contains(string(r.body), "Valdemo") {
		t.Errorf("the page while it stops: %d, %v, want 200", r.status, err)
	}
	if len(ends) == pages-1 {
		t.Error("all were sent away before that was asked: the test proves nothing")
	}

	for len(left) < pages {
		left = append(left, <-ends)
	}
	for _, f := range left {
		if from, to := (time.Second+over/2)/2, (time.Second+over/2)*3/2; f.err != nil || f.retry < from || f.retry > to {
			t.Errorf("%s was left with %v to come back within %v, want %v to %v", f.what, f.err, f.retry, from, to)
		}
	}
	if apart := left[pages-1].at.Sub(left[0].at); apart < over/2 || apart > 2*over {
		t.Errorf("from the first to the last they were sent away within %v, want about %v", apart, over*(pages-1)/pages)
	}
	if c := <-code; c != 0 {
		t.Errorf("the gateway ended with %d\n%s", c, s.log)
	}
}

// Ctrl-C reaches the whole process group. The store is not of it: it is there
// until the last page has been sent away, and ends with the gateway.
func TestCtrlCLeavesTheStoreToTheGateway(t *testing.T) {
	p := newProcess(t)
	p.alone = true
	text, err := os.ReadFile(p.config)
	if err != nil {
		t.Fatal(err)
	}
	write(t, p.config, strings.Replace(string(text), "limits: {", "limits: {live_farewell: 1s, ", 1))
	p.start(t)
	s := &station{readyFile: readyFile{Public: p.url}}
	ends := make(chan farewell, 2)
	s.stays(t, ends)
	s.stays(t, ends)
	if err := syscall.Kill(-p.cmd.Process.Pid, syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	for range cap(ends) {
		if f := <-ends; f.err != nil || f.retry == 0 {
			t.Errorf("%s was left with %v", f.what, f.err)
		}
	}
	<-p.done
	if code := p.cmd.ProcessState.ExitCode(); code != 0 {
		t.Errorf("the gateway ended with %v\n%s", p.cmd.ProcessState, tail(p.log.String()))
	}
	if strings.Contains(p.log.String(), "redis-server ended") {
		t.Errorf("the store was gone before the gateway:\n%s", tail(p.log.String()))
	}
	lock, err := os.Open(filepath.Join(p.data, "lock")) // held until both have ended
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Close()
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		t.Errorf("the store lives on: %v", err)
	}
}
