package dashboards

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"martinella/alerts"
	"martinella/alerts/compose"
	"martinella/alerts/templates"
	"martinella/broadcast"
)

// newPage is where a new alert begins: from a template, blank, or from an alert
// that is there.
type newPage struct {
	Key       string
	Search    string
	Modes     []modeLine
	Templates []templateLine
	Drafts    []draftLine
	Changes   alerts.ID
	Again     alerts.ID
	Warning   string
	From      *card // what it is made from
}

type templateLine struct {
	ID, Name, About string
	Tone, Shape     string
	Own, Recent     bool
}

// templateLines lists the templates that have the words, those that were used
// last first, then the authority's own.
func (c *console) templateLines(v *visit, search, only string) ([]templateLine, error) {
	all, err := c.prepared()
	if err != nil {
		return nil, err
	}
	recent, err := c.s.Papers.Papers(v.r.Context(), usedKind)
	if err != nil {
		return nil, err
	}
	rank := map[string]int{}
	for i, p := range recent[:min(len(recent), 5)] {
		rank[p.ID] = 5 - i
	}
	var lines []templateLine
	for i := range all {
		t := &all[i]
		x, has := t.Texts[v.l.Tag]
		if !has {
			x = t.Texts[t.Languages()[0]]
		}
		words := strings.ToLower(strings.Join([]string{t.ID, x.Name, x.Headline, x.Hazard}, " "))
		if only != "" && t.ID != only || !strings.Contains(words, strings.ToLower(strings.TrimSpace(search))) {
			continue
		}
		line := templateLine{ID: t.ID, Name: x.Name, About: unfilled(x.Headline), Own: !t.Shipped, Recent: rank[t.ID] > 0}
		line.Tone, line.Shape = tone(t.Severity)
		lines = append(lines, line)
	}
	slices.SortStableFunc(lines, func(a, b templateLine) int {
		if d := rank[b.ID] - rank[a.ID]; d != 0 {
			return d
		}
		if a.Own != b.Own {
			if a.Own {
				return -1
			}
			return 1
		}
		return strings.Compare(a.Name, b.Name)
	})
	return lines, nil
}

// unfilled shows a text with its gaps.
func unfilled(text string) string {
	pairs := []string{}
	for name := range templates.Placeholders {
		pairs = append(pairs, "{"+name+"}", "…")
	}
	return strings.NewReplacer(pairs...).Replace(text)
}

// mostBegun bounds the drafts that the page names; all are on their own page.
const mostBegun = 5

func (c *console) newPage(v *visit) { c.showNew(v, 0, "", "") }

func (c *console) showNew(v *visit, code int, wrong, field string) {
	ctx := v.r.Context()
	q := v.r.Form
	page := newPage{Key: string(c.s.Desk.NewID(v.now)), Search: q.Get("q"), Changes: alerts.ID(q.Get("changes")), Again: alerts.ID(q.Get("again")), Warning: q.Get("warning")}
	if key := v.r.PostForm.Get("key"); draftIDForm.MatchString(key) {
		page.Key = key
	}
	drafts, err := c.drafts(ctx)
	if err != nil {
		c.fail(v, err)
		return
	}
	title := v.l.must("compose_title")
	if page.Warning != "" && c.s.Warnings == nil {
		c.say(v, http.StatusNotFound, v.l.must("refused_missing"))
		return
	}
	from, err := c.source(v, page.Changes, page.Again)
	switch {
	case errors.Is(err, alerts.ErrNotFound):
		c.say(v, http.StatusNotFound, v.l.must("refused_missing"))
		return
	case err != nil:
		c.fail(v, err)
		return
	case from != nil:
		one := c.s.card(v.l, happening{Record: from, Standing: broadcast.StandingActive}, v.now)
		page.From = &one
		drafts = slices.DeleteFunc(drafts, func(d *draft) bool { return d.Form.Changes != from.ID && d.Form.Corrects != from.ID })
		if page.Changes != "" {
			title = v.l.must("compose_title_update")
		}
	default:
		page.Modes = c.modes(v, alerts.Status(v.r.PostForm.Get("status")))
		open := slices.DeleteFunc(slices.Clone(page.Modes), func(m modeLine) bool { return m.Why != "" })
		for i := range page.Modes {
			page.Modes[i].Has = page.Modes[i].Has || len(open) == 1 && page.Modes[i].Value == open[0].Value
		}
		if page.Templates, err = c.templateLines(v, page.Search, v.r.URL.Query().Get("template")); err != nil {
			c.fail(v, err)
			return
		}
	}
	page.Drafts = c.draftLines(v, drafts[:min(len(drafts), mostBegun)])
	c.show(v, sheet{name: "compose_new", title: title, code: code, wrong: wrong, field: field, content: page})
}

