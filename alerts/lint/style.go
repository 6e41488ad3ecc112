package lint

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// signs finds what is not seen: control characters and those that turn the
// direction of writing.
func (r *reader) signs(text string) {
	for i, c := range text {
		if c < 0x80 && c >= 0x20 {
			continue
		}
		switch {
		case c == '\n' || c == '\r' || c == '\t':
		case c == utf8.RuneError, unicode.IsControl(c), c >= 0x202A && c <= 0x202E, c >= 0x2066 && c <= 0x2069, c == 0x200B, c == 0xFEFF:
			_, size := utf8.DecodeRuneInString(text[i:])
			r.at(NotText, text, i, i+size, "")
			return
		}
	}
}

// placeholders finds {place} and its like, which nobody filled in.
func (r *reader) placeholders(text string) {
	for i := 0; ; {
		open := strings.IndexByte(text[i:], '{')
		if open < 0 {
			return
		}
		open += i
		end := open + 1
		for end < len(text) && (text[end] == '_' || text[end] == '.' || text[end] >= 'a' && text[end] <= 'z' || text[end] >= 'A' && text[end] <= 'Z') {
			end++
		}
		if end > open+1 && end < len(text) && text[end] == '}' {
			r.at(Placeholder, text, open, end+1, "")
		}
		i = end
	}
}

// exclamations finds runs of exclamation marks.
func (r *reader) exclamations(text string) {
	for i := 0; i < len(text); {
		at := strings.IndexByte(text[i:], '!')
		if at < 0 {
			return
		}
		at += i
		end := at + 1
		for end < len(text) && (text[end] == '!' || text[end] == '?') {
			end++
		}
		r.at(Exclamation, text, at, end, ".")
		i = end
	}
}

// A sentence in capitals has at least this many words and letters: a single key
// word may stand.
const (
	capitalWords   = 3
	capitalLetters = 10
)

// capitals finds sentences in capitals.
func (r *reader) capitals(p *prose) {
	for _, s := range p.sentences {
		if p.shouted(s) {
			text := p.text[s.start:s.end]
			low := strings.ToLower(text)
			_, size := utf8.DecodeRuneInString(low)
			r.at(AllCapitals, p.text, s.start, s.end, strings.ToUpper(low[:size])+low[size:])
		}
	}
}

func (p *prose) shouted(s sentence) bool {
	words, letters := 0, 0
	for i := s.first; i < s.last; i++ {
		w := &p.words[i]
		if w.letters == 0 {
			continue
		}
		if !w.upper {
			return false
		}
		if !p.elided(i) {
			words++
		}
		letters += w.letters
	}
	return words >= capitalWords && letters >= capitalLetters
}

// maxWords is the longest sentence that readers under stress take in whole.
const maxWords = 20

func (p *prose) count(s sentence) int {
	n := 0
	for i := s.first; i < s.last; i++ {
		if !p.elided(i) && !(p.words[i].digits && i == s.first && s.line && p.words[i].end-p.words[i].start <= 2) {
			n++
		}
	}
	return n
}

// lengths finds long sentences.
func (r *reader) lengths(p *prose) {
	for _, s := range p.sentences {
		if n := p.count(s); n > maxWords {
			r.say(LongSentence, p.text, s.start, s.end, "", n, maxWords)
		}
	}
}

// costly finds characters that no cheap text message has, each once.
func (r *reader) costly(text string) {
	if r.c.Plain == nil || ascii(text) {
		return
	}
	if _, cheap := r.c.Plain(text); cheap {
		return
	}
	var seen []rune
	for i, c := range text {
		if c < utf8.RuneSelf || slices.Contains(seen, c) || len(seen) > 20 {
			continue
		}
		size := utf8.RuneLen(c)
		if c == utf8.RuneError || size < 0 {
			continue
		}
		one := text[i : i+size]
		plain, cheap := r.c.Plain(one)
		if cheap {
			continue
		}
		seen = append(seen, c)
		if plain == one {
			plain = ""
		}
		r.at(CostlyCharacter, text, i, i+size, plain)
	}
}

func ascii(text string) bool {
	for i := range len(text) {
		if text[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// The thresholds of the two measures. Gulpease (Lucisano and Piemontese, 1988)
// runs from 0 to 100, easier upwards; the Automated Readability Index (Senter
// and Smith, 1967) is a school grade, easier downwards.
const (
	gulpeaseLeast = 60
	ariMost       = 8
	readableWords = 15 // under this a measure says nothing
)

// readable measures how easily a text is read.
func (r *reader) readable(p *prose, u *usage) {
	words, letters := 0, 0
	for i := range p.words {
		letters += p.words[i].end - p.words[i].start
		if p.words[i].letters > 0 {
			letters += p.words[i].letters - (p.words[i].end - p.words[i].start)
		}
		if !p.elided(i) {
			words++
		}
	}
	if words < readableWords {
		return
	}
	sentences := len(p.sentences)
	switch u.language {
	case "it":
		if n := Gulpease(letters, words, sentences); n < gulpeaseLeast {
			r.say(HardToRead, p.text, 0, 0, "", n, gulpeaseLeast)
		}
	case "en":
		if n := ARI(letters, words, sentences); n > ariMost {
			r.say(HardToRead, p.text, 0, 0, "", n, ariMost)
		}
	}
}

// Gulpease is 89 + (300 x sentences - 10 x letters) / words, within 0 and 100.
func Gulpease(letters, words, sentences int) int {
	if words == 0 {
		return 100
	}
	return min(100, max(0, 89+(300*sentences-10*letters)/words))
}

// ARI is 4.71 x letters / words + 0.5 x words / sentences - 21.43, at least 0.
func ARI(letters, words, sentences int) int {
	if words == 0 || sentences == 0 {
		return 0
	}
	grade := 4.71*float64(letters)/float64(words) + 0.5*float64(words)/float64(sentences) - 21.43
	return max(0, int(grade+0.5))
}
