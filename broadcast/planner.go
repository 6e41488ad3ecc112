package broadcast

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"go.uber.org/zap"

	"martinella/alerts"
	"martinella/alerts/areas"
)

// Planner renders what is to be approved and publishes what was approved. It
// implements [alerts.Publisher]; its methods may be called from many
// goroutines and block until the store answered.
type Planner struct {
	Routes   []Route // in plan order
	Records  Records
	People   People
	Store    Publisher
	Work     Work
	Queues   *Queues
	Language string           // of the authority: for subscribers whose language is not among the texts
	Zone     *time.Location   // of the authority: quiet hours are judged by it; nil: the machine's
	Areas    *areas.Gazetteer // nil: exact codes only
	Log      *zap.Logger
}

var _ alerts.Publisher = (*Planner)(nil)

// Records is what the planner needs of [alerts.Store].
type Records interface {
	Get(ctx context.Context, id alerts.ID, which alerts.Latest) (*alerts.Record, error)
}

// Prepare renders every channel that may carry the record and fills its plan,
// areas, reach, approved digest and warnings. An Actual is refused with
// [alerts.ErrNotDurable] on a store that keeps nothing.
func (p *Planner) Prepare(ctx context.Context, r *alerts.Record) error {
	d, err := p.draft(ctx, r)
	if err != nil {
		return err
	}
	d.enter(r)
	r.Approved = d.digest
	return nil
}

// Publish renders again, compares with what was approved, and writes all of it
// at once. On success r is the record as published.
func (p *Planner) Publish(ctx context.Context, r *alerts.Record, act alerts.Act) error {
	d, err := p.draft(ctx, r)
	if err != nil {
		return err
	}
	if d.digest != r.Approved {
		return &alerts.Refusal{Kind: alerts.ErrStale, Problems: alerts.Problems{{Field: "digest",
			Problem: "what would be sent is no longer what was approved", Hint: "read the alert again and approve what it says now"}}}
	}
	now := time.Now().Round(0)
	out := r.Clone()
	d.enter(out)
	out.State, out.Published = alerts.StateIssued, now.UTC()
	if out.Own {
		out.Alert.Sent = now.In(out.Alert.Sent.Location()).Truncate(time.Second)
	}
	pub := &Publication{Record: out, Act: act, Messages: d.messages, Spans: d.spans, Failures: d.failures}
	if err := p.Store.Publish(ctx, pub); err != nil {
		return fmt.Errorf("publish %s: %w", r.ID, err)
	}
	*r = *out
	p.Log.Info("alert published", zap.String("alert", string(r.ID)), zap.String("event", string(r.Event)), zap.String("change", string(r.Change)),
		zap.String("severity", string(r.Alert.Severity())), zap.Strings("channels", r.Channels), zap.Int("reach", r.Reach), zap.Int("failures", len(d.failures)))
	return nil
}

// earlier gives the revisions of the event before r, the newest first. Those
// that the store has forgotten or cannot read end the list.
func (p *Planner) earlier(ctx context.Context, r *alerts.Record) ([]*alerts.Record, error) {
	var past []*alerts.Record
	for id := r.Supersedes; id != "" && len(past) < mostRevisions; {
		one, err := p.Records.Get(ctx, id, alerts.Exactly)
		if errors.Is(err, alerts.ErrNotFound) || unreadable(err) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("read revision %s: %w", id, err)
		}
		past, id = append(past, one), one.Supersedes
	}
	return past, nil
}

// plan chooses the routes: those that the record asks for (all where it asks
// for none in particular), in configured order. What closes an event goes to
// every channel that carried any of it, whatever the key's own limits.
func (p *Planner) plan(r *alerts.Record, past []*alerts.Record, memory bool) ([]Route, alerts.Problems) {
	asked, limited := slices.Clone(r.Channels), r.Channels != nil
	if over(r) && len(past) > 0 {
		limited = true
		for _, one := range past {
			asked = append(asked, one.Channels...)
		}
	}
	var routes []Route
	var ps alerts.Problems
	for _, route := range p.Routes {
		if limited && !slices.Contains(asked, route.Name()) {
			continue
		}
		may, why := alerts.MayLeave(r.Alert.Status, r.Alert.Scope, route.Door(r.Alert))
		if may && memory && !route.Memory {
			may, why = false, "the store keeps nothing, so only the outbox is used"
		}
		if may {
			routes = append(routes, route)
		} else if limited {
			ps = append(ps, warning("channels", route.Name()+" is left out: "+why, "choose other channels, or change the channel's settings"))
		}
	}
	seen := map[string]bool{}
	for _, name := range asked {
		known := slices.ContainsFunc(p.Routes, func(route Route) bool { return route.Name() == name })
		if !known && !seen[name] {
			seen[name] = true
			ps = append(ps, warning("channels", name+" is not configured", "add the channel to the configuration, or leave it out"))
		}
	}
	return routes, append(ps, alone(r, routes)...)
}

// alone warns where the plan rests on too few channels. It never blocks
// (DECISIONS 6).
func alone(r *alerts.Record, routes []Route) alerts.Problems {
	social, others := 0, 0
	for _, route := range routes {
		if route.Social {
			social++
		} else {
			others++
		}
	}
	switch {
	case len(routes) == 0 && !ForPage(r):
		return alerts.Problems{warning("channels", "this alert reaches nobody: no channel carries it and it is not for the page", "add a channel that may carry it, or choose another scope or status")}
	case len(routes) == 0:
		return alerts.Problems{warning("channels", "no channel carries this alert: it stands on the page and in the feeds only", "add a channel that may carry it")}
	case r.Alert.Severity().Rank() >= alerts.SeveritySevere.Rank() && social > 0 && others < 2:
		return alerts.Problems{warning("channels", "social platforms are nearly alone", "from Severe on use at least two other channels beside them")}
	}
	return nil
}

// over reports whether the record closes its event.
func over(r *alerts.Record) bool {
	return r.Change == alerts.ChangeCancelled || r.Change == alerts.ChangeEnded
}

func warning(field, problem, hint string) alerts.Problem {
	return alerts.Problem{Field: field, Problem: problem, Hint: hint, Level: alerts.LevelWarning}
}
