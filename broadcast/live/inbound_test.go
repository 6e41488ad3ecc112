package live

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// verdict is what a reader makes of the bytes of a peer. Code is that of the
// close frame which the peer sent or is sent; 0 says that it may go on.
type verdict struct {
	code  int
	pings []string
}

// ears hear everything and never have enough.
type ears struct{ verdict }

func (e *ears) pinged(payload []byte) { e.pings = append(e.pings, string(payload)) }
func (e *ears) closed(code int)       { e.code = code }
func (*ears) frame() bool             { return true }

// ours reads the bytes in pieces of random sizes.
func ours(b []byte, dice *rand.Rand) verdict {
	var in inbound
	var to ears
	for len(b) > 0 && to.code == 0 {
		n := 1 + dice.IntN(len(b))
		if dice.IntN(2) == 0 {
			n = min(n, 1+dice.IntN(8))
		}
		if e := in.read(slices.Clone(b[:n]), &to); e != nil {
			to.code = e.code
		}
		b = b[n:]
	}
	return to.verdict
}

// saying is the connection of a peer that says some bytes and leaves.
type saying struct {
	net.Conn
	io.Reader
}

func (s saying) Read(b []byte) (int, error)     { return s.Reader.Read(b) }
func (saying) Write(b []byte) (int, error)      { return len(b), nil }
func (saying) Close() error                     { return nil }
func (saying) SetDeadline(time.Time) error      { return nil }
func (saying) SetReadDeadline(time.Time) error  { return nil }
func (saying) SetWriteDeadline(time.Time) error { return nil }
func (saying) RemoteAddr() net.Addr             { return &net.TCPAddr{} }

type hijack struct {
	*httptest.ResponseRecorder
	saying
}

func (h hijack) Write(b []byte) (int, error) { return h.ResponseRecorder.Write(b) }
func (h hijack) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	return h.saying, bufio.NewReadWriter(bufio.NewReader(h.saying), bufio.NewWriter(h.saying)), nil
}

// gorillas reads the bytes with gorilla/websocket.
func gorillas(t *testing.T, b []byte) (v verdict) {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "http://feed.test/live", nil)
	r.Header = http.Header{"Connection": {"Upgrade"}, "Upgrade": {"websocket"}, "Sec-Websocket-Version": {"13"}, "Sec-Websocket-Key": {"dGhlIHNhbXBsZSBub25jZQ=="}}
	conn, err := new(websocket.Upgrader).Upgrade(hijack{httptest.NewRecorder(), saying{nil, bytes.NewReader(b)}}, r, nil)
	if err != nil {
		t.Fatal(err)
	}
	conn.SetReadLimit(maxInbound)
	conn.SetPingHandler(func(s string) error { v.pings = append(v.pings, s); return nil })
	for err == nil {
		var message io.Reader
		if _, message, err = conn.NextReader(); err == nil {
			_, err = io.Copy(io.Discard, message)
		}
	}
	switch closed, ok := errors.AsType[*websocket.CloseError](err); {
	case ok && closed.Code == websocket.CloseAbnormalClosure: // the bytes end
	case ok:
		v.code = closed.Code
	case errors.Is(err, websocket.ErrReadLimit):
		v.code = websocket.CloseMessageTooBig
	default:
		v.code = websocket.CloseProtocolError
	}
	return v
}

// agree checks that our reader and gorilla's say the same of whatever a peer
// sends, in pieces of any size. They differ in three things, on purpose:
//
//   - a close frame whose reason is not UTF-8 is answered with 1007 (RFC 6455
//     section 8.1), not 1002;
//   - one with a payload of one byte is an error (section 5.5.1);
//   - 1014 is registered by now, and allowed.
//
// And a length over 2^63 is found once the head is whole, not before its mask.
func agree(t *testing.T, b []byte, seed uint64) (code int) {
	t.Helper()
	got, want := ours(b, rand.New(rand.NewPCG(seed, 0))), gorillas(t, b)
	if !slices.Equal(got.pings, want.pings) {
		t.Fatalf("%x: pings: got %q, want %q", b, got.pings, want.pings)
	}
	switch {
	case got.code == want.code:
	case got.code == endText.code && want.code == websocket.CloseProtocolError:
	case got.code == websocket.CloseProtocolError && want.code == noStatus:
	case got.code == 1014 && want.code == websocket.CloseProtocolError:
	case got.code == 0 && want.code == websocket.CloseMessageTooBig && len(b) < 14+maxInbound:
	default:
		t.Fatalf("%x: got close code %d, gorilla says %d", b, got.code, want.code)
	}
	return got.code
}

