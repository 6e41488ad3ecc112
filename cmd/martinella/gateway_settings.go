package main

import (
	"context"
	"fmt"
	"time"

	"martinella/broadcast/rdb"
	"martinella/channels"
	"martinella/dashboards"
	"martinella/dashboards/settings"
)

// settleTime bounds reading what staff set, at the start.
const settleTime = 10 * time.Second

// settle reads what staff set in the console, before anything is built of it:
// the authority's name holds from here on. Templates that stand in a file of
// this node move into the store, where all nodes have them.
func (g *gateway) settle() error {
	ctx, cancel := context.WithTimeout(context.Background(), settleTime)
	defer cancel()
	papers := g.store.Papers()
	g.book = settings.NewBook(papers, g.log)
	if err := g.book.Load(ctx); err != nil {
		return fmt.Errorf("read what staff set in the console: %w", err)
	}
	if name := g.book.Now().Identity.Name; name != "" {
		g.config.Authority.Name = name
	}
	return templateFolder(g.config.Data).moveInto(ctx, settings.Templates{Papers: papers}, g.config.Redis.URL == rdb.Memory, time.Now())
}

// settings is what all channels share, with the hashtags that staff added since.
func (g *gateway) settings() channels.Settings {
	s := g.config.settings()
	s.Tags = func() channels.Hashtags { return dashboards.WithTags(g.config.Hashtags, g.book.Now()) }
	return s
}

// outlines are the files of areas, for the console.
func (g *gateway) outlines() (all []dashboards.Outline) {
	for i, a := range g.config.Areas {
		one := dashboards.Outline{File: a.File, System: a.System}
		if i == 0 {
			one.Areas = g.started.Configured.Len()
		}
		all = append(all, one)
	}
	return all
}
