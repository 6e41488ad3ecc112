package callout

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"time"

	"go.uber.org/zap"

	"martinella/alerts"
	"martinella/alerts/volunteers"
	"martinella/channels"
)

// addressee is one person whom a page reaches by one way.
type addressee struct {
	number   uint32
	language string
	way      way
}

// How long a page about the end of a call is tried.
const (
	closedTime    = 12 * time.Hour
	cancelledTime = 2 * time.Hour // at least: whoever sets out in the evening must not set out the next day
)

// expiry is when a page must no longer be sent.
func expiry(c *volunteers.Call, kind channels.PageKind) time.Time {
	switch kind {
	case channels.PageClosed:
		return c.Ended.Add(closedTime)
	case channels.PageCancelled:
		if end := c.Ended.Add(cancelledTime); end.After(c.Until) {
			return end
		}
	}
	return c.Until
}

// page writes one page for all channels: nil where nobody can be told. missed
// are those whom their channel could not say it to in any language.
func (s *Callouts) page(c *volunteers.Call, id alerts.ID, kind channels.PageKind, by alerts.By, to []addressee, now time.Time) (p *Page, missed []uint32) {
	now = now.Truncate(time.Millisecond)
	expires := expiry(c, kind)
	byChannel := map[string]map[string][]uint32{}
	of := map[string]way{}
	for _, one := range to {
		name := one.way.route.Name()
		if byChannel[name] == nil {
			byChannel[name], of[name] = map[string][]uint32{}, one.way
		}
		byChannel[name][one.language] = append(byChannel[name][one.language], one.number)
	}
	p = &Page{}
	var names []string
	reach := 0
	for _, name := range slices.Sorted(maps.Keys(byChannel)) {
		var at uint32
		for _, language := range slices.Sorted(maps.Keys(byChannel[name])) {
			people := byChannel[name][language]
			slices.Sort(people)
			m, err := s.render(c, kind, language, of[name], now)
			if err != nil {
				s.metrics.unsaid.Add(float64(len(people)))
				s.Log.Error("a page to volunteers cannot be said on this channel", zap.String("channel", name), zap.String("call", c.Code()), zap.String("language", language), zap.Error(err))
				missed = append(missed, people...)
				continue
			}
			m.Channel, m.Audience, m.Alert, m.Event, m.Revision = name, channels.AudienceVolunteers, id, c.ID, 1
			m.Change, m.Severity, m.Exercise, m.Expires = alerts.ChangeIssued, alerts.SeverityUnknown, c.Exercise, expires
			span := channelSpan(name, len(p.Messages), at, people)
			p.Messages, p.Spans = append(p.Messages, m), append(p.Spans, span)
			at = span.To
			reach += len(people)
		}
		if at > 0 {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return nil, missed
	}
	p.Record = s.record(c, id, kind, by, names, reach, now, expires)
	p.Act = act(c.ID, "paged", by, string(kind), "", now)
	p.Act.Alert = id
	return p, missed
}

// render says it in the person's language, or else in the authority's.
func (s *Callouts) render(c *volunteers.Call, kind channels.PageKind, language string, w way, now time.Time) (m channels.Message, err error) {
	page := channels.Page{Kind: kind, At: now, Language: language, Authority: s.Authority.Name, Code: c.Code(), What: c.What, Where: c.Where,
		Meet: c.Meet.In(s.Zone), Until: c.Until.In(s.Zone), Bring: c.Bring, Words: c.Words, Link: "{person.link}", Exercise: c.Exercise, Urgent: c.Urgent, Event: c.ID}
	if m, err = guarded(page, w.pager); err == nil {
		m.Language = cmp.Or(m.Language, language)
		return m, nil
	}
	if own := alerts.PrimaryLanguage(s.Language); own != language {
		page.Language = own
		if m, err = guarded(page, w.pager); err == nil {
			m.Language = cmp.Or(m.Language, own)
		}
	}
	return m, err
}

// guarded keeps a program's mistake on one channel from stopping the others.
func guarded(p channels.Page, pager channels.Pager) (m channels.Message, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("the channel's program failed: %v", v)
		}
	}()
	return pager.RenderPage(p)
}

// record is what carries a page through the channels. It says nothing of the
// call but its code: what is said stands in the messages.
func (s *Callouts) record(c *volunteers.Call, id alerts.ID, kind channels.PageKind, by alerts.By, names []string, reach int, now, expires time.Time) *alerts.Record {
	sent := now.In(s.Zone).Truncate(time.Second)
	a := &alerts.Alert{Identifier: string(id), Sender: s.Authority.Sender, Sent: sent, Status: statusOf(c.Exercise), MsgType: alerts.MsgAlert,
		Scope: alerts.ScopeRestricted, Restriction: "volunteers who are called out", Addresses: names,
		Infos: []alerts.Info{{Language: s.Language, Categories: []alerts.Category{"Rescue"}, Event: c.Code(), Urgency: "Unknown",
			Severity: alerts.SeverityUnknown, Certainty: "Unknown", Headline: c.Code(), Expires: expires.In(s.Zone)}}}
	sum := sha256.Sum256([]byte(string(id) + "\x00" + string(kind)))
	digest := alerts.Digest(hex.EncodeToString(sum[:]))
	return &alerts.Record{V: alerts.RecordVersion, ID: id, Event: c.ID, Revision: 1, State: alerts.StateIssued, Change: alerts.ChangeIssued, Alert: a, Own: true,
		Content: digest, Approved: digest, Channels: names, Reach: reach, Author: by, Via: "callout", Received: now.UTC(), Published: now.UTC(),
		Call: c.ID, CallNumber: c.Number, CallUrgent: c.Urgent, CallTest: c.Test}
}

// queued counts what a page brought onto its way.
func (s *Callouts) queued(p *Page, kind channels.PageKind) {
	if p == nil {
		return
	}
	for _, span := range p.Spans {
		s.metrics.pages.WithLabelValues(span.Channel, string(kind)).Add(float64(span.To - span.From))
	}
}
