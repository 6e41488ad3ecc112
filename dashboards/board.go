package dashboards

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"martinella/alerts"
	"martinella/broadcast"
)

// Board is the projection that pages are made from, in memory. Its methods may
// be called from many goroutines; *broadcast.Board is one.
type Board interface {
	Snapshot() *broadcast.View
	Wait(ctx context.Context, c broadcast.Cursor, limit time.Duration) (*broadcast.View, error)
	Health() (since time.Time, err error)
}

var _ Board = (*broadcast.Board)(nil)

// happening is one event as its readers see it: the newest revision that is
// for everybody.
type happening struct {
	*alerts.Record
	Standing broadcast.Standing
}

func (h happening) over() bool {
	return h.Standing == broadcast.StandingCancelled || h.Standing == broadcast.StandingEnded
}

// How long what is over stays on the first page; feeds keep it longer
// (broadcast.Shown). A lapsed real danger of Severe or Extreme stays until
// somebody ends it (DECISIONS 3).
const (
	overShown   = alerts.AllClearShown
	lapsedShown = 48 * time.Hour
)

// shown reports whether the event is on the first page.
func (h happening) shown(now time.Time) bool {
	switch h.Standing {
	case broadcast.StandingActive:
		return true
	case broadcast.StandingLapsed:
		switch {
		case h.Alert.Practice():
			return now.Before(h.Alert.Expires().Add(overShown))
		case h.Severity().Rank() >= alerts.SeveritySevere.Rank():
			return true
		}
		return now.Before(h.Alert.Expires().Add(lapsedShown))
	}
	return now.Before(h.Published.Add(overShown))
}

// happenings gives what the view shows at now: what holds before what is over,
// the gravest first, then the newest.
func happenings(v *broadcast.View, now time.Time) []happening {
	var out []happening
	for _, h := range v.Now(now) {
		out = append(out, happening{h.Record, h.Standing})
	}
	slices.SortStableFunc(out, func(a, b happening) int {
		return cmp.Or(cmp.Compare(rankOf(a), rankOf(b)), cmp.Compare(b.Severity().Rank(), a.Severity().Rank()), b.Published.Compare(a.Published))
	})
	return out
}

func rankOf(h happening) int {
	switch h.Standing {
	case broadcast.StandingActive:
		return 0
	case broadcast.StandingLapsed:
		return 1
	}
	return 2
}

// standing judges a record that is no longer on the board.
func standing(r *alerts.Record, now time.Time) broadcast.Standing {
	switch {
	case r.Change == alerts.ChangeCancelled || r.State == alerts.StateCancelled:
		return broadcast.StandingCancelled
	case r.Change == alerts.ChangeEnded || r.State == alerts.StateEnded:
		return broadcast.StandingEnded
	}
	if e := r.Alert.Expires(); r.State == alerts.StateLapsed || (!e.IsZero() && !now.Before(e)) {
		return broadcast.StandingLapsed
	}
	return broadcast.StandingActive
}

// revisionsOf follows an event back from its newest revision, newest first.
// Where the store does not answer, it gives what it read, head at least, and the
// error.
func (s *Server) revisionsOf(ctx context.Context, head *alerts.Record) ([]*alerts.Record, error) {
	const most = 50
	out := []*alerts.Record{head}
	for r := head; r.Supersedes != "" && len(out) < most; {
		earlier, err := s.Desk.Store.Get(ctx, r.Supersedes, alerts.Exactly)
		if errors.Is(err, alerts.ErrNotFound) {
			break
		}
		if err != nil {
			return out, err
		}
		if broadcast.Public(earlier) {
			out = append(out, earlier)
		}
		r = earlier
	}
	return out, nil
}
