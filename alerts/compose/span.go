package compose

import (
	"fmt"
	"strings"
	"time"
	"unicode"

	"martinella/alerts/lexicon"
)

// twice gives the first and the second time that show the same clock as t on the
// same day; both are t but in the hour that comes twice. Zones shift by half an
// hour (Lord Howe) or by one.
func twice(t time.Time) (first, second time.Time) {
	for _, shift := range []time.Duration{30 * time.Minute, time.Hour} {
		for _, d := range []time.Duration{shift, -shift} {
			if o := t.Add(d); o.Format("02 15:04:05") == t.Format("02 15:04:05") {
				if o.After(t) {
					return t, o
				}
				return o, t
			}
		}
	}
	return t, t
}

// FormatTime writes a time so that [ParseTime] reads it: "22/11/2026 06:00", with
// seconds where there are any; in the first of two equal hours with its offset.
// A zero time is "". A nil zone is UTC.
func FormatTime(t time.Time, zone *time.Location) string {
	if t.IsZero() {
		return ""
	}
	if zone == nil {
		zone = time.UTC
	}
	t = t.In(zone).Truncate(time.Second)
	if first, second := twice(t); !first.Equal(second) && t.Equal(first) {
		return t.Format(time.RFC3339)
	}
	if t.Second() != 0 {
		return t.Format("02/01/2006 15:04:05")
	}
	return t.Format("02/01/2006 15:04")
}

// Span says a time and how long it is, in the zone: "Oggi 18:30 – domani 06:00
// (11 h 30 min)". A zero from is now; "" where until is zero or not after it. An
// hour that comes twice has its offset beside it. A nil zone is UTC.
func Span(from, until, now time.Time, zone *time.Location, lang string) string {
	if zone == nil {
		zone = time.UTC
	}
	if from.IsZero() {
		from = now
	}
	if until.IsZero() || !until.After(from) {
		return ""
	}
	from, until, now = from.In(zone), until.In(zone), now.In(zone)
	w := lexicon.For(lang)
	day, end := w.Day(from, now), w.Day(until, now)+" "
	if strings.TrimSpace(end) == day {
		end = ""
	}
	first := []rune(day)
	first[0] = unicode.ToUpper(first[0])
	return fmt.Sprintf("%s %s – %s%s (%s)", string(first), clockOf(from), end, clockOf(until), w.Long(until.Sub(from)))
}

func clockOf(t time.Time) string {
	if first, second := twice(t); !first.Equal(second) {
		return t.Format("15:04 (-07:00)")
	}
	return t.Format("15:04")
}
