package live

import (
	"bytes"
	"encoding/json"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"martinella/broadcast"
)

// frame is one message, built once and written to many clients: its bytes are
// never changed.
type frame struct {
	cursor broadcast.Cursor
	text   []byte

	ws    func() *websocket.PreparedMessage
	event func() []byte
}

func newFrame(cursor broadcast.Cursor, text []byte) *frame {
	f := &frame{cursor: cursor, text: text}
	f.ws = sync.OnceValue(func() *websocket.PreparedMessage {
		p, err := websocket.NewPreparedMessage(websocket.TextMessage, text)
		if err != nil {
			panic("live: a text message is always prepared: " + err.Error())
		}
		return p
	})
	f.event = sync.OnceValue(func() []byte {
		var b bytes.Buffer
		if cursor != "" {
			b.WriteString("id: " + string(cursor) + "\n")
		}
		for line := range bytes.Lines(text) {
			b.WriteString("data: ")
			b.Write(bytes.TrimRight(line, "\r\n"))
			b.WriteByte('\n')
		}
		b.WriteByte('\n')
		return b.Bytes()
	})
	return f
}

// helloFrame is the first message of every client: cursor is the place from
// which its feed goes on, and what it must come back with until it gets a
// newer one.
func helloFrame(cursor broadcast.Cursor, now time.Time) *frame {
	text, err := json.Marshal(struct {
		Type   string           `json:"type"`
		Cursor broadcast.Cursor `json:"cursor"`
		Time   string           `json:"time"`
	}{"hello", cursor, now.UTC().Format(time.RFC3339)})
	if err != nil {
		panic("live: a hello always marshals: " + err.Error())
	}
	return newFrame(cursor, text)
}

// goneFrame tells the client to load everything again. Its cursor moves an
// EventSource on, so that it does not come back with the old one.
func goneFrame(cursor broadcast.Cursor) *frame {
	return newFrame(cursor, []byte(`{"type":"gone"}`))
}

// view is what a client wants to read of each change.
type view string

const (
	viewBrief view = "brief"
	viewFull  view = "full"
)

// wording names one way in which a change is written.
type wording struct {
	view   view
	lang   string
	spread time.Duration
}

// item is one change in the ring, with the frames that were built of it.
type item struct {
	entry  broadcast.Entry
	hidden bool // not for the public: only its cursor counts

	mu     sync.Mutex
	frames map[wording]*frame
}

// frame gives the change in a wording; it builds each wording once.
func (it *item) frame(h *Hub, w wording) *frame {
	it.mu.Lock()
	defer it.mu.Unlock()
	f := it.frames[w]
	if f == nil {
		build := h.cfg.Brief
		if w.view == viewFull {
			build = h.cfg.Full
		}
		f = newFrame(it.entry.Cursor, build(it.entry, w.lang, w.spread))
		if it.frames == nil {
			it.frames = map[wording]*frame{}
		}
		it.frames[w] = f
	}
	return f
}

// Bounds of the time over which pages fetch their fragment after a change.
const (
	minSpread = 150 * time.Millisecond
	maxSpread = 30 * time.Second
	perClient = 200 * time.Microsecond // 5,000 fetches a second from this node
)

// spread is the time within which the pages that are open shall fetch their
// fragment: 0.2 ms for each client, at least 150 ms, at most 30 s. It goes up
// in doublings (150, 300, 600 ms, ...), so that few different frames are
// built: 10,000 clients have 2.4 s, from 96,001 on it is 30 s.
func spread(clients int) time.Duration {
	s := minSpread
	for s < time.Duration(clients)*perClient {
		s *= 2
		if s >= maxSpread {
			return maxSpread
		}
	}
	return s
}
