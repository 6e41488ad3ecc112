package webpush

import (
	"fmt"
	"time"

	"martinella/alerts"
	"martinella/alerts/lexicon"
	"martinella/channels"
)

// RenderPage writes one notification: the call and what it is about in the
// title, where and when first in the body. All pages of a call have its tag, so
// that the newest takes the place of the others on a screen; an urgent call
// stays until it is touched. A touch opens the person's own page, and the first
// page of the site where there is none.
func (c *Channel) RenderPage(p channels.Page) (channels.Message, error) {
	m := p.Message()
	t := channels.ComposePage(p)
	fail := func(err error) (channels.Message, error) {
		return m, fmt.Errorf("webpush: a page in %s: %w", p.Language, err)
	}
	var err error
	title := []channels.Piece{{Kind: channels.PieceMark, Text: t.Mark}, {Kind: channels.PieceHazard, Text: t.Title, Join: " - "}}
	if m.Title, err = channels.Fit(title, maxTitle, jsonBytes); err != nil {
		return fail(err)
	}
	body, err := channels.Fit(pageBody(t), maxBody, jsonBytes)
	if err != nil {
		return fail(err)
	}
	m.Text = m.Title + "\n" + body
	if m.Payload, err = pagePayload(t, m, body).encode(); err != nil {
		return fail(err)
	}
	return m, nil
}

// pageBody are the lines of the body: the place gives way before the time.
func pageBody(t channels.PageText) []channels.Piece {
	words := lexicon.ForPages(t.Language)
	var body []channels.Piece
	add := func(kind channels.PieceKind, rank int, text string) {
		body = append(body, channels.Piece{Kind: kind, Text: text, Join: "\n", Rank: rank})
	}
	if !t.Calls() {
		add(channels.PieceAction, 0, t.Lead)
		add(channels.PieceEffect, 1, t.Words)
		if t.Kind == channels.PageTest && t.Link != "" {
			add(channels.PieceTime, 0, words.TestTap)
		}
		add(channels.PieceSource, 2, t.Authority)
		return body
	}
	if t.Kind == channels.PageNeeded {
		add(channels.PieceAction, 0, t.Lead)
	}
	for _, f := range t.Facts {
		switch line := f.Label + ": " + f.Value; f.Label {
		case words.What: // in the title
		case words.Time:
			add(channels.PieceTime, 0, line)
		case words.Where:
			add(channels.PiecePlace, 1, line)
		default:
			add(channels.PieceEffect, 3, line)
		}
	}
	if t.Link != "" {
		add(channels.PieceTime, 0, words.Tap)
	}
	add(channels.PieceSource, 2, t.Authority)
	return body
}

// pageRevisions order the pages of a call: what says that it is over is never
// overtaken by the question. A place may become free and be taken again and
// again: of those two the newer one counts.
var pageRevisions = map[channels.PageKind]int{channels.PageCall: 1, channels.PageFilled: 2, channels.PageNeeded: 2, channels.PageClosed: 3, channels.PageCancelled: 3, channels.PageTest: 1}

var pageChanges = map[channels.PageKind]alerts.Change{
	channels.PageCall: alerts.ChangeIssued, channels.PageFilled: alerts.ChangeEnded, channels.PageNeeded: alerts.ChangeIssued, channels.PageClosed: alerts.ChangeEnded, channels.PageCancelled: alerts.ChangeCancelled,
	channels.PageTest: alerts.ChangeIssued,
}

func pagePayload(t channels.PageText, m channels.Message, body string) Payload {
	words := lexicon.ForPages(t.Language).Language
	p := Payload{V: 1, Title: m.Title, Body: body, Level: alerts.SeverityModerate, Change: pageChanges[t.Kind], URL: "/", Tag: t.Event, ID: t.Event, Revision: pageRevisions[t.Kind],
		// Thanks need not ring.
		Renotify: t.Kind != channels.PageClosed, Close: !t.Asks(),
		Areas: []string{}, Lang: words, Dir: direction(words), Exercise: t.Exercise}
	if t.Urgent { // what the worker lets stand until it is touched
		p.Level = alerts.SeverityExtreme
	}
	if t.Link != "" {
		p.URL = t.Link
	}
	if !t.At.IsZero() {
		p.Sent = t.At.UTC().Format(time.RFC3339)
	}
	if !t.Until.IsZero() && t.Asks() {
		p.Expires = t.Until.UTC().Format(time.RFC3339)
	}
	return p
}
