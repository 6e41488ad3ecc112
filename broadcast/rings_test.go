package broadcast_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"martinella/alerts"
	"martinella/broadcast"
	"martinella/broadcast/broadcasttest"
	"martinella/broadcast/rdb"
	"martinella/channels"
)

// telephone is a channel that can call one person.
type telephone struct {
	phoneBook
	kind string
	mu   sync.Mutex
	said []string // "address: text"
	fail []error  // what the next calls answer
	hang bool
}

func (p *telephone) AddressKind() string { return p.kind }

func (p *telephone) Answer(ctx context.Context, to, text string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.hang {
		p.mu.Unlock()
		<-ctx.Done()
		p.mu.Lock()
		return ctx.Err()
	}
	if len(p.fail) > 0 {
		err := p.fail[0]
		p.fail = p.fail[1:]
		if err != nil {
			return err
		}
	}
	p.said = append(p.said, to+": "+text)
	return nil
}

func (p *telephone) heard() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.said)
}

// office is who may be called.
type office []broadcast.Colleague

func (o office) Crew(context.Context) ([]broadcast.Colleague, error) { return o, nil }

func colleague(id string, duty bool, contacts map[string]string, verbs ...alerts.Verb) broadcast.Colleague {
	return broadcast.Colleague{Person: alerts.Person{ID: id, Name: id, Rights: alerts.Rights{Verbs: verbs, Statuses: alerts.Statuses}}, Language: "it", Contacts: contacts, OnDuty: duty}
}

// switchboard is rings on a store in memory.
type switchboard struct {
	*broadcast.Rings
	store *rdb.Redis
	logs  *observer.ObservedLogs
}

func newSwitchboard(t *testing.T, shared *rdb.Shared, crew broadcast.Crew, routes ...broadcast.Route) *switchboard {
	t.Helper()
	store, err := rdb.Open(t.Context(), rdb.Config{Redis: rdb.Memory, Shared: shared, Authority: "valdemo"}, zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	core, logs := observer.New(zap.InfoLevel)
	s := &switchboard{store: store, logs: logs}
	s.Rings = broadcast.NewRings(broadcast.RingsConfig{
		Store: store, Records: store.Store(), Crew: crew, Routes: routes, PublicURL: "https://allerta.example", Authority: "Valdemo", Log: zap.New(core),
		Approves: func(_ context.Context, by alerts.Person, r *alerts.Record) (bool, error) {
			return by.Can(alerts.VerbApprove) && by.ID != r.Author.ID, nil
		},
	}, prometheus.NewRegistry())
	return s
}

// run runs it until the end of what f does.
func (s *switchboard) run(t *testing.T, f func()) {
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); _ = s.Run(ctx) }()
	f()
	stop()
	<-done
}

// ring stores a record and notes a ring for it.
func (s *switchboard) ring(t *testing.T, who alerts.Call, why alerts.Why, change ...func(*alerts.Record)) *alerts.Record {
	t.Helper()
	rec := broadcasttest.NewRecord(alerts.SeverityExtreme, "a")
	rec.Alert.Status = alerts.StatusActual
	for _, f := range change {
		f(rec)
	}
	if _, _, err := s.store.Store().Intake(t.Context(), rec, nil, broadcasttest.NewAct(rec, "submitted")); err != nil {
		t.Fatal(err)
	}
	ring := alerts.Ring{Who: who, Why: why, Record: rec, At: time.Now()}
	if _, err := s.store.Store().Ring(t.Context(), "rung:"+string(why), ring, broadcasttest.NewAct(rec, "rung")); err != nil {
		t.Fatal(err)
	}
	s.Rings.Ring(t.Context(), ring)
	return rec
}

func (s *switchboard) of(t *testing.T, rec *alerts.Record) *broadcast.Ringing {
	t.Helper()
	all, err := s.store.Rings(t.Context(), rec.Event)
	if err != nil || len(all) != 1 {
		t.Fatalf("rings %v, %v", all, err)
	}
	return all[0]
}

// bubble runs f in virtual time with a store that several nodes may share.
func bubble(t *testing.T, f func(t *testing.T, shared *rdb.Shared)) {
	synctest.Test(t, func(t *testing.T) {
		shared := rdb.NewShared()
		f(t, shared)
		shared.Close()
	})
}

