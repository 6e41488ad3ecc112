package dashboards

import (
	"encoding/json"
	"strings"
	"time"
)

// jsonItem is one of JSON Feed 1.1, with a part of ours for programs that show
// alerts, as our own element does.
type jsonItem struct {
	ID          string           `json:"id"`
	URL         string           `json:"url"`
	Title       string           `json:"title"`
	Text        string           `json:"content_text"`
	Published   string           `json:"date_published"`
	Modified    string           `json:"date_modified"`
	Language    string           `json:"language"`
	Authors     []jsonAuthor     `json:"authors"`
	Attachments []jsonAttachment `json:"attachments"`
	Alert       jsonAlert        `json:"_alert"`
}

type jsonAuthor struct {
	Name string `json:"name"`
}

type jsonAttachment struct {
	URL  string `json:"url"`
	Type string `json:"mime_type"`
}

// jsonAlert is what a program needs to show an alert without reading its text:
// CAP names, and how it stands.
type jsonAlert struct {
	Severity string `json:"severity"`
	Level    string `json:"level"`    // in words of the feed's language
	Standing string `json:"standing"` // active, lapsed, cancelled, ended
	Exercise bool   `json:"exercise"`
	Event    string `json:"event"`
	Headline string `json:"headline"`
	Area     string `json:"area"`
	Expires  string `json:"expires,omitempty"`
	Revision int    `json:"revision"`
}

// printJSON writes JSON Feed 1.1.
func (s *Server) printJSON(f *feed) []byte {
	items := []jsonItem{}
	for _, i := range f.items {
		body := i.Summary()
		if body == "" {
			body = i.Title
		}
		about := jsonAlert{Severity: strings.ToLower(string(i.Card.Severity)), Level: i.Card.Level, Standing: string(i.Card.Standing), Exercise: i.Card.Exercise,
			Event: i.Card.Name.Text, Headline: i.Card.Headline.Text, Area: i.Card.Where.Text, Expires: i.Card.Until.ISO, Revision: i.Record.Revision}
		items = append(items, jsonItem{i.ID, i.Link, i.Title, body, i.Published.Format(time.RFC3339), i.Updated.Format(time.RFC3339), i.Language,
			[]jsonAuthor{{i.Author}}, []jsonAttachment{{i.CAP, mediaCAP}}, about})
	}
	_, ill := s.Board.Health()
	b, err := json.Marshal(struct {
		Version  string       `json:"version"`
		Title    string       `json:"title"`
		Home     string       `json:"home_page_url"`
		Self     string       `json:"feed_url"`
		Language string       `json:"language"`
		Authors  []jsonAuthor `json:"authors"`
		Stale    bool         `json:"_stale,omitempty"` // the store does not answer, or this is a copy: what is here may be old
		Items    []jsonItem   `json:"items"`
	}{"https://jsonfeed.org/version/1.1", f.title, s.home(f), s.self(f), f.l.Tag, []jsonAuthor{{s.Authority.Name}}, ill != nil || f.copied, items})
	if err != nil {
		panic("dashboards: a feed always marshals: " + err.Error())
	}
	return b
}
