package live_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"martinella/broadcast"
	"martinella/broadcast/live"
)

// stranger is a client that the test speaks for, byte by byte.
type stranger struct {
	*wire
	t testing.TB
}

// stranger opens a WebSocket and reads the hello.
func (s *site) stranger(t testing.TB, query string, few bool) *stranger {
	t.Helper()
	w, err := s.open(query, few)
	if err != nil {
		t.Fatalf("open %q: %v", query, err)
	}
	t.Cleanup(func() { w.reset() })
	x := &stranger{w, t}
	if f := x.gets(); f.opcode != text || !bytes.HasPrefix(f.payload, []byte(`{"type":"hello"`)) {
		t.Fatalf("got %v, want a hello", f)
	}
	return x
}

// gets reads the next frame, past the hub's own pings.
func (x *stranger) gets() frame {
	x.t.Helper()
	for {
		_ = x.SetReadDeadline(time.Now().Add(hang))
		f, err := x.read()
		if err != nil {
			x.t.Fatalf("got error %v, want a frame", err)
		}
		if f.opcode != ping || len(f.payload) > 0 {
			return f
		}
	}
}

// says writes; the hub may have closed already, which is not judged here.
func (x *stranger) says(b ...[]byte) {
	for _, b := range b {
		_ = x.SetWriteDeadline(time.Now().Add(hang))
		_, _ = x.Write(b)
	}
}

// wantsClose reads on until the close frame, which must be the last one, and
// until the hub has ended the connection.
func (x *stranger) wantsClose(codes ...int) {
	x.t.Helper()
	for {
		f := x.gets()
		if f.opcode != bye {
			continue
		}
		if !slices.Contains(codes, f.code()) {
			x.t.Errorf("got %v %q, want code %v", f, f.payload, codes)
		}
		break
	}
	x.says(masked(fin|bye, ending(1000, ""))) // who was told to go says goodbye
	x.wantsEnd()
}

func (x *stranger) wantsEnd() {
	x.t.Helper()
	_ = x.SetReadDeadline(time.Now().Add(hang))
	f, err := x.read()
	if err == nil {
		x.t.Fatalf("after the close frame came %v", f)
	}
	if e, ok := errors.AsType[net.Error](err); ok && e.Timeout() {
		x.t.Fatal("after the close frame the connection stays open")
	}
}

// wantsPong shows that the connection is open and everything before is done.
func (x *stranger) wantsPong(payload string) {
	x.t.Helper()
	if f := x.gets(); f.opcode != pong || string(f.payload) != payload {
		x.t.Fatalf("got %v, want the pong %q", f, payload)
	}
}

// long is a frame's head with a length in 64 bits, whatever it says.
func long(first byte, n uint64) []byte {
	return append(binary.BigEndian.AppendUint64([]byte{first, 0x80 | 127}, n), 0, 0, 0, 0)
}

func repeat(n int, b []byte) []byte { return bytes.Repeat(b, n) }

