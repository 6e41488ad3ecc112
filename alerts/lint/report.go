package lint

import (
	"maps"
	"slices"
	"strings"

	"martinella/alerts"
)

// Report finds in what was seen at a place the words that only an alert may say:
// what to do, until when something holds, that an alert rises, widens or is over.
// It judges strictly, because nobody reads a report before it is public; a text
// that it refuses wrongly can be said in other words. Links, telephone numbers and
// requests for data are judged as in an alert, and refuse here. None of its hits
// means that the report may be shown. It is pure and may be called from many
// goroutines.
func Report(s *alerts.Sitrep, c Context) []Hit {
	r := &reader{c: &c, effect: EffectBlock, language: s.Language}
	if usageOf(s.Language) == nil {
		r.field = "language"
		r.whole(ReportLanguage)
		return r.hits
	}
	fields := []struct {
		name, text string
		sentences  bool
	}{{"text", s.Text, true}, {"place", s.Place, false}, {"source", s.Source, false}}
	if s.Photo != nil {
		fields = append(fields, struct {
			name, text string
			sentences  bool
		}{"alt", s.Photo.Alt, true})
	}
	for _, f := range fields {
		if f.text == "" {
			continue
		}
		r.field = f.name
		p := take(f.text)
		for _, lang := range slices.Sorted(maps.Keys(usages)) { // whatever language it says that it is in
			u := usages[lang]
			r.reported(p, u, f.sentences && u.language == alerts.PrimaryLanguage(s.Language))
		}
		r.hits = append(r.hits, strict(Text("parameter", s.Language, f.text, c), f.name)...)
	}
	return r.hits
}

// strict leaves the findings that in a report nobody can tick away.
func strict(hits []Hit, field string) (out []Hit) {
	for _, h := range hits {
		switch h.Code {
		case AsksData, AsksDownload, ForeignLink, InsecureLink, PhoneUnregistered, Placeholder:
			h.Field, h.Effect = field, EffectBlock
			out = append(out, h)
		}
	}
	return out
}

// reported finds what one language may not say; verbs says whether imperatives are
// looked for.
func (r *reader) reported(p *prose, u *usage, verbs bool) {
	for i := range p.words {
		w := &p.words[i]
		for _, one := range []struct {
			phrases phrases
			code    Code
		}{{u.reportOrders, ReportInstruction}, {u.reportLimits, ReportLimit}, {u.reportLevels, ReportLevel}, {u.colours, ReportLevel}, {u.green, ReportLevel}} {
			ph, _, end := one.phrases.match(p, i)
			if ph == nil || one.code == ReportLimit && !p.clock(u, w.sentence) {
				continue
			}
			r.at(one.code, p.text, w.start, end, "")
			break
		}
		if verbs && p.orders(u, i) {
			r.at(ReportInstruction, p.text, w.start, w.end, "")
		}
	}
}

// orders reports whether word i tells people to do something: an imperative that
// begins a clause, or one that is hardly anything else.
func (p *prose) orders(u *usage, i int) bool {
	w := &p.words[i]
	first := p.sentences[w.sentence].first
	if u.reportVerbs[w.bare()] && (i == first || !u.reportAfter[p.words[i-1].low]) {
		return true
	}
	if !u.verb(w) && u.Singular[w.bare()] == "" {
		return false
	}
	for n := i; ; n-- {
		if n == first || strings.ContainsAny(p.gap(n), ",:;-–—(\n") {
			return true
		}
		if before := &p.words[n-1]; !u.before[before.low] {
			return false
		}
	}
}

// Instructs gives what [Report] finds as the problems of the report's fields, for
// [alerts.Desk].
func (c Context) Instructs(s *alerts.Sitrep) (ps alerts.Problems) {
	for _, h := range Report(s, c) {
		ps = append(ps, alerts.Problem{Field: h.Field, Problem: "cannot be said in a live update: " + h.Message.En, Hint: h.Remedy.En, Level: alerts.LevelError})
	}
	return ps
}
