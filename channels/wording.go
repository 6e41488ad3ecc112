package channels

import (
	"slices"
	"strings"

	"martinella/alerts"
)

// WordingParameter begins the name of a CAP parameter by which the author of an
// alert words it for one platform, channel or audience:
// "martinella:text:facebook". What is marked and linked stays ours.
const WordingParameter = alerts.WordingParameter

// Wording gives the words that the author wrote for the first of the names that
// has any: a channel's configured name, its kind, its audience; "" where the
// message is composed from the alert.
func Wording(info alerts.Info, names ...string) string {
	for _, name := range names {
		for _, p := range info.Parameters {
			if name == "" || !strings.EqualFold(strings.TrimSpace(p.Name), WordingParameter+name) {
				continue
			}
			if own := clean(p.Value); own != "" {
				return own
			}
		}
	}
	return ""
}

// Worded gives the message in the words of its author, where the wording that
// speaks has any for one of the names (see [Wording]); else c as it is. The
// mark and the link stay, the source too where the words do not begin with it;
// a further hazard keeps its line, or its own words. What an Update changed is
// said before them, where there is room. What closes an event is
// never worded by its author here: a program that copies the alert into its
// Cancel would say the danger once more under the mark of its end.
func (c Composed) Worded(names ...string) Composed {
	if c.over {
		return c
	}
	own := Wording(c.Top, names...)
	if own == "" {
		return c
	}
	texts := []string{own}
	changed := clean(c.Top.Changed())
	if strings.Contains(own, changed) {
		changed = "" // nothing twice
	}
	var lines []Piece
	for _, other := range c.others {
		if words := Wording(other.info, names...); words == "" {
			lines = append(lines, Piece{Kind: PieceEffect, Join: "\n", Rank: 7, Text: other.line})
		} else if !slices.Contains(texts, words) {
			texts = append(texts, words)
		}
	}
	var pieces []Piece
	for _, p := range c.Pieces {
		switch {
		case p.Kind == PieceMark, p.Kind == PieceSource && !beginsWith(own, p.Text):
			pieces = append(pieces, p)
		case p.Kind == PieceLink:
			if changed != "" {
				pieces = append(pieces, Piece{Kind: PieceEffect, Join: "\n", Rank: 6, Text: stopped(changed)})
			}
			pieces = append(pieces, Piece{Kind: PieceAction, Join: "\n", Text: strings.Join(texts, "\n")})
			pieces = append(append(pieces, lines...), p)
		}
	}
	c.Pieces, c.Own = pieces, true
	return c
}
