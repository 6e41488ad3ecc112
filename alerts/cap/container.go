package cap

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// ErrUnknownContainer is for XML that is neither a feed nor an alert.
var ErrUnknownContainer = errors.New("the message is no container of alerts")

// maxInherited bounds the namespace declarations that are copied into each
// embedded alert: a small feed must not become a large one.
const maxInherited = 4096

const (
	namespaceAtom = "http://www.w3.org/2005/Atom"
	edxlPrefix    = "urn:oasis:names:tc:emergency:edxl:de:" // in lower case
)

// ReadContainer reads a feed or a single alert. Every embedded alert passes
// the Submit limits or says why not. Fields of alerts that a feed flattens into
// its entries are no alert: follow the link. The error is as of [Parse], or
// ErrUnknownContainer.
func ReadContainer(b []byte, l Limits) (*Feed, error) {
	if err := guard(b, l); err != nil {
		return nil, err
	}
	body, err := decode(b)
	if err != nil {
		return nil, err
	}
	c := &containerReader{body: body, dec: xml.NewDecoder(bytes.NewReader(body)), feed: &Feed{}}
	if err := c.read(); err != nil {
		return nil, err
	}
	c.feed.shape()
	return c.feed, nil
}

type containerReader struct {
	body   []byte
	dec    *xml.Decoder
	feed   *Feed
	item   *Item      // the entry that is open
	within int        // how deep it lies
	open   []xml.Name // from the root down
	scopes [][]xml.Attr
	text   []byte // of the innermost open element
}

func (c *containerReader) read() error {
	for {
		start := c.dec.InputOffset()
		token, err := c.dec.Token()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return brokenXML(err)
		}
		switch t := token.(type) {
		case xml.StartElement:
			if err := c.start(t, start); err != nil {
				return err
			}
		case xml.EndElement:
			c.end(t.Name)
		case xml.CharData:
			c.text = append(c.text, t...)
		}
	}
}

func (c *containerReader) start(t xml.StartElement, offset int64) error {
	if err := wellFormed(t); err != nil {
		return err
	}
	if len(c.open) == 0 {
		if err := c.root(t.Name); err != nil {
			return err
		}
	}
	if t.Name.Local == "alert" && (len(c.open) == 0 || versionOf(t.Name.Space) != "" || t.Name.Space == "") {
		if err := c.dec.Skip(); err != nil {
			return brokenXML(err)
		}
		c.embed(c.body[offset:c.dec.InputOffset()], t)
		return nil
	}
	c.open = append(c.open, t.Name)
	c.scopes = append(c.scopes, slices.DeleteFunc(slices.Clone(t.Attr), func(a xml.Attr) bool { return !isNamespace(a) }))
	c.text = c.text[:0]
	if c.itemStarts(t.Name) {
		c.feed.Items = append(c.feed.Items, Item{})
		c.item, c.within = &c.feed.Items[len(c.feed.Items)-1], len(c.open)
	}
	if c.item != nil && c.own(t.Name) {
		switch t.Name.Local {
		case "link":
			if href := attribute(t, "href"); href != "" {
				c.item.Links = append(c.item.Links, Link{href, attribute(t, "type"), attribute(t, "rel")})
			}
		case "enclosure":
			c.item.Links = append(c.item.Links, Link{attribute(t, "url"), attribute(t, "type"), "enclosure"})
		}
	}
	return nil
}

func (c *containerReader) root(name xml.Name) error {
	switch {
	case name.Local == "feed" && name.Space == namespaceAtom:
		c.feed.Kind = KindAtom
	case name.Local == "rss" && name.Space == "":
		c.feed.Kind = KindRSS
	case name.Local == "EDXLDistribution" && strings.HasPrefix(strings.ToLower(name.Space), edxlPrefix):
		c.feed.Kind = KindEDXL
	case name.Local == "alert":
		c.feed.Kind = KindAlert
	default:
		return fmt.Errorf("%w: it is %s", ErrUnknownContainer, quote(name.Local))
	}
	return nil
}

