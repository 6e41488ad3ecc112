package swarm

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

func TestHeadsOfFrames(t *testing.T) {
	for name, c := range map[string]struct {
		in   []byte
		want head
		err  error
	}{
		"nothing yet":                      {nil, head{}, nil},
		"half a head":                      {[]byte{0x81}, head{}, nil},
		"a short text":                     {[]byte{0x81, 5}, head{opText, true, 2, 5}, nil},
		"the first part of a text":         {[]byte{0x01, 5}, head{opText, false, 2, 5}, nil},
		"a continuation":                   {[]byte{0x80, 5}, head{opContinuation, true, 2, 5}, nil},
		"two bytes of length":              {[]byte{0x81, 126, 4, 0}, head{opText, true, 4, 1024}, nil},
		"two bytes of length, cut":         {[]byte{0x81, 126, 4}, head{}, nil},
		"eight bytes of length":            {[]byte{0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0}, head{opBinary, true, 10, 1 << 16}, nil},
		"eight bytes of length, cut":       {[]byte{0x82, 127, 0, 0, 0, 0, 0, 1, 0}, head{}, nil},
		"eight bytes of length, too many":  {[]byte{0x82, 127, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 0, 0}, head{}, errLong},
		"one more than the limit":          {[]byte{0x82, 127, 0, 0, 0, 0, 0, 4, 0, 1}, head{}, errLong},
		"a ping":                           {[]byte{0x89, 0}, head{opPing, true, 2, 0}, nil},
		"a ping of 126 bytes":              {[]byte{0x89, 126, 0, 126}, head{}, errControl},
		"a ping in parts":                  {[]byte{0x09, 1}, head{}, errControl},
		"a mask, which servers may not":    {[]byte{0x81, 0x85}, head{}, errMasked},
		"a compressed frame":               {[]byte{0xc1, 5}, head{}, errReserved},
		"an unknown opcode":                {[]byte{0x83, 5}, head{}, errReserved},
		"an unknown control frame":         {[]byte{0x8b, 0}, head{}, errReserved},
		"a length longer than it must be":  {[]byte{0x81, 126, 0, 125}, head{}, errLength},
		"a long length longer than needed": {[]byte{0x81, 127, 0, 0, 0, 0, 0, 0, 255, 255}, head{}, errLength},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := parseHead(c.in)
			if got != c.want || !errors.Is(err, c.err) {
				t.Errorf("got %+v, %v; want %+v, %v", got, err, c.want, c.err)
			}
		})
	}
}

// What a server sends never makes the parser read past what it has, and what
// is accepted is written the same way again.
func FuzzParseHead(f *testing.F) {
	for _, n := range []int{0, 1, 125, 126, 1024, 1 << 16} {
		f.Add(wholeFrame(opText, make([]byte, n)))
	}
	f.Add([]byte{0x89, 0})
	f.Add([]byte{0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, b []byte) {
		h, err := parseHead(b)
		if err != nil || h.header == 0 {
			if h != (head{}) {
				t.Fatalf("a head that is none: %+v, %v", h, err)
			}
			return
		}
		if h.header > len(b) || h.length < 0 || h.length > frameLimit {
			t.Fatalf("%x gives %+v", b, h)
		}
		if len(b) < h.header+h.length {
			return
		}
		again := wholeFrame(h.opcode, b[h.header:h.header+h.length])
		if !h.fin {
			again[0] &^= 0x80
		}
		if !bytes.Equal(again, b[:h.header+h.length]) {
			t.Fatalf("%x is written %x", b, again)
		}
	})
}

func TestPlaces(t *testing.T) {
	for name, c := range map[string]struct {
		in    string
		place uint64
		kind  Kind
	}{
		"an alert":                  {`{"type":"alert","cursor":"e-7-3","change":"issued"}`, 7<<seqBits | 3, Message},
		"an epoch with a dash":      {`{"type":"alert","cursor":"e-1-7-3"}`, 7<<seqBits | 3, Message},
		"hello":                     {`{"type":"hello","cursor":"e-0-0"}`, 0, Start},
		"gone":                      {`{"type":"gone"}`, 0, Gone},
		"another order of names":    {`{"change":"issued","cursor":"e-7-3"}`, 7<<seqBits | 3, Message},
		"hello in another order":    {`{"a":1,"type":"hello","cursor":"e-7-3"}`, 7<<seqBits | 3, Start},
		"no cursor":                 {`{"type":"note"}`, 0, Other},
		"a cursor without end":      {`{"type":"alert","cursor":"e-7-3`, 0, Other},
		"a cursor without numbers":  {`{"type":"alert","cursor":"e-x-3"}`, 0, Other},
		"a cursor of one number":    {`{"type":"alert","cursor":"7-3"}`, 0, Other},
		"a sequence past its bits":  {`{"type":"alert","cursor":"e-7-1048576"}`, 0, Other},
		"nothing":                   {``, 0, Other},
		"a real time":               {`{"type":"alert","cursor":"01J-1790000000000-0"}`, 1790000000000 << seqBits, Message},
		"a time past its bits":      {`{"type":"alert","cursor":"e-17592186044416-0"}`, 0, Other},
		"a number that is too long": {`{"type":"alert","cursor":"e-` + strings.Repeat("9", 40) + `-0"}`, 0, Other},
	} {
		t.Run(name, func(t *testing.T) {
			place, kind := PlaceOfCursor([]byte(c.in))
			if kind != c.kind || kind != Other && place != c.place {
				t.Errorf("got %d %d, want %d %d", place, kind, c.place, c.kind)
			}
		})
	}
}
