package dashboards

import (
	"bytes"
	"encoding/xml"
	"strings"
	"time"

	"martinella/alerts"
)

type atomLink struct {
	Rel      string `xml:"rel,attr"`
	Type     string `xml:"type,attr,omitempty"`
	Href     string `xml:"href,attr"`
	Language string `xml:"hreflang,attr,omitempty"`
}

type atomContent struct {
	Type string `xml:"type,attr"`
	Body []byte `xml:",innerxml"`
}

type atomEntry struct {
	Language  string       `xml:"xml:lang,attr,omitempty"`
	ID        string       `xml:"id"`
	Title     string       `xml:"title"`
	Updated   string       `xml:"updated"`
	Published string       `xml:"published,omitempty"`
	Author    string       `xml:"author>name"`
	Links     []atomLink   `xml:"link"`
	Summary   string       `xml:"summary,omitempty"`
	Content   *atomContent `xml:"content"`
	*capFields
}

type atomFeed struct {
	XMLName  xml.Name     `xml:"http://www.w3.org/2005/Atom feed"`
	CAP      string       `xml:"xmlns:cap,attr,omitempty"`
	Language string       `xml:"xml:lang,attr,omitempty"`
	Viewport *viewport    `xml:"http://www.w3.org/1999/xhtml meta"`
	ID       string       `xml:"id"`
	Title    string       `xml:"title"`
	Subtitle *atomContent `xml:"subtitle"`
	Updated  string       `xml:"updated"`
	Author   string       `xml:"author>name"`
	Links    []atomLink   `xml:"link"`
	Entries  []atomEntry  `xml:"entry"`
}

// viewport makes phones show the feed in their own width: an extension element
// (RFC 4287 section 6), which readers of feeds pass over.
type viewport struct {
	Name    string `xml:"name,attr"`
	Content string `xml:"content,attr"`
}

// printAtom writes Atom (RFC 4287). The content is XHTML: browsers show it by
// the style sheet, with links that can be followed.
func (s *Server) printAtom(f *feed) []byte {
	a := s.atomHead(f)
	a.Links = append(a.Links, atomLink{Rel: "alternate", Type: "text/html", Href: s.home(f), Language: f.l.Tag})
	a.Subtitle = s.subtitle(f)
	for _, i := range f.items {
		e := atomEntry{
			ID: i.ID, Title: i.Title, Updated: i.Updated.Format(time.RFC3339), Published: i.Published.Format(time.RFC3339), Author: i.Author,
			Links:   []atomLink{{Rel: "alternate", Type: "text/html", Href: i.Link}, {Rel: "related", Type: mediaCAP, Href: i.CAP}},
			Summary: i.Summary(), Content: &atomContent{"xhtml", i.xhtml(f.l)},
		}
		if i.Language != f.l.Tag && alerts.PrimaryLanguage(i.Language) != f.l.Tag {
			e.Language = i.Language
		}
		a.Entries = append(a.Entries, e)
	}
	return s.styled(a)
}

func (s *Server) atomHead(f *feed) atomFeed {
	return atomFeed{
		Language: f.l.Tag, Viewport: &viewport{"viewport", "width=device-width,initial-scale=1"}, ID: s.feedID(f), Title: f.title, Updated: f.updated.Format(time.RFC3339), Author: s.Authority.Name,
		Links: []atomLink{{Rel: "self", Type: mediaAtom, Href: s.self(f)}},
	}
}

// subtitle tells who opens the feed in a browser what it is, and leads to the
// page.
func (s *Server) subtitle(f *feed) *atomContent {
	var b bytes.Buffer
	b.WriteString(`<div xmlns="` + xhtml + `"><p>`)
	plain(&b, f.l.must("feeds_what"))
	b.WriteString(` <a href="`)
	plain(&b, s.home(f))
	b.WriteString(`">`)
	plain(&b, f.l.must("feeds_page"))
	b.WriteString(`</a></p>`)
	if len(f.items) == 0 {
		b.WriteString(`<p>`)
		plain(&b, f.l.must("feeds_none"))
		b.WriteString(`</p>`)
	}
	b.WriteString(`</div>`)
	return &atomContent{"xhtml", b.Bytes()}
}

const xhtml = "http://www.w3.org/1999/xhtml"

// xhtml is the item for who reads it in a browser.
func (i feedItem) xhtml(l *locale) []byte {
	var b bytes.Buffer
	b.WriteString(`<div xmlns="` + xhtml + `" class="` + i.Card.Tone + `">`)
	i.html(&b)
	b.WriteString(`<p class="meta">` + i.Card.Issued.Text + " · ")
	plain(&b, i.Author)
	b.WriteString(`</p><p><a href="`)
	plain(&b, i.Link+"?lang="+l.Tag)
	b.WriteString(`">`)
	plain(&b, l.must("feeds_open"))
	b.WriteString(`</a> <a href="`)
	plain(&b, i.CAP)
	b.WriteString(`">CAP</a></p></div>`)
	return b.Bytes()
}

// html writes the lines as paragraphs.
func (i feedItem) html(b *bytes.Buffer) {
	for _, line := range i.Lines {
		b.WriteString("<p>")
		if line.Label != "" {
			b.WriteString("<b>")
			plain(b, line.Label)
			b.WriteString(":</b> ")
		}
		if line.Text.Lang != "" {
			b.WriteString(`<span lang="`)
			plain(b, line.Text.Lang)
			b.WriteString(`">`)
		}
		plain(b, line.Text.Text)
		if line.Text.Lang != "" {
			b.WriteString("</span>")
		}
		b.WriteString("</p>")
	}
}

// plain writes what neither XML nor HTML takes for markup.
func plain(b *bytes.Buffer, s string) { _ = xml.EscapeText(b, []byte(s)) } // a Buffer takes everything

// styled gives the document with its style sheet, for browsers.
func (s *Server) styled(v any) []byte {
	b := mustXML(v)
	sheet, err := s.pages.assets.url("feeds.css")
	if err != nil {
		return b
	}
	return []byte(strings.Replace(string(b), xml.Header, xml.Header+`<?xml-stylesheet type="text/css" href="`+sheet+`"?>`+"\n", 1))
}

func mustXML(v any) []byte {
	b, err := xml.Marshal(v)
	if err != nil {
		panic("dashboards: a feed always marshals: " + err.Error())
	}
	return append([]byte(xml.Header), b...)
}
