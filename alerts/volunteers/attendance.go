package volunteers

import (
	"cmp"
	"encoding/csv"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// Attendance is that one volunteer was there at one call: what the attestation
// names by which an employer or the volunteer is refunded (arts. 39 and 40
// D.Lgs. 1/2018).
type Attendance struct {
	Number       uint32 // of the volunteer; no list has it
	Name         string
	Organisation string
	Call         string // its code, "V-0417"
	Activity     string // what was done
	Place        string
	Exercise     bool
	From, To     time.Time
	// Noted: they or the coordinator said when they left. Else To is when the
	// call was over, or the moment of the list, and somebody should look at it.
	Noted bool
	// Corrections are those of coordinators, the oldest first.
	Corrections []Correction
}

// Attended gives who was at a call, by organisation, name and time, from the
// presence by number, at now; profiles gives who they are, empty for who was
// erased. Times are in now's zone.
func Attended(c *Call, presence map[uint32]Presence, profiles func(number uint32) Profile, now time.Time) []Attendance {
	out := make([]Attendance, 0, len(presence))
	for number, p := range presence {
		if p.Arrived.IsZero() {
			continue
		}
		who := profiles(number)
		end, noted := p.end(c, now)
		out = append(out, Attendance{
			Number: number, Name: who.Name, Organisation: who.Organisation, Call: c.Code(), Activity: c.What, Place: c.Where, Exercise: c.Exercise,
			From: p.Arrived.In(now.Location()), To: end.In(now.Location()), Noted: noted, Corrections: p.Corrections,
		})
	}
	SortAttendance(out)
	return out
}

// SortAttendance sorts rows, of one call or of many, by organisation, name, begin
// and call.
func SortAttendance(rows []Attendance) {
	slices.SortFunc(rows, func(a, b Attendance) int {
		return cmp.Or(cmp.Compare(fold(a.Organisation), fold(b.Organisation)), cmp.Compare(fold(a.Name), fold(b.Name)),
			a.From.Compare(b.From), a.To.Compare(b.To), cmp.Compare(a.Call, b.Call))
	})
}

// Time is how long they were there, from minute to minute as lists show them.
func (a Attendance) Time() time.Duration {
	return max(a.To.Truncate(time.Minute).Sub(a.From.Truncate(time.Minute)), 0)
}

// AttendanceColumns is how many columns [WriteAttendance] writes: name,
// organisation, activity, place, call, exercise, begin, end, hours, end noted, corrections.
const AttendanceColumns = 11

// WriteAttendance writes rows as CSV (RFC 4180) in UTF-8, with the mark by which
// spreadsheets know it, under a heading in the reader's language; yes and no are that language's words. Times are those of the
// rows, "2026-11-23 18:15", hours are "3:45". No cell is run as a formula by a
// spreadsheet. An error is the writer's, or that the heading has other columns.
func WriteAttendance(to io.Writer, heading []string, yes, no string, rows []Attendance) error {
	if len(heading) != AttendanceColumns {
		return fmt.Errorf("attendance: %d headings for %d columns", len(heading), AttendanceColumns)
	}
	if _, err := io.WriteString(to, "\ufeff"); err != nil {
		return err
	}
	w := csv.NewWriter(to)
	w.UseCRLF = true
	_ = w.Write(heading) // Error tells
	said := map[bool]string{true: yes, false: no}
	for _, r := range rows {
		cells := []string{
			r.Name, r.Organisation, r.Activity, r.Place, r.Call, said[r.Exercise],
			r.From.Format(time.DateTime[:16]), r.To.Format(time.DateTime[:16]), hours(r.Time()), said[r.Noted], corrections(r),
		}
		for i, cell := range cells {
			cells[i] = Harmless(cell)
		}
		_ = w.Write(cells)
	}
	w.Flush()
	return w.Error()
}

// corrections says who corrected the times and why, one after the other.
func corrections(r Attendance) string {
	all := make([]string, len(r.Corrections))
	for i, one := range r.Corrections {
		all[i] = strings.TrimSpace(one.At.In(r.From.Location()).Format(time.DateTime[:16])+" "+one.By.Name) + ": " + one.Reason
	}
	return strings.Join(all, "; ")
}

// hours writes a time in hours and whole minutes, "3:45".
func hours(d time.Duration) string {
	return fmt.Sprintf("%d:%02d", int(d/time.Hour), int(d%time.Hour/time.Minute))
}

// Harmless is a cell in one line that no spreadsheet runs as a formula; some take
// the signs of East Asian keyboards for the same.
func Harmless(cell string) string {
	cell = line(cell)
	if first, _ := utf8.DecodeRuneInString(cell); cell != "" && strings.ContainsRune("=+-@＝＋－＠", first) {
		return "'" + cell
	}
	return cell
}

// line is a text in one line, without what nobody sees.
func line(text string) string {
	text = strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\r' || r == '\t' || r == '\u2028' || r == '\u2029' || r == '\u0085':
			return ' '
		case unseen(r):
			return -1
		}
		return r
	}, strings.ToValidUTF8(text, ""))
	return strings.Join(strings.Fields(text), " ")
}
