package alerts

import (
	"errors"
	"slices"
	"testing"
	"time"
)

func update(change ...func(*Alert)) *Alert {
	return flood(append([]func(*Alert){func(a *Alert) {
		a.Identifier, a.MsgType = "valdemo-2", MsgUpdate
		a.References = []Reference{{"pc@valdemo.example", "valdemo-1", noon}}
	}}, change...)...)
}

// Whoever changes an alert must be allowed to send what it replaces, and reach
// everybody whom that reached: else a limited key could silence another town.
func TestAChangeNeedsTheRightsOfWhatItReplaces(t *testing.T) {
	here := func(a *Alert) { a.Infos[0].Areas[0].Geocodes[0].Value = "048001" }
	for what, c := range map[string]struct {
		rights func(*Rights)
		field  string // refused for; "" is allowed
	}{
		"without limits":                        {func(*Rights) {}, ""},
		"a key of another area":                 {func(r *Rights) { r.Areas = []string{"048*"} }, "info[0].area[0].geocode[0]"},
		"a key for less severe alerts":          {func(r *Rights) { r.MaxSeverity = SeverityMinor }, "severity"},
		"a key that reaches fewer channels":     {func(r *Rights) { r.Channels = []string{"sms"} }, "channels"},
		"a key that speaks for somebody else":   {func(r *Rights) { r.Senders = []string{"x@y"} }, "sender"},
		"a key that speaks for the sender":      {func(r *Rights) { r.Senders = []string{"pc@valdemo.example"} }, ""},
		"a key of both areas, by name of code":  {func(r *Rights) { r.Areas = []string{"ISTAT=048*", "ISTAT=047999"} }, ""},
		"a key of the same digits, other codes": {func(r *Rights) { r.Areas = []string{"048*", "ZIP=047999"} }, "info[0].area[0].geocode[0]"},
	} {
		t.Run(what, func(t *testing.T) {
			m := newMemory()
			d := newDesk(m)
			first := issued(t, d, func(a *Alert) { a.Infos[0].Severity = SeverityModerate })
			by := person("key:x", VerbIssue)
			c.rights(&by.Rights)
			_, _, err := submit(t, d, by, update(minor, here))
			if c.field == "" {
				if err != nil || m.records[first.ID].State != StateSuperseded {
					t.Fatalf("got %v, the first is %s", err, m.records[first.ID].State)
				}
				return
			}
			var refusal *Refusal
			if !errors.As(err, &refusal) || !errors.Is(err, ErrForbidden) || !slices.ContainsFunc(refusal.Problems, func(p Problem) bool { return p.Field == c.field }) {
				t.Fatalf("got %v, want a refusal of %s", err, c.field)
			}
			if m.records[first.ID].State != StateIssued {
				t.Errorf("the first is %s", m.records[first.ID].State)
			}
		})
	}
}

func TestALoweredSeverityStillNeedsTheSecondPerson(t *testing.T) {
	d := newDesk(newMemory())
	issued(t, d)
	if _, outcome, err := submit(t, d, person("key:i", VerbIssue), update(minor)); err != nil || outcome != OutcomeWaiting {
		t.Errorf("got %v %v, want it to wait", outcome, err)
	}
}

func TestAChangeKeepsItsScope(t *testing.T) {
	for _, scopes := range [][2]Scope{{ScopePublic, ScopeRestricted}, {ScopeRestricted, ScopePublic}, {ScopePublic, ScopePrivate}} {
		for _, kind := range []MsgType{MsgUpdate, MsgCancel} {
			m := newMemory()
			d := newDesk(m)
			with := func(s Scope) func(*Alert) {
				return func(a *Alert) { a.Scope, a.Restriction, a.Addresses = s, "staff", []string{"outbox"} }
			}
			first := issued(t, d, with(scopes[0]))
			_, _, err := submit(t, d, person("key:i", VerbIssue, VerbApprove), update(with(scopes[1]), func(a *Alert) { a.MsgType = kind }))
			if !errors.Is(err, ErrNotSendable) || m.records[first.ID].State != StateIssued {
				t.Errorf("%s of a %s alert with scope %s: %v", kind, scopes[0], scopes[1], err)
			}
		}
	}
}