// What is answered to those who do not keep to RFC 6455, or ask too much.
func TestStrangersAreAnswered(t *testing.T) {
	const stays = 0
	cases := map[string]struct {
		say   []byte
		codes []int // stays: a ping behind it is answered
	}{
		"an empty text":                  {masked(fin|text, nil), []int{stays}},
		"a text":                         {masked(fin|text, []byte("ciao")), []int{stays}},
		"a binary message":               {masked(fin|blob, []byte{0, 0xff}), []int{stays}},
		"a message of 4 KiB":             {masked(fin|text, make([]byte, 4<<10)), []int{stays}},
		"a pong that nobody asked for":   {masked(fin|pong, []byte("x")), []int{stays}},
		"a pong of 125 bytes":            {masked(fin|pong, make([]byte, 125)), []int{stays}},
		"a message in three fragments":   {slices.Concat(masked(text, []byte("a")), masked(more, nil), masked(fin|more, []byte("b"))), []int{stays}},
		"two fragmented messages":        {repeat(2, slices.Concat(masked(text, []byte("a")), masked(fin|more, []byte("b")))), []int{stays}},
		"pongs between fragments":        {slices.Concat(masked(text, []byte("a")), masked(fin|pong, []byte("x")), masked(fin|more, []byte("b"))), []int{stays}},
		"4 KiB in fragments":             {slices.Concat(masked(text, make([]byte, 4000)), masked(fin|more, make([]byte, 96))), []int{stays}},
		"several messages of 4 KiB":      {repeat(10, masked(fin|text, make([]byte, 4<<10))), []int{stays}},
		"a mask of zeros":                {head(fin|text, 0), []int{stays}},
		"sixty frames between two pings": {repeat(60, masked(fin|text, nil)), []int{stays}},

		"a frame that is not masked":         {[]byte{fin | text, 1, 'x'}, []int{1002}},
		"an empty frame that is not masked":  {[]byte{fin | text, 0}, []int{1002}},
		"a ping that is not masked":          {[]byte{fin | ping, 0}, []int{1002}},
		"a close that is not masked":         {[]byte{fin | bye, 2, 3, 0xe8}, []int{1002}},
		"a compressed frame":                 {masked(fin|rsv1|text, []byte{0xaa, 0}), []int{1002}},
		"the second reserved bit":            {masked(fin|rsv2|text, nil), []int{1002}},
		"the third reserved bit":             {masked(fin|rsv3|text, nil), []int{1002}},
		"a reserved bit on a ping":           {masked(fin|rsv1|ping, nil), []int{1002}},
		"a reserved bit on a continuation":   {slices.Concat(masked(text, nil), masked(fin|rsv1|more, nil)), []int{1002}},
		"an unknown data opcode":             {masked(fin|3, nil), []int{1002}},
		"the last unknown data opcode":       {masked(fin|7, nil), []int{1002}},
		"an unknown control opcode":          {masked(fin|0xb, nil), []int{1002}},
		"the last unknown control opcode":    {masked(fin|0xf, nil), []int{1002}},
		"a ping in fragments":                {masked(ping, []byte("x")), []int{1002}},
		"a close in fragments":               {masked(bye, ending(1000, "")), []int{1002}},
		"a ping of 126 bytes":                {masked(fin|ping, make([]byte, 126)), []int{1002}},
		"a pong that declares 64 bits":       {long(fin|pong, 1<<40), []int{1002}},
		"a close of 126 bytes":               {masked(fin|bye, ending(1000, strings.Repeat("x", 124))), []int{1002}},
		"a continuation of nothing":          {masked(fin|more, []byte("x")), []int{1002}},
		"a continuation of what has ended":   {slices.Concat(masked(text, nil), masked(fin|more, nil), masked(more, nil)), []int{1002}},
		"a new message within one":           {slices.Concat(masked(text, nil), masked(fin|text, nil)), []int{1002}},
		"a new binary message within one":    {slices.Concat(masked(text, nil), masked(blob, nil)), []int{1002}},
		"a ping does not end a message":      {slices.Concat(masked(text, nil), masked(fin|pong, nil), masked(fin|text, nil)), []int{1002}},
		"a close with half a code":           {masked(fin|bye, []byte{3}), []int{1002}},
		"the close code 0":                   {masked(fin|bye, ending(0, "")), []int{1002}},
		"the close code 999":                 {masked(fin|bye, ending(999, "")), []int{1002}},
		"the close code 1005":                {masked(fin|bye, ending(1005, "")), []int{1002}},
		"the close code 1006":                {masked(fin|bye, ending(1006, "")), []int{1002}},
		"the close code 1015":                {masked(fin|bye, ending(1015, "")), []int{1002}},
		"the close code 5000":                {masked(fin|bye, ending(5000, "")), []int{1002}},
		"the close code 65535":               {masked(fin|bye, ending(65535, "")), []int{1002}},
		"a reason that is no UTF-8":          {masked(fin|bye, ending(1000, "\xff")), []int{1007}},
		"a reason that ends within a letter": {masked(fin|bye, ending(1000, "perch\xc3")), []int{1007}},
		"a reason in surrogates":             {masked(fin|bye, ending(1000, "\xed\xa0\x80")), []int{1007}},

		"a message over 4 KiB":                   {masked(fin|text, make([]byte, 4<<10+1)), []int{1009}},
		"a binary message over 4 KiB":            {masked(fin|blob, make([]byte, 4<<10+1)), []int{1009}},
		"64 KiB declared and nothing sent":       {long(fin|text, 64<<10), []int{1009}},
		"2^62 bytes declared":                    {long(fin|text, 1<<62), []int{1009}},
		"the longest length declared":            {long(fin|text, 1<<63-1), []int{1009}},
		"a negative length":                      {long(fin|text, 1<<63), []int{1002, 1009}}, // its first bit must be 0
		"minus one":                              {long(fin|text, 1<<64-1), []int{1002, 1009}},
		"over 4 KiB in two fragments":            {slices.Concat(masked(text, make([]byte, 4<<10)), masked(more, []byte("x"))), []int{1009}},
		"over 4 KiB in small fragments":          {slices.Concat(masked(text, nil), repeat(9, masked(more, make([]byte, 500)))), []int{1009}},
		"a small fragment, then 2^62":            {slices.Concat(masked(text, []byte("x")), long(fin|more, 1<<62)), []int{1009}},
		"lengths whose sum is small by overflow": {slices.Concat(masked(text, []byte("xx")), long(more, 1<<63-1)), []int{1009}},

		"a flood of texts":         {repeat(70, masked(fin|text, nil)), []int{1008}},
		"a flood of pings":         {repeat(70, masked(fin|ping, nil)), []int{1008}},
		"a flood of pongs":         {repeat(70, masked(fin|pong, nil)), []int{1008}},
		"a flood of fragments":     {slices.Concat(masked(text, nil), repeat(70, masked(more, nil))), []int{1008}},
		"fragments without an end": {slices.Concat(masked(text, nil), repeat(500, masked(more, nil))), []int{1008}},
	}
	eachWay(t, func(t *testing.T, w way) {
		s := newSite(t, w, newHistory(), func(c *live.Config) { c.PingEvery, c.PongWithin = 2*hang, 4*hang })
		for name, c := range cases {
			t.Run(name, func(t *testing.T) {
				before := s.dropped(t, "protocol")
				x := s.stranger(t, "", false)
				x.says(c.say)
				if c.codes[0] == stays {
					x.says(masked(fin|ping, []byte("there?")))
					x.wantsPong("there?")
					return
				}
				x.wantsClose(c.codes...)
				eventually(t, "counted as dropped for the protocol", func() bool { return s.dropped(t, "protocol") == before+1 })
			})
		}
		eventually(t, "nobody is left", func() bool { return s.Clients() == 0 })
	})
}

