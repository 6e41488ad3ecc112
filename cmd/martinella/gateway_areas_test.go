package main

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"martinella/alerts"
	"martinella/alerts/areas"
	"martinella/broadcast"
	"martinella/broadcast/rdb"
	"martinella/dashboards/settings"
)

// A gateway that starts after areas were loaded in the console knows them; the
// configured file holds where both have a code, and a set that cannot be read
// keeps nothing from starting.
func TestAGatewayKnowsTheAreasThatStaffLoaded(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "comuni.geojson"), twoAreas)
	file := write(t, filepath.Join(dir, "m.yaml"), valdemo+"areas:\n  - {file: comuni.geojson, source: ' ISTAT, CC BY 4.0'}\n")
	c, err := loadConfigOf(surroundings(), file, nil)
	if err != nil {
		t.Fatal(err)
	}
	c.Redis.URL, c.Data = rdb.Memory, dir
	s, err := openStore(t.Context(), c, c.Redis.URL, zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	loaded, err := areas.Read(strings.NewReader(strings.NewReplacer("999001", "Q-1", "Pontelungo", "Another").Replace(twoAreas)), areas.Source{System: "ISTAT"})
	if err != nil {
		t.Fatal(err)
	}
	set := settings.AreaSet{Name: "districts", Source: "Valdemo", Licence: "CC0", Date: "2026"}
	if err := set.Pack(loaded); err != nil {
		t.Fatal(err)
	}
	sets := settings.AreaSets{Papers: s.Papers()}
	if err := sets.Put(t.Context(), set, nil, alerts.By{ID: "m-1", Name: "Elena"}, time.Now()); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Papers().PutPaper(t.Context(), broadcast.Paper{Kind: "areas", ID: "broken", Doc: []byte(`{"packed":"AAAA"}`), At: time.Now()}); err != nil {
		t.Fatal(err)
	}
	core, logs := observer.New(zap.WarnLevel)
	g, err := newGateway(c, s, "https://valdemo.example", zap.New(core))
	if err != nil {
		t.Fatal(err)
	}
	if a, there := g.config.gazetteer.Area("Q-1"); !there || a.Name != "Valdemo" {
		t.Errorf("the area that staff loaded is not known: %+v", a.Code)
	}
	if a, _ := g.config.gazetteer.Area("999002"); a.Name != "Pontelungo" || g.config.gazetteer.Len() != 3 {
		t.Errorf("the configured file does not hold: %q of %d", a.Name, g.config.gazetteer.Len())
	}
	if g.started.Configured.Len() != 2 || g.started.Sets["districts"] != set.Digest() || len(g.started.Sets) != 1 {
		t.Errorf("the console is told %+v", g.started.Sets)
	}
	for _, want := range []string{"a set of areas cannot be read", "codes of areas are in several places"} {
		if n := len(logs.FilterMessageSnippet(want).All()); n != 1 {
			t.Errorf("%q is in the log %d times", want, n)
		}
	}
	if got := g.started.Credits; len(got) != 2 || got[0] != "ISTAT, CC BY 4.0" || got[1] != "Valdemo (CC0), 2026" {
		t.Errorf("below the maps stands %q", got)
	}
	codes := func() []alerts.Value { return g.server.Areas.At(alerts.Point{Lat: 44.02, Lon: 10.08}) }
	if got := codes(); len(got) != 2 { // 999001 of the file and Q-1
		t.Errorf("the console finds %v", got)
	}
}
