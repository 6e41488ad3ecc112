package paper

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// The form of a key of 32 bytes: 52 letters of five bits, and eight that check the
// whole, in groups of four with a check letter behind them, three groups a line.
const (
	keySize   = 32
	perGroup  = 4
	perLine   = 3
	lineCount = 5
	keyCount  = 52 // letters of the key
	sumCount  = 8  // letters of the check of the whole

	groupSize = perGroup + 1
	lineSize  = perLine * groupSize
)

// Count is how many lines a key has.
const Count = lineCount

// letters are those of Crockford's Base32: no I, L, O or U, and whoever types
// those means 1, 1, 0 and V (crockford.com/base32.html; V is our own).
const letters = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

var meant = strings.NewReplacer("O", "0", "I", "1", "L", "1", "U", "V")

// double multiplies by x in the field of 32 elements (x^5 + x^2 + 1).
func double(v byte) byte {
	if v <<= 1; v&32 != 0 {
		v ^= 0b100101
	}
	return v
}

// check is the letter behind a group: another one for every letter that is wrong,
// for every two that changed their places, and for a group at another place.
func check(group []byte, place int) byte {
	sum := byte(0)
	for _, v := range group {
		sum = double(sum ^ v)
	}
	return sum ^ byte(place)
}

// Lines gives what stands on the paper, without numbers: "A7K2Q 9XW0F 3HT8M".
func Lines(key []byte) ([]string, error) {
	if len(key) != keySize {
		return nil, errors.New("the key is not of 32 bytes")
	}
	values := append(spread(key, keyCount), whole(key)...)
	lines := make([]string, lineCount)
	for place := range lineCount * perLine {
		group := values[place*perGroup : (place+1)*perGroup]
		var b strings.Builder
		for _, v := range append(slices.Clone(group), check(group, place)) {
			b.WriteByte(letters[v])
		}
		if line := &lines[place/perLine]; *line == "" {
			*line = b.String()
		} else {
			*line += " " + b.String()
		}
	}
	return lines, nil
}

// whole checks all of the key.
func whole(key []byte) []byte {
	sum := sha256.Sum256(append([]byte("martinella key on paper\n"), key...))
	return spread(sum[:], sumCount)
}

// spread cuts bytes into values of five bits, the first ones first; behind the
// last byte stand zeros.
func spread(b []byte, count int) []byte {
	out := make([]byte, count)
	for i := range count * 5 {
		if i/8 < len(b) && b[i/8]>>(7-i%8)&1 == 1 {
			out[i/5] |= 1 << (4 - i%5)
		}
	}
	return out
}

// WrongGroup says which group cannot be as it stands on the paper.
type WrongGroup struct {
	Line, Group int // from 1
	Why         string
}

// Error implements error. It does not repeat what was typed.
func (w *WrongGroup) Error() string {
	if w.Group == 0 {
		return fmt.Sprintf("line %d: %s", w.Line, w.Why)
	}
	return fmt.Sprintf("line %d, group %d: %s", w.Line, w.Group, w.Why)
}

var numberedLine = regexp.MustCompile(`^[1-5][.):]?[ \t]+`)

// ReadLine reads one line as it was typed, number from 1: small letters, other
// gaps and the number of the line in front are taken as well. Its error is a
// *[WrongGroup], or several joined.
func ReadLine(text string, number int) ([]byte, error) {
	text = strings.TrimSpace(text)
	strip := func(s string) string {
		return meant.Replace(strings.ToUpper(strings.NewReplacer(" ", "", "\t", "", "-", "", ".", "").Replace(s)))
	}
	plain := strip(text)
	if len(plain) != lineSize {
		if label := numberedLine.FindString(text); label != "" {
			plain = strip(text[len(label):])
		}
	}
	if len(plain) != lineSize {
		return nil, &WrongGroup{Line: number, Why: fmt.Sprintf("it has %d letters, a line has %d", len([]rune(plain)), lineSize)}
	}
	values := make([]byte, lineSize)
	var wrong []error
	for g := range perLine {
		bad := ""
		for i := range groupSize {
			at := strings.IndexByte(letters, plain[g*groupSize+i])
			if at < 0 {
				bad = "there is a sign in it that is on no such paper"
				continue
			}
			values[g*groupSize+i] = byte(at)
		}
		group := values[g*groupSize : (g+1)*groupSize]
		if bad == "" && check(group[:perGroup], (number-1)*perLine+g) != group[perGroup] {
			bad = "a letter is wrong, or it belongs to another place"
		}
		if bad != "" {
			wrong = append(wrong, &WrongGroup{number, g + 1, bad})
		}
	}
	if len(wrong) > 0 {
		return nil, errors.Join(wrong...)
	}
	return values, nil
}

// Join makes the key of all lines as [ReadLine] gave them.
func Join(lines [][]byte) ([]byte, error) {
	var values []byte
	for _, line := range lines {
		for group := range slices.Chunk(line, groupSize) {
			values = append(values, group[:min(perGroup, len(group))]...)
		}
	}
	if len(lines) != lineCount || len(values) != keyCount+sumCount {
		return nil, fmt.Errorf("the key has %d lines, these are %d", lineCount, len(lines))
	}
	key := make([]byte, keySize)
	for i := range keySize * 8 {
		if values[i/5]>>(4-i%5)&1 == 1 {
			key[i/8] |= 1 << (7 - i%8)
		}
	}
	if !slices.Equal(spread(key, keyCount), values[:keyCount]) || !slices.Equal(whole(key), values[keyCount:]) {
		return nil, errors.New("every line is right by itself, but together they are no key: are all of them from one sheet?")
	}
	return key, nil
}

// Read reads all lines of a text; empty ones and those that begin with # are left
// out. Every wrong line is named.
func Read(text string) ([]byte, error) {
	var lines [][]byte
	var wrong []error
	number := 0
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		number++
		if number > lineCount {
			return nil, errors.Join(append(wrong, fmt.Errorf("there are more than %d lines", lineCount))...)
		}
		values, err := ReadLine(line, number)
		if err != nil {
			wrong = append(wrong, err)
		}
		lines = append(lines, values)
	}
	if len(wrong) > 0 {
		return nil, errors.Join(wrong...)
	}
	return Join(lines)
}
