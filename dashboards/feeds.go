package dashboards

import (
	"encoding/json"
	"encoding/xml"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/oklog/ulid/v2"

	"martinella/alerts"
)

// feedItem is one event in a feed, before it gets a form.
type feedItem struct {
	ID, Link, CAP, Title, Summary, Author string
	Published, Updated                    time.Time
	Language                              string
}

// feed gives the events that hold, and what ended within two days, newest
// first.
func (s *Server) feed(r *http.Request, now time.Time) (*locale, []feedItem, time.Time) {
	l := s.pages.locales.of(r, askedOf(r).lang)
	var items []feedItem
	var updated time.Time
	for _, h := range happenings(s.Board.Snapshot(), now) {
		if !h.over() && !h.shown(now) {
			continue
		}
		c := s.card(l, h, now)
		title := c.Title()
		if c.Exercise {
			title = l.lex.Exercise + " - " + title
		}
		summary := []string{}
		if c.Where.Text != "" {
			summary = append(summary, l.must("where")+": "+c.Where.Text)
		}
		if c.Lapsed() {
			summary = append(summary, c.Gone)
		} else if c.Until.Text != "" && !c.Over() {
			summary = append(summary, l.must("until")+": "+c.Until.Text)
		}
		if c.About.Text != "" {
			summary = append(summary, c.Headline.Text, l.must("about")+": "+c.About.Text)
			c.Actions = nil
		}
		for _, w := range slices.Concat(c.What, c.Actions) {
			summary = append(summary, w.Text)
		}
		items = append(items, feedItem{
			ID: "urn:ulid:" + string(h.Event), Link: s.PublicURL + c.URL, CAP: s.PublicURL + "/cap/" + string(h.ID) + ".xml",
			Title: title, Summary: strings.Join(summary, "\n"), Author: c.By.Text, Published: issued(h.Event, h.Published), Updated: h.Published, Language: c.Tag,
		})
		if h.Published.After(updated) {
			updated = h.Published
		}
	}
	slices.SortStableFunc(items, func(a, b feedItem) int { return b.Updated.Compare(a.Updated) })
	if updated.IsZero() {
		updated = now.Truncate(time.Minute)
	}
	return l, items, updated
}

// issued is when the event began: its id says so (a ULID begins with 48 bits of
// milliseconds). fallback where it does not.
func issued(event alerts.ID, fallback time.Time) time.Time {
	id, err := ulid.ParseStrict(string(event))
	if err != nil {
		return fallback
	}
	if at := ulid.Time(id.Time()); at.Before(fallback) {
		return at.UTC()
	}
	return fallback
}

type atomLink struct {
	Rel  string `xml:"rel,attr"`
	Type string `xml:"type,attr,omitempty"`
	Href string `xml:"href,attr"`
}

type atomContent struct {
	Type string `xml:"type,attr"`
	Body []byte `xml:",innerxml"`
}

type atomEntry struct {
	ID        string       `xml:"id"`
	Title     string       `xml:"title"`
	Updated   string       `xml:"updated"`
	Published string       `xml:"published,omitempty"`
	Author    string       `xml:"author>name"`
	Links     []atomLink   `xml:"link"`
	Summary   string       `xml:"summary,omitempty"`
	Content   *atomContent `xml:"content"`
}

type atomFeed struct {
	XMLName  xml.Name    `xml:"http://www.w3.org/2005/Atom feed"`
	Language string      `xml:"xml:lang,attr,omitempty"`
	ID       string      `xml:"id"`
	Title    string      `xml:"title"`
	Updated  string      `xml:"updated"`
	Author   string      `xml:"author>name"`
	Links    []atomLink  `xml:"link"`
	Entries  []atomEntry `xml:"entry"`
}

func (s *Server) feedAtom(w http.ResponseWriter, r *http.Request) {
	l, items, updated := s.feed(r, time.Now())
	f := atomFeed{
		Language: l.Tag, ID: s.PublicURL + "/", Title: s.Authority.Name, Updated: updated.Format(time.RFC3339), Author: s.Authority.Name,
		Links: []atomLink{{"self", mediaAtom, s.PublicURL + "/feed.atom"}, {"alternate", "text/html", s.PublicURL + "/"}},
	}
	for _, i := range items {
		f.Entries = append(f.Entries, atomEntry{
			ID: i.ID, Title: i.Title, Updated: i.Updated.Format(time.RFC3339), Published: i.Published.Format(time.RFC3339), Author: i.Author,
			Links: []atomLink{{"alternate", "text/html", i.Link}, {"related", mediaCAP, i.CAP}}, Summary: i.Summary,
		})
	}
	s.sendFeed(w, r, mediaAtom, mustXML(f))
}

