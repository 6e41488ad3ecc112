package channels

import (
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/rivo/uniseg"
)

// Encoding is how a text travels in an SMS.
type Encoding string

// The values of [Encoding].
const (
	GSM7 Encoding = "gsm7" // GSM 03.38 default alphabet, SMPP data_coding 0
	UCS2 Encoding = "ucs2" // UTF-16 big-endian, SMPP data_coding 8
)

// Lengths of 3GPP TS 23.040: a message has 140 octets; the header that joins
// the parts of a long one (8-bit reference) takes 6 of them.
const (
	SeptetsAlone = 160 // of one GSM-7 message
	SeptetsPart  = 153 // of each part of a long one
	UnitsAlone   = 70  // UTF-16 units of one UCS-2 message
	UnitsPart    = 67
)

// Segment is one part of a text as it goes into an SMS, without the header
// that joins the parts.
type Segment struct {
	Text  string
	Data  []byte // GSM7: one septet an octet (unpacked); UCS2: big-endian
	Units int    // septets, or UTF-16 units
}

// Segments encodes a text: GSM-7 where the alphabet has every character, UCS-2
// otherwise; one segment where it fits, else as many as needed. It never cuts
// an escape pair or a surrogate pair, and no grapheme that fits into a part.
// Bytes that are not UTF-8 become U+FFFD. The empty text is one empty segment.
func Segments(text string) (Encoding, []Segment) {
	if _, ok := Septets(text); ok {
		return GSM7, split(text, SeptetsAlone, SeptetsPart, appendSeptets, septetsOf)
	}
	return UCS2, split(text, UnitsAlone, UnitsPart, appendUnits, unitsOf)
}

// Septets counts a text in the GSM 03.38 alphabet; characters of the extension
// table count two. ok is false when the alphabet lacks a character.
func Septets(text string) (n int, ok bool) {
	for _, r := range text {
		w := septetsOf(r)
		if w == 0 {
			return 0, false
		}
		n += w
	}
	return n, true
}

// Units16 counts UTF-16 units.
func Units16(text string) int {
	n := 0
	for _, r := range text {
		n += unitsOf(r)
	}
	return n
}

func split(text string, alone, part int, encode func([]byte, rune) []byte, width func(rune) int) []Segment {
	whole := Segment{Text: text}
	for _, r := range text {
		whole.Data = encode(whole.Data, r)
		whole.Units += width(r)
	}
	if whole.Units <= alone {
		return []Segment{whole}
	}
	var out []Segment
	var cur Segment
	add := func(s string, units int) {
		if cur.Units+units > part {
			out = append(out, cur)
			cur = Segment{}
		}
		cur.Text += s
		cur.Units += units
		for _, r := range s {
			cur.Data = encode(cur.Data, r)
		}
	}
	state := -1
	for rest := text; rest != ""; {
		var cluster string
		cluster, rest, _, state = uniseg.FirstGraphemeClusterInString(rest, state)
		units := 0
		for _, r := range cluster {
			units += width(r)
		}
		if units <= part {
			add(cluster, units)
			continue
		}
		for i, r := range cluster { // one "character" longer than a message: keep at least its code points
			_, size := utf8.DecodeRuneInString(cluster[i:])
			add(cluster[i:i+size], width(r))
		}
	}
	return append(out, cur)
}

// gsmEscape announces a character of the extension table.
const gsmEscape = 0x1B

// gsmBasic is the default alphabet of 3GPP TS 23.038 section 6.2.1 in the order
// of its codes; the escape's own place holds a character that no text contains.
var gsmBasic = []rune("@£$¥èéùìòÇ\nØø\rÅå" +
	"Δ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ" +
	" !\"#¤%&'()*+,-./" +
	"0123456789:;<=>?" +
	"¡ABCDEFGHIJKLMNO" +
	"PQRSTUVWXYZÄÖÑÜ§" +
	"¿abcdefghijklmno" +
	"pqrstuvwxyzäöñüà")

// gsmExtension is the extension table of section 6.2.1.1.
var gsmExtension = map[rune]byte{
	'\f': 0x0A, '^': 0x14, '{': 0x28, '}': 0x29, '\\': 0x2F,
	'[': 0x3C, '~': 0x3D, ']': 0x3E, '|': 0x40, '€': 0x65,
}

var gsmCodes = func() map[rune]byte {
	m := make(map[rune]byte, len(gsmBasic))
	for code, r := range gsmBasic {
		if code != gsmEscape {
			m[r] = byte(code)
		}
	}
	return m
}()

// septetsOf is 1, 2 for the extension table, 0 for what the alphabet lacks.
func septetsOf(r rune) int {
	if _, ok := gsmCodes[r]; ok {
		return 1
	}
	if _, ok := gsmExtension[r]; ok {
		return 2
	}
	return 0
}

func appendSeptets(b []byte, r rune) []byte {
	if code, ok := gsmCodes[r]; ok {
		return append(b, code)
	}
	return append(b, gsmEscape, gsmExtension[r])
}

func unitsOf(r rune) int {
	if r > 0xFFFF {
		return 2
	}
	return 1
}

func appendUnits(b []byte, r rune) []byte {
	for _, u := range utf16.AppendRune(nil, r) {
		b = append(b, byte(u>>8), byte(u))
	}
	return b
}

// DecodeSeptets reads unpacked GSM-7, as an SMSC sends it with data_coding 0.
// Unknown codes become U+FFFD, as does an escape at the end.
func DecodeSeptets(data []byte) string {
	var b strings.Builder
	for i := 0; i < len(data); i++ {
		code := data[i]
		switch {
		case code == gsmEscape && i+1 < len(data):
			i++
			b.WriteRune(extensionRune(data[i]))
		case int(code) < len(gsmBasic) && code != gsmEscape:
			b.WriteRune(gsmBasic[code])
		default:
			b.WriteRune(utf8.RuneError)
		}
	}
	return b.String()
}

func extensionRune(code byte) rune {
	for r, c := range gsmExtension {
		if c == code {
			return r
		}
	}
	return utf8.RuneError
}

// DecodeUCS2 reads UTF-16 big-endian; an odd last byte is dropped.
func DecodeUCS2(data []byte) string {
	units := make([]uint16, 0, len(data)/2)
	for i := 0; i+1 < len(data); i += 2 {
		units = append(units, uint16(data[i])<<8|uint16(data[i+1]))
	}
	return string(utf16.Decode(units))
}
