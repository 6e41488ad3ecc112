package alerts

import (
	"errors"
	"strings"
	"testing"
	"time"
)

func TestDutyIsRungBeforeTheEndAndAtIt(t *testing.T) {
	end := noon.Add(6 * time.Hour)
	for sentence, tt := range map[string]struct {
		change func(*Alert)
		at     []time.Duration // from the end
		want   string
	}{
		"long before":                      {at: []time.Duration{-2 * time.Hour, -time.Hour - 1}},
		"an hour before":                   {at: []time.Duration{-time.Hour, -time.Hour + 15*time.Second}, want: "duty expires-60"},
		"both times and the end":           {at: []time.Duration{-time.Hour, -15 * time.Minute, -time.Minute, 0, time.Minute}, want: "duty expires-15, duty expires-60, duty lapsed"},
		"only the nearer one after a rest": {at: []time.Duration{-10 * time.Minute}, want: "duty expires-15"},
		"only the end after a long rest":   {at: []time.Duration{48 * time.Hour}, want: "duty lapsed"},
		"not for a Moderate":               {change: func(a *Alert) { a.Infos[0].Severity = "Moderate" }, at: []time.Duration{-time.Hour, -time.Minute, 0}},
		"not for an exercise":              {change: func(a *Alert) { a.Status = StatusExercise }, at: []time.Duration{-time.Hour, -time.Minute, 0}},
		"not for what was past when it was issued": {change: func(a *Alert) { a.Infos[0].Expires = noon.Add(30 * time.Minute) },
			at: []time.Duration{-6*time.Hour + 5*time.Minute}},
	} {
		t.Run(sentence, func(t *testing.T) {
			m, b := newMemory(), &bell{}
			one, two := newDesk(m), newDesk(m) // two nodes on one store
			one.Ringer, two.Ringer = b, b
			r := issued(t, one, append([]func(*Alert){}, func(a *Alert) {
				if tt.change != nil {
					tt.change(a)
				}
			})...)
			for _, at := range tt.at {
				for _, d := range []*Desk{one, two, one} {
					if _, err := d.Watch(t.Context(), end.Add(at)); err != nil {
						t.Fatal(err)
					}
				}
			}
			if got := b.heard(); got != tt.want {
				t.Errorf("rung %q, want %q", got, tt.want)
			}
			n := strings.Count(strings.Join(verbs(t, m, r.Event), " "), "rung")
			if want := len(b.rings) + len(b.asked); n != want {
				t.Errorf("%d acts of ringing, want %d", n, want)
			}
		})
	}
}

func TestExtending(t *testing.T) {
	station := person("boss", VerbApprove)
	end := noon.Add(6 * time.Hour)
	for sentence, tt := range map[string]struct {
		by     Person
		reason string
		until  time.Time
		now    time.Time
		proof  bool
		want   error
	}{
		"one person who approves":           {by: station, reason: "still rising", until: end.Add(time.Hour), now: noon},
		"one who issues":                    {by: person("x", VerbIssue), reason: "still rising", until: end.Add(time.Hour), now: noon},
		"at most 72 hours ahead":            {by: station, reason: "x", until: noon.Add(72 * time.Hour), now: noon},
		"not further":                       {by: station, reason: "x", until: noon.Add(72*time.Hour + 1), now: noon, want: ErrNotSendable},
		"not to an earlier end":             {by: station, reason: "x", until: end, now: noon, want: ErrNotSendable},
		"not without an end":                {by: station, reason: "x", now: noon, want: ErrNotSendable},
		"until the last moment":             {by: station, reason: "x", until: end.Add(time.Hour), now: end.Add(-1)},
		"not after the end":                 {by: station, reason: "x", until: end.Add(time.Hour), now: end, want: ErrNotSendable},
		"not without a reason":              {by: station, until: end.Add(time.Hour), now: noon, want: ErrInvalid},
		"not by who only submits":           {by: person("x", VerbSubmit), reason: "x", until: end.Add(time.Hour), now: noon, want: ErrForbidden},
		"not beyond one's limits":           {by: Person{ID: "x", Rights: Rights{Verbs: Verbs}}, reason: "x", until: end.Add(time.Hour), now: noon, want: ErrForbidden},
		"a person at the console proves it": {by: sitting("x", VerbApprove), reason: "x", until: end.Add(time.Hour), now: noon, want: ErrStepUp},
		"and then may":                      {by: sitting("x", VerbApprove), reason: "x", until: end.Add(time.Hour), now: noon, proof: true},
	} {
		t.Run(sentence, func(t *testing.T) {
			m := newMemory()
			d := newDesk(m)
			r := issued(t, d)
			with := Decision{Digest: r.Approved, Reason: tt.reason}
			if tt.proof {
				with.StepUp = StepUp{r.Approved, tt.now}
			}
			next, outcome, err := d.Extend(t.Context(), tt.by, r.ID, with, tt.until, tt.now)
			if !errors.Is(err, tt.want) {
				t.Fatalf("got %v, want %v", err, tt.want)
			}
			if tt.want != nil {
				if len(m.records) != 1 {
					t.Errorf("%d records are stored", len(m.records))
				}
				return
			}
			if outcome != OutcomeIssued || next.State != StateIssued || next.Change != ChangeUpdated || next.Supersedes != r.ID || !next.Alert.Expires().Equal(tt.until) {
				t.Errorf("outcome %s, %+v", outcome, next)
			}
			was := r.Alert.Clone()
			was.Infos[0].Expires = tt.until
			if got, want := digestOf(next.Alert.Infos), digestOf(was.Infos); got != want {
				t.Error("more than the end has changed")
			}
			if again, outcome, err := d.Extend(t.Context(), tt.by, r.ID, with, tt.until, tt.now); err != nil || outcome != OutcomeKnown || again.ID != next.ID {
				t.Errorf("again: %s, %v", outcome, err)
			}
			if _, _, err := d.Extend(t.Context(), tt.by, r.ID, with, tt.until.Add(-time.Minute), tt.now); !errors.Is(err, ErrStale) {
				t.Errorf("another end by an old digest: %v", err)
			}
		})
	}
}

