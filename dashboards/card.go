package dashboards

import (
	"slices"
	"strings"
	"time"
	"unicode"

	"martinella/alerts"
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
	Changed  words // of an update: the CAP note
	What     []words
	Actions  []words
	Also     []also // further wordings of the same language: risks, days
	Exercise bool
	Standing broadcast.Standing
	Until    instant
	Issued   instant
	By       words
	Contact  words
	Web      string // only http(s)
	Foreign  string // name of the text's language, where it is not the page's
	Tag      string // of the text
	Gone     string // that it is lapsed, in words
}

// words is a text with its language where that is not the page's.
type words struct {
	Text string
	Lang string
}

// also is one more info of the same language.
type also struct {
	Level string
	Tone  string
	Shape string
	Name  words
	Where words
	Until instant
}

// card shows an event to a reader of the locale.
func (s *Server) card(l *locale, h happening, now time.Time) card {
	r := h.Record
	infos, tag := s.wording(r, l.Tag)
	c := card{
		Tag: tag,
		Key: string(r.ID) + "." + itoa(r.Revision), Event: string(r.Event), URL: "/a/" + string(r.Event),
		Exercise: r.Alert.Practice(), Standing: h.Standing, Issued: l.At(r.Published, now),
	}
	foreign := ""
	if !strings.EqualFold(alerts.PrimaryLanguage(tag), l.Tag) {
		foreign = tag
		c.Foreign = l.language(tag)
	}
	say := func(text string) words { return words{tidy(text), foreign} }
	c.Tone, c.Shape = tone(r.Severity())
	c.Level = l.lex.Level(r.Severity())
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
		c.Gone = l.lapsed(r.Alert.Expires(), now)
	}
	if len(infos) == 0 {
		c.Headline, c.Foreign = words{l.must("no_text"), ""}, ""
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
	for _, in := range infos[1:] {
		tn, shape := tone(in.Severity)
		c.Also = append(c.Also, also{l.lex.Level(in.Severity), tn, shape, say(in.Event), say(places(in.Areas)), l.At(in.Expires, now)})
	}
	return c
}

// close keeps the old call to act from standing over an event that is over,
// where the closing message repeats it or has no words of its own.
func (c *card) close(l *locale, r *alerts.Record) {
	if !c.Over() || !(r.Own || len(r.Alert.Infos) == 0) {
		return
	}
	c.About = c.Headline
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

// Title is the card in one line, for titles and feeds.
func (c card) Title() string {
	about := c.Headline.Text
	if c.About.Text != "" && c.Name.Text != "" {
		about = c.Name.Text
	}
	return c.Level + ": " + about
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
	tagOf := func(in *alerts.Info) string {
		if in.Language == "" {
			return s.Authority.Language
		}
		return in.Language
	}
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

// places names the areas, each once.
func places(areas []alerts.Area) string {
	var names []string
	for i := range areas {
		if name := tidy(areas[i].Description); name != "" && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	const most = 12
	if len(names) > most {
		names = append(names[:most:most], "+"+itoa(len(names)-most))
	}
	return strings.Join(names, ", ")
}

// paragraphs splits a text where its writer made a new line.
func paragraphs(text string) []string {
	var out []string
	for line := range strings.Lines(text) {
		if line = tidy(line); line != "" {
			out = append(out, line)
		}
	}
	return out
}

// steps splits an instruction into its lines, without the numbers and dashes
// that the list has by itself. The words stay as they are.
func steps(text string) []string {
	lines := paragraphs(text)
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
