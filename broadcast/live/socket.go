package live

import (
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

// lingering is how long a peer that we closed may take to say goodbye.
const lingering = 2 * time.Second

// chatter is how many frames of any kind a peer may send between two pings. It
// has nothing to say but pong.
const chatter = 64

var errChatter = errors.New("too many messages")

// socket is a client on a WebSocket: one goroutine reads, one writes.
type socket struct {
	*client
	hub  *Hub
	conn *websocket.Conn

	mu      sync.Mutex // guards the read deadline
	closing bool       // the last read deadline is set

	heard  int // frames since counted; only the reader's
	counts time.Time
}

// ServeHTTP is the WebSocket of the live feed, /live. It blocks as long as the
// client stays.
//
// Query: since=CURSOR replays what came after it, area=CODE (see concerns),
// lang=TAG, view=brief|full. Close codes: 4408 too slow, 1012 restarting, 1013
// history not at hand, 1009 and 1008 for a peer that says too much.
func (h *Hub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodGet && !websocket.IsWebSocketUpgrade(r) {
		w.Header().Set("Upgrade", "websocket")
		http.Error(w, "this is a WebSocket; the same feed as server-sent events is at /events", http.StatusUpgradeRequired)
		return
	}
	c := h.welcome(w, r, webSocket)
	if c == nil {
		return
	}
	defer c.cancel()
	if !h.admit(w, c) {
		return
	}
	defer h.leave(c)
	conn, err := h.upgrader.Upgrade(w, r, nil)
	if err != nil {
		return // answered by the upgrader
	}
	s := &socket{client: c, hub: h, conn: conn, counts: time.Now()}
	written := make(chan struct{})
	go func() {
		defer close(written)
		s.write()
	}()
	if polite := s.read(); polite {
		<-written
		s.drain()
	}
	s.conn.Close()
	<-written
}

// read takes what the peer sends until the connection ends. Messages are
// ignored; they only show that the peer lives. It reports whether the peer is
// there, broke a rule, and shall be told so before the connection is closed.
func (s *socket) read() (polite bool) {
	s.conn.SetReadLimit(maxInbound)
	s.conn.SetPongHandler(func(string) error { return s.hear() })
	s.conn.SetPingHandler(func(data string) error {
		if err := s.hear(); err != nil {
			return err
		}
		err := s.conn.WriteControl(websocket.PongMessage, []byte(data), time.Now().Add(time.Second))
		if nerr, ok := errors.AsType[net.Error](err); errors.Is(err, websocket.ErrCloseSent) || (ok && nerr.Timeout()) {
			return nil
		}
		return err
	})
	s.extend()
	for {
		_, message, err := s.conn.NextReader()
		if err == nil {
			err = s.hear()
		}
		if err == nil {
			_, err = io.Copy(io.Discard, message) // or its other frames would not count for the limit
		}
		if err == nil {
			continue
		}
		var closed *websocket.CloseError
		var network net.Error
		switch {
		case errors.As(err, &closed):
			s.stop(s.hub, endLeft)
		case errors.As(err, &network) && network.Timeout():
			s.stop(s.hub, endSilent)
		case errors.As(err, &network):
			s.stop(s.hub, endLeft)
		default:
			s.stop(s.hub, endProtocol)
			return true
		}
		return false
	}
}

// hear counts a frame from the peer, who therefore lives.
func (s *socket) hear() error {
	if time.Since(s.counts) > s.hub.cfg.PingEvery {
		s.counts, s.heard = time.Now(), 0
	}
	if s.heard++; s.heard > chatter {
		return errChatter
	}
	s.extend()
	return nil
}

// extend gives the peer time until its next sign of life.
func (s *socket) extend() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closing {
		_ = s.conn.SetReadDeadline(time.Now().Add(s.hub.cfg.PongWithin))
	}
}

// write sends the queue and pings until the client is ended, then the close
// frame.
func (s *socket) write() {
	err := s.hub.join(s.client, s)
	if err != nil && s.ctx.Err() == nil {
		s.stop(s.hub, endStore)
	}
	// Pings are spread over the interval, so that clients that came together
	// are not pinged together.
	ping := time.NewTimer(rand.N(s.hub.cfg.PingEvery) + 1)
	defer ping.Stop()
	for s.ctx.Err() == nil {
		select {
		case <-s.ctx.Done():
		case <-s.wake:
			for _, w := range s.take() {
				_ = s.send(w.frame) // ends the client itself
				w.tally.done()
			}
		case <-ping.C:
			_ = s.written(s.conn.WriteControl(websocket.PingMessage, nil, s.deadline())) // ends the client itself
			ping.Reset(s.hub.cfg.PingEvery)
		}
	}
	s.stop(s.hub, endLeft) // when it was the request's context that ended
	s.goodbye()
}

// send writes one frame; an error has ended the client.
func (s *socket) send(f *frame) error {
	if err := s.ctx.Err(); err != nil {
		return err
	}
	_ = s.conn.SetWriteDeadline(s.deadline())
	return s.written(s.conn.WritePreparedMessage(f.ws()))
}

func (s *socket) deadline() time.Time { return time.Now().Add(s.hub.cfg.WriteTimeout) }

// written ends the client when its socket did not take what was written. Only
// a socket that is full is our doing; a broken one the reader sees as well.
func (s *socket) written(err error) error {
	if err == nil {
		return nil
	}
	var network net.Error
	if errors.As(err, &network) && network.Timeout() {
		s.stop(s.hub, endWrite)
	} else {
		s.stop(s.hub, endLeft)
	}
	s.conn.Close()
	return err
}

// goodbye sends the close frame of the ending, if it has one, and gives the
// peer a moment to answer: the reader waits for that, and then closes.
func (s *socket) goodbye() {
	e := s.end()
	if e.code == 0 {
		s.conn.Close()
		return
	}
	err := s.conn.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(e.code, e.text), s.deadline())
	if err != nil && !errors.Is(err, websocket.ErrCloseSent) {
		s.conn.Close()
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closing = true
	_ = s.conn.SetReadDeadline(time.Now().Add(lingering))
}

// drain reads a little of what a peer that broke a rule still sends. Closing
// over unread bytes would reset the connection and destroy the close frame on
// its way.
func (s *socket) drain() {
	if half, ok := s.conn.NetConn().(interface{ CloseWrite() error }); ok {
		_ = half.CloseWrite()
	}
	_, _ = io.CopyN(io.Discard, s.conn.NetConn(), 16*maxInbound)
}
