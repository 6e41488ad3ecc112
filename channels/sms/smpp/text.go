package smpp

import (
	"bytes"
	"fmt"
	"hash/fnv"
	"time"
	"unicode/utf8"

	"martinella/channels"
)

// The data_coding values that we write or read (SMPP 3.4 section 5.2.19).
const (
	codingDefault byte = 0x00 // the SMSC's alphabet: GSM 03.38, one septet an octet
	codingIA5     byte = 0x01
	codingLatin1  byte = 0x03
	codingUCS2    byte = 0x08
)

// part is the user data of one submit_sm.
type part struct {
	text     []byte // with its user data header
	coding   byte
	esmClass byte
}

// maxTotal is the most parts that the 8-bit header can count (3GPP TS 23.040
// section 9.2.3.24.1).
const maxTotal = 255

// encode cuts a text into parts. The header of each part of a long one is
// 05 00 03, reference, total, number.
func encode(text string, reference byte) ([]part, error) {
	encoding, segments := channels.Segments(text)
	coding := codingDefault
	if encoding == channels.UCS2 {
		coding = codingUCS2
	}
	if len(segments) == 1 {
		return []part{{text: segments[0].Data, coding: coding}}, nil
	}
	if len(segments) > maxTotal {
		return nil, fmt.Errorf("the text needs %d parts", len(segments))
	}
	parts := make([]part, len(segments))
	for i, s := range segments {
		header := []byte{0x05, 0x00, 0x03, reference, byte(len(segments)), byte(i + 1)}
		parts[i] = part{text: append(header, s.Data...), coding: coding, esmClass: esmUDH}
	}
	return parts, nil
}

// reference is the number by which a handset joins the parts of a message. It
// depends on the recipient and the event, so that it does not start anew with
// the program and is the same when a message is sent again by another process;
// successive revisions of an event, which come close together, always differ.
func reference(source, to string, m channels.Message) byte {
	h := fnv.New64a()
	for _, s := range []string{source, to, m.Channel} {
		h.Write([]byte(s))
		h.Write([]byte{0})
	}
	switch {
	case m.Event != "":
		h.Write([]byte(m.Event))
	case m.Key != "":
		h.Write([]byte(m.Key))
	default:
		h.Write([]byte(m.Text))
	}
	sum := h.Sum64()
	return byte(sum>>32) + byte(m.Revision)
}

// decode reads the text of a citizen's message. What cannot be read keeps its
// place as U+FFFD.
func decode(m *message) string {
	return decodeOctets(&message{dataCoding: m.dataCoding, text: m.userData()})
}

// decodeOctets reads a text without header.
func decodeOctets(m *message) string {
	data := m.text
	switch coding := m.dataCoding; {
	case coding == codingUCS2 || (coding >= 0xE0 && coding <= 0xEF) || (coding < 0xC0 && coding&0xCC == codingUCS2): // GSM 03.38 section 4: general groups and class
		return channels.DecodeUCS2(data)
	case coding == codingLatin1:
		runes := make([]rune, len(data))
		for i, b := range data {
			runes[i] = rune(b)
		}
		return string(runes)
	case coding == codingIA5 && !bytes.ContainsFunc(data, isControl):
		runes := make([]rune, len(data))
		for i, b := range data {
			if runes[i] = rune(b); b > 0x7F {
				runes[i] = utf8.RuneError
			}
		}
		return string(runes)
	}
	return channels.DecodeSeptets(data)
}

// isControl finds what no text in IA5 holds: some SMSCs write GSM 03.38, where
// these codes are letters, and call it IA5.
func isControl(r rune) bool { return r < ' ' && r != '\n' && r != '\r' }

// How the expiry is written (section 7.1.1).
const (
	validityAbsolute int32 = iota
	validityRelative
	validityNone // only where the SMSC has refused both
)

// longestValidity keeps a relative period within the two digits for days.
const longestValidity = 30 * 24 * time.Hour

// validityPeriod writes when the SMSC must give up: "YYMMDDhhmmsstnnp" in UTC,
// or the same digits as a distance with R at the end.
func validityPeriod(form int32, expires, now time.Time) string {
	if expires.IsZero() || form == validityNone {
		return ""
	}
	if form == validityAbsolute {
		return expires.UTC().Format("060102150405") + "000+"
	}
	left := min(max(expires.Sub(now), time.Second), longestValidity)
	seconds := int(left / time.Second)
	return fmt.Sprintf("0000%02d%02d%02d%02d000R", seconds/86400, seconds/3600%24, seconds/60%60, seconds%60)
}
