package broadcast

import (
	"cmp"
	"slices"

	"martinella/alerts"
	"martinella/channels"
)

// Route is a channel with what the configuration says about it. The order of
// routes is the order of the plan.
type Route struct {
	Channel  channels.Channel
	Kind     string         // of the configuration: "mastodon", "smpp"; for people
	Readers  alerts.Readers // who stands at its end; empty: machines for a [channels.Machine], else the public
	Exercise bool           // carries Exercise and Test, marked
	Memory   bool           // may be used with a store that keeps nothing: the outbox
	Social   bool           // a social platform: never alone for what is Severe (MISSION R22)
	Withdraw bool           // takes back its posts of an alert that was sent by mistake, where it can; else they are put right
	Limits   channels.Limit // of the configuration; what is not zero replaces what the channel says
	Standby  bool           // carries nothing of its own, only what other channels fall back on it with: it is no route of the [Planner]
}

// Name is the channel's configured name.
func (r Route) Name() string { return r.Channel.Name() }

// Limit is the pace of the channel: its own, as far as the configuration does
// not say otherwise.
func (r Route) Limit() (l channels.Limit) {
	if limiter, ok := r.Channel.(channels.Limiter); ok {
		l = limiter.Limit()
	}
	c := r.Limits
	l.Account, l.Reserve = cmp.Or(c.Account, l.Account), cmp.Or(c.Reserve, l.Reserve)
	l.PerSecond, l.Burst, l.Window = cmp.Or(c.PerSecond, l.PerSecond), cmp.Or(c.Burst, l.Burst), cmp.Or(c.Window, l.Window)
	l.PerHour, l.PerDay = cmp.Or(c.PerHour, l.PerHour), cmp.Or(c.PerDay, l.PerDay)
	return l
}

// Door is what [alerts.MayLeave] knows of the route for this alert. A channel
// is named where the alert's addresses contain its configured name.
func (r Route) Door(a *alerts.Alert) alerts.Door {
	return alerts.Door{Readers: r.readers(), Exercise: r.Exercise, Named: slices.Contains(a.Addresses, r.Name())}
}

func (r Route) readers() alerts.Readers {
	if r.Readers != "" {
		return r.Readers
	}
	if m, ok := r.Channel.(channels.Machine); ok && m.Machine() {
		return alerts.ReadersMachines
	}
	return alerts.ReadersPublic
}

// addressKind is the contact that the channel needs, "" for public posts.
func (r Route) addressKind() string {
	if a, ok := r.Channel.(channels.Addressed); ok {
		return a.AddressKind()
	}
	return ""
}

// audiences limits whom an addressed channel may reach: what is not for the
// public reaches volunteers and institutions only (DECISIONS 29).
func (r Route) audiences(a *alerts.Alert) []string {
	if a.Scope == alerts.ScopePublic && r.readers() != alerts.ReadersStaff {
		return nil
	}
	return []string{"volunteers", "staff"}
}

// PublicDoor is the door of the public page, the feeds and the live feed: they
// show exercises, marked (DECISIONS 29).
var PublicDoor = alerts.Door{Readers: alerts.ReadersPublic, Exercise: true}

// Public reports whether the record is one that everybody may see: published,
// and let out by [PublicDoor].
func Public(r *alerts.Record) bool {
	return r != nil && r.Alert != nil && r.State.Published() && ForPage(r)
}

// ForPage reports whether [PublicDoor] lets the record out, be it published or
// not yet: page, feeds and live feed show it to everybody once it is issued.
func ForPage(r *alerts.Record) bool {
	ok, _ := alerts.MayLeave(r.Alert.Status, r.Alert.Scope, PublicDoor)
	return ok
}
