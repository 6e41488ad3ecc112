package lint

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// word is a run of letters and digits. An apostrophe belongs to what stands
// before it ("dell'acqua" is two words), points and commas between digits to
// the number, a slash between letters to the word ("km/h").
type word struct {
	start, end int
	low        string // in lower case, with a straight apostrophe
	letters    int
	upper      bool // all letters are capitals, and there is one
	digits     bool // begins with a digit
	sentence   int
}

// sentence is a range of words and of bytes.
type sentence struct {
	first, last int // words [first, last)
	start, end  int
	line        bool // begins a line
	clock       tri  // whether it holds a clock time, once that is known
}

// tri is yes, no or not known yet.
type tri int8

const (
	unknown tri = iota
	yes
	no
)

// prose is a text taken apart.
type prose struct {
	text      string
	words     []word
	sentences []sentence
}

func isWordRune(c rune) bool { return unicode.IsLetter(c) || unicode.IsDigit(c) || unicode.IsMark(c) }

func isApostrophe(c rune) bool { return c == '\'' || c == '’' }

// take splits a text into words and sentences, in one walk.
func take(text string) *prose {
	p := &prose{text: text, words: make([]word, 0, len(text)/6+1)}
	line, begun := true, 0
	closeSentence := func(end int) {
		first := 0
		if n := len(p.sentences); n > 0 {
			first = p.sentences[n-1].last
		}
		if first == len(p.words) {
			return
		}
		p.sentences = append(p.sentences, sentence{first: first, last: len(p.words), start: p.words[first].start, end: end, line: line})
		line = false
	}
	for i := 0; i < len(text); {
		c, size := utf8.DecodeRuneInString(text[i:])
		if isWordRune(c) && c != utf8.RuneError {
			w := scanWord(text, i)
			w.sentence = len(p.sentences)
			p.words = append(p.words, w)
			i = w.end
			continue
		}
		switch {
		case c == '\n':
			closeSentence(i)
			line, begun = true, len(p.words)
		case c == '!' || c == '?' || c == '…' || c == ';':
			closeSentence(i + size)
		case c == '.' && p.ends(i, begun):
			closeSentence(i + 1)
		}
		i += size
	}
	closeSentence(len(text))
	return p
}

// ends reports whether the full stop at i ends a sentence: not after the number
// of a step, a single letter, or before a small letter.
func (p *prose) ends(i, line int) bool {
	if len(p.words) == 0 {
		return false
	}
	rest := p.text[i+1:]
	if rest == "" {
		return true
	}
	next, _ := utf8.DecodeRuneInString(rest)
	if !unicode.IsSpace(next) && !strings.ContainsRune(`)"»”'`, next) {
		return false
	}
	last := &p.words[len(p.words)-1]
	if last.end == i && (last.digits && len(p.words) == line+1 && last.end-last.start <= 2 || last.letters == 1 && last.end-last.start <= 2 && !last.digits) {
		return false
	}
	after := strings.TrimLeft(rest[:min(len(rest), 16)], " \t\r\u00a0")
	c, _ := utf8.DecodeRuneInString(after)
	return !unicode.IsLower(c)
}

// scanWord reads the word that begins at i.
func scanWord(text string, i int) word {
	w := word{start: i, upper: true}
	first, _ := utf8.DecodeRuneInString(text[i:])
	w.digits = unicode.IsDigit(first)
	lower, curly := true, false
	for i < len(text) {
		c, size := utf8.DecodeRuneInString(text[i:])
		switch {
		case isWordRune(c) && c != utf8.RuneError:
			if unicode.IsLetter(c) {
				w.letters++
				w.upper = w.upper && unicode.IsUpper(c)
				lower = lower && !unicode.IsUpper(c)
			}
			i += size
			continue
		case isApostrophe(c):
			curly = c == '’'
			i += size
		case (c == '.' || c == ',' || c == ':') && w.digits && digitAt(text, i+1), c == '/' && letterAt(text, i+1):
			i += size
			continue
		}
		break
	}
	w.end = i
	w.upper = w.upper && w.letters > 0
	w.low = text[w.start:i]
	if !lower {
		w.low = strings.ToLower(w.low)
	}
	if curly {
		w.low = strings.TrimSuffix(w.low, "’") + "'"
	}
	return w
}

