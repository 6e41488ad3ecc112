package dashboards

import (
	"slices"
	"time"

	"martinella/broadcast/backup"
)

// backupLine is a place for backups with the age of its last good one.
type backupLine struct {
	Name  string
	State string // good; failing: the last attempt did not get there; old; none: there is no good one yet
	At    instant
	Age   string // in words
	How   string // loaded or checksum
	Fault string // of the last attempt, for staff alone
}

// Bad reports whether a person should look at it.
func (b backupLine) Bad() bool { return b.State != "good" && b.State != "none" }

// backupLines tells how the places fare, in the order of the configuration.
func (s *Server) backupLines(l *locale, now time.Time) []backupLine {
	if s.Backups == nil {
		return nil
	}
	var lines []backupLine
	for _, b := range s.Backups() {
		lines = append(lines, backupLineOf(l, b, now))
	}
	return lines
}

func backupLineOf(l *locale, b backup.Status, now time.Time) backupLine {
	line := backupLine{Name: b.Place, State: "good", At: l.At(b.Good, now), How: b.How, Fault: b.Error}
	switch {
	case b.Good.IsZero() && b.Error == "":
		line.State = "none"
	case b.Good.IsZero(), b.Error != "" && !b.Old(now, b.Every):
		line.State = "failing"
	case b.Old(now, b.Every):
		line.State = "old"
	}
	if !b.Good.IsZero() {
		line.Age = l.must("mirror_ago", "Age", l.age(now.Sub(b.Good)))
	}
	return line
}

// newestBackup is the one that would be restored; nil without any place. The
// public hears how old it is, and neither names nor reasons.
func (s *Server) newestBackup(l *locale, now time.Time) *backupLine {
	if s.Backups == nil {
		return nil
	}
	all := s.Backups()
	if len(all) == 0 {
		return nil
	}
	newest := slices.MaxFunc(all, func(a, b backup.Status) int { return a.Good.Compare(b.Good) })
	line := backupLineOf(l, newest, now)
	line.Name, line.Fault = "", ""
	return &line
}
