package lint

import "strings"

// acts reports whether a sentence tells people to do something first: a verb,
// after what may stand before one.
func (p *prose) acts(u *usage, s sentence) bool {
	for i := s.first; i < s.last; i++ {
		w := &p.words[i]
		if u.verb(w) || u.Singular[w.bare()] != "" {
			return true
		}
		number := w.digits && i == s.first && w.end-w.start <= 2
		if !number && !u.before[w.low] {
			return false
		}
	}
	return false
}

// verbIn reports whether there is a verb anywhere in the sentence.
func (p *prose) verbIn(u *usage, s sentence) bool {
	for i := s.first; i < s.last; i++ {
		if u.verb(&p.words[i]) {
			return true
		}
	}
	return false
}

// startsWith reports whether a sentence begins with one of the phrases.
func (p *prose) startsWith(ps phrases, s sentence) bool {
	first := s.first
	if p.words[first].digits && first+1 < s.last {
		first++
	}
	ph, _, _ := ps.match(p, first)
	return ph != nil
}

// headlineAction: a headline is the action.
func (r *reader) headlineAction(p *prose, u *usage) {
	if len(p.sentences) == 0 {
		return
	}
	s := p.sentences[0]
	if at := strings.IndexByte(p.text[s.start:s.end], ':'); at >= 0 { // "Via del Ponte: restate ai piani alti"
		for s.first < s.last-1 && p.words[s.first].start < s.start+at {
			s.first++
		}
	}
	if p.acts(u, s) || p.startsWith(u.alsoFine, s) {
		return
	}
	r.at(NoHeadlineAction, p.text, p.sentences[0].start, p.sentences[0].end, "")
}

// verbsFirst: each line of the instruction begins with what to do, or with the
// condition under which.
func (r *reader) verbsFirst(p *prose, u *usage) {
	for _, s := range p.sentences {
		if !s.line {
			continue
		}
		if p.acts(u, s) || p.startsWith(u.alsoFine, s) || strings.ContainsRune(p.text[s.start:s.end], ':') {
			continue
		}
		if p.startsWith(u.conditions, s) && p.verbIn(u, s) {
			continue
		}
		r.at(VerbFirst, p.text, s.start, s.end, "")
	}
}

// twoActions finds a second verb after "and".
func (r *reader) twoActions(p *prose, u *usage) {
	for _, s := range p.sentences {
		verb := false
		for i := s.first; i < s.last; i++ {
			w := &p.words[i]
			if !u.verb(w) {
				continue
			}
			joined := i > s.first && (u.joins[p.words[i-1].low] || i > s.first+1 && u.before[p.words[i-1].low] && u.joins[p.words[i-2].low])
			if verb && joined && !u.notSecond[w.low] {
				r.at(TwoActions, p.text, s.start, s.end, "")
				break
			}
			verb = verb || p.begins(u, i) || u.language == "it"
		}
	}
}

// requests finds sentences that ask for data or a download: no warning does.
func (r *reader) requests(p *prose, u *usage) {
	for _, s := range p.sentences {
		if u.ask.in(p, s.first, s.last) && u.data.in(p, s.first, s.last) {
			r.at(AsksData, p.text, s.start, s.end, "")
		}
		if u.download.in(p, s.first, s.last) && (u.downloadThings.in(p, s.first, s.last) || strings.Contains(p.text[s.start:s.end], "://")) {
			r.at(AsksDownload, p.text, s.start, s.end, "")
		}
	}
}

// values finds observed values without the time of the observation.
func (r *reader) values(p *prose, u *usage) {
	for n, s := range p.sentences {
		if i := p.value(u, s); i >= 0 && !p.clock(u, n) {
			r.at(ValueWithoutTime, p.text, p.words[i].start, p.words[i+1].end, "")
		}
	}
}

// value gives the word where an observed value stands in a sentence, -1 without.
func (p *prose) value(u *usage, s sentence) int {
	for i := s.first; i+1 < s.last; i++ {
		if p.words[i].digits && u.units[p.words[i+1].low] && len(p.gap(i+1)) <= 2 {
			if u.observed.in(p, s.first, s.last) {
				return i
			}
			return -1
		}
	}
	return -1
}
