package broadcast

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"martinella/alerts"
	"martinella/channels"
)

func prepared(t *testing.T, h *house, r *alerts.Record) *alerts.Record {
	t.Helper()
	if err := h.planner.Prepare(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	return r
}

func TestTheApprovedDigestCoversWhatIsSent(t *testing.T) {
	type change struct {
		house  func(h *house)
		record func(r *alerts.Record)
		same   bool
	}
	for name, c := range map[string]change{
		"nothing":                    {same: true},
		"later, by somebody else":    {record: func(r *alerts.Record) { r.Received = r.Received.Add(time.Hour); r.Approver = alerts.By{ID: "b"} }, same: true},
		"somebody subscribes":        {house: func(h *house) { h.subscribe(1, "it") }, same: true},
		"read back from the store":   {record: func(r *alerts.Record) { *r = *r.Clone() }, same: true},
		"other content":              {record: func(r *alerts.Record) { r.Content = "another" }},
		"other wording of a channel": {house: func(h *house) { h.planner.Routes[0].Channel.(phones).render = oneMessage("other words") }},
		"other area":                 {record: func(r *alerts.Record) { r.Alert.Infos[0].Areas[0].Geocodes[0].Value = "047015" }},
		"another severity":           {record: func(r *alerts.Record) { r.Alert.Infos[0].Severity = alerts.SeverityExtreme }},
		"one channel less":           {house: func(h *house) { h.planner.Routes = h.planner.Routes[:1] }},
		"another order of channels":  {house: func(h *house) { slices.Reverse(h.planner.Routes) }},
		"a channel that now fails":   {house: func(h *house) { h.planner.Routes[0].Channel.(phones).render = noMessage("broken") }},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t, Route{Channel: phones{&platform{name: "sms"}}}, Route{Channel: &platform{name: "social"}})
			h.subscribe(3, "it")
			r := prepared(t, h, h.record(alerts.SeverityMinor, time.Hour))
			again := r.Clone()
			if c.record != nil {
				c.record(again)
			}
			if c.house != nil {
				c.house(h)
			}
			prepared(t, h, again)
			if (again.Approved == r.Approved) != c.same {
				t.Errorf("digest %s then %s, want same=%v", r.Approved, again.Approved, c.same)
			}
			if len(r.Approved) != 64 {
				t.Errorf("digest %q is no SHA-256", r.Approved)
			}
		})
	}
}

func oneMessage(text string) func(*alerts.Record) ([]channels.Message, error) {
	return func(*alerts.Record) ([]channels.Message, error) {
		return []channels.Message{{Language: "it", Text: text}}, nil
	}
}

func noMessage(reason string) func(*alerts.Record) ([]channels.Message, error) {
	return func(*alerts.Record) ([]channels.Message, error) { return nil, errors.New(reason) }
}

func TestAChannelThatCannotRenderIsVisibleAndBlocksNobody(t *testing.T) {
	for name, c := range map[string]struct {
		render func(*alerts.Record) ([]channels.Message, error)
		reason string
	}{
		"it says why":      {noMessage("the text is longer than a siren can say"), "the text is longer than a siren can say"},
		"it panics":        {func(*alerts.Record) ([]channels.Message, error) { panic(fmt.Sprint(time.Now())) }, "the channel's program failed"},
		"it gives nothing": {func(*alerts.Record) ([]channels.Message, error) { return nil, nil }, "the channel has nothing to say of it"},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t, Route{Channel: &platform{name: "siren", render: c.render}}, Route{Channel: &platform{name: "social"}})
			r := prepared(t, h, h.record(alerts.SeverityMinor, time.Hour))
			warned := slices.ContainsFunc(r.Warnings, func(p alerts.Problem) bool {
				return p.Field == "channels[siren]" && strings.Contains(p.Problem, c.reason) && p.Level == alerts.LevelWarning
			})
			if !warned {
				t.Errorf("warnings %v do not tell the reason %q", r.Warnings, c.reason)
			}
			n := len(r.Warnings)
			if prepared(t, h, r); len(r.Warnings) != n {
				t.Errorf("%d warnings after preparing again, want %d", len(r.Warnings), n)
			}
			if err := h.planner.Publish(t.Context(), r, alerts.Act{}); err != nil {
				t.Fatal(err)
			}
			pub := h.pubs[r.ID]
			if pub.Failures["siren"] != c.reason {
				t.Errorf("failures %v, want %q", pub.Failures, c.reason)
			}
			if !slices.Equal(r.Channels, []string{"siren", "social"}) || len(pub.Messages) != 2 {
				t.Errorf("channels %v with %d messages, want both channels and the two of the other one", r.Channels, len(pub.Messages))
			}
		})
	}
}

