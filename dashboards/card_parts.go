package dashboards

import (
	"slices"
	"time"

	"martinella/alerts"
)

// also is one more info of the same language, whole: it may be for another area
// or of another danger than the first one.
type also struct {
	Level    string
	Tone     string
	Shape    string
	Name     words
	Headline words // "" where it says no more than Name
	Where    words
	All      []words
	What     []words
	Actions  []words
	Until    instant
	Again    bool // on paper: its text stands right above
	Redo     bool // on paper: its actions stand right above
}

// touching tells of an info whether it concerns the area of the readers; nil
// where they are everywhere.
type touching func(*alerts.Info) bool

// first puts the infos that concern the area before the others, each part in its
// order, and gives the severity that readers there are shown: that of the
// gravest info which concerns them. Where there is nothing to choose from, and
// where none concerns them, it is the record's.
func (near touching) first(r *alerts.Record, infos []alerts.Info) alerts.Severity {
	if near == nil || len(infos) < 2 {
		return r.Severity()
	}
	there := map[bool][]alerts.Info{}
	for i := range infos {
		is := near(&infos[i])
		there[is] = append(there[is], infos[i])
	}
	copy(infos, slices.Concat(there[true], there[false]))
	if len(there[true]) == 0 {
		return r.Severity()
	}
	return infos[0].Severity
}

// severity is how grave a record is for readers in the area: as first, whatever
// their language.
func (near touching) severity(r *alerts.Record) alerts.Severity {
	infos := slices.Clone(r.Infos())
	slices.SortStableFunc(infos, func(a, b alerts.Info) int { return b.Severity.Rank() - a.Severity.Rank() })
	return near.first(r, infos)
}

// onlyInfo is a record that has this info only, to ask whom it is for. The codes
// that were resolved when the record was approved are of all its infos together
// and are left out.
func onlyInfo(in *alerts.Info) *alerts.Record {
	return &alerts.Record{Alert: &alerts.Alert{Infos: []alerts.Info{*in}}}
}

// near tells of infos whether they concern what lies around.
func (p *atlas) near(around *surroundings) touching {
	return func(in *alerts.Info) bool { return around.concerns(p.reach(onlyInfo(in))) }
}

// touchingArea is near for the code of an area: as on the page of the area, where
// it has one.
func (s *Server) touchingArea(code string, concerns func(*alerts.Record) bool) touching {
	if one := s.pages.atlas.find(code); one != nil {
		return s.pages.atlas.near(s.pages.atlas.surroundings(one))
	}
	return func(in *alerts.Info) bool { return concerns(onlyInfo(in)) }
}

// everyPlace names all areas, where a line cannot.
func everyPlace(list []alerts.Area, lang string) []words {
	if names := placeNames(list); len(names) > mostPlaces {
		return sayAll(names, lang)
	}
	return nil
}

// also shows an info that follows the first one. What is over calls nobody to
// act any more.
func (c *card) also(l *locale, r *alerts.Record, in *alerts.Info, lang string, now time.Time) also {
	say := func(text string) words { return words{tidy(text), lang} }
	a := also{Level: l.lex.Level(in.Severity), Name: say(in.Event), Headline: say(in.Headline), Where: say(places(in.Areas)), All: everyPlace(in.Areas, lang),
		What: sayAll(paragraphs(in.Description), lang), Actions: sayAll(steps(in.Instruction), lang), Until: l.At(in.Expires, now)}
	a.Tone, a.Shape = tone(in.Severity)
	if a.Headline.Text == a.Name.Text {
		a.Headline = words{}
	}
	if c.Over() {
		a.Actions = nil
	}
	if c.closes(r) {
		a.Headline = words{}
		if len(r.Alert.Infos) == 0 || in.Description == c.infos[0].Description {
			a.What = nil // those of the warning that is over, or what stands above
		}
	}
	return a
}

// closes reports whether the record ends an event in our words, or in none.
func (c *card) closes(r *alerts.Record) bool {
	return c.Over() && (r.Own || len(r.Alert.Infos) == 0)
}
