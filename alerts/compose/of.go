package compose

import (
	"slices"
	"strings"

	"martinella/alerts"
)

// Of gives the form that a record could have been made from: for an Update of
// what is published (Changes is set, and what the last Update changed is not
// said again), or to take the place of what was returned, rejected or recalled
// (Corrects is set). What a form cannot hold is lost: see [Holds].
func Of(r *alerts.Record, c Context) Form {
	infos := r.Infos()
	f := Form{V: Version, Status: r.Alert.Status, Channels: slices.Clone(r.Channels)}
	if r.State.Published() {
		f.Changes = r.ID
	} else {
		f.Corrects, f.Changes = r.ID, r.Supersedes
	}
	for i := range infos {
		in := &infos[i]
		tag := in.Language
		if tag == "" {
			tag = c.Authority.Language
		}
		if f.text(tag) >= 0 {
			continue // another hazard, or another day
		}
		if len(f.Texts) == 0 {
			f.choose(in, c)
		}
		t := textOf(in)
		t.Language = tag
		if f.Changes == r.ID {
			t.Changed = ""
		}
		f.Texts = append(f.Texts, t)
	}
	f.speak(c)
	return f
}

// choose takes what all languages share from the first one.
func (f *Form) choose(in *alerts.Info, c Context) {
	f.Severity, f.Urgency, f.Certainty = in.Severity, in.Urgency, in.Certainty
	f.Categories, f.EventCodes = slices.Clone(in.Categories), slices.Clone(in.EventCodes)
	f.Responses = slices.DeleteFunc(slices.Clone(in.ResponseTypes), func(r alerts.ResponseType) bool { return r == alerts.ResponseAllClear })
	f.From, f.Until = FormatTime(in.Onset, c.Zone), FormatTime(in.Expires, c.Zone)
	for i := range in.Areas {
		ar := &in.Areas[i]
		for _, g := range ar.Geocodes {
			if !slices.Contains(f.Codes, g) {
				f.Codes = append(f.Codes, g)
			}
		}
		for _, p := range ar.Polygons {
			f.Shapes = append(f.Shapes, Shape{Polygon: slices.Clone(p)})
		}
		for _, circle := range ar.Circles {
			f.Shapes = append(f.Shapes, Shape{Circle: &circle})
		}
	}
	for _, r := range in.Resources {
		f.Files = append(f.Files, File{Type: r.MimeType, URI: r.URI, Size: r.Size, Digest: r.Digest})
	}
}

// textOf is the words of an info.
func textOf(in *alerts.Info) Text {
	t := Text{Source: in.SenderName, Event: in.Event, Headline: in.Headline, Instruction: in.Instruction, Web: in.Web, Contact: in.Contact, Changed: in.Changed()}
	t.Description = unsaid(in.Changed(), in.Description)
	var places []string
	for i := range in.Areas {
		if place := line(in.Areas[i].Description); place != "" && !slices.Contains(places, place) {
			places = append(places, place)
		}
	}
	t.Where = strings.Join(places, ", ")
	for _, r := range in.Resources {
		t.Alts = append(t.Alts, r.Description)
	}
	for _, p := range in.Parameters {
		name := strings.TrimSpace(p.Name)
		if len(name) > len(alerts.WordingParameter) && strings.EqualFold(name[:len(alerts.WordingParameter)], alerts.WordingParameter) {
			channel := strings.ToLower(name[len(alerts.WordingParameter):])
			if _, twice := t.Own[channel]; !twice && nameForm.MatchString(channel) && tidy(p.Value) != "" {
				if t.Own == nil {
					t.Own = map[string]string{}
				}
				t.Own[channel] = p.Value
				continue
			}
		}
		if !strings.EqualFold(name, alerts.ChangedParameter) {
			t.Parameters = append(t.Parameters, p)
		}
	}
	return t
}

// unsaid is the description without what changed before it.
func unsaid(changed, description string) string {
	if rest, begins := strings.CutPrefix(description, changed); begins && changed != "" {
		if rest == "" || rest[0] == '\n' {
			return strings.TrimPrefix(rest, "\n")
		}
	}
	return description
}

// Holds reports whether a form can hold the record: one wording for each
// language, that differ in words alone. What others sent may have a wording for
// each hazard, colour or day; a form made from it keeps the first, and a page
// says so.
func Holds(r *alerts.Record, c Context) bool {
	infos := r.Infos()
	var seen []string
	for i := range infos {
		in := &infos[i]
		tag := strings.ToLower(or(in.Language, c.Authority.Language))
		if slices.Contains(seen, tag) || in.Audience != "" || !in.Effective.IsZero() && !in.Effective.Equal(r.Alert.Sent) || !alike(in, &infos[0]) {
			return false
		}
		seen = append(seen, tag)
	}
	return len(infos) > 0
}

// alike reports whether two wordings differ in words alone.
func alike(a, b *alerts.Info) bool {
	if !slices.Equal(a.Categories, b.Categories) || !slices.Equal(a.ResponseTypes, b.ResponseTypes) || !slices.Equal(a.EventCodes, b.EventCodes) ||
		a.Urgency != b.Urgency || a.Severity != b.Severity || a.Certainty != b.Certainty || !a.Onset.Equal(b.Onset) || !a.Expires.Equal(b.Expires) ||
		len(a.Resources) != len(b.Resources) || len(a.Areas) != len(b.Areas) {
		return false
	}
	for i := range a.Resources {
		x, y := a.Resources[i], b.Resources[i]
		if x.Description = y.Description; x != y {
			return false
		}
	}
	for i := range a.Areas {
		x, y := &a.Areas[i], &b.Areas[i]
		if x.Altitude != "" || x.Ceiling != "" || !slices.Equal(x.Geocodes, y.Geocodes) || !slices.Equal(x.Circles, y.Circles) ||
			!slices.EqualFunc(x.Polygons, y.Polygons, slices.Equal) {
			return false
		}
	}
	return true
}
