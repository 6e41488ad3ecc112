package dashboards

import (
	"bytes"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"martinella/alerts"
	"martinella/alerts/areas"
	"martinella/broadcast"
	"martinella/dashboards/settings"
	"martinella/dashboards/signin"
)

const twoDistricts = `{"type":"FeatureCollection","features":[
{"type":"Feature","properties":{"code":"Q-1","system":"VD","name":"Ponte"},"geometry":{"type":"Polygon","coordinates":[[[10,44],[10.1,44],[10.1,44.1],[10,44]]]}},
{"type":"Feature","properties":{"code":"Q-2","system":"VD","name":"Borgo"},"geometry":{"type":"Polygon","coordinates":[[[11,44],[11.1,44],[11.1,44.1],[11,44]]]}}]}`

func areasTyped(name string) url.Values {
	return url.Values{"do": {"check"}, "name": {name}, "source": {"Comune di Valdemo"}, "licence": {"CC BY 4.0"}, "date": {"May 2026"}}
}

// agreed is the form that a report offers.
func agreed(t *testing.T, page string) url.Values {
	t.Helper()
	form := url.Values{"do": {"store"}}
	for _, name := range []string{"digest", "packed", "name", "source", "licence", "date"} {
		_, after, there := strings.Cut(page, `<input type="hidden" name="`+name+`" value="`)
		value, _, _ := strings.Cut(after, `"`)
		if !there {
			t.Fatalf("no %s in %s", name, page)
		}
		form.Set(name, strings.NewReplacer("&#43;", "+").Replace(value))
	}
	return form
}

func wants(t *testing.T, r reply, code int, parts ...string) {
	t.Helper()
	if r.StatusCode != code {
		t.Fatalf("%d, want %d: %s", r.StatusCode, code, r.body)
	}
	for _, part := range parts {
		if !strings.Contains(r.body, part) {
			t.Errorf("no %q in %s", part, r.body)
		}
	}
}