// What comes in one byte at a time is understood as well, and answered as if
// it had come at once.
func TestStrangersWhoSpeakSlowly(t *testing.T) {
	cases := map[string]struct {
		say []byte
		do  func(*stranger)
	}{
		"a ping":                  {masked(fin|ping, []byte("ciao")), func(x *stranger) { x.wantsPong("ciao") }},
		"an empty ping and one":   {slices.Concat(masked(fin|ping, nil), masked(fin|ping, []byte("x"))), func(x *stranger) { x.wantsPong(""); x.wantsPong("x") }},
		"a text, then a ping":     {slices.Concat(masked(fin|text, []byte("abc")), masked(fin|ping, []byte("x"))), func(x *stranger) { x.wantsPong("x") }},
		"a length in 16 bits":     {slices.Concat(masked(fin|text, make([]byte, 130)), masked(fin|ping, []byte("x"))), func(x *stranger) { x.wantsPong("x") }},
		"a ping within a message": {slices.Concat(masked(text, []byte("a")), masked(fin|ping, []byte("1")), masked(fin|more, nil), masked(fin|ping, []byte("2"))), func(x *stranger) { x.wantsPong("1"); x.wantsPong("2") }},
		"a goodbye":               {masked(fin|bye, ending(1001, "a presto")), func(x *stranger) { x.wantsClose(1001) }},
		"2^62 bytes declared":     {long(fin|text, 1<<62), func(x *stranger) { x.wantsClose(1009) }},
		"half a code":             {masked(fin|bye, []byte{3}), func(x *stranger) { x.wantsClose(1002) }},
	}
	eachWay(t, func(t *testing.T, w way) {
		s := newSite(t, w, newHistory())
		for name, c := range cases {
			t.Run(name, func(t *testing.T) {
				x := s.stranger(t, "", false)
				for i := range c.say {
					x.says(c.say[i : i+1])
					if i < 20 { // time for the hub to see it alone, within what one may say
						clock := s.stranger(t, "", false)
						clock.says(masked(fin|ping, []byte("tick")))
						clock.wantsPong("tick")
						clock.reset()
					}
				}
				c.do(x)
			})
		}
	})
}

