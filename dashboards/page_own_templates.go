package dashboards

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.uber.org/zap"

	"martinella/alerts"
	"martinella/alerts/templates"
	"martinella/dashboards/settings"
)

func (c *console) ownTemplateRoutes() []consoleRoute {
	return []consoleRoute{
		{"GET", "/console/settings/templates", forStaff, c.ownTemplatesPage},
		{"POST", "/console/settings/templates", forAdministrators, c.packs},
		{"GET", "/console/settings/templates/{id}", forStaff, c.ownTemplatePage},
		{"POST", "/console/settings/templates/{id}", forAdministrators, c.ownTemplate},
	}
}

type ownTemplatesPage struct {
	Templates []ownLine
	Mine      bool
	Own       int
	Signers   []signerLine
	Report    *packReport
	Trouble   string // own templates that cannot be read
}

type ownLine struct {
	ID, Name, Level, From string // from: shipped, own, instead
	Languages             string
	By                    string
	At                    instant
}

type signerLine struct{ Name, Fingerprint string }

// packReport is what a pack would do; nothing was written.
type packReport struct {
	templates.Report
	Name    string
	Signer  *signerLine
	Known   bool
	Pack    string // the file, to be sent again with the agreement
	Digest  string // of the report that is agreed to
	Empty   bool   // it changes nothing
	Refused []refusedLine
}

type refusedLine struct {
	ID       string
	Problems alerts.Problems
}

func (c *console) ownTemplatesPage(v *visit) { c.ownTemplatesForm(v, 0, "", "", nil) }

func (c *console) ownTemplatesForm(v *visit, code int, said, wrong string, report *packReport) {
	ctx := v.r.Context()
	page := ownTemplatesPage{Mine: v.member.Administers(), Report: report}
	own, err := c.own().Own(ctx)
	if errors.Is(err, alerts.ErrUnavailable) {
		c.fail(v, err)
		return
	}
	if err != nil {
		page.Trouble = err.Error()
	}
	page.Own = len(own)
	shipped := templates.Shipped()
	for _, t := range templates.Merge(settings.Plain(own)) {
		line := ownLine{ID: t.ID, Name: ownName(&t, v.l.Tag), Level: v.l.lex.Level(t.Severity), From: "shipped", Languages: strings.ToUpper(strings.Join(t.Languages(), " "))}
		if i := slices.IndexFunc(own, func(o settings.OwnTemplate) bool { return o.ID == t.ID }); i >= 0 {
			line.From, line.By, line.At = "own", own[i].Paper.By.Name, v.l.At(own[i].Paper.At, v.now)
			if slices.ContainsFunc(shipped, func(s templates.Template) bool { return s.ID == t.ID }) {
				line.From = "instead"
			}
		}
		page.Templates = append(page.Templates, line)
	}
	signers, _, err := c.own().Signers(ctx)
	if err != nil {
		c.fail(v, err)
		return
	}
	for _, s := range signers {
		page.Signers = append(page.Signers, signerLine{s.Name, s.Fingerprint()})
	}
	if v.r.Method == http.MethodGet {
		switch v.r.URL.Query().Get("said") {
		case "saved":
			said = v.l.must("otemplates_saved")
		case "dropped":
			said = v.l.must("otemplates_dropped")
		}
	}
	field := ""
	if wrong != "" {
		field = "h-packs"
	}
	c.show(v, sheet{name: "otemplates", title: v.l.must("otemplates_title"), code: code, said: said, wrong: wrong, field: field, content: page})
}

// ownName is what a template is called in the language, or in its first one.
func ownName(t *templates.Template, tag string) string {
	if x, ok := t.Texts[tag]; ok {
		return x.Name
	}
	if all := t.Languages(); len(all) > 0 {
		return t.Texts[all[0]].Name
	}
	return t.ID
}

// newTemplate stands in a path for the template that is not written yet.
const newTemplate = "new"

