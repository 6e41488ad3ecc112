package live

import (
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/websocket"
)

// deaf is a connection whose peer reads nothing until the gate is open.
type deaf struct {
	net.Conn
	gate chan struct{}
}

func (d *deaf) Read(b []byte) (int, error) {
	<-d.gate
	return d.Conn.Read(b)
}

// A client that was let in just before the stop, and is open only after all
// were sent away, is sent away as well: the node does not wait for it.
func TestWhoComesInWhileTheNodeStopsIsSentAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t, newBook(0))
		p, stop := s.servePipes(t)
		conn, err := p.Dial(t.Context(), "", "")
		if err != nil {
			t.Fatal(err)
		}
		d := &deaf{conn, make(chan struct{})}
		got := make(chan error, 1)
		go func() { got <- closeOf(d) }()
		synctest.Wait() // the answer to its handshake is being written
		if open := len(s.everyone()); s.Clients() != 1 || open != 0 {
			t.Fatalf("%d are let in, %d are open, want one that is let in and not open", s.Clients(), open)
		}
		stopped := make(chan struct{})
		go func() { defer close(stopped); stop() }()
		synctest.Wait() // all who were open are sent away
		close(d.gate)
		time.Sleep(lingering + time.Second)
		select {
		case <-stopped:
		default:
			t.Error("the node still waits for who came in while it stopped")
			s.endAll()
		}
		<-stopped
		conn.Close()
		if err := <-got; !websocket.IsCloseError(err, websocket.CloseServiceRestart) {
			t.Errorf("it got %v, want close code 1012", err)
		}
	})
}

// closeOf opens a WebSocket on a connection and reads until its end.
func closeOf(conn net.Conn) error {
	d := websocket.Dialer{NetDial: func(string, string) (net.Conn, error) { return conn, nil }}
	ws, _, err := d.Dial("ws://feed.test/live", nil)
	if err != nil {
		return err
	}
	for {
		if _, _, err := ws.ReadMessage(); err != nil {
			return err
		}
	}
}

// Event streams that are sent away are told to come back within half and one
// and a half of a second and half the time of the farewell, each at another
// moment.
func TestStreamsAreToldWhenToComeBack(t *testing.T) {
	for spread, within := range map[time.Duration][2]int64{ // ms
		time.Second:      {750, 2250},
		5 * time.Second:  {1750, 5250},
		60 * time.Second: {15_500, 46_500},
	} {
		t.Run(spread.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const streams = 30
				s := newStand(t, newBook(0), func(c *Config) { c.ShutdownSpread = spread })
				p, stop := s.servePipes(t)
				browser := &http.Client{Transport: &http.Transport{DialContext: p.Dial}}
				defer browser.CloseIdleConnections()
				type end struct {
					retry string
					err   error
				}
				ends := make(chan end, streams)
				for range streams {
					e, err := openEvents(t.Context(), browser, "http://feed.test/events", "")
					if err != nil {
						t.Fatal(err)
					}
					defer e.body.Close()
					e.wants(t, "hello 0")
					e.retry = ""
					go func() {
						_, err := e.next()
						ends <- end{e.retry, err}
					}()
				}
				stop()
				different, least, most := map[int64]bool{}, within[1], within[0]
				for range streams {
					e := <-ends
					ms, err := strconv.ParseInt(e.retry, 10, 64)
					if !errors.Is(e.err, io.EOF) || err != nil || ms < within[0] || ms > within[1] {
						t.Fatalf("a stream ended with %v and retry %q, want %d to %d", e.err, e.retry, within[0], within[1])
					}
					different[ms] = true
					least, most = min(least, ms), max(most, ms)
				}
				// By chance alone 30 lie this near to one another once in millions of runs.
				if len(different) < streams/2 || most-least < (within[1]-within[0])/3 {
					t.Errorf("they are told %d times from %d to %d ms, want them spread over %d to %d", len(different), least, most, within[0], within[1])
				}
			})
		})
	}
}
