package dashboards

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"martinella/alerts"
	"martinella/alerts/lint"
	"martinella/dashboards/photo"
)

// scenePath is where somebody at the scene publishes a live update, from a phone.
const scenePath = "/console/a/{id}/scene"

type scenePage struct {
	Event    card
	Path     string
	Form     map[string]string
	Kept     *seenPhoto // of the update that is being corrected
	Wrong    []fault
	Bad      map[string][]string // the same, by field
	Photo    bool                // it has to be chosen again
	Done     *sceneLine          // what was just published
	Gone     bool                // it was just withdrawn
	Lines    []sceneLine
	Refusal  *refusal // why nothing can be published here
	Closed   string
	Earliest string
	Spoken   []spoken
	Reasons  []string
}

// fault is one thing that is wrong, and the field where it is.
type fault struct{ Field, Text string }

// spoken is a language in which an update may be written.
type spoken struct {
	Tag, Name string
	Has       bool
}

type sceneLine struct {
	revision
	Place string // for the names of buttons
	Gone  bool
}

func (c *console) sceneRoutes() []consoleRoute {
	return []consoleRoute{
		{"GET", scenePath, forStaff, c.scenePage},
		{"POST", scenePath, forStaff, c.scene},
		{"POST", scenePath + "/{uid}/withdraw", forStaff, c.withdrawScene},
	}
}

// localTime is how browsers write a time without a zone.
const localTime = "2006-01-02T15:04"

// scenePage shows the form, or what was just published with it.
func (c *console) scenePage(v *visit) {
	form := map[string]string{}
	if old := v.r.URL.Query().Get("correct"); old != "" {
		form["replaces"] = old
	}
	c.sceneForm(v, form, http.StatusOK, nil)
}

func (c *console) sceneForm(v *visit, form map[string]string, code int, wrong []fault) {
	ctx, cancel := context.WithTimeout(v.r.Context(), actTimeout)
	defer cancel()
	head, refused := c.s.Desk.MayReport(ctx, v.caller().Person, alerts.ID(v.r.PathValue("id")))
	if head == nil {
		var err error
		if head, err = c.recordOf(ctx, v, alerts.Published); err != nil {
			c.sceneFail(v, err)
			return
		}
	}
	page := scenePage{Event: c.s.card(v.l, happening{head, standing(head, v.now)}, v.now), Path: "/console/a/" + string(head.Event) + "/scene", Form: form, Wrong: wrong, Bad: map[string][]string{}, Photo: form["had_photo"] != ""}
	for _, one := range wrong {
		page.Bad[one.Field] = append(page.Bad[one.Field], one.Text)
	}
	if refused != nil {
		if page.Closed, page.Refusal = c.sceneClosed(v, head, refused); page.Closed == "" && page.Refusal == nil {
			c.sceneFail(v, refused)
			return
		}
	}
	var all []*alerts.Sitrep
	if c.s.Desk.Sitreps != nil {
		var err error
		if all, err = c.s.Desk.Sitreps.Sitreps(ctx, head.Event); err != nil {
			c.sceneFail(v, err)
			return
		}
	}
	c.sceneFill(v, &page, all)
	if code == http.StatusOK && page.Refusal != nil {
		code = page.Refusal.Code
	}
	c.show(v, sheet{name: "scene", title: v.l.must("scene_title"), code: code, mode: drillOf(head), content: page})
}

