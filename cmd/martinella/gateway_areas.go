package main

import (
	"context"
	"slices"
	"strings"

	"go.uber.org/zap"

	"martinella/alerts/areas"
	"martinella/dashboards"
	"martinella/dashboards/settings"
)

// survey joins the areas of the configured files with the sets that staff loaded
// in the console: from here on the node knows both. A code in both means the area
// of the file. What cannot be read is said and left out: the node starts.
func (g *gateway) survey() {
	ctx, cancel := context.WithTimeout(context.Background(), settleTime)
	defer cancel()
	g.started = dashboards.StartedAreas{Configured: g.config.gazetteer, Sets: map[string]string{}}
	credit := func(to string) {
		if to = strings.TrimSpace(to); to != "" && !slices.Contains(g.started.Credits, to) {
			g.started.Credits = append(g.started.Credits, to)
		}
	}
	for _, a := range g.config.Areas {
		credit(a.Source)
	}
	sets, err := settings.AreaSets{Papers: g.store.Papers()}.All(ctx)
	if err != nil {
		g.log.Error("the areas that staff loaded cannot be read: this node knows those of the configuration alone", zap.Error(err))
		return
	}
	several := []*areas.Gazetteer{g.config.gazetteer}
	for _, one := range sets {
		if one.Trouble != nil {
			g.log.Error("a set of areas cannot be read: this node does not know it", zap.String("set", one.Name), zap.Error(one.Trouble))
			continue
		}
		g.started.Sets[one.Name] = one.Digest()
		credit(one.Credit())
		several = append(several, one.Outline)
	}
	if len(several) == 1 {
		return
	}
	joined, twice := areas.Join(several...)
	g.config.gazetteer = joined
	g.log.Info("areas that staff loaded are known", zap.Int("sets", len(several)-1), zap.Int("areas", joined.Len()))
	if len(twice) > 0 {
		g.log.Warn("codes of areas are in several places; the configured file holds, then the set whose name comes first", zap.Strings("codes", twice[:min(len(twice), 20)]), zap.Int("all", len(twice)))
	}
}
