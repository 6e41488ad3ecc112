package sms

import (
	"fmt"

	"martinella/alerts"
	"martinella/channels"
)

// AudienceSubscribers is whom Render writes to.
const AudienceSubscribers = "subscribers"

// DefaultMaxParts is the length of a text where the contract says nothing: what
// a phone shows without scrolling far, and what every phone joins.
const DefaultMaxParts = 3

// Text says how texts are written under one contract. The zero value is of use:
// three parts, every letter kept, no price, no limit of speed. It is never
// changed, so that it may be used from many goroutines at once.
type Text struct {
	MaxParts      int            // of one text; 0: [DefaultMaxParts]
	Transliterate bool           // È becomes E' where that saves parts
	Price         channels.Money // of one part; 0: not known
	Rate          float64        // parts a second by contract; 0: not limited
}

// Render writes one text for each language of the record, as long as MaxParts
// allows: the exercise mark first, what to do and the link always, both whole.
// Words that the author wrote for "sms" stand in the place of what is composed.
// Characters outside GSM-7 are written otherwise where Transliterate allows it
// and it saves parts. It is pure. The error wraps [channels.ErrNoRoom].
func (t Text) Render(name, audience string, r *alerts.Record, s channels.Settings) ([]channels.Message, error) {
	var out []channels.Message
	for _, lang := range channels.Languages(r, s) {
		composed, text, err := t.fitted(r, lang, s)
		if err != nil {
			return nil, err
		}
		m := composed.Message(name, audience, r)
		m.Title, m.Text = "", t.Spelled(text)
		out = append(out, m)
	}
	return out, nil
}

// platform names every kind of text message in [channels.WordingParameter].
const platform = "sms"

// fitted is the text in the letters of its author, and in the author's own words
// where there are any.
func (t Text) fitted(r *alerts.Record, lang string, s channels.Settings) (channels.Composed, string, error) {
	composed := channels.Compose(r, lang, s).Worded(platform)
	text, err := composed.Fit(t.room(), t.cost)
	if err != nil {
		return composed, "", fmt.Errorf("sms in %s: %w", lang, err)
	}
	return composed, text, nil
}

// Measure counts a text as it would be sent.
func (t Text) Measure(text string) channels.Measure {
	encoding, segments := channels.Segments(t.Spelled(text))
	m := channels.Measure{Unit: string(channels.UnitSeptets), Part: len(segments)}
	alone, part := sizes(encoding)
	if encoding == channels.UCS2 {
		m.Unit = string(channels.UnitUTF16)
	}
	if m.Max = alone; len(segments) > 1 {
		m.Max = part
	}
	for _, s := range segments {
		m.Used += s.Units
	}
	return m
}

// Spelled is the text as it is sent: with the GSM-7 alphabet where that is
// allowed and saves parts, else as it is.
func (t Text) Spelled(text string) string {
	if !t.Transliterate {
		return text
	}
	if other, _ := channels.Transliterate(text); other != text && partsOf(other) < partsOf(text) {
		return other
	}
	return text
}

func (t Text) maxParts() int {
	if t.MaxParts <= 0 {
		return DefaultMaxParts
	}
	return t.MaxParts
}

// room is how many septets the allowed parts hold.
func (t Text) room() int {
	if t.maxParts() == 1 {
		return channels.SeptetsAlone
	}
	return t.maxParts() * channels.SeptetsPart
}

// cost is what a text takes of the room: its septets, or its UTF-16 units
// turned into septets. A text that needs more than the allowed parts always
// costs more than the room, also where only what cannot be cut pushed it over.
func (t Text) cost(text string) int {
	room, most := t.room(), t.maxParts()
	text = t.Spelled(text)
	units, encoding := unitsOf(text)
	alone, part := sizes(encoding)
	full := part * most
	if most == 1 {
		full = alone
	}
	cost := (units*room + full - 1) / full
	if cost > room || units <= alone {
		return cost
	}
	if _, segments := channels.Segments(text); len(segments) > most {
		return room + 1
	}
	return cost
}

// sizes are the units of a text that travels alone and of a part of a long one.
func sizes(encoding channels.Encoding) (alone, part int) {
	if encoding == channels.UCS2 {
		return channels.UnitsAlone, channels.UnitsPart
	}
	return channels.SeptetsAlone, channels.SeptetsPart
}

func unitsOf(text string) (int, channels.Encoding) {
	if n, gsm := channels.Septets(text); gsm {
		return n, channels.GSM7
	}
	return channels.Units16(text), channels.UCS2
}

// partsOf is how many parts the text makes.
func partsOf(text string) int {
	units, encoding := unitsOf(text)
	if alone, _ := sizes(encoding); units <= alone {
		return 1
	}
	_, segments := channels.Segments(text)
	return len(segments)
}
