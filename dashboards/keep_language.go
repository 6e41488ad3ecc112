package dashboards

import (
	"bytes"
	"strings"

	"martinella/alerts"
)

// keeps reports whether the reader of a page in tag chose that language by the
// page's address: its links then lead to pages in the same language, since no
// cookie remembers the choice. The links of all other pages stay bare.
func (q asked) keeps(tag string) bool {
	return q.lang != "" && !q.bare && alerts.PrimaryLanguage(q.lang) == tag
}

// keepLanguage puts the language into the links of a rendered page that lead to
// other pages of the site. Links to files (their last part has a dot), to other
// sites and those that name a language stay as they are. It works on the bytes,
// so that no template can forget a link: html/template writes a quote in text
// or attributes as &#34;, so what is found is an attribute of a tag.
func keepLanguage(page []byte, tag string) []byte {
	var out bytes.Buffer
	out.Grow(len(page) + len(page)/20)
	for {
		at := nextLink(page)
		if at < 0 {
			out.Write(page)
			return out.Bytes()
		}
		out.Write(page[:at])
		page = page[at:]
		end := bytes.IndexByte(page, '"')
		if end < 0 {
			out.Write(page)
			return out.Bytes()
		}
		out.WriteString(withLanguage(string(page[:end]), tag))
		page = page[end:]
	}
}

// nextLink finds where the next address that begins with a slash begins; -1
// without one.
func nextLink(page []byte) int {
	first := -1
	for _, name := range []string{` href="/`, ` action="/`} {
		if at := bytes.Index(page, []byte(name)); at >= 0 && (first < 0 || at+len(name)-1 < first) {
			first = at + len(name) - 1
		}
	}
	return first
}

// withLanguage is an address of this site, as it stands in an attribute, with
// the language.
func withLanguage(address, tag string) string {
	rest, fragment, marked := strings.Cut(address, "#")
	path, query, asks := strings.Cut(rest, "?")
	file := strings.Contains(path[strings.LastIndexByte(path, '/'):], ".")
	if strings.HasPrefix(address, "//") || file || path == "/console" || strings.HasPrefix(path, "/console/") || strings.HasPrefix(query, "lang=") || strings.Contains(query, "&amp;lang=") {
		return address
	}
	link := path + "?lang=" + tag
	if asks && query != "" {
		link = path + "?" + query + "&amp;lang=" + tag
	}
	if marked {
		link += "#" + fragment
	}
	return link
}