func TestWhoIsRung(t *testing.T) {
	phone := func(n string) map[string]string { return map[string]string{"phone": n} }
	crew := office{
		colleague("anna", true, map[string]string{"phone": "+391", "email": "a@x.example"}, alerts.VerbSubmit),
		colleague("berta", false, phone("+392"), alerts.VerbApprove),
		colleague("carla", false, phone("+393"), alerts.VerbApprove),
		colleague("dora", false, phone("+394"), alerts.VerbRead),
		colleague("ezio", false, nil, alerts.VerbApprove),
	}
	nobody := office{colleague("anna", false, phone("+391"), alerts.VerbSubmit), colleague("berta", true, nil, alerts.VerbApprove)}
	for sentence, tt := range map[string]struct {
		crew    office
		who     alerts.Call
		why     alerts.Why
		change  func(*alerts.Record)
		want    string // addresses
		widened bool
	}{
		"duty, by every contact":                 {crew: crew, who: alerts.CallDuty, why: alerts.WhyLapsed, want: "+391 a@x.example"},
		"the office":                             {crew: crew, who: alerts.CallOffice, why: alerts.WhyCancelled, want: "+391 +392 +393 +394 a@x.example"},
		"all who decide":                         {crew: crew, who: alerts.CallEveryone, why: alerts.WhyAlone, want: "+392 +393"},
		"who may approve, but not the author":    {crew: crew, who: alerts.CallApprovers, why: alerts.WhyApproval, change: func(r *alerts.Record) { r.Author.ID = "berta" }, want: "+393"},
		"an exercise only where one may leave":   {crew: crew, who: alerts.CallApprovers, why: alerts.WhyApproval, change: func(r *alerts.Record) { r.Alert.Status = alerts.StatusExercise }, want: ""},
		"nobody on duty: the office":             {crew: crew[1:], who: alerts.CallDuty, why: alerts.WhyLapsed, want: "+392 +393 +394", widened: true},
		"nobody of them has a contact: the rest": {crew: nobody, who: alerts.CallDuty, why: alerts.WhyLapsed, want: "+391", widened: true},
		"never an author for their own approval": {crew: nobody, who: alerts.CallApprovers, why: alerts.WhyApproval, change: func(r *alerts.Record) { r.Author.ID = "anna" }, want: "", widened: true},
	} {
		t.Run(sentence, func(t *testing.T) {
			bubble(t, func(t *testing.T, shared *rdb.Shared) {
				sms, mail := &telephone{phoneBook: phoneBook{name: "sms"}, kind: "phone"}, &telephone{phoneBook: phoneBook{name: "mail"}, kind: "email"}
				s := newSwitchboard(t, shared, tt.crew, broadcast.Route{Channel: sms}, broadcast.Route{Channel: mail})
				defer s.store.Close()
				var rec *alerts.Record
				s.run(t, func() {
					rec = s.ring(t, tt.who, tt.why, func(r *alerts.Record) {
						if tt.change != nil {
							tt.change(r)
						}
					})
					time.Sleep(10 * time.Second)
				})
				var got []string
				for _, said := range append(sms.heard(), mail.heard()...) {
					to, text, _ := strings.Cut(said, ": ")
					got = append(got, to)
					if !strings.Contains(text, "https://allerta.example/console/a/"+string(rec.ID)) || !strings.Contains(text, "Temporali forti") {
						t.Errorf("said %q", text)
					}
				}
				slices.Sort(got)
				if strings.Join(got, " ") != tt.want {
					t.Errorf("rang %v, want %s", got, tt.want)
				}
				r := s.of(t, rec)
				if !r.Done || r.Widened != (tt.widened || tt.want == "") {
					t.Errorf("kept %+v", r)
				}
				loud := len(s.logs.FilterMessageSnippet("NOBODY WAS REACHED").All())
				if (loud == 1) != (tt.want == "") {
					t.Errorf("said %d times that nobody was reached", loud)
				}
			})
		})
	}
}

