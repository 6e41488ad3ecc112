package dashboards

import (
	"bytes"
	"encoding/xml"
	"strings"
	"time"
)

type rssItem struct {
	Title       string `xml:"title"`
	Link        string `xml:"link"`
	Description string `xml:"description"`
	Category    string `xml:"category,omitempty"`
	PubDate     string `xml:"pubDate"`
	GUID        struct {
		Permanent bool   `xml:"isPermaLink,attr"`
		ID        string `xml:",chardata"`
	} `xml:"guid"`
	*capFields
}

type rssFeed struct {
	XMLName xml.Name `xml:"rss"`
	Version string   `xml:"version,attr"`
	Atom    string   `xml:"xmlns:atom,attr"`
	CAP     string   `xml:"xmlns:cap,attr,omitempty"`
	Channel struct {
		Title       string    `xml:"title"`
		Link        string    `xml:"link"`
		Description string    `xml:"description"`
		Self        atomLink  `xml:"atom:link"` // as the RSS Advisory Board's profile has it
		Language    string    `xml:"language"`
		Built       string    `xml:"lastBuildDate"`
		TTL         int       `xml:"ttl"` // minutes
		Items       []rssItem `xml:"item"`
	} `xml:"channel"`
}

// rssTTL is how long a reader of RSS may keep it, in minutes: the least there is.
const rssTTL = 1

func (s *Server) rssHead(f *feed) rssFeed {
	r := rssFeed{Version: "2.0", Atom: "http://www.w3.org/2005/Atom"}
	c := &r.Channel
	c.Title, c.Link, c.Description = f.title, s.home(f), f.l.must("feed_description")
	c.Self = atomLink{Rel: "self", Type: mediaRSS, Href: s.self(f)}
	c.Language, c.Built, c.TTL = f.l.Tag, f.updated.Format(time.RFC1123Z), rssTTL
	return r
}

// description is HTML, as readers of RSS take it.
func (i feedItem) description() string {
	var b bytes.Buffer
	i.html(&b)
	return b.String()
}

// printRSS writes RSS 2.0, in which guid and pubDate change with every revision,
// so that readers show it again.
func (s *Server) printRSS(f *feed) []byte {
	r := s.rssHead(f)
	for _, i := range f.items {
		it := rssItem{Title: i.Title, Link: i.Link, Description: i.description(), PubDate: i.Updated.Format(time.RFC1123Z)}
		it.GUID.ID = strings.TrimSuffix(i.CAP[strings.LastIndex(i.CAP, "/")+1:], ".xml")
		r.Channel.Items = append(r.Channel.Items, it)
	}
	return s.styled(r)
}
