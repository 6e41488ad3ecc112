package webpush

import (
	"fmt"

	"martinella/alerts"
	"martinella/channels"
)

// AudienceSubscribers is whom Render writes to.
const AudienceSubscribers = "subscribers"

// The room, in bytes of JSON. Systems show about 60 characters of a title and
// 150 to 450 of a body; what is longer than here would not be read there.
const (
	maxTitle   = 240
	maxBody    = 1500
	maxPayload = 3900 // of the 3993 that fit into one encrypted record of 4096 bytes (RFC 8291, section 4)
)

// Render writes one notification for each language: in the title the mark and
// the danger, in the body what to do first, since a closed notification shows
// one line of it. The link is where a touch leads.
func (c *Channel) Render(r *alerts.Record) ([]channels.Message, error) {
	languages := channels.Languages(r, c.settings)
	out := make([]channels.Message, 0, len(languages))
	for _, lang := range languages {
		composed := channels.Compose(r, lang, c.settings)
		m := composed.Message(c.name, AudienceSubscribers, r)
		body, err := channels.Fit(bodyOf(composed.Pieces), maxBody, jsonBytes)
		if err != nil {
			return nil, fmt.Errorf("webpush in %s: %w", lang, err)
		}
		if m.Title, err = channels.Fit([]channels.Piece{{Kind: channels.PieceHazard, Text: composed.Title}}, maxTitle, jsonBytes); err != nil {
			return nil, fmt.Errorf("webpush in %s: the title: %w", lang, err)
		}
		m.Text = m.Title + "\n" + body
		if m.Payload, err = newPayload(r, m, body).encode(); err != nil {
			return nil, fmt.Errorf("webpush in %s: %w", lang, err)
		}
		out = append(out, m)
	}
	return out, nil
}

// bodyOf are the pieces of the body, in the order of reading.
func bodyOf(pieces []channels.Piece) (body []channels.Piece) {
	for _, kind := range []channels.PieceKind{channels.PieceAction, channels.PiecePlace, channels.PieceTime, channels.PieceEffect, channels.PieceSource} {
		for _, p := range pieces {
			if p.Kind == kind {
				p.Join = "\n"
				body = append(body, p)
			}
		}
	}
	return body
}

// Measure counts title and body as they are sent.
func (c *Channel) Measure(text string) channels.Measure {
	return channels.Measure{Unit: string(channels.UnitBytes), Used: jsonBytes(text), Max: maxTitle + maxBody + len(`\n`), Part: 1}
}