// sceneFill puts into the page what was published before, and into the form what
// nobody should have to type.
func (c *console) sceneFill(v *visit, page *scenePage, all []*alerts.Sitrep) {
	form := page.Form
	query := v.r.URL.Query()
	for _, s := range slices.Backward(all) {
		if s.Withdrawn != nil && s.Withdrawn.Replaced != "" {
			continue
		}
		line := sceneLine{revision{At: v.l.At(s.Observed, v.now), What: v.l.must("scene_update"), Seen: seenOf(v.l, s, v.now)}, s.Place, s.Withdrawn != nil}
		switch {
		case query.Get("done") == string(s.ID):
			page.Done, page.Gone = &line, line.Gone
		default:
			page.Lines = append(page.Lines, line)
		}
		if form["replaces"] != string(s.ID) || line.Gone {
			continue
		}
		if line.Seen.Photo != nil {
			page.Kept = line.Seen.Photo
		}
		if form["id"] == "" { // nothing is typed yet
			form["text"], form["place"], form["source"], form["language"] = s.Text, s.Place, s.Source, s.Language
			form["observed"], form["keep_photo"] = s.Observed.In(v.l.zone).Format(localTime), "true"
			if s.Photo != nil {
				form["alt"] = s.Photo.Alt
			}
		}
	}
	preset := func(field, value string) {
		if form[field] == "" {
			form[field] = value
		}
	}
	preset("id", string(c.s.Desk.NewID(v.now)))
	preset("observed", v.now.In(v.l.zone).Format(localTime))
	if _, typed := form["source"]; !typed {
		form["source"] = v.member.Name
	}
	preset("language", alerts.PrimaryLanguage(c.s.Authority.Language))
	for _, tag := range pageLanguages {
		page.Spoken = append(page.Spoken, spoken{tag, v.l.language(tag), tag == alerts.PrimaryLanguage(form["language"])})
	}
	page.Earliest = v.now.Add(-alerts.SitrepOld + time.Minute).In(v.l.zone).Format(localTime)
	for _, key := range []string{"scene_why_place", "scene_why_photo", "scene_why_over", "scene_why_wrong"} {
		page.Reasons = append(page.Reasons, v.l.must(key))
	}
}

// sceneClosed says why nothing can be published on an event.
func (c *console) sceneClosed(v *visit, head *alerts.Record, err error) (string, *refusal) {
	if errors.Is(err, alerts.ErrNotSendable) {
		switch {
		case !head.State.Published():
			return v.l.must("scene_closed_state"), nil
		case head.Alert.Scope != alerts.ScopePublic:
			return v.l.must("scene_closed_scope"), nil
		}
		return v.l.must("scene_closed_over"), nil
	}
	if errors.Is(err, alerts.ErrForbidden) {
		if why, known := c.refused(v, err); known {
			return "", &why
		}
	}
	return "", nil
}

func (c *console) sceneFail(v *visit, err error) {
	if text, code := refusalWords(v.l, err); text != "" {
		c.say(v, code, text)
		return
	}
	c.fail(v, err)
}

// scene publishes what the form says.
func (c *console) scene(v *visit) {
	done, err := c.s.uploading(v.w)
	if err != nil {
		c.sceneAgain(v, map[string]string{}, nil, err)
		return
	}
	defer done()
	form, file, err := c.s.uploaded(v.w, v.r)
	if err != nil && !errors.Is(err, photo.ErrTooLarge) {
		c.say(v, http.StatusBadRequest, v.l.must("console_unread"))
		return
	}
	if len(file) > 0 {
		form["had_photo"] = "true"
	}
	one := alerts.Sitrep{
		ID: alerts.ID(form["id"]), Text: form["text"], Place: form["place"], Source: form["source"], Language: form["language"], Replaces: alerts.ID(form["replaces"]), Via: "console",
	}
	if err == nil {
		one.Photo, err = c.s.photoOf(v.r.Context(), file, form["alt"])
	}
	if err != nil {
		c.sceneAgain(v, form, &one, err)
		return
	}
	if one.Photo == nil && form["keep_photo"] != "" && one.Replaces != "" {
		one.Photo = &alerts.Photo{Alt: form["alt"]}
	}
	if at, err := time.ParseInLocation(localTime, form["observed"], v.l.zone); err == nil {
		one.Observed = at
	}
	stored, _, err := c.s.publishUpdate(v.r, v.caller(), one)
	if err != nil {
		c.sceneAgain(v, form, &one, err)
		return
	}
	c.to(v, "/console/a/"+string(stored.Event)+"/scene?done="+string(stored.ID))
}

