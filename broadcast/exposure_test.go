package broadcast

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sort"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"martinella/alerts"
	"martinella/alerts/areas"
	"martinella/channels"
)

// hills has two regions of three municipalities of two quarters each: the code
// of each begins with that of what it lies in. A quarter is a square of 0.1
// degrees.
func hills(t testing.TB, exposure map[string]string) *areas.Gazetteer {
	t.Helper()
	var features []string
	add := func(code, parent string, west, wide float64) {
		more := ""
		if e := exposure[code]; e != "" {
			more = `,"exposure":` + e
		}
		if parent != "" {
			more += fmt.Sprintf(`,"parent":%q`, parent)
		}
		features = append(features, fmt.Sprintf(`{"type":"Feature","properties":{"system":"X","code":%q%s},"geometry":{"type":"Polygon","coordinates":[[[%.1f,44],[%.1f,44],[%.1f,44.1],[%.1f,44.1],[%.1f,44]]]}}`,
			code, more, west, west+wide, west+wide, west, west))
	}
	for r := range 2 {
		region := fmt.Sprint(r)
		add(region, "", westOf(region), 0.6)
		for m := range 3 {
			town := region + fmt.Sprint(m)
			add(town, region, westOf(town), 0.2)
			for q := range 2 {
				quarter := town + fmt.Sprint(q)
				add(quarter, town, westOf(quarter), 0.1)
			}
		}
	}
	g, err := areas.Read(strings.NewReader(`{"type":"FeatureCollection","features":[`+strings.Join(features, ",")+`]}`), areas.Source{})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func westOf(code string) float64 {
	west := 10.0
	for i, wide := range []float64{1, 0.2, 0.1} {
		if i < len(code) {
			west += float64(code[i]-'0') * wide
		}
	}
	return west
}

// middle of a quarter.
func middle(quarter string) alerts.Point {
	return alerts.Point{Lat: 44.05, Lon: westOf(quarter) + 0.05}
}

// around is a drawing in the middle of a quarter.
func drawnIn(quarter string) alerts.Polygon {
	m := middle(quarter)
	return alerts.Polygon{{Lat: m.Lat - .01, Lon: m.Lon - .01}, {Lat: m.Lat - .01, Lon: m.Lon + .01}, {Lat: m.Lat + .01, Lon: m.Lon + .01}, {Lat: m.Lat + .01, Lon: m.Lon - .01}, {Lat: m.Lat - .01, Lon: m.Lon - .01}}
}

func livesAt(quarter string) Subscriber {
	s := in()
	s.Circle = &alerts.Circle{Centre: middle(quarter)}
	return s
}

// warned is a part of an alert: "000" is a code, "@000" is drawn in it.
type warned struct {
	severity alerts.Severity
	areas    []string // each one area; codes of the same one are separated by blanks
}

func (h *house) alertOf(parts ...warned) *alerts.Record {
	r := h.record(alerts.SeverityExtreme, time.Hour)
	pattern := r.Alert.Infos[0]
	r.Alert.Infos = nil
	for _, p := range parts {
		info := pattern
		info.Severity, info.Areas = p.severity, nil
		for _, words := range p.areas {
			a := alerts.Area{Description: words}
			for code := range strings.FieldsSeq(words) {
				if quarter, drawn := strings.CutPrefix(code, "@"); drawn {
					a.Polygons = append(a.Polygons, drawnIn(quarter))
				} else {
					a.Geocodes = append(a.Geocodes, alerts.Value{Name: "X", Value: code})
				}
			}
			info.Areas = append(info.Areas, a)
		}
		r.Alert.Infos = append(r.Alert.Infos, info)
	}
	return r
}

// lined gives the people of an alert in the order of their ordinals.
func (h *house) lined(r *alerts.Record) (people []uint32) {
	for _, s := range h.pubs[r.ID].Spans {
		if s.From != uint32(len(people)) || len(s.People) != int(s.To-s.From) {
			h.t.Errorf("spans do not follow on one another: %+v", h.pubs[r.ID].Spans)
		}
		people = append(people, s.People...)
	}
	return people
}

func TestWhoIsMostExposedIsToldFirst(t *testing.T) {
	for name, c := range map[string]struct {
		exposure map[string]string
		parts    []warned
		people   []Subscriber
		want     []uint32
	}{
		"the graver info, though it is named last":          {nil, []warned{{"Severe", []string{"00"}}, {"Extreme", []string{"01"}}}, []Subscriber{in("00"), in("01"), in("00")}, []uint32{1, 0, 2}},
		"the graver of two that cover a place":              {nil, []warned{{"Severe", []string{"00", "01"}}, {"Extreme", []string{"01"}}}, []Subscriber{in("00"), in("01")}, []uint32{1, 0}},
		"languages repeat the areas":                        {nil, []warned{{"Severe", []string{"01", "00"}}, {"Severe", []string{"00", "01"}}}, []Subscriber{in("00"), in("01")}, []uint32{1, 0}},
		"the area that is named first":                      {nil, []warned{{"Severe", []string{"02", "00", "01"}}}, []Subscriber{in("00"), in("01"), in("02")}, []uint32{2, 0, 1}},
		"the code that is named first in an area":           {nil, []warned{{"Severe", []string{"02 00 01"}}}, []Subscriber{in("00"), in("01"), in("02")}, []uint32{2, 0, 1}},
		"a higher exposure before the first name":           {map[string]string{"01": "2", "00": "1"}, []warned{{"Severe", []string{"02", "00", "01"}}}, []Subscriber{in("00"), in("01"), in("02")}, []uint32{1, 0, 2}},
		"a graver info before a higher exposure":            {map[string]string{"01": "2"}, []warned{{"Extreme", []string{"00"}}, {"Severe", []string{"01"}}}, []Subscriber{in("01"), in("00")}, []uint32{1, 0}},
		"a quarter of a named municipality":                 {map[string]string{"001": "7"}, []warned{{"Severe", []string{"00"}}}, []Subscriber{in("00"), in("000"), in("001"), in("000")}, []uint32{2, 0, 1, 3}},
		"a quarter has the exposure of its municipality":    {map[string]string{"01": "7", "010": "1"}, []warned{{"Severe", []string{"0"}}}, []Subscriber{in("010"), in("000"), in("011"), in("01")}, []uint32{2, 3, 0, 1}},
		"in the zone before around it":                      {map[string]string{"0": "9"}, []warned{{"Severe", []string{"00"}}}, []Subscriber{in("0"), in("00")}, []uint32{1, 0}},
		"a municipality gravely, its region less":           {nil, []warned{{"Extreme", []string{"00"}}, {"Severe", []string{"0"}}}, []Subscriber{in("01"), in("0"), in("00")}, []uint32{2, 1, 0}},
		"the whole territory comes last":                    {nil, []warned{{"Extreme", []string{"00"}}, {"Minor", []string{"01"}}}, []Subscriber{in("*"), in("01"), in("*", "00"), in("*")}, []uint32{2, 1, 0, 3}},
		"the most exposed of several places":                {nil, []warned{{"Severe", []string{"00", "01", "02"}}}, []Subscriber{in("02"), in("02", "00"), in("01")}, []uint32{1, 2, 0}},
		"a home in the first of two drawings":               {nil, []warned{{"Severe", []string{"@010", "@000"}}}, []Subscriber{livesAt("000"), livesAt("010")}, []uint32{1, 0}},
		"two drawings of one area are one zone":             {nil, []warned{{"Severe", []string{"@010 @000"}}}, []Subscriber{livesAt("000"), livesAt("010")}, []uint32{0, 1}},
		"a home in a graver drawing":                        {nil, []warned{{"Severe", []string{"@000"}}, {"Extreme", []string{"@010"}}}, []Subscriber{livesAt("000"), livesAt("010"), in("00"), in("01")}, []uint32{1, 3, 0, 2}},
		"a home in a more exposed quarter":                  {map[string]string{"001": "1"}, []warned{{"Severe", []string{"0"}}}, []Subscriber{livesAt("000"), livesAt("001"), in("001"), in("000")}, []uint32{1, 2, 0, 3}},
		"a drawing concerns the quarter more than the town": {nil, []warned{{"Severe", []string{"@000"}}}, []Subscriber{in("0"), in("00"), in("000")}, []uint32{2, 0, 1}},
		"nothing is said of exposure":                       {nil, []warned{{"Severe", []string{"0"}}}, []Subscriber{in("02"), in("00"), in("0"), in("01")}, []uint32{0, 1, 2, 3}},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t, Route{Channel: phones{&platform{name: "sms", render: oneMessage("x")}}})
			h.planner.Areas = hills(t, c.exposure)
			for _, s := range c.people {
				_, _, _ = h.Add(t.Context(), s)
			}
			if got := h.lined(h.issue(h.alertOf(c.parts...))); !slices.Equal(got, c.want) {
				t.Errorf("in the order %v, want %v", got, c.want)
			}
		})
	}
}

