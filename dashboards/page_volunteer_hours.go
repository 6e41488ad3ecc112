package dashboards

import (
	"context"
	"errors"
	"net/http"
	"time"

	"go.uber.org/zap"

	"martinella/alerts/volunteers"
	"martinella/broadcast"
	"martinella/broadcast/callout"
)

// ownYear are the hours of a volunteer in one year, the newest first.
type ownYear struct {
	Year int
	Sum  string // "12:30"
	Rows []ownHours
}

type ownHours struct {
	Code, What, Where string
	From, To          instant
	Night             bool // ends on another day
	Hours             string
	Exercise, Noted   bool
	Corrected         string // why, the newest; "": never
}

// callsOf are the calls of a volunteer; none where there are no calls here.
func (s *Server) callsOf(ctx context.Context, m *broadcast.Member) ([]callout.Part, error) {
	if s.Callouts == nil {
		return nil, nil
	}
	return s.Callouts.Of(ctx, m.Number)
}

// ownAttendance is when a volunteer was where, the newest first, in the
// authority's zone; tests of contacts are no calls.
func (s *Server) ownAttendance(m *broadcast.Member, parts []callout.Part, now time.Time) (rows []volunteers.Attendance) {
	for i := range parts {
		if parts[i].Call.Test {
			continue
		}
		rows = append(rows, volunteers.Attended(parts[i].Call, map[uint32]volunteers.Presence{m.Number: parts[i].Presence.Unsigned()}, func(uint32) volunteers.Profile {
			if m.Volunteer == nil {
				return volunteers.Profile{}
			}
			return *m.Volunteer
		}, now.In(s.Zone))...)
	}
	return rows
}

// ownYears shows hours by the year in which they began.
func ownYears(l *locale, rows []volunteers.Attendance, now time.Time) (years []ownYear) {
	sums := map[int]time.Duration{}
	at := map[int]int{}
	for _, row := range rows {
		y := row.From.Year()
		if _, known := at[y]; !known {
			at[y] = len(years)
			years = append(years, ownYear{Year: y})
		}
		one := &years[at[y]]
		sums[y] += row.Time()
		one.Sum = hoursText(sums[y])
		corrected := ""
		if n := len(row.Corrections); n > 0 {
			last := row.Corrections[n-1]
			corrected = l.must("volunteer_corrected", "Reason", tidy(last.Reason))
		}
		one.Rows = append(one.Rows, ownHours{Corrected: corrected, Code: row.Call, What: tidy(row.Activity), Where: tidy(row.Place), From: l.At(row.From, now), To: l.At(row.To, now),
			Night: row.From.Format(time.DateOnly) != row.To.Format(time.DateOnly), Hours: hoursText(row.Time()), Exercise: row.Exercise, Noted: row.Noted})
	}
	return years
}

// callCopy is what one call has of a volunteer, in the copy for them.
type callCopy struct {
	Call     string               `json:"call"` // its code
	What     string               `json:"what"`
	Where    string               `json:"where"`
	Meet     time.Time            `json:"meet"`
	Test     bool                 `json:"contact_test,omitempty"`
	Exercise bool                 `json:"exercise,omitempty"`
	State    volunteers.State     `json:"state"`
	Called   time.Time            `json:"called,omitzero"`
	Pages    []pageCopy           `json:"pages,omitempty"`
	Answer   *volunteers.Answer   `json:"answer,omitempty"`
	Presence *volunteers.Presence `json:"presence,omitempty"`
	Hours    *hoursCopy           `json:"hours,omitempty"`
	Texts    []textCopy           `json:"texts,omitempty"`
}

type pageCopy struct {
	Channel string    `json:"channel"`
	At      time.Time `json:"at"`
}

type hoursCopy struct {
	From  time.Time `json:"from"`
	To    time.Time `json:"to"`
	Hours string    `json:"hours"` // "3:45"
	Noted bool      `json:"end_noted"`
}

