package compose

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"martinella/alerts"
	"martinella/alerts/lexicon"
)

// MostAhead is how far ahead a time may lie: what is further is a slip of the
// fingers.
const MostAhead = 366 * 24 * time.Hour

// ErrPast goes with a time that was read well and is past. [ParseTime] gives
// that time too: the beginning of an alert may be past, its end never.
var ErrPast = errors.New("is past")

// mostTyped is how long what is typed may be, in bytes.
const mostTyped = 100

// What a person is told of a time. See [Told] for the other language.
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

// moment is what the words of a time say.
type moment struct {
	dated             bool
	day, month, year  int // year 0: the nearest; day 0: days from today
	ahead             int
	weekday           int // 1 Sunday ... 7; 0 none
	clocked           bool
	hour, min, second int
}

var (
	isoForm   = regexp.MustCompile(`^(\d{4})-(\d{1,2})-(\d{1,2})(?:t(.+))?$`)
	dateForm  = regexp.MustCompile(`^(\d{1,2})[/.-](\d{1,2})(?:[/.-](\d{4}|\d{2})?)?$`)
	clockForm = regexp.MustCompile(`^(\d{1,2})[:.](\d{2})(?::(\d{2}))?(?:h|uhr)?$`)
	hourForm  = regexp.MustCompile(`^(\d{1,2})(h|uhr|am|pm)$`)
	bareForm  = regexp.MustCompile(`^(\d{1,2})\.?$`)
	yearForm  = regexp.MustCompile(`^\d{4}$`)
)

// fillers say nothing of themselves; the hours are words beside a bare hour.
var (
	fillers = []string{"il", "del", "dell", "di", "of", "on", "the", "den", "dem", "a", "at", "um", "der", "am", "fino", "until", "bis"}
	hours   = []string{"ore", "ora", "alle", "h", "uhr", "at", "um"}
)

// read takes the words in any order, and reports whether all have a meaning.
func (m *moment) read(s, lang string) bool {
	for _, name := range lexicon.Languages { // "day after tomorrow" is more than one word
		w := lexicon.For(name)
		s = strings.ReplaceAll(s, folded(w.AfterTomorrow), "+2")
	}
	words := strings.FieldsFunc(s, func(r rune) bool { return r == ' ' || r == ',' || r == '\'' || r == '’' })
	for i := 0; i < len(words); i++ {
		word, next := words[i], ""
		if i+1 < len(words) {
			next = words[i+1]
		}
		bare := bareForm.FindStringSubmatch(word)
		switch {
		case bare != nil && month(next) > 0:
			if !m.date(number(bare[1]), month(next), 0) {
				return false
			}
			i++
		case yearForm.MatchString(word) && m.dated && m.month > 0 && m.year == 0:
			m.year = number(word)
		case bare != nil && lang == "en" && (next == "am" || next == "pm"):
			if !m.half(number(bare[1]), 0, next) {
				return false
			}
			i++
		case bare != nil && (next == "h" || next == "uhr" || i > 0 && slices.Contains(hours, words[i-1])):
			if !m.clock(number(bare[1]), 0, 0) {
				return false
			}
		case slices.Contains(hours, word), slices.Contains(fillers, word):
		case !m.word(word, next, lang):
			return false
		case lang == "en" && (next == "am" || next == "pm") && clockForm.MatchString(word):
			i++
		}
	}
	return true
}

// word reads one word that stands for itself.
func (m *moment) word(word, next, lang string) bool {
	if iso := isoForm.FindStringSubmatch(word); iso != nil {
		return m.date(number(iso[3]), number(iso[2]), number(iso[1])) && (iso[4] == "" || m.word(iso[4], "", lang))
	}
	if d := dateForm.FindStringSubmatch(word); d != nil && number(d[2]) <= 12 && !m.dated {
		year := number(d[3])
		if len(d[3]) == 2 {
			year += 2000
		}
		return m.date(number(d[1]), number(d[2]), year)
	}
	if c := clockForm.FindStringSubmatch(word); c != nil {
		if lang == "en" && (next == "am" || next == "pm") {
			return m.half(number(c[1]), number(c[2]), next)
		}
		return m.clock(number(c[1]), number(c[2]), number(c[3]))
	}
	if h := hourForm.FindStringSubmatch(word); h != nil {
		if h[2] == "am" || h[2] == "pm" {
			return lang == "en" && m.half(number(h[1]), 0, h[2])
		}
		return m.clock(number(h[1]), 0, 0)
	}
	if word == "+2" {
		return m.days(2)
	}
	for _, name := range lexicon.Languages {
		w := lexicon.For(name)
		switch word {
		case folded(w.Today):
			return m.days(0)
		case folded(w.Tomorrow):
			return m.days(1)
		case folded(w.Midnight):
			return m.clock(24, 0, 0)
		case folded(w.Noon):
			return m.clock(12, 0, 0)
		}
		for i, day := range w.Weekdays {
			if word == folded(day) {
				m.weekday = i + 1
				return m.days(0)
			}
		}
	}
	return false
}

