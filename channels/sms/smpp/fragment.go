package smpp

import "encoding/binary"

// fragment is what says that a message is a part of a longer one: an element of
// the user data header (3GPP TS 23.040 sections 9.2.3.24.1 and 9.2.3.24.8) or
// the sar_ parameters (5.3.2.22 to 5.3.2.24).
type fragment struct {
	reference     uint16
	wide          bool // 16 bits
	total, number byte
}

const (
	elementConcat8  = 0x00
	elementConcat16 = 0x08
)

// fragment reads it. ok is false for a message that stands alone, also where
// its header is nonsense.
func (m *message) fragment() (f fragment, ok bool) {
	for rest := m.header(); len(rest) >= 2; {
		id, size := rest[0], int(rest[1])
		if len(rest) < 2+size {
			break
		}
		data := rest[2 : 2+size]
		switch {
		case id == elementConcat8 && size == 3:
			f = fragment{uint16(data[0]), false, data[1], data[2]}
		case id == elementConcat16 && size == 4:
			f = fragment{binary.BigEndian.Uint16(data), true, data[2], data[3]}
		}
		rest = rest[2+size:]
	}
	if f.total == 0 {
		reference, _ := find(m.tlvs, tagSARReference)
		total, _ := find(m.tlvs, tagSARTotal)
		number, _ := find(m.tlvs, tagSARNumber)
		if len(reference) == 2 && len(total) == 1 && len(number) == 1 {
			f = fragment{binary.BigEndian.Uint16(reference), true, total[0], number[0]}
		}
	}
	return f, f.total > 1 && f.number >= 1 && f.number <= f.total
}

// header is the user data header without its length; nil if there is none.
func (m *message) header() []byte {
	data := m.content()
	if m.esmClass&esmUDH == 0 || len(data) == 0 {
		return nil
	}
	return data[1:min(len(data), 1+int(data[0]))]
}

// userData is what follows the header.
func (m *message) userData() []byte {
	data := m.content()
	if m.esmClass&esmUDH != 0 && len(data) > 0 {
		data = data[min(len(data), 1+int(data[0])):]
	}
	return data
}
