package dashboards

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/oklog/ulid/v2"

	"martinella/alerts"
	"martinella/alerts/areas"
)

// feedItem is one event in a feed, before it gets a form.
type feedItem struct {
	ID, Link, CAP, Title, Author string
	Lines                        []itemLine // what it says, in the order of a page
	Published, Updated           time.Time
	Language                     string // of its text
	Card                         card
	Record                       *alerts.Record
}

// itemLine is one line of an item: a text of the alert, after a label of ours
// where it has one.
type itemLine struct {
	Label string
	Text  words
}

func (f itemLine) String() string {
	if f.Label == "" {
		return f.Text.Text
	}
	return f.Label + ": " + f.Text.Text
}

// feedItem shows an event to readers of feeds: everywhere, or to those near.
func (s *Server) feedItem(l *locale, h happening, now time.Time, near touching) feedItem {
	c := s.cardNear(l, h, now, near)
	i := feedItem{
		ID: "urn:ulid:" + string(h.Event), Link: s.PublicURL + c.URL, CAP: s.PublicURL + "/cap/" + string(h.ID) + ".xml",
		Title: tidy(c.Title()), Author: tidy(c.By.Text), Published: issued(h.Event, h.Published).UTC(), Updated: h.Published.UTC(), Language: c.Tag, Card: c, Record: h.Record,
	}
	if c.Exercise {
		i.Title = l.lex.Exercise + " - " + i.Title
	}
	say := func(label string, text words) {
		if text.Text != "" {
			i.Lines = append(i.Lines, itemLine{label, text})
		}
	}
	say(l.must("where"), c.Where)
	switch {
	case c.Lapsed():
		say("", words{Text: c.Gone})
	case !c.Over():
		say(l.must("until"), words{Text: c.Until.Text})
	}
	if c.About.Text != "" {
		say("", c.Headline)
		say(l.must("about"), c.About)
		c.Actions = nil
	}
	say(l.must("what_changes"), c.Changed)
	for _, w := range slices.Concat(c.What, c.Actions) {
		say("", w)
	}
	for _, a := range c.Also {
		name := a.Name
		if name.Text == "" {
			name = words{Text: a.Level}
		}
		say(l.must("also")+" - "+a.Level, name)
		say(l.must("where"), a.Where)
		if !c.Over() {
			say(l.must("until"), words{Text: a.Until.Text})
		}
		for _, w := range slices.Concat([]words{a.Headline}, a.What, a.Actions) {
			say("", w)
		}
	}
	return i
}

// Summary is the item as plain text.
func (i feedItem) Summary() string {
	lines := make([]string, len(i.Lines))
	for n, line := range i.Lines {
		lines[n] = line.String()
	}
	return strings.Join(lines, "\n")
}

func sortNewest(items []feedItem) {
	slices.SortStableFunc(items, func(a, b feedItem) int { return b.Updated.Compare(a.Updated) })
}

// issued is when the event began: its id says so (a ULID begins with 48 bits of
// milliseconds). fallback where it does not.
func issued(event alerts.ID, fallback time.Time) time.Time {
	id, err := ulid.ParseStrict(string(event))
	if err != nil {
		return fallback
	}
	if at := ulid.Time(id.Time()); at.Before(fallback) {
		return at.UTC()
	}
	return fallback
}

// meant reports whether the event is for a reader with this area and least
// level, which is that of what part says concerns the area; both may be nil. What once was stays: who was warned must read that the
// area became smaller, the danger less, or that it is over. It may read the
// store, for events with several revisions, and fails with its error.
func (s *Server) meant(ctx context.Context, h happening, near func(*alerts.Record) bool, part touching, level alerts.Severity) (bool, error) {
	reads := func(r *alerts.Record) bool {
		return (near == nil || near(r)) && part.severity(r).Rank() >= level.Rank()
	}
	if reads(h.Record) {
		return true, nil
	}
	if h.Revision < 2 {
		return false, nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), statusTimeout)
	defer cancel()
	earlier, err := s.revisionsOf(ctx, h.Record)
	return slices.ContainsFunc(earlier[1:], reads), err
}

// knownArea names the area with a code: one of the gateway's own, or one that an
// alert which is shown now is for. All others are refused, also where there are
// no areas here: strangers could have a feed made for each.
func (s *Server) knownArea(code string, now []happening) (name string, known bool) {
	if len(code) > maxAreaCode || tidy(code) != code {
		return "", false
	}
	if a, found := s.Areas.Area(code); found {
		return a.Name, true
	}
	if len(s.Areas.Within(code)) > 0 {
		return code, true
	}
	return code, slices.ContainsFunc(now, func(h happening) bool { return covers(h.Record, code) })
}

// concerns tells of records whether they are for an area: by a code of the area
// itself, of one around it or in it, or by what they draw. A record that cannot
// be placed here is for everybody: its codes are unknown and it draws nothing.
func (s *Server) concerns(code string) func(*alerts.Record) bool {
	near := map[string]bool{code: true}
	for _, others := range [][]alerts.Value{s.Areas.Within(code), s.Areas.Overlapping(code)} {
		for _, v := range others {
			near[v.Value] = true
		}
	}
	return func(r *alerts.Record) bool {
		codes := slices.Clone(r.Areas)
		var polygons []alerts.Polygon
		var circles []alerts.Circle
		for _, in := range r.Infos() {
			for i := range in.Areas {
				codes = append(codes, in.Areas[i].Geocodes...)
				polygons, circles = append(polygons, in.Areas[i].Polygons...), append(circles, in.Areas[i].Circles...)
			}
		}
		placed := false
		for _, v := range codes {
			if near[v.Value] {
				return true
			}
			placed = placed || s.Areas.Len() == 0 || s.hasArea(v.Value)
		}
		if s.Areas.Len() == 0 {
			return !placed
		}
		drawn := areas.Draw(polygons, circles)
		if drawn.Empty() {
			return !placed
		}
		return slices.ContainsFunc(s.Areas.Touching(drawn), func(v alerts.Value) bool { return near[v.Value] })
	}
}

// hasArea reports whether the code is an area here, or one that areas belong to.
func (s *Server) hasArea(code string) bool {
	_, found := s.Areas.Area(code)
	return found || len(s.Areas.Within(code)) > 0
}
