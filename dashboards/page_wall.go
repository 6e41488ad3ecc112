package dashboards

import (
	"errors"
	"net/http"
	"slices"
	"strconv"
	"time"

	"martinella/alerts"
	"martinella/alerts/volunteers"
	"martinella/broadcast/callout"
)

// wallPath is where the wall board of a call is; a token follows.
const wallPath = "/board/"

const (
	// comingLines and hereLines are how many people stand in the lists: what a
	// screen of 1920 by 1080 that nobody touches has room for.
	comingLines, hereLines = 20, 12
	// wallFew people in both lists are in larger type, wallMany in smaller.
	wallFew, wallMany = 6, 16
	// wallMinutes is until when an arrival is told in minutes.
	wallMinutes = 2 * time.Hour
)

// wallClock is the header in which a board's part says when it was read, by the
// authority's clock: it stands outside of the part, which changes only when the
// call does.
const wallClock = "Martinella-Clock"

// wallPage is a call in large type. It names people and has no telephone number
// of anybody.
type wallPage struct {
	Code, What, Where        string
	Exercise                 bool
	Meet                     instant
	Clock                    string
	State, StateTone         string
	Short                    bool
	Needs                    []wallNeed
	Overdue, Coming, Here    []wallLine
	Still                    []wallLine // there though the call is over, besides Overdue
	MoreComing, MoreHere     int
	Yes, Maybe, Silent, No   int
	Present, Left, Confirmed int
	Needed                   int
	Size                     string // of the lists: few, many, or "" between them
}

// wallNeed is one need, with how many are missing.
type wallNeed struct {
	Skill                          string
	People, Coming, Missing, Maybe int
}

// wallLine is one person.
type wallLine struct {
	Name, Skill, When, At string
	Spare, Late           bool
}

// wall shows the board, or the part of it that changes, which its script asks for
// again and again. Without scripts the page loads itself again every five seconds.
func (p *pages) wall(w http.ResponseWriter, r *http.Request) {
	secretAddress(w)
	q := askedOf(r)
	l := p.locales.of(r, q.lang)
	v, err := p.walls.view(r.Context(), r.PathValue("token"))
	if err != nil {
		if errors.Is(err, errCrowded) {
			err = alerts.ErrUnavailable
		}
		p.noDispatch(w, r, l, err)
		return
	}
	now := time.Now()
	page := p.wallOf(l, v, now)
	title := strconv.Itoa(page.Confirmed) + "/" + strconv.Itoa(page.Needed) + " – " + page.What
	if page.StateTone != "" {
		title = page.State + " – " + page.What
	}
	if page.Exercise {
		title = l.must("exercise") + " – " + title
	}
	of := view{name: "wall", title: title, content: page}
	if !q.part {
		p.sendPrivate(w, r, http.StatusOK, l, of, "wall.html", now)
		return
	}
	made, err := p.execute(l, of.name, "live", p.frame(r, l, "", of, "", now))
	if err != nil {
		p.s.internal(w, r, err, nil)
		return
	}
	spare(w.Header())
	w.Header().Set(wallClock, page.Clock)
	made.send(w, r, l)
}

// wallOf puts a call into words for the wall.
func (p *pages) wallOf(l *locale, v *callout.View, now time.Time) *wallPage {
	c := v.Call
	page := &wallPage{
		Code: c.Code(), What: c.What, Where: c.Where, Exercise: c.Exercise || p.s.Desk.Policy.Practice, Meet: l.soon(c.Meet, now), Clock: now.In(l.zone).Format(time.TimeOnly),
		State: l.must("wall_open"), Yes: v.Coming, Maybe: v.Perhaps, Silent: v.Silent, No: v.Cannot, Needed: c.Needed(),
	}
	switch {
	case c.State == volunteers.StateCancelled:
		page.State, page.StateTone = l.must("wall_cancelled"), "red"
	case c.State == volunteers.StateClosed:
		page.State, page.StateTone = l.must("wall_closed"), "grn"
	case !c.Paging(now):
		page.State, page.StateTone = l.must("wall_expired"), "org"
	default:
		page.Short = !c.Short.IsZero()
	}
	for _, n := range v.Needs {
		need := wallNeed{n.Skill, n.People, n.Coming, max(n.People-n.Coming, 0), n.Maybe}
		if need.Skill == "" {
			need.Skill = l.must("wall_anybody")
		}
		page.Confirmed += min(n.Coming, n.People)
		page.Needs = append(page.Needs, need)
	}
	for i := range v.People {
		page.add(l, &v.People[i], now)
	}
	if page.StateTone != "" {
		page.Still, page.Here = page.Here, nil
	}
	page.Coming, page.MoreComing = onTheWall(page.Coming, comingLines)
	page.Here, page.MoreHere = onTheWall(page.Here, hereLines)
	switch lines := len(page.Coming) + len(page.Here); {
	case lines <= wallFew:
		page.Size = "few"
	case lines >= wallMany:
		page.Size = "many"
	}
	return page
}

// add puts a person where the board shows them: overdue ones stand first and are
// all there.
func (page *wallPage) add(l *locale, s *callout.Seen, now time.Time) {
	line := wallLine{Name: s.Name, Skill: s.Skill, Spare: s.Spare}
	if line.Name == "" {
		line.Name = l.must("wall_unnamed", "N", s.Number)
	}
	switch here := s.Presence; {
	case !here.Left.IsZero():
		page.Left++
	case !here.Arrived.IsZero():
		page.Present++
		line.When = l.must("wall_since", "When", l.clock(here.Arrived, now))
		if s.Overdue {
			lost := line
			lost.When = l.must("wall_last", "When", l.clock(slices.MaxFunc([]time.Time{here.Arrived, here.Safe}, time.Time.Compare), now))
			page.Overdue = append(page.Overdue, lost)
			return
		}
		page.Here = append(page.Here, line)
	case s.Answer != nil && s.Answer.Kind == volunteers.Coming:
		line.At = l.clock(s.Expect, now)
		// Whole minutes as a clock on the wall shows them, so that all who look
		// see the same.
		switch left := s.Expect.Truncate(time.Minute).Sub(now.Truncate(time.Minute)); {
		case left < 0:
			line.When, line.Late = l.must("wall_late", "N", int(-left/time.Minute)), true
		case left <= wallMinutes:
			line.When = l.must("wall_in", "N", int(left/time.Minute))
		}
		page.Coming = append(page.Coming, line)
	}
}

// clockAlone is how far from now a time of day can be meant by itself: at ten to
// midnight "00:05" is in a quarter of an hour, and needs no date.
const clockAlone = 11 * time.Hour

// clock is the time of day, with the day where one could take it for another.
func (l *locale) clock(t, now time.Time) string {
	i := l.At(t, now)
	if t.Sub(now).Abs() < clockAlone || t.In(l.zone).Format(time.DateOnly) == now.In(l.zone).Format(time.DateOnly) {
		return i.Clock
	}
	return i.Text
}

// onTheWall is as much of a list as there are lines for, the last of which says
// how many are left out.
func onTheWall(all []wallLine, lines int) ([]wallLine, int) {
	if len(all) <= lines {
		return all, 0
	}
	return all[:lines-1], len(all) - lines + 1
}
