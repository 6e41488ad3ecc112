package broadcast

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"martinella/alerts"
	"martinella/alerts/areas"
)

// valley knows two municipalities side by side and the zone around them.
func valley(t testing.TB) *areas.Gazetteer {
	t.Helper()
	g, err := areas.Load(areas.Source{File: "testdata/valley.geojson", System: "ISTAT"})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func TestWhomASelectionConcerns(t *testing.T) {
	night := time.Date(2026, 11, 22, 22, 30, 0, 0, time.UTC) // 23:30 in Rome
	circle := func(lat, lon, km float64) *alerts.Circle {
		return &alerts.Circle{Centre: alerts.Point{Lat: lat, Lon: lon}, Radius: km}
	}
	square := alerts.Polygon{{Lat: 44.02, Lon: 10.02}, {Lat: 44.02, Lon: 10.03}, {Lat: 44.03, Lon: 10.03}, {Lat: 44.03, Lon: 10.02}, {Lat: 44.02, Lon: 10.02}}
	both := map[string]string{"phone": "+390001", "email": "a@b.example"}
	for name, c := range map[string]struct {
		sel  Selection
		who  Subscriber
		want verdict
	}{
		"of the area":                      {Selection{Areas: []string{"047014"}}, Subscriber{Areas: []string{"047015", "047014"}}, selected},
		"of another":                       {Selection{Areas: []string{"047014"}}, Subscriber{Areas: []string{"047015"}}, elsewhere},
		"everywhere":                       {Selection{Areas: []string{"047014"}}, Subscriber{Areas: []string{"*"}}, selected},
		"everywhere, where it is drawn":    {Selection{Drawn: true}, Subscriber{Areas: []string{"*"}}, selected},
		"everywhere, without an area":      {Selection{}, Subscriber{Areas: []string{"*"}}, elsewhere},
		"a home in the drawn area":         {Selection{Drawn: true, Polygons: []alerts.Polygon{square}}, Subscriber{Circle: circle(44.025, 10.025, 0)}, selected},
		"a home that reaches into it":      {Selection{Drawn: true, Polygons: []alerts.Polygon{square}}, Subscriber{Circle: circle(44.05, 10.025, 3)}, selected},
		"a home beside it":                 {Selection{Drawn: true, Polygons: []alerts.Polygon{square}}, Subscriber{Circle: circle(44.05, 10.025, 1)}, elsewhere},
		"a home in a circle":               {Selection{Drawn: true, Circles: []alerts.Circle{*circle(44, 10, 5)}}, Subscriber{Circle: circle(44.03, 10.03, 1)}, selected},
		"a home in a named municipality":   {Selection{Areas: []string{"047014"}, Named: []string{"047014"}}, Subscriber{Circle: circle(44.05, 10.05, 0)}, selected},
		"a home in the one beside":         {Selection{Areas: []string{"047014"}, Named: []string{"047014"}}, Subscriber{Circle: circle(44.05, 10.15, 0)}, elsewhere},
		"below its minimum":                {Selection{Areas: []string{"A"}, Severity: "Minor"}, Subscriber{Areas: []string{"A"}, MinSeverity: "Severe"}, belowMinimum},
		"at its minimum":                   {Selection{Areas: []string{"A"}, Severity: "Severe"}, Subscriber{Areas: []string{"A"}, MinSeverity: "Severe"}, selected},
		"over":                             {Selection{Areas: []string{"A"}}, Subscriber{Areas: []string{"A"}, Until: night.Add(-time.Minute)}, ended},
		"not over":                         {Selection{Areas: []string{"A"}}, Subscriber{Areas: []string{"A"}, Until: night.Add(time.Minute)}, selected},
		"not addressed":                    {Selection{Areas: []string{"A"}, Audiences: []string{"volunteers"}}, Subscriber{Areas: []string{"A"}, Audience: "citizens"}, otherAudience},
		"not confirmed, Extreme":           {Selection{Areas: []string{"A"}, Severity: "Extreme"}, Subscriber{Areas: []string{"A"}, Consent: ConsentAsked}, unconfirmed},
		"confirmed":                        {Selection{Areas: []string{"A"}}, Subscriber{Areas: []string{"A"}, Consent: ConsentGiven}, selected},
		"a list for information only":      {Selection{Areas: []string{"A"}, Purpose: "emergency"}, Subscriber{Areas: []string{"A"}, Purpose: "information"}, otherPurpose},
		"a list for emergencies only":      {Selection{Areas: []string{"A"}, Purpose: "information"}, Subscriber{Areas: []string{"A"}, Purpose: "emergency"}, otherPurpose},
		"another topic":                    {Selection{Areas: []string{"A"}, Purpose: "information", Topics: []string{"roads"}}, Subscriber{Areas: []string{"A"}, Topics: []string{"schools"}}, otherPurpose},
		"one of its topics":                {Selection{Areas: []string{"A"}, Purpose: "information", Topics: []string{"roads", "schools"}}, Subscriber{Areas: []string{"A"}, Topics: []string{"schools"}}, selected},
		"an emergency has no topic":        {Selection{Areas: []string{"A"}, Purpose: "emergency", Topics: []string{"roads"}}, Subscriber{Areas: []string{"A"}, Topics: []string{"schools"}}, selected},
		"mail first, asked by phone":       {Selection{Areas: []string{"A"}, Kind: "phone", Kinds: []string{"phone", "email"}}, Subscriber{Areas: []string{"A"}, Contacts: both, Channels: []string{"email", "phone"}}, otherWay},
		"mail first, asked by mail":        {Selection{Areas: []string{"A"}, Kind: "email", Kinds: []string{"phone", "email"}}, Subscriber{Areas: []string{"A"}, Contacts: both, Channels: []string{"email", "phone"}}, selected},
		"mail first, and no mail goes out": {Selection{Areas: []string{"A"}, Kind: "phone", Kinds: []string{"phone"}}, Subscriber{Areas: []string{"A"}, Contacts: both, Channels: []string{"email", "phone"}}, selected},
		"mail first, and has none":         {Selection{Areas: []string{"A"}, Kind: "phone", Kinds: []string{"phone", "email"}}, Subscriber{Areas: []string{"A"}, Contacts: map[string]string{"phone": "+390001"}, Channels: []string{"email", "phone"}}, selected},
		"mail only, which does not go out": {Selection{Areas: []string{"A"}, Kind: "phone", Kinds: []string{"phone"}, Severity: "Moderate"}, Subscriber{Areas: []string{"A"}, Contacts: both, Channels: []string{"email"}}, otherWay},
		"mail only, but it is Severe":      {Selection{Areas: []string{"A"}, Kind: "phone", Kinds: []string{"phone"}, Severity: "Severe"}, Subscriber{Areas: []string{"A"}, Contacts: both, Channels: []string{"email"}}, selected},
		"mail only, Severe, both go out":   {Selection{Areas: []string{"A"}, Kind: "phone", Kinds: []string{"phone", "email"}, Severity: "Severe"}, Subscriber{Areas: []string{"A"}, Contacts: both, Channels: []string{"email"}}, otherWay},
		"asleep in Rome":                   {Selection{Areas: []string{"A"}, Severity: "Moderate", Zone: "Europe/Rome"}, Subscriber{Areas: []string{"A"}, Quiet: &Hours{"23:00", "07:00"}}, quiet},
		"awake in Lisbon at this time":     {Selection{Areas: []string{"A"}, Severity: "Moderate", Zone: "Europe/Lisbon"}, Subscriber{Areas: []string{"A"}, Quiet: &Hours{"23:00", "07:00"}}, selected},
		"asleep, and it is Severe":         {Selection{Areas: []string{"A"}, Severity: "Severe", Zone: "Europe/Rome"}, Subscriber{Areas: []string{"A"}, Quiet: &Hours{"23:00", "07:00"}}, selected},
		"hours that cannot be read":        {Selection{Areas: []string{"A"}, Severity: "Moderate", Zone: "Europe/Rome"}, Subscriber{Areas: []string{"A"}, Quiet: &Hours{"eleven", "07:00"}}, selected},
	} {
		t.Run(name, func(t *testing.T) {
			ready := c.sel.Ready(valley(t))
			if got := ready.judge(c.who, night); got != c.want {
				t.Errorf("verdict %d, want %d", got, c.want)
			}
			if got := ready.Concerns(c.who, night); got != (c.want == selected) || ready.ready.tally[c.want].Load() != 1 {
				t.Errorf("concerns %v, tally %d", got, ready.ready.tally[c.want].Load())
			}
			if got := c.sel.judge(c.who, night); got != c.want && len(c.sel.Named) == 0 {
				t.Errorf("not made ready: verdict %d, want %d", got, c.want)
			}
			a, _ := json.Marshal(c.sel)
			if b, _ := json.Marshal(ready); string(a) != string(b) {
				t.Errorf("what is approved has changed: %s, %s", a, b)
			}
		})
	}
}

func TestQuietHours(t *testing.T) {
	rome, err := time.LoadLocation("Europe/Rome")
	if err != nil {
		t.Fatal(err)
	}
	at := func(s string) time.Time {
		when, err := time.Parse(time.RFC3339, s)
		if err != nil {
			t.Fatal(err)
		}
		return when.In(rome)
	}
	for name, c := range map[string]struct {
		from, to, at string
		want         bool
	}{
		"over midnight, before":      {"22:00", "07:00", "2026-11-22T23:00:00+01:00", true},
		"over midnight, after":       {"22:00", "07:00", "2026-11-23T06:59:59+01:00", true},
		"the last minute is not":     {"22:00", "07:00", "2026-11-23T07:00:00+01:00", false},
		"the first minute is":        {"22:00", "07:00", "2026-11-22T22:00:00+01:00", true},
		"by day":                     {"22:00", "07:00", "2026-11-22T12:00:00+01:00", false},
		"at noon":                    {"13:00", "15:00", "2026-11-22T14:00:00+01:00", true},
		"from midnight":              {"00:00", "06:00", "2026-11-22T00:00:00+01:00", true},
		"until midnight":             {"20:00", "00:00", "2026-11-22T23:59:00+01:00", true},
		"an empty span":              {"22:00", "22:00", "2026-11-22T22:00:00+01:00", false},
		"no time":                    {"22:00", "25:00", "2026-11-22T22:30:00+01:00", false},
		"summer ends: 02:30 twice":   {"02:15", "03:00", "2026-10-25T02:30:00+02:00", true},
		"the second time":            {"02:15", "03:00", "2026-10-25T02:30:00+01:00", true},
		"summer: UTC is two hours":   {"22:00", "07:00", "2026-07-22T20:30:00Z", true},
		"winter: UTC is one hour":    {"22:00", "07:00", "2026-11-22T20:30:00Z", false},
		"02:30 that the spring lost": {"02:15", "02:45", "2026-03-29T01:30:00Z", false},
	} {
		h := &Hours{c.from, c.to}
		if got := h.Hold(at(c.at)); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
		if (name == "an empty span" || name == "no time") == h.Valid() {
			t.Errorf("%s: valid %v", name, h.Valid())
		}
	}
	if (*Hours)(nil).Hold(time.Now()) {
		t.Error("nobody's hours are quiet")
	}
}

func BenchmarkConcerns(b *testing.B) {
	g := valley(b)
	var list []string
	for i := range 300 {
		list = append(list, fmt.Sprintf("%06d", 47000+i))
	}
	s := Selection{Areas: list, Named: []string{"047014"}, Severity: alerts.SeverityModerate, Purpose: "emergency", Drawn: true, Kind: "phone", Kinds: []string{"phone", "email"}, Zone: "Europe/Rome",
		Circles: []alerts.Circle{{Centre: alerts.Point{Lat: 44, Lon: 10}, Radius: 10}}}
	people := make([]Subscriber, 100_000)
	for i := range people {
		p := Subscriber{Areas: []string{fmt.Sprintf("%06d", 47000+i%600)}, Purpose: "emergency", Contacts: map[string]string{"phone": "x", "email": "y"}, Channels: []string{"phone"}, Quiet: &Hours{"01:00", "02:00"}}
		if i%10 == 0 {
			p.Areas, p.Circle = nil, &alerts.Circle{Centre: alerts.Point{Lat: 43.5 + float64(i%100)/100, Lon: 10 + float64(i%70)/100}, Radius: 1}
		}
		people[i] = p
	}
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	n := 0
	for b.Loop() {
		ready := s.Ready(g)
		n = 0
		for i := range people {
			if ready.Concerns(people[i], now) {
				n++
			}
		}
	}
	b.ReportMetric(float64(n), "selected")
}
