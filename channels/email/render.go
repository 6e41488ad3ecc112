package email

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"martinella/alerts"
	"martinella/channels"
	"martinella/channels/areamap"
)

// AudienceSubscribers is whom Render writes to.
const AudienceSubscribers = "subscribers"

// How long the parts of a mail may be, in characters. Together with the page's
// own lines they stay below the 102 kB at which large providers cut a mail off.
const (
	maxSubject = 120
	maxEffect  = 4000
	maxAction  = 4000
	maxPlace   = 2000
	maxHazard  = 300
	maxAlt     = 300
	maxName    = 100
)

// draft is the payload of a message: a mail but for what belongs to one
// recipient.
type draft struct {
	Subject    string    `json:"subject"`
	HTML       string    `json:"html"`    // without its closing lines and its end
	Closing    []line    `json:"closing"` // the same in text and page
	Map        []byte    `json:"map,omitempty"`
	MapID      string    `json:"map_id,omitempty"` // the Content-ID within the page
	Supersedes alerts.ID `json:"supersedes,omitempty"`

	// Page: it calls somebody who is on the authority's roster, or ends that.
	Page   bool `json:"page,omitempty"`
	Urgent bool `json:"urgent,omitempty"` // the call is
}

// line is one of the small lines at the end. One with a value is left out where
// the value is empty once the placeholders are filled.
type line struct {
	Label string  `json:"label"`
	Value *string `json:"value,omitempty"`
}

// Render writes one mail for each language of the record.
func (c *Channel) Render(r *alerts.Record) ([]channels.Message, error) {
	var out []channels.Message
	for _, lang := range channels.Languages(r, c.settings) {
		composed := channels.Compose(r, lang, c.settings)
		composed.Pieces = bounded(composed.Pieces)
		m := composed.Message(c.name, AudienceSubscribers, r)
		var err error
		if m.Text, err = composed.Fit(0, channels.UnitChars.Count); err != nil {
			return nil, fmt.Errorf("mail in %s: %w", lang, err)
		}
		m.Title = subject(composed)
		t := draft{Subject: m.Title, Supersedes: r.Supersedes}
		w := wordsFor(lang, c.authority())
		var p *picture
		if !over(m) { // no map of a danger that is over
			p = c.pictureOf(r, lang, w)
		}
		if p != nil {
			t.Map, t.MapID = p.PNG, p.ID
		}
		if t.HTML, err = page(composed, m, w, p); err != nil {
			return nil, fmt.Errorf("mail in %s: %w", lang, err)
		}
		t.Closing = closing(w)
		if m.Payload, err = json.Marshal(t); err != nil {
			return nil, fmt.Errorf("mail in %s: %w", lang, err)
		}
		out = append(out, m)
	}
	return out, nil
}

// closing are the lines that every mail ends with.
func closing(w words) []line {
	filled := func(label, placeholder string) line { return line{label, &placeholder} }
	return []line{filled(w.Issued, "{sent}"), filled(w.Code, "{code}"), filled(w.Settings, "{person.link}"), {Label: w.Why}}
}

// bounded cuts pieces that are longer than a mail should be, at the end of a
// sentence.
func bounded(pieces []channels.Piece) []channels.Piece {
	limits := map[channels.PieceKind]int{channels.PieceEffect: maxEffect, channels.PieceAction: maxAction, channels.PiecePlace: maxPlace,
		channels.PieceHazard: maxHazard, channels.PieceSource: maxHazard}
	var out []channels.Piece
	for _, p := range pieces {
		if limit := limits[p.Kind]; limit > 0 && channels.UnitChars.Count(p.Text) > limit {
			one := p
			one.Label = ""
			text, err := channels.Fit([]channels.Piece{one}, limit, channels.UnitChars.Count)
			if err != nil || text == "" {
				text = cutAt(p.Text, limit)
			}
			p.Text = text
		}
		out = append(out, p)
	}
	return out
}

// cutAt cuts a text without sentences and words.
func cutAt(text string, limit int) string {
	runes := []rune(text)
	return strings.TrimSpace(string(runes[:min(limit, len(runes))])) + "..."
}

