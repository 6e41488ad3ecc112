package imagecard

import (
	"fmt"
	"sort"
	"strings"
	"unicode"

	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/font/sfnt"
	"golang.org/x/text/unicode/norm"
)

// typefaces are the two that the cards are set in: the Go fonts, which come
// with every build and have Latin, Greek and Cyrillic letters. A drawing uses
// faces of its own, which are for one goroutine.
type typefaces struct {
	bold, regular *opentype.Font
}

func loadTypefaces() (t typefaces, err error) {
	if t.bold, err = opentype.Parse(gobold.TTF); err != nil {
		return t, fmt.Errorf("imagecard: the bold typeface: %w", err)
	}
	if t.regular, err = opentype.Parse(goregular.TTF); err != nil {
		return t, fmt.Errorf("imagecard: the typeface: %w", err)
	}
	return t, nil
}

// setter sets text of one drawing.
type setter struct {
	typefaces
	buffer sfnt.Buffer
	faces  map[faceKey]font.Face
}

type faceKey struct {
	bold bool
	size int
}

// face is a typeface at a size in pixels.
func (s *setter) face(bold bool, size int) font.Face {
	key := faceKey{bold, size}
	if f, ok := s.faces[key]; ok {
		return f
	}
	of := s.regular
	if bold {
		of = s.bold
	}
	f, err := opentype.NewFace(of, &opentype.FaceOptions{Size: float64(size), DPI: 72, Hinting: font.HintingNone})
	if err != nil {
		return nil // it never fails for these options
	}
	s.faces[key] = f
	return f
}

// settable gives a text without the characters that the typefaces do not have,
// like emoji; "" where that is so much of it that nobody could read the rest.
// Half a sentence of another script is worse than none: the words stand beside
// the picture in any case.
func (s *setter) settable(text string) string {
	var b strings.Builder
	letters, lost := 0, 0
	for _, r := range norm.NFC.String(plain(shortened(text, 4*longestLine))) {
		if r == ' ' {
			b.WriteByte(' ')
			continue
		}
		letter := unicode.IsLetter(r) || unicode.IsDigit(r)
		if letter {
			letters++
		}
		switch {
		case s.has(r):
			b.WriteRune(r)
		case letter:
			base := s.base(r)
			if base == "" {
				lost++
			}
			b.WriteString(base)
		}
	}
	if lost*10 > letters {
		return ""
	}
	return plain(b.String())
}

func (s *setter) has(r rune) bool {
	i, err := s.regular.GlyphIndex(&s.buffer, r)
	return err == nil && i != 0
}

// base is a letter without the marks for which the typefaces have no form: the
// e of a Vietnamese one with two accents.
func (s *setter) base(r rune) string {
	var out strings.Builder
	for _, part := range norm.NFKD.String(string(r)) {
		switch {
		case unicode.Is(unicode.Mn, part):
		case !s.has(part):
			return ""
		default:
			out.WriteRune(part)
		}
	}
	return out.String()
}

// longestLine bounds what is measured: no card shows more.
const longestLine = 400

// wrap breaks a text at words into at most so many lines of a width in pixels.
// whole is false where something had to be left out.
func wrap(text string, face font.Face, width, most int) (lines []string, whole bool) {
	text = shortened(text, longestLine)
	words := strings.Fields(text)
	fits := func(line string) bool { return font.MeasureString(face, line).Ceil() <= width }
	for len(words) > 0 && len(lines) < most {
		n := 1
		for n < len(words) && fits(strings.Join(words[:n+1], " ")) {
			n++
		}
		line := strings.Join(words[:n], " ")
		if n == 1 && !fits(line) { // one word that is wider than the card
			runes := []rune(line)
			cut := max(1, sort.Search(len(runes), func(n int) bool { return !fits(string(runes[:n+1]) + "-") }))
			lines = append(lines, string(runes[:cut])+"-")
			words[0] = string(runes[cut:])
			continue
		}
		lines, words = append(lines, line), words[n:]
	}
	if len(words) == 0 || len(lines) == 0 {
		return lines, !strings.HasSuffix(text, "…")
	}
	last := strings.Fields(lines[len(lines)-1])
	for len(last) > 1 && !fits(strings.Join(last, " ")+"…") {
		last = last[:len(last)-1]
	}
	lines[len(lines)-1] = strings.TrimRight(strings.Join(last, " "), ",;:-–. ") + "…"
	return lines, false
}

// fitted wraps a text at the largest of the sizes at which all of it fits, else
// at the smallest.
func (s *setter) fitted(text string, bold bool, width, most int, sizes ...int) (lines []string, size int) {
	for _, size = range sizes {
		var whole bool
		if lines, whole = wrap(text, s.face(bold, size), width, most); whole && unbroken(lines, text) {
			break
		}
	}
	return lines, size
}

// filling wraps a text at the largest of the sizes at which all of it fits into
// a room of so many pixels, else at the smallest.
func (s *setter) filling(text string, bold bool, width, room int, sizes ...int) (lines []string, size int) {
	for _, size = range sizes {
		var whole bool
		face := s.face(bold, size)
		if lines, whole = wrap(text, face, width, max(room*100/(size*lineHeight), 1)); whole && unbroken(lines, text) {
			return even(lines, text, face, width), size
		}
	}
	return lines, size
}

// even breaks a text into as many lines that are about as long as each other:
// one short word alone in the last line is overlooked.
func even(lines []string, text string, face font.Face, width int) []string {
	for narrower := width * 95 / 100; len(lines) > 1 && narrower > width/2; narrower -= width / 20 {
		more, whole := wrap(text, face, narrower, len(lines))
		if !whole || !unbroken(more, text) {
			break
		}
		lines = more
	}
	return lines
}

// unbroken reports whether the lines hold every word of a settable text in one
// piece.
func unbroken(lines []string, text string) bool { return strings.Join(lines, " ") == text }
