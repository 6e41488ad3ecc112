package dashboards

import (
	"slices"
	"strings"

	"martinella/alerts"
	"martinella/alerts/areas"
	"martinella/alerts/compose"
	"martinella/alerts/templates"
	"martinella/broadcast"
	"martinella/channels"
)

// asks reports whether some text of the template has the placeholder.
func asks(t *templates.Template, name string) bool {
	mark := "{" + name + "}"
	for _, x := range t.Texts {
		for _, s := range slices.Concat([]string{x.Headline, x.Hazard, x.SMS, x.AllClear.Headline, x.AllClear.Text, x.Cancel}, x.Do, x.Avoid) {
			if strings.Contains(s, mark) {
				return true
			}
		}
	}
	return false
}

// countOf says how long a message is, in the unit in which the platform counts.
func countOf(l *locale, w broadcast.Preview, i int) (text string, over bool) {
	if i >= len(w.Counts) {
		return "", false
	}
	n := w.Counts[i]
	unit := l.must("compose_unit_chars")
	switch n.Unit {
	case channels.UnitSeptets:
		unit = l.must("compose_unit_septets")
	case channels.UnitWeighted:
		unit = l.must("compose_unit_weighted")
	case channels.UnitUTF16:
		unit = l.must("compose_unit_utf16")
	case channels.UnitBytes:
		unit = l.must("compose_unit_bytes")
	}
	if n.Limit == 0 {
		return number(n.Used) + " " + unit, false
	}
	return l.must("compose_count", "N", number(n.Used), "Most", number(n.Limit), "Unit", unit), n.Over()
}

// The bounds of the lists of areas on the page: more are found by their names.
const (
	mostTicks   = 60  // areas to tick
	mostNames   = 500 // in the list under the field
	mostFound   = 6   // that the words name
	mostOutline = 60  // on the map
)

// areaChoice lists the areas to tick, by their kind, the names that can be
// typed, and those that the words about the place name.
func (c *console) areaChoice(f *compose.Form) (groups []areaGroup, names []string, found []placeLine) {
	all := c.s.Areas.All()
	has := func(code alerts.Value) bool { return slices.Contains(f.Codes, code) }
	add := func(kind string, line placeLine) {
		i := slices.IndexFunc(groups, func(g areaGroup) bool { return g.Name == kind })
		if i < 0 {
			groups = append(groups, areaGroup{Name: kind})
			i = len(groups) - 1
		}
		groups[i].Areas = append(groups[i].Areas, line)
	}
	for _, a := range all {
		if len(all) <= mostTicks || has(a.Code) {
			add(a.Code.Name, placeLine{a.Code.Name + "=" + a.Code.Value, a.Name, has(a.Code)})
		}
		if len(names) < mostNames && !slices.Contains(names, a.Name) {
			names = append(names, a.Name)
		}
	}
	for _, code := range f.Codes { // of no area that is known here
		if !slices.ContainsFunc(all, func(a areas.Area) bool { return a.Code == code }) {
			add(code.Name, placeLine{code.Name + "=" + code.Value, code.Value, true})
		}
	}
	for _, g := range groups {
		slices.SortStableFunc(g.Areas, func(a, b placeLine) int { return strings.Compare(a.Name, b.Name) })
	}
	for _, part := range placeWords(f) {
		codes, _ := compose.Find(c.places, part)
		for _, code := range codes {
			line := placeLine{Code: code.Name + "=" + code.Value, Name: part}
			if place, known := c.places.Place(code.Value); known {
				line.Name = place.Name
			}
			if !has(code) && len(found) < mostFound && !slices.Contains(found, line) {
				found = append(found, line)
			}
		}
	}
	return groups, names, found
}

// placeWords are the places that the words about where name, one by one.
func placeWords(f *compose.Form) []string {
	var parts []string
	for _, t := range f.Texts {
		text := strings.NewReplacer(" e ", ",", " ed ", ",", " and ", ",", ";", ",", "\n", ",", ".", ",").Replace(t.Where)
		for part := range strings.SplitSeq(text, ",") {
			if part = strings.TrimSpace(part); len(part) > 2 && len(parts) < 20 {
				parts = append(parts, part)
			}
		}
	}
	return parts
}

