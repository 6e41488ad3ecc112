package email

import (
	"bytes"
	"mime"
	"net/mail"
	"net/textproto"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"martinella/channels"
)

// notice is what a mail of the mailbox brings: news of a mail of ours, or the
// word of somebody who had one.
type notice struct {
	reports []channels.DeliveryReport
	replies []channels.Reply
	asked   bool // the reply is a STOP by its sealed address
}

func (n notice) empty() bool { return len(n.reports)+len(n.replies) == 0 }

// read finds out what a mail brings. It believes nothing that does not prove
// itself: a report names an id that was made here, a reply comes from the
// address that the mail went to. Everything else is for people, and empty.
func (c *Channel) read(source []byte, now time.Time) notice {
	return c.readInner(source, now, 0)
}

func (c *Channel) readInner(source []byte, now time.Time, depth int) notice {
	msg, err := mail.ReadMessage(bytes.NewReader(source))
	if err != nil {
		return notice{}
	}
	header := textproto.MIMEHeader(msg.Header)
	var body bytes.Buffer
	_, _ = body.ReadFrom(msg.Body) // from memory
	at := sentAt(msg.Header, now)
	media, params, _ := mime.ParseMediaType(header.Get("Content-Type"))
	switch {
	case header.Get("X-Ricevuta") != "":
		return notice{reports: c.certified(header, partsOf(header, body.Bytes()), at)}
	case header.Get("X-Trasporto") != "" && depth == 0: // PEC wraps what others write
		for _, p := range partsOf(header, body.Bytes()) {
			if p.media == "message/rfc822" {
				return c.readInner(p.body, now, depth+1)
			}
		}
		return notice{}
	case media == "multipart/report" && strings.EqualFold(params["report-type"], "delivery-status"):
		return notice{reports: c.statuses(header, partsOf(header, body.Bytes()), at)}
	case header.Get("X-Failed-Recipients") != "": // Exim's own notices
		return notice{reports: c.bounced(header, body.Bytes(), at)}
	}
	return c.reply(header, body.Bytes(), now)
}

// sentAt is the mail's own date where it can be: not in the future, not older
// than a notice may be.
func sentAt(h mail.Header, now time.Time) time.Time {
	const oldest = 10 * 24 * time.Hour
	if at, err := h.Date(); err == nil && !at.After(now) && now.Sub(at) < oldest {
		return at
	}
	return now
}

// recipients are the headers that say where a notice was sent: to the bounce
// address with our token in it.
var recipients = []string{"To", "Delivered-To", "X-Original-To", "Envelope-To", "X-Envelope-To"}

// addressed gives the id in the address that the notice was sent to.
func (c *Channel) addressed(header textproto.MIMEHeader) (string, bool) {
	for _, name := range recipients {
		for _, value := range header.Values(name) {
			if id, ok := c.idIn(value); ok {
				return id, true
			}
		}
	}
	return "", false
}

// idIn finds an id of ours in a text.
func (c *Channel) idIn(text string) (string, bool) {
	const most = 2048 // characters that are looked at
	if len(text) > most {
		text = text[:most]
	}
	text = strings.ToLower(text)
	run := 0
	for i := range len(text) {
		if b := text[i]; b < 'a' && (b < '2' || b > '7') || b > 'z' {
			run = 0
			continue
		}
		if run++; run >= tokenLength {
			if id := text[i+1-tokenLength : i+1]; c.seal.knows(id) {
				return id, true
			}
		}
	}
	return "", false
}

var messageIDLine = regexp.MustCompile(`(?im)^message-id:[ \t]*(?:\r?\n[ \t]+)?<([^<>\s]{1,300})>`)

// returned gives the id of our mail that a notice brings back.
func (c *Channel) returned(parts []part) (string, bool) {
	for _, p := range parts {
		if p.media != "message/rfc822" && p.media != "text/rfc822-headers" && p.media != "message/rfc822-headers" && p.media != "message/global" && p.media != "message/global-headers" {
			continue
		}
		if m := messageIDLine.FindSubmatch(p.body); m != nil {
			if id, ok := c.idIn(string(m[1])); ok {
				return id, true
			}
		}
	}
	return "", false
}

