package voice

import (
	"fmt"
	"strings"

	"martinella/alerts/lexicon"
	"martinella/channels"
)

// pagePrefix begins the payload of a message that asks a volunteer to come; the
// code of the call that a key answers follows, if one does. Other payloads are
// addresses of recordings.
const pagePrefix = "page:"

// RenderPage writes what is said once: the mark of an exercise first and last,
// what, where and when, and, where a key comes back as an answer, which one to
// press. Nothing is said of keys where none does; what says that a call is over
// asks for one as alerts do.
func (c *Channel) RenderPage(p channels.Page) (channels.Message, error) {
	t := channels.ComposePage(p)
	m := p.Message()
	said, asks := c.pageSpeech(t)
	limit, last := c.config.MaxChars, ""
	if t.Mark != "" {
		last = " " + stopped(t.Mark)
		limit -= channels.UnitChars.Count(last)
	}
	text, err := channels.Fit(said, limit, channels.UnitChars.Count)
	if err != nil {
		return m, fmt.Errorf("voice %s: a page: %w", c.name, err)
	}
	m.Text = text + last
	if t.Asks() {
		m.Payload = []byte(pagePrefix)
		if asks {
			m.Payload = append(m.Payload, t.Code...)
		}
	}
	return m, nil
}

// pageSpeech are the pieces of what is said, spelled for the ear, and whether a
// key is asked for.
func (c *Channel) pageSpeech(t channels.PageText) (pieces []channels.Piece, asks bool) {
	words := lexicon.ForPages(t.Language)
	w, _ := wordsFor(words.Language)
	add := func(kind channels.PieceKind, rank int, label, text string) {
		if text = strings.Trim(w.spelled(text), " ."); text != "" {
			pieces = append(pieces, channels.Piece{Kind: kind, Label: label, Text: stopped(text), Join: " ", Rank: rank})
		}
	}
	if t.Mark != "" {
		pieces = append(pieces, channels.Piece{Kind: channels.PieceMark, Text: stopped(t.Mark)})
	}
	add(channels.PieceSource, 3, "", t.Authority)
	if !t.Calls() {
		add(channels.PieceTime, 0, "", t.Lead)
		add(channels.PieceAction, 1, "", t.Words)
		add(channels.PiecePlace, 2, "", t.What)
		if asks = t.Kind == channels.PageTest && c.carrier.keys() && callCode.MatchString(t.Code); asks {
			pieces = append(pieces, channels.Piece{Kind: channels.PieceTime, Text: words.TestPress, Join: " "})
		}
		return pieces, asks
	}
	if again, _ := t.Said(); again != "" {
		add(channels.PieceTime, 0, "", again)
	}
	add(channels.PieceAction, 1, "", t.What)
	add(channels.PiecePlace, 2, words.Where+": ", t.Where)
	add(channels.PieceTime, 0, "", words.When(t.Meet))
	if asks = c.carrier.keys() && callCode.MatchString(t.Code); asks {
		pieces = append(pieces, channels.Piece{Kind: channels.PieceTime, Text: words.Ask + " " + words.Press, Join: " "})
	}
	return pieces, asks
}
