package alerts

import (
	"errors"
	"slices"
	"testing"
)

func TestOnlyItsAuthorTakesBackWhatWaits(t *testing.T) {
	m := newMemory()
	d := newDesk(m)
	author, approver := person("staff:a", VerbSubmit), person("staff:b", VerbApprove)
	r, outcome, err := submit(t, d, author, flood())
	if err != nil || outcome != OutcomeWaiting {
		t.Fatalf("%s, %v", outcome, err)
	}
	seen := Decision{Digest: r.Approved}
	if _, err := d.Recall(t.Context(), person("staff:c", VerbSubmit), r.ID, seen, noon); !errors.Is(err, ErrForbidden) {
		t.Errorf("another author: %v", err)
	}
	for range 2 {
		got, err := d.Recall(t.Context(), author, r.ID, seen, noon)
		if err != nil || got.State != StateReturned {
			t.Fatalf("got %v, %v", got, err)
		}
	}
	if _, err := d.Approve(t.Context(), approver, r.ID, seen, noon); !errors.Is(err, ErrStale) {
		t.Errorf("approved after it was taken back: %v", err)
	}
	acts, _ := m.Acts(t.Context(), r.Event)
	if n := len(slices.DeleteFunc(acts, func(a Act) bool { return a.Verb != "recalled" })); n != 1 {
		t.Errorf("%d acts", n)
	}
}

func TestAnApprovedRecordIsNotTakenBack(t *testing.T) {
	d := newDesk(newMemory())
	author := person("staff:a", VerbSubmit)
	r, _, err := submit(t, d, author, flood())
	if err != nil {
		t.Fatal(err)
	}
	if r, err = d.Approve(t.Context(), person("staff:b", VerbApprove), r.ID, Decision{Digest: r.Approved}, noon); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Recall(t.Context(), author, r.ID, Decision{Digest: r.Approved}, noon); !errors.Is(err, ErrStale) {
		t.Errorf("got %v", err)
	}
}

func TestTheChosenChannelsAreThoseOfTheKey(t *testing.T) {
	for what, c := range map[string]struct {
		may, chosen, want []string
		refused           bool
	}{
		"nothing chosen, no limit":         {nil, nil, []string{"outbox"}, false},
		"nothing chosen takes the limit":   {[]string{"sms"}, nil, []string{"sms"}, false},
		"some chosen, no limit":            {nil, []string{"sms"}, []string{"sms"}, false},
		"some chosen within the limit":     {[]string{"sms", "mail"}, []string{"mail"}, []string{"mail"}, false},
		"one chosen beyond the limit":      {[]string{"sms"}, []string{"sms", "mail"}, nil, true},
		"no channel at all: the page only": {[]string{"sms"}, []string{}, []string{}, false},
	} {
		t.Run(what, func(t *testing.T) {
			d := newDesk(newMemory())
			by := person("staff:a", VerbSubmit)
			by.Rights.Channels = c.may
			r, _, err := d.Submit(t.Context(), by, Submission{Alert: flood(), Own: true, Channels: c.chosen}, noon)
			if c.refused {
				if !errors.Is(err, ErrForbidden) {
					t.Errorf("got %v", err)
				}
				return
			}
			if err != nil || !slices.Equal(r.Channels, c.want) {
				t.Errorf("plan %#v, %v", r.Channels, err)
			}
		})
	}
}
