package cap

import (
	"bytes"
	"fmt"
)

// guard looks over XML before any parser does. It is one pass over the bytes
// that allocates nothing and stops at the first limit, so a bomb costs no more
// than reading it. It refuses what encoding/xml would let pass (a second root,
// text outside the root, a late XML declaration) and what an alert never
// needs (DOCTYPE, odd processing instructions). All encodings that are taken
// agree with ASCII on the bytes that it looks at.
func guard(b []byte, l Limits) error {
	if len(b) > l.Bytes {
		return fmt.Errorf("%w: %d bytes, at most %d", ErrTooLarge, len(b), l.Bytes)
	}
	g := guarded{b: bytes.TrimPrefix(b, utf8BOM), l: l}
	for g.at < len(g.b) {
		next := bytes.IndexByte(g.b[g.at:], '<')
		text := g.b[g.at:]
		if next >= 0 {
			text = text[:next]
		}
		if g.depth == 0 && len(bytes.Trim(text, " \t\r\n")) > 0 {
			return malformed("text outside the root element")
		}
		g.at += len(text)
		if next < 0 {
			break
		}
		if err := g.markup(); err != nil {
			return err
		}
	}
	switch {
	case g.depth > 0:
		return malformed("the end is missing")
	case g.elements == 0:
		return malformed("there is no element")
	}
	return nil
}

var utf8BOM = []byte("\xef\xbb\xbf")

type guarded struct {
	b               []byte
	l               Limits
	at              int // next byte
	depth, elements int
}

func malformed(why string) error { return fmt.Errorf("%w: %s", ErrMalformed, why) }
func unsafe(why string) error    { return fmt.Errorf("%w: %s", ErrUnsafe, why) }

// markup moves over one piece of markup; g.b[g.at] is '<'.
func (g *guarded) markup() error {
	rest := g.b[g.at:]
	switch {
	case bytes.HasPrefix(rest, []byte("<!--")):
		return g.skip(4, "-->")
	case bytes.HasPrefix(rest, []byte("<![CDATA[")):
		if g.depth == 0 {
			return malformed("text outside the root element")
		}
		return g.skip(9, "]]>")
	case bytes.HasPrefix(rest, []byte("<!")):
		return unsafe("DOCTYPE or another declaration")
	case bytes.HasPrefix(rest, []byte("<?")):
		return g.instruction(rest[2:])
	case bytes.HasPrefix(rest, []byte("</")):
		if g.depth--; g.depth < 0 {
			return malformed("an element ends that has not begun")
		}
		return g.skip(2, ">")
	}
	return g.element(rest)
}

func (g *guarded) skip(from int, end string) error {
	n := bytes.Index(g.b[g.at+from:], []byte(end))
	if n < 0 {
		return malformed("the end is missing")
	}
	g.at += from + n + len(end)
	return nil
}

func (g *guarded) instruction(rest []byte) error {
	target := rest
	if n := bytes.IndexAny(rest, " \t\r\n?"); n >= 0 {
		target = rest[:n]
	}
	switch string(target) {
	case "xml":
		if g.at != 0 {
			return malformed("the XML declaration is not at the start")
		}
	case "xml-stylesheet":
	default:
		return unsafe("a processing instruction")
	}
	return g.skip(2, "?>")
}

// element moves over a start tag, minding quotes.
func (g *guarded) element(tag []byte) error {
	if g.depth == 0 && g.elements > 0 {
		return malformed("a second root element")
	}
	attributes := 0
	for i := 1; i < len(tag); i++ {
		switch c := tag[i]; c {
		case '"', '\'':
			n := bytes.IndexByte(tag[i+1:], c)
			if n < 0 {
				return malformed("a quote is not closed")
			}
			i += n + 1
			if attributes++; attributes > g.l.Attributes {
				return unsafe(fmt.Sprintf("more than %d attributes on one element", g.l.Attributes))
			}
		case '<':
			return malformed("an element is not closed")
		case '>':
			g.at += i + 1
			if g.elements++; g.elements > g.l.Elements {
				return unsafe(fmt.Sprintf("more than %d elements", g.l.Elements))
			}
			if g.depth+1 > g.l.Depth {
				return unsafe(fmt.Sprintf("elements nested deeper than %d", g.l.Depth))
			}
			if tag[i-1] != '/' {
				g.depth++
			}
			return nil
		}
	}
	return malformed("an element is not closed")
}
