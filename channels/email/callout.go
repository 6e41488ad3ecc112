package email

import (
	"encoding/json"
	"fmt"
	"html"
	"html/template"

	"martinella/alerts/lexicon"
	"martinella/channels"
)

// RenderPage writes a mail that calls a volunteer, or says that it is over. It
// has no ways to leave a list: a volunteer leaves the roster with a person. It
// says that it can be answered by mail only where the mailbox is read.
func (c *Channel) RenderPage(p channels.Page) (channels.Message, error) {
	t := channels.ComposePage(p)
	w := lexicon.ForPages(p.Language)
	m := p.Message()
	m.Title = pageSubject(t)
	m.Text = t.Text()
	reply := w.ReplyMail
	if t.Kind == channels.PageTest {
		reply = w.TestMail
	}
	answered := t.Asks() && c.readsReplies()
	if answered {
		m.Text += "\n\n" + reply
	}
	if t.Link != "" {
		m.Text += "\n\n" + t.Line + ": " + t.Link
	}
	d := draft{Subject: m.Title, Page: true, Urgent: t.Urgent && t.Kind != channels.PageClosed, Closing: []line{{Label: w.Why(c.authority())}}}
	if t.Link != "" {
		d.Closing = append(d.Closing, line{Label: w.Personal})
	}
	shown := pageData{Lang: w.Language, Dir: direction(w.Language), Title: m.Title, Source: t.Authority, Mark: t.Mark, Hazard: t.Title, Exercise: t.Exercise,
		Tone: pageTone(t), Sections: []section{{Lines: []string{t.Lead}, Strong: true, Wide: true}}, Button: button(t.Line, t.Link)}
	for _, f := range t.Facts {
		shown.Sections = append(shown.Sections, section{Heading: f.Label, Lines: []string{f.Value}})
	}
	if answered {
		shown.Help = reply // under the button
	}
	var err error
	if d.HTML, err = shown.html(); err == nil {
		m.Payload, err = json.Marshal(d)
	}
	if err != nil {
		return m, fmt.Errorf("mail: a page in %s: %w", p.Language, err)
	}
	return m, nil
}

// readsReplies reports whether an answer to a mail of ours comes to the mailbox
// that is read.
func (c *Channel) readsReplies() bool {
	return c.config.Receipts.given() && c.config.StopAddress != "" && c.replyTo() == c.config.StopAddress
}

// pageSubject is the mark, the code and what it is about, on one line.
func pageSubject(t channels.PageText) string {
	pieces := []channels.Piece{{Kind: channels.PieceMark, Text: t.Mark}, {Kind: channels.PieceHazard, Text: t.Title, Join: " - "}}
	text, err := channels.Fit(pieces, maxSubject, channels.UnitChars.Count)
	if err != nil {
		text = cutAt(t.Heading(), maxSubject)
	}
	return text
}

// pageTone is how a page looks: it tells of no danger, so that it has no colour
// of one unless it is urgent.
func pageTone(t channels.PageText) tone {
	switch {
	case t.Kind == channels.PageFilled || t.Kind == channels.PageClosed:
		return toneOver
	case t.Urgent && t.Calls():
		return toneSevere
	}
	return toneOther
}

// button is a link that looks like one; "" without a link. It is written by
// hand, since a template would encode the braces of a placeholder.
func button(label, link string) template.HTML {
	if link == "" {
		return ""
	}
	return template.HTML(`<a href="` + html.EscapeString(link) + //nolint:gosec // both are escaped
		`" style="display:inline-block;background-color:#1b4965;border:2px solid #1b4965;color:#ffffff;font:bold 19px/1.3 Arial,Helvetica,sans-serif;padding:13px 26px;text-decoration:none">` +
		html.EscapeString(label) + `</a>`)
}
