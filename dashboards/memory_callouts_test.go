package dashboards

import (
	"context"
	"sync"
	"testing"
	"time"

	"martinella/alerts"
	"martinella/alerts/volunteers"
	"martinella/broadcast/callout"
)

// fakeCallouts is [Callouts] for one call and one volunteer, Marta, as a test sets it
// up. It keeps of the contract what pages see.
type fakeCallouts struct {
	Callouts // what no public page may ask for panics

	mu    sync.Mutex
	own   callout.OwnCall
	view  callout.View
	fail  error
	acts  []string // what changed: "coming 20", "arrived"
	asked int      // reads and writes
}

// The tokens of the test.
const (
	martasToken = "AAAAAQAAAaHKkPBhVJ_FrsZW"
	wallsToken  = "AAABoZq1cPnC7rV_8xkQ2mYd"
)

// sandbags is the call of the picture, open since a moment.
func sandbags(now time.Time) *volunteers.Call {
	return &volunteers.Call{V: 1, ID: "01JD0Q4W7N8R5T2V6X9ZABCDEF", Number: 417, Urgent: true, What: "Sacchi di sabbia in via del Ponte", Where: "Magazzino comunale, via delle Fornaci 4",
		Point: &alerts.Point{Lat: 45.65, Lon: 13.77}, Meet: now.Add(27 * time.Minute), Until: now.Add(27*time.Minute + 4*time.Hour), Bring: "Stivali, torcia, guanti, tesserino",
		Needs:    []volunteers.Need{{Skill: "", People: 5}, {Skill: "autista C", People: 2}, {Skill: "motopompa", People: 1}},
		Referent: volunteers.Referent{Name: "L. Bianchi", Phone: "+390400000000"}, State: volunteers.StateOpen, Opened: now.Add(-10 * time.Minute),
		By: alerts.By{ID: "staff:1", Name: "Coordinatrice Segreta"}, Waves: []volunteers.Wave{{At: now, People: 32}}}
}

// crew is the same call from the coordinator's side.
func crew(c *volunteers.Call, now time.Time) callout.View {
	v := callout.View{Call: c, Cursor: "1", Called: 32, Coming: 5, Perhaps: 3, Cannot: 9, Silent: 15, Arrived: 2,
		Needs: []volunteers.Filled{{Need: c.Needs[0], Coming: 5}, {Need: c.Needs[1], Coming: 1, Maybe: 2}, {Need: c.Needs[2]}}}
	put := func(n uint32, name, skill string, minutes int, here volunteers.Presence, overdue bool) {
		a := &volunteers.Answer{Kind: volunteers.Coming, Minutes: minutes, At: now, Note: "nota segreta"}
		v.People = append(v.People, callout.Seen{Entry: callout.Entry{Number: n, Leg: &volunteers.Leg{}, Answer: a, Presence: here}, Name: name, Phone: "+393470000001", Skill: skill, Fills: true,
			Expect: now.Add(time.Duration(minutes) * time.Minute), Overdue: overdue})
	}
	put(2, "Ada Rossi", "autista C", 10, volunteers.Presence{}, false)
	put(3, "Bruno Neri", "", 20, volunteers.Presence{}, false)
	put(4, "Chiara Verdi", "", -4, volunteers.Presence{}, false)
	put(5, "Dario Blu", "", 5, volunteers.Presence{Arrived: now.Add(-time.Minute)}, false)
	put(6, "Elena Gialli", "", 5, volunteers.Presence{Arrived: now.Add(-3 * time.Hour)}, true)
	return v
}

// openCall is a gateway with one open call.
func openCall(t testing.TB, change ...func(*Config)) (*gateway, *fakeCallouts) {
	t.Helper()
	now := time.Now()
	c := sandbags(now)
	f := &fakeCallouts{own: callout.OwnCall{Call: c, Number: 1, Name: "Marta", Language: "it-IT", Needed: 8, Coming: 5}, view: crew(c, now)}
	return open(t, append([]func(*Config){func(c *Config) { c.Callouts = f }}, change...)...), f
}

func (f *fakeCallouts) set(change func(f *fakeCallouts)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change(f)
}

func (f *fakeCallouts) did() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]string{}, f.acts...)
}

func (*fakeCallouts) Of(context.Context, uint32) ([]callout.Part, error) { return nil, nil }

// begin is the start of every method; the caller holds the lock.
func (f *fakeCallouts) begin(token, want string) error {
	f.asked++
	if f.fail != nil {
		return f.fail
	}
	if token != want {
		return callout.ErrToken
	}
	return nil
}

func (f *fakeCallouts) Own(_ context.Context, token string) (*callout.OwnCall, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.begin(token, martasToken); err != nil {
		return nil, err
	}
	own := f.own
	return &own, nil
}

func (f *fakeCallouts) Answer(_ context.Context, token string, a volunteers.Answer) (*callout.OwnCall, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.begin(token, martasToken); err != nil {
		return nil, err
	}
	if !f.own.Call.Paging(time.Now()) {
		return nil, callout.ErrOver
	}
	if before := f.own.Answer; before == nil || before.Kind != a.Kind || before.Minutes != a.Minutes {
		a.At = time.Now()
		f.own.Answer = &a
		f.acts = append(f.acts, string(a.Kind)+" "+itoa(a.Minutes))
	}
	own := f.own
	return &own, nil
}

func (f *fakeCallouts) Attend(_ context.Context, token string, what volunteers.Mark) (*callout.OwnCall, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.begin(token, martasToken); err != nil {
		return nil, err
	}
	changed, err := f.own.Presence.Set(what, time.Now())
	if changed {
		f.acts = append(f.acts, string(what))
	}
	own := f.own
	return &own, err
}

func (f *fakeCallouts) Board(_ context.Context, token string) (*callout.View, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.begin(token, wallsToken); err != nil {
		return nil, err
	}
	v := f.view
	return &v, nil
}