// source is the record that a draft is made from; nil of a new alert.
func (c *console) source(v *visit, changes, again alerts.ID) (*alerts.Record, error) {
	switch {
	case changes != "":
		r, err := c.s.Desk.Store.Get(v.r.Context(), changes, alerts.Published)
		if err == nil && !r.State.Published() {
			err = alerts.ErrNotFound
		}
		return r, err
	case again != "":
		r, err := c.s.Desk.Store.Get(v.r.Context(), again, alerts.Exactly)
		if err == nil && r.State != alerts.StateReturned {
			err = alerts.ErrNotFound
		}
		return r, err
	}
	return nil, nil
}

// begin makes the draft. The key of the page is in its name, so that a second
// tap gives the same one.
func (c *console) begin(v *visit) {
	ctx, cancel := actContext(v.r)
	defer cancel()
	post := v.r.PostForm
	d := &draft{draftDoc: draftDoc{Holder: v.caller().By(), Begun: v.now}}
	d.ID = post.Get("key")
	from, err := c.source(v, alerts.ID(post.Get("changes")), alerts.ID(post.Get("again")))
	if errors.Is(err, alerts.ErrNotFound) {
		c.say(v, http.StatusNotFound, v.l.must("refused_missing"))
		return
	}
	if err != nil {
		c.fail(v, err)
		return
	}
	d.Form.Warning = post.Get("warning")
	if d.Form.Warning != "" && c.s.Warnings == nil {
		c.say(v, http.StatusNotFound, v.l.must("refused_missing"))
		return
	}
	k, err := c.knowing(ctx, v, &d.Form)
	if err != nil {
		c.fail(v, err)
		return
	}
	template := post.Get("template")
	i := slices.IndexFunc(k.Templates, func(t templates.Template) bool { return t.ID == template })
	switch {
	case from != nil:
		if post.Get("changes") != "" {
			k.Previous = from
		} else {
			k.Earlier = from
		}
		d.Form = compose.Of(from, k)
		if from.State == alerts.StateReturned { // what was issued two have agreed on
			d.wrote(from.Author)
			d.wrote(from.Writers...)
		}
	case alerts.Status(post.Get("status")) != alerts.StatusActual && alerts.Status(post.Get("status")) != alerts.StatusExercise:
		c.showNew(v, http.StatusUnprocessableEntity, v.l.must("compose_wrong_status_choose"), "status")
		return
	case template != "" && i < 0:
		c.showNew(v, http.StatusUnprocessableEntity, v.l.must("compose_no_template"), "")
		return
	default:
		d.Form = compose.New(k)
		d.Form.Status, d.Form.Warning = alerts.Status(post.Get("status")), post.Get("warning")
		if template != "" {
			d.Form = compose.Fill(k.Templates[i], d.Form, k)
			d.ID += "-" + template
		}
	}
	if !draftIDForm.MatchString(d.ID) {
		c.say(v, http.StatusBadRequest, v.l.must("console_unread"))
		return
	}
	d.Shapes = writeShapes(d.Form.Shapes)
	_, err = c.write(ctx, v, *d)
	switch {
	case errors.Is(err, alerts.ErrStale): // it was asked for before
	case errors.Is(err, broadcast.ErrManyPapers):
		c.showNew(v, http.StatusConflict, v.l.must("compose_many"), "")
		return
	case err != nil:
		c.fail(v, err)
		return
	case template != "":
		c.used(ctx, v, template)
	}
	c.to(v, "/console/draft/"+d.ID)
}
