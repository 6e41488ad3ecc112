package alerts

import (
	"errors"
	"slices"
	"sync"
	"testing"
	"time"
)

func minor(a *Alert)    { a.Infos[0].Severity = SeverityMinor }
func exercise(a *Alert) { a.Status = StatusExercise }

func TestWhoMayIssueAlone(t *testing.T) {
	self := person("key:self", VerbIssue)
	self.Rights.SelfApprove = true
	for what, c := range map[string]struct {
		by    Person
		alert *Alert
		reach int
		want  Outcome
	}{
		"a key that submits waits even with an exercise":       {person("key:a", VerbSubmit), flood(exercise), 0, OutcomeWaiting},
		"a key that issues sends a minor alert":                {person("key:a", VerbIssue), flood(minor), 0, OutcomeIssued},
		"a key that issues waits with a severe one":            {person("key:a", VerbIssue), flood(), 0, OutcomeWaiting},
		"an extreme exercise on real channels waits":           {person("key:a", VerbIssue), flood(exercise), 0, OutcomeWaiting},
		"a severe test on real channels waits":                 {person("key:a", VerbIssue), flood(func(a *Alert) { a.Status = StatusTest }), 0, OutcomeWaiting},
		"a minor exercise goes":                                {person("key:a", VerbIssue), flood(minor, exercise), 0, OutcomeIssued},
		"a minor exercise to more than the limit waits":        {person("key:a", VerbIssue), flood(minor, exercise), 1001, OutcomeWaiting},
		"a key with the flag sends a severe exercise":          {self, flood(exercise), 0, OutcomeIssued},
		"a minor alert to more than the limit waits":           {person("key:a", VerbIssue), flood(minor), 1001, OutcomeWaiting},
		"a minor alert to exactly the limit goes":              {person("key:a", VerbIssue), flood(minor), 1000, OutcomeIssued},
		"a key with the flag sends a severe one":               {self, flood(), 0, OutcomeIssued},
		"even that key waits with an alert that has a warning": {self, flood(func(a *Alert) { a.Infos[0].Areas[0].Description = "" }), 0, OutcomeWaiting},
		"an update that names nothing known waits":             {self, flood(func(a *Alert) { a.MsgType = MsgUpdate; a.References = []Reference{{"x", "y", noon}} }), 0, OutcomeWaiting},
	} {
		t.Run(what, func(t *testing.T) {
			m := newMemory()
			m.reach = c.reach
			r, got, err := submit(t, newDesk(m), c.by, c.alert)
			if err != nil || got != c.want {
				t.Fatalf("got %v, %v; want %v", got, err, c.want)
			}
			if want := map[Outcome]State{OutcomeIssued: StateIssued, OutcomeWaiting: StateSubmitted}[c.want]; r.State != want || m.records[r.ID].State != want {
				t.Errorf("state is %s, stored %s; want %s", r.State, m.records[r.ID].State, want)
			}
		})
	}
}

func TestRefusals(t *testing.T) {
	limited := person("key:l", VerbIssue)
	limited.Rights = Rights{Verbs: []Verb{VerbIssue}, Areas: []string{"0479*"}, MaxSeverity: SeverityModerate, Statuses: []Status{StatusActual}, Hazards: []string{"Met"}}
	code := func(v string) func(*Alert) { return func(a *Alert) { a.Infos[0].Areas[0].Geocodes[0].Value = v } }
	for what, c := range map[string]struct {
		by    Person
		alert *Alert
		kind  error
		field string
	}{
		"no right to submit":                 {person("key:r", VerbRead), flood(), ErrForbidden, "key"},
		"another area":                       {limited, flood(minor, code("048017")), ErrForbidden, "info[0].area[0].geocode[0]"},
		"a drawn area with a limited key":    {limited, flood(minor, func(a *Alert) { a.Infos[0].Areas[0].Circles = []Circle{{Point{44, 11}, 3}} }), ErrForbidden, "info[0].area[0]"},
		"a higher severity":                  {limited, flood(), ErrForbidden, "severity"},
		"another status":                     {limited, flood(minor, exercise), ErrForbidden, "status"},
		"another hazard":                     {limited, flood(minor, func(a *Alert) { a.Infos[0].Categories = []Category{"Fire"} }), ErrForbidden, "info[0].category[0]"},
		"status of a key without a list":     {Person{ID: "key:n", Rights: Rights{Verbs: []Verb{VerbIssue}}}, flood(minor), ErrForbidden, "status"},
		"malformed: a required element":      {person("key:i", VerbIssue), flood(func(a *Alert) { a.Infos[0].Event = "" }), ErrInvalid, "info[0].event"},
		"expired":                            {person("key:i", VerbIssue), flood(func(a *Alert) { a.Infos[0].Expires = noon.Add(-time.Second) }), ErrNotSendable, "expires"},
		"no expiry":                          {person("key:i", VerbIssue), flood(func(a *Alert) { a.Infos[0].Expires = time.Time{} }), ErrNotSendable, "info[0].expires"},
		"no area":                            {person("key:i", VerbIssue), flood(func(a *Alert) { a.Infos[0].Areas = nil }), ErrNotSendable, "info[0].area"},
		"an area of words alone":             {person("key:i", VerbIssue), flood(func(a *Alert) { a.Infos[0].Areas[0].Geocodes = nil }), ErrNotSendable, "info[0].area"},
		"sent by a clock hours ahead":        {person("key:i", VerbIssue), flood(func(a *Alert) { a.Sent = noon.Add(2 * time.Hour) }), ErrNotSendable, "sent"},
		"an acknowledgement between systems": {person("key:i", VerbIssue), flood(func(a *Alert) { a.MsgType = MsgAck }), ErrNotSendable, "msgType"},
	} {
		t.Run(what, func(t *testing.T) {
			m := newMemory()
			_, _, err := submit(t, newDesk(m), c.by, c.alert)
			var refusal *Refusal
			if !errors.Is(err, c.kind) || !errors.As(err, &refusal) {
				t.Fatalf("got %v, want %v", err, c.kind)
			}
			if !slices.ContainsFunc(refusal.Problems, func(p Problem) bool { return p.Field == c.field && p.Hint != "" }) {
				t.Errorf("no problem names %s with a hint: %v", c.field, refusal.Problems)
			}
			if len(m.records)+len(m.acts) > 0 {
				t.Errorf("something was stored: %v", m.records)
			}
		})
	}
}

