//go:build linux

package swarm

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

func TestEveryClientGetsEveryMessage(t *testing.T) {
	for name, cfg := range map[string]Config{
		"one loop":                   {Clients: 50},
		"two loops":                  {Clients: 51, Loops: 2},
		"most read afterwards":       {Clients: 50, Remote: true},
		"some never read":            {Clients: 50, Silent: 5},
		"both, in two loops":         {Clients: 60, Silent: 6, Remote: true, Loops: 2},
		"at any pace, one at a time": {Clients: 20, Rate: -1, Opening: 1},
	} {
		t.Run(name, func(t *testing.T) {
			srv := serve(t)
			cfg.URL = wsURL(srv)
			s := swarm(t, cfg)
			for measure := range 3 {
				s.Expect(4)
				began := Now()
				for _, c := range srv.all(t, cfg.Clients) {
					say(t, c, measure*4+1, measure*4+2, measure*4+3, measure*4+4)
				}
				if err := s.Wait(within(t)); err != nil {
					t.Fatalf("%v: %+v", err, s.Report())
				}
				ended := Now()
				r := s.Report()
				near := cfg.Clients - cfg.Silent
				if cfg.Remote {
					near = r.Near
					if near >= cfg.Clients/4 || near == 0 {
						t.Errorf("%d of %d read while the clock runs", near, cfg.Clients)
					}
				}
				if r.Clients != cfg.Clients || r.Reading != cfg.Clients-cfg.Silent || r.Silent != cfg.Silent || r.Near != near || r.Faults() != 0 || len(r.Closed) != 0 || len(r.Messages) != 4 {
					t.Fatalf("got %+v", r)
				}
				for i, m := range r.Messages {
					if m.Place != uint64(measure*4+1+i)<<seqBits || len(m.Times) != near || m.Bytes != 300 {
						t.Errorf("message %d: place %d, %d arrivals, %d bytes", i, m.Place, len(m.Times), m.Bytes)
					}
					if m.First() < began || m.All() > ended || m.At(0.5) < m.First() || m.At(0.99) < m.At(0.5) || m.All() < m.At(0.99) {
						t.Errorf("message %d: first %d, half %d, all %d, between %d and %d", i, m.First(), m.At(0.5), m.All(), began, ended)
					}
				}
			}
		})
	}
}

// A server that misbehaves on purpose.
func TestFaultsAreCountedExactly(t *testing.T) {
	whole := []int{1, 2, 3, 4, 5}
	for name, c := range map[string]struct {
		odd                       []int // what three of the clients get instead
		lost, doubled, disordered int
	}{
		"nothing is wrong":           {whole, 0, 0, 0},
		"one in the middle is lost":  {[]int{1, 2, 4, 5}, 3, 0, 0},
		"the first is lost":          {[]int{2, 3, 4, 5}, 3, 0, 0},
		"the last two are lost":      {[]int{1, 2, 3}, 6, 0, 0},
		"all are lost":               {nil, 15, 0, 0},
		"one comes twice":            {[]int{1, 2, 2, 3, 4, 5}, 0, 3, 0},
		"one comes twice, later":     {[]int{1, 2, 3, 4, 5, 2}, 0, 3, 0},
		"one comes three times":      {[]int{1, 1, 1, 2, 3, 4, 5}, 0, 6, 0},
		"two are exchanged":          {[]int{1, 3, 2, 4, 5}, 0, 0, 3},
		"backwards":                  {[]int{5, 4, 3, 2, 1}, 0, 0, 12},
		"lost, doubled, exchanged":   {[]int{2, 1, 1, 4}, 6, 3, 3},
		"one instead of another one": {[]int{1, 2, 3, 4, 4}, 3, 3, 0},
	} {
		for order, oddFirst := range map[string]bool{"the odd ones first": true, "the odd ones last": false} {
			t.Run(name+"/"+order, func(t *testing.T) {
				srv := serve(t)
				s := swarm(t, Config{URL: wsURL(srv), Clients: 12, Loops: 2})
				s.Expect(len(whole))
				conns := srv.all(t, 12)
				odd, even := conns[:3], conns[3:]
				tell := func(cs []*websocket.Conn, numbers []int) {
					for _, c := range cs {
						say(t, c, numbers...)
						if err := c.WriteMessage(websocket.TextMessage, []byte(`{"type":"gone"}`)); err != nil { // marks the end
							t.Fatal(err)
						}
					}
				}
				if oddFirst {
					tell(odd, c.odd)
					until(t, s, "the odd ones have theirs", func(r Report) bool { return r.Gone == 3 })
					tell(even, whole)
				} else {
					tell(even, whole)
					until(t, s, "the even ones have theirs", func(r Report) bool { return r.Gone == 9 })
					tell(odd, c.odd)
				}
				r := until(t, s, "everybody is at the end", func(r Report) bool { return r.Gone == 12 })
				if r.Lost != c.lost || r.Doubled != c.doubled || r.Reordered != c.disordered {
					t.Errorf("lost %d, doubled %d, reordered %d; want %d, %d, %d", r.Lost, r.Doubled, r.Reordered, c.lost, c.doubled, c.disordered)
				}
				if c.lost > 0 {
					ctx, cancel := context.WithCancel(t.Context())
					cancel()
					if err := s.Wait(ctx); !errors.Is(err, context.Canceled) {
						t.Errorf("Wait gives %v", err)
					}
				} else if err := s.Wait(within(t)); err != nil {
					t.Error(err)
				}
			})
		}
	}
}