// subject is mark, level, event and place on one line.
func subject(c channels.Composed) string {
	var pieces []channels.Piece
	for _, p := range c.Pieces {
		text := strings.ReplaceAll(p.Text, "\n", " ")
		switch p.Kind {
		case channels.PieceMark:
			pieces = append(pieces, channels.Piece{Kind: channels.PieceMark, Text: text})
		case channels.PieceHazard:
			pieces = append(pieces, channels.Piece{Kind: channels.PieceHazard, Text: strings.TrimRight(text, "."), Join: " - "})
		case channels.PiecePlace:
			pieces = append(pieces, channels.Piece{Kind: channels.PiecePlace, Text: strings.TrimRight(text, "."), Join: " - ", Rank: 1})
		}
	}
	text, err := channels.Fit(pieces, maxSubject, channels.UnitChars.Count)
	if err != nil || text == "" {
		text = cutAt(strings.ReplaceAll(c.Title, "\n", " "), maxSubject)
	}
	return text
}

func textOf(c channels.Composed, kind channels.PieceKind) string {
	var out []string
	for _, p := range c.Pieces {
		if p.Kind == kind {
			out = append(out, p.Text)
		}
	}
	return strings.Join(out, "\n")
}

// picture is the map of a mail with its words.
type picture struct {
	areamap.Picture
	ID       string
	Alt      string
	Legend   []string // "1 Pistoia sud"
	NotDrawn string   // names of the places that are not on it
}

// pictureOf draws the areas of the record's infos in a language; nil where none
// of them has a shape.
func (c *Channel) pictureOf(r *alerts.Record, lang string, w words) *picture {
	var shapes []areamap.Area
	var names []string
	seen := map[string]int{} // to its place among shapes
	for _, info := range r.Infos() {
		have := info.Language
		if have == "" {
			have = c.language()
		}
		if !strings.EqualFold(have, lang) {
			continue
		}
		for i := range info.Areas {
			a := &info.Areas[i]
			key := a.Description + "\x00" + fmt.Sprint(a.Polygons, a.Circles)
			if at, known := seen[key]; known { // of another hazard of the alert: the worst one counts
				if info.Severity.Rank() > shapes[at].Severity.Rank() {
					shapes[at].Severity = info.Severity
				}
				continue
			}
			seen[key] = len(shapes)
			shapes = append(shapes, areamap.Area{Polygons: a.Polygons, Circles: a.Circles, Severity: info.Severity})
			names = append(names, oneLine(a.Description))
		}
	}
	drawn, ok := c.drawings.draw(shapes)
	if !ok {
		return nil
	}
	sum := sha256.Sum256(drawn.PNG)
	p := &picture{Picture: drawn, ID: "map." + hex.EncodeToString(sum[:8]) + "@" + domainOf(c.from.Address)}
	var shown, missing []string
	for i, name := range names {
		at := slices.Index(drawn.Areas, i)
		switch {
		case name == "":
		case at < 0:
			missing = append(missing, name)
		default:
			shown = append(shown, name)
			if drawn.Numbered {
				p.Legend = append(p.Legend, strconv.Itoa(at+1)+" "+name)
			}
		}
	}
	missing = slices.DeleteFunc(missing, func(name string) bool { return slices.Contains(shown, name) })
	p.Alt = w.Map
	if len(shown) > 0 {
		p.Alt += ": " + strings.Join(compact(shown), ", ")
	}
	if channels.UnitChars.Count(p.Alt) > maxAlt {
		p.Alt = cutAt(p.Alt, maxAlt)
	}
	if list := strings.Join(compact(missing), ", "); list != "" {
		if channels.UnitChars.Count(list) > maxPlace {
			list = cutAt(list, maxPlace)
		}
		p.NotDrawn = list
	}
	return p
}

// compact leaves each name once.
func compact(names []string) []string {
	var out []string
	for _, n := range names {
		if !slices.Contains(out, n) {
			out = append(out, n)
		}
	}
	return out
}

func (c *Channel) authority() string {
	if name := oneLine(c.settings.Authority); name != "" {
		return name
	}
	return domainOf(c.from.Address)
}

func (c *Channel) language() string {
	if c.settings.Language == "" {
		return "it"
	}
	return c.settings.Language
}

// oneLine is a sender's name on one line: without control characters, marks of
// direction and what looks like a placeholder, and not endless.
func oneLine(text string) string {
	text = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case unicode.IsControl(r), r >= '\u202a' && r <= '\u202e', r >= '\u2066' && r <= '\u2069', r == '\ufeff':
			return -1
		case r == '{':
			return '('
		case r == '}':
			return ')'
		}
		return r
	}, strings.ToValidUTF8(text, ""))
	text = strings.Join(strings.Fields(text), " ")
	if channels.UnitChars.Count(text) > maxName {
		text = cutAt(text, maxName)
	}
	return text
}
