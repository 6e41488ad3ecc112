package email

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"mime/quotedprintable"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"martinella/alerts"
	"martinella/channels"
)

// letter is one mail on its way to one recipient.
type letter struct {
	id     string // of the seal
	from   string // of the envelope
	to     route
	utf8   bool // the envelope needs SMTPUTF8
	source []byte
}

// write makes the mail of a message. It is the same in every attempt but for
// the time and value of the signature: its only date is that of publication.
func (c *Channel) write(m channels.Message) (letter, error) {
	to, err := routeOf(m.To)
	if err != nil {
		return letter{}, err
	}
	var t draft
	if err := json.Unmarshal(m.Payload, &t); err != nil {
		return letter{}, fmt.Errorf("the stored message cannot be read: %w", err)
	}
	l := letter{id: c.seal.id(m.Key, m.Language), to: to, utf8: to.utf8 || !isASCII(c.from.Address)}
	l.from = c.sender(l.id)
	h := c.heading(m, to, l.id)
	h.line("Subject", encoded(t.Subject))
	if ids := c.earlier(m, t, to); len(ids) > 0 {
		h.line("In-Reply-To", ids[len(ids)-1])
		h.line("References", strings.Join(ids, "\r\n "))
	}
	h.line("Auto-Submitted", "auto-generated") // RFC 3834: nobody's absence notes come back
	h.line("X-Auto-Response-Suppress", "OOF, AutoReply")
	if urgent(m) || t.Urgent {
		h.line("Importance", "high")
		h.line("X-Priority", "1")
	}
	if c.config.PEC {
		h.line("X-TipoRicevuta", "sintetica") // RFC 6109: a receipt without our whole mail
	}
	w := wordsFor(m.Language, c.authority())
	stop, links := c.stopAddress(m.To), c.unsubscribe(m.To)
	if t.Page { // who is called leaves the roster with a person, not by one touch beside the answer
		stop, links = "", nil
	}
	if len(links) > 0 {
		h.line("List-Unsubscribe", strings.Join(links, ",\r\n "))
		if c.oneClick != "" {
			h.line("List-Unsubscribe-Post", "List-Unsubscribe=One-Click") // RFC 8058
		}
	}
	text, page := c.closed(m, t, w, stop)
	l.source, err = c.sign(body(h, l.id, text, page, t))
	return l, err
}

// urgent: only what cannot wait asks to be seen first.
func urgent(m channels.Message) bool {
	return m.Severity.Rank() >= alerts.SeveritySevere.Rank() && m.Change != alerts.ChangeEnded
}

// header is the head of a mail. Its values are made by us or encoded; a line
// break that comes in all the same ends nothing.
type header struct{ bytes.Buffer }

var unfold = strings.NewReplacer("\r\n ", "\r\n ", "\r", " ", "\n", " ", "\x00", "")

func (h *header) line(name, value string) {
	h.WriteString(name + ": " + unfold.Replace(value) + "\r\n")
}

// heading writes the fields that every mail has.
func (c *Channel) heading(m channels.Message, to route, id string) *header {
	h := &header{}
	h.line("From", c.from.String())
	h.line("To", "<"+to.address+">")
	if reply := c.replyTo(); reply != "" {
		h.line("Reply-To", "<"+reply+">")
	}
	h.line("Date", c.settings.Local(m.Sent).Format(time.RFC1123Z))
	h.line("Message-ID", c.messageID(id, to.address))
	return h
}

func (c *Channel) replyTo() string {
	if c.config.ReplyTo != "" {
		return c.config.ReplyTo
	}
	return c.config.StopAddress
}

// sender is the envelope's, where failures go.
func (c *Channel) sender(id string) string {
	if c.config.BounceAddress == "" {
		r, _ := routeOf(c.from.Address) // judged when the channel was made
		return r.address
	}
	return strings.Replace(c.config.BounceAddress, placeOfToken, id, 1)
}

// messageID is constant over all attempts and holds nothing personal: the id,
// and what binds it to the recipient.
func (c *Channel) messageID(id, to string) string {
	if bond := c.seal.bond(id, to); bond != "" {
		id += "." + bond
	}
	return "<" + id + "@" + c.domain + ">"
}

// earlier gives the Message-IDs of what this recipient got of the event before,
// as far as it can be reckoned: the first, and the one that this supersedes. It
// hurts nothing if they were never sent.
func (c *Channel) earlier(m channels.Message, t draft, to route) []string {
	if m.Revision <= 1 || m.Alert == m.Event {
		return nil
	}
	parts := strings.SplitN(m.Key, "/", 4)
	if len(parts) != 4 {
		return nil
	}
	recipient, _, _ := strings.Cut(parts[3], "/") // without the mark of a repetition
	of := func(alert alerts.ID, revision int) string {
		key := string(alert) + "/" + strconv.Itoa(revision) + "/" + parts[2] + "/" + recipient
		return c.messageID(c.seal.id(key, m.Language), to.address)
	}
	ids := []string{of(m.Event, 1)}
	if t.Supersedes != "" && t.Supersedes != m.Event {
		ids = append(ids, of(t.Supersedes, m.Revision-1))
	}
	return ids
}

