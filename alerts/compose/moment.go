package compose

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"martinella/alerts"
	"martinella/alerts/lexicon"
)

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

func number(s string) int {
	n, _ := strconv.Atoi(s) // the forms let at most four digits through
	return n
}