func TestAllProblemsAtOnce(t *testing.T) {
	_, _, err := submit(t, newDesk(newMemory()), person("key:i", VerbIssue), flood(func(a *Alert) {
		a.Status, a.Scope = "", "Town"
		a.Infos[0].Urgency, a.Infos[0].Expires, a.Infos[0].Areas = "Soon", time.Time{}, nil
	}))
	var refusal *Refusal
	if !errors.As(err, &refusal) {
		t.Fatal(err)
	}
	var got []string
	for _, p := range refusal.Problems {
		got = append(got, p.Field)
	}
	want := []string{"status", "scope", "info[0].urgency", "info[0].expires", "info[0].area"}
	if !slices.Equal(got, want) {
		t.Errorf("problems of %v, want %v", got, want)
	}
}

func TestTheSameAlertAgain(t *testing.T) {
	m, by := newMemory(), person("key:i", VerbIssue)
	d := newDesk(m)
	first, _, err := submit(t, d, by, flood(minor))
	if err != nil {
		t.Fatal(err)
	}
	// Again after its expiry: what is stored is answered, not judged anew.
	again, outcome, err := d.Submit(t.Context(), by, Submission{Alert: flood(minor)}, noon.Add(24*time.Hour))
	if err != nil || outcome != OutcomeKnown || again.ID != first.ID || len(m.records) != 1 {
		t.Errorf("got %v %v %v with %d records", again, outcome, err, len(m.records))
	}
	if _, _, err := submit(t, d, by, flood(minor, func(a *Alert) { a.Infos[0].Headline = "Altro" })); !errors.Is(err, ErrConflict) {
		t.Errorf("other content: got %v, want ErrConflict", err)
	}
}

func TestParallelEqualSubmitsAreOneEvent(t *testing.T) {
	m, by := newMemory(), person("key:i", VerbIssue)
	d := newDesk(m)
	var wg sync.WaitGroup
	got := make([]*Record, 100)
	for i := range got {
		wg.Go(func() {
			r, _, err := d.Submit(t.Context(), by, Submission{Alert: flood(minor), Via: "api"}, noon)
			if err != nil {
				t.Error(err)
			}
			got[i] = r
		})
	}
	wg.Wait()
	for _, r := range got {
		if r == nil || r.ID != got[0].ID || r.Cursor != got[0].Cursor || r.State != StateIssued {
			t.Fatalf("different answers: %+v and %+v", r, got[0])
		}
	}
}

// A gateway that died between intake and publishing left a submitted record;
// the sender's retry finishes it.
func TestARetryFinishesWhatACrashLeft(t *testing.T) {
	m, by := newMemory(), person("key:i", VerbIssue)
	d := newDesk(m)
	r, _, err := submit(t, d, person("key:i", VerbSubmit), flood(minor))
	if err != nil || r.State != StateSubmitted {
		t.Fatal(r, err)
	}
	again, outcome, err := submit(t, d, by, flood(minor))
	if err != nil || outcome != OutcomeKnown || again.State != StateIssued || again.ID != r.ID {
		t.Errorf("got %+v %v %v", again, outcome, err)
	}
}

