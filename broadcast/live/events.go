package live

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
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
	c := h.welcome(w, r, sse)
	if c == nil {
		return
	}
	defer c.cancel()
	if !h.admit(w, c) {
		return
	}
	defer h.leave(c)
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
	s := &stream{client: c, hub: h, w: w, door: http.NewResponseController(w)}
	_ = s.door.SetReadDeadline(time.Time{}) // the server's would end the stream
	s.run()
}

// stream is a client on server-sent events. The request's goroutine writes.
type stream struct {
	*client
	hub  *Hub
	w    http.ResponseWriter
	door *http.ResponseController
}

func (s *stream) run() {
	// Browsers come back after this time; it differs so that they do not all
	// come back together.
	_ = s.put([]byte(retryHint(time.Second, 4*time.Second)))
	if err := s.hub.join(s.client, s); err != nil && s.ctx.Err() == nil {
		s.stop(s.hub, endStore)
	}
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
			_ = s.put([]byte(":\n\n"))
			ping.Reset(s.hub.cfg.PingEvery)
		}
	}
	s.stop(s.hub, endLeft) // when it was the request's context that ended
	if s.end() == endShutdown {
		_ = s.door.SetWriteDeadline(time.Now().Add(s.hub.cfg.WriteTimeout))
		if _, err := fmt.Fprint(s.w, retryHint(time.Second, time.Second+s.hub.cfg.ShutdownSpread)); err == nil {
			_ = s.door.Flush()
		}
	}
}

func (s *stream) send(f *frame) error { return s.put(f.event()) }

// put writes bytes and flushes them; an error has ended the client.
func (s *stream) put(b []byte) error {
	if err := s.ctx.Err(); err != nil {
		return err
	}
	begun := time.Now()
	_ = s.door.SetWriteDeadline(begun.Add(s.hub.cfg.WriteTimeout))
	_, err := s.w.Write(b)
	if err == nil {
		err = s.door.Flush()
	}
	if err == nil {
		return nil
	}
	// The server cancels the request at the first failed write, so that the
	// time tells a full socket from a peer that left.
	if time.Since(begun) >= s.hub.cfg.WriteTimeout {
		s.stop(s.hub, endWrite)
	} else {
		s.stop(s.hub, endLeft)
	}
	return err
}

// retryHint is the field that tells a browser when to come back.
func retryHint(from, to time.Duration) string {
	var b strings.Builder
	fmt.Fprintf(&b, "retry: %d\n\n", (from + rand.N(to-from+1)).Milliseconds())
	return b.String()
}
