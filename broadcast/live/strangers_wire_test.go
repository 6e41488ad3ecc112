package live_test

import (
	"bufio"
	"crypto/sha1"
	"crypto/tls"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"strings"
	"time"

	"martinella/broadcast"
)

// The opcodes (RFC 6455 section 5.2), and the bits beside them.
const (
	more = 0x0
	text = 0x1
	blob = 0x2
	bye  = 0x8
	ping = 0x9
	pong = 0xa

	fin  = 0x80
	rsv1 = 0x40
	rsv2 = 0x20
	rsv3 = 0x10
)

// wire is a client that writes and reads bytes. It takes nothing on trust:
// what it reads must be whole frames of a server that keeps to the RFC.
type wire struct {
	net.Conn
	tcp *net.TCPConn
	in  *bufio.Reader
}

// frame is one WebSocket frame from the server.
type frame struct {
	opcode  byte
	payload []byte
}

// code is that of a close frame; 1005 where it has none.
func (f frame) code() int {
	if len(f.payload) < 2 {
		return 1005
	}
	return int(binary.BigEndian.Uint16(f.payload))
}

func (f frame) String() string {
	name := map[byte]string{text: "text", bye: "close", ping: "ping", pong: "pong"}[f.opcode]
	if f.opcode == bye {
		return fmt.Sprintf("close %d", f.code())
	}
	return fmt.Sprintf("%s %.60q", name, f.payload)
}

var errCut = errors.New("the connection ended within a frame")

// dial opens a connection; with few, its receive buffer is small.
func (s *site) dial(few bool) (*wire, error) {
	c, err := net.DialTimeout("tcp", s.server.Listener.Addr().String(), hang)
	if err != nil {
		return nil, err
	}
	tcp := c.(*net.TCPConn)
	if few {
		_ = tcp.SetReadBuffer(small)
	}
	if s.tls {
		transport := s.server.Client().Transport.(*http.Transport)
		conf := transport.TLSClientConfig.Clone()
		conf.ServerName = "example.com"
		conf.NextProtos = nil
		c = tls.Client(tcp, conf)
	}
	_ = c.SetDeadline(time.Now().Add(hang))
	return &wire{Conn: c, tcp: tcp, in: bufio.NewReaderSize(c, 512)}, nil
}

// reset ends the connection with an RST.
func (w *wire) reset() {
	_ = w.tcp.SetLinger(0)
	_ = w.tcp.Close()
}

const key = "dGhlIHNhbXBsZSBub25jZQ=="

// hello is the request that opens a WebSocket, with more header lines.
func hello(query string, lines ...string) string {
	lines = append([]string{
		"GET /live?" + query + " HTTP/1.1", "Host: feed.test", "Upgrade: websocket", "Connection: Upgrade",
		"Sec-WebSocket-Key: " + key, "Sec-WebSocket-Version: 13",
	}, lines...)
	return strings.Join(lines, "\r\n") + "\r\n\r\n"
}

// refused is an HTTP answer other than the one that was asked for.
type refused struct{ *http.Response }

func (r refused) Error() string { return "refused with " + r.Status }

