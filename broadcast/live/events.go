package live

import (
	"context"
	"net"
	"net/http"
	"time"
)

// Events is the live feed as server-sent events, /events (WHATWG HTML, section
// 9.2), with the messages and the query of [Hub.ServeHTTP]. The id of each
// event is its cursor, so that a browser comes back with Last-Event-ID by
// itself; the header wins over since. A stream that is closed by us just ends.
// A peer that vanished without a word is found when its socket is full or the
// operating system gives up: there is no pong.
func (h *Hub) Events() http.Handler { return http.HandlerFunc(h.serveEvents) }

func (h *Hub) serveEvents(w http.ResponseWriter, r *http.Request) {
	asked, ok := h.welcome(w, r, true)
	if !ok {
		return
	}
	if again, ok := h.admit(r); !ok {
		refuse(w, again)
		return
	}
	header := w.Header()
	header.Set("Content-Type", "text/event-stream")
	header.Set("Cache-Control", "no-store")
	header.Set("X-Accel-Buffering", "no") // nginx and its like pass events on at once
	header.Set("Vary", "Origin")
	if origin := r.Header.Get("Origin"); origin != "" {
		header.Set("Access-Control-Allow-Origin", origin)
	}
	if r.ProtoMajor == 1 {
		header.Set("Connection", "close")
	}
	if conn, ok := r.Context().Value(connKey{}).(net.Conn); ok {
		h.bound(conn)
	}
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	s := &stream{w: w, door: http.NewResponseController(w), wake: make(chan struct{}, 1)}
	_ = s.door.SetReadDeadline(time.Time{}) // the server's would end the stream
	c := h.newClient()
	c.line, c.sse, c.onEnd = s, true, cancel
	c.mu.Lock()
	h.enters(c)
	// Browsers come back after this time; it differs so that they do not all
	// come back together.
	c.tell(controlFrame(opPing, nil, retryHint(time.Second, 4*time.Second)))
	h.loops.Go(func() { h.arrive(ctx, c, asked) })
	c.mu.Unlock()
	s.write(ctx, c)
}

// stream is the line of an event stream. The request's goroutine writes.
type stream struct {
	w    http.ResponseWriter
	door *http.ResponseController
	wake chan struct{} // holds one token while something waits
	over bool          // nothing is written any more
}

func (s *stream) try([]byte) (int, error) { return 0, nil }

func (s *stream) later(*client) {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

func (s *stream) rest() {}
func (s *stream) shut() { s.over = true }

// close frees a writer that waits for the socket.
func (s *stream) close() {
	if !s.over {
		_ = s.door.SetWriteDeadline(time.Unix(1, 0))
	}
}

// write writes what is given until the client is ended and has its farewell,
// or the peer is gone.
func (s *stream) write(ctx context.Context, c *client) {
	for {
		select {
		case <-s.wake:
			c.drain(s.put)
			continue
		case <-ctx.Done():
		}
		break
	}
	c.mu.Lock()
	c.end(endLeft) // when it was the request's context that ended
	c.mu.Unlock()
	c.drain(s.put)
	c.mu.Lock()
	defer c.mu.Unlock()
	s.over = true
	c.close()
}

func (s *stream) put(b []byte) error {
	_, err := s.w.Write(b)
	if err == nil {
		err = s.door.Flush()
	}
	return err
}