// Nobody can take the place of a closing by guessing its identifier.
func TestAnotherAlertCannotStandInForACancel(t *testing.T) {
	m := newMemory()
	d := newDesk(m)
	first := issued(t, d)
	// What an earlier version would have called the Cancel.
	trap, _, err := submit(t, d, person("key:t", VerbSubmit), flood(exercise, func(a *Alert) { a.Identifier = "valdemo-" + string(first.Event) + "-2-cancelled" }))
	if err != nil {
		t.Fatal(err)
	}
	c, outcome, err := d.Cancel(t.Context(), person("key:b", VerbApprove), first.Event, Decision{Digest: first.Approved, Reason: "per errore"}, noon)
	if err != nil || outcome != OutcomeIssued || c.Event != first.Event || c.Change != ChangeCancelled || m.records[first.ID].State != StateCancelled {
		t.Errorf("got %+v %v %v", c, outcome, err)
	}
	if m.records[trap.ID].State != StateSubmitted {
		t.Errorf("the other alert is %s", m.records[trap.ID].State)
	}
	if c.Alert.Note == "per errore" {
		t.Error("the reason is public")
	}
}

func TestTwoTextsOfAnAllClear(t *testing.T) {
	m := newMemory()
	d := newDesk(m)
	first := issued(t, d)
	say := func(by Person, text string) (*Record, Outcome) {
		t.Helper()
		r, outcome, err := d.AllClear(t.Context(), by, first.Event, Decision{Digest: first.Approved, Text: text}, noon)
		if err != nil {
			t.Fatal(err)
		}
		return r, outcome
	}
	author := person("key:a", VerbSubmit)
	one, _ := say(author, "TESTO A")
	again, _ := say(author, "TESTO A")
	if again.ID != one.ID {
		t.Error("the same text again is another record")
	}
	two, outcome := say(author, "TESTO B")
	if two.ID == one.ID || outcome != OutcomeWaiting || m.records[one.ID].State != StateRejected {
		t.Errorf("a corrected text: %v %v, the former is %s", two.ID, outcome, m.records[one.ID].State)
	}
	self := person("key:s", VerbIssue)
	self.Rights.SelfApprove = true
	if three, outcome := say(self, "TESTO C"); outcome != OutcomeIssued || three.Infos()[0].Description != "TESTO C" {
		t.Errorf("another person's own text: %v %q", outcome, three.Infos()[0].Description)
	}
}

// A Cancel whose first press was cut off after intake is finished by the next,
// though channels or wording have changed in between; and so is a submit.
func TestWhatACrashLeftIsRenderedAnew(t *testing.T) {
	m := newMemory()
	d := newDesk(m)
	first := issued(t, d)
	by := person("key:i", VerbIssue)
	left := d.closing(first, by, Decision{Reason: "x"}, ChangeCancelled, noon)
	left.Content, _ = d.Digest(left.Alert, true)
	if err := d.Publisher.Prepare(t.Context(), left); err != nil {
		t.Fatal(err)
	}
	if _, _, err := m.Intake(t.Context(), left, nil, Act{}); err != nil {
		t.Fatal(err)
	}
	m.wording = "new"
	c, outcome, err := d.Cancel(t.Context(), by, first.Event, Decision{Digest: first.Approved, Reason: "x"}, noon)
	if err != nil || outcome != OutcomeIssued || c.ID != left.ID {
		t.Errorf("cancel: got %v %v", outcome, err)
	}

	other := flood(minor, func(a *Alert) { a.Identifier = "valdemo-7" })
	if _, _, err := submit(t, d, person("key:i", VerbSubmit), other); err != nil {
		t.Fatal(err)
	}
	m.wording = "newer"
	if r, _, err := submit(t, d, by, other); err != nil || r.State != StateIssued {
		t.Errorf("submit again: %v %v", r.State, err)
	}
}

