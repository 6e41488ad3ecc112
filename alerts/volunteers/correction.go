package volunteers

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"martinella/alerts"
)

const (
	// ReasonMost is how long the reason of a [Correction] may be, in code points.
	ReasonMost = 200
	// HomeTime is how long after the end of a call somebody can have been there at
	// most: tools are brought back, and streets are closed.
	HomeTime = 12 * time.Hour
)

// Correction is that a coordinator said otherwise when a volunteer was there.
type Correction struct {
	At     time.Time `json:"at"`
	By     alerts.By `json:"by,omitzero"` // empty in what volunteers read of themselves
	From   Stay      `json:"from"`
	To     Stay      `json:"to"`
	Reason string    `json:"reason"`
}

// Stay is from when to when somebody was there: nobody came where Arrived is
// zero, nobody noted the end where Left is.
type Stay struct {
	Arrived time.Time `json:"arrived,omitzero"`
	Left    time.Time `json:"left,omitzero"`
}

// Equal reports whether both say the same moments.
func (s Stay) Equal(other Stay) bool {
	return s.Arrived.Equal(other.Arrived) && s.Left.Equal(other.Left)
}

// String writes a stay for the ledger, in the zone of its times: "2026-11-23T18:00+01:00/-".
func (s Stay) String() string {
	text := func(at time.Time) string {
		if at.IsZero() {
			return "-"
		}
		return at.Format("2006-01-02T15:04Z07:00")
	}
	return text(s.Arrived) + "/" + text(s.Left)
}

// Stay is from when to when they were there, as it is noted now.
func (p Presence) Stay() Stay { return Stay{p.Arrived, p.Left} }

// Unsigned is a presence as the volunteer reads it: without who corrected it.
func (p Presence) Unsigned() Presence {
	p.Corrections = slices.Clone(p.Corrections)
	for i := range p.Corrections {
		p.Corrections[i].By = alerts.By{}
	}
	return p
}

// Revision names what is noted now: a correction that was made of another one is
// refused, so that of two at the same time neither is lost.
func (p Presence) Revision() string {
	ms := func(at time.Time) string {
		if at.IsZero() {
			return "0"
		}
		return strconv.FormatInt(at.UnixMilli(), 36)
	}
	return strconv.Itoa(len(p.Corrections)) + "." + ms(p.Arrived) + "." + ms(p.Left)
}

// Correct writes down that somebody was there from when to when, with the reason,
// and keeps what stood there before. name is the volunteer's, which the reason
// must not have. What is wrong is all that is returned, with times in now's zone:
// then nothing has changed.
func (p *Presence) Correct(c *Call, one Correction, name string, now time.Time) alerts.Problems {
	ps := one.problems(c, name, now)
	if p.Stay().Equal(one.To) {
		refuse(&ps, "arrived", "is what is noted already", "write the right hours, or go back: nothing is to be corrected")
	}
	if len(ps) > 0 {
		return ps
	}
	one.At, one.From, one.Reason = now, p.Stay(), line(one.Reason)
	p.Arrived, p.Left = one.To.Arrived, one.To.Left
	if p.Safe.Before(p.Arrived) || p.Arrived.IsZero() || !p.Left.IsZero() && p.Safe.After(p.Left) {
		p.Safe = time.Time{}
	}
	p.Corrections = append(slices.Clip(p.Corrections), one)
	return nil
}

func (one Correction) problems(c *Call, name string, now time.Time) alerts.Problems {
	var ps alerts.Problems
	local := func(at time.Time) string { return alerts.FormatTime(at.In(now.Location())) }
	begin, end := c.span(now)
	for _, t := range []struct {
		field string
		at    time.Time
	}{{"arrived", one.To.Arrived}, {"left", one.To.Left}} {
		switch {
		case t.at.IsZero():
		case t.at.After(now):
			refuse(&ps, t.field, "lies in the future: "+local(t.at), "check the day; here it is "+local(now))
		case t.at.Before(begin):
			refuse(&ps, t.field, "is before the call began: "+local(begin), "write a later hour: nobody was called before")
		case t.at.After(end):
			refuse(&ps, t.field, "is long after the end of the call: "+local(end), "check the day: more than 12 hours after the end nobody is there for this call")
		}
	}
	switch {
	case one.To.Arrived.IsZero() && !one.To.Left.IsZero():
		refuse(&ps, "arrived", "is missing", "say when they arrived; without both hours they were not there")
	case !one.To.Left.IsZero() && !one.To.Left.After(one.To.Arrived):
		refuse(&ps, "left", "is not after the arrival", "a night goes on into the next day: check the day too")
	}
	if line(one.Reason) == "" {
		refuse(&ps, "reason", "is missing", "say why the hours are corrected: it stands in the ledger and on the sheet")
	}
	switch {
	case utf8.RuneCountInString(one.Reason) > ReasonMost:
		refuse(&ps, "reason", fmt.Sprintf("is longer than %d characters", ReasonMost), "say it in fewer words")
	case names(one.Reason, name):
		refuse(&ps, "reason", "names the volunteer", "leave the name out: the ledger keeps the reason when the person is erased")
	}
	return ps
}

// span is from when to when somebody can have been at a call.
func (c *Call) span(now time.Time) (begin, end time.Time) {
	begin, end = c.Opened, now
	if c.Meet.Before(begin) {
		begin = c.Meet
	}
	if c.State != StateOpen {
		end = c.Until
		if c.Ended.After(end) {
			end = c.Ended
		}
		end = end.Add(HomeTime)
	}
	return begin.Truncate(time.Minute), end
}

// names reports whether a text has a word of a name, of three letters or more.
func names(text, name string) bool {
	words := func(s string) []string {
		return strings.FieldsFunc(fold(s), func(r rune) bool { return !unicode.IsLetter(r) })
	}
	said := words(text)
	return slices.ContainsFunc(words(name), func(word string) bool {
		return utf8.RuneCountInString(word) >= 3 && slices.Contains(said, word)
	})
}
