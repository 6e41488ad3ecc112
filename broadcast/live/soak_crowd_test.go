package live_test

import (
	"io"
	"math/rand/v2"
	"slices"
	"time"
)

// prank is something that a client does; w is its open WebSocket with the
// hello read, or a bare connection where raw is set.
type prank struct {
	name string
	raw  bool
	do   func(f *field, w *wire, dice *rand.Rand)
}

// pranks are what the crowd of a soak does, each one as often as the other.
var pranks = []prank{
	{"reads for a while and says goodbye", false, func(f *field, w *wire, dice *rand.Rand) {
		w.readSome(dice.IntN(40))
		socket{w}.leave()
	}},
	{"reads for a while and vanishes", false, func(_ *field, w *wire, dice *rand.Rand) { w.readSome(dice.IntN(40)) }},
	{"stalls, then reads on", false, func(f *field, w *wire, dice *rand.Rand) {
		f.ahead(dice.Int64N(300))
		w.readSome(500)
	}},
	{"never reads", false, func(f *field, _ *wire, dice *rand.Rand) { f.ahead(200 + dice.Int64N(600)) }},
	{"closes its half and stays", false, func(f *field, w *wire, dice *rand.Rand) {
		_ = w.tcp.CloseWrite()
		f.ahead(dice.Int64N(100))
		w.readSome(1000)
	}},
	{"says garbage", false, func(_ *field, w *wire, dice *rand.Rand) {
		b := make([]byte, 1+dice.IntN(3000))
		for i := range b {
			b[i] = byte(dice.Uint32())
		}
		w.says(dice, b)
	}},
	{"says too much at once", false, func(_ *field, w *wire, dice *rand.Rand) {
		w.says(dice, masked(fin|text, make([]byte, 4097+dice.IntN(60_000))))
	}},
	{"declares endless lengths", false, func(_ *field, w *wire, dice *rand.Rand) {
		w.says(dice, long(fin|text, dice.Uint64()))
	}},
	{"sends fragments without an end", false, func(_ *field, w *wire, dice *rand.Rand) {
		w.says(dice, slices.Concat(masked(text, nil), repeat(dice.IntN(200), masked(more, make([]byte, dice.IntN(60))))))
	}},
	{"compresses", false, func(_ *field, w *wire, dice *rand.Rand) {
		w.says(dice, masked(fin|rsv1|text, []byte{0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00}))
	}},
	{"does not mask", false, func(_ *field, w *wire, dice *rand.Rand) { w.says(dice, []byte{fin | text, 2, 'h', 'i'}) }},
	{"floods with pings", false, func(_ *field, w *wire, dice *rand.Rand) {
		w.says(dice, repeat(1+dice.IntN(500), masked(fin|ping, make([]byte, dice.IntN(125)))))
	}},
	{"floods with pings and never reads", false, func(f *field, w *wire, dice *rand.Rand) {
		for range 20 {
			if _, err := w.Write(repeat(3, masked(fin|ping, make([]byte, 125)))); err != nil || !f.ahead(1+dice.Int64N(40)) {
				return
			}
		}
	}},
	{"says goodbye in a strange way", false, func(_ *field, w *wire, dice *rand.Rand) {
		payloads := [][]byte{nil, {3}, ending(0, ""), ending(1005, ""), ending(65535, ""), ending(1000, "\xff"), ending(4999, "ok"), make([]byte, 126)}
		w.says(dice, masked(fin|bye, payloads[dice.IntN(len(payloads))]))
	}},
	{"says goodbye and then more", false, func(_ *field, w *wire, dice *rand.Rand) {
		w.says(dice, slices.Concat(masked(fin|bye, ending(1000, "")), repeat(100, masked(fin|text, []byte("x")))))
	}},
	{"vanishes within a frame", false, func(_ *field, w *wire, dice *rand.Rand) {
		b := masked(fin|text, make([]byte, 200))
		_, _ = w.Write(b[:1+dice.IntN(len(b)-1)])
	}},
	{"is silent for long", false, func(f *field, w *wire, _ *rand.Rand) { f.ahead(1000); w.readSome(1) }},

	{"connects and says nothing", true, func(f *field, _ *wire, dice *rand.Rand) { f.ahead(dice.Int64N(200)) }},
	{"never ends its handshake", true, func(f *field, w *wire, dice *rand.Rand) {
		request := hello("view=full")
		_, _ = io.WriteString(w, request[:dice.IntN(len(request))])
		f.ahead(dice.Int64N(200))
	}},
	{"vanishes after the handshake", true, func(_ *field, w *wire, _ *rand.Rand) { _, _ = io.WriteString(w, hello("since=e1-1-0")) }},
	{"does not wait for the handshake", true, func(_ *field, w *wire, dice *rand.Rand) {
		_, _ = w.Write(append([]byte(hello("")), masked(fin|ping, []byte("hasty"))...))
		w.readSome(dice.IntN(5))
	}},
	{"is no browser", true, func(_ *field, w *wire, _ *rand.Rand) {
		_, _ = io.WriteString(w, "GET /live HTTP/9.9\r\n\x00\xff\r\n\r\n")
		_, _ = io.Copy(io.Discard, w.in)
	}},
	{"wants all history and does not read it", true, func(f *field, w *wire, dice *rand.Rand) {
		_, _ = io.WriteString(w, hello("view=full&since="+string(place(1, int(f.published.Load()/2)))))
		f.ahead(dice.Int64N(300))
	}},
	{"reads events and vanishes", true, func(_ *field, w *wire, dice *rand.Rand) {
		_, _ = io.WriteString(w, "GET /events HTTP/1.1\r\nHost: feed.test\r\n\r\n")
		_, _ = io.CopyN(io.Discard, w.in, dice.Int64N(20_000))
	}},
	{"opens events and does not read", true, func(f *field, w *wire, dice *rand.Rand) {
		_, _ = io.WriteString(w, "GET /events?view=full HTTP/1.1\r\nHost: feed.test\r\nLast-Event-ID: e1-0-0\r\n\r\n")
		f.ahead(200 + dice.Int64N(400))
	}},
	{"closes its half of events", true, func(f *field, w *wire, dice *rand.Rand) {
		_, _ = io.WriteString(w, "GET /events HTTP/1.1\r\nHost: feed.test\r\n\r\n")
		_ = w.tcp.CloseWrite()
		f.ahead(dice.Int64N(50))
	}},
}

