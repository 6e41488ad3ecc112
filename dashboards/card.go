package dashboards

import (
	"cmp"
	"html/template"
	"slices"
	"strings"
	"time"
	"unicode"

	"martinella/alerts"
	"martinella/alerts/lexicon"
	"martinella/broadcast"
)

// card is one event on a page.
type card struct {
	Key      string // "id.revision": the page's script finds it again by this
	Event    string
	URL      string
	Tone     string // class of stripe and shape: red org yel mut grn
	Shape    string // id of the symbol
	Level    string // the first words
	Revision int    // of an update; 0 for a first issue
	Name     words  // of the hazard
	Headline words
	About    words // of a closed event: what the warning had said
	Where    words
	All      []words // every area by name, where Where leaves some out
	Changed  words   // of an update: the CAP note
	What     []words
	Actions  []words
	Also     []also // further wordings of the same language: risks, days
	Exercise bool
	Standing broadcast.Standing
	Until    instant
	Issued   instant
	By       words
	Contact  words
	Web      string          // only http(s)
	Foreign  string          // name of the text's language, where it is not the page's
	In       []textIn        // where the text is not in the page's language and exists in several others: all of them
	Tag      string          // of the text
	Gone     string          // that it is lapsed, in words
	Lapse    string          // the same without the hour, for titles
	Severity alerts.Severity // that Level and Tone are of, while the event holds

	infos []alerts.Info // in the reader's language, in the order in which they are shown
}

// words is a text with its language where that is not the page's.
type words struct {
	Text string
	Lang string
}

// Turned is what turns a block around whose language is written from right to
// left, with a space before it; "" for others.
func (w words) Turned() template.HTMLAttr {
	if dirOf(w.Lang) == "rtl" {
		return ` dir="rtl"`
	}
	return ""
}

// card shows an event to a reader of the locale.
func (s *Server) card(l *locale, h happening, now time.Time) card { return s.cardNear(l, h, now, nil) }

// cardNear shows an event to a reader in one area: what near says concerns the
// area comes first, and its gravest level is the card's. near may be nil.
func (s *Server) cardNear(l *locale, h happening, now time.Time, near touching) card {
	r := h.Record
	infos, tag := s.wording(r, l.Tag)
	severity := near.first(r, infos)
	c := card{
		Tag: tag, Severity: severity, infos: infos,
		Key: string(r.ID) + "." + itoa(r.Revision), Event: string(r.Event), URL: "/a/" + string(r.Event),
		Exercise: r.Alert.Practice(), Standing: h.Standing, Issued: l.At(r.Published, now),
	}
	foreign := ""
	if !strings.EqualFold(alerts.PrimaryLanguage(tag), l.Tag) {
		foreign = tag
		c.Foreign = l.language(tag)
		c.In = s.textsIn(l, r, c.URL)
	}
	say := func(text string) words { return words{tidy(text), foreign} }
	c.Tone, c.Shape = tone(severity)
	c.Level = l.lex.Level(severity)
	if r.Revision > 1 {
		c.Revision = r.Revision - 1
	}
	switch h.Standing {
	case broadcast.StandingCancelled:
		c.Tone, c.Shape, c.Level = "mut", "s-off", l.must("cancelled")
		if r.Alert.Practice() {
			c.Level = l.must("drill_stopped")
		}
	case broadcast.StandingEnded:
		c.Tone, c.Shape, c.Level = "grn", "s-ok", l.must("all_clear")
	case broadcast.StandingLapsed:
		c.Gone, c.Lapse = l.lapsed(r.Alert.Expires(), now), l.must("feeds_lapsed")
	}
	if len(infos) == 0 {
		c.Headline, c.Foreign, c.In = words{l.must("no_text"), ""}, "", nil
		c.By = words{s.Authority.Name, ""}
		return c
	}
	main := infos[0]
	c.Name = say(main.Event)
	c.Headline = say(main.Headline)
	if c.Headline.Text == "" {
		c.Headline = c.Name
	}
	c.Where = say(places(main.Areas))
	c.All = everyPlace(main.Areas, foreign)
	c.What = sayAll(paragraphs(main.Description), foreign)
	c.Actions = sayAll(steps(main.Instruction), foreign)
	c.Until = l.At(main.Expires, now)
	c.By = say(main.SenderName)
	if c.By.Text == "" {
		c.By = words{r.Alert.Sender, ""}
		if r.Own || r.Alert.Sender == s.Authority.Sender {
			c.By.Text = s.Authority.Name
		}
	}
	c.close(l, r)
	c.Contact = say(main.Contact)
	if strings.HasPrefix(main.Web, "https://") || strings.HasPrefix(main.Web, "http://") {
		c.Web = main.Web
	}
	if r.Revision > 1 && r.Alert.Note != "" {
		c.Changed = say(r.Alert.Note)
	}
	for i := range infos[1:] {
		c.Also = append(c.Also, c.also(l, r, &infos[i+1], foreign, now))
	}
	return c
}