// areaMap draws the chosen areas among the others, and what was drawn.
func (c *console) areaMap(f *compose.Form) *picture {
	var chosen, others []outline
	tn, shape := tone(f.Severity)
	if tn == "mut" {
		tn = "chosen"
	}
	for _, a := range c.s.Areas.All() {
		one := outline{label: words{Text: short(a.Name)}}
		if slices.Contains(f.Codes, a.Code) {
			one.tone, one.shape = tn, shape
		}
		for i, ring := range a.Rings() {
			one.ring = ring
			if i > 0 {
				one.label = words{}
			}
			switch {
			case one.shape != "":
				chosen = append(chosen, one)
			case len(others) < mostOutline:
				others = append(others, one)
			}
		}
	}
	for _, s := range f.Shapes {
		area := alerts.Area{}
		if s.Circle != nil {
			area.Circles = []alerts.Circle{*s.Circle}
		} else {
			area.Polygons = []alerts.Polygon{s.Polygon}
		}
		for _, ring := range rings(&area) {
			if !slices.ContainsFunc(ring, func(p alerts.Point) bool { return !p.Valid() }) {
				chosen = append(chosen, outline{ring: ring, tone: tn, shape: shape})
			}
		}
	}
	if len(chosen) > mostOutline {
		chosen = chosen[:mostOutline]
	}
	if all := slices.Concat(others, chosen); len(all) > 0 {
		p := project(all)
		p.Desc = ""
		for _, o := range chosen {
			if o.label.Text != "" {
				p.Desc = strings.TrimPrefix(p.Desc+", "+o.label.Text, ", ")
			}
		}
		p.unclutter()
		return p
	}
	return nil
}

// unclutter takes out labels that would stand over others: those of what is
// drawn last, the chosen areas, stay first.
func (p *picture) unclutter() { p.spaced(letterHalf, 14) }

// spaced is unclutter for letters of another size: letter and line are half of
// what one of each takes.
func (p *picture) spaced(letter, line int) {
	var kept []*drawn
	for i := len(p.Shapes) - 1; i >= 0; i-- {
		one := &p.Shapes[i]
		wide := letter * len([]rune(one.Label.Text))
		if one.Label.Text != "" && slices.ContainsFunc(kept, func(o *drawn) bool {
			return max(o.X-one.X, one.X-o.X) < wide+letter*len([]rune(o.Label.Text)) && max(o.Y-one.Y, one.Y-o.Y) < 2*line
		}) {
			one.Label = words{}
		}
		if one.Label.Text != "" {
			kept = append(kept, one)
		}
	}
}

// cardsOf is the alert on the public page, in each language of the pages.
func (c *console) cardsOf(v *visit, o *look) []langCard {
	r := o.record.Clone()
	r.State, r.Published = alerts.StateIssued, v.now
	var cards []langCard
	for _, tag := range c.s.pages.staff.tags {
		l := c.s.pages.staff.all[tag]
		if tag != v.l.Tag && !slices.ContainsFunc(r.Alert.Infos, func(in alerts.Info) bool { return alerts.PrimaryLanguage(in.Language) == tag }) {
			continue
		}
		one := c.s.card(l, happening{Record: r, Standing: broadcast.StandingActive}, v.now)
		one.URL = "#h-public"
		line := langCard{Lang: tag, Name: v.l.language(tag), Card: one}
		if tag == v.l.Tag {
			cards = append([]langCard{line}, cards...)
		} else {
			cards = append(cards, line)
		}
	}
	return cards
}

// capChoices are what CAP asks beside the words, each a list.
func capChoices(l *locale, f *compose.Form) []draftChoice {
	urgency := draftChoice{"urgency", l.must("compose_urgency"), []option{
		{"Immediate", l.must("compose_urgency_immediate"), false}, {"Expected", l.must("compose_urgency_expected"), false},
		{"Future", l.must("compose_urgency_future"), false}, {"Past", l.must("compose_urgency_past"), false}, {"Unknown", l.must("compose_unknown"), false},
	}}
	certainty := draftChoice{"certainty", l.must("compose_certainty"), []option{
		{"Observed", l.must("compose_certainty_observed"), false}, {"Likely", l.must("compose_certainty_likely"), false},
		{"Possible", l.must("compose_certainty_possible"), false}, {"Unlikely", l.must("compose_certainty_unlikely"), false}, {"Unknown", l.must("compose_unknown"), false},
	}}
	for i := range urgency.Options {
		urgency.Options[i].Has = urgency.Options[i].Value == string(f.Urgency)
	}
	for i := range certainty.Options {
		certainty.Options[i].Has = certainty.Options[i].Value == string(f.Certainty)
	}
	return []draftChoice{urgency, certainty}
}

func categoryOptions(l *locale, has []alerts.Category) []option {
	words := map[alerts.Category]string{
		"Geo": l.must("compose_cat_geo"), "Met": l.must("compose_cat_met"), "Safety": l.must("compose_cat_safety"), "Security": l.must("compose_cat_security"),
		"Rescue": l.must("compose_cat_rescue"), "Fire": l.must("compose_cat_fire"), "Health": l.must("compose_cat_health"), "Env": l.must("compose_cat_env"),
		"Transport": l.must("compose_cat_transport"), "Infra": l.must("compose_cat_infra"), "CBRNE": l.must("compose_cat_cbrne"), "Other": l.must("compose_cat_other"),
	}
	var all []option
	for _, k := range alerts.Categories {
		all = append(all, option{string(k), words[k], slices.Contains(has, k)})
	}
	return all
}
