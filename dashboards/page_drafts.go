package dashboards

import (
	"errors"
	"net/http"
	"strconv"

	"martinella/alerts"
)

// draftLine is an open draft in a list.
type draftLine struct {
	ID, Headline string
	Level        string
	Tone, Shape  string
	Exercise     bool
	Update       bool
	By, Holder   string
	Own          bool // the reader works on it
	At           instant
	Revision     int64
}

func (c *console) draftLines(v *visit, all []*draft) []draftLine {
	var lines []draftLine
	for _, d := range all {
		line := draftLine{ID: d.ID, Headline: d.headline(), Level: v.l.lex.Level(d.Form.Severity), Exercise: d.Form.Status != alerts.StatusActual, Update: d.Form.Changes != "",
			By: d.By.Name, Holder: d.Holder.Name, Own: d.Holder.ID == v.caller().ID, At: v.l.At(d.At, v.now), Revision: d.Revision}
		line.Tone, line.Shape = tone(d.Form.Severity)
		if line.Headline == "" {
			line.Headline = v.l.must("compose_untitled")
		}
		lines = append(lines, line)
	}
	return lines
}

func (c *console) draftsPage(v *visit) {
	all, err := c.drafts(v.r.Context())
	if err != nil {
		c.fail(v, err)
		return
	}
	said := ""
	if v.r.URL.Query().Get("said") == "deleted" {
		said = v.l.must("compose_said_deleted")
	}
	c.show(v, sheet{name: "drafts", title: v.l.must("compose_drafts"), said: said, content: struct{ Drafts []draftLine }{c.draftLines(v, all)}})
}

// takeOver makes the reader the one who works on a draft.
func (c *console) takeOver(v *visit) {
	ctx, cancel := actContext(v.r)
	defer cancel()
	d, err := c.draft(ctx, v.r.PathValue("id"))
	if err != nil {
		c.lost(v, err)
		return
	}
	if d.Holder.ID != v.caller().ID {
		d.Holder = v.caller().By()
		if _, err := c.write(ctx, v, *d); err != nil && !errors.Is(err, alerts.ErrStale) {
			c.fail(v, err)
			return
		}
	}
	c.to(v, "/console/draft/"+d.ID)
}

type versionsPage struct {
	ID, Headline string
	Newest       int64
	Versions     []versionLine
}

type versionLine struct {
	Revision int64
	By       string
	At       instant
	Newest   bool
	First    bool
	Changes  []draftChange // since the one before
}

func (c *console) past(v *visit) ([]*draft, error) {
	id := v.r.PathValue("id")
	if !draftIDForm.MatchString(id) {
		return nil, alerts.ErrNotFound
	}
	papers, err := c.s.Papers.PastPapers(v.r.Context(), draftKind, id)
	if err != nil {
		return nil, err
	}
	var all []*draft
	for _, p := range papers {
		d, err := readDraft(p)
		if err != nil {
			return nil, err
		}
		all = append(all, d)
	}
	return all, nil
}

func (c *console) versionsPage(v *visit) {
	all, err := c.past(v)
	if err != nil {
		c.lost(v, err)
		return
	}
	page := versionsPage{ID: all[0].ID, Headline: all[0].headline(), Newest: all[0].Revision}
	for i, d := range all {
		line := versionLine{Revision: d.Revision, By: d.By.Name, At: v.l.At(d.At, v.now), Newest: i == 0, First: d.Revision == 1}
		if i+1 < len(all) {
			line.Changes = c.differences(v.l, all[i+1].Form, d.Form)
		}
		page.Versions = append(page.Versions, line)
	}
	c.show(v, sheet{name: "draft_versions", title: v.l.must("compose_versions"), content: page})
}

// goBack writes an earlier version as the newest.
func (c *console) goBack(v *visit) {
	ctx, cancel := actContext(v.r)
	defer cancel()
	all, err := c.past(v)
	if err != nil {
		c.lost(v, err)
		return
	}
	to, _ := strconv.ParseInt(v.r.PostForm.Get("to"), 10, 64)
	for _, d := range all {
		if d.Revision != to {
			continue
		}
		d.Revision, _ = strconv.ParseInt(v.r.PostForm.Get("revision"), 10, 64)
		d.Form.Ticked = false
		if kept, ok := c.save(ctx, v, d); ok {
			c.to(v, "/console/draft/"+kept.ID+"?said=back")
		}
		return
	}
	c.say(v, http.StatusNotFound, v.l.must("compose_no_version"))
}

func (c *console) deletePage(v *visit) {
	d, err := c.draft(v.r.Context(), v.r.PathValue("id"))
	if err != nil {
		c.lost(v, err)
		return
	}
	c.showDelete(v, d, 0, "")
}

func (c *console) showDelete(v *visit, d *draft, code int, wrong string) {
	c.show(v, sheet{name: "draft_delete", title: v.l.must("compose_delete_title"), code: code, wrong: wrong, content: c.draftLines(v, []*draft{d})[0]})
}

func (c *console) deleteDraft(v *visit) {
	ctx, cancel := actContext(v.r)
	defer cancel()
	id := v.r.PathValue("id")
	revision, _ := strconv.ParseInt(v.r.PostForm.Get("revision"), 10, 64)
	d, err := c.draft(ctx, id)
	if errors.Is(err, alerts.ErrNotFound) {
		c.to(v, "/console/drafts?said=deleted")
		return
	}
	if err == nil {
		err = c.s.Papers.DropPaper(ctx, draftKind, id, revision)
	}
	switch {
	case errors.Is(err, alerts.ErrStale):
		c.showDelete(v, d, http.StatusConflict, v.l.must("compose_conflict", "Name", d.By.Name, "Time", v.l.At(d.At, v.now).Clock))
	case err != nil:
		c.fail(v, err)
	default:
		c.log("draft deleted", v.member)
		c.to(v, "/console/drafts?said=deleted")
	}
}
