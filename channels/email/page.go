package email

import (
	_ "embed"
	"html/template"
	"strings"

	"martinella/alerts"
	"martinella/channels"
)

// The page is one column of tables and inline styles, which is what old mail
// programs understand; a style sheet adds the dark scheme for those that know
// it. It loads nothing from anywhere.
//
//go:embed page.html
var pageSource string

// html/template escapes every word of the sender for the place where it stands.
var pageTemplate = template.Must(template.New("page").Parse(strings.TrimSpace(pageSource)))

// pageEnd closes what the page leaves open for its closing lines.
const pageEnd = "</td></tr></table>\n</td></tr></table>\n</div>\n</body>\n</html>\n"

// tone is how a level looks: the stripe beside the title, always with the word.
type tone struct{ Stripe, Ink template.CSS }

var (
	toneExtreme  = tone{"#b3092f", "#b3092f"}
	toneSevere   = tone{"#d07000", "#8a4b00"}
	toneModerate = tone{"#f2c200", "#17324d"}
	toneOver     = tone{"#006b4f", "#006b4f"}
	toneOther    = tone{"#455b71", "#455b71"}
)

func toneOf(m channels.Message) tone {
	switch m.Change {
	case alerts.ChangeEnded:
		return toneOver
	case alerts.ChangeCancelled:
		return toneOther
	}
	switch m.Severity {
	case alerts.SeverityExtreme:
		return toneExtreme
	case alerts.SeveritySevere:
		return toneSevere
	case alerts.SeverityModerate:
		return toneModerate
	}
	return toneOther
}

// over reports whether the message says that a danger is over, or was none.
func over(m channels.Message) bool {
	return m.Change == alerts.ChangeCancelled || m.Change == alerts.ChangeEnded
}

// section is a heading with its lines.
type section struct {
	Heading string // may be empty
	Lines   []string
	Strong  bool // what to do
	Wide    bool // under its own heading; else heading and text on one line
}

// pageData is what the template shows.
type pageData struct {
	Lang, Dir, Title, Source, Mark, Hazard string
	Exercise                               bool
	Tone                                   tone
	Sections                               []section
	Help                                   string
	Button                                 template.HTML // a link like a button, escaped
	Link, Page                             string
	Map                                    *picture
	MapSource                              template.URL
	Words                                  words
}

func (d pageData) html() (string, error) {
	var b strings.Builder
	if err := pageTemplate.Execute(&b, d); err != nil {
		return "", err
	}
	return b.String(), nil
}

// page makes the HTML of a mail up to its closing lines.
func page(c channels.Composed, m channels.Message, w words, p *picture) (string, error) {
	data := pageData{
		Lang: c.Language, Dir: direction(c.Language), Title: m.Title, Source: textOf(c, channels.PieceSource),
		Mark: textOf(c, channels.PieceMark), Hazard: strings.TrimRight(textOf(c, channels.PieceHazard), "."),
		Exercise: m.Exercise, Tone: toneOf(m), Link: c.Link, Page: w.Page, Map: p, Words: w,
	}
	if !over(m) {
		data.Help = w.Help
	}
	if p != nil {
		data.MapSource = template.URL("cid:" + p.ID) //nolint:gosec // our own letters
	}
	add := func(heading string, kind channels.PieceKind, strong, wide bool) {
		var lines []string
		for line := range strings.Lines(textOf(c, kind)) {
			if line = strings.TrimSpace(line); line != "" {
				lines = append(lines, line)
			}
		}
		if len(lines) > 0 {
			data.Sections = append(data.Sections, section{heading, lines, strong, wide})
		}
	}
	do := w.Do
	if over(m) {
		do = "" // "what to do" is not that it is over
	}
	add(do, channels.PieceAction, true, true)
	add("", channels.PieceTime, false, false)
	add(w.Where, channels.PiecePlace, false, false)
	add(w.What, channels.PieceEffect, false, true)
	return data.html()
}
