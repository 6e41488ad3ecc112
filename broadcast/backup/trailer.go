package backup

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc64"
	"slices"
)

// jones is the polynomial of the sum at the end of an RDB file, in the order of
// bits that hash/crc64 takes (redis, crc64.c: 0xad93d23594c935a9).
var jones = crc64.MakeTable(0x95ac9329ac4bc9b5)

// errNoSum is the error of a copy without a checksum.
var errNoSum = errors.New("the copy of the store has no checksum: set rdbchecksum yes at the server")

// trailer reads Redis' copy and checks the eight bytes at its end, the CRC-64 of
// all before. A server whose sums are turned off (rdbchecksum no) writes zero.
type trailer struct {
	sum  uint64
	last []byte // the newest eight bytes, not in sum yet
	head []byte // the first nine: REDIS and a version
}

// Write implements io.Writer.
func (t *trailer) Write(b []byte) (int, error) {
	if free := 9 - len(t.head); free > 0 {
		t.head = append(t.head, b[:min(free, len(b))]...)
	}
	all := slices.Concat(t.last, b)
	cut := max(0, len(all)-8)
	t.sum = ^crc64.Update(^t.sum, jones, all[:cut]) // hash/crc64 inverts before and after, Redis does not
	t.last = append([]byte(nil), all[cut:]...)
	return len(b), nil
}

// check tells whether the sum is right, once all was written.
func (t *trailer) check() error {
	if len(t.head) < 9 || string(t.head[:5]) != "REDIS" || len(t.last) < 8 {
		return errors.New("the copy of the store is no RDB file")
	}
	switch want := binary.LittleEndian.Uint64(t.last); {
	case want == 0:
		return errNoSum
	case want != t.sum:
		return fmt.Errorf("the copy of the store has the checksum %016x, its end says %016x", t.sum, want)
	}
	return nil
}