type ownTemplatePage struct {
	templateForm
	ID         string // of the path
	New        bool
	Revision   int64
	Instead    bool // a shipped one has its place
	Shipped    bool // it is the shipped one that is shown
	By         string
	At         instant
	Mine       bool
	Problems   []foundLine
	Hits       []ownHit
	Previews   []templatePreview
	Past       []pastLine
	Everything bool // form and words were judged
	Found      int
}

type pastLine struct {
	Revision int64
	By       string
	At       instant
}

type ownHit struct {
	Error         bool
	Field, Where  string
	Text, Message string
	Remedy        string
	Suggestion    string
}

type templatePreview struct {
	Lang  string
	Parts []previewPart
}

type previewPart struct{ Title, Text string }

func (c *console) ownTemplatePage(v *visit) {
	id := v.r.PathValue("id")
	from := id
	if id == newTemplate {
		from = v.r.URL.Query().Get("from")
	}
	own, err := c.own().Own(v.r.Context())
	if err != nil {
		c.fail(v, err)
		return
	}
	all := templates.Merge(settings.Plain(own))
	i := slices.IndexFunc(all, func(t templates.Template) bool { return t.ID == from })
	if i < 0 && id != newTemplate {
		c.say(v, http.StatusNotFound, v.l.must("otemplates_none"))
		return
	}
	t := templates.Template{V: templates.Version, Severity: alerts.SeveritySevere, Severities: []alerts.Severity{alerts.SeveritySevere}, Urgency: "Immediate", Certainty: "Observed", ValidMinutes: 720, Required: []string{"place"}}
	if i >= 0 {
		t = all[i]
	}
	if id == newTemplate {
		t.ID = ""
	}
	page := ownTemplatePage{ID: id, New: id == newTemplate, Shipped: t.Shipped && id != newTemplate}
	if k := slices.IndexFunc(own, func(o settings.OwnTemplate) bool { return o.ID == id }); k >= 0 {
		page.Revision = own[k].Paper.Revision
	}
	c.ownTemplateForm(v, t, page, 0, "", i >= 0)
}

// ownTemplateForm shows a template with everything that is said of it.
func (c *console) ownTemplateForm(v *visit, t templates.Template, page ownTemplatePage, code int, wrong string, judge bool) {
	page.templateForm, page.Mine = formOf(v.l, &t), v.member.Administers()
	page.Instead = slices.ContainsFunc(templates.Shipped(), func(s templates.Template) bool { return s.ID == page.ID }) && page.Revision > 0
	if page.Revision > 0 {
		past, err := c.s.Papers.PastPapers(v.r.Context(), "template", page.ID)
		if err != nil && !errors.Is(err, alerts.ErrNotFound) {
			c.fail(v, err)
			return
		}
		for _, p := range past {
			page.Past = append(page.Past, pastLine{p.Revision, p.By.Name, v.l.At(p.At, v.now)})
		}
	}
	if judge {
		page.Everything = true
		for _, p := range t.Problems() {
			page.Problems = append(page.Problems, foundLine{anchorOf(p.Field), v.l.said(p)})
		}
		if len(page.Problems) == 0 {
			page.Hits, page.Previews = c.judged(v.l, &t)
		}
	}
	page.Found = len(page.Problems) + len(page.Hits)
	if len(page.Problems) > 0 && code != 0 && wrong == "" {
		wrong = v.l.must("otemplates_wrong", "N", len(page.Problems))
	}
	title := v.l.must("otemplates_new")
	if !page.New {
		title = ownName(&t, v.l.Tag)
	}
	field := ""
	if len(page.Problems) > 0 {
		field = "h-found"
	}
	c.show(v, sheet{name: "otemplate", title: title, code: code, wrong: wrong, field: field, content: page})
}

// anchorOf is the field of the form that a problem's path means.
func anchorOf(field string) string {
	if rest, in := strings.CutPrefix(field, "texts."); in {
		if lang, name, found := strings.Cut(rest, "."); found {
			return lang + "." + name
		}
		return "h-texts"
	}
	name, _, _ := strings.Cut(field, "[")
	return name
}