// upgrade sends the request and reads the answer.
func (w *wire) upgrade(request string) error {
	if _, err := io.WriteString(w, request); err != nil {
		return err
	}
	resp, err := http.ReadResponse(w.in, nil)
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusSwitchingProtocols {
		return refused{resp}
	}
	sum := sha1.Sum([]byte(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	if got, want := resp.Header.Get("Sec-WebSocket-Accept"), base64.StdEncoding.EncodeToString(sum[:]); got != want {
		return fmt.Errorf("Sec-WebSocket-Accept: got %q, want %q", got, want)
	}
	if got := resp.Header.Get("Sec-WebSocket-Extensions"); got != "" {
		return fmt.Errorf("the server speaks the extension %q", got)
	}
	return nil
}

// open opens a WebSocket.
func (s *site) open(query string, few bool) (*wire, error) {
	w, err := s.dial(few)
	if err != nil {
		return nil, err
	}
	if err := w.upgrade(hello(query)); err != nil {
		w.reset()
		return nil, err
	}
	return w, nil
}

// head is the beginning of a frame from a client: the first byte, then a
// length of n that is masked with zeros.
func head(first byte, n int) []byte {
	b := []byte{first}
	switch {
	case n < 126:
		b = append(b, 0x80|byte(n))
	case n < 1<<16:
		b = binary.BigEndian.AppendUint16(append(b, 0x80|126), uint16(n))
	default:
		b = binary.BigEndian.AppendUint64(append(b, 0x80|127), uint64(n))
	}
	return append(b, 0, 0, 0, 0)
}

// masked is a frame from a client, with a mask that is none of zeros.
func masked(first byte, payload []byte) []byte {
	b := head(first, len(payload))
	mask := b[len(b)-4:]
	copy(mask, "\x5a\xa5\x3c\x01")
	for i, c := range payload {
		b = append(b, c^mask[i%4])
	}
	return b
}

// ending is the payload of a close frame.
func ending(code int, reason string) []byte {
	return append(binary.BigEndian.AppendUint16(nil, uint16(code)), reason...)
}

// read gives the next frame. io.EOF is an end between two frames, errCut one
// within a frame.
func (w *wire) read() (f frame, err error) {
	first, err := w.in.ReadByte()
	if err != nil {
		return f, err
	}
	defer func() {
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			err = errCut
		}
	}()
	second, err := w.in.ReadByte()
	if err != nil {
		return f, err
	}
	f.opcode = first & 0xf
	n := uint64(second)
	var long [8]byte
	switch second {
	case 126:
		_, err = io.ReadFull(w.in, long[6:])
		n = binary.BigEndian.Uint64(long[:])
	case 127:
		_, err = io.ReadFull(w.in, long[:])
		n = binary.BigEndian.Uint64(long[:])
	}
	control := f.opcode == bye || f.opcode == ping || f.opcode == pong
	switch {
	case err != nil:
		return f, err
	case first&fin == 0 || first&(rsv1|rsv2|rsv3) != 0 || (!control && f.opcode != text):
		return f, fmt.Errorf("a frame begins with %#x: not at a boundary", first)
	case second&0x80 != 0:
		return f, errors.New("a frame of the server is masked")
	case n > 1<<22 || (second == 126 && n < 126) || (second == 127 && n < 1<<16) || (control && n > 125):
		return f, fmt.Errorf("a frame of opcode %d has the length %d in the form %d", f.opcode, n, second)
	}
	f.payload = make([]byte, n)
	_, err = io.ReadFull(w.in, f.payload)
	return f, err
}

// feed is one open connection to the live feed as a client program sees it.
type feed interface {
	next() (message, error) // closed for an end that the server announced
	say(frame []byte)       // where there is something to say
	vanish()                // without a word
	leave()                 // politely
}

// closed is the end of a feed by a close frame, or by the end of a stream.
type closed struct{ code int }

func (c closed) Error() string { return fmt.Sprintf("closed with %d", c.code) }

// socket is the feed on a WebSocket.
type socket struct{ *wire }

func (s *site) socket(query string, few bool) (feed, error) {
	w, err := s.open(query, few)
	if err != nil {
		return nil, err
	}
	return socket{w}, nil
}

func (s socket) next() (m message, err error) {
	for {
		_ = s.SetDeadline(time.Now().Add(hang))
		f, err := s.read()
		if err != nil {
			return m, err
		}
		switch f.opcode {
		case ping:
			_, _ = s.Write(masked(fin|pong, f.payload))
		case bye:
			_, _ = s.Write(masked(fin|bye, f.payload))
			if extra, err := s.read(); err == nil {
				return m, fmt.Errorf("after the close frame came %v", extra)
			}
			return m, closed{f.code()}
		case text:
			if err := json.Unmarshal(f.payload, &m); err != nil {
				return m, fmt.Errorf("%w: %.80q", err, f.payload)
			}
			return m, nil
		}
	}
}

func (s socket) say(b []byte) { _, _ = s.Write(b) }
func (s socket) vanish()      { s.reset() }
func (s socket) leave() {
	_, _ = s.Write(masked(fin|bye, ending(1000, "")))
	_ = s.tcp.CloseWrite()
	for {
		if _, err := s.read(); err != nil {
			break
		}
	}
	_ = s.Close()
}

// stream is the feed as server-sent events.
type stream struct {
	*wire
	header http.Header
	body   *bufio.Reader
	retry  []string // the retry fields that came
}

func (s *site) stream(query, lastID string, few bool) (*stream, error) {
	w, err := s.dial(few)
	if err != nil {
		return nil, err
	}
	request := "GET /events?" + query + " HTTP/1.1\r\nHost: feed.test\r\nAccept: text/event-stream\r\n"
	if lastID != "" {
		request += "Last-Event-ID: " + lastID + "\r\n"
	}
	if _, err := io.WriteString(w, request+"\r\n"); err != nil {
		w.reset()
		return nil, err
	}
	resp, err := http.ReadResponse(w.in, nil)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = refused{resp}
	}
	if err != nil {
		w.reset()
		return nil, err
	}
	return &stream{wire: w, header: resp.Header, body: bufio.NewReader(resp.Body)}, nil
}

func (s *site) events(query, lastID string, few bool) (feed, error) {
	e, err := s.stream(query, lastID, few)
	if err != nil {
		return nil, err
	}
	return e, nil
}

// next reads one event. A stream has no close code: its end is closed{0}.
func (s *stream) next() (m message, err error) {
	var id, data string
	for {
		_ = s.SetDeadline(time.Now().Add(hang))
		line, err := s.body.ReadString('\n')
		if ended := errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF); ended && line+id+data == "" {
			return m, closed{0}
		} else if ended {
			return m, errCut
		}
		if err != nil {
			return m, err
		}
		line = strings.TrimSuffix(line, "\n")
		name, value, _ := strings.Cut(line, ": ")
		switch {
		case line == "" && data == "":
		case line == "":
			if err := json.Unmarshal([]byte(data), &m); err != nil {
				return m, fmt.Errorf("%w: %.80q", err, data)
			}
			if m.Cursor == "" {
				m.Cursor = broadcast.Cursor(id) // of a "gone": where a browser comes back
			} else if string(m.Cursor) != id {
				return m, fmt.Errorf("the event of %s has the id %q", m.Cursor, id)
			}
			return m, nil
		case strings.HasPrefix(line, ":"):
		case name == "id":
			id = value
		case name == "data" && data == "":
			data = value
		case name == "retry":
			s.retry = append(s.retry, value)
		default:
			return m, fmt.Errorf("a line that we do not write: %.80q", line)
		}
	}
}

func (s *stream) say([]byte) {}
func (s *stream) vanish()    { s.reset() }
func (s *stream) leave()     { _ = s.Close() }

// quiet swallows what the server logs about strangers.
func quiet() *log.Logger { return log.New(io.Discard, "", 0) }
