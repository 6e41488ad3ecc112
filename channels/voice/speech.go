package voice

import (
	"fmt"
	"net/url"
	"strings"

	"martinella/alerts"
	"martinella/alerts/lexicon"
	"martinella/channels"
)

// audience is who is called: subscribers.
const audience = "subscribers"

// Render writes what is said for each language of the record, once: the call
// says it twice. An exercise is named first and last.
func (c *Channel) Render(r *alerts.Record) ([]channels.Message, error) {
	var messages []channels.Message
	for _, lang := range channels.Languages(r, c.settings) {
		composed := channels.Compose(r, lang, c.settings)
		m := composed.Message(c.name, audience, r)
		text, err := c.speech(composed, m.Exercise)
		if err != nil {
			return nil, fmt.Errorf("voice %s: %w", c.name, err)
		}
		m.Text = text
		if link := recordingOf(r, lang); link != "" {
			m.Payload = []byte(link)
		}
		messages = append(messages, m)
	}
	return messages, nil
}

// speech is what is said, at most as long as configured.
func (c *Channel) speech(composed channels.Composed, exercise bool) (string, error) {
	w, _ := wordsFor(composed.Language)
	marks := lexicon.For(composed.Language)
	limit, last := c.config.MaxChars, ""
	if exercise {
		last = " " + stopped(marks.Exercise)
		limit -= channels.UnitChars.Count(last)
	}
	var pieces []channels.Piece
	for _, p := range composed.Pieces {
		switch {
		case p.Kind == channels.PieceLink:
			continue
		case p.Kind == channels.PieceMark:
			p.Text = stopped(p.Text)
		case p.Kind == channels.PieceAction && stopped(p.Text) == stopped(marks.FollowPage):
			p.Text = w.Follow
		default:
			p.Text = w.spelled(p.Text)
		}
		if p.Short != "" {
			p.Short = w.spelled(p.Short)
		}
		if p.Join == "\n" {
			p.Join = " "
		}
		if p.Kind == channels.PieceSource && len(composed.Pieces) > 0 {
			p.Text = strings.TrimRight(p.Text, ".")
		}
		pieces = append(pieces, p)
	}
	// The source stands alone where no hazard follows it.
	for i, p := range pieces {
		if p.Kind == channels.PieceSource && (i+1 == len(pieces) || pieces[i+1].Kind != channels.PieceHazard) {
			pieces[i].Text = stopped(p.Text)
		}
	}
	text, err := channels.Fit(pieces, limit, channels.UnitChars.Count)
	return text + last, err
}

// stopped ends a text with a full stop where it has no end.
func stopped(text string) string {
	if text == "" || strings.ContainsAny(text[len(text)-1:], ".!?") {
		return text
	}
	return text + "."
}

// longestLink bounds the address of a recording.
const longestLink = 500

// recordingOf gives the address of a recording that the sender put beside the
// words of a language (a CAP resource), for the provider to fetch: https only.
func recordingOf(r *alerts.Record, lang string) string {
	info := r.Info(lang, lang)
	if info == nil || !strings.EqualFold(info.Language, lang) {
		return ""
	}
	for _, res := range info.Resources {
		u, err := url.Parse(res.URI)
		if err == nil && u.Scheme == "https" && u.Host != "" && u.User == nil && len(res.URI) <= longestLink && playable[strings.ToLower(res.MimeType)] {
			return u.String()
		}
	}
	return ""
}

// playable are the kinds of sound that telephone providers play.
var playable = map[string]bool{"audio/mpeg": true, "audio/mp3": true, "audio/wav": true, "audio/x-wav": true, "audio/wave": true}
