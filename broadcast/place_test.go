package broadcast

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"martinella/alerts"
	"martinella/channels"
)

func in(areas ...string) Subscriber {
	return Subscriber{Language: "it", Areas: areas, Contacts: map[string]string{"phone": "+39001"}}
}

// holding gives the record this area instead of its code.
func holding(r *alerts.Record, a alerts.Area) *alerts.Record {
	for i := range r.Alert.Infos {
		r.Alert.Infos[i].Areas = []alerts.Area{a}
	}
	return r
}

var corner = alerts.Area{Description: "Via del Molino", Polygons: []alerts.Polygon{{{Lat: 44.02, Lon: 10.02}, {Lat: 44.02, Lon: 10.03}, {Lat: 44.03, Lon: 10.03}, {Lat: 44.02, Lon: 10.02}}}}

func TestADrawnAreaFindsEverybodyWhoseAreaIntersects(t *testing.T) {
	sms := Route{Channel: phones{&platform{name: "sms", render: oneMessage("x")}}}
	home := func(lat, lon float64) Subscriber {
		s := in()
		s.Circle = &alerts.Circle{Centre: alerts.Point{Lat: lat, Lon: lon}, Radius: 0.3}
		return s
	}
	everybody := []Subscriber{in("047014"), in("047015"), in("XX020"), in("*"), home(44.025, 10.028), home(44.08, 10.08), in("047999")}
	for name, c := range map[string]struct {
		area   alerts.Area
		codes  string
		people []uint32 // the most exposed first
	}{
		"drawn":           {corner, "[{ISTAT 047014}]", []uint32{0, 4, 2, 3}},
		"a municipality":  {alerts.Area{Geocodes: []alerts.Value{{Name: "ISTAT", Value: "047014"}}}, "[{ISTAT 047014}]", []uint32{0, 4, 5, 2, 3}},
		"the zone":        {alerts.Area{Geocodes: []alerts.Value{{Name: "EMMA_ID", Value: "XX020"}}}, "[{EMMA_ID XX020} {ISTAT 047014} {ISTAT 047015}]", []uint32{0, 1, 2, 4, 5, 3}},
		"a circle":        {alerts.Area{Circles: []alerts.Circle{{Centre: alerts.Point{Lat: 44.05, Lon: 10.1}, Radius: 1}}}, "[{ISTAT 047014} {ISTAT 047015}]", []uint32{0, 1, 2, 3}},
		"an unknown code": {alerts.Area{Geocodes: []alerts.Value{{Name: "ISTAT", Value: "047999"}}}, "[{ISTAT 047999}]", []uint32{6, 3}},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t, sms)
			h.planner.Areas = valley(t)
			for _, s := range everybody {
				_, _, _ = h.Add(t.Context(), s)
			}
			r := h.issue(holding(h.record(alerts.SeverityMinor, time.Hour), c.area))
			var got []uint32
			for _, s := range h.pubs[r.ID].Spans {
				got = append(got, s.People...)
			}
			if !slices.Equal(got, c.people) || fmt.Sprint(r.Areas) != c.codes {
				t.Errorf("%v in %v, want %v in %s", got, r.Areas, c.people, c.codes)
			}
			bare := h.next(r, alerts.ChangeCancelled, alerts.SeverityMinor)
			bare.Alert.Infos = nil
			if h.issue(bare); fmt.Sprint(bare.Areas) != c.codes || bare.Reach != len(c.people) {
				t.Errorf("its Cancel reaches %d in %v", bare.Reach, bare.Areas)
			}
		})
	}
}

func TestTheApprovedDigestCoversTheOutlines(t *testing.T) {
	h := newHouse(t, Route{Channel: phones{&platform{name: "sms"}}})
	h.planner.Areas = valley(t)
	r := prepared(t, h, holding(h.record(alerts.SeverityMinor, time.Hour), corner))
	if again := prepared(t, h, r.Clone()); again.Approved != r.Approved {
		t.Error("the same gives another digest")
	}
	h.planner.Areas = nil
	if err := h.planner.Publish(t.Context(), r, alerts.Act{}); !errors.Is(err, alerts.ErrStale) {
		t.Errorf("published with other outlines: %v", err)
	}
}

