package live

import (
	"encoding/binary"
	"unicode/utf8"
)

// inbound reads what a WebSocket peer sends (RFC 6455 section 5.2), in pieces
// of any size. A peer of the feed has nothing to say but pong and close, so
// that messages are only checked and passed over: nothing is kept but the head
// and the control frame that are not whole yet. Its zero value is ready.
type inbound struct {
	head    [14]byte         // of the frame
	have    uint8            // bytes of the head
	within  bool             // the head is whole, the payload is not
	message bool             // fragments of a message are expected
	control uint8            // bytes of it that came
	payload [maxControl]byte // of a control frame
	size    int64            // of the message so far
	left    int64            // of the payload
}

// The bounds of what a peer may say, in bytes.
const (
	maxInbound = 4 << 10 // a message: pong and close, and later a ticket
	maxControl = 125     // the payload of a control frame (RFC 6455 section 5.5)
)

// noStatus stands for a close frame without a code (RFC 6455 section 7.4.1).
const noStatus = 1005

// heard is what the reader makes of the peer's frames.
type heard interface {
	pinged(payload []byte)
	closed(code int)
	frame() bool // a frame came; false when it is one too many
}

// read takes bytes of the peer. It gives the ending of a peer that broke a
// rule, nil otherwise; after one, or after closed was called, it must not be
// called again.
func (in *inbound) read(b []byte, to heard) *ending {
	for len(b) > 0 {
		if !in.within {
			n, e := in.start(b)
			if e != nil {
				return e
			}
			b = b[n:]
			if !in.within {
				return nil // the head needs more
			}
			if !to.frame() {
				return endFlood
			}
		}
		n := int(min(int64(len(b)), in.left))
		if in.isControl() {
			in.control += uint8(copy(in.payload[in.control:], b[:n]))
		}
		in.left -= int64(n)
		b = b[n:]
		if in.left > 0 {
			return nil
		}
		if e, over := in.finish(to); e != nil || over {
			return e
		}
	}
	return nil
}

// idle reports whether nothing is half read.
func (in *inbound) idle() bool { return in.have == 0 && !in.within && !in.message }

func (in *inbound) isControl() bool { return in.head[0]&0x08 != 0 }

// start reads the head of a frame, as far as it came, and checks it.
func (in *inbound) start(b []byte) (used int, e *ending) {
	for in.have < in.need() {
		if used == len(b) {
			return used, nil
		}
		in.head[in.have] = b[used]
		used++
		in.have++
		if in.have == 2 {
			if e := in.check(); e != nil {
				return used, e
			}
		}
	}
	switch n := in.head[1] & 0x7F; n {
	case 126:
		in.left = int64(binary.BigEndian.Uint16(in.head[2:]))
	case 127:
		length := binary.BigEndian.Uint64(in.head[2:])
		if length > 1<<62 {
			return used, endBig
		}
		in.left = int64(length)
	default:
		in.left = int64(n)
	}
	in.within, in.control = true, 0
	if in.isControl() {
		return used, nil
	}
	if in.size += in.left; in.size > maxInbound {
		return used, endBig
	}
	return used, nil
}

// need is how long the head is, as far as can be said.
func (in *inbound) need() uint8 {
	if in.have < 2 {
		return 2
	}
	switch in.head[1] & 0x7F {
	case 126:
		return 2 + 2 + 4
	case 127:
		return 2 + 8 + 4
	}
	return 2 + 4
}

// check looks at the first two bytes of a frame.
func (in *inbound) check() *ending {
	final, opcode := in.head[0]&0x80 != 0, in.head[0]&0x0F
	masked, length := in.head[1]&0x80 != 0, in.head[1]&0x7F
	switch {
	case in.head[0]&0x70 != 0: // reserved bits: there is no extension
		return endProtocol
	case !masked: // section 5.1
		return endProtocol
	case opcode == opContinuation && !in.message, (opcode == opText || opcode == opBinary) && in.message: // section 5.4
		return endProtocol
	case opcode > opBinary && opcode < opClose, opcode > opPong:
		return endProtocol
	case opcode >= opClose && (!final || length > maxControl): // section 5.5
		return endProtocol
	}
	return nil
}

// finish handles a whole frame.
func (in *inbound) finish(to heard) (e *ending, over bool) {
	final, opcode := in.head[0]&0x80 != 0, in.head[0]&0x0F
	mask := in.head[in.have-4 : in.have]
	payload := in.payload[:in.control]
	for i := range payload {
		payload[i] ^= mask[i%4]
	}
	in.have, in.within, in.control = 0, false, 0
	switch opcode {
	case opPing:
		to.pinged(payload)
	case opPong:
	case opClose:
		code, e := closeCode(payload)
		if e == nil {
			to.closed(code)
		}
		return e, true
	default:
		if in.message = !final; final {
			in.size = 0
		}
	}
	return nil, false
}

// closeCode reads the payload of a close frame (RFC 6455 sections 5.5.1 and
// 7.4; codes as registered with IANA).
func closeCode(payload []byte) (int, *ending) {
	switch len(payload) {
	case 0:
		return noStatus, nil
	case 1:
		return 0, endProtocol
	}
	code := int(binary.BigEndian.Uint16(payload))
	switch {
	case code >= 1000 && code <= 1003, code >= 1007 && code <= 1014, code >= 3000 && code <= 4999:
	default:
		return 0, endProtocol
	}
	if !utf8.Valid(payload[2:]) {
		return 0, endText
	}
	return code, nil
}
