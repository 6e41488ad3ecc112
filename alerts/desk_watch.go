package alerts

import (
	"context"
	"errors"
	"time"
)

// Watched is what one round of [Desk.Watch] did.
type Watched struct {
	Lapsed, Suspended int
}

// Watch does what is due at now: it rings before and at the end of what is
// Severe or Extreme, marks what has lapsed, ends exercises that a real alert
// suspends, and rings again where nobody reviewed in time, or where a node died
// before it rang. All of it follows from records and acts, so it survives a
// restart, and however many nodes call it each thing happens once. What fails
// is tried in the next round.
func (d *Desk) Watch(ctx context.Context, now time.Time) (Watched, error) {
	var w Watched
	var issued []*Record
	for r, err := range d.Store.All(ctx, Filter{States: []State{StateIssued, StateSubmitted}}) {
		if err != nil {
			return w, err
		}
		if r.State == StateSubmitted {
			if waits := now.Sub(r.Received); waits >= askedBy && waits < rungAfter {
				d.ask(ctx, r, now)
			}
			continue
		}
		issued = append(issued, r)
		d.remind(ctx, r, now)
		if now.Sub(r.Published) < rungAfter {
			d.tellSend(ctx, r, now)
		}
	}
	var err, failed error
	w.Suspended, failed = d.suspend(ctx, issued, now)
	w.Lapsed, err = d.Lapse(ctx, now)
	return w, errors.Join(failed, err, d.followUp(ctx, now))
}

// The times before its end at which duty is rung for an alert (DECISIONS 3).
var reminders = []struct {
	why    Why
	before time.Duration
}{{WhyExpires15, 15 * time.Minute}, {WhyExpires60, time.Hour}}

// remind rings before the end of what is Severe or Extreme: for the nearest of
// the two times that has come, and not for one that had passed when the alert
// was issued.
func (d *Desk) remind(ctx context.Context, r *Record, now time.Time) {
	end := r.Alert.Expires()
	if !threatens(r) || end.IsZero() || !end.After(now) {
		return
	}
	for _, at := range reminders {
		due := end.Add(-at.before)
		if now.Before(due) {
			continue
		}
		if r.Published.Before(due) {
			d.call(ctx, r, CallDuty, at.why, now)
		}
		return
	}
}

// askedBy is how long a record is submitted before the watch rings who may
// approve it: its own call does that, and one that is issued at once rings nobody.
const askedBy = 10 * time.Second

// rungAfter is how long after an act the ring that belongs to it is still made
// up for.
const rungAfter = time.Hour

// followUp rings for what was issued alone or taken back where that was not
// done with the act itself, and for reviews that are overdue.
func (d *Desk) followUp(ctx context.Context, now time.Time) error {
	recent, err := d.Store.Watched(ctx, now.Add(-WatchedFor))
	if err != nil {
		return err
	}
	reviewed := map[ID]bool{}
	for _, r := range recent {
		if r.Change == ChangeCancelled && now.Sub(r.Published) < rungAfter {
			d.call(ctx, r, CallOffice, WhyCancelled, now)
		}
		if now.Sub(r.Published) < rungAfter {
			d.tellSend(ctx, r, now)
		}
		if r.ReviewDue.IsZero() || reviewed[r.Event] {
			continue
		}
		reviewed[r.Event] = true
		due, err := d.unreviewed(ctx, r.Event)
		if err != nil {
			return err
		}
		for _, act := range due {
			alone := *r
			alone.ID, alone.Approved = act.Alert, act.Digest
			if now.Sub(act.At) < rungAfter {
				d.call(ctx, &alone, CallEveryone, WhyAlone, now)
			}
			if now.Sub(act.At) >= ReviewWithin {
				d.call(ctx, &alone, CallEveryone, WhyUnreviewed, now)
			}
		}
	}
	return nil
}
