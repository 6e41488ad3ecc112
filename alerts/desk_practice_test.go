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
