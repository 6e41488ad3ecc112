package alerts

import (
	"errors"
	"slices"
	"testing"
	"time"
)

// A sketch finds what Submit refuses, stores nothing, and foretells who must say
// yes.
func TestASketchIsWhatSubmitDoes(t *testing.T) {
	limited := person("key:l", VerbIssue)
	limited.Rights.Areas, limited.Rights.MaxSeverity = []string{"048*"}, SeverityModerate
	for what, c := range map[string]struct {
		by    Person
		alert *Alert
		reach int
		plan  []string
	}{
		"nothing is wrong":         {person("a", VerbIssue), flood(minor), 0, nil},
		"to many":                  {person("a", VerbIssue), flood(minor), 1001, nil},
		"who only submits":         {person("a", VerbSubmit), flood(minor), 0, nil},
		"who only reads":           {person("a", VerbRead), flood(minor), 0, nil},
		"beyond the rights":        {limited, flood(), 0, nil},
		"without an area":          {person("a", VerbIssue), flood(minor, func(a *Alert) { a.Infos[0].Areas = nil }), 0, nil},
		"it is over":               {person("a", VerbIssue), flood(minor, func(a *Alert) { a.Infos[0].Expires = noon.Add(-time.Hour) }), 0, nil},
		"an update of nothing":     {person("a", VerbIssue), flood(minor, func(a *Alert) { a.MsgType = MsgUpdate; a.References = []Reference{{"x", "y", noon}} }), 0, nil},
		"an exercise, very severe": {person("a", VerbIssue), flood(exercise), 5000, nil},
	} {
		t.Run(what, func(t *testing.T) {
			m := newMemory()
			m.reach = c.reach
			d := newDesk(m)
			s := Submission{Alert: c.alert, Own: true, Via: "console", Channels: c.plan}
			r, ps, err := d.Sketch(t.Context(), c.by, s, noon)
			if err != nil || r == nil || r.State != StateSubmitted {
				t.Fatalf("sketch %+v, %v", r, err)
			}
			if len(m.records) != 0 || len(m.acts) != 0 {
				t.Fatalf("a sketch was stored: %v", m.records)
			}
			r.Reach = c.reach
			alone, err := d.Alone(t.Context(), c.by, r)
			if err != nil {
				t.Fatal(err)
			}
			_, outcome, err := d.Submit(t.Context(), c.by, s, noon)
			var refused *Refusal
			switch {
			case errors.As(err, &refused):
				for _, p := range refused.Problems {
					if !slices.ContainsFunc(ps, func(have Problem) bool { return have.Field == p.Field }) {
						t.Errorf("Submit refuses %v, the sketch says %v", p, ps)
					}
				}
			case err != nil:
				t.Fatal(err)
			case len(ps.Errors()) > 0:
				t.Errorf("the sketch refuses what Submit takes: %v", ps)
			case alone != (outcome == OutcomeIssued):
				t.Errorf("alone is %v, the outcome %s", alone, outcome)
			}
		})
	}
}

func TestASketchOfAChange(t *testing.T) {
	m := newMemory()
	d := newDesk(m)
	self := person("key:self", VerbIssue)
	self.Rights.SelfApprove = true
	first, _, err := submit(t, d, self, flood())
	if err != nil {
		t.Fatal(err)
	}
	update := flood(minor, func(a *Alert) {
		a.Identifier, a.MsgType, a.References = "valdemo-2", MsgUpdate, []Reference{{a.Sender, "valdemo-1", noon}}
	})
	r, ps, err := d.Sketch(t.Context(), person("a", VerbIssue), Submission{Alert: update, Own: true}, noon)
	if err != nil || len(ps) > 0 || r.Supersedes != first.ID || r.Change != ChangeUpdated {
		t.Errorf("sketch %+v, %v, %v", r, ps, err)
	}
	if alone, err := d.Alone(t.Context(), person("a", VerbIssue), r); alone || err != nil {
		t.Errorf("a change of what is severe is made alone: %v", err)
	}
	d.Digest = func(*Alert, bool) (Digest, error) { return "", ErrUnavailable }
	if _, _, err := d.Sketch(t.Context(), self, Submission{Alert: update, Own: true}, noon); !errors.Is(err, ErrUnavailable) {
		t.Errorf("without a digest: %v", err)
	}
}