func TestStrangersPingsAreAnswered(t *testing.T) {
	eachWay(t, func(t *testing.T, w way) {
		s := newSite(t, w, newHistory())
		x := s.stranger(t, "", false)
		for _, payload := range []string{"", "x", strings.Repeat("y", 124), strings.Repeat("z", 125), "\x00\xff"} {
			x.says(masked(fin|ping, []byte(payload)))
			x.wantsPong(payload)
		}
		x.says(masked(text, []byte("a")), masked(fin|ping, []byte("within")), masked(fin|pong, nil), masked(more, []byte("b")))
		x.wantsPong("within")
		s.publish(warning()) // to who has not ended its message
		if f := x.gets(); f.opcode != text {
			t.Fatalf("got %v, want an alert", f)
		}
		x.says(masked(fin|more, nil), masked(fin|ping, []byte("after")))
		x.wantsPong("after")
	})
}

func TestStrangersGoodbyeIsAnswered(t *testing.T) {
	cases := map[string]struct {
		payload []byte
		codes   []int
	}{
		"without a code":             {nil, []int{1005, 1000}},
		"1000":                       {ending(1000, ""), []int{1000}},
		"1001 with a reason":         {ending(1001, "going away"), []int{1001}},
		"a reason in Italian":        {ending(1000, "città è più"), []int{1000}},
		"the longest reason":         {ending(1000, strings.Repeat("x", 123)), []int{1000}},
		"1011":                       {ending(1011, ""), []int{1011}},
		"a code of a library":        {ending(3000, ""), []int{3000}},
		"a code of a program":        {ending(4000, ""), []int{4000}},
		"the last code of a program": {ending(4999, "fine"), []int{4999}},
	}
	eachWay(t, func(t *testing.T, w way) {
		s := newSite(t, w, newHistory())
		for name, c := range cases {
			t.Run(name, func(t *testing.T) {
				x := s.stranger(t, "", false)
				// What comes behind a goodbye is not heard any more.
				x.says(slices.Concat(masked(fin|bye, c.payload), masked(fin|ping, []byte("late")), []byte{0xff, 0xff}))
				f := x.gets()
				if f.opcode != bye || !slices.Contains(c.codes, f.code()) {
					t.Fatalf("got %v %q, want close %v", f, f.payload, c.codes)
				}
				x.wantsEnd()
			})
		}
		eventually(t, "nobody is left", func() bool { return s.Clients() == 0 })
		for _, reason := range []string{"protocol", "slow", "write", "silent"} {
			if got := s.dropped(t, reason); got != 0 {
				t.Errorf("dropped as %s: got %v of those who left by themselves", reason, got)
			}
		}
	})
}