// sceneAgain shows the form with what was typed, and what is wrong with it.
func (c *console) sceneAgain(v *visit, form map[string]string, one *alerts.Sitrep, err error) {
	code := http.StatusUnprocessableEntity
	about := func(key string) []fault { return []fault{{"photo", v.l.must(key)}} }
	var refusal *alerts.Refusal
	var wrong []fault
	switch {
	case errors.Is(err, photo.ErrHEIC):
		wrong = about("scene_bad_heic")
	case errors.Is(err, photo.ErrTooLarge):
		wrong = about("scene_bad_large")
	case errors.Is(err, photo.ErrFormat), errors.Is(err, photo.ErrBroken):
		wrong = about("scene_bad_photo")
	case errors.Is(err, errUploads), errors.Is(err, context.DeadlineExceeded):
		code, wrong = http.StatusServiceUnavailable, about("scene_bad_busy")
	case errors.As(err, &refusal) && (errors.Is(err, alerts.ErrInvalid) || errors.Is(err, alerts.ErrConflict) || errors.Is(err, alerts.ErrNotSendable)):
		wrong = c.sceneFaults(v, one, refusal.Problems)
		if errors.Is(err, alerts.ErrConflict) {
			code = http.StatusConflict
			delete(form, "id")
			delete(form, "replaces")
		}
	}
	if len(wrong) == 0 {
		c.sceneFail(v, err)
		return
	}
	c.sceneForm(v, form, code, wrong)
}

// sceneFields are those of the form, in its order.
var sceneFields = []string{"photo", "alt", "text", "place", "observed", "source", "language", "replaces", "id"}

// sceneFaults are the problems of the desk in the words of the page: first what
// the linter found in the texts, which quotes them.
func (c *console) sceneFaults(v *visit, one *alerts.Sitrep, ps alerts.Problems) (wrong []fault) {
	said := map[string]bool{}
	for _, h := range lint.Report(one, c.s.words()) {
		problem, remedy := h.Message.En, h.Remedy.En
		if v.l.Tag == "it" {
			problem, remedy = h.Message.It, h.Remedy.It
		}
		if text := problem + " " + remedy; !slices.Contains(wrong, fault{h.Field, text}) {
			wrong = append(wrong, fault{h.Field, text})
		}
		said[h.Field] = true
	}
	for _, p := range ps {
		key := "scene_bad_" + p.Field
		switch text := v.l.must(key); {
		case said[p.Field]:
		case text == key: // what has no words of its own
			wrong = append(wrong, fault{"", v.l.said(p).Text})
		default:
			wrong = append(wrong, fault{p.Field, text})
		}
		said[p.Field] = true
	}
	slices.SortStableFunc(wrong, func(a, b fault) int { return slices.Index(sceneFields, a.Field) - slices.Index(sceneFields, b.Field) })
	return wrong
}

// withdrawScene takes a live update back.
func (c *console) withdrawScene(v *visit) {
	if err := v.r.ParseForm(); err != nil {
		c.say(v, http.StatusBadRequest, v.l.must("console_unread"))
		return
	}
	stored, err := c.s.takeBack(v.r, v.caller(), strings.TrimSpace(v.r.PostForm.Get("reason")), "console")
	var refusal *alerts.Refusal
	switch {
	case errors.As(err, &refusal) && errors.Is(err, alerts.ErrInvalid):
		c.sceneForm(v, map[string]string{}, http.StatusUnprocessableEntity, []fault{{"", v.l.must("scene_bad_reason")}})
	case err != nil:
		c.sceneFail(v, err)
	default:
		c.to(v, "/console/a/"+string(stored.Event)+"/scene?done="+string(stored.ID))
	}
}
