package broadcast

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"go.uber.org/zap"

	"martinella/alerts"
)

// address gives the definition of whom an addressed channel reaches, those whom
// it selects, and those who were told before, in the order in which they were.
// An update reaches also whoever was told before, though
// it may lie below their own minimum; what closes the event reaches exactly
// those (DECISIONS 7, MISSION R23). A revision that the channel could not say
// told nobody: who was told is looked for before it.
func (p *Planner) address(ctx context.Context, route Route, kind string, r *alerts.Record, d *draft, past []*alerts.Record) (def audience, chosen, told []Group, err error) {
	def = audience{Selection: p.selection(route, r, d, past)}
	def.Kind = kind
	for _, one := range past {
		if !slices.Contains(one.Channels, route.Name()) {
			continue
		}
		people, err := p.told(ctx, route.Name(), one.ID)
		if errors.Is(err, alerts.ErrNotFound) {
			p.Log.Warn("who was told before is no longer known: the audience is selected anew", zap.String("channel", route.Name()), zap.String("alert", string(one.ID)))
			def.Only = false
			break
		}
		if err != nil {
			return def, nil, nil, err
		}
		told, def.Told, def.Only = people, one.ID, over(r)
		if len(people) > 0 {
			break
		}
	}
	if def.Only {
		return def, nil, told, nil
	}
	def.Selection = def.Ready(p.Areas)
	if chosen, err = p.People.Select(ctx, kind, def.Selection); err != nil {
		return def, nil, nil, fmt.Errorf("select the audience of %s: %w", route.Name(), err)
	}
	return def, chosen, told, nil
}

// selection is the rule that the record's area, severity and scope make. A
// Cancel that says nothing of them takes its event's.
func (p *Planner) selection(route Route, r *alerts.Record, d *draft, past []*alerts.Record) Selection {
	s := Selection{Areas: append([]string{}, d.place.Concerned...), Severity: r.Alert.Severity(), Purpose: purposeEmergency, Drawn: d.place.drawn(), Audiences: route.audiences(r.Alert),
		Polygons: d.place.polygons, Circles: d.place.circles, Outlines: p.Areas.Digest(), Kinds: d.kinds, Zones: d.zones}
	if len(r.Alert.Infos) == 0 && len(past) > 0 {
		s.Severity = past[0].Alert.Severity()
	}
	for _, v := range d.place.named {
		s.Named = append(s.Named, v.Value)
	}
	if p.Zone != nil {
		s.Zone = p.Zone.String()
	}
	return s
}

// told reads whom a published revision addressed, in the order in which it went
// to them, and the language of the message that each of them got.
func (p *Planner) told(ctx context.Context, channel string, id alerts.ID) ([]Group, error) {
	const atOnce = 50_000
	q, err := p.Queues.Open(ctx, channel)
	if err != nil {
		return nil, fmt.Errorf("open the queue of %s: %w", channel, err)
	}
	task, err := q.Task(ctx, Job{Alert: id})
	if err != nil {
		return nil, fmt.Errorf("read the recipients of %s: %w", id, err)
	}
	var people []Group
	var numbers []uint32 // from ordinal at on
	at, end := uint32(0), uint32(0)
	for _, s := range task.Spans {
		end = max(end, s.To)
	}
	for _, s := range task.Spans {
		language := task.Messages[s.Message].Language
		for from := s.From; from < s.To; {
			if from >= at+uint32(len(numbers)) {
				at = from
				if numbers, err = q.Recipients(ctx, id, at, min(at+atOnce, end)); err != nil {
					return nil, fmt.Errorf("read the recipients of %s: %w", id, err)
				}
				if len(numbers) == 0 { // the snapshot is no longer kept
					return nil, fmt.Errorf("read the recipients of %s: %w", id, alerts.ErrNotFound)
				}
			}
			to := min(s.To, at+uint32(len(numbers)))
			people = append(people, Group{Language: language, People: numbers[from-at : to-at]})
			from = to
		}
	}
	return people, nil
}