// close keeps the old call to act from standing over an event that is over,
// where the closing message repeats it or has no words of its own.
func (c *card) close(l *locale, r *alerts.Record) {
	if !c.closes(r) {
		return
	}
	standard, said := lexicon.For(c.Tag).Closing(r.Change, r.Alert.Practice(), c.Name.Text)
	if c.About = c.Headline; r.Own && c.Headline.Text == standard {
		c.About = c.Name // its headline says only that it is over
	}
	if len(c.What) == 1 && c.What[0].Text == said {
		c.What = nil // the page says it in its own language
	}
	if len(r.Alert.Infos) == 0 {
		c.What = nil // those of the warning that is over
	}
	const longest = 120
	switch {
	case c.Cancelled():
		c.Headline = words{Text: cancelled(l, r)}
	case len(c.What) > 0 && len(c.What[0].Text) <= longest:
		c.Headline, c.What = c.What[0], c.What[1:]
	default:
		c.Headline = words{Text: l.must("all_clear_text")}
	}
}

// cancelled says what the Cancel of a record means.
func cancelled(l *locale, r *alerts.Record) string {
	if r.Alert.Practice() {
		return l.must("drill_stopped_text")
	}
	return l.must("cancelled_text")
}

// Title is the card in one line, for titles and feeds. Of a lapsed event it says
// so, in words that stay the same: some readers see nothing else of it.
func (c card) Title() string {
	about := c.Headline.Text
	if c.About.Text != "" && c.Name.Text != "" {
		about = c.Name.Text
	}
	level := c.Level
	if c.Lapsed() {
		level += " (" + c.Lapse + ")"
	}
	return level + ": " + about
}

// Over reports whether the event is over for its readers.
func (c card) Over() bool {
	return c.Standing == broadcast.StandingEnded || c.Standing == broadcast.StandingCancelled
}

// Lapsed reports whether its time is over although nobody has ended it.
func (c card) Lapsed() bool { return c.Standing == broadcast.StandingLapsed }

// Cancelled reports whether it was sent by mistake.
func (c card) Cancelled() bool { return c.Standing == broadcast.StandingCancelled }

// tone gives class and symbol of a severity: shape and colour together, so
// that neither is alone.
func tone(s alerts.Severity) (class, shape string) {
	switch s {
	case alerts.SeverityExtreme:
		return "red", "s-red"
	case alerts.SeveritySevere:
		return "org", "s-org"
	case alerts.SeverityModerate:
		return "yel", "s-yel"
	}
	return "mut", "s-mut"
}

