package dashboards

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"martinella/alerts"
	"martinella/alerts/compose"
	"martinella/broadcast"
)

// save keeps what was typed. Where somebody else wrote the draft meanwhile it
// shows the difference; false: it has answered.
func (c *console) save(ctx context.Context, v *visit, d *draft) (*draft, bool) {
	if d.Begun.IsZero() {
		d.Begun = v.now
	}
	if d.Revision == 0 {
		d.Holder = v.caller().By()
	}
	before, err := c.draft(ctx, d.ID)
	if err == nil {
		d.wrote(before.Writers...)
	}
	if err != nil || before.Shapes != d.Shapes || len(compose.Diff(before.Form, d.Form)) > 0 {
		d.wrote(v.caller().By())
	}
	kept, err := c.write(ctx, v, *d)
	switch {
	case err == nil:
		return kept, true
	case errors.Is(err, alerts.ErrStale):
		theirs, err := c.draft(ctx, d.ID)
		if err != nil {
			c.lost(v, err)
			return nil, false
		}
		if len(compose.Diff(theirs.Form, d.Form)) == 0 && theirs.Shapes == d.Shapes {
			theirs.Form.Ticked = d.Form.Ticked
			return theirs, true // the same was sent twice
		}
		c.showConflict(v, d, theirs)
	case errors.Is(err, errDraftSize):
		c.say(v, http.StatusRequestEntityTooLarge, v.l.must("compose_too_large"))
	case errors.Is(err, broadcast.ErrManyPapers):
		c.showDraft(v, d, shown{code: http.StatusConflict, wrong: v.l.must("compose_many")})
	default:
		c.showAway(v, d, err)
	}
	return nil, false
}

// showConflict shows what differs between what was typed and what a colleague
// wrote; what was typed stays in the fields.
func (c *console) showConflict(v *visit, mine, theirs *draft) {
	wrong := v.l.must("compose_conflict", "Name", theirs.By.Name, "Time", v.l.At(theirs.At, v.now).Clock)
	if v.r.URL.Query().Get("part") == "saved" {
		c.answer(v, http.StatusConflict, savedAnswer{Said: wrong, Conflict: true})
		return
	}
	c.showDraft(v, mine, shown{code: http.StatusConflict, wrong: wrong, conflict: &conflict{
		Who: theirs.By.Name, At: v.l.At(theirs.At, v.now), Theirs: theirs.Revision, Changes: c.differences(v.l, theirs.Form, mine.Form),
	}})
}

// settleConflict keeps one of two versions. Both are in the past of the draft
// afterwards: nothing that somebody typed is lost.
func (c *console) settleConflict(ctx context.Context, v *visit, mine *draft, do string) {
	theirs, err := c.draft(ctx, mine.ID)
	if err != nil {
		c.lost(v, err)
		return
	}
	mine.Revision, _ = strconv.ParseInt(v.r.PostForm.Get("theirs"), 10, 64)
	kept, ok := c.save(ctx, v, mine)
	if !ok {
		return
	}
	if do == "theirs" {
		theirs.Revision = kept.Revision
		if kept, ok = c.save(ctx, v, theirs); !ok {
			return
		}
	}
	c.to(v, "/console/draft/"+kept.ID+"?said="+do)
}

// lostWhileTyping shows what was typed on a draft that is gone as a new one.
func (c *console) lostWhileTyping(v *visit, d *draft) {
	r, err := c.submitted(v.r.Context(), d.ID)
	switch {
	case err == nil:
		c.to(v, "/console/a/"+string(r.ID))
		return
	case !errors.Is(err, alerts.ErrNotFound):
		c.showAway(v, d, err)
		return
	}
	wrong := v.l.must("compose_deleted_meanwhile")
	if v.r.URL.Query().Get("part") == "saved" {
		c.answer(v, http.StatusConflict, savedAnswer{Said: wrong, Conflict: true})
		return
	}
	d.ID, d.Revision = string(c.s.Desk.NewID(v.now)), 0
	c.showDraft(v, d, shown{code: http.StatusConflict, wrong: wrong})
}

// differences are those of two forms, in words.
func (c *console) differences(l *locale, before, after compose.Form) []draftChange {
	var all []draftChange
	for _, ch := range compose.Diff(before, after) {
		one := draftChange{Field: pathName(l, ch.Field), Pieces: ch.Words}
		switch ch.Field {
		case "severity":
			one.Pieces = instead(l.lex.Level(before.Severity), l.lex.Level(after.Severity))
		case "status":
			one.Pieces = instead(modeWord(l, before.Status), modeWord(l, after.Status))
		case "codes":
			one.Pieces = compose.Words(c.codeNames(before.Codes), c.codeNames(after.Codes))
		}
		if ch.Language != "" && len(after.Texts) > 1 {
			one.Field += " (" + l.language(ch.Language) + ")"
		}
		all = append(all, one)
	}
	return all
}

// instead is a difference of two words.
func instead(before, after string) []compose.Piece {
	return []compose.Piece{{Kind: compose.Removed, Text: before}, {Kind: compose.Same, Text: " "}, {Kind: compose.Added, Text: after}}
}

func modeWord(l *locale, s alerts.Status) string {
	if s == alerts.StatusActual {
		return l.must("mode_live")
	}
	return l.must("exercise")
}

// codeNames are the names of areas, of those that are known here.
func (c *console) codeNames(codes []alerts.Value) string {
	names := make([]string, len(codes))
	for i, code := range codes {
		names[i] = code.Name + " " + code.Value
		if place, known := c.places.Place(code.Value); known {
			names[i] = place.Name
		}
	}
	return strings.Join(names, ", ")
}

// pathName is what the page calls a field of the form.
func pathName(l *locale, path string) string {
	if strings.HasPrefix(path, "texts[") {
		_, rest, _ := strings.Cut(path, "].")
		name, own, _ := strings.Cut(rest, ".")
		if name == "own" {
			return l.must("compose_own_for", "Channel", own)
		}
		return formField(l, name)
	}
	name, of, _ := strings.Cut(path, ".")
	switch name {
	case "status":
		return l.must("compose_mode")
	case "severity":
		return l.must("compose_level")
	case "urgency":
		return l.must("compose_urgency")
	case "certainty":
		return l.must("compose_certainty")
	case "category":
		return l.must("compose_categories")
	case "from":
		return l.must("compose_from")
	case "until":
		return l.must("compose_until")
	case "codes", "shapes":
		return l.must("compose_areas")
	case "channels":
		return l.must("compose_channels")
	case "template":
		return l.must("compose_template")
	case "values":
		return l.must("compose_values") + " " + of
	case "ticked":
		return l.must("compose_tick")
	}
	return path
}
