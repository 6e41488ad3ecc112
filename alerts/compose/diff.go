package compose

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"martinella/alerts"
)

// Diff lists what differs, in the order of the form: what people choose first,
// then each language. Only what makes the alert counts: not the template, its
// values, nor what the form belongs to.
func Diff(before, after Form) []Change {
	var all []Change
	say := func(field, lang, was, is string) {
		if was != is {
			all = append(all, Change{Field: field, Language: lang, Before: was, After: is, Words: Words(was, is)})
		}
	}
	was, is := before.choices(), after.choices()
	for i := range was {
		say(was[i].field, "", was[i].text, is[i].text)
	}
	var tags []string
	for _, t := range slices.Concat(after.Texts, before.Texts) {
		if !slices.ContainsFunc(tags, func(have string) bool { return strings.EqualFold(have, t.Language) }) {
			tags = append(tags, t.Language)
		}
	}
	for _, tag := range tags {
		i, j := before.text(tag), after.text(tag)
		var old, fresh Text
		at := i
		if i >= 0 {
			old = before.Texts[i]
		}
		if j >= 0 {
			fresh, at = after.Texts[j], j
		}
		was, is := old.words(), fresh.words()
		for k := range was {
			say(fmt.Sprintf("texts[%d].%s", at, was[k].field), tag, was[k].text, is[k].text)
		}
		for _, name := range names(old.Own, fresh.Own) {
			say(fmt.Sprintf("texts[%d].own.%s", at, name), tag, old.Own[name], fresh.Own[name])
		}
	}
	return all
}

// text is the index of a language's words, -1 without any.
func (f *Form) text(tag string) int {
	return slices.IndexFunc(f.Texts, func(t Text) bool { return strings.EqualFold(t.Language, tag) })
}

// part is a field with what it says.
type part struct{ field, text string }

// choices are the fields beside the words, in order.
func (f *Form) choices() []part {
	channels := "*"
	if f.Channels != nil {
		channels = strings.Join(f.Channels, ", ")
	}
	var shapes []string
	for _, s := range f.Shapes {
		shapes = append(shapes, s.String())
	}
	var files []string
	for _, file := range f.Files {
		files = append(files, strings.TrimSpace(file.Type+" "+file.URI+" "+file.Digest))
	}
	return []part{
		{"status", string(f.Status)}, {"severity", string(f.Severity)}, {"urgency", string(f.Urgency)}, {"certainty", string(f.Certainty)},
		{"category", joined(f.Categories)}, {"response", joined(f.Responses)}, {"from", f.From}, {"until", f.Until},
		{"codes", valuesOf(f.Codes)}, {"shapes", strings.Join(shapes, "; ")}, {"event_code", valuesOf(f.EventCodes)},
		{"files", strings.Join(files, "; ")}, {"channels", channels},
	}
}

// words are the fields of a language but for own, in the order of a message.
func (t *Text) words() []part {
	return []part{
		{"changed", t.Changed}, {"source", t.Source}, {"event", t.Event}, {"headline", t.Headline}, {"description", t.Description}, {"where", t.Where},
		{"instruction", t.Instruction}, {"web", t.Web}, {"contact", t.Contact}, {"alts", strings.Join(t.Alts, "; ")}, {"parameter", valuesOf(t.Parameters)},
	}
}

// String writes the shape as CAP does.
func (s Shape) String() string {
	if s.Circle != nil {
		return s.Circle.String()
	}
	return s.Polygon.String()
}

func joined[T ~string](list []T) string {
	var out []string
	for _, one := range list {
		out = append(out, string(one))
	}
	return strings.Join(out, ", ")
}

func valuesOf(list []alerts.Value) string {
	var out []string
	for _, v := range list {
		out = append(out, v.Name+"="+v.Value)
	}
	return strings.Join(out, ", ")
}

