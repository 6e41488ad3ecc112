package smpp

import (
	"fmt"

	"martinella/alerts"
	"martinella/channels"
)

// AudienceSubscribers is whom Render writes to.
const AudienceSubscribers = "subscribers"

// Render writes one text for each language of the record, as long as the
// configured number of parts allows: the exercise mark first, what to do and
// the link always. Characters outside GSM-7 are written otherwise where that
// saves parts.
func (c *Channel) Render(r *alerts.Record) ([]channels.Message, error) {
	var out []channels.Message
	for _, lang := range channels.Languages(r, c.settings) {
		composed := channels.Compose(r, lang, c.settings)
		text, err := composed.Fit(c.room(), c.cost)
		if err != nil {
			return nil, fmt.Errorf("sms in %s: %w", lang, err)
		}
		m := composed.Message(c.name, AudienceSubscribers, r)
		m.Title, m.Text = "", c.spelled(text)
		out = append(out, m)
	}
	return out, nil
}

// Measure counts a text as it would be sent.
func (c *Channel) Measure(text string) channels.Measure {
	encoding, segments := channels.Segments(c.spelled(text))
	m := channels.Measure{Unit: string(channels.UnitSeptets), Max: channels.SeptetsAlone, Part: len(segments)}
	part := channels.SeptetsPart
	if encoding == channels.UCS2 {
		m.Unit, m.Max, part = string(channels.UnitUTF16), channels.UnitsAlone, channels.UnitsPart
	}
	if len(segments) > 1 {
		m.Max = part
	}
	for _, s := range segments {
		m.Used += s.Units
	}
	return m
}

// room is how many septets the configured parts hold.
func (c *Channel) room() int {
	if c.config.MaxParts == 1 {
		return channels.SeptetsAlone
	}
	return c.config.MaxParts * channels.SeptetsPart
}

// cost is what a text takes of the room: its septets, or its UTF-16 units
// turned into septets. A text that needs more than the configured parts always
// costs more than the room, also where only a pair that cannot be cut pushed it
// over.
func (c *Channel) cost(text string) int {
	room := c.room()
	alone, part := channels.SeptetsAlone, channels.SeptetsPart
	text = c.spelled(text)
	units, gsm := channels.Septets(text)
	if !gsm {
		alone, part = channels.UnitsAlone, channels.UnitsPart
		units = channels.Units16(text)
	}
	full := part * c.config.MaxParts
	if c.config.MaxParts == 1 {
		full = alone
	}
	cost := (units*room + full - 1) / full
	if cost > room || units <= alone {
		return cost
	}
	if _, segments := channels.Segments(text); len(segments) > c.config.MaxParts {
		return room + 1
	}
	return cost
}

// spelled writes the text with the GSM-7 alphabet where that saves parts.
func (c *Channel) spelled(text string) string {
	if c.config.Transliterate != nil && !*c.config.Transliterate {
		return text
	}
	other, changes := channels.Transliterate(text)
	if len(changes) == 0 || parts(other) >= parts(text) {
		return text
	}
	return other
}

// parts counts without cutting; pairs that cannot be cut are left to cost.
func parts(text string) int {
	units, gsm := channels.Septets(text)
	alone, part := channels.SeptetsAlone, channels.SeptetsPart
	if !gsm {
		units, alone, part = channels.Units16(text), channels.UnitsAlone, channels.UnitsPart
	}
	if units <= alone {
		return 1
	}
	return (units + part - 1) / part
}
