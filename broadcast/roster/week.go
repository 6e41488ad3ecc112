package roster

import (
	"cmp"
	"regexp"
	"slices"
	"strings"
	"time"

	"martinella/alerts"
	"martinella/alerts/volunteers"
)

// Week is the days as people here count them.
var Week = []time.Weekday{time.Monday, time.Tuesday, time.Wednesday, time.Thursday, time.Friday, time.Saturday, time.Sunday}

var (
	dayShort = map[time.Weekday]string{time.Monday: "lun", time.Tuesday: "mar", time.Wednesday: "mer", time.Thursday: "gio", time.Friday: "ven", time.Saturday: "sab", time.Sunday: "dom"}
	dayNames = map[time.Weekday][]string{
		time.Monday: {"lunedi", "monday"}, time.Tuesday: {"martedi", "tuesday"}, time.Wednesday: {"mercoledi", "wednesday"}, time.Thursday: {"giovedi", "thursday"},
		time.Friday: {"venerdi", "friday"}, time.Saturday: {"sabato", "saturday"}, time.Sunday: {"domenica", "sunday"},
	}
	manyDays = map[string][2]time.Weekday{
		"feriali": {time.Monday, time.Friday}, "weekdays": {time.Monday, time.Friday}, "weekend": {time.Saturday, time.Sunday}, "tutti": {time.Monday, time.Sunday}, "daily": {time.Monday, time.Sunday},
	}
	atAnyTime = map[string]string{"sempre": "", "always": ""}
	spanForm  = regexp.MustCompile(`^(\d{1,2})(?:[:.](\d{2}))?-(\d{1,2})(?:[:.](\d{2}))?$`)
)

// wholeDay is a shift of a day for which no hours are named.
var wholeDay = volunteers.Shift{From: "00:00", To: "24:00"}

const weekRemedy = "write it like lun-ven 18:00-23:00; sab 08:00-20:00, or sempre"

// Weekly reads "lun-ven 18:00-23:00; sab 08:00-20:00", in Italian or English: when
// somebody can be called, in the authority's local time. A day without hours is
// the whole day; "sempre" or "always" is no shift, which means at any time.
func Weekly(text string) ([]volunteers.Shift, *alerts.Problem) {
	if _, any := known(atAnyTime, text); any {
		return nil, nil
	}
	var out []volunteers.Shift
	parts, m := several(text, ";|\n\r")
	if m != nil {
		return nil, m
	}
	for _, part := range parts {
		read := shifts(part)
		if len(read) == 0 {
			return nil, &alerts.Problem{Problem: "the hours are " + shown(part), Hint: weekRemedy}
		}
		for _, s := range read {
			if !slices.Contains(out, s) {
				out = append(out, s)
			}
		}
	}
	if len(out) > mostSpans {
		return nil, &alerts.Problem{Problem: "there are too many", Hint: weekRemedy}
	}
	return out, nil
}

var plainWeek = strings.NewReplacer("ì", "i", "í", "i", "–", "-", "—", "-", "i'", "i", "i’", "i")

// shifts reads one part: days, then hours; none where it cannot be read.
func shifts(part string) (out []volunteers.Shift) {
	part = plainWeek.Replace(strings.ToLower(part))
	words := strings.FieldsFunc(strings.Join(aroundHyphens(part), ""), func(c rune) bool { return c == ' ' || c == ',' || c == '\t' })
	var named []time.Weekday
	var spans []volunteers.Shift
	for _, word := range words {
		if word == "e" || word == "and" || word == "dalle" || word == "ore" {
			continue
		}
		if m := spanForm.FindStringSubmatch(word); m != nil {
			from, to := clock(m[1], m[2]), clock(m[3], m[4])
			if from == "" || from == "24:00" || to == "" {
				return nil
			}
			spans = append(spans, volunteers.Shift{From: from, To: to})
			continue
		}
		some := daysOf(word)
		if len(some) == 0 || len(spans) > 0 {
			return nil
		}
		named = append(named, some...)
	}
	if len(spans) == 0 {
		spans = []volunteers.Shift{wholeDay}
	}
	for _, s := range spans {
		for _, d := range named {
			s.Day = d
			out = append(out, s)
		}
	}
	return out
}

// aroundHyphens is the text without blanks around hyphens.
func aroundHyphens(s string) []string {
	parts := strings.Split(s, "-")
	for i := range parts {
		if i > 0 {
			parts[i] = "-" + strings.TrimLeft(parts[i], " \t")
		}
		if i < len(parts)-1 {
			parts[i] = strings.TrimRight(parts[i], " \t")
		}
	}
	return parts
}

func clock(hour, minute string) string {
	if minute == "" {
		minute = "00"
	}
	if hour == "24" && minute == "00" {
		return "24:00"
	}
	return hourOf(hour + ":" + minute)
}

