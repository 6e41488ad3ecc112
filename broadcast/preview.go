package broadcast

import (
	"context"

	"martinella/alerts"
	"martinella/channels"
)

// Preview is what one channel would say of a record.
type Preview struct {
	Channel  string
	Messages []channels.Message // as [channels.Channel] renders them, with their placeholders
	// Reach is how many recipients each message goes to, by its index; 1 for a
	// public post.
	Reach []int
	// Counts are how much of what the channel takes each message uses, by its
	// index; empty where the channel has no limit (e-mail) or is read by machines.
	Counts []Count
	// Estimates are what each message costs, by its index; empty where the
	// channel is not paid for by the part.
	Estimates []channels.Estimate
	Failure   string // why the channel cannot carry it; "" when it can
}

// Count is how long a text is, as its platform counts.
type Count struct {
	Used  int
	Limit int // of all its parts together; 0: none
	Unit  channels.Unit
	Parts int // 1 where there are no parts
}

// Over reports whether the platform would refuse the text.
func (c Count) Over() bool { return c.Limit > 0 && c.Used > c.Limit }

// Preview renders the record like [Planner.Prepare], fills its plan, areas,
// reach, approved digest and warnings, and tells what each channel of the plan
// would say, in plan order. It sends and stores nothing.
func (p *Planner) Preview(ctx context.Context, r *alerts.Record) ([]Preview, error) {
	d, err := p.draft(ctx, r)
	if err != nil {
		return nil, err
	}
	d.enter(r)
	r.Approved = d.digest
	text := template(r, d)
	all := make([]Preview, 0, len(d.channels))
	for _, name := range d.channels {
		one := Preview{Channel: name, Failure: d.failures[name]}
		for i, m := range d.messages {
			if m.Channel != name {
				continue
			}
			reach := 0
			for _, s := range d.spans {
				if s.Channel == name && s.Message == i {
					reach += int(s.To - s.From)
				}
			}
			one.Messages, one.Reach = append(one.Messages, m), append(one.Reach, reach)
		}
		one.Counts, one.Estimates = p.counts(name, one.Messages), p.costs(name, text)
		all = append(all, one)
	}
	return all, nil
}

// counts asks the channel how long the texts are, where it can tell.
func (p *Planner) counts(name string, messages []channels.Message) []Count {
	for _, route := range p.Routes {
		of, can := route.Channel.(channels.Measurer)
		if route.Name() != name || !can {
			continue
		}
		var all []Count
		for _, m := range messages {
			var n channels.Measure
			if guard(func() error { n = of.Measure(m.Text); return nil }) != nil {
				return nil
			}
			parts := max(n.Part, 1)
			all = append(all, Count{Used: n.Used, Limit: n.Max * parts, Unit: channels.Unit(n.Unit), Parts: parts})
		}
		return all
	}
	return nil
}

// costs asks the channel what the texts cost, where it can tell.
func (p *Planner) costs(name string, text *alerts.Record) []channels.Estimate {
	for _, route := range p.Routes {
		of, can := route.Channel.(channels.Estimator)
		if route.Name() != name || !can {
			continue
		}
		var all []channels.Estimate
		if guard(func() (err error) { all, err = of.Estimate(text.Clone()); return err }) == nil {
			return all
		}
	}
	return nil
}