func TestThePlanAsksThePredicateForEachRoute(t *testing.T) {
	routes := func() []Route {
		named := func(name string) *platform { return &platform{name: name, render: oneMessage("x")} }
		return []Route{
			{Channel: named("page-only")},
			{Channel: named("exercises"), Exercise: true},
			{Channel: named("staff"), Readers: alerts.ReadersStaff},
			{Channel: named("machine"), Readers: alerts.ReadersMachines},
			{Channel: named("outbox"), Exercise: true, Memory: true},
		}
	}
	for name, c := range map[string]struct {
		status alerts.Status
		scope  alerts.Scope
		only   []string
		memory bool
		to     []string
		want   []string
	}{
		"Actual, Public":              {alerts.StatusActual, alerts.ScopePublic, nil, false, nil, []string{"page-only", "exercises", "staff", "machine", "outbox"}},
		"Exercise":                    {alerts.StatusExercise, alerts.ScopePublic, nil, false, nil, []string{"exercises", "outbox"}},
		"Test in memory":              {alerts.StatusTest, alerts.ScopePublic, nil, true, nil, []string{"outbox"}},
		"Restricted":                  {alerts.StatusActual, alerts.ScopeRestricted, nil, false, nil, []string{"staff"}},
		"Private":                     {alerts.StatusActual, alerts.ScopePrivate, nil, false, []string{"machine"}, []string{"machine"}},
		"System":                      {alerts.StatusSystem, alerts.ScopePublic, nil, false, nil, []string{"machine"}},
		"CAP's Draft":                 {alerts.StatusDraft, alerts.ScopePublic, nil, false, nil, []string{}},
		"a key limited to one":        {alerts.StatusActual, alerts.ScopePublic, []string{"staff"}, false, nil, []string{"staff"}},
		"a key limited to none":       {alerts.StatusActual, alerts.ScopePublic, []string{}, false, nil, []string{}},
		"limited to one that may not": {alerts.StatusExercise, alerts.ScopePublic, []string{"staff"}, false, nil, []string{}},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t, routes()...)
			h.promise.Memory = c.memory
			r := h.record(alerts.SeverityMinor, time.Hour)
			r.Alert.Status, r.Alert.Scope, r.Alert.Addresses, r.Channels = c.status, c.scope, c.to, c.only
			prepared(t, h, r)
			if !slices.Equal(r.Channels, c.want) {
				t.Errorf("plan %v, want %v", r.Channels, c.want)
			}
			if again := prepared(t, h, r.Clone()); !slices.Equal(again.Channels, c.want) || again.Approved != r.Approved {
				t.Errorf("prepared again: plan %v, want %v", again.Channels, c.want)
			}
		})
	}
}

func TestRestrictedTextReachesVolunteersOnly(t *testing.T) {
	h := newHouse(t, Route{Channel: phones{&platform{name: "sms"}}, Readers: alerts.ReadersStaff})
	h.subscribe(5, "it")
	_, _, _ = h.Add(t.Context(), Subscriber{Language: "it", Audience: "volunteers", Areas: []string{"047014"}, Contacts: map[string]string{"phone": "+39111"}})
	r := h.record(alerts.SeverityMinor, time.Hour)
	r.Alert.Scope = alerts.ScopeRestricted
	h.issue(r)
	if s := h.pubs[r.ID].Spans; len(s) != 1 || !slices.Equal(s[0].People, []uint32{5}) {
		t.Errorf("spans %+v, want the volunteer alone", s)
	}
}

