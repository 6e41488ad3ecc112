package channels

import (
	"slices"
	"strings"
	"unicode"

	"martinella/alerts"
	"martinella/alerts/lexicon"
)

// Composed is a record's wording in one language, before it is fitted to a
// platform.
type Composed struct {
	Language string
	Title    string      // one line: mark, level and event
	Top      alerts.Info // the wording that speaks; zero for a bare Cancel
	Pieces   []Piece
	Link     string
	Own      bool // the author's own words speak: see [Composed.Worded]

	others []further // hazards of the same language beside the one that speaks
	over   bool      // it closes its event
	closed bool      // the wordings are those of the alert that is closed: it brings none
}

// further is a hazard that is only named: the line that names it.
type further struct {
	info alerts.Info
	line string
}

// Languages lists the languages of a record, each once, in the order of its
// infos; of one without infos (a bare Cancel) the authority's.
func Languages(r *alerts.Record, s Settings) []string {
	var out []string
	for _, info := range r.Infos() {
		lang := info.Language
		if lang == "" {
			lang = s.language()
		}
		if !slices.ContainsFunc(out, func(l string) bool { return strings.EqualFold(l, lang) }) {
			out = append(out, lang)
		}
	}
	if len(out) == 0 {
		out = append(out, s.language())
	}
	return out
}

// Compose builds the pieces of a record's message in one of its [Languages].
// It is pure. Where a language has several infos (a hazard each), the worst one
// speaks and the others are named.
func Compose(r *alerts.Record, lang string, s Settings) Composed {
	words := lexicon.For(lang)
	infos := infosOf(r.Infos(), lang, s)
	var top alerts.Info
	if len(infos) > 0 {
		top = infos[0]
	}
	c := Composed{Language: lang, Link: s.Link(r.Event), Top: top, closed: len(r.Alert.Infos) == 0}
	mark := words.Mark(r.Change, r.Alert.Practice())
	event, headline := clean(top.Event), clean(top.Headline)
	hazard := pairUp(words.Level(top.Severity), event)
	source := clean(top.SenderName)
	if source == "" {
		source = clean(s.Authority)
	}
	action, effect := clean(top.Instruction), clean(top.Description)
	over := r.Change == alerts.ChangeCancelled || r.Change == alerts.ChangeEnded
	c.over = over
	switch {
	case over:
		hazard = event
		c.Title = pairUp(mark, event)
		// What to do in the danger must not be repeated when it is over: only
		// words that were written for the closing are, and a message that brings
		// none, or is a copy of the whole alert, has none.
		headline = ""
		if c.closed || r.Change == alerts.ChangeCancelled && !r.Own {
			effect = ""
		}
		if c.closed {
			action = ""
		}
		switch {
		case r.Change == alerts.ChangeCancelled:
			_, action = words.Cancel(r.Alert.Practice())
		case action == "":
			action = words.EndedAction
		}
		if effect == action {
			effect = "" // the standard words of the closing, once
		}
	case mark != "":
		c.Title = mark + " - " + hazard
	default:
		c.Title = hazard
	}
	if strings.EqualFold(headline, event) || beginsWith(action, headline) {
		headline = "" // nothing twice
	}
	if action == "" { // never without saying what to do; the headline should
		action, headline = headline, ""
	}
	if action == "" {
		action = words.FollowPage
	}
	c.add(PieceMark, "\n", 0, mark)
	c.add(PieceSource, "\n", 1, source)
	if hazard != "" {
		c.add(PieceHazard, ": ", 2, stopped(hazard))
		c.Pieces[len(c.Pieces)-1].Short = stopped(event)
	}
	c.add(PieceEffect, "\n", 5, stopped(headline))
	c.add(PieceEffect, "\n", 6, stopped(effect))
	if place := placeOf(top.Areas); place != "" {
		c.add(PiecePlace, "\n", 4, place+".")
		c.Pieces[len(c.Pieces)-1].Label = words.Where
	}
	c.add(PieceAction, "\n", 0, stopped(action))
	if !top.Expires.IsZero() && !over {
		c.add(PieceTime, "\n", 3, words.Until(s.Local(top.Expires)))
		c.Pieces[len(c.Pieces)-1].Short = words.UntilShort(s.Local(top.Expires))
	}
	for _, other := range infos[min(1, len(infos)):] {
		line := ""
		if e := clean(other.Event); e != "" {
			line = words.Also(e, placeOf(other.Areas))
		}
		c.others = append(c.others, further{other, line})
		c.add(PieceEffect, "\n", 7, line)
	}
	c.add(PieceLink, "\n", 0, c.Link)
	return c
}

// Fit is [Fit] over the composed pieces.
func (c Composed) Fit(limit int, count func(string) int) (string, error) {
	return Fit(c.Pieces, limit, count)
}

