package dashboards

import (
	"time"

	"martinella/dashboards/mirror"
)

// mirrorLine is another host with its copy of the public pages.
type mirrorLine struct {
	Name  string
	State string // good; failing: the last attempt did not get there; old; none: nothing is there yet
	At    instant
	Age   string // in words
	Fault string // of the last attempt, for staff alone
}

// Bad reports whether a person should look at it.
func (m mirrorLine) Bad() bool { return m.State != "good" && m.State != "none" }

// mirrorLines tells how the copies on other hosts fare, by name.
func (s *Server) mirrorLines(l *locale, now time.Time) []mirrorLine {
	if s.Mirrors == nil {
		return nil
	}
	var lines []mirrorLine
	for _, m := range s.Mirrors() {
		lines = append(lines, mirrorLineOf(l, m, now))
	}
	return lines
}

func mirrorLineOf(l *locale, m mirror.State, now time.Time) mirrorLine {
	line := mirrorLine{Name: m.Name, State: "good", At: l.At(m.Good, now)}
	switch {
	case m.Good.IsZero() && m.Old(now):
		line.State = "failing"
	case m.Old(now):
		line.State = "old"
	case m.Err != nil:
		line.State = "failing"
	case m.Good.IsZero():
		line.State = "none"
	}
	if m.Err != nil {
		line.Fault = m.Err.Error()
	}
	if !m.Good.IsZero() {
		line.Age = l.must("mirror_ago", "Age", l.age(now.Sub(m.Good)))
	}
	return line
}

// age is how long ago something was: "3 min", "26 h 5 min".
func (l *locale) age(d time.Duration) string {
	minutes := max(1, int(d.Minutes()))
	if minutes < 60 {
		return itoa(minutes) + " min"
	}
	return itoa(minutes/60) + " h " + itoa(minutes%60) + " min"
}