// Who sends an alert that nobody gets must not read that it stands on the page.
func TestAnAlertWithoutAChannelSaysWhetherThePageShowsIt(t *testing.T) {
	for scope, want := range map[alerts.Scope]string{
		alerts.ScopePublic:     "it stands on the page and in the feeds only",
		alerts.ScopeRestricted: "reaches nobody",
		alerts.ScopePrivate:    "reaches nobody",
	} {
		h := newHouse(t)
		r := h.record(alerts.SeverityMinor, time.Hour)
		r.Alert.Scope = scope
		r = prepared(t, h, r)
		if len(r.Warnings) != 1 || !strings.Contains(r.Warnings[0].Problem, want) {
			t.Errorf("%s: warnings %v, want %q", scope, r.Warnings, want)
		}
	}
}

func TestPublishComparesAndRefuses(t *testing.T) {
	route := Route{Channel: phones{&platform{name: "sms"}}}
	t.Run("what would be sent has changed", func(t *testing.T) {
		h := newHouse(t, route)
		r := prepared(t, h, h.record(alerts.SeverityMinor, time.Hour))
		h.planner.Routes = []Route{{Channel: phones{&platform{name: "sms", render: oneMessage("changed")}}}}
		before := r.Clone()
		if err := h.planner.Publish(t.Context(), r, alerts.Act{}); !errors.Is(err, alerts.ErrStale) {
			t.Errorf("got %v, want ErrStale", err)
		}
		if len(h.log) != 0 || r.State != before.State || !r.Published.IsZero() {
			t.Error("something was published, or the record was touched")
		}
	})
	t.Run("Actual in memory", func(t *testing.T) {
		h := newHouse(t, route)
		h.promise.Memory = true
		r := h.record(alerts.SeverityMinor, time.Hour)
		if err := h.planner.Prepare(t.Context(), r); !errors.Is(err, alerts.ErrNotDurable) {
			t.Errorf("prepare: %v, want ErrNotDurable", err)
		}
		if err := h.planner.Publish(t.Context(), r, alerts.Act{}); !errors.Is(err, alerts.ErrNotDurable) {
			t.Errorf("publish: %v, want ErrNotDurable", err)
		}
	})
	t.Run("the store does not answer", func(t *testing.T) {
		h := newHouse(t, route)
		r := prepared(t, h, h.record(alerts.SeverityMinor, time.Hour))
		h.fault = func(op, _ string) (bool, bool) { return op == "publish", false }
		if err := h.planner.Publish(t.Context(), r, alerts.Act{}); !errors.Is(err, alerts.ErrUnavailable) || r.State != alerts.StateSubmitted {
			t.Errorf("got %v, state %s: want ErrUnavailable and an untouched record", err, r.State)
		}
	})
	t.Run("sent is set for own alerts only", func(t *testing.T) {
		h := newHouse(t, route)
		own, foreign := h.record(alerts.SeverityMinor, time.Hour), h.record(alerts.SeverityMinor, time.Hour)
		old := time.Date(2026, 1, 2, 3, 4, 5, 0, time.FixedZone("", 3600))
		own.Alert.Sent, foreign.Alert.Sent, foreign.Own = old, old, false
		h.issue(own)
		h.issue(foreign)
		if !foreign.Alert.Sent.Equal(old) {
			t.Errorf("a foreign alert's sent became %v", foreign.Alert.Sent)
		}
		if d := own.Published.Sub(own.Alert.Sent); d < 0 || d >= time.Second || own.Alert.Sent.Nanosecond() != 0 {
			t.Errorf("sent %v, published %v", own.Alert.Sent, own.Published)
		}
		if _, offset := own.Alert.Sent.Zone(); offset != 3600 {
			t.Errorf("sent lost its offset: %v", own.Alert.Sent)
		}
	})
}

