package compose

import (
	"errors"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"martinella/alerts"
)

// MostAhead is how far ahead a time may lie: what is further is a slip of the
// fingers.
const MostAhead = 366 * 24 * time.Hour

// ErrPast goes with a time that was read well and is past. [ParseTime] gives
// that time too: the beginning of an alert may be past, its end never.
var ErrPast = errors.New("is past")

// mostTyped is how long what is typed may be, in bytes.
const mostTyped = 100

// What a person is told of a time. Package lexicon has the Italian.
const (
	badTime    = "is not a time that can be read"
	badTimeFix = "write it like 22/11 06:00, 06:00, tomorrow 06:00 or +6 h"
	noClock    = "says no clock time"
	noClockFix = "add the hour, like 06:00"
	noSuchDay  = "is a day that no calendar has"
	noSuchHour = "does not exist: the clocks go forward in that hour"
	otherHour  = "write an hour earlier or later"
	tooFar     = "is more than a year away"
	checkYear  = "check the day, the month and the year"
	isPast     = "is past"
	laterTime  = "write a later time"
)

// ParseTime reads a time as people write it, in Italian, English or German
// whatever lang is; lang only lets "6 pm" stand in English.
//
//   - A date ("22/11", "22/11/2026", "22.11.", "22 novembre", "2026-11-22", "oggi",
//     "tomorrow", "Montag") and a clock ("06:00", "6.30", "ore 18", "24:00",
//     "mezzanotte"), in any order. Days come before months.
//   - A clock alone is the next such time after now. 24:00 and midnight are the
//     end of the day that is named, else the next midnight.
//   - A weekday is the next such day, today where the clock is still to come.
//   - A date without a year is the nearest one, before or after now.
//   - "+6 h", "+1 h 30 min", "+2 d", "tra 6 ore", "in 6 Stunden": from now on, to
//     the minute; a day is the same clock on another day.
//   - ISO 8601 with or without an offset; without one it is a time in the zone.
//   - An hour that comes twice, when summer time ends, is the second one, so that
//     an alert ends rather too late; an offset says which one is meant. An hour
//     that does not come at all, when summer time begins, is an error.
//
// The error is an alerts.Problem without a field. Where the time is past it
// wraps [ErrPast] and comes with the time; where it is over [MostAhead] away, or
// cannot be read, the time is zero. A nil zone is UTC.
func ParseTime(text string, now time.Time, zone *time.Location, lang string) (time.Time, error) {
	if zone == nil {
		zone = time.UTC
	}
	now = now.In(zone)
	if len(text) > mostTyped {
		return time.Time{}, alerts.Problem{Problem: badTime, Hint: badTimeFix}
	}
	t, err := instant(text, now, zone, lang)
	switch {
	case err != nil:
		return time.Time{}, err
	case t.After(now.Add(MostAhead)):
		return time.Time{}, alerts.Problem{Problem: tooFar, Hint: checkYear}
	case !t.After(now):
		return t, pastTime{}
	}
	return t, nil
}

// pastTime is the problem that wraps [ErrPast].
type pastTime struct{}

func (pastTime) problem() alerts.Problem {
	return alerts.Problem{Problem: isPast, Hint: laterTime, Level: alerts.LevelError}
}
func (p pastTime) Error() string { return p.problem().Error() }
func (pastTime) Unwrap() error   { return ErrPast }

// As makes it an alerts.Problem for errors.As.
func (p pastTime) As(to any) bool {
	if at, ok := to.(*alerts.Problem); ok {
		*at = p.problem()
		return true
	}
	return false
}

// instant reads the time, wherever it lies.
func instant(text string, now time.Time, zone *time.Location, lang string) (time.Time, error) {
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04Z07:00"} {
		if t, err := time.Parse(layout, strings.ToUpper(strings.TrimSpace(text))); err == nil {
			return t.In(zone), nil
		}
	}
	s := folded(text)
	if t, ok := ahead(s, now); ok {
		return t, nil
	}
	var m moment
	if !m.read(s, alerts.PrimaryLanguage(lang)) || !m.dated && !m.clocked {
		return time.Time{}, alerts.Problem{Problem: badTime, Hint: badTimeFix}
	}
	if !m.clocked {
		return time.Time{}, alerts.Problem{Problem: noClock, Hint: noClockFix}
	}
	return m.at(now, zone)
}

// folded is the text in lower case without accents and needless space.
func folded(text string) string {
	var b strings.Builder
	for _, r := range norm.NFKD.String(strings.ToLower(text)) {
		if !unicode.Is(unicode.Mn, r) {
			b.WriteRune(r)
		}
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

var (
	aheadForm = regexp.MustCompile(`^(?:\+|tra |fra |in )\s?((?:\d{1,4}\s?[a-z]+\s?(?:e |and |und )?)+)$`)
	spanForm  = regexp.MustCompile(`(\d{1,4})\s?([a-z]+)`)
)

// ahead reads a span from now on.
func ahead(s string, now time.Time) (time.Time, bool) {
	m := aheadForm.FindStringSubmatch(s)
	if m == nil {
		return time.Time{}, false
	}
	t := now
	for _, span := range spanForm.FindAllStringSubmatch(m[1], -1) {
		n, _ := strconv.Atoi(span[1]) // at most four digits
		switch span[2] {
		case "h", "ora", "ore", "hour", "hours", "std", "stunde", "stunden":
			t = t.Add(time.Duration(n) * time.Hour)
		case "m", "min", "minuto", "minuti", "minute", "minutes", "minuten":
			t = t.Add(time.Duration(n) * time.Minute)
		case "d", "g", "gg", "giorno", "giorni", "day", "days", "tag", "tage", "tagen":
			t = t.AddDate(0, 0, n)
		default:
			return time.Time{}, false
		}
	}
	if t.Equal(now) {
		return time.Time{}, false
	}
	return t.Truncate(time.Minute), true
}