func TestWhatNobodyGotIsLost(t *testing.T) {
	srv := serve(t)
	s := swarm(t, Config{URL: wsURL(srv), Clients: 10})
	s.Expect(2)
	for _, c := range srv.all(t, 10) {
		say(t, c, 1)
	}
	until(t, s, "the first has come", func(r Report) bool { return len(r.Messages) == 1 && r.Messages[0].All() != 0 })
	if r := s.Report(); r.Lost != 10 {
		t.Errorf("lost %d, want 10", r.Lost)
	}
}

func TestClosedClientsEndTheWaiting(t *testing.T) {
	srv := serve(t)
	s := swarm(t, Config{URL: wsURL(srv), Clients: 10})
	s.Expect(1)
	conns := srv.all(t, 10)
	for _, c := range conns[2:] {
		say(t, c, 1)
	}
	if err := conns[0].WriteMessage(websocket.CloseMessage, websocket.FormatCloseMessage(4408, "too slow")); err != nil {
		t.Fatal(err)
	}
	conns[1].NetConn().Close()
	if err := s.Wait(within(t)); err == nil || !strings.Contains(err.Error(), "closed") {
		t.Errorf("Wait gives %v", err)
	}
	r := until(t, s, "both are closed", func(r Report) bool { return r.Reading == 8 && r.Messages != nil && len(r.Messages[0].Times) == 8 })
	if r.Closed[4408] != 1 || r.Closed[closedAbruptly] != 1 || r.Lost != 2 {
		t.Errorf("got %+v", r)
	}
}

func TestPingsAreAnswered(t *testing.T) {
	srv := serve(t)
	s := swarm(t, Config{URL: wsURL(srv), Clients: 5})
	for _, c := range srv.all(t, 5) {
		if err := c.WriteControl(websocket.PingMessage, []byte("are you there"), time.Now().Add(time.Second)); err != nil {
			t.Fatal(err)
		}
	}
	for range 5 {
		select {
		case got := <-srv.pongs:
			if got != "are you there" {
				t.Errorf("the pong says %q", got)
			}
		case <-time.After(patience):
			t.Fatal("no pong came")
		}
	}
	if r := s.Report(); r.Pongs != 5 {
		t.Errorf("%d pongs", r.Pongs)
	}
}

func TestMessagesInPieces(t *testing.T) {
	srv := serve(t)
	s := swarm(t, Config{URL: wsURL(srv), Clients: 3})
	s.Expect(3)
	for _, c := range srv.all(t, 3) {
		// A message in three frames, byte by byte, with a ping between.
		m := floorMessage(1, 500)
		first := wholeFrame(opText, m[:10])
		first[0] &^= 0x80
		middle := wholeFrame(opContinuation, m[10:300])
		middle[0] &^= 0x80
		all := append(append(first, middle...), wholeFrame(opPing, []byte("x"))...)
		all = append(all, wholeFrame(opContinuation, m[300:])...)
		all = append(all, wholeFrame(opText, floorMessage(2, 100<<10))...)
		raw := c.NetConn()
		for _, b := range all[:600] {
			if _, err := raw.Write([]byte{b}); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := raw.Write(append(all[600:], wholeFrame(opText, floorMessage(3, 60))...)); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Wait(within(t)); err != nil {
		t.Fatal(err)
	}
	if r := s.Report(); r.Faults() != 0 || r.Messages[0].Bytes != 500 || r.Messages[1].Bytes != 100<<10 || r.Messages[2].Bytes != 60 {
		t.Errorf("got %+v", r)
	}
}

func TestAServerThatBreaksTheProtocolIsLeft(t *testing.T) {
	for name, bytes := range map[string][]byte{
		"a masked frame":               {0x81, 0x80, 0, 0, 0, 0},
		"a continuation of nothing":    {0x80, 1, 'x'},
		"a new message inside another": {0x01, 1, 'x', 0x81, 1, 'y'},
	} {
		t.Run(name, func(t *testing.T) {
			srv := serve(t)
			s := swarm(t, Config{URL: wsURL(srv), Clients: 2})
			if _, err := srv.all(t, 2)[0].NetConn().Write(bytes); err != nil {
				t.Fatal(err)
			}
			until(t, s, "it is left", func(r Report) bool { return r.Closed[closedWrong] == 1 && r.Reading == 1 })
		})
	}
}

func TestRetryAfterIsHonoured(t *testing.T) {
	srv := serve(t)
	srv.refuse.Store(7)
	began := time.Now()
	s := swarm(t, Config{URL: wsURL(srv), Clients: 20})
	if took := time.Since(began); took < time.Second {
		t.Errorf("all were in after %v, but some were asked to wait a second", took)
	}
	s.Expect(1)
	for _, c := range srv.all(t, 20) {
		say(t, c, 1)
	}
	if err := s.Wait(within(t)); err != nil {
		t.Fatal(err)
	}
	if r := s.Report(); r.Retried != 7 || r.Reading != 20 || r.Faults() != 0 {
		t.Errorf("got %+v", r)
	}
	srv = serve(t)
	srv.after = "3600"
	srv.refuse.Store(1 << 40)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := Open(ctx, Config{URL: wsURL(srv), Clients: 2}); !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "0 of 2") {
		t.Errorf("a server that is closed for an hour: %v", err)
	}
}

func TestOpenSaysWhatIsWrong(t *testing.T) {
	refuses := func(status int, header http.Header) string {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			maps.Copy(w.Header(), header)
			w.WriteHeader(status)
			w.Write(bytes.Repeat([]byte("x"), 100))
		}))
		t.Cleanup(s.Close)
		return s.URL
	}
	for name, c := range map[string]struct {
		cfg  Config
		says string
	}{
		"no client":               {Config{URL: "ws://127.0.0.1:1/"}, "at least one client"},
		"nobody reads":            {Config{URL: "ws://127.0.0.1:1/", Clients: 3, Silent: 3}, "one must read"},
		"no address":              {Config{URL: "live", Clients: 1}, "is not like"},
		"TLS":                     {Config{URL: "wss://127.0.0.1:1/", Clients: 1}, "wss"},
		"nobody listens":          {Config{URL: refused(t), Clients: 4}, "connection refused"},
		"no WebSocket":            {Config{URL: refuses(http.StatusNotFound, nil), Clients: 1}, "404"},
		"a wrong accept":          {Config{URL: refuses(http.StatusSwitchingProtocols, http.Header{"Sec-Websocket-Accept": {"x"}}), Clients: 1}, "Accept is wrong"},
		"more than files allowed": {Config{URL: "ws://127.0.0.1:1/", Clients: 1 << 30}, "do not fit"},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := Open(within(t), c.cfg)
			if err == nil {
				s.Close()
			}
			if err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("got %v, want %q", err, c.says)
			}
		})
	}
}

