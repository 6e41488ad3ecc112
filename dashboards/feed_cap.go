package dashboards

import (
	"time"

	"martinella/alerts"
)

// capFields are elements of CAP in an index, so that a reader may choose without
// getting every message (as the index of the US National Weather Service has
// them).
type capFields struct {
	Identifier string `xml:"cap:identifier"`
	Sender     string `xml:"cap:sender"`
	Sent       string `xml:"cap:sent"`
	Status     string `xml:"cap:status"`
	MsgType    string `xml:"cap:msgType"`
	Scope      string `xml:"cap:scope"`
	Language   string `xml:"cap:language,omitempty"`
	Category   string `xml:"cap:category,omitempty"`
	Event      string `xml:"cap:event,omitempty"`
	Urgency    string `xml:"cap:urgency,omitempty"`
	Severity   string `xml:"cap:severity,omitempty"`
	Certainty  string `xml:"cap:certainty,omitempty"`
	Onset      string `xml:"cap:onset,omitempty"`
	Expires    string `xml:"cap:expires,omitempty"`
	AreaDesc   string `xml:"cap:areaDesc,omitempty"`
}

// capNamespace is that of CAP 1.2.
const capNamespace = "urn:oasis:names:tc:emergency:cap:1.2"

func (i feedItem) capFieldsOf() *capFields {
	a := i.Record.Alert
	c := &capFields{Identifier: tidy(a.Identifier), Sender: tidy(a.Sender), Sent: alerts.FormatTime(a.Sent), Status: string(a.Status), MsgType: string(a.MsgType), Scope: string(a.Scope)}
	if len(i.Card.infos) == 0 {
		return c
	}
	in, tag := &i.Card.infos[0], i.Card.Tag
	if len(in.Categories) > 0 {
		c.Category = string(in.Categories[0])
	}
	c.Language, c.Event, c.Urgency, c.Severity, c.Certainty = tag, tidy(in.Event), string(in.Urgency), string(in.Severity), string(in.Certainty)
	c.Onset, c.Expires, c.AreaDesc = alerts.FormatTime(in.Onset), alerts.FormatTime(in.Expires), places(in.Areas)
	return c
}

// messages are the items that a hub may pass on to the public: in earnest. What
// it does with an exercise nobody here can know.
func (f *feed) messages() []feedItem {
	var all []feedItem
	for _, i := range f.items {
		if i.Record.Alert.Status == alerts.StatusActual {
			all = append(all, i)
		}
	}
	return all
}

// printIndexAtom writes the index of CAP messages that hubs of alerts read: one
// entry for each message, whose link is the message.
func (s *Server) printIndexAtom(f *feed) []byte {
	a := s.atomHead(f)
	a.CAP, a.ID = capNamespace, s.PublicURL+f.path+f.asked.query("")
	a.Title = f.l.must("feeds_index", "Name", f.title)
	a.Subtitle = s.subtitle(f)
	a.Links = append(a.Links, atomLink{Rel: "alternate", Type: "text/html", Href: s.home(f), Language: f.l.Tag})
	for _, i := range f.messages() {
		a.Entries = append(a.Entries, atomEntry{
			ID: "urn:ulid:" + string(i.Record.ID), Title: i.Title, Updated: i.Updated.Format(time.RFC3339), Published: i.Updated.Format(time.RFC3339), Author: i.Author,
			Links:   []atomLink{{Rel: "alternate", Type: mediaCAP, Href: i.CAP}, {Rel: "related", Type: "text/html", Href: i.Link}},
			Summary: i.Summary(), Content: &atomContent{"xhtml", i.xhtml(f.l)}, capFields: i.capFieldsOf(),
		})
	}
	return s.styled(a)
}

// printIndexRSS writes the same as RSS 2.0, the form that most hubs ask for: the
// item's link is the message.
func (s *Server) printIndexRSS(f *feed) []byte {
	r := s.rssHead(f)
	r.CAP = capNamespace
	r.Channel.Title = f.l.must("feeds_index", "Name", f.title)
	for _, i := range f.messages() {
		it := rssItem{Title: i.Title, Link: i.CAP, Description: i.description(), PubDate: i.Updated.Format(time.RFC1123Z), capFields: i.capFieldsOf()}
		it.Category = it.capFields.Category
		it.GUID.ID = "urn:ulid:" + string(i.Record.ID)
		r.Channel.Items = append(r.Channel.Items, it)
	}
	return s.styled(r)
}