type rssItem struct {
	Title       string `xml:"title"`
	Link        string `xml:"link"`
	Description string `xml:"description"`
	PubDate     string `xml:"pubDate"`
	GUID        struct {
		Permanent bool   `xml:"isPermaLink,attr"`
		ID        string `xml:",chardata"`
	} `xml:"guid"`
}

type rssFeed struct {
	XMLName xml.Name `xml:"rss"`
	Version string   `xml:"version,attr"`
	Channel struct {
		Title       string    `xml:"title"`
		Link        string    `xml:"link"`
		Description string    `xml:"description"`
		Language    string    `xml:"language"`
		Built       string    `xml:"lastBuildDate"`
		Items       []rssItem `xml:"item"`
	} `xml:"channel"`
}

// feedRSS writes RSS 2.0, in which guid and pubDate change with every
// revision, so that readers show it again.
func (s *Server) feedRSS(w http.ResponseWriter, r *http.Request) {
	l, items, updated := s.feed(r, time.Now())
	f := rssFeed{Version: "2.0"}
	f.Channel.Title, f.Channel.Link, f.Channel.Description = s.Authority.Name, s.PublicURL+"/", l.must("feed_description")
	f.Channel.Language, f.Channel.Built = l.Tag, updated.Format(time.RFC1123Z)
	for _, i := range items {
		it := rssItem{Title: i.Title, Link: i.Link, Description: i.Summary, PubDate: i.Updated.Format(time.RFC1123Z)}
		it.GUID.ID = strings.TrimSuffix(i.CAP[strings.LastIndex(i.CAP, "/")+1:], ".xml")
		f.Channel.Items = append(f.Channel.Items, it)
	}
	s.sendFeed(w, r, "application/rss+xml", mustXML(f))
}

// feedJSON writes JSON Feed 1.1.
func (s *Server) feedJSON(w http.ResponseWriter, r *http.Request) {
	l, items, _ := s.feed(r, time.Now())
	type attachment struct {
		URL  string `json:"url"`
		Type string `json:"mime_type"`
	}
	type entry struct {
		ID          string              `json:"id"`
		URL         string              `json:"url"`
		Title       string              `json:"title"`
		Text        string              `json:"content_text"`
		Published   string              `json:"date_published"`
		Modified    string              `json:"date_modified"`
		Language    string              `json:"language"`
		Authors     []map[string]string `json:"authors"`
		Attachments []attachment        `json:"attachments"`
	}
	entries := []entry{}
	for _, i := range items {
		text := i.Summary
		if text == "" {
			text = i.Title
		}
		entries = append(entries, entry{i.ID, i.Link, i.Title, text, i.Published.Format(time.RFC3339), i.Updated.Format(time.RFC3339), i.Language,
			[]map[string]string{{"name": i.Author}}, []attachment{{i.CAP, mediaCAP}}})
	}
	b, err := json.Marshal(map[string]any{
		"version": "https://jsonfeed.org/version/1.1", "title": s.Authority.Name, "home_page_url": s.PublicURL + "/", "feed_url": s.PublicURL + "/feed.json",
		"language": l.Tag, "items": entries,
	})
	if err != nil {
		s.internal(w, r, err, nil)
		return
	}
	s.sendFeed(w, r, "application/feed+json", b)
}

func mustXML(v any) []byte {
	b, err := xml.Marshal(v)
	if err != nil {
		panic("dashboards: a feed always marshals: " + err.Error())
	}
	return append([]byte(xml.Header), b...)
}

// sendFeed answers with what anybody may read from anywhere.
func (s *Server) sendFeed(w http.ResponseWriter, r *http.Request, media string, b []byte) {
	h := w.Header()
	if strings.HasSuffix(media, "xml") {
		media += "; charset=utf-8"
	}
	h.Set("Content-Type", media)
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("Cache-Control", "max-age=5, stale-while-revalidate=30")
	h["Vary"] = byReader
	etag := etagOf(b)
	h.Set("ETag", etag)
	if matches(r.Header.Get("If-None-Match"), etag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	made := newBody(b, brotliNever) // made for this reader alone
	made.write(w, r, http.StatusOK)
}