func TestAnEventThatIsOverIsNotExtended(t *testing.T) {
	d := newDesk(newMemory())
	r := issued(t, d)
	boss := person("boss", VerbApprove)
	c, _, err := d.Cancel(t.Context(), boss, r.ID, Decision{Digest: r.Approved, Reason: "x"}, noon)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := d.Extend(t.Context(), boss, r.ID, Decision{Digest: c.Approved, Reason: "x"}, noon.Add(9*time.Hour), noon); !errors.Is(err, ErrStale) {
		t.Errorf("got %v", err)
	}
}

func TestResuming(t *testing.T) {
	boss := sitting("boss", VerbApprove)
	for sentence, tt := range map[string]struct {
		by    Person
		after time.Duration
		short bool // the alert ends ten minutes after noon
		clear bool // it was an all-clear
		want  error
	}{
		"within half an hour":            {by: boss, after: 30 * time.Minute},
		"not later":                      {by: boss, after: 30*time.Minute + 1, want: ErrNotSendable},
		"not what would be over":         {by: boss, after: 20 * time.Minute, short: true, want: ErrNotSendable},
		"not by who only submits":        {by: person("x", VerbSubmit), want: ErrForbidden},
		"not beyond one's limits":        {by: Person{ID: "x", Rights: Rights{Verbs: Verbs}}, want: ErrForbidden},
		"an all-clear is not taken back": {by: person("x", VerbApprove), clear: true, want: ErrStale},
	} {
		t.Run(sentence, func(t *testing.T) {
			m, b := newMemory(), &bell{}
			d := newDesk(m)
			d.Ringer = b
			r := issued(t, d, func(a *Alert) {
				if tt.short {
					a.Infos[0].Expires = noon.Add(10 * time.Minute)
				}
				if tt.clear {
					a.Infos[0].Severity = "Moderate"
				}
			})
			end := d.Cancel
			if tt.clear {
				end = d.AllClear
			}
			if _, _, err := d.Cancel(t.Context(), boss, r.ID, Decision{Digest: r.Approved, Reason: "by mistake"}, noon); !tt.clear && !errors.Is(err, ErrStepUp) {
				t.Fatalf("a cancel without a proof: %v", err)
			}
			c, _, err := end(t.Context(), sitting("boss", VerbIssue, VerbApprove), r.ID, sure(r, "by mistake", noon), noon)
			if err != nil {
				t.Fatal(err)
			}
			if got := b.heard(); !tt.clear && got != "office cancelled" {
				t.Errorf("rung %q", got)
			}
			now := noon.Add(tt.after)
			next, outcome, err := d.Resume(t.Context(), tt.by, r.ID, sure(c, "", now), now)
			if !errors.Is(err, tt.want) {
				t.Fatalf("got %v, want %v", err, tt.want)
			}
			if tt.want != nil {
				return
			}
			if outcome != OutcomeIssued || next.Event == r.Event || next.Resumes != r.Event || next.Alert.MsgType != MsgAlert || len(next.Alert.References) != 0 ||
				digestOf(next.Alert.Infos) != digestOf(r.Alert.Infos) || next.Alert.Identifier == r.Alert.Identifier {
				t.Errorf("outcome %s, %+v", outcome, next)
			}
			again, outcome, err := d.Resume(t.Context(), tt.by, r.ID, sure(c, "", now), now.Add(time.Hour))
			if err != nil || outcome != OutcomeKnown || again.ID != next.ID || len(m.records) != 3 {
				t.Errorf("again: %s, %v, %d records", outcome, err, len(m.records))
			}
		})
	}
}