// bounced reads a notice without a part for programs: it was sent to the bounce
// address or brings our mail back, and names a recipient that failed.
func (c *Channel) bounced(header textproto.MIMEHeader, body []byte, at time.Time) []channels.DeliveryReport {
	id, ok := c.addressed(header)
	if !ok {
		if m := messageIDLine.FindSubmatch(body); m != nil {
			id, ok = c.idIn(string(m[1]))
		}
	}
	if !ok {
		return nil
	}
	state := channels.ReportFailed
	if strings.Contains(strings.ToLower(header.Get("Subject")), "delayed") {
		state = channels.ReportEnroute
	}
	return []channels.DeliveryReport{{MessageID: id, State: state, Code: "bounce", At: at}}
}

// reply reads what a person wrote. The proof is the sealed address of the
// unsubscribe link, or that the mail answers one of ours and comes from where
// that went.
func (c *Channel) reply(header textproto.MIMEHeader, body []byte, now time.Time) notice {
	// RFC 3834: what a program answers is nobody's wish.
	if auto := header.Get("Auto-Submitted"); auto != "" && !strings.EqualFold(auto, "no") {
		return notice{}
	}
	subject, err := new(mime.WordDecoder).DecodeHeader(header.Get("Subject"))
	if err != nil {
		subject = header.Get("Subject")
	}
	to := c.from.Address
	for word := range strings.FieldsSeq(subject) {
		if address, ok := c.seal.open(word); ok {
			return notice{replies: []channels.Reply{{From: address, To: to, Text: "STOP", At: now}}, asked: true}
		}
	}
	from, err := mail.ParseAddress(header.Get("From"))
	if err != nil {
		return notice{}
	}
	sender, err := routeOf(from.Address)
	if err != nil || !c.answers(header, sender.address) {
		return notice{}
	}
	text := firstWords(partsOf(header, body))
	if text == "" {
		text = shortened(strings.TrimSpace(strings.TrimPrefix(strings.TrimPrefix(subject, "Re:"), "R:")))
	}
	if text == "" {
		return notice{}
	}
	return notice{replies: []channels.Reply{{From: sender.address, To: to, Text: text, At: now}}}
}

// answers reports whether the mail names one of ours that went to the sender.
func (c *Channel) answers(header textproto.MIMEHeader, sender string) bool {
	const most = 20
	named := strings.Fields(header.Get("In-Reply-To") + " " + header.Get("References"))
	for _, ref := range named[:min(most, len(named))] {
		left, _, ok := strings.Cut(strings.Trim(ref, "<>"), "@")
		id, bond, ok2 := strings.Cut(left, ".")
		if ok && ok2 && len(bond) == bondLength && c.seal.knows(id) && c.seal.bound(id, bond, sender) {
			return true
		}
	}
	return false
}

const maxReply = 160 // bytes of a reply: what an answer to an alert needs

// firstWords is the first line of a reply that is the writer's own.
func firstWords(parts []part) string {
	for _, p := range parts {
		text := string(p.body)
		switch p.media {
		case "text/plain":
		case "text/html":
			text = tags.ReplaceAllString(lineBreaks.ReplaceAllString(text, "\n"), "")
		default:
			continue
		}
		for line := range strings.Lines(text) {
			line = strings.Join(strings.Fields(strings.ToValidUTF8(line, "")), " ")
			if line == "" {
				continue
			}
			if strings.HasPrefix(line, ">") || strings.HasPrefix(line, "--") || strings.HasPrefix(line, "__") {
				return "" // what follows is ours
			}
			return shortened(line)
		}
	}
	return ""
}

var (
	lineBreaks = regexp.MustCompile(`(?i)<(?:br|/p|/div|/tr)[^>]*>`)
	tags       = regexp.MustCompile(`(?s)<(?:style|script|head)[^>]*>.*?</(?:style|script|head)>|<[^>]*>`)
)

func shortened(text string) string {
	if len(text) > maxReply {
		text = text[:maxReply]
		for len(text) > 0 && !utf8.ValidString(text) {
			text = text[:len(text)-1]
		}
	}
	return text
}