// Without outlines severity and the order of names still count.
func TestTheOrderNeedsNoOutlines(t *testing.T) {
	h := newHouse(t, Route{Channel: phones{&platform{name: "sms", render: oneMessage("x")}}})
	for _, s := range []Subscriber{in("00"), in("*"), in("01"), in("02"), livesAt("110")} {
		_, _, _ = h.Add(t.Context(), s)
	}
	r := h.issue(h.alertOf(warned{"Severe", []string{"02", "00"}}, warned{"Extreme", []string{"01", "@110"}}))
	if got, want := h.lined(r), []uint32{2, 4, 3, 0, 1}; !slices.Equal(got, want) {
		t.Errorf("in the order %v, want %v", got, want)
	}
}

// slowly is the rule of [Exposure.Compare] for the hills, from its codes alone.
func slowly(parts []warned, exposure map[string]string, p Subscriber) []float64 {
	rating := func(code string) (most float64) {
		for at := code; at != ""; at = at[:len(at)-1] {
			if e := exposure[at]; e != "" {
				var v float64
				_, _ = fmt.Sscan(e, &v)
				if at == code {
					return v
				}
				most = max(most, v)
			}
		}
		return most
	}
	type named struct {
		code     string
		severity int
	}
	var zones []named
	for _, part := range parts {
		for _, area := range part.areas {
			for code := range strings.FieldsSeq(area) {
				i := slices.IndexFunc(zones, func(z named) bool { return z.code == code })
				if i < 0 {
					i, zones = len(zones), append(zones, named{code: code})
				}
				zones[i].severity = max(zones[i].severity, part.severity.Rank())
			}
		}
	}
	best := []float64{1, 0, 0, 0, 0} // lower is earlier
	consider := func(key []float64) {
		if slices.Compare(key, best) < 0 {
			best = key
		}
	}
	for i, z := range zones {
		zone := strings.TrimPrefix(z.code, "@")
		drawn := zone != z.code
		for _, mine := range p.Areas {
			near := -1.0
			switch {
			case mine == "*":
			case mine == zone, !drawn && strings.HasPrefix(mine, zone):
				near = 0
			case strings.HasPrefix(zone, mine):
				near = 1
			}
			if near >= 0 {
				consider([]float64{0, -float64(z.severity), near, -rating(mine), float64(i)})
			}
		}
		if p.Circle != nil {
			home := fmt.Sprintf("%.0f%.0f%.0f", floor(p.Circle.Centre.Lon-10, 1), floor(mod(p.Circle.Centre.Lon-10, 1), .2), floor(mod(mod(p.Circle.Centre.Lon-10, 1), .2), .1))
			if strings.HasPrefix(home, zone) {
				consider([]float64{0, -float64(z.severity), 0, -rating(home), float64(i)})
			}
		}
	}
	return best
}

