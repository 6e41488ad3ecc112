package volunteers

import (
	"fmt"
	"math"
	"time"
)

// Code is what people call the call: "V-0417". It is made of the number alone.
func (c *Call) Code() string { return fmt.Sprintf("V-%04d", c.Number) }

// Needed is how many people all needs want together.
func (c *Call) Needed() int {
	n := 0
	for _, need := range c.Needs {
		n += max(need.People, 0)
	}
	return n
}

// FirstWave is how many people the first wave calls, as far as there are so many:
// [Choice.Times] for each one that a need wants.
func (c *Call) FirstWave() int {
	n := 0
	for _, need := range c.Needs {
		n += c.times(need.People)
	}
	return n
}

// times is how many are called for so many that are needed.
func (c *Call) times(people int) int {
	t := c.Choice.Times
	if t < 1 || math.IsNaN(t) {
		t = DefaultTimes
	}
	// A hair less, since 10 times 1.1 is a hair more than 11.
	return int(math.Ceil(float64(max(people, 0))*min(t, TimesMost) - 1e-9))
}

// Paging reports whether pages that ask somebody to come may still leave: the
// call is open, and the time at which it should be over has not come.
func (c *Call) Paging(now time.Time) bool {
	return c.State == StateOpen && now.Before(c.Until)
}

// NextTimer is when the call itself is to be looked at next, besides its legs:
// when the newest wave has had [Second.After] to answer and too few come, and
// when the call expires. It may lie in the past, where nobody looked in time;
// zero: never, since the call is over.
func (c *Call) NextTimer() time.Time {
	if c.State != StateOpen {
		return time.Time{}
	}
	if c.Second.After > 0 && len(c.Waves) > 0 && c.Filled.IsZero() && c.Short.IsZero() {
		if at := c.ShortFrom(); at.Before(c.Until) {
			return at
		}
	}
	return c.Until
}

// ShortFrom is from when on it counts as short that too few come: [Second.After]
// the newest wave, or since people were asked again for a place that is free again.
func (c *Call) ShortFrom() time.Time {
	at := c.newestWave()
	if len(c.Asked) > 0 && c.Freed.After(at) {
		at = c.Freed
	}
	return at.Add(c.Second.After)
}

func (c *Call) newestWave() time.Time {
	var at time.Time
	for _, w := range c.Waves {
		if w.At.After(at) {
			at = w.At
		}
	}
	return at
}