// closed ends text and page with the small lines.
func (c *Channel) closed(m channels.Message, t draft, w words, stop string) (text, page string) {
	var plain, rich strings.Builder
	plain.WriteString(m.Text)
	if !over(m) && !t.Page {
		plain.WriteString("\n\n" + w.Help)
	}
	plain.WriteString("\n\n-- \n")
	rich.WriteString(t.HTML)
	para := func(inner string) { rich.WriteString(`<p style="margin:0 0 4px 0">` + inner + "</p>\n") }
	link := func(href, label string) string {
		return `<a class="link" href="` + html.EscapeString(href) + `" style="color:#1b4965;word-break:break-all">` + html.EscapeString(label) + "</a>"
	}
	for _, l := range t.Closing {
		switch {
		case l.Value == nil:
			plain.WriteString(l.Label + "\n")
			para(html.EscapeString(l.Label))
		case *l.Value != "":
			value := c.timeIn(*l.Value)
			plain.WriteString(l.Label + ": " + value + "\n")
			if strings.HasPrefix(value, "https://") {
				para(html.EscapeString(l.Label) + ": " + link(value, value))
			} else {
				para(html.EscapeString(l.Label) + ": " + html.EscapeString(value))
			}
		}
	}
	if stop != "" {
		plain.WriteString(w.Stop + "\n")
		para(link(stop, w.StopLink))
	}
	rich.WriteString(pageEnd)
	return plain.String(), rich.String()
}

// timeIn says a time as people write it; other values stay.
func (c *Channel) timeIn(value string) string {
	at, err := time.Parse(time.RFC3339, value)
	if err != nil {
		return value
	}
	return c.settings.Local(at).Format("02/01/2006 15:04 (MST)")
}

// body puts the parts together: text, then the page with its picture. The
// boundaries are the id's: they cannot stand in quoted-printable or base 64.
func body(h *header, id, text, page string, t draft) []byte {
	outer, inner := "=_a."+id, "=_r."+id
	h.line("MIME-Version", "1.0")
	h.line("Content-Type", `multipart/alternative; boundary="`+outer+`"`)
	h.WriteString("\r\n")
	h.WriteString("--" + outer + "\r\n")
	h.text("text/plain", text)
	h.WriteString("\r\n--" + outer + "\r\n")
	if len(t.Map) > 0 {
		h.line("Content-Type", `multipart/related; type="text/html"; boundary="`+inner+`"`)
		h.WriteString("\r\n--" + inner + "\r\n")
		h.text("text/html", page)
		h.WriteString("\r\n--" + inner + "\r\n")
		h.line("Content-Type", `image/png; name="map.png"`)
		h.line("Content-Transfer-Encoding", "base64")
		h.line("Content-ID", "<"+t.MapID+">")
		h.line("Content-Disposition", `inline; filename="map.png"`)
		h.WriteString("\r\n")
		h.base64(t.Map)
		h.WriteString("--" + inner + "--\r\n")
	} else {
		h.text("text/html", page)
	}
	h.WriteString("\r\n--" + outer + "--\r\n")
	return h.Bytes()
}

func (h *header) text(media, text string) {
	h.line("Content-Type", media+"; charset=utf-8")
	h.line("Content-Transfer-Encoding", "quoted-printable")
	h.WriteString("\r\n")
	q := quotedprintable.NewWriter(h)
	_, _ = q.Write([]byte(text)) // into memory
	_ = q.Close()
}

// base64 writes lines of 76 characters (RFC 2045 section 6.8).
func (h *header) base64(b []byte) {
	const perLine = 57
	for len(b) > 0 {
		n := min(perLine, len(b))
		h.WriteString(base64.StdEncoding.EncodeToString(b[:n]) + "\r\n")
		b = b[n:]
	}
}

// encoded is a text as a header has it: as it is, or in words of RFC 2047 of at
// most 75 characters, one a line. A text that looks like such a word is one.
func encoded(text string) string {
	text = strings.Join(strings.Fields(strings.ToValidUTF8(text, "")), " ")
	plain := func(r rune) bool { return r >= ' ' && r < 0x7f }
	if len(text) < 70 && !strings.Contains(text, "=?") && strings.IndexFunc(text, func(r rune) bool { return !plain(r) }) < 0 {
		return text
	}
	const most = 45 // bytes; 60 in base 64
	var words []string
	for len(text) > 0 {
		n := min(most, len(text))
		for n < len(text) && !utf8.RuneStart(text[n]) {
			n--
		}
		words = append(words, "=?utf-8?B?"+base64.StdEncoding.EncodeToString([]byte(text[:n]))+"?=")
		text = text[n:]
	}
	return strings.Join(words, "\r\n ")
}