func TestAreasAreTriedStoredReplacedAndRemoved(t *testing.T) {
	g := openSettings(t, func(c *Config) { c.StartedAreas = StartedAreas{Configured: areas.Valdemo()} })
	p := g.member("elena", signin.EveryRole())
	sets := settings.AreaSets{Papers: g.server.Papers}
	stored := func() []settings.AreaSet {
		t.Helper()
		all, err := sets.All(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return all
	}
	path := areasPath + "?lang=en"
	tried := p.upload(path, "file", []byte(twoDistricts), areasTyped("districts"))
	wants(t, tried, 200, "nothing is saved yet", "New areas (2)", "<code>Q-1</code> Ponte", "a new set", `<svg class="map"`, "Save 2 areas")
	if len(stored()) != 0 {
		t.Fatal("a trial stored something")
	}
	form := agreed(t, tried.body)
	other := maps.Clone(form)
	other.Set("digest", "0-0")
	wants(t, p.upload(path, "", nil, other), 422, "no longer what would change")
	other.Set("packed", "AAAA")
	wants(t, p.upload(path, "", nil, other), 422, "did not arrive whole")
	if len(stored()) != 0 {
		t.Fatal("stored without agreement")
	}
	wants(t, p.upload(path, "", nil, form), 200, "Saved: districts, areas: 2", "holds from the next start of each node", "CC BY 4.0", "Version 1")
	wants(t, p.upload(path, "", nil, form), 422, "no longer what would change") // twice
	wants(t, p.upload(path, "file", []byte(twoDistricts), areasTyped("districts")), 200, "nothing to change")
	if all := stored(); len(all) != 1 || all[0].Outline.Len() != 2 || all[0].Source != "Comune di Valdemo" || all[0].Paper.By.Name == "" {
		t.Fatalf("%+v", all)
	}
	wants(t, p.upload(path, "file", []byte(twoDistricts), areasTyped("others")), 422, "Codes that another set has already: 2", "is in the set districts already")

	changed := strings.NewReplacer(`"Ponte"`, `"Ponte Vecchio"`, "Q-2", "VD-1").Replace(twoDistricts)
	tried = p.upload(path, "file", []byte(changed), areasTyped("districts"))
	wants(t, tried, 200, "takes the place", "Areas that go (1)", "before: Ponte", "New areas (1)", "which holds instead (1)")
	wants(t, p.upload(path, "", nil, agreed(t, tried.body)), 200, "Version 2", "Earlier versions", "<code>VD-1</code>")

	g.server.StartedAreas.Sets = map[string]string{"districts": stored()[0].Digest()}
	if r := p.get(path); strings.Contains(r.body, "still works with") || !strings.Contains(r.body, "in use on this node") {
		t.Error(r.body)
	}
	drop := url.Values{"do": {"drop"}, "set": {"districts"}, "revision": {"2"}}
	wants(t, p.do("POST", path, drop), 422, "tick the box", `href="#agree-districts"`)
	drop.Set("agree", "1")
	drop.Set("revision", "1")
	wants(t, p.do("POST", path, drop), 409)
	drop.Set("revision", "2")
	wants(t, p.do("POST", path, drop), 200, "districts was removed", "Removed, but still in use here: <code>districts</code>")
	if len(stored()) != 0 {
		t.Error("it is still there")
	}
}

func TestFilesOfAreasThatAreRefused(t *testing.T) {
	g := openSettings(t)
	p := g.member("elena", signin.EveryRole())
	reader := g.member("viewer", signin.Grant{Roles: []string{"viewer"}, Limits: alerts.Rights{Statuses: alerts.Statuses}})
	en := areasPath + "?lang=en"
	wants(t, reader.upload(en, "file", []byte(twoDistricts), areasTyped("districts")), 403)
	if r := reader.get(en); strings.Contains(r.body, `type="file"`) {
		t.Error("a viewer is offered the form")
	}
	open := strings.Replace(twoDistricts, "[10,44]]]", "[10,44.05]]]", 1)
	twice := strings.Replace(open, "Q-2", "Q-1", 1)
	wants(t, p.upload(en, "file", []byte(twice), areasTyped("d")), 422, "Mistakes: 2", "Feature 1", "is not closed", "repeat the first position", "Feature 2", `value="Comune di Valdemo"`)
	wants(t, p.upload(areasPath+"?lang=it", "file", []byte(open), areasTyped("d")), 422, "Elemento 1")
	wants(t, p.upload(en, "file", []byte("PK"), areasTyped("d")), 422, "Is not GeoJSON", "export a FeatureCollection")
	wants(t, p.upload(en, "file", nil, areasTyped("d")), 422, "Choose a GeoJSON file")
	wants(t, p.upload(en, "file", []byte(twoDistricts), areasTyped("Not A Name")), 422, `href="#name"`)
	form := areasTyped("d")
	form.Del("licence")
	wants(t, p.upload(en, "file", []byte(twoDistricts), form), 422, `href="#licence"`)
	for _, size := range []int{maxAreasFile + 1, maxAreasForm + 1} {
		wants(t, p.upload(en, "file", bytes.Repeat([]byte(" "), size), areasTyped("d")), http.StatusRequestEntityTooLarge, "larger than 8 MB")
	}
	var ring []string
	random := rand.New(rand.NewPCG(1, 2))
	for i := range 60_000 {
		ring = append(ring, "["+strconv.FormatFloat(10+float64(i)/60_000, 'f', 5, 64)+","+strconv.FormatFloat(44+random.Float64(), 'f', 5, 64)+"]")
	}
	large := `{"type":"FeatureCollection","features":[{"type":"Feature","properties":{"code":"A","system":"VD"},"geometry":{"type":"Polygon","coordinates":[[` + strings.Join(append(ring, ring[0]), ",") + `]]}}]}`
	wants(t, p.upload(en, "file", []byte(large), areasTyped("d")), 422, "too large to be saved here", "areas:")
	wants(t, p.do("POST", en, url.Values{"do": {"else"}}), 400)
}

func TestASetThatCannotBeReadIsShown(t *testing.T) {
	g := openSettings(t)
	p := g.member("elena", signin.EveryRole())
	if _, err := g.server.Papers.PutPaper(t.Context(), broadcast.Paper{Kind: "areas", ID: "broken", Doc: []byte(`{"name":"broken","packed":"AAAA"}`)}); err != nil {
		t.Fatal(err)
	}
	wants(t, p.get(areasPath+"?lang=en"), 200, "cannot be read and no node uses it", "<code>broken</code>")
}
