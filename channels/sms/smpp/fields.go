package smpp

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
)

// fields reads the body of a PDU from left to right. After the first error it
// gives zero values; err says what was wrong.
type fields struct {
	rest []byte
	err  error
}

func (f *fields) fail(s status, what string) {
	if f.err == nil {
		f.err = &malformed{s, what}
	}
	f.rest = nil
}

// text reads a C-octet string, without its NUL.
func (f *fields) text() string {
	end := bytes.IndexByte(f.rest, 0)
	if end < 0 {
		f.fail(statusInvalidLength, "a string without its end")
		return ""
	}
	s := string(f.rest[:end])
	f.rest = f.rest[end+1:]
	return s
}

// lastText reads a C-octet string that ends the body; some SMSCs leave out the
// NUL, or the string itself.
func (f *fields) lastText() string {
	end := bytes.IndexByte(f.rest, 0)
	if end < 0 {
		end = len(f.rest)
	}
	s := string(f.rest[:end])
	f.rest = nil
	return s
}

func (f *fields) octet() byte {
	if len(f.rest) < 1 {
		f.fail(statusInvalidLength, "it ends too early")
		return 0
	}
	b := f.rest[0]
	f.rest = f.rest[1:]
	return b
}

func (f *fields) octets(n int) []byte {
	if len(f.rest) < n {
		f.fail(statusInvalidLength, "it ends too early")
		return nil
	}
	if n == 0 {
		return nil
	}
	b := f.rest[:n:n]
	f.rest = f.rest[n:]
	return b
}

func (f *fields) address() address {
	return address{ton: f.octet(), npi: f.octet(), digits: f.text()}
}

// tlvs reads the optional parameters (5.3.1), which fill the rest of a PDU.
func (f *fields) tlvs() []tlv {
	var list []tlv
	for len(f.rest) > 0 {
		if len(f.rest) < 4 {
			f.fail(statusInvalidTLVs, "half an optional parameter")
			return nil
		}
		t := tlv{tag: binary.BigEndian.Uint16(f.rest)}
		size := int(binary.BigEndian.Uint16(f.rest[2:]))
		f.rest = f.rest[4:]
		if size > len(f.rest) {
			f.fail(statusInvalidTLVLength, fmt.Sprintf("optional parameter %#04x is longer than the pdu", t.tag))
			return nil
		}
		t.value = f.octets(size)
		list = append(list, t)
	}
	return list
}

var errNUL = errors.New("a string contains a zero octet")

// appendText writes C-octet strings.
func appendText(b []byte, texts ...string) ([]byte, error) {
	for _, s := range texts {
		if strings.IndexByte(s, 0) >= 0 {
			return b, errNUL
		}
		b = append(append(b, s...), 0)
	}
	return b, nil
}

// tlv is an optional parameter: tag, length, value.
type tlv struct {
	tag   uint16
	value []byte
}

// The tags that we write or read (5.3.2). Others (vendors' own) are
// carried and not looked at.
const (
	tagReceiptedID   uint16 = 0x001E // receipted_message_id, a C-octet string
	tagUserReference uint16 = 0x0204 // user_message_reference, 2 octets
	tagSARReference  uint16 = 0x020C // sar_msg_ref_num, 2 octets
	tagSARTotal      uint16 = 0x020E // sar_total_segments, 1 octet
	tagSARNumber     uint16 = 0x020F // sar_segment_seqnum, 1 octet
	tagPayload       uint16 = 0x0424 // message_payload
	tagMessageState  uint16 = 0x0427 // message_state, 1 octet
	tagNetworkError  uint16 = 0x0423 // network_error_code: kind of network, 2 octets of code
)

func appendTLVs(b []byte, list []tlv) ([]byte, error) {
	for _, t := range list {
		if len(t.value) > 0xFFFF {
			return b, fmt.Errorf("optional parameter %#04x has %d octets", t.tag, len(t.value))
		}
		b = binary.BigEndian.AppendUint16(b, t.tag)
		b = binary.BigEndian.AppendUint16(b, uint16(len(t.value)))
		b = append(b, t.value...)
	}
	return b, nil
}

// find gives the value of the first parameter with the tag.
func find(list []tlv, tag uint16) ([]byte, bool) {
	for _, t := range list {
		if t.tag == tag {
			return t.value, true
		}
	}
	return nil, false
}
