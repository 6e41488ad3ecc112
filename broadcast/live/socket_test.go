package live

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/websocket"
	"github.com/prometheus/client_golang/prometheus"
)

func TestHelloSaysTheTime(t *testing.T) {
	s := newStand(t, newBook(2))
	l := listen(t, s.serve(t).URL, "")
	_, b, err := l.ReadMessage()
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(string(b), `{"type":"hello","cursor":"e1-2-0","time":"20`) {
		t.Errorf("got %s", b)
	}
	if got := s.Open(); got != 1 {
		t.Errorf("%d clients are open, want 1", got)
	}
	if got := s.value(t, "martinella_live_clients", webSocket); got != 1 {
		t.Errorf("clients: got %v, want 1", got)
	}
	if got := s.Clients(); got != 1 {
		t.Errorf("Clients: got %d, want 1", got)
	}
}

func TestViewAndLanguage(t *testing.T) {
	s := newStand(t, newBook(0), func(c *Config) { c.Languages = []string{"it", "de", "pt-br"} })
	srv := s.serve(t)
	cases := map[string]struct{ query, view, lang string }{
		"brief in the first language by default": {"", "brief", "it"},
		"full on request":                        {"view=full", "full", "it"},
		"a language that is built":               {"lang=de", "brief", "de"},
		"its regional form":                      {"lang=de-AT", "brief", "de"},
		"a regional form that is built":          {"lang=pt-BR", "brief", "pt-br"},
		"a language that is not built":           {"lang=xx", "brief", "it"},
	}
	open := map[string]*listener{}
	for name, c := range cases {
		open[name] = listen(t, srv.URL, c.query)
		open[name].wants("hello 0")
	}
	s.publish(record())
	for name, c := range cases {
		m, err := open[name].next()
		if err != nil || m.View != c.view || m.Lang != c.lang || m.Spread != 150 {
			t.Errorf("%s: got %+v, %v, want %s in %s within 150 ms", name, m, err, c.view, c.lang)
		}
	}
}

// One client does not read. It is closed with 4408 and has a beginning without
// a gap; the other one has everything, and nobody waits.
func TestSlowClientIsClosed(t *testing.T) {
	s := newStand(t, newBook(0), func(c *Config) {
		c.Full = writes("full", strings.Repeat("x", 64<<10))
		c.BacklogMessages = 4
	})
	srv := s.serve(t)
	slow := listen(t, srv.URL, "view=full")
	slow.wants("hello 0")
	quick := listen(t, srv.URL, "view=full")
	quick.wants("hello 0")

	n := 0
	for s.value(t, "martinella_live_dropped_total", dropSlow) == 0 {
		if n++; n > 2000 {
			t.Fatal("the slow client is never closed")
		}
		s.publish(record())
		if m, err := quick.next(); err != nil || m.Cursor != cursor(n) {
			t.Fatalf("the quick client got %v, %v, want alert %d", m.Cursor, err, n)
		}
	}
	for at := 1; ; at++ {
		m, err := slow.next()
		if websocket.IsCloseError(err, 4408) {
			break
		}
		if err != nil || m.Cursor != cursor(at) {
			t.Fatalf("the slow client got %v, %v, want alert %d or close code 4408", m.Cursor, err, at)
		}
	}
	s.publish(record())
	if m, err := quick.next(); err != nil || m.Cursor != cursor(n+1) {
		t.Fatalf("afterwards the quick client got %v, %v", m.Cursor, err)
	}
	if got := s.value(t, "martinella_live_dropped_total", ""); got != 1 {
		t.Errorf("dropped: got %v, want 1", got)
	}
}

// fullLine is a connection whose socket takes nothing.
type fullLine struct{ closed bool }

func (*fullLine) try([]byte) (int, error) { return 0, nil }
func (*fullLine) later(*client)           {}
func (*fullLine) rest()                   {}
func (*fullLine) shut()                   {}
func (l *fullLine) close()                { l.closed = true }

// opened is a client on a line, without a connection.
func (s *stand) opened(l line) *client {
	c := s.newClient()
	c.line = l
	s.mu.Lock()
	s.entered++
	s.clients.Add(1)
	s.mu.Unlock()
	c.mu.Lock()
	s.enters(c)
	c.mu.Unlock()
	return c
}

func (c *client) push(f *frame) bool {
	c.put([]waiting{{frame: f, tally: newTally(1, prometheus.NewHistogram(prometheus.HistogramOpts{}))}}, f.ws)
	return !c.isEnded()
}

