package alerts

import (
	"slices"
	"strings"
	"unicode"
)

// Corrects reports whether r only puts right what the revision before it says,
// so that whoever read that one need not be told again: an update of the same
// severity, urgency and end that asks for nothing new and holds nowhere else.
// Everything else is news, also less severity: it is posted anew, and the
// earlier post says so (DECISIONS 7: silent edits are for corrections).
//
// Spelling, case, punctuation and space count for nothing in what is asked for;
// a figure or a word does.
func (r *Record) Corrects(before *Record) bool {
	if before == nil || r.Change != ChangeUpdated || r.Severity() != before.Severity() || r.Alert.Practice() != before.Alert.Practice() {
		return false
	}
	if !r.Alert.Expires().Equal(before.Alert.Expires()) {
		return false
	}
	was := map[Value]bool{}
	for _, v := range before.Areas {
		was[v] = true
	}
	if slices.ContainsFunc(r.Areas, func(v Value) bool { return !was[v] }) {
		return false
	}
	for i := range r.Alert.Infos {
		info := &r.Alert.Infos[i]
		if !slices.ContainsFunc(before.Alert.Infos, info.corrects) {
			return false
		}
	}
	return true
}

// corrects reports whether the info asks for nothing that the other one does
// not, in the same language and nowhere else.
func (i *Info) corrects(before Info) bool {
	return strings.EqualFold(i.Language, before.Language) && i.Severity == before.Severity && i.Urgency == before.Urgency &&
		spoken(i.Event) == spoken(before.Event) && spoken(i.Instruction) == spoken(before.Instruction) &&
		i.Onset.Equal(before.Onset) && i.Expires.Equal(before.Expires) &&
		slices.Equal(i.ResponseTypes, before.ResponseTypes) && within(i.Areas, before.Areas)
}

// spoken is what is heard of a text: its words and figures.
func spoken(text string) string {
	return strings.Join(strings.FieldsFunc(strings.ToLower(text), func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r)
	}), " ")
}

// within reports whether every shape and code of the areas is one of the others.
// A shape that was drawn anew is taken to be wider: nobody is left out by that.
func within(areas, of []Area) bool {
	shapes := map[string]bool{}
	for i := range of {
		for _, s := range of[i].shapes() {
			shapes[s] = true
		}
	}
	for i := range areas {
		if slices.ContainsFunc(areas[i].shapes(), func(s string) bool { return !shapes[s] }) {
			return false
		}
	}
	return true
}

// shapes are what a machine finds the area by, each as a text.
func (a *Area) shapes() []string {
	var out []string
	for _, p := range a.Polygons {
		out = append(out, "polygon "+p.String())
	}
	for _, c := range a.Circles {
		out = append(out, "circle "+c.String())
	}
	for _, g := range a.Geocodes {
		out = append(out, "geocode "+g.Name+" "+g.Value)
	}
	return out
}