// loiter plays one prank after the other until the time is up.
func (f *field) loiter(dice *rand.Rand) {
	for !f.isOver() {
		p := pranks[dice.IntN(len(pranks))]
		f.count(p.name)
		w, err := f.dial(dice.IntN(2) == 0)
		if err != nil {
			f.t.Errorf("no connection any more: %v", err)
			return
		}
		f.crowd.Store(w, nil)
		if f.isOver() {
			_ = w.tcp.Close()
		}
		if !p.raw {
			err = w.upgrade(hello([]string{"", "view=full", "area=023091", "view=full&since=e1-0-0"}[dice.IntN(4)]))
			if err == nil {
				_, err = w.read()
			}
		}
		if err != nil {
			f.unwelcome(err)
		} else {
			p.do(f, w, dice)
		}
		if dice.IntN(2) == 0 {
			_ = w.tcp.SetLinger(0)
		}
		_ = w.tcp.Close()
		f.crowd.Delete(w)
	}
}

// readSome reads up to n frames.
func (w *wire) readSome(n int) {
	for ; n > 0; n-- {
		_ = w.SetReadDeadline(time.Now().Add(hang))
		f, err := w.read()
		if err != nil || f.opcode == bye {
			return
		}
		if f.opcode == ping {
			_, _ = w.Write(masked(fin|pong, f.payload))
		}
	}
}

// says writes what may be too much, and waits for the answer or does not.
func (w *wire) says(dice *rand.Rand, b []byte) {
	if dice.IntN(4) == 0 { // in two parts
		i := dice.IntN(len(b))
		_, _ = w.Write(b[:i])
		b = b[i:]
	}
	_, _ = w.Write(b)
	if dice.IntN(2) == 0 {
		w.readSome(200)
	}
}