type textCopy struct {
	At   time.Time `json:"at"`
	Via  string    `json:"via"`
	Text string    `json:"text"`
}

// volunteerCopy is all that is kept of a volunteer.
type volunteerCopy struct {
	*broadcast.Member
	Calls []callCopy `json:"calls"`
}

func (s *Server) callCopies(m *broadcast.Member, parts []callout.Part, now time.Time) []callCopy {
	all := make([]callCopy, 0, len(parts))
	for i := range parts {
		p := &parts[i]
		one := callCopy{Call: p.Call.Code(), What: p.Call.What, Where: p.Call.Where, Meet: p.Call.Meet, Test: p.Call.Test, Exercise: p.Call.Exercise, State: p.Call.State, Answer: p.Answer}
		if p.Leg != nil {
			one.Called = p.Leg.Begun
		}
		for _, page := range p.Pages {
			one.Pages = append(one.Pages, pageCopy{page.Channel, page.At})
		}
		if !p.Presence.Empty() {
			own := p.Presence.Unsigned()
			one.Presence = &own
		}
		for _, row := range s.ownAttendance(m, parts[i:i+1], now) {
			one.Hours = &hoursCopy{row.From, row.To, hoursText(row.Time()), row.Noted}
		}
		for _, text := range p.Messages {
			one.Texts = append(one.Texts, textCopy{text.At, text.Via, text.Text})
		}
		all = append(all, one)
	}
	return all
}

// ownVolunteer opens the page of a link; nil where it has answered that it
// cannot.
func (s *Server) ownVolunteer(w http.ResponseWriter, r *http.Request, now time.Time) (m *broadcast.Member, kind string, parts []callout.Part) {
	m, kind, err := s.Volunteers.Pages.Own(r.Context(), r.PathValue("token"), now)
	if err == nil {
		parts, err = s.callsOf(r.Context(), m)
	}
	switch {
	case errors.Is(err, broadcast.ErrToken):
		s.pages.noVolunteer(w, r, s.pages.locales.of(r, askedOf(r).lang))
		return nil, "", nil
	case err != nil:
		s.pages.cannot(w, r, err)
		return nil, "", nil
	}
	return m, kind, parts
}

// volunteerData is a copy of what is kept of a volunteer, for them, with what
// calls have of them: see ownData.
func (s *Server) volunteerData(w http.ResponseWriter, r *http.Request) {
	now := time.Now()
	m, kind, parts := s.ownVolunteer(w, r, now)
	if m == nil {
		return
	}
	calls := s.callCopies(m, parts, now)
	copyOf(w, m, kind, volunteerCopy{m, calls})
}

// volunteerHours gives a volunteer the own hours as a file.
func (s *Server) volunteerHours(w http.ResponseWriter, r *http.Request) {
	now := time.Now()
	m, _, parts := s.ownVolunteer(w, r, now)
	if m == nil {
		return
	}
	l := s.pages.ownLocale(r, m)
	heading := []string{"name", "organisation", "activity", "place", "call", "exercise", "begin", "end", "hours", "noted", "corrected"}
	for i, key := range heading {
		heading[i] = l.must("volunteer_col_" + key)
	}
	h := w.Header()
	h["Cache-Control"] = never
	h.Set("X-Robots-Tag", "noindex")
	h.Set("Content-Type", mediaCSV+"; charset=utf-8; header=present")
	h.Set("Content-Disposition", `attachment; filename="hours.csv"`)
	if err := volunteers.WriteAttendance(&patient{w, http.NewResponseController(w)}, heading, l.must("volunteer_yes"), l.must("volunteer_no"), s.ownAttendance(m, parts, now)); err != nil {
		if r.Context().Err() == nil {
			s.Logger.Warn("a list of hours ended early", zap.Error(err))
		}
		panic(http.ErrAbortHandler) // half a list must not look like a whole one
	}
}
