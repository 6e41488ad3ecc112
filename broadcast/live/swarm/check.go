package swarm

import "bytes"

// Kind is what a message is for the count.
type Kind int

// The kinds of messages.
const (
	Other   Kind = iota // does not count
	Start               // the client's place before its first message
	Message             // every client must get it once, in order
	Gone                // the client is told to load everything again
)

// Check gives the kind of a message and, for Start and Message, its place: all
// clients must see messages in the order of growing places. It is called for
// every delivery, must be quick, and must not keep payload.
type Check func(payload []byte) (place uint64, k Kind)

var (
	alertHead  = []byte(`{"type":"alert","cursor":"`)
	helloHead  = []byte(`{"type":"hello","cursor":"`)
	goneHead   = []byte(`{"type":"gone"`)
	cursorName = []byte(`"cursor":"`)
)

// seqBits are the low bits of a place, for the sequence number within one
// millisecond: the milliseconds since 1970 need 41 bits until the year 2039
// and have 44.
const seqBits = 20

// PlaceOfCursor reads the live feed's messages: the place is made of the two
// numbers at the end of "cursor":"<epoch>-<ms>-<seq>".
func PlaceOfCursor(payload []byte) (uint64, Kind) {
	kind := Message
	rest, ok := bytes.CutPrefix(payload, alertHead)
	switch {
	case ok:
	case bytes.HasPrefix(payload, goneHead):
		return 0, Gone
	case bytes.HasPrefix(payload, helloHead):
		kind, rest = Start, payload[len(helloHead):]
	default: // the order of names is free in JSON
		at := bytes.Index(payload, cursorName)
		if at < 0 {
			return 0, Other
		}
		if bytes.Contains(payload[:at], []byte(`"hello"`)) {
			kind = Start
		}
		rest = payload[at+len(cursorName):]
	}
	end := bytes.IndexByte(rest, '"')
	if end < 0 {
		return 0, Other
	}
	place, ok := placeOf(rest[:end])
	if !ok {
		return 0, Other
	}
	return place, kind
}

func placeOf(cursor []byte) (uint64, bool) {
	last := bytes.LastIndexByte(cursor, '-')
	if last < 0 {
		return 0, false
	}
	middle := bytes.LastIndexByte(cursor[:last], '-')
	if middle < 0 {
		return 0, false
	}
	ms, ok := digits(cursor[middle+1:last], 1<<(64-seqBits))
	seq, ok2 := digits(cursor[last+1:], 1<<seqBits)
	return ms<<seqBits | seq, ok && ok2
}

// digits reads a number below limit.
func digits(b []byte, limit uint64) (n uint64, ok bool) {
	for _, c := range b {
		if c < '0' || c > '9' || n >= limit {
			return 0, false
		}
		n = n*10 + uint64(c-'0')
	}
	return n, len(b) > 0 && n < limit
}
