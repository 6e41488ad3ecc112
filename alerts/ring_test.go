package alerts

import (
	"testing"
	"time"
)

func TestWhoMayApproveIsRungForWhatWaits(t *testing.T) {
	for sentence, tt := range map[string]struct {
		by     Person
		change func(*Alert)
		want   int
	}{
		"a Severe that its author may not issue":     {by: person("key:a", VerbIssue), want: 1},
		"an author who only submits":                 {by: person("key:a", VerbSubmit), want: 1},
		"an exercise that waits":                     {by: person("key:a", VerbSubmit), change: func(a *Alert) { a.Status = StatusExercise }, want: 1},
		"not what is issued at once":                 {by: person("key:a", VerbIssue), change: func(a *Alert) { a.Infos[0].Severity = SeverityModerate }},
		"a severe exercise on real channels":         {by: person("key:a", VerbIssue), change: func(a *Alert) { a.Status = StatusExercise }, want: 1},
		"not an exercise that is issued at once":     {by: person("key:a", VerbIssue), change: func(a *Alert) { a.Status, a.Infos[0].Severity = StatusExercise, SeverityModerate }},
		"not for a key that was made to issue alone": {by: Person{ID: "key:a", Rights: Rights{Verbs: Verbs, Statuses: Statuses, SelfApprove: true}}},
	} {
		t.Run(sentence, func(t *testing.T) {
			m, b := newMemory(), &bell{}
			one, two := newDesk(m), newDesk(m)
			one.Ringer, two.Ringer = b, b
			a := flood(func(a *Alert) {
				if tt.change != nil {
					tt.change(a)
				}
			})
			r, outcome, err := submit(t, one, tt.by, a)
			if err != nil || (outcome == OutcomeWaiting) != (tt.want == 1) {
				t.Fatalf("outcome %s, %v", outcome, err)
			}
			for _, d := range []*Desk{one, two} {
				if _, err := d.Watch(t.Context(), noon.Add(time.Minute)); err != nil {
					t.Fatal(err)
				}
			}
			if len(b.asked) != tt.want {
				t.Fatalf("rung %d times, want %d", len(b.asked), tt.want)
			}
			if tt.want == 1 && (b.asked[0].Who != CallApprovers || b.asked[0].Record.ID != r.ID) {
				t.Errorf("rang %+v", b.asked[0])
			}
		})
	}
}

func TestTheWatchRingsWhereTheNodeDiedBeforeIt(t *testing.T) {
	m, b := newMemory(), &bell{}
	d := newDesk(m)
	r, _, err := submit(t, d, person("key:a", VerbSubmit), flood())
	if err != nil {
		t.Fatal(err)
	}
	clear(m.notes) // as if the call had never come to the store
	d.Ringer = b
	for _, at := range []time.Duration{askedBy - 1, askedBy, time.Minute} {
		if _, err := d.Watch(t.Context(), r.Received.Add(at)); err != nil {
			t.Fatal(err)
		}
		if want := map[bool]int{true: 0, false: 1}[at < askedBy]; len(b.asked) != want {
			t.Errorf("after %v rung %d times, want %d", at, len(b.asked), want)
		}
	}
}

func TestMayApprove(t *testing.T) {
	d := newDesk(newMemory())
	r, _, err := submit(t, d, person("key:a", VerbSubmit), flood())
	if err != nil {
		t.Fatal(err)
	}
	for sentence, tt := range map[string]struct {
		by   Person
		want bool
	}{
		"another one who approves":     {person("key:b", VerbApprove), true},
		"not the author":               {person("key:a", VerbApprove), false},
		"not one who only writes":      {person("key:b", VerbSubmit, VerbIssue), false},
		"not one for exercises alone":  {Person{ID: "key:b", Rights: Rights{Verbs: Verbs}}, false},
		"not one up to Moderate":       {Person{ID: "key:b", Rights: Rights{Verbs: Verbs, Statuses: Statuses, MaxSeverity: SeverityModerate}}, false},
		"not one of another territory": {Person{ID: "key:b", Rights: Rights{Verbs: Verbs, Statuses: Statuses, Areas: []string{"999999"}}}, false},
	} {
		if got, err := d.MayApprove(t.Context(), tt.by, r); err != nil || got != tt.want {
			t.Errorf("%s: %v, %v", sentence, got, err)
		}
	}
}