func TestApproval(t *testing.T) {
	author, other := person("key:a", VerbSubmit, VerbApprove), person("key:b", VerbApprove)
	for what, c := range map[string]struct {
		by     Person
		digest func(*Record) Digest
		later  time.Duration
		before func(*memory)
		want   error
	}{
		"another person with the digest":     {by: other},
		"the author":                         {by: author, want: ErrSecondPerson},
		"somebody without the right":         {by: person("key:c", VerbIssue), want: ErrForbidden},
		"a stale digest":                     {by: other, digest: func(*Record) Digest { return "abc" }, want: ErrStale},
		"no digest":                          {by: other, digest: func(*Record) Digest { return "" }, want: ErrInvalid},
		"after the expiry":                   {by: other, later: 7 * time.Hour, want: ErrNotSendable},
		"after the wording of a channel has": {by: other, before: func(m *memory) { m.wording = "new" }, want: ErrStale},
	} {
		t.Run(what, func(t *testing.T) {
			m := newMemory()
			d := newDesk(m)
			r, _, err := submit(t, d, author, flood())
			if err != nil {
				t.Fatal(err)
			}
			if c.before != nil {
				c.before(m)
			}
			digest := r.Approved
			if c.digest != nil {
				digest = c.digest(r)
			}
			got, err := d.Approve(t.Context(), c.by, r.ID, Decision{Digest: digest}, noon.Add(c.later))
			if !errors.Is(err, c.want) {
				t.Fatalf("got %v, want %v", err, c.want)
			}
			if c.want != nil {
				if m.records[r.ID].State != StateSubmitted {
					t.Errorf("stored state %s after a refusal", m.records[r.ID].State)
				}
				return
			}
			if got.State != StateIssued || got.Approver.ID != other.ID || got.Author.ID != author.ID {
				t.Errorf("got %+v", got)
			}
			if again, err := d.Approve(t.Context(), c.by, r.ID, Decision{Digest: digest}, noon); err != nil || again.ID != got.ID {
				t.Errorf("approving again: %v", err)
			}
			if _, err := d.Approve(t.Context(), person("key:z", VerbApprove), r.ID, Decision{Digest: digest}, noon); !errors.Is(err, ErrStale) {
				t.Errorf("a second approver: got %v, want ErrStale", err)
			}
		})
	}
}

func TestAStaleApprovalCanBeReadAgain(t *testing.T) {
	m := newMemory()
	d := newDesk(m)
	r, _, _ := submit(t, d, person("key:a", VerbSubmit), flood())
	m.wording = "new"
	other := person("key:b", VerbApprove)
	if _, err := d.Approve(t.Context(), other, r.ID, Decision{Digest: r.Approved}, noon); !errors.Is(err, ErrStale) {
		t.Fatal(err)
	}
	now, _ := m.Get(t.Context(), r.ID, Newest)
	if _, err := d.Approve(t.Context(), other, r.ID, Decision{Digest: now.Approved}, noon); err != nil {
		t.Error(err)
	}
}

func TestReturnAndReject(t *testing.T) {
	d := newDesk(newMemory())
	other := person("key:b", VerbApprove)
	r, _, _ := submit(t, d, person("key:a", VerbSubmit), flood())
	if _, err := d.Return(t.Context(), other, r.ID, Decision{Digest: r.Approved}, noon); !errors.Is(err, ErrInvalid) {
		t.Errorf("without a reason: got %v, want ErrInvalid", err)
	}
	got, err := d.Return(t.Context(), other, r.ID, Decision{Digest: r.Approved, Reason: "manca la via"}, noon)
	if err != nil || got.State != StateReturned {
		t.Errorf("got %+v %v", got, err)
	}
	if _, err := d.Reject(t.Context(), other, r.ID, Decision{Digest: r.Approved, Reason: "no"}, noon); !errors.Is(err, ErrStale) {
		t.Errorf("reject after return: got %v, want ErrStale", err)
	}
	if _, err := d.Approve(t.Context(), other, r.ID, Decision{Digest: r.Approved}, noon); !errors.Is(err, ErrStale) {
		t.Errorf("approve after return: got %v, want ErrStale", err)
	}
}