// Who stalls and then reads gets whole frames in order, then 4408, then the
// end: nothing is cut, and what it said meanwhile is answered between frames
// only. The others have everything.
func TestStrangersWhoStall(t *testing.T) {
	for _, size := range []int{300, 5000, 70_000} {
		t.Run(fmt.Sprintf("alerts of %d bytes", size), func(t *testing.T) {
			eachWay(t, func(t *testing.T, w way) {
				s := newSite(t, w, newHistory(), func(c *live.Config) {
					c.Full, c.BacklogMessages, c.BacklogBytes = writes("full", size), 16, 256<<10
					c.PingEvery, c.PongWithin = hang/1000, 4*hang
				})
				slow := s.stranger(t, "view=full", true)
				quick, err := s.socket("view=full&since=e1-0-0", false)
				if err != nil {
					t.Fatal(err)
				}
				defer quick.vanish()
				if m, err := quick.next(); err != nil || m.Type != "hello" {
					t.Fatalf("got %v, %v, want a hello", m, err)
				}
				n := 0
				for s.dropped(t, "slow") == 0 {
					if n++; n > 4_000_000/size+100 {
						t.Fatal("the slow client is never closed")
					}
					if n%7 == 0 && n < 200 {
						slow.says(masked(fin|ping, []byte("hello?")))
					}
					e := s.publish(warning())
					if m, err := quick.next(); err != nil || m.Cursor != e.Cursor || m.Fill != filled(e.Cursor, size) {
						t.Fatalf("the quick client got %v, %v, want %s", m.Cursor, err, e.Cursor)
					}
				}
				slow.reads(n, size)
				e := s.publish(warning())
				if m, err := quick.next(); err != nil || m.Cursor != e.Cursor {
					t.Errorf("afterwards the quick client got %v, %v, want %s", m.Cursor, err, e.Cursor)
				}
			})
		})
	}
}

// reads takes what is there for who stalled: alerts from the first on, pings
// and pongs between them, then 4408.
func (x *stranger) reads(most, size int) {
	x.t.Helper()
	for at := 1; ; {
		f := x.gets()
		switch {
		case f.opcode == bye && f.code() == 4408 && at > 1:
			x.says(masked(fin|bye, f.payload))
			x.wantsEnd()
			return
		case f.opcode == pong && string(f.payload) == "hello?":
		case f.opcode == text && at <= most:
			want := writes("full", size)(broadcast.Entry{Cursor: place(1, at)}, "it", 150*time.Millisecond)
			if !bytes.Equal(f.payload, want) {
				x.t.Fatalf("alert %d: got %.120q, want %.120q", at, f.payload, want)
			}
			at++
		default:
			x.t.Fatalf("behind alert %d of %d came %v", at-1, most, f)
		}
	}
}

// At shutdown everybody gets 1012, over the configured time, and who comes is
// sent away.
func TestStrangersAtShutdown(t *testing.T) {
	eachWay(t, func(t *testing.T, w way) {
		const spread = 400 * time.Millisecond
		s := newSite(t, w, newHistory(), func(c *live.Config) { c.ShutdownSpread = spread })
		var open []*stranger
		for range 8 {
			open = append(open, s.stranger(t, "view=full", true))
		}
		events, err := s.stream("", "", false)
		if err != nil {
			t.Fatal(err)
		}
		if m, err := events.next(); err != nil || m.Type != "hello" {
			t.Fatalf("events: got %v, %v, want a hello", m, err)
		}
		for range 5 {
			s.publish(warning())
			for i, x := range open {
				if f := x.gets(); f.opcode != text {
					t.Fatalf("client %d: got %v, want an alert", i, f)
				}
			}
			if m, err := events.next(); err != nil || m.Type != "alert" {
				t.Fatalf("events: got %v, %v, want an alert", m, err)
			}
		}
		ended := make(chan error, 1)
		began := time.Now()
		go func() { ended <- s.stop() }()
		for i, x := range open {
			if f := x.gets(); f.opcode != bye || f.code() != 1012 {
				t.Errorf("client %d: got %v, want close 1012", i, f)
			}
			if i == 0 {
				if _, err := s.open("", false); err == nil {
					t.Error("a new client is taken in during the shutdown")
				} else if r, ok := errors.AsType[refused](err); ok && (r.StatusCode != 503 || r.Header.Get("Retry-After") == "") {
					t.Errorf("a new client: got %v, want 503 with Retry-After", err)
				}
			}
			x.says(masked(fin|bye, ending(1012, "")))
			x.wantsEnd()
		}
		if m, err := events.next(); err != (closed{0}) {
			t.Errorf("events: got %v, %v, want the end", m, err)
		}
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if took := time.Since(began); took < spread/3 {
			t.Errorf("all were sent away within %v, want it spread over %v", took, spread)
		}
		if got := s.dropped(t, "shutdown"); got != 9 {
			t.Errorf("dropped for the shutdown: got %v, want 9", got)
		}
	})
}

