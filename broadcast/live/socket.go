package live

import (
	"context"
	"errors"
	"net"
	"net/http"
	"time"

	"github.com/gorilla/websocket"
	"go.uber.org/zap"
)

// ServeHTTP is the WebSocket of the live feed, /live. It returns when the
// client has what it missed; the connection lives on without it.
//
// Query: since=CURSOR replays what came after it, area=CODE (see reach),
// lang=TAG, view=brief|full. Close codes: 4408 too slow, 1012 restarting, 1013
// not now, both with the reason "retry=SECONDS"; 1002, 1007, 1008 and 1009 for a
// peer that breaks the rules.
func (h *Hub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodGet && !websocket.IsWebSocketUpgrade(r) {
		w.Header().Set("Upgrade", "websocket")
		http.Error(w, "this is a WebSocket; the same feed as server-sent events is at /events", http.StatusUpgradeRequired)
		return
	}
	asked, ok := h.welcome(w, r, false)
	if !ok {
		return
	}
	if again, ok := h.admit(r); !ok {
		h.turnAway(w, r, again)
		return
	}
	conn, err := h.upgrader.Upgrade(w, r, nil)
	if err != nil {
		h.giveUp() // answered by the upgrader
		return
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(r.Context()))
	defer cancel()
	c := h.newClient()
	c.onEnd = cancel
	h.connect(c, conn.NetConn())
	h.arrive(ctx, c, asked)
	c.mu.Lock()
	c.onEnd = nil
	c.mu.Unlock()
}

// sendBuffer is what the kernel keeps for a client that does not read (it
// doubles the figure, socket(7)): some bursts, and little enough that many such
// clients cannot use up what the kernel has for all connections (tcp_mem), which
// would close the windows of the others. Left alone it grows to 4 MiB.
const sendBuffer = 32 << 10

// connect gives a client the best line for its connection, and opens it.
func (h *Hub) connect(c *client, conn net.Conn) {
	c.mu.Lock() // or the poller could hear of a client that is not open yet
	defer c.mu.Unlock()
	h.bound(conn)
	if tcp, ok := conn.(*net.TCPConn); ok && h.pollers != nil {
		if err := h.pollers[c.home.number].take(tcp, c); err == nil {
			h.enters(c)
			return
		} // the kernel has no descriptor left, say: as on other platforms
	}
	l := newConnLine(h, conn)
	c.line = l
	h.loops.Go(func() { l.read(c) })
	h.enters(c)
}

// bound keeps what the kernel holds for a client small, in bytes and in time.
// The kernel's patience ends after ours, which says why a client was ended.
func (h *Hub) bound(conn net.Conn) {
	if tcp, ok := plain(conn).(*net.TCPConn); ok {
		_ = tcp.SetWriteBuffer(sendBuffer)
		limitUnread(tcp, h.cfg.unread())
	}
}

// KeepConn is for the server of the feed (http.Server.ConnContext): by it an
// event stream finds its connection, and bounds what the kernel holds for it.
func KeepConn(ctx context.Context, conn net.Conn) context.Context {
	return context.WithValue(ctx, connKey{}, conn)
}

type connKey struct{}

// plain is the connection below TLS.
func plain(conn net.Conn) net.Conn {
	if wrapped, ok := conn.(interface{ NetConn() net.Conn }); ok {
		return wrapped.NetConn()
	}
	return conn
}

// turnAway refuses a client for now. A program reads Retry-After; a browser
// tells its page no more than that there is no connection, so a page gets one
// and is told on it.
func (h *Hub) turnAway(w http.ResponseWriter, r *http.Request, again time.Duration) {
	if r.Header.Get("Origin") == "" {
		refuse(w, again)
		return
	}
	conn, err := h.upgrader.Upgrade(w, r, nil)
	if err != nil {
		return
	}
	defer conn.Close()
	f := (&ending{code: 1013, retry: again}).farewell(false)
	_ = conn.NetConn().SetWriteDeadline(time.Now().Add(time.Second))
	_, _ = conn.NetConn().Write(f.ws)
}

// arrive brings a client to the present, or ends it.
func (h *Hub) arrive(ctx context.Context, c *client, asked request) {
	err := h.join(ctx, c, asked)
	if err == nil {
		return
	}
	why := endStore
	if ctx.Err() != nil {
		why = endLeft // in between
	} else if !errors.Is(err, errEnded) {
		h.cfg.Logger.Warn("a client of the live feed could not be brought to the present: it is asked to come back", zap.Error(err))
	}
	c.mu.Lock()
	c.end(why) // nothing new where the client is ended
	c.mu.Unlock()
}
