package bluesky

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"strings"
	"time"

	"martinella/channels"
)

// keyDigits are those of a TID, in the order of their value
// (atproto.com/specs/tid).
const keyDigits = "234567abcdefghijklmnopqrstuvwxyz"

// recordKey names the record of a message: a TID, as the server demands of a
// post, the same for every attempt, and another for every key and language. The
// second of publication stands first, so that posts sort by time; where a TID
// has its parts of a second and its clock, there are 30 bits of a hash.
func recordKey(m channels.Message) string {
	for n := 0; ; n++ {
		sum := sha256.Sum256(fmt.Appendf(nil, "%s\x00%s\x00%d", m.Key, m.Language, n))
		hash := binary.BigEndian.Uint64(sum[:8])
		micros := uint64(sentAt(m).Unix())*1e6 + hash>>10%1e6
		key := tid(micros<<10 | hash&0x3ff)
		// The server refuses keys that happen to spell an offensive word. The
		// only one that it looks for within others has a double g.
		if n == 9 || !strings.Contains(key[7:], "gg") {
			return key
		}
	}
}

// tid writes a number of 63 bits.
func tid(v uint64) string {
	var b [13]byte
	v &= 1<<63 - 1
	for i := len(b) - 1; i >= 0; i-- {
		b[i] = keyDigits[v&31]
		v >>= 5
	}
	return string(b[:])
}

// sentAt is when the message was published, within what a TID can say.
func sentAt(m channels.Message) time.Time {
	if m.Sent.Unix() <= 0 {
		return time.Unix(0, 0).UTC()
	}
	return m.Sent.UTC()
}

// createdAt is the time that a post bears: as the server writes times, and the
// same for every attempt.
func createdAt(m channels.Message) string { return sentAt(m).Format("2006-01-02T15:04:05.000Z") }
