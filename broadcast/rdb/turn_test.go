package rdb

import (
	"testing"
	"time"
)

// One node listens at a time; one that gives its turn back, or says nothing any
// more, is followed by another.
func TestOneNodeListensAtATime(t *testing.T) {
	a := openServer(t)
	b := other(t, a, nil)
	one, two := queueOf(t, a, "bot"), queueOf(t, b, "bot")
	for i, step := range []struct {
		by   interface{ name() string }
		d    time.Duration
		want bool
	}{
		{first, time.Minute, true}, {second, time.Minute, false}, {first, time.Minute, true}, {second, 0, false}, {second, time.Minute, false},
		{first, 0, true}, {second, 50 * time.Millisecond, true}, {first, time.Minute, false},
	} {
		q := one
		if step.by == second {
			q = two
		}
		if has, err := q.Listening(t.Context(), step.d); err != nil || has != step.want {
			t.Errorf("step %d, the %s node for %v: %v, %v, want %v", i, step.by.name(), step.d, has, err, step.want)
		}
	}
	pause(t.Context(), 100*time.Millisecond) // the second one dies
	if has, err := one.Listening(t.Context(), time.Minute); err != nil || !has {
		t.Errorf("after the other one's time: %v, %v", has, err)
	}
	if has, err := queueOf(t, b, "another").Listening(t.Context(), time.Minute); err != nil || !has {
		t.Errorf("another channel: %v, %v", has, err)
	}
}

type which string

func (w which) name() string { return string(w) }

const first, second which = "first", "second"
