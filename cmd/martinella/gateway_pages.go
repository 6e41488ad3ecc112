package main

import (
	"slices"

	"martinella/broadcast"
	"martinella/channels"
	"martinella/dashboards"
)

// stopped reports whether the account of a channel is not updated at the
// moment, as far as this node knows.
func (g *gateway) stopped(channel string) bool {
	for _, d := range g.dispatchers {
		if d.Route.Name() == channel {
			_, trouble := d.Trouble()
			return trouble
		}
	}
	return false
}

// troubles are the channels that do not work now, as far as this node knows.
func (g *gateway) troubles() []broadcast.Trouble {
	var all []broadcast.Trouble
	for _, d := range g.dispatchers {
		if t, troubled := d.Trouble(); troubled {
			all = append(all, t)
		}
	}
	return all
}

// textsStop reports whether people get text messages that they can answer with
// STOP.
func (g *gateway) textsStop() bool {
	return slices.ContainsFunc(g.dispatchers, func(d *broadcast.Dispatcher) bool {
		to, addressed := d.Route.Channel.(channels.Addressed)
		hears, ok := d.Route.Channel.(channels.Stoppable)
		return addressed && to.AddressKind() == "phone" && ok && hears.HearsStop()
	})
}

// kits are what people post by hand.
func (g *gateway) kits() *broadcast.Kits {
	k := &broadcast.Kits{Records: g.store.Store(), Store: g.store, Metrics: g.metrics}
	for _, d := range g.dispatchers {
		k.Routes = append(k.Routes, d.Route)
	}
	return k
}

// cards draws the pictures of posts; nil where no channel has any.
func (g *gateway) cards() broadcast.Cards {
	for _, d := range g.dispatchers {
		if d.Cards != nil {
			return d.Cards
		}
	}
	return nil
}

// volunteers is the roster, with the channels that bring a volunteer the link to
// the own page.
func (g *gateway) volunteers() *dashboards.Volunteers {
	c := broadcast.VolunteerPagesConfig{Roll: g.store.People(), PublicURL: g.config.PublicURL, Authority: g.config.Authority.Name, Language: g.config.Authority.Language}
	for _, d := range g.dispatchers {
		c.Routes = append(c.Routes, d.Route)
	}
	return &dashboards.Volunteers{Pages: broadcast.NewVolunteerPages(c)}
}