// wording gives the infos of the record in the best language for a reader,
// the gravest first, and that language: the reader's, else the authority's,
// else the first one.
func (s *Server) wording(r *alerts.Record, lang string) ([]alerts.Info, string) {
	all := r.Infos()
	if len(all) == 0 {
		return nil, lang
	}
	tagOf := s.tagOf
	chosen := tagOf(&all[0])
	for _, want := range []string{s.Authority.Language, lang} {
		if i := slices.IndexFunc(all, func(in alerts.Info) bool {
			return alerts.PrimaryLanguage(tagOf(&in)) == alerts.PrimaryLanguage(want)
		}); i >= 0 {
			chosen = tagOf(&all[i])
		}
	}
	var out []alerts.Info
	for _, in := range all {
		if alerts.PrimaryLanguage(tagOf(&in)) == alerts.PrimaryLanguage(chosen) {
			out = append(out, in)
		}
	}
	slices.SortStableFunc(out, func(a, b alerts.Info) int { return b.Severity.Rank() - a.Severity.Rank() })
	return out, chosen
}

// tagOf is the language of an info; one that names none is in the authority's.
func (s *Server) tagOf(in *alerts.Info) string { return cmp.Or(in.Language, s.Authority.Language) }

// textIn is a language in which the text of an alert exists.
type textIn struct {
	Name string // in the page's language
	Tag  string
	URL  string // the page with that text; "": no page is in that language
}

// textsIn gives the languages of a record, each once, the authority's first;
// nil where there is only one.
func (s *Server) textsIn(l *locale, r *alerts.Record, address string) []textIn {
	var out []textIn
	infos := r.Infos()
	for i := range infos {
		tag := alerts.PrimaryLanguage(s.tagOf(&infos[i]))
		if slices.ContainsFunc(out, func(t textIn) bool { return t.Tag == tag }) {
			continue
		}
		one := textIn{Name: l.language(tag), Tag: tag}
		if slices.Contains(pageLanguages, tag) {
			one.URL = address + "?lang=" + tag
		}
		if tag == alerts.PrimaryLanguage(s.Authority.Language) {
			out = slices.Insert(out, 0, one)
		} else {
			out = append(out, one)
		}
	}
	if len(out) < 2 {
		return nil
	}
	return out
}

// mostPlaces is how many areas a line names.
const mostPlaces = 12

// placeNames names the areas, each once.
func placeNames(areas []alerts.Area) []string {
	var names []string
	known := map[string]bool{}
	for i := range areas {
		if name := tidy(areas[i].Description); name != "" && !known[name] {
			known[name] = true
			names = append(names, name)
		}
	}
	return names
}

// places names the first areas in a line, and says how many more there are.
func places(areas []alerts.Area) string {
	names := placeNames(areas)
	if len(names) > mostPlaces {
		names = append(names[:mostPlaces:mostPlaces], "+"+itoa(len(names)-mostPlaces))
	}
	return strings.Join(names, ", ")
}

// paragraphs splits a text where its writer made a new line; lines that a program
// wrapped are one.
func paragraphs(text string) []string { return unwrapped(tidyLines(text), false) }

func tidyLines(text string) (out []string) {
	for line := range strings.Lines(text) {
		out = append(out, tidy(line))
	}
	return out
}

// steps splits an instruction into its lines, without the numbers and dashes
// that the list has by itself. The words stay as they are.
func steps(text string) []string {
	lines := unwrapped(tidyLines(text), true)
	for i, line := range lines {
		rest := strings.TrimLeft(line, "-–*•· ")
		if digits := strings.TrimLeftFunc(rest, unicode.IsDigit); digits != rest && len(rest)-len(digits) <= 2 {
			if cut := strings.TrimLeft(digits, ".)"); cut != digits && strings.HasPrefix(cut, " ") {
				rest = strings.TrimSpace(cut)
			}
		}
		if rest != "" {
			lines[i] = rest
		}
	}
	return lines
}

// tidy takes out what could turn a line around or hide in it: control
// characters and marks of direction. html/template escapes the rest.
func tidy(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t' || r == '\r':
			return ' '
		case unicode.IsControl(r), r >= '\u202a' && r <= '\u202e', r >= '\u2066' && r <= '\u2069', r == '\ufeff':
			return -1
		}
		return r
	}, s)
	return strings.Join(strings.Fields(s), " ")
}

func sayAll(lines []string, lang string) []words {
	out := make([]words, len(lines))
	for i, line := range lines {
		out[i] = words{line, lang}
	}
	return out
}