func names(maps ...map[string]string) []string {
	var all []string
	for _, m := range maps {
		for name := range m {
			all = append(all, name)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// mostCells bounds the table of a comparison; two texts of some 1,000 words
// each fit. What differs in longer ones is one piece on each side.
const mostCells = 1 << 22

// Words is the difference of two texts, word by word. Pieces of the same kind
// are one, what is removed stands before what is added; none is empty.
func Words(before, after string) []Piece {
	return Align(tokens(before), tokens(after), func(token string) string { return token })
}

// Align is the difference of two texts that were cut into words by somebody
// else: words with the same key are the same, and of those after's is given.
// Pieces of the same kind are one, as they stand in their text, what is removed
// stands before what is added; none is empty. Texts of more than some 2,000
// words each are one piece on each side between what they begin and end with.
func Align(before, after []string, key func(word string) string) []Piece {
	a, b := keyed(before, key), keyed(after, key)
	head := 0
	for head < len(a) && head < len(b) && a[head].key == b[head].key {
		head++
	}
	tail := 0
	for tail < len(a)-head && tail < len(b)-head && a[len(a)-1-tail].key == b[len(b)-1-tail].key {
		tail++
	}
	var p pieces
	p.same(b[:head])
	p.compare(a[head:len(a)-tail], b[head:len(b)-tail])
	p.same(b[len(b)-tail:])
	return p.done()
}

// word is one of a text, with what it is compared by.
type word struct{ text, key string }

func keyed(words []string, key func(string) string) []word {
	out := make([]word, len(words))
	for i, w := range words {
		out[i] = word{w, key(w)}
	}
	return out
}

func wordsText(words []word) string {
	var b strings.Builder
	for _, w := range words {
		b.WriteString(w.text)
	}
	return b.String()
}

// tokens cuts a text into words, runs of space, and single other characters.
func tokens(text string) []string {
	kind := func(r rune) int {
		switch {
		case unicode.IsLetter(r), unicode.IsDigit(r), unicode.IsMark(r):
			return 1
		case r == '\n': // lines are steps: a break is a token of its own
			return 0
		case unicode.IsSpace(r):
			return 2
		}
		return 0
	}
	var out []string
	start, last := 0, -1
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRuneInString(text[i:])
		k := kind(r)
		if i > start && (k != last || k == 0) {
			out = append(out, text[start:i])
			start = i
		}
		last = k
		i += size
	}
	if start < len(text) {
		out = append(out, text[start:])
	}
	return out
}

// pieces collects a difference.
type pieces struct {
	all            []Piece
	removed, added strings.Builder
}

func (p *pieces) same(words []word) {
	text := wordsText(words)
	if text == "" {
		return
	}
	p.flush()
	if n := len(p.all); n > 0 && p.all[n-1].Kind == Same {
		p.all[n-1].Text += text
		return
	}
	p.all = append(p.all, Piece{Same, text})
}

func (p *pieces) flush() {
	for _, side := range []struct {
		kind Kind
		text *strings.Builder
	}{{Removed, &p.removed}, {Added, &p.added}} {
		if side.text.Len() > 0 {
			p.all = append(p.all, Piece{side.kind, side.text.String()})
			side.text.Reset()
		}
	}
}

func (p *pieces) done() []Piece { p.flush(); return p.all }

// compare walks the longest common subsequence.
func (p *pieces) compare(a, b []word) {
	if len(a)*len(b) > mostCells {
		p.removed.WriteString(wordsText(a))
		p.added.WriteString(wordsText(b))
		return
	}
	wide := len(b) + 1
	common := make([]uint16, (len(a)+1)*wide) // at most the smaller side: 2,048
	for i, x := range slices.Backward(a) {
		for j, y := range slices.Backward(b) {
			if x.key == y.key {
				common[i*wide+j] = common[(i+1)*wide+j+1] + 1
			} else {
				common[i*wide+j] = max(common[(i+1)*wide+j], common[i*wide+j+1])
			}
		}
	}
	i, j := 0, 0
	for i < len(a) || j < len(b) {
		switch {
		case i < len(a) && j < len(b) && a[i].key == b[j].key:
			p.same(b[j : j+1])
			i, j = i+1, j+1
		case j == len(b) || i < len(a) && common[(i+1)*wide+j] >= common[i*wide+j+1]:
			p.removed.WriteString(a[i].text)
			i++
		default:
			p.added.WriteString(b[j].text)
			j++
		}
	}
}