// Nine take more than any buffer of the kernel holds at once; the tenth has two
// seconds more than they needed, and would need far less.
func TestSilentClientsNeverRead(t *testing.T) {
	srv := serve(t)
	swarm(t, Config{URL: wsURL(srv), Clients: 10, Silent: 1})
	conns := srv.all(t, 10)
	written := make(chan error, len(conns))
	for _, c := range conns {
		go func() {
			var err error
			for n := 0; n < 4000 && err == nil; n++ {
				err = c.WriteMessage(websocket.TextMessage, floorMessage(n+1, 2000))
			}
			written <- err
		}()
	}
	limit := time.After(2 * patience)
	for n := range 9 {
		select {
		case err := <-written:
			if err != nil {
				t.Fatal(err)
			}
		case <-limit:
			t.Fatalf("%d clients read all, want 9", n)
		}
	}
	for _, c := range conns {
		_ = c.NetConn().SetWriteDeadline(time.Now().Add(2 * time.Second))
	}
	if err := <-written; err == nil {
		t.Error("nobody is silent: all have read all")
	}
}

func TestTheFloorWritesToEverySocket(t *testing.T) {
	f := floor(t)
	for round := range 2 {
		s := swarm(t, Config{URL: f.URL(), Clients: 50, Rate: -1, Loops: 1 + round})
		if n, err := f.Sockets(); err != nil || n != 50 {
			t.Fatalf("%d sockets, %v", n, err)
		}
		for _, burst := range []int{1, 20} {
			s.Expect(burst)
			done, err := f.Fan(1024, burst)
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Wait(within(t)); err != nil {
				t.Fatal(err)
			}
			r := s.Report()
			if done.Writes != int64(50*burst) || done.Sockets != 50 || done.End <= done.Start || done.CPU <= 0 {
				t.Errorf("the floor says %+v", done)
			}
			if r.Faults() != 0 || len(r.Messages) != burst || r.Messages[0].Bytes != 1024 || r.Messages[0].First() < done.Start {
				t.Errorf("the clients say %+v", r)
			}
		}
		s.Close()
		if err := f.Drop(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := f.ask("sing"); err == nil || !strings.Contains(err.Error(), "unknown") {
		t.Errorf("an unknown command: %v", err)
	}
}

// What comes is taken without making garbage.
func TestReceivingDoesNotAllocate(t *testing.T) {
	l := newLedger()
	clients := make([]seen, 100)
	l.near = 100
	place := uint64(1)
	message := floorMessage(1, 1024)
	allocs := testing.AllocsPerRun(20, func() {
		l.expect(1) // makes room in the first run
		place++
		if _, k := PlaceOfCursor(message); k != Message {
			t.Fatal("no message")
		}
		for i := range clients {
			l.see(&clients[i], place, 1024, int64(i))
		}
	})
	if allocs > 2 { // the tables of messages grow sometimes
		t.Errorf("%v allocations for 100 deliveries", allocs)
	}
}