func drill(id string, change ...func(*Alert)) func(*Alert) {
	return func(a *Alert) {
		a.Identifier, a.Status = id, StatusExercise
		for _, c := range change {
			c(a)
		}
	}
}

func TestARealAlertSuspendsExercises(t *testing.T) {
	m, b := newMemory(), &bell{}
	one, two := newDesk(m), newDesk(m)
	for i, d := range []*Desk{one, two} {
		d.Ringer = b
		d.Suspended = func(lang string) string { return "sospesa " + lang }
		first := d.NewID
		d.NewID = func(now time.Time) ID { return first(now) + ID('a'+byte(i)) }
	}
	first := issued(t, one, drill("drill-1"))
	second := issued(t, one, drill("drill-2", func(a *Alert) { a.Infos[0].Areas[0].Geocodes[0].Value = "099001" }))
	over := issued(t, one, drill("drill-3", func(a *Alert) { a.Infos[0].Expires = noon.Add(time.Minute) }))
	later := noon.Add(time.Hour)
	watch := func(d *Desk, at time.Time) int {
		t.Helper()
		w, err := d.Watch(t.Context(), at)
		if err != nil {
			t.Fatal(err)
		}
		return w.Suspended
	}
	if n := watch(one, later); n != 0 {
		t.Fatalf("%d suspended without a real alert", n)
	}
	by := person("station", VerbIssue)
	by.Rights.SelfApprove = true
	mild := flood(func(a *Alert) { a.Identifier, a.Infos[0].Severity = "mild", "Moderate" })
	if _, _, err := one.Submit(t.Context(), by, Submission{Alert: mild, Via: "api"}, later); err != nil {
		t.Fatal(err)
	}
	if n := watch(one, later); n != 0 {
		t.Fatalf("%d suspended by a Moderate", n)
	}
	real, _, err := one.Submit(t.Context(), by, Submission{Alert: flood(), Via: "api"}, later)
	if err != nil {
		t.Fatal(err)
	}
	if n := watch(one, later) + watch(two, later) + watch(one, later); n != 2 {
		t.Errorf("%d suspended by two nodes, want 2", n)
	}
	for _, r := range []*Record{first, second} {
		head, err := m.Get(t.Context(), r.Event, Published)
		if err != nil {
			t.Fatal(err)
		}
		if head.Change != ChangeCancelled || head.Alert.Status != StatusExercise || head.Alert.MsgType != MsgCancel || head.Alert.Infos[0].Description != "sospesa it-IT" ||
			head.Author.ID != "gateway" || head.Approver.ID != "gateway" {
			t.Errorf("%s ended as %+v", r.ID, head)
		}
		if acts, _ := m.Acts(t.Context(), r.Event); !strings.Contains(acts[len(acts)-2].Reason, string(real.Event)) || acts[len(acts)-2].Verb != "suspended" {
			t.Errorf("acts %+v", acts)
		}
	}
	if s := m.records[over.ID].State; s != StateLapsed {
		t.Errorf("an exercise that was over is %s", s)
	}
	// An exercise that is begun beside it stays, also when the real alert is
	// changed: somebody chose that.
	approver := person("boss", VerbApprove)
	if _, outcome, err := one.Submit(t.Context(), by, Submission{Alert: flood(drill("drill-4")), Via: "api"}, later.Add(29*time.Minute)); err != nil || outcome != OutcomeIssued {
		t.Fatalf("an exercise beside it: %s, %v", outcome, err)
	}
	if _, _, err = one.Extend(t.Context(), approver, real.ID, Decision{Digest: real.Approved, Reason: "x"}, noon.Add(9*time.Hour), later.Add(40*time.Minute)); err != nil {
		t.Fatal(err)
	}
	if n := watch(one, later.Add(41*time.Minute)); n != 0 {
		t.Errorf("%d suspended by a change of what was as grave before", n)
	}
}

// A public exercise of Severe is extended as an Actual is; what only practises
// asks nobody.
func TestExtendingAnExerciseNeedsAProofWhereItIsPublic(t *testing.T) {
	for _, practice := range []bool{false, true} {
		d := newDesk(newMemory())
		r := issued(t, d)
		r.Alert.Status, d.Policy.Practice = StatusExercise, practice
		if d.NeedsProofToExtend(r) == practice {
			t.Errorf("in practice %v: %v", practice, !practice)
		}
		r.Alert.Infos[0].Severity = SeverityModerate
		if d.NeedsProofToExtend(r) {
			t.Error("a moderate one asks for a proof")
		}
	}
}
