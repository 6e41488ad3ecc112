package alerts

import (
	"errors"
	"testing"
	"time"
)

// What the desk says before is what it does.
func TestARefusalIsKnownBefore(t *testing.T) {
	d := newDesk(newMemory())
	author, approver := sitting("author", VerbSubmit, VerbApprove), sitting("other", VerbApprove)
	r, _, err := submit(t, d, author, flood(extreme))
	if err != nil {
		t.Fatal(err)
	}
	for what, c := range map[string]struct {
		got, want error
	}{
		"its author approves":             {d.ApprovalRefusal(t.Context(), author, r), ErrSecondPerson},
		"another approves":                {d.ApprovalRefusal(t.Context(), approver, r), nil},
		"a reader approves":               {d.ApprovalRefusal(t.Context(), sitting("x", VerbRead), r), ErrForbidden},
		"one for exercises approves":      {d.ApprovalRefusal(t.Context(), Person{ID: "x", Rights: Rights{Verbs: []Verb{VerbApprove}}}, r), ErrForbidden},
		"its author alone at once":        {d.AloneRefusal(t.Context(), author, r, noon), ErrSecondPerson},
		"its author alone in time":        {d.AloneRefusal(t.Context(), author, r, noon.Add(AloneExtreme)), nil},
		"another alone":                   {d.AloneRefusal(t.Context(), sitting("third", VerbSubmit), r, noon.Add(time.Hour)), ErrSecondPerson},
		"who may not even submit, alone":  {d.AloneRefusal(t.Context(), approver, r, noon.Add(time.Hour)), ErrForbidden},
		"who reads reviews":               {d.ReviewRefusal(t.Context(), sitting("x", VerbRead), r), ErrForbidden},
		"who approves reviews, not alone": {d.ReviewRefusal(t.Context(), approver, r), nil},
	} {
		if !errors.Is(c.got, c.want) {
			t.Errorf("%s: %v, want %v", what, c.got, c.want)
		}
	}
	if grave, err := d.NeedsProof(t.Context(), r); err != nil || !grave {
		t.Errorf("an Extreme needs no proof: %v", err)
	}
}

func TestTheWayBackIsKnownBefore(t *testing.T) {
	m := newMemory()
	d := newDesk(m)
	by := sitting("other", VerbApprove)
	r, _, err := submit(t, d, person("author", VerbSubmit), flood())
	if err != nil {
		t.Fatal(err)
	}
	records := len(m.records)
	back, clear := d.Closing(r, by, ChangeCancelled, "", noon), d.Closing(r, by, ChangeEnded, "it is over", noon)
	if back.Alert.MsgType != MsgCancel || back.Supersedes != r.ID || back.Event != r.Event || !clear.Alert.AllClear() || clear.Infos()[0].Description != "it is over" {
		t.Errorf("got %+v and %+v", back.Alert, clear.Alert)
	}
	if len(m.records) != records || r.Alert.MsgType != MsgAlert {
		t.Error("something was stored or changed")
	}
}
