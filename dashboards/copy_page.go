package dashboards

import (
	"bytes"
	"slices"
	"strings"

	"golang.org/x/net/html"
)

// copiedID marks where a copy's page says when it was made.
const copiedID = "copied"

// linkAttr is the attribute of an element that leads to another file, "" for
// elements that do not.
func linkAttr(tag string) string {
	switch tag {
	case "a", "link", "area":
		return "href"
	case "img", "script", "iframe", "source":
		return "src"
	}
	return ""
}

// links are the spots inside to which a page leads.
func (c *Copier) links(t taken) []spot {
	var all []spot
	z := html.NewTokenizer(bytes.NewReader(t.body))
	for z.Next() != html.ErrorToken {
		tok := z.Token()
		name := linkAttr(tok.Data)
		if name == "" || tok.Type != html.StartTagToken && tok.Type != html.SelfClosingTagToken || tok.Data == "script" {
			continue
		}
		for _, a := range tok.Attr {
			if a.Key != name {
				continue
			}
			if at, _, inside := c.spotOf(a.Val, t.at.lang); inside {
				all = append(all, at)
			}
		}
	}
	return all
}

// rewrite turns a page of the gateway into one of a copy: its links lead to
// files, it has no scripts and no forms, and what a copy does not hold is no link.
// All else stays byte for byte. The time of the copy goes between the two parts.
func (c *Copier) rewrite(t taken, there map[string]bool) (before, after []byte) {
	var out bytes.Buffer
	z := html.NewTokenizer(bytes.NewReader(t.body))
	skip := "" // inside an element that is left out
	for {
		kind := z.Next()
		if kind == html.ErrorToken {
			break // the end: our own templates are read from memory
		}
		raw := slices.Clone(z.Raw())
		tok := z.Token()
		opens := kind == html.StartTagToken || kind == html.SelfClosingTagToken
		switch {
		case skip != "":
			if kind == html.EndTagToken && tok.Data == skip {
				skip = ""
			}
		case opens && tok.Data == "script" && attribute(tok, "type") != "application/ld+json":
			skip = "script"
		case opens && tok.Data == "time" && attribute(tok, "id") == copiedID:
			before = slices.Clone(out.Bytes())
			out.Reset()
			skip = "time"
		case opens && tok.Data == "form":
			tok.Attr = append(tok.Attr, html.Attribute{Key: "hidden"}, html.Attribute{Key: "inert"})
			out.WriteString(tok.String())
		case opens && linkAttr(tok.Data) != "":
			if c.redirect(&tok, t.at.lang, there) {
				raw = []byte(tok.String())
			}
			if tok.Data != "" {
				out.Write(raw)
			}
		default:
			out.Write(raw)
		}
	}
	if before == nil {
		return slices.Clone(out.Bytes()), nil
	}
	return before, out.Bytes()
}

// redirect points a link to the copy's file; one that leads nowhere loses its
// address, and an element that is nothing without it its name. It says whether
// anything changed.
func (c *Copier) redirect(tok *html.Token, lang string, there map[string]bool) bool {
	i := slices.IndexFunc(tok.Attr, func(a html.Attribute) bool { return a.Key == linkAttr(tok.Data) })
	if i < 0 {
		return false
	}
	at, fragment, inside := c.spotOf(tok.Attr[i].Val, lang)
	if !inside {
		return false
	}
	file, _, ok := c.fileOf(at)
	switch {
	case ok && there[file]:
		address := "/" + strings.TrimSuffix(file, "index.html")
		if fragment != "" {
			address += "#" + fragment
		}
		if tok.Data == "link" && strings.HasPrefix(tok.Attr[i].Val, c.s.PublicURL) {
			address = c.s.PublicURL + address // an address for machines stays whole
		}
		tok.Attr[i].Val = address
	case tok.Data == "a":
		tok.Attr = slices.DeleteFunc(tok.Attr, func(a html.Attribute) bool { return a.Key == "href" || a.Key == "hreflang" || a.Key == "rel" })
		tok.Attr = append(tok.Attr, html.Attribute{Key: "aria-disabled", Val: "true"})
	default:
		tok.Data = ""
	}
	return true
}

func attribute(tok html.Token, name string) string {
	for _, a := range tok.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}