func floor(v, unit float64) float64 { return float64(int(v/unit + 1e-9)) }
func mod(v, unit float64) float64   { return v - floor(v, unit)*unit }

func TestTheOrderIsThatOfASlowSort(t *testing.T) {
	for seed := range uint64(150) {
		rnd := rand.New(rand.NewPCG(seed, 4))
		code := func() string { return fmt.Sprintf("%d%d%d", rnd.IntN(2), rnd.IntN(3), rnd.IntN(2))[:1+rnd.IntN(3)] }
		quarter := func() string { return fmt.Sprintf("%d%d%d", rnd.IntN(2), rnd.IntN(3), rnd.IntN(2)) }
		exposure := map[string]string{}
		for range rnd.IntN(6) {
			exposure[code()] = fmt.Sprint(rnd.IntN(3))
		}
		var parts []warned
		for range 1 + rnd.IntN(3) {
			p := warned{severity: alerts.Severities[rnd.IntN(4)]}
			for range 1 + rnd.IntN(4) {
				area := code()
				if rnd.IntN(4) == 0 {
					area = "@" + quarter()
				} else if rnd.IntN(3) == 0 {
					area += " " + code()
				}
				p.areas = append(p.areas, area)
			}
			parts = append(parts, p)
		}
		h := newHouse(t, Route{Channel: phones{&platform{name: "sms", render: oneMessage("x")}}})
		h.planner.Areas = hills(t, exposure)
		for range 300 {
			s := in()
			for range rnd.IntN(3) {
				s.Areas = append(s.Areas, code())
			}
			if rnd.IntN(12) == 0 {
				s.Areas = append(s.Areas, "*")
			}
			if rnd.IntN(4) == 0 {
				s.Circle = &alerts.Circle{Centre: middle(quarter())}
			}
			_, _, _ = h.Add(t.Context(), s)
		}
		r := h.alertOf(parts...)
		got := h.lined(h.issue(r))
		want := slices.Clone(got)
		sort.Slice(want, func(i, j int) bool {
			a, b := slowly(parts, exposure, h.people[want[i]]), slowly(parts, exposure, h.people[want[j]])
			if c := slices.Compare(a, b); c != 0 {
				return c < 0
			}
			return want[i] < want[j]
		})
		if !slices.Equal(got, want) {
			i := 0
			for got[i] == want[i] {
				i++
			}
			t.Fatalf("seed %d, alert %v, exposures %v: place %d has %+v %v, want %+v %v", seed, parts, exposure, i,
				h.people[got[i]], slowly(parts, exposure, h.people[got[i]]), h.people[want[i]], slowly(parts, exposure, h.people[want[i]]))
		}
	}
}

