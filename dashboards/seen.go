package dashboards

import (
	"context"
	"slices"
	"time"

	"martinella/alerts"
	"martinella/broadcast"
)

// seenLine is a live update in the timeline of an event.
type seenLine struct {
	ID        alerts.ID
	Text      words
	Place     words
	Source    words
	Photo     *seenPhoto
	Exercise  bool
	Corrected bool // it took the place of another one
	Withdrawn bool
	Reason    words
}

type seenPhoto struct {
	URL           string // "": it is no longer kept, and its words are left
	Alt           words
	Width, Height int
}

// seenBasis tells whether what was seen has changed.
func seenBasis(all []*alerts.Sitrep) string {
	gone := 0
	for _, s := range all {
		if s.Withdrawn != nil {
			gone++
		}
	}
	return " " + itoa(len(all)) + " " + itoa(gone)
}

// sitrepsOf gives what was seen at an event: from memory, or from the store where
// the event is long over. What cannot be read now is left out: the page shows the
// rest.
func (s *Server) sitrepsOf(ctx context.Context, v *broadcast.View, event alerts.ID) []*alerts.Sitrep {
	if v.Holds(event) || s.Desk.Sitreps == nil {
		return v.Sitreps(event)
	}
	all, err := s.Desk.Sitreps.Sitreps(ctx, event)
	if err != nil {
		return nil
	}
	return all
}

// seen are the lines of the live updates. What was corrected is shown as it is
// now.
func (p *pages) seen(l *locale, all []*alerts.Sitrep, now time.Time) (lines []revision) {
	for _, s := range all {
		if s.Withdrawn != nil && s.Withdrawn.Replaced != "" {
			continue
		}
		lines = append(lines, revision{At: l.At(s.Observed, now), What: l.must("scene_update"), Seen: seenOf(l, s, now), when: s.Observed})
	}
	return lines
}

func seenOf(l *locale, s *alerts.Sitrep, now time.Time) *seenLine {
	say := func(text string) words {
		w := words{Text: tidy(text)}
		if tag := alerts.PrimaryLanguage(s.Language); tag != l.Tag {
			w.Lang = tag
		}
		return w
	}
	line := &seenLine{ID: s.ID, Exercise: s.Status == alerts.StatusExercise || s.Status == alerts.StatusTest, Corrected: s.Replaces != ""}
	if s.Withdrawn != nil {
		line.Withdrawn, line.Reason = true, say(s.Withdrawn.Reason)
		return line
	}
	line.Text, line.Place, line.Source = say(s.Text), say(s.Place), say(s.Source)
	if s.Photo != nil {
		line.Photo = &seenPhoto{Alt: say(s.Photo.Alt), Width: s.Photo.Width, Height: s.Photo.Height}
		if now.Sub(s.Posted) < alerts.SitrepPhotoKept {
			line.Photo.URL = broadcast.PhotoPath(s.Photo.Digest)
		}
	}
	return line
}

// withSeen puts live updates among the revisions, the newest first.
func withSeen(revisions, seen []revision) []revision {
	all := slices.Concat(revisions, seen)
	slices.SortStableFunc(all, func(a, b revision) int { return b.when.Compare(a.when) })
	return all
}
