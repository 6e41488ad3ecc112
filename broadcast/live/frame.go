package live

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"go.uber.org/zap"

	"martinella/broadcast"
)

// frame is one message as it goes over the wire, built once and written to
// many clients: its bytes are never changed.
type frame struct {
	ws []byte // a whole WebSocket frame; nil where it is for event streams only

	event func() []byte // the same for event streams; empty where it says nothing there
}

// The opcodes of RFC 6455 section 5.2.
const (
	opContinuation = 0x0
	opText         = 0x1
	opBinary       = 0x2
	opClose        = 0x8
	opPing         = 0x9
	opPong         = 0xA
)

// appendFrame appends one whole frame of the server: final, not masked (RFC
// 6455 section 5.2).
func appendFrame(b []byte, opcode byte, payload []byte) []byte {
	b = append(b, 0x80|opcode)
	switch n := len(payload); {
	case n < 126:
		b = append(b, byte(n))
	case n <= 0xFFFF:
		b = binary.BigEndian.AppendUint16(append(b, 126), uint16(n))
	default:
		b = binary.BigEndian.AppendUint64(append(b, 127), uint64(n))
	}
	return append(b, payload...)
}

func newFrame(cursor broadcast.Cursor, text []byte) *frame {
	ws := appendFrame(make([]byte, 0, len(text)+10), opText, text)
	return &frame{ws, sync.OnceValue(func() []byte { return event(cursor, ws[len(ws)-len(text):]) })}
}

// event writes a message as a server-sent event (WHATWG HTML, section 9.2.6).
func event(cursor broadcast.Cursor, text []byte) []byte {
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
}

// controlFrame is a frame that carries no message.
func controlFrame(opcode byte, payload []byte, event string) *frame {
	return &frame{appendFrame(nil, opcode, payload), func() []byte { return []byte(event) }}
}

// pingFrame asks a WebSocket whether it lives; to an event stream it is a
// comment, which keeps proxies from closing it.
var pingFrame = controlFrame(opPing, nil, ":\n\n")

// wire gives the bytes for one transport.
func (f *frame) wire(sse bool) []byte {
	if sse {
		return f.event()
	}
	return f.ws
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

// goneFrame tells the client to load everything again, within what time. Its
// cursor moves an EventSource on, so that it does not come back with the old
// one.
func goneFrame(cursor broadcast.Cursor, spread time.Duration) *frame {
	return newFrame(cursor, goneText(spread))
}

func goneText(spread time.Duration) []byte {
	return fmt.Appendf(nil, `{"type":"gone","spread_ms":%d}`, spread.Milliseconds())
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
	reach  func() *reach

	mu     sync.Mutex
	frames map[wording]*frame
}

func (h *Hub) newItem(e broadcast.Entry) *item {
	return &item{entry: e, hidden: !h.cfg.Public(e.Record), reach: sync.OnceValue(func() *reach { return reachOf(e.Record) })}
}

// frame gives the change in a wording; it builds each wording once.
func (it *item) frame(h *Hub, w wording) *frame {
	it.mu.Lock()
	defer it.mu.Unlock()
	f := it.frames[w]
	if f == nil {
		f = newFrame(it.entry.Cursor, h.build(it.entry, w))
		if it.frames == nil {
			it.frames = map[wording]*frame{}
		}
		it.frames[w] = f
	}
	return f
}

// build writes a change. One that cannot be written must not end the node, nor
// be missed: the clients are told to load the page again, where it stands.
func (h *Hub) build(e broadcast.Entry, w wording) (text []byte) {
	defer func() {
		if v := recover(); v != nil {
			h.cfg.Logger.Error("a change could not be written for the live feed: its clients load again", zap.String("alert", string(e.Record.ID)),
				zap.Any("panic", v), zap.ByteString("stack", debug.Stack()))
			text = goneText(w.spread)
		}
	}()
	if w.view == viewFull {
		return h.cfg.Full(e, w.lang, w.spread)
	}
	return h.cfg.Brief(e, w.lang, w.spread)
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
