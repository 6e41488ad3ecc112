package channels

import (
	"errors"
	"testing"

	"martinella/alerts"
)

type covering []alerts.Value

func (c covering) Covers(Message) []alerts.Value { return c }

func TestWithinArea(t *testing.T) {
	one, two := alerts.Value{Name: "ISTAT", Value: "999001"}, alerts.Value{Name: "ISTAT", Value: "999002"}
	for name, c := range map[string]struct {
		approved, covers []alerts.Value
		want             error
	}{
		"the same":                {[]alerts.Value{one}, covering{one}, nil},
		"less than approved":      {[]alerts.Value{one, two}, covering{two}, nil},
		"the system in lower":     {[]alerts.Value{{Name: "istat", Value: "999001"}}, covering{one}, nil},
		"no area":                 {nil, covering{one}, ErrNoArea},
		"another area":            {[]alerts.Value{one}, covering{two}, ErrWider},
		"one more":                {[]alerts.Value{one}, covering{one, two}, ErrWider},
		"the code of a different": {[]alerts.Value{{Name: "EMMA_ID", Value: "999001"}}, covering{one}, ErrWider},
		"it does not say":         {[]alerts.Value{one}, nil, ErrWider},
	} {
		t.Run(name, func(t *testing.T) {
			err := WithinArea(covering(c.covers), Message{Areas: c.approved})
			if !errors.Is(err, c.want) || (err == nil) != (c.want == nil) {
				t.Fatalf("got %v, want %v", err, c.want)
			}
			if v, _ := VerdictOf(err); err != nil && v != VerdictPermanent {
				t.Errorf("the verdict is %s", v)
			}
		})
	}
}
