package dashboards

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"martinella/alerts"
	"martinella/alerts/compose"
	"martinella/alerts/templates"
	"martinella/broadcast"
)

// composeRoutes are the pages on which alerts are written.
func (c *console) composeRoutes() []consoleRoute {
	return []consoleRoute{
		{"GET", "/console/new", forStaff, c.writing(c.newPage)},
		{"POST", "/console/new", forStaff, c.writing(c.begin)},
		{"GET", "/console/drafts", forStaff, c.writing(c.draftsPage)},
		{"GET", "/console/draft/{id}", forStaff, c.writing(c.draftPage)},
		{"POST", "/console/draft/{id}", forStaff, c.writing(c.compose)},
		{"GET", "/console/draft/{id}/versions", forStaff, c.writing(c.versionsPage)},
		{"POST", "/console/draft/{id}/versions", forStaff, c.writing(c.goBack)},
		{"POST", "/console/draft/{id}/take", forStaff, c.writing(c.takeOver)},
		{"GET", "/console/draft/{id}/delete", forStaff, c.writing(c.deletePage)},
		{"POST", "/console/draft/{id}/delete", forStaff, c.writing(c.deleteDraft)},
		{"GET", "/console/draft/{id}/send", forStaff, c.writing(c.sendPage)},
		{"POST", "/console/draft/{id}/send", forStaff, c.writing(c.send)},
	}
}

// writing lets in who may submit alerts, and reads the form.
func (c *console) writing(serve func(v *visit)) func(v *visit) {
	return func(v *visit) {
		if !v.caller().Can(alerts.VerbSubmit) {
			c.say(v, http.StatusForbidden, v.l.must("compose_no_right"))
			return
		}
		if err := v.r.ParseForm(); err != nil {
			if _, long := errors.AsType[*http.MaxBytesError](err); long {
				c.say(v, http.StatusRequestEntityTooLarge, v.l.must("compose_too_large"))
				return
			}
			c.say(v, http.StatusBadRequest, v.l.must("console_unread"))
			return
		}
		serve(v)
	}
}

// lost answers for a draft that is not there: it has become an alert, or it was
// deleted.
func (c *console) lost(v *visit, err error) {
	if !errors.Is(err, alerts.ErrNotFound) && !errors.Is(err, alerts.ErrStale) {
		c.fail(v, err)
		return
	}
	r, err := c.submitted(v.r.Context(), v.r.PathValue("id"))
	switch {
	case err == nil:
		c.to(v, "/console/a/"+string(r.ID))
	case errors.Is(err, alerts.ErrNotFound):
		c.say(v, http.StatusNotFound, v.l.must("compose_gone"))
	default:
		c.fail(v, err)
	}
}

// saidOf is what the page says after the browser was sent on.
func saidOf(v *visit) string {
	switch v.r.URL.Query().Get("said") {
	case "saved":
		return v.l.must("compose_said_saved")
	case "mine":
		return v.l.must("compose_said_mine")
	case "theirs":
		return v.l.must("compose_said_theirs")
	case "back":
		return v.l.must("compose_said_back")
	}
	return ""
}

func (c *console) draftPage(v *visit) {
	d, err := c.draft(v.r.Context(), v.r.PathValue("id"))
	if err != nil {
		c.lost(v, err)
		return
	}
	c.showDraft(v, d, shown{said: saidOf(v)})
}

// shown is how the page of a draft is answered.
type shown struct {
	code     int
	said     string
	wrong    string // in one sentence; the lines of what is wrong are under it
	asked    bool   // approval was asked for: what is wrong is an answer
	conflict *conflict
	places   string
	refused  *refusal
}

func (c *console) showDraft(v *visit, d *draft, how shown) {
	o, err := c.look(v.r.Context(), v, d)
	if err != nil {
		c.showAway(v, d, err)
		return
	}
	page := c.page(v, d, o)
	page.Asked, page.Conflict, page.Places, page.Refused = how.asked, how.conflict, how.places, how.refused
	if how.asked {
		page.At = map[string]string{}
		for _, w := range page.Wrong {
			page.At[w.Anchor] = w.Text
		}
	}
	one := sheet{name: "compose", title: titleOf(v.l, d), code: how.code, said: how.said, wrong: how.wrong, mode: drillMode(page.Drill), content: page}
	if v.r.URL.Query().Get("part") == "live" {
		c.part(v, one.name, page)
		return
	}
	c.show(v, one)
}

func titleOf(l *locale, d *draft) string {
	if d.Form.Changes != "" {
		return l.must("compose_title_update")
	}
	return l.must("compose_title")
}