func issued(t *testing.T, d *Desk, change ...func(*Alert)) *Record {
	t.Helper()
	r, _, err := submit(t, d, person("key:a", VerbSubmit), flood(change...))
	if err == nil {
		r, err = d.Approve(t.Context(), person("key:b", VerbApprove), r.ID, Decision{Digest: r.Approved}, noon)
	}
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestACancelNeedsOnePerson(t *testing.T) {
	m := newMemory()
	d := newDesk(m)
	r := issued(t, d)
	with := Decision{Digest: r.Approved, Reason: "inviata per errore"}
	if _, _, err := d.Cancel(t.Context(), person("key:a", VerbSubmit), r.Event, with, noon); !errors.Is(err, ErrForbidden) {
		t.Errorf("a key that only submits: got %v, want ErrForbidden", err)
	}
	c, outcome, err := d.Cancel(t.Context(), person("key:b", VerbApprove), r.Event, with, noon)
	if err != nil || outcome != OutcomeIssued || c.Change != ChangeCancelled || c.Revision != 2 || !c.Urgent() || !c.Expires().IsZero() {
		t.Fatalf("got %+v %v %v", c, outcome, err)
	}
	if old := m.records[r.ID]; old.State != StateCancelled || old.Closed != c.ID {
		t.Errorf("the alert is %s, closed by %q", old.State, old.Closed)
	}
	if ref := c.Alert.References; len(ref) != 1 || ref[0].Identifier != r.Alert.Identifier {
		t.Errorf("references %v", ref)
	}
	if again, outcome, err := d.Cancel(t.Context(), person("key:b", VerbApprove), r.Event, with, noon); err != nil || outcome != OutcomeKnown || again.ID != c.ID {
		t.Errorf("a second press: got %v %v", outcome, err)
	}
}

func TestAnAllClearOfASevereAlertWaits(t *testing.T) {
	d := newDesk(newMemory())
	r := issued(t, d)
	author := person("key:a", VerbSubmit, VerbIssue, VerbApprove)
	clear, outcome, err := d.AllClear(t.Context(), author, r.ID, Decision{Digest: r.Approved, Text: "Il fiume è rientrato"}, noon)
	if err != nil || outcome != OutcomeWaiting || clear.State != StateSubmitted || !clear.Alert.AllClear() {
		t.Fatalf("got %+v %v %v", clear, outcome, err)
	}
	if _, err := d.Approve(t.Context(), author, r.Event, Decision{Digest: clear.Approved}, noon); !errors.Is(err, ErrSecondPerson) {
		t.Errorf("its author: got %v, want ErrSecondPerson", err)
	}
	got, err := d.Approve(t.Context(), person("key:b", VerbApprove), r.Event, Decision{Digest: clear.Approved}, noon.Add(24*time.Hour))
	if err != nil || got.State != StateIssued || got.Change != ChangeEnded {
		t.Errorf("an all-clear leaves even late: got %+v %v", got, err)
	}
}

func TestChangesOfOthersAndOfNothing(t *testing.T) {
	issue := person("key:i", VerbIssue, VerbApprove)
	cancel := func(sender, identifier string, status Status) *Alert {
		return &Alert{Identifier: "c1", Sender: sender, Sent: noon, Status: status, MsgType: MsgCancel, Scope: ScopePublic,
			References: []Reference{{"pc@valdemo.example", identifier, noon}}}
	}
	for what, c := range map[string]struct {
		alert *Alert
		want  error
		state State
	}{
		"a Cancel of another sender's alert is refused": {cancel("thief@evil.example", "valdemo-1", StatusActual), ErrForbidden, ""},
		"an exercise Cancel of a real alert is refused": {cancel("pc@valdemo.example", "valdemo-1", StatusExercise), ErrNotSendable, ""},
		"a Cancel without info of its own alert goes":   {cancel("pc@valdemo.example", "valdemo-1", StatusActual), nil, StateIssued},
		"a Cancel of what is not known waits":           {cancel("pc@valdemo.example", "valdemo-9", StatusActual), nil, StateSubmitted},
	} {
		t.Run(what, func(t *testing.T) {
			d := newDesk(newMemory())
			first := issued(t, d)
			r, _, err := submit(t, d, issue, c.alert)
			if !errors.Is(err, c.want) {
				t.Fatalf("got %v, want %v", err, c.want)
			}
			if err != nil {
				return
			}
			if r.State != c.state {
				t.Errorf("state %s, want %s", r.State, c.state)
			}
			if c.state == StateIssued && (r.Event != first.Event || r.Severity() != SeveritySevere || r.Info("it", "it").Event != "Piena" || len(r.Areas) != 1) {
				t.Errorf("the Cancel has lost its event's words or area: %+v", r)
			}
		})
	}
}

func TestExpiryIsNoAllClear(t *testing.T) {
	m := newMemory()
	d := newDesk(m)
	r := issued(t, d)
	if n, err := d.Lapse(t.Context(), noon.Add(time.Hour)); n != 0 || err != nil {
		t.Errorf("before the expiry: %d %v", n, err)
	}
	for i, want := range []int{1, 0} {
		if n, err := d.Lapse(t.Context(), noon.Add(7*time.Hour)); n != want || err != nil {
			t.Errorf("sweep %d: got %d %v, want %d", i, n, err, want)
		}
	}
	if got := m.records[r.ID].State; got != StateLapsed {
		t.Errorf("state %s, want lapsed", got)
	}
}