// own reports whether an element belongs to the container's format.
func (c *containerReader) own(name xml.Name) bool { return name.Space == c.open[0].Space }

func (c *containerReader) itemStarts(name xml.Name) bool {
	item := map[Kind]string{KindAtom: "entry", KindRSS: "item", KindEDXL: "contentObject"}[c.feed.Kind]
	return c.item == nil && name.Local == item && c.own(name)
}

func (c *containerReader) end(name xml.Name) {
	text := clean(string(c.text))
	c.text = c.text[:0]
	if c.own(name) {
		c.field(name.Local, text)
	}
	if c.item != nil && len(c.open) == c.within {
		c.item = nil
	}
	c.open, c.scopes = c.open[:len(c.open)-1], c.scopes[:len(c.scopes)-1]
}

// field takes the text of a direct child of the container or of an item (for
// RSS the channel is the container, for EDXL content lies one deeper).
func (c *containerReader) field(name, text string) {
	id, title, updated := &c.feed.ID, &c.feed.Title, &c.feed.Updated
	if c.item != nil {
		id, title, updated = &c.item.ID, &c.item.Title, &c.item.Updated
	}
	parent := ""
	if depth := len(c.open); depth > 1 {
		parent = c.open[depth-2].Local
	}
	switch string(c.feed.Kind) + " " + parent + " " + name {
	case "atom feed id", "atom entry id", "rss item guid", "edxl-de EDXLDistribution distributionID":
		*id = text
	case "atom feed title", "atom entry title", "rss channel title", "rss item title", "edxl-de contentObject contentDescription":
		*title = text
	case "atom feed updated", "atom entry updated", "rss item pubDate", "rss channel lastBuildDate", "edxl-de EDXLDistribution dateTimeSent":
		*updated = text
	case "rss item link", "edxl-de nonXMLContent uri":
		if c.item != nil && text != "" {
			c.item.Links = append(c.item.Links, Link{Href: text})
		}
	}
}

// embed isolates an alert. Outside of any item it gets one of its own.
func (c *containerReader) embed(raw []byte, t xml.StartElement) {
	e := Embedded{}
	e.Raw, e.Err = c.isolate(raw, t)
	if e.Err == nil {
		e.Document, e.Err = Parse(e.Raw, Submit)
	}
	if c.item != nil {
		c.item.Alerts = append(c.item.Alerts, e)
		return
	}
	c.feed.Items = append(c.feed.Items, Item{Alerts: []Embedded{e}, outside: c.feed.Kind != KindAlert})
}

// isolate copies the alert and declares on it the namespaces that it has from
// around it.
func (c *containerReader) isolate(raw []byte, t xml.StartElement) ([]byte, error) {
	declared := map[xml.Name]bool{}
	for _, a := range t.Attr {
		declared[a.Name] = true
	}
	var extra bytes.Buffer
	for _, scope := range slices.Backward(c.scopes) {
		for _, a := range scope {
			if declared[a.Name] {
				continue
			}
			declared[a.Name] = true
			name := "xmlns"
			if a.Name.Space != "" {
				name = "xmlns:" + a.Name.Local
			}
			extra.WriteString(" " + name + `="`)
			if err := xml.EscapeText(&extra, []byte(a.Value)); err != nil {
				return nil, err
			}
			extra.WriteByte('"')
			if extra.Len() > maxInherited {
				return nil, unsafe("too many namespaces around the alert")
			}
		}
	}
	at := bytes.IndexAny(raw, " \t\r\n/>")
	return slices.Concat(raw[:at], extra.Bytes(), raw[at:]), nil
}

func isNamespace(a xml.Attr) bool {
	return a.Name.Space == "xmlns" || a.Name.Space == "" && a.Name.Local == "xmlns"
}

func attribute(t xml.StartElement, name string) string {
	for _, a := range t.Attr {
		if a.Name.Space == "" && a.Name.Local == name {
			return strings.TrimSpace(a.Value)
		}
	}
	return ""
}
