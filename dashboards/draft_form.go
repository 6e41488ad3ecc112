package dashboards

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"martinella/alerts"
	"martinella/alerts/compose"
	"martinella/alerts/templates"
)

// maxDraftForm bounds what the page of a draft sends: a paper of
// broadcast.MaxPaper, three characters for each of its bytes.
const maxDraftForm = 3 * 256 << 10

// mostTexts bounds the languages of a draft.
const mostTexts = 20

// readForm writes what a page sent over the form that it was made from. What
// the page does not show stays.
func readForm(base compose.Form, post url.Values) compose.Form {
	f := base
	get := func(name string) string {
		return strings.ToValidUTF8(strings.ReplaceAll(post.Get(name), "\r\n", "\n"), "\uFFFD")
	}
	over := func(name string, to *string) {
		if post.Has(name) {
			*to = get(name)
		}
	}
	over("template", &f.Template)
	for name, to := range map[string]*alerts.ID{"changes": &f.Changes, "corrects": &f.Corrects} {
		if *to == "" && len(post.Get(name)) == 26 { // the paper is gone
			*to = alerts.ID(post.Get(name))
		}
	}
	if f.Warning == "" {
		over("warning", &f.Warning)
	}
	over("from", &f.From)
	over("until", &f.Until)
	if s := alerts.Status(post.Get("status")); slices.Contains(alerts.Statuses, s) {
		f.Status = s
	}
	if s := alerts.Severity(post.Get("severity")); slices.Contains(alerts.Severities, s) {
		f.Severity = s
	}
	if u := alerts.Urgency(post.Get("urgency")); slices.Contains(alerts.Urgencies, u) {
		f.Urgency = u
	}
	if c := alerts.Certainty(post.Get("certainty")); slices.Contains(alerts.Certainties, c) {
		f.Certainty = c
	}
	if post.Has("categories") {
		f.Categories = nil
		for _, c := range post["category"] {
			if slices.Contains(alerts.Categories, alerts.Category(c)) {
				f.Categories = append(f.Categories, alerts.Category(c))
			}
		}
	}
	if post.Has("areas") {
		f.Codes = nil
		for _, code := range post["code"] {
			if name, value, ok := strings.Cut(code, "="); ok && value != "" && !slices.Contains(f.Codes, alerts.Value{Name: name, Value: value}) {
				f.Codes = append(f.Codes, alerts.Value{Name: strings.ToValidUTF8(name, ""), Value: strings.ToValidUTF8(value, "")})
			}
		}
	}
	f.Channels = readPlan(base.Channels, post)
	f.Values = map[string]string{}
	for name := range templates.Placeholders {
		if s := strings.TrimSpace(get("v-" + name)); s != "" {
			f.Values[name] = s
		} else if !post.Has("v-"+name) && base.Values[name] != "" {
			f.Values[name] = base.Values[name]
		}
	}
	f.Texts = readTexts(base.Texts, post, get)
	return f
}

// readPlan reads the ticked channels. All of what was shown, where nothing was
// chosen before, stays "all", so that a channel of tomorrow is not left out.
func readPlan(base []string, post url.Values) []string {
	shown := post["channels"]
	if len(shown) == 0 {
		return base
	}
	all := true
	plan := []string{}
	for _, name := range base {
		if !slices.Contains(shown, name) {
			plan = append(plan, name)
		}
	}
	for _, name := range shown {
		if slices.Contains(post["channel"], name) {
			plan = append(plan, name)
		} else {
			all = false
		}
	}
	if all && base == nil {
		return nil
	}
	return plan
}

func readTexts(base []compose.Text, post url.Values, get func(string) string) []compose.Text {
	texts := slices.Clone(base)
	for n := range mostTexts {
		at := fmt.Sprintf("t%d-", n)
		lang := post.Get(at + "language")
		if lang == "" {
			break
		}
		i := slices.IndexFunc(texts, func(t compose.Text) bool { return t.Language == lang })
		if i < 0 {
			texts = append(texts, compose.Text{Language: lang})
			i = len(texts) - 1
		}
		t := &texts[i]
		for _, field := range wordsOf(t) {
			if post.Has(at + field.name) {
				*field.to = get(at + field.name)
			}
		}
		own := map[string]string{}
		maps.Copy(own, t.Own)
		for name := range post {
			if channel, is := strings.CutPrefix(name, at+"own-"); is {
				if own[channel] = get(name); strings.TrimSpace(own[channel]) == "" {
					delete(own, channel)
				}
			}
		}
		t.Own = own
	}
	return texts
}

// textField is one text of a language, by the name that it has on the page.
type textField struct {
	name string
	to   *string
}

// wordsOf are the texts of a language that the page shows, by the names of
// compose.Text in JSON.
func wordsOf(t *compose.Text) []textField {
	return []textField{
		{"source", &t.Source}, {"event", &t.Event}, {"headline", &t.Headline}, {"description", &t.Description}, {"where", &t.Where},
		{"instruction", &t.Instruction}, {"changed", &t.Changed}, {"web", &t.Web}, {"contact", &t.Contact},
	}
}

// readShapes reads drawn areas, one a line: "lat,lon lat,lon ..." a polygon, which
// is closed where it is open, or "lat,lon radius" a circle in kilometres. bad
// are the lines that are neither.
func readShapes(text string) (shapes []compose.Shape, bad []string) {
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		var circle alerts.Circle
		if fields := strings.Fields(line); len(fields) == 2 && !strings.Contains(fields[1], ",") && circle.UnmarshalText([]byte(line)) == nil {
			shapes = append(shapes, compose.Shape{Circle: &circle})
			continue
		}
		var ring alerts.Polygon
		if err := ring.UnmarshalText([]byte(line)); err != nil || len(ring) < 3 {
			bad = append(bad, line)
			continue
		}
		if ring[0] != ring[len(ring)-1] {
			ring = append(ring, ring[0])
		}
		shapes = append(shapes, compose.Shape{Polygon: ring})
	}
	return shapes, bad
}

// writeShapes is the other way round.
func writeShapes(shapes []compose.Shape) string {
	var b strings.Builder
	for _, s := range shapes {
		if s.Circle != nil {
			b.WriteString(s.Circle.String())
		} else {
			b.WriteString(s.Polygon.String())
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// anchor is the id on the page of a field of the form, or of the alert that it
// made: "texts[0].headline" is t0-headline.
func anchor(field string) string {
	name, rest, _ := strings.Cut(field, "]")
	switch {
	case strings.HasPrefix(name, "texts["):
		part, _, _ := strings.Cut(strings.TrimPrefix(rest, "."), "[")
		if part, _, _ = strings.Cut(part, "."); part == "own" {
			part = "more"
		}
		if part == "" || part == "parameter" || part == "alts" {
			part = "headline"
		}
		return "t" + strings.TrimPrefix(name, "texts[") + "-" + part
	case strings.HasPrefix(name, "info[") && strings.HasPrefix(rest, ".area"), strings.HasPrefix(name, "codes"), strings.HasPrefix(name, "shapes"), name == "area":
		return "areas"
	case strings.HasPrefix(name, "info[") && strings.HasPrefix(rest, ".expires"), name == "expires", name == "until":
		return "until"
	case name == "from", name == "status", name == "severity":
		return name
	case strings.HasPrefix(name, "category"), strings.HasPrefix(name, "info[") && strings.HasPrefix(rest, ".category"):
		return "categories"
	case strings.HasPrefix(name, "values"):
		return "values"
	case strings.HasPrefix(name, "channels"):
		return "channels"
	case strings.HasPrefix(name, "info["):
		return "t0-headline"
	}
	return "writing"
}
