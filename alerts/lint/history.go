package lint

import (
	"fmt"
	"strings"
	"time"

	"martinella/alerts"
)

// staleAfter is when a value that did not change is taken for a forgotten one.
const staleAfter = time.Hour

// history compares with the revision before, and looks for languages that are
// not there.
func (r *reader) history(a *alerts.Alert, now time.Time) {
	if len(a.Infos) == 0 {
		return // a bare Cancel
	}
	before := r.c.Previous
	wanted := map[string]bool{}
	var order []string
	want := func(tag string) {
		if lang := alerts.PrimaryLanguage(tag); lang != "" && !wanted[lang] {
			wanted[lang] = true
			order = append(order, tag)
		}
	}
	for _, tag := range r.c.Languages {
		want(tag)
	}
	if before != nil {
		for i := range before.Infos {
			want(r.tag(&before.Infos[i]))
		}
	}
	for _, tag := range order {
		if r.infoIn(a, tag) == nil {
			r.field, r.language = "info", tag
			r.whole(LanguageMissing)
		}
	}
	if before == nil || a.MsgType != alerts.MsgUpdate || a.AllClear() {
		return
	}
	moved := false
	for i := range a.Infos {
		was := r.infoIn(before, r.tag(&a.Infos[i]))
		moved = moved || was == nil || words(was) != words(&a.Infos[i])
	}
	for i := range a.Infos {
		in := &a.Infos[i]
		r.language = r.tag(in)
		if was := r.infoIn(before, r.language); was != nil {
			r.compare(a, in, was, fmt.Sprintf("info[%d].", i), moved, now)
		}
	}
}

func (r *reader) tag(in *alerts.Info) string {
	if in.Language == "" {
		return r.c.language()
	}
	return in.Language
}

// infoIn gives the first info of a language, nil without one.
func (r *reader) infoIn(a *alerts.Alert, tag string) *alerts.Info {
	lang := alerts.PrimaryLanguage(tag)
	for i := range a.Infos {
		if alerts.PrimaryLanguage(r.tag(&a.Infos[i])) == lang {
			return &a.Infos[i]
		}
	}
	return nil
}

func words(in *alerts.Info) string {
	return in.Headline + "\n" + in.Description + "\n" + in.Instruction
}

// compare looks at one language of an update and what it said before.
func (r *reader) compare(a *alerts.Alert, in, was *alerts.Info, at string, moved bool, now time.Time) {
	if !strings.EqualFold(strings.TrimSpace(in.Event), strings.TrimSpace(was.Event)) {
		r.field = at + "event"
		r.at(HazardRenamed, in.Event, 0, len(in.Event), was.Event)
	}
	same := words(in) == words(was)
	if same && moved {
		r.field = at + "description"
		r.whole(LanguageStale)
		return
	}
	u := usageOf(r.language)
	if u == nil {
		return
	}
	if p := take(words(in)); blank(a.Note) && in.Changed() == "" && !u.change.in(p, 0, len(p.words)) {
		r.field = at + "description"
		r.whole(NoChangeSaid)
	}
	if now.Sub(r.c.Previous.Sent) <= staleAfter {
		return
	}
	r.field = at + "description"
	p, old := take(in.Description), take(was.Description)
	said := map[string]bool{}
	for _, s := range old.sentences {
		if i := old.value(u, s); i >= 0 {
			said[strings.Join(strings.Fields(old.text[s.start:s.end]), " ")] = true
		}
	}
	for _, s := range p.sentences {
		if i := p.value(u, s); i >= 0 && said[strings.Join(strings.Fields(p.text[s.start:s.end]), " ")] {
			r.at(StaleValue, p.text, p.words[i].start, p.words[i+1].end, "")
		}
	}
}
