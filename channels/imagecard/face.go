package imagecard

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"martinella/alerts"
	"martinella/alerts/lexicon"
	"martinella/channels"
	"martinella/channels/areamap"
)

// face is what stands on a card, in words.
type face struct {
	sign     sign
	exercise string // the band; "" in earnest
	level    string // beside the sign: the level, or what became of the alert
	mark     string // AGGIORNAMENTO; "" where the level says it
	event    string
	headline string
	instead  string // of a headline whose script the typefaces do not have
	note     string // of what is over: the words of whoever closed it
	place    string
	offMap   string // the places that the map does not show; "" where it shows all
	until    string
	untilFew string // until in fewer words
	issuer   string
	address  string
	areas    []areamap.Area // of the map; none where there is no map
}

// faceOf reads a record in a language. What to do in a danger is never said of
// one that is over.
func faceOf(r *alerts.Record, language string, s channels.Settings) face {
	words := lexicon.For(language)
	composed := channels.Compose(r, language, s)
	top := composed.Top
	over := r.Change == alerts.ChangeCancelled || r.Change == alerts.ChangeEnded
	f := face{level: words.Level(top.Severity), sign: signOf(top.Severity, r.Change), event: plain(top.Event), headline: plain(top.Headline), address: site(s.PublicURL)}
	if r.Alert.Practice() {
		f.exercise = words.Exercise
	}
	action, effect := "", ""
	for _, p := range composed.Pieces {
		switch p.Kind {
		case channels.PieceSource:
			f.issuer = plain(p.Text)
		case channels.PiecePlace:
			f.place = plain(p.Label + p.Text)
		case channels.PieceTime:
			f.until, f.untilFew = plain(p.Text), plain(p.Short)
		case channels.PieceAction:
			action = plain(p.Text)
		case channels.PieceEffect:
			if effect == "" {
				effect = plain(p.Text)
			}
		}
	}
	switch r.Change {
	case alerts.ChangeCancelled:
		f.level, f.headline = words.Cancel(r.Alert.Practice())
	case alerts.ChangeEnded:
		f.level, f.headline = words.Mark(r.Change, false), words.EndedAction
	case alerts.ChangeUpdated:
		f.mark = words.Mark(r.Change, false)
	}
	if over && !strings.EqualFold(effect, f.headline) {
		f.note = effect
	}
	if f.headline == "" || strings.EqualFold(f.headline, f.event) {
		f.headline = strings.TrimSpace(channels.Sentences(action)[0])
	}
	if f.headline == "" {
		f.headline, f.event = f.event, ""
	}
	f.instead = words.FollowPage
	severity := top.Severity
	if over {
		severity = alerts.SeverityUnknown // grey: nobody is in danger there
	}
	for i := range top.Areas {
		f.areas = append(f.areas, areamap.Area{Polygons: top.Areas[i].Polygons, Circles: top.Areas[i].Circles, Severity: severity})
	}
	if on, ok := areamap.Shown(f.areas); ok {
		if names := missing(top.Areas, on); names != "" {
			f.offMap = words.OffMap + names
		}
	} else {
		f.areas = nil
	}
	return f
}

// missing names the areas that are not on the map, each once.
func missing(areas []alerts.Area, on []int) string {
	said := map[string]bool{"": true}
	for _, i := range on {
		said[plain(areas[i].Description)] = true
	}
	var names []string
	for i := range areas {
		if name := plain(areas[i].Description); !said[name] {
			said[name] = true
			names = append(names, name)
		}
	}
	return strings.Join(names, ", ")
}

// plain is a text in one line, without what nobody sees: control characters,
// characters that turn the direction of reading, what is no character.
func plain(text string) string {
	text = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case unicode.IsControl(r), r >= '\u202a' && r <= '\u202e', r >= '\u2066' && r <= '\u2069', r == '\ufeff', r == '\ufffc', r == utf8.RuneError:
			return -1
		}
		return r
	}, strings.ToValidUTF8(text, ""))
	return strings.Join(strings.Fields(text), " ")
}

// site is the address of the pages as people type it.
func site(url string) string {
	_, rest, found := strings.Cut(url, "://")
	if !found {
		rest = url
	}
	return strings.TrimRight(strings.TrimPrefix(rest, "www."), "/")
}

// longestAlt bounds the words for those who do not see the card: X takes 1,000
// characters, Mastodon 1,500, Bluesky 2,000.
const longestAlt = 900

// Alt is what the card of a record shows, for those who do not see it, in at
// most 900 characters. It is pure.
func Alt(r *alerts.Record, language string, s channels.Settings) string {
	f := faceOf(r, language, s)
	lead := strings.Join(filled(f.exercise, f.mark, joined(f.level, f.event)), " - ")
	parts := filled(lead, f.headline, f.note, f.place, f.until, f.issuer)
	if len(f.areas) > 0 {
		parts = append(parts, filled(lexicon.For(language).WithMap, f.offMap)...)
	}
	for i, p := range parts {
		parts[i] = sentence(shortened(p, longestAlt/4))
	}
	return shortened(strings.Join(parts, " "), longestAlt)
}

func filled(parts ...string) (out []string) {
	for _, p := range parts {
		if p != "" {
			out = append(out, p)
		}
	}
	return out
}

func joined(a, b string) string { return strings.Join(filled(a, b), ": ") }

// sentence ends a text with a full stop where it has no end.
func sentence(text string) string {
	if strings.ContainsAny(text[max(0, len(text)-1):], ".!?:") || strings.HasSuffix(text, "…") {
		return text
	}
	return text + "."
}

// shortened cuts a text at a word.
func shortened(text string, most int) string {
	if utf8.RuneCountInString(text) <= most {
		return text
	}
	runes := []rune(text)[:most-1]
	if at := strings.LastIndexByte(string(runes), ' '); at > most/2 {
		return string(runes)[:at] + "…"
	}
	return string(runes) + "…"
}