func TestACancelThatCameBeforeItsAlert(t *testing.T) {
	m := newMemory()
	d := newDesk(m)
	early, outcome, err := submit(t, d, person("key:a", VerbIssue), update(func(a *Alert) { a.MsgType = MsgCancel; a.Infos = nil }))
	if err != nil || outcome != OutcomeWaiting {
		t.Fatal(outcome, err)
	}
	first := issued(t, d)
	if _, err := d.Approve(t.Context(), person("key:b", VerbApprove), early.ID, Decision{Digest: early.Approved}, noon); !errors.Is(err, ErrStale) {
		t.Errorf("approved into nothing: %v", err)
	}
	if m.records[first.ID].State != StateIssued || m.records[early.ID].State != StateSubmitted {
		t.Errorf("states %s and %s", m.records[first.ID].State, m.records[early.ID].State)
	}
}

func TestAnAllClearOfAnotherSystemAlwaysLeaves(t *testing.T) {
	m := newMemory()
	d := newDesk(m)
	first := issued(t, d, func(a *Alert) { a.Infos[0].Severity = SeverityModerate })
	a := update(func(a *Alert) {
		a.Infos[0].ResponseTypes, a.Infos[0].Severity = []ResponseType{ResponseAllClear}, SeverityMinor
		a.Infos[0].Areas, a.Infos[0].Expires = nil, time.Time{}
	})
	r, outcome, err := d.Submit(t.Context(), person("key:i", VerbIssue), Submission{Alert: a, Problems: a.Problems()}, noon.Add(24*time.Hour))
	if err != nil || outcome != OutcomeIssued || r.Change != ChangeEnded || len(r.Areas) != 1 || m.records[first.ID].State != StateEnded {
		t.Errorf("got %+v %v %v", r, outcome, err)
	}
}

// What a crash left of a small alert waits for a second person where it would
// reach many by now, in earnest and as an exercise on real channels alike.
func TestWhatACrashLeftIsJudgedByWhomItReachesNow(t *testing.T) {
	for sentence, c := range map[string]struct {
		status   Status
		practice bool
		reach    int
		want     State
	}{
		"as few as before":                       {StatusActual, false, 900, StateIssued},
		"many by now":                            {StatusActual, false, 1001, StateSubmitted},
		"an exercise, many by now":               {StatusExercise, false, 1001, StateSubmitted},
		"an exercise in practice, many by now":   {StatusExercise, true, 1001, StateIssued},
		"a test on real channels, many by now":   {StatusTest, false, 1001, StateSubmitted},
		"a test on real channels, to as few":     {StatusTest, false, 1000, StateIssued},
		"a test in practice, as few as before":   {StatusTest, true, 900, StateIssued},
		"an exercise, exactly as many as may be": {StatusExercise, false, 1000, StateIssued},
	} {
		t.Run(sentence, func(t *testing.T) {
			m := newMemory()
			d := newDesk(m)
			d.Policy.Practice = c.practice
			by, a := person("key:i", VerbIssue), flood(func(a *Alert) { a.Infos[0].Severity, a.Status = "Minor", c.status })
			digest, err := d.Digest(a, false)
			if err != nil {
				t.Fatal(err)
			}
			left := d.received(by, Submission{Alert: a, Via: "api"}, digest, noon)
			m.reach = 900
			if err := d.Publisher.Prepare(t.Context(), left); err != nil {
				t.Fatal(err)
			}
			if _, _, err := m.Intake(t.Context(), left, nil, Act{}); err != nil {
				t.Fatal(err)
			}
			m.reach = c.reach
			r, outcome, err := submit(t, d, by, a)
			if err != nil || outcome != OutcomeKnown || r.State != c.want || m.records[left.ID].State != c.want {
				t.Errorf("%v %v, %s, want %s", outcome, err, m.records[left.ID].State, c.want)
			}
			if r.Reach != c.reach {
				t.Errorf("it says that it reaches %d, want %d", r.Reach, c.reach)
			}
		})
	}
}
