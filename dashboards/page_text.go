package dashboards

import (
	"bytes"
	"embed"
	"html/template"
	"net/http"
	"strings"
	"time"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/extension"

	"martinella/broadcast"
)

//go:embed guide/*.md
var guideFiles embed.FS

// textPage is a page of words: our own sentences or a page of the guide.
type textPage struct {
	Title      string
	Paragraphs []string
	Sections   []textSection
	HTML       template.HTML // of the guide's own Markdown, never of a stranger's text
	Feedback   string        // an address to write to
	Contact    string        // or another way
	Lang       string        // of Title and HTML, where it may not be the page's
}

// textSection is a part of a page of words.
type textSection struct {
	Heading    string
	Paragraphs []string
}

// guideLanguage is the language of the guide but for its Italian summary.
func guideLanguage(page string) string {
	if page == "riassunto" {
		return "it"
	}
	return "en"
}

// guide serves the long texts for users, which are in the program itself.
func (p *pages) guide(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("page")
	if name == "" {
		name = "index"
	}
	if strings.Trim(name, "abcdefghijklmnopqrstuvwxyz-") != "" {
		p.missing(w, r)
		return
	}
	source, err := guideFiles.ReadFile("guide/" + name + ".md")
	if err != nil {
		p.missing(w, r)
		return
	}
	p.serve(w, r, leaf{name: "guide", id: name, make: func(_ *locale, _ *broadcast.View, _ time.Time) (view, error) {
		title, body, _ := strings.Cut(string(source), "\n")
		var b bytes.Buffer
		if err := goldmark.New(goldmark.WithExtensions(extension.Table)).Convert([]byte(body), &b); err != nil {
			return view{}, err
		}
		title = strings.TrimSpace(strings.TrimPrefix(title, "#"))
		return view{name: "text", title: title, content: textPage{Title: title, HTML: template.HTML(b.String()), Lang: guideLanguage(name)}}, nil //nolint:gosec // our own embedded text
	}})
}

func (p *pages) robots(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "max-age=86400")
	_, _ = w.Write([]byte("User-agent: *\nDisallow: /api/\nDisallow: /board/\nDisallow: /d/\nDisallow: /hooks/\nDisallow: /live\nDisallow: /p/\nDisallow: /s/\nDisallow: /events\n"))
}

func (p *pages) favicon(w http.ResponseWriter, r *http.Request) {
	r.SetPathValue("file", p.assets.names["icon.svg"])
	p.assets.serve(w, r)
}
