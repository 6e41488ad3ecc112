package broadcast

import (
	"maps"
	"slices"
	"time"

	"martinella/alerts/volunteers"
)

// AudienceVolunteers is the audience of those who can be called out.
const AudienceVolunteers = "volunteers"

// Merge is the member that an entry makes of the one before, nil for nobody.
//
// The entry's word holds but for what the person itself stopped. Of a volunteer
// that the store knows already, moreover, everything stays of which the list is
// silent: contacts of other kinds, the profile, and what volunteers decide on
// their own page, which a list overwrites only where it names it.
func (e Listing) Merge(before *Member, now time.Time) *Member {
	now = now.UTC().Truncate(time.Second)
	next := &Member{Subscriber: e.Subscriber}
	next.V = SubscriberVersion
	if before != nil {
		next.Number, next.Asked = before.Number, before.Asked
		for kind, since := range before.Stopped {
			next.stop(kind, since)
		}
		if before.Audience == AudienceVolunteers && len(e.Silent) > 0 {
			e.keep(&next.Subscriber, &before.Subscriber)
		}
	}
	for _, kind := range e.Stopped {
		if _, already := next.Stopped[kind]; !already {
			next.stop(kind, now)
		}
	}
	switch {
	case next.Consent != ConsentAsked:
		next.Asked = time.Time{}
	case next.Asked.IsZero():
		next.Asked = now
	}
	return next
}

// keep takes over from a volunteer what the list is silent of.
func (e Listing) keep(next, before *Subscriber) {
	silent := func(column string) bool { return slices.Contains(e.Silent, column) }
	contacts := make(map[string]string, len(next.Contacts)+len(before.Contacts))
	for _, of := range []*Subscriber{before, next} {
		maps.Copy(contacts, of.Contacts)
	}
	next.Contacts = contacts
	for _, field := range []struct {
		column string
		take   func()
	}{
		{"audience", func() { next.Audience = before.Audience }},
		{"language", func() { next.Language = before.Language }},
		{"areas", func() { next.Areas = before.Areas }},
		{"severity_min", func() { next.MinSeverity = before.MinSeverity }},
		{"purpose", func() { next.Purpose = before.Purpose }},
		{"until", func() { next.Until = before.Until }},
		{"channels", func() { next.Channels = before.Channels }},
		{"topics", func() { next.Topics = before.Topics }},
		{"circle", func() { next.Circle = before.Circle }},
		{"quiet", func() { next.Quiet = before.Quiet }},
		{"consent", func() { next.Consent = before.Consent }},
	} {
		if silent(field.column) {
			field.take()
		}
	}
	if next.Audience != AudienceVolunteers { // the list says that they are none any more
		next.Volunteer = nil
		return
	}
	if before.Volunteer == nil {
		return
	}
	profile, was := volunteers.Profile{}, before.Volunteer
	if next.Volunteer != nil {
		profile = *next.Volunteer
	}
	for _, field := range []struct {
		column string
		take   func()
	}{
		{"name", func() { profile.Name = was.Name }},
		{"organisation", func() { profile.Organisation = was.Organisation }},
		{"groups", func() { profile.Groups = was.Groups }},
		{"skills", func() { profile.Skills = was.Skills }},
		{"speaks", func() { profile.Speaks = was.Speaks }},
		{"availability", func() { profile.Weekly = was.Weekly }},
		{"exceptions", func() { profile.Exceptions = was.Exceptions }},
	} {
		if silent(field.column) {
			field.take()
		}
	}
	next.Volunteer = nil
	if !profile.Empty() {
		next.Volunteer = &profile
	}
}
