package alerts

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// threatens reports whether the record warns in earnest of something Severe or
// Extreme.
func threatens(r *Record) bool {
	return r.Alert.Status == StatusActual && (r.Change == ChangeIssued || r.Change == ChangeUpdated) && r.Severity().Rank() >= SeveritySevere.Rank()
}

// suspend ends the exercises and tests that were running when a real alert of
// Severe or Extreme was issued, wherever they are held: nobody who is warned
// should have to ask which of two messages is the exercise (R29). Every node
// may call it at any time; each exercise is ended once.
func (d *Desk) suspend(ctx context.Context, issued []*Record, now time.Time) (int, error) {
	var drills []*Record
	first := now
	for _, r := range issued {
		if r.Alert.Practice() && (r.Change == ChangeIssued || r.Change == ChangeUpdated) && r.Alert.Expires().After(now) {
			drills = append(drills, r)
			if r.Published.Before(first) {
				first = r.Published
			}
		}
	}
	if len(drills) == 0 {
		return 0, nil
	}
	recent, err := d.Store.Watched(ctx, first)
	if err != nil {
		return 0, err
	}
	done := 0
	for _, drill := range drills {
		for _, real := range recent {
			began, err := d.began(ctx, real, drill.Published)
			if err != nil {
				return done, err
			}
			if !began {
				continue
			}
			fresh, err := d.stop(ctx, drill, real, now)
			if err != nil {
				return done, err
			}
			if fresh {
				done++
			}
			break
		}
	}
	return done, nil
}

// began reports whether an event became a real threat with this record, after a
// time: an update of what was as grave before it did not.
func (d *Desk) began(ctx context.Context, real *Record, after time.Time) (bool, error) {
	if !threatens(real) || !real.Published.After(after) {
		return false, nil
	}
	before, err := d.head(ctx, real)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return false, err
	}
	return before == nil || !threatens(before), nil
}

// stop cancels one exercise because of a real alert.
func (d *Desk) stop(ctx context.Context, drill, real *Record, now time.Time) (fresh bool, err error) {
	r := d.closing(drill, gatewayPerson, Decision{}, ChangeCancelled, now)
	r.Alert.Identifier, r.Via = d.derived(drill, "suspend"), ViaGateway
	for i := range r.Alert.Infos {
		if d.Suspended != nil {
			r.Alert.Infos[i].Description = d.Suspended(r.Alert.Infos[i].Language)
		}
	}
	why := "a real alert was issued: " + string(real.Event)
	known, err := d.find(ctx, r.Alert)
	if err != nil {
		return false, err
	}
	if known == nil {
		if r.Content, err = d.Digest(r.Alert, true); err != nil {
			return false, fmt.Errorf("digest: %w", err)
		}
		if err = d.prepare(ctx, r); err != nil {
			return false, err
		}
		if known, _, err = d.Store.Intake(ctx, r, nil, r.act(gatewayPerson, "submitted", why, now)); err != nil {
			return false, err
		}
	}
	if known.State != StateSubmitted || known.Supersedes != drill.ID {
		return false, nil
	}
	done, err := d.finish(ctx, gatewayPerson, known, "suspended", why, now)
	if errors.Is(err, ErrStale) { // changed a moment ago: its new revision is judged next time
		return false, d.drop(ctx, gatewayPerson, known, "the exercise has changed", now)
	}
	if err != nil {
		return false, err
	}
	return d.call(ctx, done, CallDuty, WhySuspended, now), nil
}

// find gives the record of an alert's sender and identifier, nil for none.
func (d *Desk) find(ctx context.Context, a *Alert) (*Record, error) {
	r, err := d.Store.Find(ctx, a.Sender, a.Identifier)
	if errors.Is(err, ErrNotFound) {
		return nil, nil
	}
	return r, err
}
