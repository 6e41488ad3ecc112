package broadcast

import (
	"time"

	"martinella/alerts"
)

// sitrepMessage is the message of the live feed for what was seen at an event. It
// is no alert: who warns people need not look at it.
type sitrepMessage struct {
	Type      string        `json:"type"`
	Cursor    Cursor        `json:"cursor"`
	ID        alerts.ID     `json:"id"` // of the report
	Event     alerts.ID     `json:"event"`
	Status    alerts.Status `json:"status"`
	Withdrawn bool          `json:"withdrawn"`
	Observed  string        `json:"observed"`
	Place     string        `json:"place"`
	Text      string        `json:"text"`
	URL       string        `json:"url"`
	SpreadMS  int64         `json:"spread_ms"`
	Sitrep    *SitrepView   `json:"sitrep,omitempty"`
}

func sitrepMessageOf(e Entry, publicURL string, spread time.Duration) sitrepMessage {
	s := e.Sitrep
	m := sitrepMessage{
		Type: "sitrep", Cursor: e.Cursor, ID: s.ID, Event: s.Event, Status: s.Status, Withdrawn: s.Withdrawn != nil, Observed: alerts.FormatTime(s.Observed),
		URL: publicURL + "/a/" + string(s.Event), SpreadMS: spread.Milliseconds(),
	}
	if !m.Withdrawn {
		m.Place, m.Text = s.Place, s.Text
		if m.Text == "" && s.Photo != nil {
			m.Text = s.Photo.Alt
		}
	}
	return m
}

// sitrepBrief is the message in at most [BriefLimit] bytes.
func sitrepBrief(e Entry, publicURL string, spread time.Duration) []byte {
	m := sitrepMessageOf(e, publicURL, spread)
	text, place := m.Text, m.Place
	m.Text, m.Place = "", ""
	if len(encode(m)) > BriefLimit-40 {
		m.URL = "/a/" + string(m.Event)
	}
	if len(encode(m)) > BriefLimit { // no report of ours is like this
		m.URL = ""
		m.Cursor, m.ID, m.Event, m.Status = Cursor(fit(string(m.Cursor), 60)), alerts.ID(fit(string(m.ID), 30)), alerts.ID(fit(string(m.Event), 30)), alerts.Status(fit(string(m.Status), 10))
	}
	room := max(BriefLimit-len(encode(m)), 0)
	m.Text = fit(text, max(room-min(encodedLen(place), room/3), 0))
	m.Place = fit(place, max(room-encodedLen(m.Text), 0))
	return encode(m)
}

// SitrepView is a situation report as everybody may see it: without the name of who
// wrote it, and without the words of what was withdrawn.
type SitrepView struct {
	ID        alerts.ID       `json:"id"`
	Event     alerts.ID       `json:"event"`
	Status    alerts.Status   `json:"status"`
	Language  string          `json:"language"`
	Text      string          `json:"text,omitempty"`
	Place     string          `json:"place,omitempty"`
	Source    string          `json:"source,omitempty"`
	Observed  string          `json:"observed"`
	Posted    string          `json:"posted"`
	Photo     *PhotoView      `json:"photo,omitempty"`
	Replaces  alerts.ID       `json:"replaces,omitempty"`
	Withdrawn *WithdrawalView `json:"withdrawn,omitempty"`
}

// PhotoView is where the picture of a report is.
type PhotoView struct {
	URL    string `json:"url"`
	Alt    string `json:"alt"`
	Width  int    `json:"width"`
	Height int    `json:"height"`
}

// WithdrawalView says that a report no longer holds, and why.
type WithdrawalView struct {
	At       string    `json:"at"`
	Reason   string    `json:"reason,omitempty"`
	Replaced alerts.ID `json:"replaced_by,omitempty"`
}

// PublicSitrep is the report as everybody may see it; publicURL has no slash at its
// end.
func PublicSitrep(s *alerts.Sitrep, publicURL string) *SitrepView {
	v := &SitrepView{ID: s.ID, Event: s.Event, Status: s.Status, Language: s.Language, Observed: alerts.FormatTime(s.Observed), Posted: alerts.FormatTime(s.Posted), Replaces: s.Replaces}
	if w := s.Withdrawn; w != nil {
		v.Withdrawn = &WithdrawalView{alerts.FormatTime(w.At), w.Reason, w.Replaced}
		return v
	}
	v.Text, v.Place, v.Source = s.Text, s.Place, s.Source
	if p := s.Photo; p != nil {
		v.Photo = &PhotoView{publicURL + PhotoPath(p.Digest), p.Alt, p.Width, p.Height}
	}
	return v
}

// PhotoPath is where the public port serves a photo.
func PhotoPath(digest alerts.Digest) string { return "/photo/" + string(digest) + ".jpg" }
