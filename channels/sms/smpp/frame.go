package smpp

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
)

// readFrame reads one PDU into buf, which grows as needed and no further than
// maxPDU. A length that no PDU can have is a *malformed: what follows on the
// connection cannot be found any more.
func readFrame(r *bufio.Reader, buf []byte) ([]byte, error) {
	head, err := r.Peek(4)
	if err != nil {
		if len(head) > 0 && err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return buf[:0], err
	}
	size := binary.BigEndian.Uint32(head)
	if size < headerSize || size > maxPDU {
		return buf[:0], &malformed{statusInvalidLength, fmt.Sprintf("command_length %d", size)}
	}
	if cap(buf) < int(size) {
		buf = make([]byte, size)
	}
	buf = buf[:size]
	if _, err := io.ReadFull(r, buf); err != nil {
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return buf[:0], err
	}
	return buf, nil
}