func TestARingInsists(t *testing.T) {
	dead, doubt, down := channels.Permanent(errors.New("no such number")), channels.Uncertain(errors.New("no answer")), errors.New("503")
	for sentence, tt := range map[string]struct {
		fail     []error
		second   bool // there is another provider
		after    time.Duration
		calls    int
		state    broadcast.LegState
		attempts int
	}{
		"until a provider takes it":              {fail: []error{down, down, down}, after: time.Minute, calls: 1, state: broadcast.LegAccepted, attempts: 4},
		"at another provider at once":            {fail: []error{down}, second: true, after: time.Second, calls: 1, state: broadcast.LegAccepted, attempts: 1},
		"not where there is no such number":      {fail: []error{dead}, after: time.Minute, state: broadcast.LegFailed, attempts: 1},
		"in doubt it is sent again":              {fail: []error{doubt}, after: time.Minute, calls: 1, state: broadcast.LegAccepted, attempts: 2},
		"but not for ever":                       {fail: []error{doubt, doubt, doubt, doubt}, after: time.Hour, state: broadcast.LegUncertain, attempts: 3},
		"when the provider wants to wait, later": {fail: []error{channels.RetryAfter(down, 10*time.Minute)}, after: 9 * time.Minute, state: broadcast.LegWaits, attempts: 1},
		"two hours, not for ever":                {fail: slices.Repeat([]error{down}, 100), after: 3 * time.Hour, state: broadcast.LegFailed, attempts: 30},
	} {
		t.Run(sentence, func(t *testing.T) {
			bubble(t, func(t *testing.T, shared *rdb.Shared) {
				one, two := &telephone{phoneBook: phoneBook{name: "one"}, kind: "phone", fail: tt.fail}, &telephone{phoneBook: phoneBook{name: "two"}, kind: "phone"}
				routes := []broadcast.Route{{Channel: one}}
				if tt.second {
					routes = append(routes, broadcast.Route{Channel: two})
				}
				s := newSwitchboard(t, shared, office{colleague("anna", true, map[string]string{"phone": "+391"})}, routes...)
				defer s.store.Close()
				var rec *alerts.Record
				s.run(t, func() {
					rec = s.ring(t, alerts.CallDuty, alerts.WhyLapsed)
					time.Sleep(tt.after)
				})
				leg := s.of(t, rec).Legs[0]
				if n := len(one.heard()) + len(two.heard()); n != tt.calls || leg.State != tt.state || leg.Attempts != tt.attempts {
					t.Errorf("%d calls, leg %+v", n, leg)
				}
			})
		})
	}
}

func TestARingOutlivesTheNodeThatNotedIt(t *testing.T) {
	bubble(t, func(t *testing.T, shared *rdb.Shared) {
		crew := office{colleague("anna", true, map[string]string{"phone": "+391"}), colleague("berta", true, map[string]string{"phone": "+392"})}
		sms := &telephone{phoneBook: phoneBook{name: "sms"}, kind: "phone", hang: true}
		first := newSwitchboard(t, shared, crew, broadcast.Route{Channel: sms})
		defer first.store.Close()
		var rec *alerts.Record
		first.run(t, func() { // it ends in the middle of the calls
			rec = first.ring(t, alerts.CallDuty, alerts.WhyLapsed)
			time.Sleep(time.Second)
		})
		sms.mu.Lock()
		sms.hang = false
		sms.mu.Unlock()
		if len(sms.heard()) != 0 {
			t.Fatal("somebody was called already")
		}
		second := newSwitchboard(t, shared, crew, broadcast.Route{Channel: sms})
		defer second.store.Close()
		second.run(t, func() { time.Sleep(2 * time.Minute) })
		if got := sms.heard(); len(got) != 2 || !second.of(t, rec).Done {
			t.Errorf("called %v, %+v", got, second.of(t, rec))
		}
	})
}

func TestNobodyIsRungForWhatIsDone(t *testing.T) {
	bubble(t, func(t *testing.T, shared *rdb.Shared) {
		sms := &telephone{phoneBook: phoneBook{name: "sms"}, kind: "phone"}
		s := newSwitchboard(t, shared, office{colleague("anna", true, map[string]string{"phone": "+391"}, alerts.VerbApprove)}, broadcast.Route{Channel: sms})
		defer s.store.Close()
		rec := s.ring(t, alerts.CallApprovers, alerts.WhyApproval)
		next := rec.Clone()
		next.State = alerts.StateRejected
		if err := s.store.Store().Move(t.Context(), rec, next, broadcasttest.NewAct(rec, "rejected")); err != nil {
			t.Fatal(err)
		}
		s.run(t, func() { time.Sleep(time.Minute) })
		if r := s.of(t, rec); len(sms.heard()) != 0 || r.Over != broadcast.OverSettled || !r.Done {
			t.Errorf("called %v, %+v", sms.heard(), r)
		}
		if legs := s.Test(t.Context(), office{}.one()); len(legs) != 1 || legs[0].State != broadcast.LegAccepted || !strings.Contains(sms.heard()[0], "Prova") {
			t.Errorf("trying it out: %v %v", legs, sms.heard())
		}
	})
}

func (office) one() broadcast.Colleague {
	return colleague("anna", false, map[string]string{"phone": "+391"})
}
