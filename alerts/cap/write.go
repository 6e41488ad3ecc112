package cap

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"martinella/alerts"
)

// Writer writes alerts as CAP 1.2. The zero Writer writes the canonical form.
type Writer struct {
	// DefaultLanguage is written for an info that names none; empty means en-US,
	// which is what CAP says that an absent language means.
	DefaultLanguage string
}

// Write gives the canonical form: CAP 1.2 in the schema's element order, offsets
// never Z, language always there, rings closed, two spaces of indentation. Equal
// alerts give equal bytes. The error names the problems of an alert that is not
// valid, or a character that XML cannot carry.
func Write(a *alerts.Alert) ([]byte, error) { return Writer{}.Write(a) }

// Write is like the function [Write], with the Writer's default language.
func (w Writer) Write(a *alerts.Alert) ([]byte, error) {
	if err := a.Problems().Err(); err != nil {
		return nil, fmt.Errorf("write cap: %w", err)
	}
	b, clean := w.encode(a)
	if !clean {
		return nil, errors.New("write cap: a text holds a character that XML cannot carry")
	}
	return b, nil
}

// Digest identifies the content: SHA-256 over the canonical form. The same
// alert read from XML and from JSON has the same digest. A language that is
// absent and en-US are the same, as CAP has it.
func Digest(a *alerts.Alert) alerts.Digest {
	b, _ := Writer{}.encode(a)
	sum := sha256.Sum256(b)
	return alerts.Digest(hex.EncodeToString(sum[:]))
}

// DigestOwn is [Digest] without the date of sending, for alerts made here:
// publishing sets it after people have agreed on the content.
func DigestOwn(a *alerts.Alert) alerts.Digest {
	unsent := *a
	unsent.Sent = time.Time{}
	return Digest(&unsent)
}

func (w Writer) encode(a *alerts.Alert) (b []byte, clean bool) {
	p := printer{clean: true}
	p.b = append(p.b, `<?xml version="1.0" encoding="UTF-8"?>`+"\n"+`<alert xmlns="`+namespace12+`">`+"\n"...)
	p.depth = 1
	p.must("identifier", a.Identifier)
	p.must("sender", a.Sender)
	p.date("sent", a.Sent)
	p.must("status", string(a.Status))
	p.must("msgType", string(a.MsgType))
	p.may("source", a.Source)
	p.must("scope", string(a.Scope))
	p.may("restriction", a.Restriction)
	p.may("addresses", joinList(a.Addresses))
	for _, c := range a.Codes {
		p.may("code", c)
	}
	p.may("note", a.Note)
	p.may("references", joinReferences(a.References))
	p.may("incidents", joinList(a.Incidents))
	for i := range a.Infos {
		p.block("info", func() { w.info(&p, &a.Infos[i]) })
	}
	p.b = append(p.b, "</alert>\n"...)
	return p.b, p.clean
}

func (w Writer) info(p *printer, in *alerts.Info) {
	language := in.Language
	if language == "" {
		language = w.DefaultLanguage
	}
	if language == "" {
		language = "en-US"
	}
	p.must("language", language)
	for _, c := range in.Categories {
		p.must("category", string(c))
	}
	p.must("event", in.Event)
	for _, t := range in.ResponseTypes {
		if slices.Contains(alerts.ResponseTypes, t) {
			p.must("responseType", string(t))
		}
	}
	p.must("urgency", string(in.Urgency))
	p.must("severity", string(in.Severity))
	p.must("certainty", string(in.Certainty))
	p.may("audience", in.Audience)
	p.values("eventCode", in.EventCodes)
	p.date("effective", in.Effective)
	p.date("onset", in.Onset)
	p.date("expires", in.Expires)
	p.may("senderName", in.SenderName)
	p.may("headline", in.Headline)
	p.may("description", in.Description)
	p.may("instruction", in.Instruction)
	p.may("web", in.Web)
	p.may("contact", in.Contact)
	p.values("parameter", in.Parameters)
	for _, r := range in.Resources {
		p.block("resource", func() {
			p.must("resourceDesc", r.Description)
			p.must("mimeType", r.MimeType)
			if r.Size > 0 {
				p.must("size", strconv.FormatInt(r.Size, 10))
			}
			p.may("uri", r.URI)
			p.may("digest", r.Digest)
		})
	}
	for _, ar := range in.Areas {
		p.block("area", func() {
			p.must("areaDesc", ar.Description)
			for _, ring := range ar.Polygons {
				p.may("polygon", closed(ring).String())
			}
			for _, c := range ar.Circles {
				p.must("circle", c.String())
			}
			p.values("geocode", ar.Geocodes)
			p.may("altitude", ar.Altitude)
			p.may("ceiling", ar.Ceiling)
		})
	}
}

// closed repeats the first position at the end where it is missing.
func closed(ring alerts.Polygon) alerts.Polygon {
	if len(ring) < 2 || ring[0] == ring[len(ring)-1] {
		return ring
	}
	return append(slices.Clone(ring), ring[0])
}

// joinReferences leaves out what CAP 1.0 wrote without a date: CAP 1.2 has no
// form for it.
func joinReferences(refs []alerts.Reference) string {
	var words []string
	for _, r := range refs {
		if !r.Sent.IsZero() {
			words = append(words, r.String())
		}
	}
	return strings.Join(words, " ")
}

// printer writes indented elements.
type printer struct {
	b     []byte
	depth int
	clean bool // no character had to be replaced
}

func (p *printer) indent() {
	for range p.depth {
		p.b = append(p.b, "  "...)
	}
}

func (p *printer) block(name string, inside func()) {
	p.indent()
	p.b = append(append(append(p.b, '<'), name...), ">\n"...)
	p.depth++
	inside()
	p.depth--
	p.indent()
	p.b = append(append(append(p.b, "</"...), name...), ">\n"...)
}

// must writes an element, may one that is not empty.
func (p *printer) must(name, value string) {
	p.indent()
	p.b = append(append(append(p.b, '<'), name...), '>')
	p.text(clean(value))
	p.b = append(append(append(p.b, "</"...), name...), ">\n"...)
}

func (p *printer) may(name, value string) {
	if clean(value) != "" {
		p.must(name, value)
	}
}

func (p *printer) date(name string, t time.Time) { p.may(name, alerts.FormatTime(t)) }

func (p *printer) values(name string, values []alerts.Value) {
	for _, v := range values {
		p.block(name, func() {
			p.must("valueName", v.Name)
			p.must("value", v.Value)
		})
	}
}

func (p *printer) text(s string) {
	for i, c := range s {
		switch {
		case c == '&':
			p.b = append(p.b, "&amp;"...)
		case c == '<':
			p.b = append(p.b, "&lt;"...)
		case c == '>':
			p.b = append(p.b, "&gt;"...)
		case !allowed(c) || c == utf8.RuneError && !strings.HasPrefix(s[i:], "\uFFFD"):
			p.b = append(p.b, "\uFFFD"...)
			p.clean = false
		default:
			p.b = utf8.AppendRune(p.b, c)
		}
	}
}

// allowed reports whether XML 1.0 can carry the character (production 2, Char).
func allowed(c rune) bool {
	switch {
	case c == '\t' || c == '\n' || c == '\r':
		return true
	case c < 0x20, c >= 0xD800 && c <= 0xDFFF, c == 0xFFFE, c == 0xFFFF:
		return false
	}
	return c <= 0x10FFFF
}