func TestWhatIsNotReachedIsSaidBeforeApproval(t *testing.T) {
	quietly := in("047014")
	quietly.Quiet = &Hours{"00:00", "23:59"}
	asked := in("047014")
	asked.Consent = ConsentAsked
	code := alerts.Area{Geocodes: []alerts.Value{{Name: "ISTAT", Value: "047014"}}}
	for name, c := range map[string]struct {
		people   []Subscriber
		area     alerts.Area
		blind    bool // no gazetteer
		severity alerts.Severity
		want     []string
		reach    int
	}{
		"nobody has a phone":       {nil, code, false, "Minor", []string{"channels[sms]: reaches nobody in Valdemo (ISTAT 047014): nobody in the list has a contact of the kind phone"}, 0},
		"all are elsewhere":        {[]Subscriber{in("047015"), in("047015")}, corner, false, "Minor", []string{"reaches nobody in Valdemo (ISTAT 047014): of those with a contact of the kind phone 2 are elsewhere"}, 0},
		"none may be woken":        {[]Subscriber{quietly, asked}, code, false, "Minor", []string{"1 have not confirmed, 1 have quiet hours and it is below Severe"}, 0},
		"one may not be woken":     {[]Subscriber{quietly, in("047014")}, code, false, "Minor", []string{"channels[sms]: 1 with quiet hours now do not get it here"}, 1},
		"all are woken":            {[]Subscriber{quietly, in("047014")}, code, false, "Severe", nil, 2},
		"an unknown code":          {[]Subscriber{in("*")}, alerts.Area{Geocodes: []alerts.Value{{Name: "ISTAT", Value: "1"}}}, false, "Minor", []string{`areas: the code ISTAT "1" is not among the configured areas`}, 1},
		"drawn without outlines":   {[]Subscriber{in("*")}, corner, true, "Minor", []string{"areas: the drawn area cannot be resolved to codes: no outlines are configured"}, 1},
		"a code without outlines":  {[]Subscriber{in("047014")}, code, true, "Minor", nil, 1},
		"latitude where longitude": {[]Subscriber{in("*")}, alerts.Area{Circles: []alerts.Circle{{Centre: alerts.Point{Lat: 10, Lon: 44}, Radius: 1}}}, false, "Minor", []string{"areas: the drawn area touches none of the configured areas"}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t, Route{Channel: phones{&platform{name: "sms"}}})
			if h.planner.Zone = time.UTC; !c.blind {
				h.planner.Areas = valley(t)
			}
			for _, s := range c.people {
				_, _, _ = h.Add(t.Context(), s)
			}
			r := prepared(t, h, holding(h.record(c.severity, time.Hour), c.area))
			var said []string
			for _, w := range r.Warnings {
				said = append(said, w.Field+": "+w.Problem)
			}
			if len(said) != len(c.want) || r.Reach != c.reach {
				t.Fatalf("reach %d, want %d; said %q, want %q", r.Reach, c.reach, said, c.want)
			}
			for i, want := range c.want {
				if !strings.Contains(said[i], want) {
					t.Errorf("said %q, want %q", said[i], want)
				}
			}
			if again := prepared(t, h, r.Clone()); len(again.Warnings) != len(r.Warnings) {
				t.Errorf("prepared again: %v", again.Warnings)
			}
		})
	}
}

func TestEachIsReachedInTheWayThatItPrefers(t *testing.T) {
	h := newHouse(t, Route{Channel: phones{&platform{name: "sms"}}}, Route{Channel: mails{&platform{name: "mail"}}})
	both := func(channels ...string) {
		_, _, _ = h.Add(t.Context(), Subscriber{Language: "it", Areas: []string{"*"}, Contacts: map[string]string{"phone": "+39001", "email": "a@b.example"}, Channels: channels})
	}
	both()
	both("email", "phone")
	both("phone")
	r := h.issue(h.record(alerts.SeverityMinor, time.Hour))
	got := map[string][]uint32{}
	for _, s := range h.pubs[r.ID].Spans {
		got[s.Channel] = append(got[s.Channel], s.People...)
	}
	if want := "map[mail:[0 1] sms:[0 2]]"; fmt.Sprint(got) != want || r.Reach != 3 {
		t.Errorf("got %v, reach %d, want %s", got, r.Reach, want)
	}
	// A channel that cannot carry the alert is no way to prefer.
	h.planner.Routes[1].Channel.(mails).render = noMessage("too long")
	r = h.issue(h.record(alerts.SeverityMinor, time.Hour))
	if s := h.pubs[r.ID].Spans; len(s) != 1 || !slices.Equal(s[0].People, []uint32{0, 1, 2}) {
		t.Errorf("without the mail: %+v", s)
	}
}

type mails struct{ *platform }

func (mails) AddressKind() string { return "email" }

// boards stand in one municipality each, and never ask what was approved.
type boards struct {
	*platform
	places []alerts.Value
}

func (b boards) Covers(channels.Message) []alerts.Value { return b.places }

func TestAnAreaBoundChannelGetsTheApprovedAreaAndNoMore(t *testing.T) {
	valdemo, pontelungo := alerts.Value{Name: "ISTAT", Value: "047014"}, alerts.Value{Name: "ISTAT", Value: "047015"}
	for name, c := range map[string]struct {
		places  []alerts.Value
		area    alerts.Area
		failure string
	}{
		"in the area":   {[]alerts.Value{valdemo}, corner, ""},
		"wider":         {[]alerts.Value{valdemo, pontelungo}, corner, "it would reach further than what was approved: ISTAT 047015"},
		"in no area":    {[]alerts.Value{valdemo}, alerts.Area{Circles: []alerts.Circle{{Centre: alerts.Point{Lat: 50, Lon: 10}}}}, "the message names no approved area"},
		"within a zone": {[]alerts.Value{valdemo, pontelungo}, alerts.Area{Geocodes: []alerts.Value{{Name: "EMMA_ID", Value: "XX020"}}}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := boards{&platform{name: "boards", render: oneMessage("x")}, c.places}
				h := newHouse(t, Route{Channel: b})
				h.planner.Areas = valley(t)
				r := h.issue(holding(h.record(alerts.SeveritySevere, time.Hour), c.area))
				if got := h.pubs[r.ID].Failures["boards"]; got != c.failure {
					t.Fatalf("failure %q, want %q", got, c.failure)
				}
				ctx, stop := context.WithCancel(t.Context())
				_, done := h.dispatch(ctx, "n1", Route{Channel: b})
				h.settle("boards", time.Minute)
				stop()
				<-done
				for _, m := range b.got() {
					if fmt.Sprint(m.Areas) != fmt.Sprint(r.Areas) {
						t.Errorf("the message has the area %v, approved was %v", m.Areas, r.Areas)
					}
				}
				if want := map[bool]int{true: 1}[c.failure == ""]; len(b.got()) != want {
					t.Errorf("%d posts, want %d", len(b.got()), want)
				}
			})
		})
	}
}
