package alerts

import (
	"context"
	"errors"
	"testing"
)

// A gateway that practises refuses an Actual in every act that would publish
// it, also one that was taken while the gateway was live, and nothing else.
func TestPracticeRefusesActualAndNothingElse(t *testing.T) {
	for _, status := range Statuses {
		t.Run(string(status), func(t *testing.T) {
			m := newMemory()
			d := newDesk(m)
			of := func(identifier string) func(*Alert) {
				return func(a *Alert) { a.Identifier, a.Status = identifier, status }
			}
			first := issued(t, d, of("before"))
			waiting, _, err := submit(t, d, person("key:a", VerbSubmit), flood(of("waiting")))
			if err != nil {
				t.Fatal(err)
			}
			published := func() (n int) {
				for _, r := range m.records {
					if r.State.Published() {
						n++
					}
				}
				return n
			}
			before, stored := published(), len(m.records)
			d.Policy.Practice = true
			other := person("key:b", VerbApprove)
			acts := []func() error{
				func() error {
					_, _, err := submit(t, d, person("key:a", VerbSubmit), flood(of("new")))
					return err
				},
				func() error {
					_, err := d.Approve(t.Context(), other, waiting.ID, Decision{Digest: waiting.Approved}, noon)
					return err
				},
				func() error {
					_, _, err := d.Cancel(t.Context(), other, first.ID, Decision{Digest: first.Approved, Reason: "x"}, noon)
					return err
				},
			}
			for i, act := range acts {
				if err := act(); errors.Is(err, ErrNotSendable) != (status == StatusActual) {
					t.Errorf("act %d: %v", i, err)
				}
			}
			if status == StatusActual && (published() != before || len(m.records) != stored) {
				t.Errorf("%d published and %d stored, want %d and %d", published(), len(m.records), before, stored)
			}
		})
	}
}

// forgetful is a store that keeps nothing.
type forgetful struct{ *memory }

func (forgetful) Prepare(context.Context, *Record) error { return ErrNotDurable }

func TestWhatTheStoreHasAgainstAnAlertIsSaidFirst(t *testing.T) {
	m := newMemory()
	d := newDesk(m)
	d.Publisher, d.Policy.Practice = forgetful{m}, true
	if _, _, err := submit(t, d, person("key:a", VerbSubmit), flood()); !errors.Is(err, ErrNotDurable) {
		t.Errorf("got %v, want ErrNotDurable", err)
	}
}

// Where nobody outside is reached one person is enough, and an exercise on real
// channels needs two as an alert does (DECISIONS 13).
func TestAnExerciseNeedsTwoWhereItReachesPeople(t *testing.T) {
	both := person("staff:a", VerbSubmit, VerbApprove)
	both.Session = true
	for _, practice := range []bool{true, false} {
		m := newMemory()
		m.reach = 5000
		d := newDesk(m)
		d.Policy.Practice = practice
		if _, got, err := submit(t, d, person("key:a", VerbIssue), flood(exercise, func(a *Alert) { a.Identifier = "at-once" })); err != nil || (got == OutcomeIssued) != practice {
			t.Errorf("practice %t: an Extreme exercise of who may issue is %s, %v", practice, got, err)
		}
		r, got, err := submit(t, d, both, flood(exercise))
		if err != nil || got != OutcomeWaiting {
			t.Fatalf("%s %v", got, err)
		}
		if two, err := d.NeedsSecond(t.Context(), r); err != nil || two == practice {
			t.Errorf("practice %t: needs a second person: %t, %v", practice, two, err)
		}
		if err := d.ApprovalRefusal(t.Context(), both, r); (err == nil) != practice || (err != nil && !errors.Is(err, ErrSecondPerson)) {
			t.Errorf("practice %t: its author, who may approve: %v", practice, err)
		}
		_, err = d.Approve(t.Context(), both, r.ID, Decision{Digest: r.Approved}, noon)
		if (err == nil) != practice {
			t.Errorf("practice %t: approved by its author: %v", practice, err)
		}
		if practice {
			if _, got, err := d.AllClear(t.Context(), both, r.ID, Decision{Digest: r.Approved}, noon); err != nil || got != OutcomeIssued {
				t.Errorf("the all-clear in practice: %s, %v", got, err)
			}
			continue
		}
		if _, may, err := d.AloneFrom(t.Context(), r); err != nil || may {
			t.Errorf("an exercise may be issued alone after a while: %v", err)
		}
		done, err := d.Approve(t.Context(), person("key:b", VerbApprove), r.ID, Decision{Digest: r.Approved}, noon)
		if err != nil {
			t.Fatal(err)
		}
		if _, got, err := d.AllClear(t.Context(), both, done.ID, Decision{Digest: done.Approved}, noon); err != nil || got != OutcomeWaiting {
			t.Errorf("the all-clear on real channels: %s, %v", got, err)
		}
		if _, got, err := d.Cancel(t.Context(), person("key:b", VerbApprove), done.ID, Decision{Digest: done.Approved, Reason: "over"}, noon); err != nil || got != OutcomeIssued {
			t.Errorf("taking it back: %s, %v", got, err)
		}
	}
}
