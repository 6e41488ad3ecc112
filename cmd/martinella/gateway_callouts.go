package main

import (
	"context"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"martinella/alerts"
	"martinella/alerts/volunteers"
	"martinella/broadcast"
	"martinella/broadcast/callout"
	"martinella/dashboards"
)

var _ dashboards.Callouts = (*callout.Callouts)(nil)

// callOut builds what calls volunteers out.
func (g *gateway) callOut(routes []broadcast.Route, registry *prometheus.Registry) *callout.Callouts {
	c := g.config
	return callout.New(callout.Config{
		Store: g.store.Callouts(), Roll: g.store.People(), Routes: routes, Areas: c.gazetteer, Alerts: func(now time.Time) []broadcast.Happening { return g.board.Snapshot().Now(now) }, Durability: g.store.Durability, Outcomes: g.store,
		Authority: c.authority(), Language: c.Authority.Language, Zone: c.zone(), PublicURL: c.PublicURL, Practice: c.Mode == modePractice,
		NewID: newID, Write: g.answering.Answer, Short: g.ringShort, Testing: func() volunteers.Testing { return g.book.Now().Testing }, Welfare: c.Volunteers.Welfare, Now: time.Now, Log: g.log,
	}, registry)
}

// ringShort rings who may call volunteers, once for each time that too few come
// to a call, whichever node notices and however often: the ring is kept together
// with its act.
func (g *gateway) ringShort(ctx context.Context, c *volunteers.Call) {
	now := time.Now()
	ring := alerts.Ring{Who: alerts.CallCallers, Why: alerts.WhyShort, Callout: c.ID, At: now}
	act := alerts.Act{V: 1, At: now.UTC().Truncate(time.Millisecond), By: alerts.By{ID: "gateway", Name: "gateway"}, Verb: "rung", Event: c.ID, Via: alerts.ViaGateway,
		Reason: string(ring.Who) + ": " + string(ring.Why)}
	first, err := g.store.Store().Ring(ctx, "rung:"+string(ring.Why)+":"+strconv.FormatInt(c.Short.UnixMilli(), 10), ring, act)
	if err != nil {
		g.log.Warn("nobody is rung yet for a call that is short of people: it is tried again", zap.String("call", c.Code()), zap.Error(err))
		return
	}
	if first {
		g.rings.Ring(ctx, ring)
	}
}
