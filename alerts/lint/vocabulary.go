package lint

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// vocabulary finds words that should be others.
func (r *reader) vocabulary(p *prose, u *usage) {
	shouted := make([]bool, len(p.sentences))
	for i, s := range p.sentences {
		shouted[i] = p.shouted(s)
	}
	for i := 0; i < len(p.words) && !r.full(); {
		if after := r.replaced(p, u, i); after > i {
			i = after
			continue
		}
		w := &p.words[i]
		switch {
		case u.levels[w.low] && p.levelCode(u, i):
			r.at(LevelCode, p.text, w.start, p.words[i+1].end, "")
			i++
		case w.upper && !shouted[w.sentence]:
			r.acronym(p, u, i)
		}
		if to := u.Singular[w.bare()]; to != "" && p.begins(u, i) {
			r.at(Singular, p.text, w.start, w.end, like(p.text[w.start:w.end], to))
		}
		i++
	}
}

// replaced looks for the phrases that begin at word i, and gives the word after
// the one that it found.
func (r *reader) replaced(p *prose, u *usage, i int) (after int) {
	w := &p.words[i]
	if ph, after, end := u.abbreviations.match(p, i); ph != nil {
		r.at(Abbreviation, p.text, w.start, end, like(p.text[w.start:end], ph.to))
		return after
	}
	if ph, after, end := u.accents.match(p, i); ph != nil && !(w.upper && w.letters == 1 && after == i+1) { // E' is the È of text messages
		r.at(Accent, p.text, w.start, end, like(p.text[w.start:end], ph.to))
		return after
	}
	if ph, after, end := u.colours.match(p, i); ph != nil {
		if !r.official {
			r.at(Colour, p.text, w.start, end, "")
		}
		return after
	}
	if ph, after, end := u.green.match(p, i); ph != nil {
		r.at(Green, p.text, w.start, end, "")
		return after
	}
	if ph, after, end := u.relative.match(p, i); ph != nil {
		if !p.clock(u, w.sentence) {
			r.at(RelativeTime, p.text, w.start, end, "")
		}
		return after
	}
	if ph, after, end := u.jargon.match(p, i); ph != nil {
		r.at(Jargon, p.text, w.start, end, like(p.text[w.start:end], ph.to))
		return after
	}
	return i
}

// levelCode reports whether a number or a single letter follows that is a code
// ("livello 1", "fase B") and no measure ("livello 3 metri").
func (p *prose) levelCode(u *usage, i int) bool {
	if i+1 >= len(p.words) || strings.TrimSpace(p.gap(i+1)) != "" {
		return false
	}
	next := &p.words[i+1]
	if next.digits {
		return next.end-next.start <= 2 && (i+2 >= len(p.words) || !u.units[p.words[i+2].low])
	}
	return next.upper && next.letters == 1 && next.end-next.start == 1 && !u.capitals[p.text[next.start:next.end]]
}

// acronym judges a word in capitals: those of two or three letters, without a
// vowel, or known as such are taken for one; others are key words. Names of
// roads (SP 12), of provinces in brackets (PT) and what the lexicon allows stand.
func (r *reader) acronym(p *prose, u *usage, i int) {
	w := &p.words[i]
	text := strings.TrimRight(p.text[w.start:w.end], "'’")
	to, known := u.Acronyms[text]
	switch {
	case u.capitals[text], w.letters < 2, w.digits, strings.ContainsAny(text, "0123456789"), u.verb(w):
		return
	case !known && w.letters > 3 && (w.letters > 6 || strings.ContainsAny(text, "AEIOUÀÈÉÌÒÙ")):
		return
	case i+1 < len(p.words) && p.words[i+1].digits && strings.TrimSpace(p.gap(i+1)) == "" && w.letters <= 3 && !known:
		return
	case strings.HasSuffix(p.gap(i), "(") && strings.HasPrefix(p.text[w.end:], ")") && w.letters == 2:
		return
	case strings.HasSuffix(p.gap(i), "#"), strings.HasSuffix(p.gap(i), "{"):
		return
	}
	r.at(Acronym, p.text, w.start, w.start+len(text), to)
}

// maxBefore is how many words may stand before a verb that begins a sentence.
const maxBefore = 4

// begins reports whether word i begins a sentence, but for what may stand
// before a verb.
func (p *prose) begins(u *usage, i int) bool {
	first := p.sentences[p.words[i].sentence].first
	if i > first+maxBefore {
		return false
	}
	for n := first; n < i; n++ {
		if !u.before[p.words[n].low] {
			return false
		}
	}
	return true
}

// clock reports whether sentence n holds a clock time.
func (p *prose) clock(u *usage, n int) bool {
	s := &p.sentences[n]
	if s.clock == unknown {
		s.clock = no
		if p.hasClock(u, s) {
			s.clock = yes
		}
	}
	return s.clock == yes
}

func (p *prose) hasClock(u *usage, s *sentence) bool {
	for i := s.first; i < s.last; i++ {
		w := &p.words[i]
		if u.clockAlone[w.low] || w.digits && isClock(p.text[w.start:w.end]) {
			return true
		}
		if !w.digits || !isHour(w.low) {
			continue
		}
		if i > s.first && u.clockBefore[p.words[i-1].low] && (i+1 == s.last || !u.units[p.words[i+1].low]) {
			return true
		}
		if i+1 < s.last && u.clockAfter[p.words[i+1].low] {
			return true
		}
	}
	return false
}

// isClock reports whether a number is written like 18:30 or 18.30.
func isClock(s string) bool {
	at := strings.IndexAny(s, ":.")
	return at >= 1 && len(s) == at+3 && isHour(s[:at]) && s[at+1] >= '0' && s[at+1] <= '5' && digitAt(s, at+2)
}

func isHour(s string) bool {
	switch len(s) {
	case 1:
		return digitAt(s, 0)
	case 2:
		return s[0] == '0' && digitAt(s, 1) || s[0] == '1' && digitAt(s, 1) || s[0] == '2' && s[1] >= '0' && s[1] <= '4'
	}
	return false
}

// like gives a proposal in the capitals of what it takes the place of.
func like(was, to string) string {
	if to == "" {
		return ""
	}
	first, size := utf8.DecodeRuneInString(was)
	if !unicode.IsUpper(first) {
		return to
	}
	if rest := was[size:]; utf8.RuneCountInString(rest) > 1 && strings.ToUpper(rest) == rest && strings.ToLower(rest) != rest {
		return strings.ToUpper(to)
	}
	c, n := utf8.DecodeRuneInString(to)
	return string(unicode.ToUpper(c)) + to[n:]
}

// hazard holds the name of the danger against the lexicon.
func (r *reader) hazard(p *prose, u *usage) {
	name := strings.ToLower(strings.TrimSpace(p.text))
	if to := u.hazards[name]; to != "" && !u.names[name] {
		start := strings.Index(p.text, strings.TrimSpace(p.text))
		end := start + len(strings.TrimSpace(p.text))
		r.at(HazardName, p.text, start, end, like(p.text[start:end], to))
	}
}
