package photo

import (
	"bytes"
	"encoding/binary"
	"iter"
)

// segments gives the parts of a JPEG before its picture (ISO/IEC 10918-1, annex B).
func segments(b []byte) iter.Seq2[byte, []byte] {
	return func(yield func(byte, []byte) bool) {
		for at := 2; at+4 <= len(b) && b[at] == 0xFF; {
			marker := b[at+1]
			if marker == 0xFF { // filling
				at++
				continue
			}
			size := int(binary.BigEndian.Uint16(b[at+2:]))
			if marker == 0xDA || size < 2 || at+2+size > len(b) || !yield(marker, b[at+4:at+2+size]) { // the picture itself, or nonsense
				return
			}
			at += 2 + size
		}
	}
}

// progressive reports whether a JPEG comes in several passes.
func progressive(b []byte) bool {
	for marker := range segments(b) {
		if marker == 0xC0 || marker == 0xC1 {
			return false
		}
	}
	return true // also where nobody can tell
}

// orientation finds in a JPEG which way it was taken (EXIF 2.3, tag 0x0112); 1 where
// it does not say, or says it in a way that cannot be read. Nothing else of the
// metadata is looked at, and nothing of it is kept.
func orientation(b []byte) int {
	for marker, part := range segments(b) {
		if tiff, found := bytes.CutPrefix(part, []byte("Exif\x00\x00")); marker == 0xE1 && found {
			return tiffOrientation(tiff)
		}
	}
	return 1
}

// tiffOrientation reads the tag out of the first directory (TIFF 6.0, section 2).
func tiffOrientation(b []byte) int {
	if len(b) < 8 {
		return 1
	}
	var order binary.ByteOrder = binary.BigEndian
	if string(b[:2]) == "II" {
		order = binary.LittleEndian
	}
	at := uint64(order.Uint32(b[4:]))
	if at+2 > uint64(len(b)) {
		return 1
	}
	entries := uint64(order.Uint16(b[at:]))
	for i := range entries {
		entry := at + 2 + 12*i
		if entry+12 > uint64(len(b)) {
			break
		}
		if order.Uint16(b[entry:]) == 0x0112 {
			if o := int(order.Uint16(b[entry+8:])); o >= 1 && o <= 8 {
				return o
			}
			break
		}
	}
	return 1
}