// daysOf reads "lun", "lunedi-venerdi" or "weekend".
func daysOf(word string) []time.Weekday {
	from, to, span := strings.Cut(word, "-")
	first, ok := dayNamed(from)
	last := first
	if span {
		var more bool
		last, more = dayNamed(to)
		ok = ok && more
	} else if many, is := manyDays[word]; is {
		first, last, ok = many[0], many[1], true
	}
	if !ok {
		return nil
	}
	out := []time.Weekday{first}
	for d := first; d != last; {
		d = (d + 1) % 7
		out = append(out, d)
	}
	return out
}

func dayNamed(word string) (time.Weekday, bool) {
	word = strings.TrimSuffix(word, ".")
	if len(word) < 3 {
		return 0, false
	}
	for _, d := range Week {
		for _, name := range dayNames[d] {
			if strings.HasPrefix(name, word) {
				return d, true
			}
		}
	}
	return 0, false
}

// WriteWeekly is what [Weekly] reads back.
func WriteWeekly(all []volunteers.Shift) string {
	var parts []string
	for i := 0; i < len(all); {
		first := all[i]
		n := 1
		for i+n < len(all) && n < 7 && all[i+n] == (volunteers.Shift{Day: (first.Day + time.Weekday(n)) % 7, From: first.From, To: first.To}) {
			n++
		}
		part := dayShort[first.Day]
		if n > 1 {
			part += "-" + dayShort[all[i+n-1].Day]
		}
		if first.From != wholeDay.From || first.To != wholeDay.To {
			part += " " + first.From + "-" + first.To
		}
		parts = append(parts, part)
		i += n
	}
	return strings.Join(parts, "; ")
}

// SortWeek puts shifts with the same hours together, day by day.
func SortWeek(all []volunteers.Shift) {
	slices.SortFunc(all, func(a, b volunteers.Shift) int {
		return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To), cmp.Compare((a.Day+6)%7, (b.Day+6)%7))
	})
}

// Words that begin an exception.
var absences = map[string]bool{"assente": false, "via": false, "away": false, "presente": true, "there": true}

const exceptionRemedy = "write it like assente 2026-08-01/2026-08-15; presente 2026-09-05T18:00/2026-09-05T23:00"

// Exceptions reads "assente 2026-08-01/2026-08-15": days with the last one, or
// moments, of the zone where they name none.
func Exceptions(text string, zone *time.Location) ([]volunteers.Exception, *alerts.Problem) {
	var out []volunteers.Exception
	parts, m := several(text, ";|\n\r")
	if m != nil {
		return nil, m
	}
	for _, part := range parts {
		words := strings.Fields(part)
		there, ok := false, len(words) == 2
		if ok {
			there, ok = absences[strings.ToLower(words[0])]
		}
		var e volunteers.Exception
		if ok {
			from, to, span := strings.Cut(words[1], "/")
			if !span {
				to = from
			}
			e, ok = Away(from, to, there, zone)
		}
		if !ok {
			return nil, &alerts.Problem{Problem: "the exception is " + shown(part), Hint: exceptionRemedy}
		}
		out = append(out, e)
	}
	return out, nil
}

// Away makes an exception of two days, the last one included, or of two moments;
// false where they cannot be read, or end before they begin.
func Away(from, to string, there bool, zone *time.Location) (volunteers.Exception, bool) {
	begin, _, ok := moment(from, zone)
	end, whole, okToo := moment(to, zone)
	if !ok || !okToo {
		return volunteers.Exception{}, false
	}
	if whole {
		end = end.AddDate(0, 0, 1)
	}
	return volunteers.Exception{From: begin.UTC(), To: end.UTC(), There: there}, begin.Before(end)
}

func moment(text string, zone *time.Location) (at time.Time, whole, ok bool) {
	if at, ok := dayOf(text, zone); ok {
		return at, true, true
	}
	for _, form := range []string{time.RFC3339Nano, "2006-01-02T15:04"} {
		if at, err := time.ParseInLocation(form, text, zone); err == nil && at.Year() >= 1900 && at.Year() < 10000 {
			return at, false, true
		}
	}
	return time.Time{}, false, false
}

// WriteExceptions is what [Exceptions] reads back in the same zone.
func WriteExceptions(all []volunteers.Exception, zone *time.Location) string {
	parts := make([]string, len(all))
	for i, e := range all {
		word := "assente "
		if e.There {
			word = "presente "
		}
		from, to := e.From.In(zone), e.To.In(zone)
		if last := to.AddDate(0, 0, -1); midnight(from) && midnight(to) && from.Before(to) {
			parts[i] = word + from.Format(time.DateOnly) + "/" + last.Format(time.DateOnly)
			continue
		}
		parts[i] = word + e.From.UTC().Format(time.RFC3339Nano) + "/" + e.To.UTC().Format(time.RFC3339Nano)
	}
	return strings.Join(parts, "; ")
}

func midnight(at time.Time) bool {
	y, m, d := at.Date()
	return at.Equal(time.Date(y, m, d, 0, 0, 0, 0, at.Location()))
}