// A message of 40 MB costs nothing, whether its bytes come or not, plain or
// declared as compressed.
func TestStrangersCostNoMemory(t *testing.T) {
	const huge = 40 << 20
	zeros := make([]byte, 64<<10)
	cases := map[string]func(*stranger){
		"declared only":  func(x *stranger) { x.says(repeat(1, long(fin|text, huge))) },
		"sent in full":   func(x *stranger) { x.says(long(fin|text, huge)); pour(x, zeros, huge) },
		"compressed":     func(x *stranger) { x.says(long(fin|rsv1|text, huge)); pour(x, zeros, huge) },
		"in fragments":   func(x *stranger) { x.says(head(text, 0)); pour(x, repeat(1000, head(more, 0)), huge) },
		"pings and more": func(x *stranger) { pour(x, repeat(100, head(fin|ping, 0)), huge) },
	}
	eachWay(t, func(t *testing.T, w way) {
		if w.tls {
			t.Skip("TLS allocates for each record: NOT measured there")
		}
		s := newSite(t, w, newHistory())
		for name, say := range cases {
			t.Run(name, func(t *testing.T) {
				x := s.stranger(t, "", false)
				var before, after runtime.MemStats
				runtime.ReadMemStats(&before)
				say(x)
				_, _ = io.Copy(io.Discard, x.in) // until the hub has closed
				eventually(t, "nobody is left", func() bool { return s.Clients() == 0 })
				runtime.ReadMemStats(&after)
				if got := after.TotalAlloc - before.TotalAlloc; got > 2<<20 {
					t.Errorf("%d bytes were allocated for a message of %d", got, huge)
				}
			})
		}
	})
}

// pour writes n bytes, or as many as the hub lets come.
func pour(x *stranger, b []byte, n int) {
	for ; n > 0; n -= len(b) {
		_ = x.SetWriteDeadline(time.Now().Add(hang))
		if _, err := x.Write(b); err != nil {
			return
		}
	}
}

// Who begins and does not go on holds nobody up.
func TestStrangersWhoNeverGetToThePoint(t *testing.T) {
	eachWay(t, func(t *testing.T, w way) {
		s := newSite(t, w, newHistory())
		for range 10 {
			for _, begin := range []string{"", "G", "GET /live HTTP/1.1\r\nHost: x\r\n", hello("")[:len(hello(""))-2]} {
				x, err := s.dial(false)
				if err != nil {
					t.Fatal(err)
				}
				defer x.reset()
				if begin != "" {
					_, _ = io.WriteString(x, begin)
				}
			}
			x, err := s.dial(false)
			if err != nil {
				t.Fatal(err)
			}
			defer x.reset()
			_, _ = io.WriteString(x.tcp, "\x16\x03\x01") // the first bytes of a TLS handshake
		}
		half := s.stranger(t, "", false)
		half.says([]byte{fin | text}) // half a head
		body := s.stranger(t, "", false)
		body.says(head(fin|text, 1000))
		x := s.stranger(t, "", false)
		x.says(masked(fin|ping, []byte("still?")))
		x.wantsPong("still?")
		s.publish(warning())
		for _, x := range []*stranger{x, half, body} {
			if f := x.gets(); f.opcode != text {
				t.Errorf("got %v, want the alert", f)
			}
		}
	})
}

