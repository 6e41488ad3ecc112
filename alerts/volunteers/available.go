package volunteers

import (
	"slices"
	"strings"
	"time"
)

// Has reports whether the volunteer has a skill, with a certificate that holds
// on the day of at; everybody has the skill "". The day is that of at in its own
// zone, which is to be the authority's; that of the certificate is the date that
// [Skill.Until] bears in its own zone.
func (p Profile) Has(skill string, at time.Time) bool {
	want := fold(skill)
	if want == "" {
		return true
	}
	for _, s := range p.Skills {
		if fold(s.Name) == want && s.holds(at) {
			return true
		}
	}
	return false
}

func (s Skill) holds(at time.Time) bool {
	return s.Until.IsZero() || day(at) <= day(s.Until)
}

// day numbers calendar days so that they compare, whatever zone they are of.
func day(at time.Time) int {
	y, m, d := at.Date()
	return (y*12+int(m))*31 + d
}

// fold is what makes two names of a skill or group the same: letter case and
// spaces do not count.
func fold(name string) string {
	return strings.ToLower(strings.Join(strings.Fields(name), " "))
}

// Expiring gives the skills whose certificate has ended, or ends within so long
// from now on, in the order of the profile. now is in the authority's zone.
func Expiring(p Profile, now time.Time, within time.Duration) []Skill {
	var out []Skill
	for _, s := range p.Skills {
		if !s.holds(now.Add(within)) {
			out = append(out, s)
		}
	}
	return out
}

// Available reports whether the volunteer can be called for that moment, which
// is to be in the authority's zone: the last exception that holds it decides,
// else the week. A shift that cannot be read is none, and a week without one
// that can be read is any time: nobody is left out by a slip of the pen.
func (p Profile) Available(at time.Time) bool {
	for _, e := range slices.Backward(p.Exceptions) {
		if !at.Before(e.From) && at.Before(e.To) {
			return e.There
		}
	}
	readable := false
	for _, s := range p.Weekly {
		from, to, ok := s.Span()
		readable = readable || ok
		if ok && s.holds(at, from, to) {
			return true
		}
	}
	return !readable
}

// Span gives the begin and end of a shift in minutes of the day, the end up to
// 1440 for "24:00"; false where one of them cannot be read, or the day is none.
func (s Shift) Span() (from, to int, ok bool) {
	from, ok = minutes(s.From)
	to, end := minutes(s.To)
	return from, to, ok && end && from < 24*60 && s.Day >= time.Sunday && s.Day <= time.Saturday
}

func (s Shift) holds(at time.Time, from, to int) bool {
	m := at.Hour()*60 + at.Minute()
	today, after := at.Weekday() == s.Day, at.Weekday() == (s.Day+1)%7
	if from < to {
		return today && m >= from && m < to
	}
	return today && m >= from || after && m < to
}

// minutes reads "08:30" as minutes of the day; "24:00" is its end.
func minutes(clock string) (int, bool) {
	h, m, found := strings.Cut(clock, ":")
	hours, ok := twoDigits(h)
	mins, ok2 := twoDigits(m)
	n := hours*60 + mins
	return n, found && ok && ok2 && mins < 60 && n <= 24*60
}

func twoDigits(s string) (int, bool) {
	if len(s) == 0 || len(s) > 2 {
		return 0, false
	}
	n := 0
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
		n = n*10 + int(s[i]-'0')
	}
	return n, true
}