// month is the number of a month's name or of its beginning, 0 without one.
func month(word string) int {
	word = strings.TrimSuffix(word, ".")
	if len(word) < 3 {
		return 0
	}
	for _, name := range lexicon.Languages {
		for i, full := range lexicon.For(name).Months {
			if strings.HasPrefix(folded(full), word) {
				return i + 1
			}
		}
	}
	return 0
}

func (m *moment) date(day, month, year int) bool {
	again := m.dated
	m.dated, m.day, m.month, m.year = true, day, month, year
	return !again && day >= 1 && month >= 1
}

func (m *moment) days(n int) bool {
	again := m.dated
	m.dated, m.ahead = true, n
	return !again
}

func (m *moment) clock(hour, minute, second int) bool {
	again := m.clocked
	m.clocked, m.hour, m.min, m.second = true, hour, minute, second
	return !again && (hour < 24 && minute < 60 && second < 60 || hour == 24 && minute == 0 && second == 0)
}

// half is a clock of twelve hours.
func (m *moment) half(hour, minute int, half string) bool {
	if hour < 1 || hour > 12 {
		return false
	}
	hour %= 12
	if half == "pm" {
		hour += 12
	}
	return m.clock(hour, minute, 0)
}

// at is the time that is meant.
func (m *moment) at(now time.Time, zone *time.Location) (time.Time, error) {
	y, mo, d := now.Date()
	switch {
	case m.month > 0:
		return m.dateAt(now, zone)
	case m.weekday > 0:
		d += (m.weekday - 1 - int(now.Weekday()) + 7) % 7
		if t, err := m.on(y, mo, d, zone); err != nil || t.After(now) {
			return t, err
		}
		return m.on(y, mo, d+7, zone)
	case m.dated:
		return m.on(y, mo, d+m.ahead, zone)
	}
	if t, err := m.on(y, mo, d, zone); err != nil || t.After(now) {
		return t, err
	}
	return m.on(y, mo, d+1, zone)
}

// dateAt is a day of a month; without a year the nearest that there is.
func (m *moment) dateAt(now time.Time, zone *time.Location) (time.Time, error) {
	if m.day > 31 || m.month > 12 {
		return time.Time{}, alerts.Problem{Problem: noSuchDay, Hint: badTimeFix}
	}
	years := []int{m.year}
	if m.year == 0 {
		years = []int{now.Year(), now.Year() + 1, now.Year() - 1}
	}
	var best time.Time
	for _, y := range years {
		if day := time.Date(y, time.Month(m.month), m.day, 12, 0, 0, 0, time.UTC); day.Day() != m.day {
			continue
		}
		t, err := m.on(y, time.Month(m.month), m.day, zone)
		if err != nil {
			return t, err
		}
		if best.IsZero() || t.Sub(now).Abs() < best.Sub(now).Abs() {
			best = t
		}
	}
	if best.IsZero() {
		return best, alerts.Problem{Problem: noSuchDay, Hint: badTimeFix}
	}
	return best, nil
}

// on is the clock on a day; the days of a month may run over.
func (m *moment) on(y int, mo time.Month, d int, zone *time.Location) (time.Time, error) {
	if m.hour == 24 {
		next := moment{}
		return next.on(y, mo, d+1, zone)
	}
	t := time.Date(y, mo, d, m.hour, m.min, m.second, 0, zone)
	if t.Hour() != m.hour || t.Minute() != m.min {
		return time.Time{}, alerts.Problem{Problem: noSuchHour, Hint: otherHour}
	}
	if _, later := twice(t); later.After(t) {
		return later, nil
	}
	return t, nil
}

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

func number(s string) int {
	n, _ := strconv.Atoi(s) // the forms let at most four digits through
	return n
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
