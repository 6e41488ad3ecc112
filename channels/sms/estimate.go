package sms

import (
	"martinella/alerts"
	"martinella/channels"
)

const mostForcing = 10

// Estimate says how a text would travel and what its spelling saves. It is
// pure; texts of any length and content are taken.
func (t Text) Estimate(text string) channels.Estimate {
	other, changes := channels.Transliterate(text)
	saved := partsOf(text) - partsOf(other)
	e := channels.Estimate{Text: text, Price: t.Price, Rate: t.Rate}
	if saved > 0 {
		e.Changes, e.SavedParts, e.Kept = changes, saved, !t.Transliterate
		if t.Transliterate {
			e.Text = other
		}
	}
	encoding, segments := channels.Segments(e.Text)
	e.Encoding, e.Parts = encoding, len(segments)
	for _, s := range segments {
		e.Units += s.Units
	}
	alone, part := sizes(encoding)
	if e.Left = alone - e.Units; e.Parts > 1 {
		e.Left = part - segments[len(segments)-1].Units
	}
	e.TooLong = e.Parts > t.maxParts()
	if encoding == channels.UCS2 {
		e.Forcing = channels.Foreign(e.Text, mostForcing)
	}
	return e
}

// Estimates are those of the texts that Render makes of the record, in its
// order: each names what Render writes otherwise than the author did. Its
// errors are Render's.
func (t Text) Estimates(r *alerts.Record, s channels.Settings) ([]channels.Estimate, error) {
	var out []channels.Estimate
	for _, lang := range channels.Languages(r, s) {
		_, text, err := t.fitted(r, lang, s)
		if err != nil {
			return nil, err
		}
		e := t.Estimate(text)
		e.Language = lang
		out = append(out, e)
	}
	return out, nil
}
