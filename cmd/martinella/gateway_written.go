package main

import (
	"context"

	"martinella/alerts"
	"martinella/broadcast"
	"martinella/channels"
	"martinella/dashboards"
)

// written gives what was written of a published revision on every channel that
// was for everybody then and is still configured, as its readers got it. What only
// staff or addressees got is nobody else's to compare with, whatever the
// configuration makes of the channel later.
func (g *gateway) written(ctx context.Context, r *alerts.Record) ([]dashboards.WrittenText, error) {
	all, err := g.store.Rendered(ctx, r.ID)
	if err != nil {
		return nil, err
	}
	filled := broadcast.Filled(r)
	var texts []dashboards.WrittenText
	for _, m := range all {
		d := broadcast.Dispatchers(g.dispatchers).Of(m.Channel)
		if d == nil || readersOf(m, d.Route.Door(r.Alert)) != alerts.ReadersPublic {
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

// readersOf tells who could read a message: what was kept with it when it was
// approved. Of one that is older than that, only the present door is known.
func readersOf(m channels.Message, today alerts.Door) alerts.Readers {
	if m.Readers != "" {
		return m.Readers
	}
	return today.Readers
}
