package dashboards

import (
	"cmp"
	"encoding/json"
	"net/http"
	"time"

	"martinella/alerts"
	"martinella/broadcast"
)

// accountsPage is the register of official accounts and hashtags, and what
// newsrooms need.
type accountsPage struct {
	Accounts    []accountLine
	Events      []taggedEvent
	Register    []registerLine
	Licence     string
	Contact     string
	ContactLink string
}

// taggedEvent is an event that goes on now, with its hashtags.
type taggedEvent struct {
	card
	Tags []string
}

// registerLine is an entry of the register of hashtags.
type registerLine struct {
	Event    words  // without text: every event
	Language string // in words; "": every language
	Tags     []string
}

func (p *pages) accounts(w http.ResponseWriter, r *http.Request) {
	p.serve(w, r, leaf{name: "accounts", make: func(l *locale, v *broadcast.View, now time.Time) (view, error) {
		page := accountsPage{Accounts: p.s.accountLines(), Licence: p.s.face().Licence}
		page.Contact, page.ContactLink = p.s.pressContact()
		for _, h := range current(v, now) {
			if tags := p.s.hashtagsOf(h.Record); len(tags) > 0 {
				page.Events = append(page.Events, taggedEvent{p.s.card(l, h, now), tags})
			}
		}
		for _, e := range p.s.tagsNow() {
			line := registerLine{Event: words{Text: tidy(e.Event)}, Tags: signed(e)}
			if e.Language != "" {
				line.Language = l.language(e.Language)
			}
			if tag := cmp.Or(e.Language, p.s.Authority.Language); alerts.PrimaryLanguage(tag) != l.Tag {
				line.Event.Lang = tag
			}
			page.Register = append(page.Register, line)
		}
		return view{name: "accounts", title: l.must("accounts_title"), accounts: true, content: page}, nil
	}})
}

// current are the events that go on now, the gravest first, exercises last.
func current(v *broadcast.View, now time.Time) []happening {
	var out, practice []happening
	for _, h := range happenings(v, now) {
		switch {
		case h.over() || !h.shown(now):
		case h.Alert.Practice():
			practice = append(practice, h)
		default:
			out = append(out, h)
		}
	}
	return append(out, practice...)
}

// pressAccount is an account for programs.
type pressAccount struct {
	Platform string `json:"platform"`
	Name     string `json:"name"`
	URL      string `json:"url"`
	Verified string `json:"verified,omitempty"`
	AtOnce   bool   `json:"at_once"` // alerts appear there by themselves; else people post them
	Current  bool   `json:"current"` // it is updated at the moment
}

// pressEvent is an event that goes on now.
type pressEvent struct {
	Event    alerts.ID       `json:"event"`
	URL      string          `json:"url"`
	CAP      string          `json:"cap"`
	Status   alerts.Status   `json:"status"`
	Severity alerts.Severity `json:"severity"`
	Headline string          `json:"headline"`
	Hashtags []string        `json:"hashtags"`
}

// pressTags is an entry of the register of hashtags.
type pressTags struct {
	Event    string   `json:"event,omitempty"`
	Language string   `json:"language,omitempty"`
	Hashtags []string `json:"hashtags"`
}

// accountsJSON is the page of accounts for programs, open to every site.
func (s *Server) accountsJSON(w http.ResponseWriter, r *http.Request) {
	now := time.Now()
	l := s.pages.locales.of(r, askedOf(r).lang)
	list := struct {
		Authority string         `json:"authority"`
		URL       string         `json:"url"`
		Site      string         `json:"site,omitempty"`
		Contact   string         `json:"contact,omitempty"`
		Licence   string         `json:"licence,omitempty"`
		Accounts  []pressAccount `json:"accounts"`
		Events    []pressEvent   `json:"events"`
		Hashtags  []pressTags    `json:"hashtags"`
		Feeds     struct {
			Atom string `json:"atom"`
			RSS  string `json:"rss"`
			JSON string `json:"json"`
			ICS  string `json:"calendar"`
			CAP  string `json:"cap"`
			Live string `json:"live,omitempty"`
			SSE  string `json:"events,omitempty"`
		} `json:"feeds"`
	}{Authority: s.Authority.Name, URL: s.PublicURL + "/accounts", Site: s.face().Site, Licence: s.face().Licence, Accounts: []pressAccount{}, Events: []pressEvent{}, Hashtags: []pressTags{}}
	list.Contact, _ = s.pressContact()
	for _, a := range s.accountLines() {
		list.Accounts = append(list.Accounts, pressAccount{a.Platform, a.Name, a.URL, a.Verified, a.AtOnce, !a.Stopped})
	}
	for _, h := range current(s.Board.Snapshot(), now) {
		c := s.card(l, h, now)
		list.Events = append(list.Events, pressEvent{h.Event, s.PublicURL + c.URL, s.PublicURL + "/cap/" + string(h.ID) + ".xml", h.Alert.Status, h.Severity(), c.Headline.Text, s.hashtagsOf(h.Record)})
	}
	for _, e := range s.tagsNow() {
		list.Hashtags = append(list.Hashtags, pressTags{e.Event, e.Language, signed(e)})
	}
	f := &list.Feeds
	f.Atom, f.RSS, f.JSON = s.PublicURL+"/feed.atom", s.PublicURL+"/feed.rss", s.PublicURL+"/feed.json"
	f.ICS, f.CAP = s.PublicURL+"/calendar.ics", s.PublicURL+"/cap.atom"
	if s.Live != nil {
		f.Live = "ws" + s.PublicURL[len("http"):] + "/live" // ws: or wss:
	}
	if s.Events != nil {
		f.SSE = s.PublicURL + "/events"
	}
	b, err := json.MarshalIndent(list, "", " ")
	if err != nil {
		s.internal(w, r, err, nil)
		return
	}
	s.sendFeed(w, r, mediaJSON, b)
}

// atprotoDID answers who has our domain as handle on Bluesky.
func (s *Server) atprotoDID(w http.ResponseWriter, _ *http.Request) {
	h := w.Header()
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("Cache-Control", "max-age=300")
	_, _ = w.Write([]byte(s.did()))
}