// showAway shows what was typed although the store does not answer: nothing of
// it is lost, and the page can be sent again.
func (c *console) showAway(v *visit, d *draft, err error) {
	if !errors.Is(err, alerts.ErrUnavailable) && !errors.Is(err, context.DeadlineExceeded) {
		c.fail(v, err)
		return
	}
	v.w.Header().Set("Retry-After", seconds(defaultRetry))
	if v.r.URL.Query().Get("part") != "" {
		c.answer(v, http.StatusServiceUnavailable, savedAnswer{Said: v.l.must("compose_away")})
		return
	}
	k := compose.Context{Authority: c.s.Authority, Zone: c.s.Zone, Languages: c.s.Words.Languages, Now: v.now, Areas: c.places, Words: c.s.words()}
	o := &look{know: k}
	o.alert, _ = d.Form.Alert(k)
	o.record = &alerts.Record{Alert: o.alert, Own: true}
	o.check = compose.Check(d.Form, o.alert, k)
	page := c.page(v, d, o)
	c.show(v, sheet{name: "compose", title: titleOf(v.l, d), code: http.StatusServiceUnavailable, wrong: v.l.must("compose_away"), mode: drillMode(page.Drill), content: page})
}

// part answers with the live part of a page.
func (c *console) part(v *visit, name string, content any) {
	made, err := c.s.pages.execute(v.l, name, "live", content)
	if err != nil {
		c.s.internal(v.w, v.r, err, nil)
		return
	}
	made.write(v.w, v.r, http.StatusOK, v.l)
}

// savedAnswer is what the page's script is told of a draft that it saved.
type savedAnswer struct {
	Revision int64  `json:"revision,omitempty"`
	Said     string `json:"said"`
	Conflict bool   `json:"conflict,omitempty"`
	// Fields are those that are kept otherwise than they were sent, by name: an
	// hour in the place of "+6 h", the template's words with a new value.
	Fields map[string]string `json:"fields,omitempty"`
}

// otherwise lists what is kept of the form otherwise than it was sent.
func otherwise(f *compose.Form, post url.Values) map[string]string {
	fields := map[string]string{}
	note := func(name, kept string) {
		if post.Has(name) && strings.ReplaceAll(post.Get(name), "\r\n", "\n") != kept {
			fields[name] = kept
		}
	}
	note("from", f.From)
	note("until", f.Until)
	for n := range f.Texts {
		at := fmt.Sprintf("t%d-", n)
		for _, field := range wordsOf(&f.Texts[n]) {
			note(at+field.name, *field.to)
		}
		for channel, words := range f.Texts[n].Own {
			note(at+"own-"+channel, words)
		}
	}
	return fields
}

// typed is the draft as the page shows it: what was sent over what is kept. The
// draft is never nil; with an error it holds what was typed alone.
func (c *console) typed(v *visit) (*draft, error) {
	id, post := v.r.PathValue("id"), v.r.PostForm
	kept, err := c.draft(v.r.Context(), id)
	d := &draft{Paper: broadcast.Paper{ID: id}}
	if err == nil {
		copied := *kept
		d = &copied
	}
	d.Revision, _ = strconv.ParseInt(post.Get("revision"), 10, 64)
	d.Form = readForm(d.Form, post)
	if post.Has("shapes") {
		d.Shapes = strings.ReplaceAll(post.Get("shapes"), "\r\n", "\n")
		d.Form.Shapes, _ = readShapes(d.Shapes)
	}
	return d, err
}

// compose does what a button of the page asks.
func (c *console) compose(v *visit) {
	ctx, cancel := actContext(v.r)
	defer cancel()
	post := v.r.PostForm
	d, err := c.typed(v)
	if errors.Is(err, alerts.ErrNotFound) {
		if d.Revision != 0 || !draftIDForm.MatchString(d.ID) {
			c.lostWhileTyping(v, d)
			return
		}
		if _, err = c.submitted(ctx, d.ID); err == nil {
			c.lost(v, alerts.ErrNotFound)
			return
		}
		if errors.Is(err, alerts.ErrNotFound) {
			err = nil // it is written for the first time
		}
	}
	if err != nil {
		c.showAway(v, d, err)
		return
	}
	do, of, _ := strings.Cut(post.Get("do"), ":")
	if do == "preview" {
		if err := c.fill(ctx, v, d, false); err != nil {
			c.showAway(v, d, err)
			return
		}
		if err := c.tick(ctx, v, d); err != nil {
			c.showAway(v, d, err)
			return
		}
		c.showDraft(v, d, shown{})
		return
	}
	to, places := "", ""
	switch do {
	case "save", "ask", "mine", "theirs":
	case "until":
		c.quick(v, d, of)
		to = "#until"
	case "places":
		codes, unknown := compose.Find(c.places, post.Get("places"))
		addCodes(d, codes)
		places, to = strings.Join(unknown, ", "), "#areas"
	case "code":
		if name, value, ok := strings.Cut(of, "="); ok {
			addCodes(d, []alerts.Value{{Name: name, Value: value}})
		}
		to = "#areas"
	case "fill":
		to = "#values"
	case "take":
		c.takeProposal(ctx, v, d, of)
		to = "#h-advice"
	default:
		c.say(v, http.StatusBadRequest, v.l.must("console_unread"))
		return
	}
	c.settleTimes(v, d)
	if err := c.fill(ctx, v, d, do == "fill"); err != nil {
		c.showAway(v, d, err)
		return
	}
	if err := c.tick(ctx, v, d); err != nil {
		c.showAway(v, d, err)
		return
	}
	if do == "mine" || do == "theirs" {
		c.settleConflict(ctx, v, d, do)
		return
	}
	kept, ok := c.save(ctx, v, d)
	switch {
	case !ok:
	case do == "ask":
		c.ask(ctx, v, kept)
	case places != "":
		c.showDraft(v, kept, shown{code: http.StatusUnprocessableEntity, wrong: v.l.must("compose_places_unknown", "Names", short(places)), places: places})
	case v.r.URL.Query().Get("part") == "saved":
		c.answer(v, http.StatusOK, savedAnswer{Revision: kept.Revision, Said: v.l.must("compose_saved", "Time", v.l.At(kept.At, v.now).Clock), Fields: otherwise(&kept.Form, post)})
	default:
		c.to(v, "/console/draft/"+kept.ID+"?said=saved"+to)
	}
}