// Message is the record's message in the composed language, with everything
// but the text and what the dispatcher fills in.
func (c Composed) Message(channel, audience string, r *alerts.Record) Message {
	return Message{
		Channel: channel, Audience: audience, Language: c.Language, Title: c.Title, URL: c.Link,
		Alert: r.ID, Event: r.Event, Revision: r.Revision, Change: r.Change, Severity: r.Severity(),
		Exercise: r.Alert.Practice(), Expires: r.Expires(),
	}
}

func (c *Composed) add(kind PieceKind, join string, rank int, text string) {
	if text != "" {
		c.Pieces = append(c.Pieces, Piece{Kind: kind, Text: text, Join: join, Rank: rank})
	}
}

// infosOf gives the infos of a language, the worst first; what is less than
// moderate beside something worse is left out.
func infosOf(of []alerts.Info, lang string, s Settings) []alerts.Info {
	var out []alerts.Info
	for _, info := range of {
		have := info.Language
		if have == "" {
			have = s.language()
		}
		if strings.EqualFold(have, lang) {
			out = append(out, info)
		}
	}
	slices.SortStableFunc(out, func(x, y alerts.Info) int { return y.Severity.Rank() - x.Severity.Rank() })
	for i := range out {
		if i > 0 && out[i].Severity.Rank() < min(alerts.SeverityModerate.Rank(), out[0].Severity.Rank()) {
			return out[:i]
		}
	}
	return out
}

// placeOf names the areas, each name once.
func placeOf(areas []alerts.Area) string {
	var names []string
	for _, a := range areas {
		if name := strings.TrimRight(clean(a.Description), ". "); name != "" && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return strings.Join(names, ", ")
}

// beginsWith compares without regard to case and the headline's full stop.
func beginsWith(text, headline string) bool {
	headline = strings.TrimRight(headline, ".! ")
	return len(text) >= len(headline) && strings.EqualFold(text[:len(headline)], headline)
}

func pairUp(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + ": " + b
}

// stopped ends a text with a full stop where it has no end.
func stopped(text string) string {
	if text == "" || strings.ContainsRune(".!?…:;", lastRune(strings.TrimRight(text, `"'»”’)`))) {
		return text
	}
	return text + "."
}

func lastRune(s string) rune {
	var last rune
	for _, r := range s {
		last = r
	}
	return last
}

// clean takes what would spoil a message out of a sender's words: control
// characters, characters that turn the direction of reading, runs of space.
// Line breaks stay, one at a time, but for those of a sender that breaks its
// lines at a width: there the sentence goes on. A placeholder that the sender
// wrote himself loses its meaning.
func clean(text string) string {
	var b strings.Builder
	gap := ""
	line, last := 0, ' ' // the characters of the source's line so far, and the latest
	for _, r := range strings.ToValidUTF8(text, "") {
		switch {
		case r == '\n' || r == '\u2028' || r == '\u2029':
			gap = "\n"
		case unicode.IsSpace(r):
			if gap == "" {
				gap = " "
			}
		case unicode.IsControl(r), r >= '\u202a' && r <= '\u202e', r >= '\u2066' && r <= '\u2069', r == '\ufeff':
		default:
			if gap == "\n" {
				if goesOn(line, last, r) {
					gap = " "
				}
				line = -1 // of the source, whatever becomes of its break
			}
			if b.Len() > 0 {
				b.WriteString(gap)
				line += len(gap)
			}
			gap = ""
			b.WriteRune(r)
			line, last = line+1, r
		}
	}
	out := b.String()
	for _, p := range Placeholders {
		out = strings.ReplaceAll(out, p, "("+p[1:len(p)-1]+")")
	}
	return out
}

// Lines that are broken at a width have between shortestBroken and longestBroken
// characters: weather services use 69 to 80.
const shortestBroken, longestBroken = 50, 80

// goesOn reports whether a line break stands inside a sentence: after a line of
// the length of broken ones, without an end, and before a word.
func goesOn(line int, last, next rune) bool {
	return line >= shortestBroken && line <= longestBroken && !strings.ContainsRune(".!?…:;", last) && (unicode.IsLetter(next) || unicode.IsDigit(next))
}

// Closest gives the one of the languages that suits a wish: the same tag, else
// the same primary language, else the first.
func Closest(languages []string, wish string) string {
	near := ""
	for _, lang := range languages {
		if strings.EqualFold(lang, wish) {
			return lang
		}
		if near == "" && alerts.PrimaryLanguage(lang) == alerts.PrimaryLanguage(wish) {
			near = lang
		}
	}
	if near == "" && len(languages) > 0 {
		near = languages[0]
	}
	return near
}
