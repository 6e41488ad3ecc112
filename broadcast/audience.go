package broadcast

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"go.uber.org/zap"

	"martinella/alerts"
)

// address gives the definition of whom an addressed channel reaches, and their
// numbers by language. An update reaches also whoever was told before, though
// it may lie below their own minimum; what closes the event reaches exactly
// those (DECISIONS 7, MISSION R23). A revision that the channel could not say
// told nobody: who was told is looked for before it.
func (p *Planner) address(ctx context.Context, route Route, kind string, r *alerts.Record, d *draft, past []*alerts.Record) (audience, map[string][]uint32, error) {
	def := audience{Selection: p.selection(route, r, d, past)}
	def.Kind = kind
	var told map[string][]uint32
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
			return def, nil, err
		}
		told, def.Told, def.Only = people, one.ID, over(r)
		if len(people) > 0 {
			break
		}
	}
	if def.Only {
		return def, told, nil
	}
	def.Selection = def.Ready(p.Areas)
	chosen, err := p.People.Select(ctx, kind, def.Selection)
	if err != nil {
		return def, nil, fmt.Errorf("select the audience of %s: %w", route.Name(), err)
	}
	return def, union(chosen, told), nil
}

// selection is the rule that the record's area, severity and scope make. A
// Cancel that says nothing of them takes its event's.
func (p *Planner) selection(route Route, r *alerts.Record, d *draft, past []*alerts.Record) Selection {
	s := Selection{Areas: append([]string{}, d.place.Concerned...), Severity: r.Alert.Severity(), Purpose: purposeEmergency, Drawn: d.place.drawn(), Audiences: route.audiences(r.Alert),
		Polygons: d.place.polygons, Circles: d.place.circles, Outlines: p.Areas.Digest(), Kinds: d.kinds}
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

// told reads whom a published revision addressed, by the language of the
// message that each of them got.
func (p *Planner) told(ctx context.Context, channel string, id alerts.ID) (map[string][]uint32, error) {
	const chunk = 50_000
	q, err := p.Queues.Open(ctx, channel)
	if err != nil {
		return nil, fmt.Errorf("open the queue of %s: %w", channel, err)
	}
	task, err := q.Task(ctx, Job{Alert: id})
	if err != nil {
		return nil, fmt.Errorf("read the recipients of %s: %w", id, err)
	}
	people := map[string][]uint32{}
	for _, s := range task.Spans {
		language := task.Messages[s.Message].Language
		for at := s.From; at < s.To; at += chunk {
			numbers, err := q.Recipients(ctx, id, at, min(at+chunk, s.To))
			if err != nil {
				return nil, fmt.Errorf("read the recipients of %s: %w", id, err)
			}
			people[language] = append(people[language], numbers...)
		}
	}
	return people, nil
}

// union adds to chosen those of told who are not in it under any language.
func union(chosen, told map[string][]uint32) map[string][]uint32 {
	if len(told) == 0 {
		return chosen
	}
	var have []uint32
	all := make(map[string][]uint32, len(chosen))
	for language, numbers := range chosen {
		have = append(have, numbers...)
		all[language] = slices.Clone(numbers)
	}
	slices.Sort(have)
	for language, numbers := range told {
		for _, n := range numbers {
			if _, found := slices.BinarySearch(have, n); !found {
				all[language] = append(all[language], n)
			}
		}
	}
	return all
}