// judged reads the words of a template, and fills it with samples.
func (c *console) judged(l *locale, t *templates.Template) (hits []ownHit, previews []templatePreview) {
	for _, h := range t.Lint(c.s.words()) {
		message, remedy := h.Message.En, h.Remedy.En
		if l.Tag == "it" {
			message, remedy = h.Message.It, h.Remedy.It
		}
		lang, part, _ := strings.Cut(h.Field, ".")
		hits = append(hits, ownHit{h.Level == alerts.LevelError, fieldOfHit(lang, part), strings.ToUpper(lang) + ", " + part, h.Text, message, remedy, h.Suggestion})
	}
	for _, lang := range t.Languages() {
		f := templates.Filling{Language: lang, Values: templates.Samples(), Now: time.Now(), Zone: c.s.Zone, Source: c.s.Authority.Name}
		warning, err := t.Fill(f)
		if err != nil {
			continue // its problems have been said
		}
		one := templatePreview{Lang: lang, Parts: []previewPart{{l.must("otemplates_headline"), warning.Headline}, {l.must("otemplates_hazard"), warning.Description}, {l.must("otemplates_do"), warning.Instruction}, {l.must("otemplates_sms"), warning.Parameters[0].Value}}}
		if over, err := t.AllClear(f); err == nil {
			one.Parts = append(one.Parts, previewPart{l.must("otemplates_all_clear"), over.Headline + "\n" + over.Description})
		}
		if mistake, err := t.Cancel(f); err == nil {
			one.Parts = append(one.Parts, previewPart{l.must("otemplates_cancel"), mistake.Description})
		}
		previews = append(previews, one)
	}
	return hits, previews
}

// fieldOfHit is the field of the form that a hit of the linter means.
func fieldOfHit(lang, part string) string {
	for _, one := range []struct{ part, field string }{
		{"warning.headline", "headline"}, {"warning.description", "hazard"}, {"warning.instruction", "do"}, {"warning.event", "event"}, {"warning.parameter", "sms"},
		{"all_clear.headline", "all_clear.headline"}, {"all_clear", "all_clear.text"}, {"cancel", "cancel"},
	} {
		if strings.HasPrefix(part, one.part) {
			return lang + "." + one.field
		}
	}
	return lang + ".headline"
}

// ownTemplate judges, saves or drops a template.
func (c *console) ownTemplate(v *visit) {
	if !c.readForm(v) {
		return
	}
	ctx, cancel := actContext(v.r)
	defer cancel()
	form, id := v.r.PostForm, v.r.PathValue("id")
	revision, err := strconv.ParseInt(form.Get("revision"), 10, 64)
	if err != nil {
		c.say(v, http.StatusBadRequest, v.l.must("console_unread"))
		return
	}
	page := ownTemplatePage{ID: id, New: id == newTemplate, Revision: revision}
	t := templateOf(form)
	if !page.New {
		t.ID = id
	}
	switch form.Get("do") {
	case "look":
		c.ownTemplateForm(v, t, page, 0, "", true)
		return
	case "drop":
		err = c.own().Drop(ctx, id, revision)
	case "save":
		switch {
		case len(t.Problems()) > 0:
			c.ownTemplateForm(v, t, page, http.StatusUnprocessableEntity, "", true)
			return
		case page.New && t.ID == newTemplate:
			c.ownTemplateForm(v, t, page, http.StatusUnprocessableEntity, v.l.must("otemplates_other_id"), true)
			return
		}
		err = c.own().Put(ctx, t, revision, v.by(), v.now)
	default:
		c.say(v, http.StatusBadRequest, v.l.must("console_unread"))
		return
	}
	if words := c.stale(v, err); words != "" {
		c.ownTemplateForm(v, t, page, http.StatusConflict, words, true)
		return
	}
	if err != nil {
		c.fail(v, err)
		return
	}
	c.log("own template changed", v.member, zap.String("template", t.ID), zap.String("what", form.Get("do")))
	said := "saved"
	if form.Get("do") == "drop" {
		said = "dropped"
	}
	c.to(v, "/console/settings/templates?said="+url.QueryEscape(said))
}