func TestBacklogInBytes(t *testing.T) {
	s := newStand(t, newBook(0), func(c *Config) { c.BacklogBytes = 1000 })
	c := s.opened(&fullLine{})
	big, small := newFrame("x", bytes.Repeat([]byte("x"), 5000)), newFrame("y", []byte("y"))
	if !c.push(big) {
		t.Error("one message alone is over the bound, and must pass")
	}
	if c.push(small) || c.ended != endSlow {
		t.Errorf("behind it nothing fits: got %v, want %v", c.ended, endSlow)
	}
}

func TestBacklogInMessages(t *testing.T) {
	s := newStand(t, newBook(0), func(c *Config) { c.BacklogMessages = 2 })
	c := s.opened(&fullLine{})
	f := newFrame("x", []byte("x"))
	for i, want := range []bool{true, true, false, false} {
		if got := c.push(f); got != want {
			t.Errorf("message %d: got %v, want %v", i+1, got, want)
		}
	}
	if c.ended != endSlow || len(c.queue) != 1 || c.count != 0 || c.bytes != 0 {
		t.Errorf("got ending %v, %d frames, %d and %d B counted; want %v and the close frame alone", c.ended, len(c.queue), c.count, c.bytes, endSlow)
	}
}

func TestInbound(t *testing.T) {
	cases := map[string]struct {
		say   func(*websocket.Conn) error
		close int // 0: stays open
	}{
		"small messages are ignored": {func(c *websocket.Conn) error {
			return c.WriteMessage(websocket.TextMessage, make0(4096))
		}, 0},
		"binary too": {func(c *websocket.Conn) error {
			return c.WriteMessage(websocket.BinaryMessage, make0(10))
		}, 0},
		"a message over 4 KiB": {func(c *websocket.Conn) error {
			return c.WriteMessage(websocket.TextMessage, make0(4097))
		}, websocket.CloseMessageTooBig},
		"a message over 4 KiB in pieces": {func(c *websocket.Conn) error {
			w, err := c.NextWriter(websocket.TextMessage)
			for range 9 {
				if err == nil {
					_, err = w.Write(make0(1000))
				}
			}
			return err
		}, websocket.CloseMessageTooBig},
		"a flood of messages": {func(c *websocket.Conn) (err error) {
			for range chatter + 1 {
				err = c.WriteMessage(websocket.TextMessage, nil)
			}
			return err
		}, websocket.ClosePolicyViolation},
		"a flood of pings": {func(c *websocket.Conn) (err error) {
			for range chatter + 1 {
				err = c.WriteMessage(websocket.PingMessage, nil)
			}
			return err
		}, websocket.ClosePolicyViolation},
		"a frame that is not masked": {func(c *websocket.Conn) error {
			_, err := c.NetConn().Write([]byte{0x81, 0x01, 'x'})
			return err
		}, websocket.CloseProtocolError},
		"a compressed frame": {func(c *websocket.Conn) error {
			_, err := c.NetConn().Write([]byte{0xc1, 0x80, 0, 0, 0, 0})
			return err
		}, websocket.CloseProtocolError},
		"goodbye": {func(c *websocket.Conn) error {
			return c.WriteMessage(websocket.CloseMessage, websocket.FormatCloseMessage(websocket.CloseNormalClosure, ""))
		}, websocket.CloseNormalClosure},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			s := newStand(t, newBook(0))
			l := listen(t, s.serve(t).URL, "")
			l.wants("hello 0")
			if err := c.say(l.Conn); err != nil {
				t.Logf("said: %v", err) // the other side may have closed already
			}
			dropped := 0.0
			if c.close == 0 {
				_ = l.WriteMessage(websocket.PingMessage, nil)
				l.SetPongHandler(func(string) error { s.publish(record()); return nil })
				l.wants("alert 1")
			} else {
				l.wantsClose(c.close)
				_, _ = io.Copy(io.Discard, l.NetConn()) // until the hub has closed, and counted
				if c.close != websocket.CloseNormalClosure {
					dropped = 1
				}
			}
			if got := s.value(t, "martinella_live_dropped_total", dropProtocol); got != dropped {
				t.Errorf("dropped for the protocol: got %v, want %v", got, dropped)
			}
		})
	}
}

