package volunteers

import (
	"slices"
	"strings"
	"time"

	"martinella/alerts"
)

// Testing says when everybody's contacts are tested. The zero value is never.
type Testing struct {
	Every  int       `json:"every"`            // months between two tests; 0: never by itself
	Day    int       `json:"day"`              // of the month, 1 to [TestDayMost]
	Hour   int       `json:"hour"`             // of the authority's clock, [TestDawn] to [TestDusk] - 1
	Days   int       `json:"days"`             // until a test ends; 0: [TestDays]
	Groups []string  `json:"groups,omitempty"` // any of them; none: everybody
	Since  time.Time `json:"since"`            // when this was set: the first test comes after it
}

// The bounds of [Testing]. Nobody is tested at night: from TestDusk to TestDawn
// of the authority's clock no question leaves, whatever somebody's own quiet
// hours say.
const (
	TestDays     = 3
	TestDaysMost = 14
	TestDayMost  = 28 // every month has it
	TestEvery    = 24 // months at most
	TestDawn     = 8
	TestDusk     = 20

	// TestLate is how long after its date a test may still begin: a date that is
	// longer ago is said, and not made up for.
	TestLate = 24 * time.Hour
	// TestWait is how long an answer is waited for before the next contact is
	// tried: a test is in no hurry, and who is at work answers in the evening.
	TestWait = 4 * time.Hour
)

// Problems is everything that is wrong with what is to be set.
func (t Testing) Problems() alerts.Problems {
	var ps alerts.Problems
	between := func(field string, n, least, most int, hint string) {
		if n < least || n > most {
			refuse(&ps, field, "is out of its bounds", hint)
		}
	}
	between("every", t.Every, 0, TestEvery, "0 (never) to 24 months")
	if t.Every > 0 {
		between("day", t.Day, 1, TestDayMost, "1 to 28, which every month has")
		between("hour", t.Hour, TestDawn, TestDusk-1, "8 to 19: nobody is tested at night")
	}
	between("days", t.Days, 0, TestDaysMost, "1 to 14 days; 3 is usual")
	if len(t.Groups) > ChosenMost {
		refuse(&ps, "groups", "is too long", "choose fewer; none at all is everybody")
	}
	return ps
}

// Length is how long a test lasts.
func (t Testing) Length() time.Duration {
	days := t.Days
	if days <= 0 {
		days = TestDays
	}
	return time.Duration(days) * 24 * time.Hour
}

// Dates gives the newest date at or before now and the next one after it, in the
// zone of now; zero where there is none.
func (t Testing) Dates(now time.Time) (last, next time.Time) {
	if t.Every <= 0 {
		return last, next
	}
	since := t.Since.In(now.Location())
	at := func(n int) time.Time {
		return time.Date(since.Year(), since.Month()+time.Month(n), t.Day, t.Hour, 0, 0, 0, now.Location())
	}
	first := 0
	if !at(0).After(t.Since) {
		first = 1
	}
	months := (now.Year()-since.Year())*12 + int(now.Month()) - int(since.Month())
	n := max((months-first)/t.Every-1, 0)
	for ; !at(first + n*t.Every).After(now); n++ {
		last = at(first + n*t.Every)
	}
	return last, at(first + n*t.Every)
}

// Morning is when somebody may be tested again, from now on: now, or where it is
// night the next morning, in the zone of now.
func Morning(now time.Time) time.Time {
	dawn := time.Date(now.Year(), now.Month(), now.Day(), TestDawn, 0, 0, 0, now.Location())
	switch {
	case now.Before(dawn):
		return dawn
	case now.Hour() >= TestDusk:
		return dawn.AddDate(0, 0, 1)
	}
	return now
}

// Tests reports whether a test asks somebody: who is in one of its groups, or
// anybody where it names none.
func (c Choice) Tests(p Profile) bool {
	return len(c.Groups) == 0 || slices.ContainsFunc(p.Groups, func(group string) bool {
		return slices.ContainsFunc(c.Groups, func(wanted string) bool { return strings.EqualFold(fold(group), fold(wanted)) })
	})
}
