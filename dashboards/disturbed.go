package dashboards

import (
	"slices"
	"strings"
	"time"

	"martinella/alerts"
)

// disturbance tells citizens that a way on which warnings come does not work as
// it should, and since when. Why, and with which provider, is for the operator.
type disturbance struct {
	Way   string // in the words of the page
	Since string // a sentence with the time

	from time.Time
}

// disturbances are the ways to the public that are disturbed now, each once,
// sorted by their words.
func (s *Server) disturbances(l *locale, now time.Time) []disturbance {
	if s.Troubles == nil {
		return nil
	}
	var all []disturbance
	for _, t := range s.Troubles() {
		if t.Readers != alerts.ReadersPublic || t.Standby {
			continue
		}
		one := disturbance{Way: l.way(t.Kind, t.Contact), from: t.Since}
		if one.Way == "" {
			continue
		}
		if i := slices.IndexFunc(all, func(d disturbance) bool { return d.Way == one.Way }); i < 0 {
			all = append(all, one)
		} else if one.from.Before(all[i].from) {
			all[i].from = one.from
		}
	}
	for i := range all {
		all[i].Since = l.must("disturbed_since", "Time", l.At(all[i].from, now).Text)
	}
	slices.SortFunc(all, func(a, b disturbance) int { return strings.Compare(a.Way, b.Way) })
	return all
}

// way names how a kind of channel reaches people; "" of those that reach none.
func (l *locale) way(kind, contact string) string {
	switch {
	case kind == "voice":
		return l.must("disturbed_voice")
	case contact == "phone":
		return l.must("disturbed_phone")
	case contact == "email":
		return l.must("disturbed_email")
	case contact == "push":
		return l.must("disturbed_push")
	case contact == "telegram":
		return platformName("telegram")
	case slices.Contains([]string{"telegram", "mastodon", "bluesky", "facebook", "x"}, kind):
		return platformName(kind)
	}
	return ""
}