func TestCompressionIsNotOffered(t *testing.T) {
	s := newStand(t, newBook(0))
	srv := s.serve(t)
	d := websocket.Dialer{EnableCompression: true}
	conn, resp, err := d.Dial(wsURL(srv.URL, ""), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if got := resp.Header.Get("Sec-WebSocket-Extensions"); got != "" {
		t.Errorf("got extensions %q, want none", got)
	}
}

func TestDeadPeerIsFound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t, newBook(0))
		p, stop := s.servePipes(t)
		defer stop()
		alive, dead := p.listen(t, ""), p.listen(t, "")
		defer alive.Close()
		alive.wants("hello 0")
		dead.wants("hello 0")
		began := time.Now()
		go func() { _, _ = alive.next() }() // answers pings, and waits
		_, err := io.Copy(io.Discard, dead.NetConn())
		if took := time.Since(began); took > 75*time.Second || took < 30*time.Second {
			t.Errorf("the dead peer was closed after %v (%v), want 75 s", took, err)
		}
		time.Sleep(10 * time.Minute)
		if got := s.Clients(); got != 1 {
			t.Errorf("got %d clients, want the one that answers", got)
		}
		if got := s.value(t, "martinella_live_dropped_total", dropSilent); got != 1 {
			t.Errorf("dropped as silent: got %v, want 1", got)
		}
	})
}

func TestNeverReadingPeerIsFound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t, newBook(0))
		p, stop := s.servePipes(t)
		defer stop()
		l := p.listen(t, "")
		defer l.Close()
		l.wants("hello 0")
		began := time.Now()
		s.publish(record())
		s.publish(record())
		if took := time.Since(began); took != 0 {
			t.Errorf("Publish waited %v for a client", took)
		}
		time.Sleep(11 * time.Second)
		if got := s.value(t, "martinella_live_dropped_total", dropWrite); got != 1 || s.Clients() != 0 {
			t.Errorf("dropped for the write timeout: got %v, want 1; %d clients open", got, s.Clients())
		}
		if got := s.value(t, "martinella_live_fanout_seconds", ""); got != 2 {
			t.Errorf("fan-outs measured: got %v, want 2", got)
		}
		if got := s.fanoutSeconds(t); got < 10 || got > 21 {
			t.Errorf("they took %v s together, want the time until the client was given up", got)
		}
	})
}

func TestPingsAreSpread(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const clients = 60
		s := newStand(t, newBook(0))
		p, stop := s.servePipes(t)
		defer stop()
		began, when := time.Now(), make(chan time.Duration, 100*clients)
		for range clients {
			l := p.listen(t, "")
			defer l.Close()
			l.wants("hello 0")
			l.SetPingHandler(func(string) error {
				when <- time.Since(began)
				return l.WriteControl(websocket.PongMessage, nil, time.Time{})
			})
			go func() { _, _ = l.next() }()
		}
		time.Sleep(90*time.Second + time.Millisecond)
		thirds := map[int64]int{}
		for range len(when) {
			thirds[int64(<-when/(10*time.Second))]++
		}
		for i := range int64(9) { // 3 intervals of 3 thirds, about 20 in each
			if thirds[i] < 5 || thirds[i] > 40 {
				t.Errorf("%d pings in the 10 s after %d s: not spread (%v)", thirds[i], 10*i, thirds)
			}
		}
	})
}

func TestShutdownIsSpread(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const clients = 10
		s := newStand(t, newBook(0), func(c *Config) { c.ShutdownSpread = 5 * time.Second })
		p, stop := s.servePipes(t)
		type farewell struct {
			err   error
			after time.Duration
		}
		gone := make(chan farewell, clients)
		var began time.Time
		for range clients {
			l := p.listen(t, "")
			defer l.Close()
			l.wants("hello 0")
			go func() {
				_, err := l.next()
				gone <- farewell{err, time.Since(began)}
			}()
		}
		synctest.Wait()
		began = time.Now()
		stopped := make(chan struct{})
		go func() { defer close(stopped); stop() }()
		time.Sleep(time.Second + time.Millisecond)

		d := websocket.Dialer{NetDialContext: p.Dial}
		_, resp, err := d.Dial("ws://feed.test/live", nil)
		if err == nil || resp.StatusCode != http.StatusServiceUnavailable {
			t.Errorf("while stopping got %v, %v, want 503", resp, err)
		}
		<-stopped
		for i := range clients {
			f := <-gone
			if !websocket.IsCloseError(f.err, websocket.CloseServiceRestart) {
				t.Errorf("client %d: got %v, want close code 1012", i, f.err)
			}
			if want := time.Duration(i) * 500 * time.Millisecond; f.after != want {
				t.Errorf("client %d was closed after %v, want %v", i, f.after, want)
			}
		}
		if got := s.value(t, "martinella_live_dropped_total", dropShutdown); got != clients {
			t.Errorf("dropped at shutdown: got %v, want %d", got, clients)
		}
	})
}