// inZones adds people of two languages to four municipalities, in turn, and
// gives how many are in each.
func inZones(h *house, n int) {
	for i := range n {
		s := in([]string{"00", "01", "02", "10"}[i%4])
		s.Language = []string{"it", "it", "it", "it", "en", "en", "en", "it"}[i/4%8]
		_, _, _ = h.Add(h.t.Context(), s)
	}
}

func TestTheFirstSentAreThoseOfTheMostExposedZone(t *testing.T) {
	for name, severity := range map[string]alerts.Severity{"urgent": alerts.SeveritySevere, "not urgent": alerts.SeverityModerate} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := &platform{name: "sms"}
				p.script = func(_ context.Context, _ channels.Message, _ int, taken func()) error {
					time.Sleep(20 * time.Millisecond)
					taken()
					return nil
				}
				route := Route{Channel: phones{p}}
				h := newHouse(t, route)
				// As many as all workers have in hand at once, so that none begins
				// with the second zone while another one ends the first.
				each := chunkSize * normalWorkers * (normalWorkers + 1)
				inZones(h, 4*each)
				r := h.alertOf(warned{severity, []string{"02", "10", "00", "01"}})
				english := r.Alert.Infos[0]
				english.Language, english.Headline = "en-GB", "The river floods"
				r.Alert.Infos = append(r.Alert.Infos, english)
				h.issue(r)
				ctx, stop := context.WithCancel(t.Context())
				_, done := h.dispatch(ctx, "a", route)
				h.settle("sms", time.Hour)
				stop()
				<-done
				people, want := h.lined(r), []string{"02", "10", "00", "01"}
				for i, m := range p.got() {
					who := h.people[people[m.Ordinal]]
					if who.Areas[0] != want[i/each] {
						t.Fatalf("number %d went to %s, want %s", i, who.Areas[0], want[i/each])
					}
					if !strings.HasPrefix(m.Language, who.Language) {
						t.Fatalf("number %d went in %s to who reads %s", i, m.Language, who.Language)
					}
				}
				if len(p.got()) != 4*each {
					t.Errorf("%d were sent to, want %d", len(p.got()), 4*each)
				}
			})
		})
	}
}

func TestAChangeGoesInTheOrderInWhichThePeopleWereTold(t *testing.T) {
	h := newHouse(t, Route{Channel: phones{&platform{name: "sms"}}})
	h.planner.Areas = hills(t, nil)
	inZones(h, 4000)
	first := h.alertOf(warned{"Extreme", []string{"10", "01"}}, warned{"Severe", []string{"02"}})
	english := first.Alert.Infos[0]
	english.Language = "en-GB"
	first.Alert.Infos = append(first.Alert.Infos, english)
	r := h.issue(first)
	told := h.lined(r)

	// Of the Update the zone that was worst is out, and 00 is new.
	u := h.next(r, alerts.ChangeUpdated, alerts.SeverityExtreme)
	u.Alert.Infos = h.alertOf(warned{"Severe", []string{"00", "01"}}).Alert.Infos
	people := h.lined(h.issue(u))
	if len(people) != 4000 {
		t.Fatalf("the Update reaches %d, want all who were told and who is concerned now", len(people))
	}
	var zones []string
	for _, n := range people {
		zones = append(zones, h.people[n].Areas[0])
	}
	if got, want := strings.Join(slices.Compact(zones), " "), "00 01 10 02"; got != want {
		t.Errorf("the Update goes to %s, want %s: who only hears of the change comes last", got, want)
	}

	c := h.next(u, alerts.ChangeCancelled, alerts.SeverityExtreme)
	cancelled := h.lined(h.issue(c))
	if !slices.Equal(cancelled, people) {
		t.Error("the Cancel goes in another order than the Update before it")
	}
	if len(told) != 3000 || r.Reach != 3000 || c.Reach != 4000 {
		t.Errorf("reached %d (%d), then %d", len(told), r.Reach, c.Reach)
	}
}
