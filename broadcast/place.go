package broadcast

import (
	"fmt"
	"slices"
	"strings"

	"martinella/alerts"
	"martinella/alerts/areas"
)

// place is where an alert holds: as written, and what that means in codes.
type place struct {
	named    []alerts.Value
	polygons []alerts.Polygon
	circles  []alerts.Circle
	parts    []part
	areas.Resolution
}

// placeOf is the area of all infos, not resolved yet.
func placeOf(a *alerts.Alert) place {
	var p place
	codes := map[alerts.Value]int{} // to the part
	shapes := map[string]int{}      // what is drawn in one area, to the part
	drawn := map[string]bool{}      // languages repeat the same area
	for i := range a.Infos {
		severity := a.Infos[i].Severity.Rank()
		for j := range a.Infos[i].Areas {
			at := &a.Infos[i].Areas[j]
			for _, g := range at.Geocodes {
				k, seen := codes[g]
				if !seen {
					k = len(p.parts)
					codes[g], p.parts = k, append(p.parts, part{named: len(p.named)})
					p.named = append(p.named, g)
				}
				p.parts[k].severity = max(p.parts[k].severity, severity)
			}
			var all strings.Builder
			for _, ring := range at.Polygons {
				key := ring.String()
				if all.WriteString(key + "\n"); !drawn[key] {
					drawn[key] = true
					p.polygons = append(p.polygons, ring)
				}
			}
			for _, c := range at.Circles {
				key := c.String()
				if all.WriteString(key + "\n"); !drawn[key] {
					drawn[key] = true
					p.circles = append(p.circles, c)
				}
			}
			if all.Len() > 0 {
				k, seen := shapes[all.String()]
				if !seen {
					k = len(p.parts)
					shapes[all.String()], p.parts = k, append(p.parts, part{named: -1, polygons: at.Polygons, circles: at.Circles})
				}
				p.parts[k].severity = max(p.parts[k].severity, severity)
			}
		}
	}
	return p
}

func (p place) drawn() bool { return len(p.polygons)+len(p.circles) > 0 }
func (p place) empty() bool { return len(p.named) == 0 && !p.drawn() }

// place resolves where the record holds. One that says nothing of it has its
// event's area, in the codes that were stored when that was approved.
func (p *Planner) place(r *alerts.Record, past []*alerts.Record) place {
	at := placeOf(r.Alert)
	stored := r.Areas
	if at.empty() && r.Supersedes != "" {
		for _, one := range past {
			if at = placeOf(one.Alert); len(stored) == 0 {
				stored = one.Areas
			}
			if !at.empty() {
				break
			}
		}
		if at.empty() {
			at.named = stored
			for i := range stored {
				at.parts = append(at.parts, part{named: i})
			}
		}
		at.Resolution = p.Areas.Resolve(at.named, at.polygons, at.circles)
		if len(stored) > 0 {
			at.Codes = stored
			for _, v := range stored {
				at.Concerned = append(at.Concerned, v.Value)
			}
			slices.Sort(at.Concerned)
			at.Concerned = slices.Compact(at.Concerned)
		}
		return at
	}
	at.Resolution = p.Areas.Resolve(at.named, at.polygons, at.circles)
	return at
}

// warnings says what of the area could not be resolved; addressed: the plan has
// a channel that selects people by it.
func (p place) warnings(addressed bool) alerts.Problems {
	var ps alerts.Problems
	if p.drawn() && !p.Resolved && addressed {
		ps = append(ps, warning("areas", "the drawn area cannot be resolved to codes: no outlines are configured",
			"who subscribed to a municipality or zone is found only by codes in the alert; configure areas, or add the codes"))
	}
	if p.drawn() && p.Resolved && p.Touched == 0 {
		ps = append(ps, warning("areas", "the drawn area touches none of the configured areas", "is it latitude first, then longitude, and in the right place?"))
	}
	for i, v := range p.Unknown {
		if i == mostNames {
			ps = append(ps, warning("areas", fmt.Sprintf("%d more codes are not known", len(p.Unknown)-i), ""))
			break
		}
		ps = append(ps, warning("areas", fmt.Sprintf("the code %s %q is not among the configured areas", v.Name, v.Value),
			"only who subscribed to exactly this code is found by it; check it, or bring the outlines up to date"))
	}
	return ps
}

// mostNames is how many areas a sentence names.
const mostNames = 5

// words names the area for people: by the gazetteer's names where it has them.
func (p *Planner) words(at place) string {
	var names []string
	for _, v := range at.Codes {
		if len(names) == mostNames {
			names = append(names, fmt.Sprintf("%d more", len(at.Codes)-mostNames))
			break
		}
		if a, ok := p.Areas.Area(v.Value); ok && a.Name != "" {
			names = append(names, fmt.Sprintf("%s (%s %s)", a.Name, v.Name, v.Value))
		} else {
			names = append(names, v.Name+" "+v.Value)
		}
	}
	switch {
	case len(names) > 0:
		return strings.Join(names, ", ")
	case at.drawn():
		return "the drawn area"
	}
	return "no area"
}

// held says whom the selection left out, where somebody must know of it: nobody
// is reached, or quiet hours hold people back.
func (p *Planner) held(name, kind string, s Selection, at place, reached int) alerts.Problems {
	if s.ready == nil {
		return nil
	}
	count := func(v verdict) int64 { return s.ready.tally[v].Load() }
	field := "channels[" + name + "]"
	if reached > 0 {
		if n := count(quiet); n > 0 {
			return alerts.Problems{warning(field, fmt.Sprintf("%d with quiet hours now do not get it here: it is below Severe", n),
				"page and public channels show it all the same; what cannot wait is Severe")}
		}
		return nil
	}
	var why []string
	for v, words := range [verdicts]string{
		elsewhere: "%d are elsewhere", unconfirmed: "%d have not confirmed", ended: "%d have ended", otherAudience: "%d are of another audience", otherPurpose: "%d gave their address for something else",
		belowMinimum: "%d want graver alerts only", otherWay: "%d prefer another way", quiet: "%d have quiet hours and it is below Severe",
	} {
		if n := count(verdict(v)); n > 0 && words != "" {
			why = append(why, fmt.Sprintf(words, n))
		}
	}
	reason := "nobody in the list has a contact of the kind " + kind
	if len(why) > 0 {
		reason = "of those with a contact of the kind " + kind + " " + strings.Join(why, ", ")
	}
	return alerts.Problems{warning(field, "reaches nobody in "+p.words(at)+": "+reason, "check the area, and who is in the list: martinella people")}
}