func addCodes(d *draft, codes []alerts.Value) {
	for _, code := range codes {
		if code.Value != "" && !slices.Contains(d.Form.Codes, code) {
			d.Form.Codes = append(d.Form.Codes, code)
		}
	}
}

// quick sets the end by one of the quick choices.
func (c *console) quick(v *visit, d *draft, choice string) {
	from := v.now
	if t, ok := c.timeOf(v, d.Form.From); ok && t.After(from) {
		from = t
	}
	from = from.In(c.s.Zone)
	var until time.Time
	switch choice {
	case "1":
		until = from.Add(time.Hour)
	case "6":
		until = from.Add(6 * time.Hour)
	case "morning":
		until = time.Date(from.Year(), from.Month(), from.Day()+1, 6, 0, 0, 0, c.s.Zone)
	default:
		return
	}
	d.Form.Until = compose.FormatTime(until.Truncate(time.Minute), c.s.Zone)
}

// timeOf reads a time as it was typed, in the reader's words or the authority's.
func (c *console) timeOf(v *visit, text string) (time.Time, bool) {
	if strings.TrimSpace(text) == "" {
		return time.Time{}, false
	}
	for _, lang := range []string{v.l.Tag, c.s.Authority.Language} {
		if t, err := compose.ParseTime(text, v.now, c.s.Zone, lang); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}

// settleTimes writes "in six hours" as the hour that it is now: what is kept
// means the same tomorrow.
func (c *console) settleTimes(v *visit, d *draft) {
	for _, text := range []*string{&d.Form.From, &d.Form.Until} {
		if t, ok := c.timeOf(v, *text); ok {
			*text = compose.FormatTime(t, c.s.Zone)
		}
	}
}

// fill writes the template's words again, where a value of it has changed. What
// a person left empty stays empty, unless the template is asked for.
func (c *console) fill(ctx context.Context, v *visit, d *draft, asked bool) error {
	if d.Form.Template == "" {
		return nil
	}
	k, err := c.knowing(ctx, v, &d.Form)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(k.Templates, func(t templates.Template) bool { return t.ID == d.Form.Template })
	if i < 0 {
		return nil
	}
	typed := d.Form
	d.Form = compose.Fill(k.Templates[i], typed, k)
	if asked {
		return nil
	}
	if typed.Until == "" {
		d.Form.Until = ""
	}
	for n := range d.Form.Texts {
		if n >= len(typed.Texts) {
			break
		}
		before, after := wordsOf(&typed.Texts[n]), wordsOf(&d.Form.Texts[n])
		for at := range after {
			if *before[at].to == "" {
				*after[at].to = ""
			}
		}
		maps.DeleteFunc(d.Form.Texts[n].Own, func(channel, _ string) bool { return typed.Texts[n].Own[channel] == "" })
	}
	return nil
}

// tick keeps a tick only while it is for what the lint finds now.
func (c *console) tick(ctx context.Context, v *visit, d *draft) error {
	of := v.r.PostForm.Get("ticked")
	d.Form.Ticked = false
	if of == "" {
		return nil
	}
	o, err := c.look(ctx, v, d)
	if err == nil {
		d.Form.Ticked = of == o.ticks
	}
	return err
}

// takeProposal writes what the lint proposes in the place of what it found.
func (c *console) takeProposal(ctx context.Context, v *visit, d *draft, of string) {
	k, err := c.knowing(ctx, v, &d.Form)
	if err != nil {
		return // the page is shown again, with the proposal
	}
	a, _ := d.Form.Alert(k)
	for _, f := range compose.Lint(d.Form, a, k) {
		if takeName(&f) != of || f.Suggestion == "" {
			continue
		}
		if to := textAt(&d.Form, f.Field); to != nil && f.Start >= 0 && f.Start <= f.End && f.End <= len(*to) && (*to)[f.Start:f.End] == f.Text {
			*to = (*to)[:f.Start] + f.Suggestion + (*to)[f.End:]
		}
		return
	}
}

// textAt is the text of a form that a path names; nil for what is no text here.
func textAt(f *compose.Form, path string) *string {
	at, name, ok := strings.Cut(path, "].")
	n, err := strconv.Atoi(strings.TrimPrefix(at, "texts["))
	if !ok || err != nil || n < 0 || n >= len(f.Texts) {
		return nil
	}
	for _, field := range wordsOf(&f.Texts[n]) {
		if field.name == name {
			return field.to
		}
	}
	return nil
}
