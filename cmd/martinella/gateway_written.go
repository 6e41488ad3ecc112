package main

import (
	"context"

	"martinella/alerts"
	"martinella/broadcast"
	"martinella/channels"
	"martinella/dashboards"
)

// written gives what was written of a published revision on every channel that
// is for everybody and still configured, as its readers got it. What only staff
// or addressees got is nobody else's to compare with.
func (g *gateway) written(ctx context.Context, r *alerts.Record) ([]dashboards.WrittenText, error) {
	all, err := g.store.Rendered(ctx, r.ID)
	if err != nil {
		return nil, err
	}
	filled := broadcast.Filled(r)
	var texts []dashboards.WrittenText
	for _, m := range all {
		d := broadcast.Dispatchers(g.dispatchers).Of(m.Channel)
		if d == nil || d.Route.Door(r.Alert).Readers != alerts.ReadersPublic {
			continue
		}
		m = m.For(filled)
		if plain, ok := d.Route.Channel.(interface {
			Plain(m channels.Message) []string
		}); ok {
			for _, text := range plain.Plain(m) {
				texts = append(texts, dashboards.WrittenText{Language: m.Language, Text: text, Also: true})
			}
		}
		texts = append(texts, dashboards.WrittenText{Language: m.Language, Text: m.Text})
		if m.Title != "" {
			texts = append(texts, dashboards.WrittenText{Language: m.Language, Text: m.Title + "\n" + m.Text, Also: true})
		}
	}
	return texts, nil
}
