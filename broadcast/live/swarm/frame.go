package swarm

import (
	"crypto/sha1" //nolint:gosec // RFC 6455 names it: it protects nothing here
	"encoding/base64"
	"encoding/binary"
	"errors"
)

// The opcodes of RFC 6455, section 5.2.
const (
	opContinuation = 0x0
	opText         = 0x1
	opBinary       = 0x2
	opClose        = 0x8
	opPing         = 0x9
	opPong         = 0xA
)

// frameLimit bounds the payload of one frame that a server may send.
const frameLimit = 256 << 10

// head is the beginning of a server's frame.
type head struct {
	opcode byte
	fin    bool
	header int // bytes before the payload; 0: the head is not complete yet
	length int // of the payload
}

var (
	errMasked   = errors.New("a server's frame is masked")
	errReserved = errors.New("a frame has reserved bits or an unknown opcode")
	errControl  = errors.New("a control frame is cut or longer than 125 bytes")
	errLong     = errors.New("a frame has more than 256 KiB")
	errLength   = errors.New("the length of a frame is not written in the shortest form")
)

// parseHead reads the head of a server's frame (RFC 6455, section 5.2). It
// never gives a length above frameLimit.
func parseHead(b []byte) (head, error) {
	if len(b) < 2 {
		return head{}, nil
	}
	h := head{opcode: b[0] & 0x0f, fin: b[0]&0x80 != 0, header: 2, length: int(b[1] & 0x7f)}
	if b[0]&0x70 != 0 || (h.opcode > opBinary && h.opcode < opClose) || h.opcode > opPong {
		return head{}, errReserved
	}
	if b[1]&0x80 != 0 {
		return head{}, errMasked
	}
	if h.opcode >= opClose && (!h.fin || h.length > 125) {
		return head{}, errControl
	}
	switch h.length {
	case 126:
		if len(b) < 4 {
			return head{}, nil
		}
		h.header, h.length = 4, int(binary.BigEndian.Uint16(b[2:]))
		if h.length < 126 {
			return head{}, errLength
		}
	case 127:
		if len(b) < 10 {
			return head{}, nil
		}
		long := binary.BigEndian.Uint64(b[2:])
		if long < 1<<16 {
			return head{}, errLength
		}
		if long > frameLimit {
			return head{}, errLong
		}
		h.header, h.length = 10, int(long)
	}
	return h, nil
}

// wholeFrame is a frame as a server writes it: without a mask.
func wholeFrame(opcode byte, payload []byte) []byte {
	to := []byte{0x80 | opcode}
	switch n := len(payload); {
	case n < 126:
		to = append(to, byte(n))
	case n < 1<<16:
		to = binary.BigEndian.AppendUint16(append(to, 126), uint16(n))
	default:
		to = binary.BigEndian.AppendUint64(append(to, 127), uint64(n))
	}
	return append(to, payload...)
}

// appendControl appends a control frame as a client writes it: masked, with a
// mask of zeros, under which the payload stays as it is. The mask is there
// against caches between the two (RFC 6455, section 10.3), and there are none.
func appendControl(to []byte, opcode byte, payload []byte) []byte {
	to = append(to, 0x80|opcode, 0x80|byte(len(payload)), 0, 0, 0, 0)
	return append(to, payload...)
}

// acceptOf is what a server answers to a client's key (RFC 6455, 4.2.2).
func acceptOf(key string) string {
	sum := sha1.Sum([]byte(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11")) //nolint:gosec // see above
	return base64.StdEncoding.EncodeToString(sum[:])
}
