package social

import (
	"fmt"
	"strings"

	"martinella/alerts"
	"martinella/alerts/lexicon"
	"martinella/channels"
)

// RenderAmended makes what the posts of before read once r has taken its place:
// what became of it, where to look ({next}, which the dispatcher replaces by the
// address of the new post, or by the event's page where it has none), and what
// it was about: source, hazard and place. What to do and until when no longer
// hold and are gone, and so are words of the author's own and the picture. It is
// pure; the error wraps [channels.ErrNoRoom].
func (p *Posts) RenderAmended(before, r *alerts.Record) ([]channels.Message, error) {
	var messages []channels.Message
	exercise := before.Alert.Practice() || r.Alert.Practice()
	for _, lang := range p.languages(before) {
		mark, sentence := lexicon.For(lang).Amended(r.Change, exercise)
		old := channels.Compose(before, lang, p.Settings)
		pieces := []channels.Piece{
			{Kind: channels.PieceMark, Text: mark},
			{Kind: channels.PieceMark, Join: "\n", Text: sentence},
		}
		title := mark
		for _, piece := range old.Pieces {
			switch piece.Kind {
			case channels.PieceSource, channels.PieceHazard, channels.PiecePlace, channels.PieceLink:
				pieces = append(pieces, piece)
			}
			if piece.Kind == channels.PieceHazard {
				title = mark + ": " + strings.TrimSuffix(piece.Text, ".")
			}
		}
		composed := channels.Composed{Language: lang, Title: title, Link: old.Link, Pieces: pieces}
		m := composed.Message(p.Name, audience, r)
		m.Step, m.Exercise = channels.StepPoint, exercise
		var err error
		if m.Text, err = composed.Fit(p.Max, p.countNext); err != nil {
			return nil, fmt.Errorf("%s %s: %w", p.Platform, p.Name, err)
		}
		messages = append(messages, m)
	}
	return messages, nil
}

// next is the placeholder of the new post's address.
const next = "{next}"

// longestAddress stands in for the address of a post while its text is counted:
// no platform's is longer.
var longestAddress = "https://" + strings.Repeat("x", 92)

func (p *Posts) countNext(text string) int {
	return p.count()(strings.ReplaceAll(text, next, longestAddress))
}
