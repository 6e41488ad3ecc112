package dashboards

import (
	"bytes"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"martinella/broadcast"
)

// Calendar programs ask again after this long.
const calendarRefresh = "PT15M"

// printCalendar writes iCalendar (RFC 5545): when warnings hold, works and
// exercises too that are announced. An event keeps its UID; a change has a
// higher SEQUENCE, and what was taken back is CANCELLED.
func (s *Server) printCalendar(f *feed) []byte {
	host := s.PublicURL
	if u, err := url.Parse(s.PublicURL); err == nil {
		host = u.Hostname()
	}
	c := &calendar{}
	c.line("BEGIN", "VCALENDAR")
	c.line("VERSION", "2.0")
	c.line("PRODID", "-//Martinella//Alerts//EN")
	c.line("CALSCALE", "GREGORIAN")
	c.line("METHOD", "PUBLISH")
	c.text("NAME", f.title) // RFC 7986; X-WR-CALNAME is what was before it
	c.text("X-WR-CALNAME", f.title)
	c.line("REFRESH-INTERVAL;VALUE=DURATION", calendarRefresh)
	c.line("X-PUBLISHED-TTL", calendarRefresh)
	c.line("SOURCE;VALUE=URI", s.self(f))
	for _, i := range f.items {
		s.calendarEvent(c, i, host)
	}
	c.line("END", "VCALENDAR")
	return c.b.Bytes()
}

// calendarEvent writes one event, from the first onset of its parts to the end
// of the last.
func (s *Server) calendarEvent(c *calendar, i feedItem, host string) {
	r := i.Record
	infos := i.Card.infos
	var from, to time.Time
	open := len(infos) == 0
	for n := range infos {
		begins := infos[n].Onset
		if begins.IsZero() {
			begins = infos[n].Effective
		}
		if begins.IsZero() {
			begins = i.Published
		}
		if from.IsZero() || begins.Before(from) {
			from = begins
		}
		if infos[n].Expires.After(to) {
			to = infos[n].Expires
		}
		open = open || infos[n].Expires.IsZero()
	}
	if from.IsZero() {
		from = i.Published
	}
	status := "CONFIRMED"
	switch i.Card.Standing {
	case broadcast.StandingCancelled:
		status = "CANCELLED"
	case broadcast.StandingLapsed:
		status = "TENTATIVE" // its time is over and nobody has said that the danger is
	case broadcast.StandingEnded:
		if from.After(i.Updated) { // it was over before it began
			status = "CANCELLED"
			break
		}
		if from = i.Published; open || i.Updated.Before(to) {
			to = i.Updated
		}
	}
	c.line("BEGIN", "VEVENT")
	c.line("UID", string(r.Event)+"@"+host)
	c.line("DTSTAMP", utc(i.Updated))
	c.line("CREATED", utc(i.Published))
	c.line("LAST-MODIFIED", utc(i.Updated))
	c.line("SEQUENCE", strconv.Itoa(max(r.Revision-1, 0)))
	c.line("STATUS", status)
	c.line("DTSTART", utc(from))
	if to.After(from.Add(time.Second)) { // DTEND is later than DTSTART (RFC 5545 section 3.8.2.2)
		c.line("DTEND", utc(to))
	}
	c.text("SUMMARY", i.Title)
	c.text("DESCRIPTION", i.Summary()+"\n"+i.Link)
	if i.Card.Where.Text != "" {
		c.text("LOCATION", i.Card.Where.Text)
	}
	c.line("URL", i.Link)
	c.line("CLASS", "PUBLIC")
	c.line("TRANSP", "TRANSPARENT")
	c.line("END", "VEVENT")
}

// utc writes a time as RFC 5545 section 3.3.5, form 2.
func utc(t time.Time) string { return t.UTC().Format("20060102T150405Z") }

// calendar is an iCalendar that is being written.
type calendar struct{ b bytes.Buffer }

// icsText escapes a text (RFC 5545 section 3.3.11).
var icsText = strings.NewReplacer(`\`, `\\`, ";", `\;`, ",", `\,`, "\r\n", `\n`, "\n", `\n`, "\r", `\n`)

// text writes a property whose value is a text.
func (c *calendar) text(name, value string) {
	c.line(name, icsText.Replace(strings.ToValidUTF8(value, "\uFFFD")))
}

// foldAt is how many octets a line may have (RFC 5545 section 3.1), without the
// end of line.
const foldAt = 75

// line writes a content line, folded between characters. Values hold no line
// ends.
func (c *calendar) line(name, value string) {
	rest, room := name+":"+value, foldAt
	for len(rest) > room {
		cut := room
		for cut > 0 && !utf8.RuneStart(rest[cut]) {
			cut--
		}
		c.b.WriteString(rest[:cut] + "\r\n ")
		rest, room = rest[cut:], foldAt-1
	}
	c.b.WriteString(rest + "\r\n")
}
