package alerts

import (
	"testing"
	"time"
)

// Operators are told once of what goes out, whichever node and however often it
// looks, and also where the node died before it could.
func TestOperatorsAreToldOfWhatGoesOut(t *testing.T) {
	for sentence, tt := range map[string]struct {
		change  func(*Alert)
		silent  bool // nobody is configured
		dies    bool // between publishing and telling
		mode    bool // practice
		later   time.Duration
		want    string
		retract bool
	}{
		"an alert in earnest":                   {want: "operators sent"},
		"of any severity":                       {change: func(a *Alert) { a.Infos[0].Severity = SeverityMinor }, want: "operators sent"},
		"an exercise on real channels":          {change: func(a *Alert) { a.Status = StatusExercise }, want: "operators sent"},
		"an exercise of a gateway in practice":  {change: func(a *Alert) { a.Status = StatusExercise }, mode: true},
		"nobody where none are named":           {silent: true},
		"after a death":                         {dies: true, later: time.Minute, want: "operators sent"},
		"not what went out long ago":            {dies: true, later: 2 * time.Hour},
		"what was taken back is told once more": {retract: true, want: "office cancelled, operators sent, operators sent"},
	} {
		t.Run(sentence, func(t *testing.T) {
			m, b := newMemory(), &bell{}
			one, two := newDesk(m), newDesk(m)
			one.Policy.Practice, two.Policy.Practice = tt.mode, tt.mode
			one.Ringer, two.Ringer = b, b
			one.TellSends, two.TellSends = !tt.silent && !tt.dies, !tt.silent
			r, _, err := submit(t, one, person("key:a", VerbSubmit), flood(func(a *Alert) {
				if tt.change != nil {
					tt.change(a)
				}
			}))
			if err == nil && r.State == StateSubmitted {
				r, err = one.Approve(t.Context(), person("key:b", VerbApprove), r.ID, Decision{Digest: r.Approved}, noon)
			}
			if err == nil && tt.retract {
				_, _, err = one.Cancel(t.Context(), person("key:b", VerbApprove), r.ID, Decision{Digest: r.Approved, Reason: "sent by mistake"}, noon)
			}
			if err != nil {
				t.Fatal(err)
			}
			one.TellSends = !tt.silent
			for range 3 {
				for _, d := range []*Desk{one, two} {
					if _, err := d.Watch(t.Context(), noon.Add(tt.later)); err != nil {
						t.Fatal(err)
					}
				}
			}
			if got := b.heard(); got != tt.want {
				t.Errorf("rung %q, want %q", got, tt.want)
			}
		})
	}
}
