package dashboards

import (
	"html/template"
	"image/color"
	"slices"
	"strings"

	"github.com/boombuler/barcode/qr"

	"martinella/alerts"
)

// graph is what other sites and programs read of an event's page: the cards of
// links (Open Graph) and the announcement in the words of schema.org.
type graph struct {
	Title, Description string
	URL                string
	Image              string // "": none is drawn here
	Locale             string
	Announcement       announcement
}

// announcement is a SpecialAnnouncement (https://schema.org/SpecialAnnouncement).
type announcement struct {
	Context   string       `json:"@context"`
	Type      string       `json:"@type"`
	Name      string       `json:"name"`
	Text      string       `json:"text"`
	Language  string       `json:"inLanguage,omitempty"`
	Posted    string       `json:"datePosted,omitempty"`
	Expires   string       `json:"expires,omitempty"`
	URL       string       `json:"url"`
	Publisher namedThing   `json:"publisher"`
	Places    []namedThing `json:"spatialCoverage,omitempty"`
}

type namedThing struct {
	Type string `json:"@type"`
	Name string `json:"name"`
	URL  string `json:"url,omitempty"`
}

// graph tells other sites of an event. Every address in it is whole.
func (s *Server) graph(l *locale, h happening, c card, title string) *graph {
	lines := make([]string, 0, len(c.What)+len(c.Actions)+1)
	if c.Where.Text != "" {
		lines = append(lines, c.Where.Text+".")
	}
	for _, w := range append(append([]words{}, c.What...), c.Actions...) {
		lines = append(lines, w.Text)
	}
	for _, a := range c.Also {
		for _, w := range slices.Concat([]words{a.Name, a.Headline, a.Where}, a.What, a.Actions) {
			if w.Text != "" {
				lines = append(lines, strings.TrimSuffix(w.Text, ".")+".")
			}
		}
	}
	if len(lines) == 0 || c.Over() {
		lines = []string{c.Headline.Text}
	}
	if c.Lapsed() { // first of all: what follows was for a time that is over
		lines = append([]string{c.Gone + "."}, lines...)
	}
	text := strings.Join(lines, " ")
	language := l.Tag
	if c.Foreign != "" {
		language = c.Tag
	}
	g := &graph{Title: title, Description: excerpt(text), URL: s.PublicURL + c.URL, Locale: strings.ReplaceAll(language, "-", "_")}
	if s.Cards != nil {
		g.Image = s.PublicURL + "/a/" + string(h.ID) + "/card.png?lang=" + l.Tag
	}
	a := announcement{
		Context: "https://schema.org", Type: "SpecialAnnouncement", Name: title, Text: text, Language: language, Posted: c.Issued.ISO, Expires: c.Until.ISO,
		URL: g.URL, Publisher: namedThing{"GovernmentOrganization", s.Authority.Name, s.PublicURL + "/"},
	}
	infos, _ := s.wording(h.Record, l.Tag)
	const most = 40
	for _, in := range infos {
		for i := range in.Areas {
			if name := tidy(in.Areas[i].Description); name != "" && len(a.Places) < most {
				a.Places = append(a.Places, namedThing{Type: "AdministrativeArea", Name: name})
			}
		}
	}
	g.Announcement = a
	return g
}

// excerpt cuts a text at a word for the cards of links, which show about 200
// characters.
func excerpt(text string) string {
	const most = 200
	runes := []rune(text)
	if len(runes) <= most {
		return text
	}
	cut := string(runes[:most-1])
	if at := strings.LastIndexByte(cut, ' '); at > most/2 {
		cut = cut[:at]
	}
	return cut + "…"
}

// squares is a picture of squares that leads a phone's camera to an address.
type squares struct {
	Side int // with the white around it, in its own units
	Path template.HTMLAttr
}

func dark(c color.Color) bool { r, _, _, _ := c.RGBA(); return r < 0x8000 }

// codeOf draws an address as a QR code (ISO/IEC 18004), a line for each run of
// dark squares.
func codeOf(address string) (*squares, error) {
	made, err := qr.Encode(address, qr.M, qr.Auto)
	if err != nil {
		return nil, err
	}
	const quiet = 4 // white around (ISO/IEC 18004 section 6.3.8)
	side := made.Bounds().Dx()
	var b strings.Builder
	b.WriteString(`d="`)
	for y := range side {
		for x := 0; x < side; x++ {
			from := x
			for x < side && dark(made.At(x, y)) {
				x++
			}
			if x > from {
				b.WriteString("M" + itoa(from+quiet) + " " + itoa(y+quiet) + "h" + itoa(x-from) + "v1h-" + itoa(x-from) + "z")
			}
		}
	}
	b.WriteByte('"')
	return &squares{side + 2*quiet, template.HTMLAttr(b.String())}, nil //nolint:gosec // numbers only
}

// codeLink is what a reader types to compare a message with our text.
type codeLink struct{ Code, URL string }

func linkOf(id alerts.ID) codeLink {
	c := alerts.CodeOf(id)
	return codeLink{c, "/verify?code=" + c}
}
