package social

import (
	"fmt"
	"slices"
	"strings"

	"martinella/alerts"
	"martinella/channels"
	"martinella/channels/imagecard"
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

// audience is who reads a post: everybody.
const audience = "public"

// Render makes one post a language, or one in the account's language, in this
// order: mark, source, level, hazard and effect, place, time, what to do, link,
// hashtags. Where the author wrote own words for the channel, its platform or
// the audience "public", they stand between source and link. What does not fit
// is left out from the end of a sentence on, hashtags one by one, the link
// never. The error wraps [channels.ErrNoRoom].
func (p *Posts) Render(r *alerts.Record) ([]channels.Message, error) {
	var messages []channels.Message
	for _, lang := range p.languages(r) {
		composed := channels.Compose(r, lang, p.Settings).Worded(p.Name, p.Platform, audience)
		if !composed.Own {
			composed.Pieces = ordered(composed.Pieces)
		}
		composed.Pieces = append(composed.Pieces, p.tags(composed)...)
		m := composed.Message(p.Name, audience, r)
		var err error
		if m.Text, err = composed.Fit(p.Max, p.count()); err != nil {
			return nil, fmt.Errorf("%s %s: %w", p.Platform, p.Name, err)
		}
		if p.Image {
			m.Image = &channels.Image{Type: "image/png", Width: imagecard.Width, Height: imagecard.Height, Alt: imagecard.Alt(r, lang, p.Settings)}
		}
		messages = append(messages, m)
	}
	return messages, nil
}

// Measure counts as the platform does; {next} counts as an address.
func (p *Posts) Measure(text string) channels.Measure {
	return channels.Measure{Unit: string(p.Unit), Used: p.countNext(text), Max: p.Max, Part: 1}
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

// tags are the hashtags that the words do not hold already.
func (p *Posts) tags(c channels.Composed) []channels.Piece {
	var said []string
	for _, piece := range c.Pieces {
		said = append(said, strings.FieldsFunc(strings.ToLower(piece.Text), notOfTag)...)
	}
	tags := slices.DeleteFunc(c.Hashtags(p.Settings.Register()), func(tag string) bool {
		return slices.Contains(said, strings.ToLower(tag))
	})
	if len(tags) == 0 {
		return nil
	}
	return []channels.Piece{{Kind: channels.PieceTags, Join: "\n", Rank: 5, Text: strings.Join(tags, " ")}}
}

func notOfTag(r rune) bool { return r != '#' && !channels.InHashtag(r) }

// ordered says the time before what to do: a post is read from above, and what
// stands last before the link is what stays.
func ordered(pieces []channels.Piece) []channels.Piece {
	out := slices.Clone(pieces)
	slices.SortStableFunc(out, func(a, b channels.Piece) int { return late(a.Kind) - late(b.Kind) })
	return out
}

func late(k channels.PieceKind) int {
	switch k {
	case channels.PieceAction:
		return 1
	case channels.PieceLink:
		return 2
	}
	return 0
}