func FuzzInboundLikeGorilla(f *testing.F) {
	mask := []byte{0, 0, 0, 0}
	head := func(b ...byte) []byte { return append(b, mask...) }
	for _, b := range [][]byte{
		head(0x81, 0x80),
		append(head(0x89, 0x83), "abc"...),
		append([]byte{0x89, 0x83, 1, 2, 3, 4}, "abc"...),
		append(head(0x88, 0x82), 3, 0xe8),
		append(head(0x88, 0x82), 3, 0xf6),
		append(head(0x88, 0x83), 3, 0xe8, 0xff),
		append(head(0x88, 0x81), 3),
		head(0x88, 0x80),
		slices.Concat(head(0x01, 0x80), head(0x8a, 0x80), head(0x80, 0x80), head(0x80, 0x80)),
		slices.Concat(head(0x01, 0xfe, 0x10, 0), make([]byte, maxInbound), head(0x80, 0x81), []byte{'x'}),
		slices.Concat(head(0x82, 0xfe, 0x10, 0), make([]byte, maxInbound), head(0x82, 0xfe, 0x10, 1)),
		head(0x82, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0),
		{0x82, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0},
		head(0x82, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff),
		head(0x09, 0x80), head(0xc1, 0x80), head(0x83, 0x80), {0x81, 0x00},
		slices.Concat(head(0x01, 0x80), head(0x01, 0x80)),
	} {
		f.Add(b, uint64(1))
	}
	f.Fuzz(func(t *testing.T, b []byte, seed uint64) {
		agree(t, b, seed)
	})
}

// Frames that are nearly always right, so that long conversations are read.
func TestInboundLikeGorilla(t *testing.T) {
	codes := map[int]int{}
	for seed := range uint64(5000) {
		dice := rand.New(rand.NewPCG(seed, 1))
		var b []byte
		for open := false; len(b) < 6000 && dice.IntN(20) > 0; {
			first := byte(0x80)
			switch dice.IntN(4) {
			case 0:
				first |= []byte{opPing, opPong}[dice.IntN(2)]
			case 1:
				if dice.IntN(4) == 0 {
					first |= opClose
					break
				}
				fallthrough
			default:
				if !open {
					first |= []byte{opText, opBinary}[dice.IntN(2)]
				}
				if open = dice.IntN(3) == 0; open {
					first &= 0x0F
				}
			}
			if dice.IntN(100) == 0 {
				first ^= 1 << dice.IntN(8)
			}
			size := dice.IntN(30)
			if dice.IntN(10) == 0 {
				size = []int{0, 125, 126, 1000, 4096, 4097}[dice.IntN(6)]
			}
			payload := make([]byte, size)
			for i := range payload {
				payload[i] = byte(dice.Uint32())
			}
			if first&0x0F == opClose && dice.IntN(4) > 0 {
				payload = append(binary.BigEndian.AppendUint16(nil, uint16(998+dice.IntN(20))), "at home"...)
			}
			b = appendMasked(b, first, payload, dice)
		}
		codes[agree(t, b, seed)]++
	}
	for _, want := range []int{0, 1000, 1002, 1007, 1009, 1014} {
		if codes[want] == 0 {
			t.Errorf("no conversation ended with %d: %v", want, codes)
		}
	}
}

// appendMasked appends a frame of a client. Now and then its length takes more
// bytes than it needs, or the mask is missing.
func appendMasked(b []byte, first byte, payload []byte, dice *rand.Rand) []byte {
	n, masked := len(payload), byte(0x80)
	if dice.IntN(100) == 0 {
		masked = 0
	}
	switch wide := dice.IntN(20); {
	case wide == 0:
		b = binary.BigEndian.AppendUint64(append(b, first, masked|127), uint64(n))
	case n > 125 || wide == 1:
		b = binary.BigEndian.AppendUint16(append(b, first, masked|126), uint16(n))
	default:
		b = append(b, first, masked|byte(n))
	}
	if masked == 0 {
		return append(b, payload...)
	}
	mask := [4]byte{byte(dice.Uint32()), byte(dice.Uint32()), 0, 1}
	b = append(b, mask[:]...)
	for i, p := range payload {
		b = append(b, p^mask[i%4])
	}
	return b
}