func TestWhoIsAddressed(t *testing.T) {
	sms := Route{Channel: phones{&platform{name: "sms"}}}
	addressed := func(h *house, r *alerts.Record) []uint32 {
		var all []uint32
		for _, s := range h.pubs[r.ID].Spans {
			all = append(all, s.People...)
		}
		slices.Sort(all)
		return all
	}
	t.Run("each by language, from 0 without a gap", func(t *testing.T) {
		h := newHouse(t, sms)
		h.subscribe(2, "en")
		h.subscribe(3, "it")
		h.subscribe(1, "xx")
		r := h.issue(h.record(alerts.SeverityMinor, time.Hour))
		want := []Span{{"sms", 0, 0, 4, []uint32{2, 3, 4, 5}}, {"sms", 1, 4, 6, []uint32{0, 1}}}
		if got := h.pubs[r.ID].Spans; fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("spans %v, want %v", got, want)
		}
		if r.Reach != 6 || fmt.Sprint(r.Areas) != "[{ISTAT 047014}]" {
			t.Errorf("reach %d, areas %v", r.Reach, r.Areas)
		}
	})
	t.Run("a downgrade reaches whoever was told", func(t *testing.T) {
		h := newHouse(t, sms)
		h.subscribe(2, "it")
		for n := range uint32(2) {
			s := h.people[n]
			s.MinSeverity = alerts.SeveritySevere
			h.people[n] = s
		}
		first := h.issue(h.record(alerts.SeverityExtreme, time.Hour))
		h.subscribe(1, "it") // subscribes to all
		down := h.issue(h.next(first, alerts.ChangeUpdated, alerts.SeverityMinor))
		if got, want := addressed(h, down), []uint32{0, 1, 2}; !slices.Equal(got, want) {
			t.Errorf("the downgrade reaches %v, want %v", got, want)
		}
		h.subscribe(1, "it")
		over := h.next(down, alerts.ChangeEnded, alerts.SeverityMinor)
		h.issue(over)
		if got, want := addressed(h, over), []uint32{0, 1, 2}; !slices.Equal(got, want) {
			t.Errorf("the all-clear reaches %v, want exactly who was told: %v", got, want)
		}
	})
	t.Run("a Cancel without infos, by a key that knows no channel, goes the event's ways", func(t *testing.T) {
		h := newHouse(t, sms, Route{Channel: &platform{name: "social", render: oneMessage("x")}}, Route{Channel: &platform{name: "new", render: oneMessage("x")}})
		h.planner.Routes[0].Channel = phones{&platform{name: "sms", render: oneMessage("x")}}
		h.subscribe(3, "it")
		r := h.record(alerts.SeverityMinor, time.Hour)
		r.Channels = []string{"sms", "social"}
		h.issue(r)
		c := h.next(r, alerts.ChangeCancelled, alerts.SeverityMinor)
		c.Alert.Infos, c.Channels, c.Areas = nil, []string{"new"}, nil
		h.issue(c)
		if want := []string{"sms", "social", "new"}; !slices.Equal(c.Channels, want) {
			t.Errorf("channels %v, want %v", c.Channels, want)
		}
		if got := addressed(h, c); len(got) != 3 || fmt.Sprint(c.Areas) != "[{ISTAT 047014}]" {
			t.Errorf("it reaches %v in %v", got, c.Areas)
		}
	})
}

func TestSocialPlatformsAreNeverAlone(t *testing.T) {
	social, other, third := Route{Channel: &platform{name: "social"}, Social: true}, Route{Channel: &platform{name: "sms"}}, Route{Channel: &platform{name: "mail"}}
	for name, c := range map[string]struct {
		severity alerts.Severity
		routes   []Route
		warned   bool
	}{
		"severe, social alone":     {alerts.SeveritySevere, []Route{social}, true},
		"severe, social and one":   {alerts.SeveritySevere, []Route{social, other}, true},
		"severe, social and two":   {alerts.SeveritySevere, []Route{social, other, third}, false},
		"moderate, social alone":   {alerts.SeverityModerate, []Route{social}, false},
		"extreme, none social":     {alerts.SeverityExtreme, []Route{other}, false},
		"minor, no channel at all": {alerts.SeverityMinor, nil, true},
	} {
		t.Run(name, func(t *testing.T) {
			r := prepared(t, newHouse(t, c.routes...), newHouse(t).record(c.severity, time.Hour))
			if got := len(r.Warnings) > 0; got != c.warned {
				t.Errorf("warnings %v, want any=%v", r.Warnings, c.warned)
			}
		})
	}
}