func digitAt(text string, i int) bool { return i < len(text) && text[i] >= '0' && text[i] <= '9' }

func letterAt(text string, i int) bool {
	c, _ := utf8.DecodeRuneInString(text[min(i, len(text)):])
	return unicode.IsLetter(c)
}

// gap is what stands before word i.
func (p *prose) gap(i int) string {
	if i == 0 {
		return p.text[:p.words[0].start]
	}
	return p.text[p.words[i-1].end:p.words[i].start]
}

// elided reports whether word i is only the short form of an article before the
// next one.
func (p *prose) elided(i int) bool {
	return strings.HasSuffix(p.words[i].low, "'") && i+1 < len(p.words) && p.words[i+1].start == p.words[i].end
}

// bare is a word without its apostrophe.
func (w *word) bare() string { return strings.TrimSuffix(w.low, "'") }

// phrase is words that stand together, with what must stand between them.
type phrase struct {
	words []string
	gaps  []string // before each word but the first; " " is any space
	tail  string   // what must follow, as the point of an abbreviation
	to    string
}

// phrases are found by their first word, the longest first.
type phrases map[string][]phrase

func (ps phrases) add(text, to string) {
	p := take(text)
	if len(p.words) == 0 {
		return
	}
	one := phrase{to: to, tail: text[p.words[len(p.words)-1].end:]}
	for i := range p.words {
		one.words = append(one.words, p.words[i].low)
		if i > 0 {
			one.gaps = append(one.gaps, p.gap(i))
		}
	}
	first := one.words[0]
	at := 0
	for at < len(ps[first]) && len(ps[first][at].words) >= len(one.words) {
		at++
	}
	ps[first] = slices.Insert(ps[first], at, one)
}

func phrasesOf(lists ...[]string) phrases {
	ps := phrases{}
	for _, list := range lists {
		for _, text := range list {
			ps.add(text, "")
		}
	}
	return ps
}

func replacementsOf(m map[string]string) phrases {
	ps := phrases{}
	for text, to := range m {
		ps.add(text, to)
	}
	return ps
}

// match gives the phrase that begins at word i, and the word after it.
func (ps phrases) match(p *prose, i int) (found *phrase, after, end int) {
	for _, key := range [...]string{p.words[i].low, p.words[i].bare()} {
		list := ps[key]
		for n := range list {
			if end, ok := list[n].stands(p, i); ok {
				return &list[n], i + len(list[n].words), end
			}
		}
	}
	return nil, i, 0
}

func (ph *phrase) stands(p *prose, i int) (end int, ok bool) {
	if i+len(ph.words) > len(p.words) {
		return 0, false
	}
	for n, want := range ph.words {
		w := &p.words[i+n]
		if w.low != want && (w.bare() != want || strings.HasSuffix(want, "'")) {
			return 0, false
		}
		if n == 0 {
			continue
		}
		gap := p.gap(i + n)
		if ph.gaps[n-1] == " " {
			if gap == "" || strings.TrimSpace(gap) != "" {
				return 0, false
			}
		} else if gap != ph.gaps[n-1] {
			return 0, false
		}
	}
	end = p.words[i+len(ph.words)-1].end
	if ph.tail != "" && !strings.HasPrefix(p.text[end:], ph.tail) {
		return 0, false
	}
	return end + len(ph.tail), true
}

// in reports whether any of the phrases stands in words [from, to).
func (ps phrases) in(p *prose, from, to int) bool {
	for i := from; i < to; i++ {
		if ph, after, _ := ps.match(p, i); ph != nil && after <= to {
			return true
		}
	}
	return false
}
