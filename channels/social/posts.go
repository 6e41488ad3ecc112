package social

import (
	"fmt"
	"strings"

	"martinella/alerts"
	"martinella/alerts/lexicon"
	"martinella/channels"
)

// Posts renders the posts of one account. It is not changed after it was filled
// in, and may be used from many goroutines.
type Posts struct {
	Name     string // of the channel
	Platform string // its kind: the author's own words may be for it
	Settings channels.Settings
	Language string // the account's only one; "" posts every language of an alert

	Unit  channels.Unit
	Max   int              // of a post, in the unit; 0: no limit
	Count func(string) int // nil: the unit's; as the platform counts links
	Image bool             // the platform takes a picture
}

// Render makes one post a language, or one in the account's language. The error
// wraps [channels.ErrNoRoom].
func (p *Posts) Render(r *alerts.Record) ([]channels.Message, error) {
	var messages []channels.Message
	for _, lang := range p.languages(r) {
		composed := channels.Compose(r, lang, p.Settings)
		if own := channels.Wording(composed.Top, p.Name, p.Platform, "public"); own != "" {
			composed = worded(composed, own)
		}
		if tags := p.Settings.Hashtags.For(composed.Top, lang); len(tags) > 0 {
			composed.Pieces = tagged(composed.Pieces, tags)
		}
		m := composed.Message(p.Name, "public", r)
		var err error
		if m.Text, err = composed.Fit(p.Max, p.count()); err != nil {
			return nil, fmt.Errorf("%s %s: %w", p.Platform, p.Name, err)
		}
		if p.Image {
			m.Image = &channels.Image{Type: "image/png", Width: 1200, Height: 630, Alt: m.Title}
		}
		messages = append(messages, m)
	}
	return messages, nil
}

// RenderAmended makes what the posts of before read once r has taken its place:
// what became of it, where to look, and what it was about, without what to do,
// which no longer holds.
func (p *Posts) RenderAmended(before, r *alerts.Record) ([]channels.Message, error) {
	var messages []channels.Message
	for _, lang := range p.languages(before) {
		words := lexicon.For(lang)
		old := channels.Compose(before, lang, p.Settings)
		composed := channels.Composed{Language: lang, Title: old.Title, Link: old.Link}
		composed.Pieces = append(composed.Pieces, channels.Piece{Kind: channels.PieceMark, Text: words.Mark(r.Change, before.Alert.Practice())})
		composed.Pieces = append(composed.Pieces, channels.Piece{Kind: channels.PieceTime, Join: "\n", Text: "{next}"})
		for _, piece := range old.Pieces {
			switch piece.Kind {
			case channels.PieceSource, channels.PieceHazard, channels.PiecePlace:
				composed.Pieces = append(composed.Pieces, piece)
			}
		}
		m := composed.Message(p.Name, "public", r)
		m.Step = channels.StepPoint
		var err error
		if m.Text, err = composed.Fit(p.Max, p.countNext); err != nil {
			return nil, fmt.Errorf("%s %s: %w", p.Platform, p.Name, err)
		}
		messages = append(messages, m)
	}
	return messages, nil
}

// Measure counts as the platform does.
func (p *Posts) Measure(text string) channels.Measure {
	return channels.Measure{Unit: string(p.Unit), Used: p.count()(text), Max: p.Max, Part: 1}
}

func (p *Posts) languages(r *alerts.Record) []string {
	languages := channels.Languages(r, p.Settings)
	if p.Language != "" {
		return []string{channels.Closest(languages, p.Language)}
	}
	return languages
}

func (p *Posts) count() func(string) int {
	if p.Count != nil {
		return p.Count
	}
	return p.Unit.Count
}

// longestAddress stands in for the address of a post while its text is counted:
// no platform's is longer.
var longestAddress = "https://" + strings.Repeat("x", 92)

func (p *Posts) countNext(text string) int {
	return p.count()(strings.ReplaceAll(text, "{next}", longestAddress))
}

// worded puts the author's own words in the place of what is composed; mark,
// source and link stay.
func worded(c channels.Composed, own string) channels.Composed {
	var pieces []channels.Piece
	for _, piece := range c.Pieces {
		switch piece.Kind {
		case channels.PieceMark, channels.PieceSource:
			pieces = append(pieces, piece)
		case channels.PieceLink:
			pieces = append(pieces, channels.Piece{Kind: channels.PieceAction, Join: "\n", Text: own}, piece)
		}
	}
	c.Pieces = pieces
	return c
}

// tagged puts the hashtags before the link.
func tagged(pieces []channels.Piece, tags []string) []channels.Piece {
	piece := channels.Piece{Kind: channels.PieceTags, Join: "\n", Rank: 5, Text: strings.Join(tags, " ")}
	var out []channels.Piece
	for _, one := range pieces {
		if one.Kind == channels.PieceLink {
			out = append(out, piece)
		}
		out = append(out, one)
	}
	return out
}
