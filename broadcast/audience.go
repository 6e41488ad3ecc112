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
func (p *Planner) address(ctx context.Context, route Route, kind string, r *alerts.Record, areas []alerts.Value, past []*alerts.Record) (audience, map[string][]uint32, error) {
	def := audience{Selection: selection(route, r, areas, past)}
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
	chosen, err := p.People.Select(ctx, kind, def.Selection)
	if err != nil {
		return def, nil, fmt.Errorf("select the audience of %s: %w", route.Name(), err)
	}
	return def, union(chosen, told), nil
}

// selection is the rule that the record's area, severity and scope make. A
// Cancel that says nothing of them takes its event's.
func selection(route Route, r *alerts.Record, areas []alerts.Value, past []*alerts.Record) Selection {
	s := Selection{Areas: []string{}, Severity: r.Alert.Severity(), Purpose: "emergency", Drawn: drawn(r.Alert), Audiences: route.audiences(r.Alert)}
	if len(r.Alert.Infos) == 0 && len(past) > 0 {
		s.Severity, s.Drawn = past[0].Alert.Severity(), drawn(past[0].Alert)
	}
	for _, a := range areas {
		s.Areas = append(s.Areas, a.Value)
	}
	slices.Sort(s.Areas)
	s.Areas = slices.Compact(s.Areas)
	return s
}

func drawn(a *alerts.Alert) bool {
	for i := range a.Infos {
		for j := range a.Infos[i].Areas {
			if at := &a.Infos[i].Areas[j]; len(at.Polygons)+len(at.Circles) > 0 {
				return true
			}
		}
	}
	return false
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