func TestStrangersHandshakes(t *testing.T) {
	line := func(old, with string) string { return strings.Replace(hello(""), old, with, 1) }
	cases := map[string]struct {
		request  string
		statuses []int
	}{
		"as it should be":      {hello(""), []int{101}},
		"an offer to compress": {hello("", "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits"), []int{101}},
		"a subprotocol":        {hello("", "Sec-WebSocket-Protocol: chat"), []int{101}},
		"small letters":        {line("Upgrade: websocket", "upgrade: WebSocket"), []int{101}},
		"keep-alive, Upgrade":  {line("Connection: Upgrade", "Connection: keep-alive, Upgrade"), []int{101}},
		"no key":               {line("Sec-WebSocket-Key: "+key+"\r\n", ""), []int{400}},
		"a key of 15 bytes":    {line(key, "AAAAAAAAAAAAAAAAAAAA"), []int{400}},
		"version 8":            {line("Version: 13", "Version: 8"), []int{400, 426}},
		"no version":           {line("Sec-WebSocket-Version: 13\r\n", ""), []int{400, 426}},
		"no Upgrade":           {line("Upgrade: websocket\r\n", ""), []int{400, 426}},
		"no Connection":        {line("Connection: Upgrade\r\n", ""), []int{400, 426}},
		"a post":               {line("GET ", "POST "), []int{405}},
		"an unknown view":      {hello("view=all"), []int{400}},
		"an endless area":      {hello("area=" + strings.Repeat("1", 65)), []int{400}},
		"a foreign page":       {hello("", "Origin: https://evil.example"), []int{403}},
		"its own page":         {hello("", "Origin: http://feed.test"), []int{101}},
	}
	eachWay(t, func(t *testing.T, w way) {
		s := newSite(t, w, newHistory())
		for name, c := range cases {
			t.Run(name, func(t *testing.T) {
				x, err := s.dial(false)
				if err != nil {
					t.Fatal(err)
				}
				defer x.reset()
				status := 101
				err = x.upgrade(c.request)
				if r, ok := errors.AsType[refused](err); ok {
					status = r.StatusCode
					if strings.HasPrefix(name, "version") && r.Header.Get("Sec-WebSocket-Version") != "13" {
						t.Errorf("the answer does not name version 13: %v", r.Header)
					}
				} else if err != nil {
					t.Fatal(err)
				}
				if !slices.Contains(c.statuses, status) {
					t.Errorf("got %d, want %v", status, c.statuses)
				}
			})
		}
		t.Run("who does not wait for the answer", func(t *testing.T) {
			x, err := s.dial(false)
			if err != nil {
				t.Fatal(err)
			}
			defer x.reset()
			if _, err := x.Write(append([]byte(hello("")), masked(fin|ping, []byte("hasty"))...)); err != nil {
				t.Fatal(err)
			}
			// To refuse it is right, to answer too; to swallow the ping is not.
			all := &bytes.Buffer{}
			_, err = io.Copy(all, until(x.in, "hasty"))
			if e, ok := errors.AsType[net.Error](err); ok && e.Timeout() {
				t.Errorf("got %q and no end", all)
			}
		})
	})
}

// until ends the reader once it has read the words.
func until(r io.Reader, words string) io.Reader {
	var seen []byte
	return readFunc(func(b []byte) (int, error) {
		if bytes.Contains(seen, []byte(words)) {
			return 0, io.EOF
		}
		n, err := r.Read(b)
		seen = append(seen, b[:n]...)
		return n, err
	})
}

type readFunc func([]byte) (int, error)

func (f readFunc) Read(b []byte) (int, error) { return f(b) }
