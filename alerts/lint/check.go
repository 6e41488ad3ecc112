package lint

import (
	"fmt"
	"strings"
	"time"

	"martinella/alerts"
)

// Check reads a whole alert at a time and gives at most [MaxHits], those that
// block first. It is pure and may be called from many goroutines; it takes
// some tens of microseconds for an alert of usual length.
func Check(a *alerts.Alert, c Context, now time.Time) []Hit {
	r := &reader{c: &c, effect: EffectNone, official: officially(a)}
	if a.Severity().Rank() >= alerts.SeveritySevere.Rank() && a.MsgType != alerts.MsgCancel {
		r.effect = EffectTick
	}
	r.blocks(a, now)
	for i := range a.Infos {
		if r.full() {
			break
		}
		r.info(a, &a.Infos[i], fmt.Sprintf("info[%d].", i))
	}
	r.history(a, now)
	r.field, r.language = "", ""
	return r.hits
}

// Text reads one text as it stands in a field ("headline", "description",
// "instruction", "event" or another one) of an info in the language.
func Text(field, language, text string, c Context) []Hit {
	r := &reader{c: &c, effect: EffectNone, field: field, language: language}
	r.text(text, part(field[strings.LastIndexByte(field, '.')+1:]))
	return r.hits
}

// officially reports whether the alert references a message of another sender,
// with its time: only then may its colour be named.
func officially(a *alerts.Alert) bool {
	for _, ref := range a.References {
		if ref.Sender != "" && ref.Sender != a.Sender && !ref.Sent.IsZero() {
			return true
		}
	}
	return false
}

// blocks finds what keeps the alert from leaving (DECISIONS: only this does).
func (r *reader) blocks(a *alerts.Alert, now time.Time) {
	for _, p := range a.Problems().Errors() {
		r.field = p.Field
		r.whole(Malformed)
	}
	for _, p := range a.Obstacles(now) {
		r.field = p.Field
		switch {
		case strings.HasSuffix(p.Field, "area"):
			r.whole(NoArea)
		case strings.HasSuffix(p.Field, "].expires"):
			r.whole(NoExpiry)
		case p.Field == "expires":
			r.whole(Expired)
		}
	}
}

// part says which rules hold for a field.
type part string

const (
	partHeadline    part = "headline"
	partDescription part = "description"
	partInstruction part = "instruction"
	partEvent       part = "event"
	partPlace       part = "areaDesc"
	partContact     part = "contact"
	partWording     part = "parameter" // the author's words for one platform
)

// running reports whether the field holds sentences.
func (p part) running() bool {
	return p == partHeadline || p == partDescription || p == partInstruction || p == partWording
}

func (r *reader) info(a *alerts.Alert, in *alerts.Info, at string) {
	r.language = in.Language
	if r.language == "" {
		r.language = r.c.language()
	}
	closes := a.MsgType == alerts.MsgCancel || a.AllClear()
	r.elements(in, at, a.MsgType == alerts.MsgCancel, closes)
	r.field = at + "event"
	r.text(in.Event, partEvent)
	r.field = at + "headline"
	r.headline(in.Headline, closes)
	r.field = at + "description"
	r.text(in.Description, partDescription)
	r.field = at + "instruction"
	if closes {
		r.text(in.Instruction, partDescription)
	} else {
		r.text(in.Instruction, partInstruction)
	}
	r.field = at + "web"
	r.links(in.Web)
	r.field = at + "contact"
	r.text(in.Contact, partContact)
	for i := range in.Areas {
		r.field = fmt.Sprintf("%sarea[%d].areaDesc", at, i)
		r.text(in.Areas[i].Description, partPlace)
	}
	for i, p := range in.Parameters {
		name := strings.TrimSpace(p.Name)
		if len(name) >= len(alerts.WordingParameter) && strings.EqualFold(name[:len(alerts.WordingParameter)], alerts.WordingParameter) {
			r.field = fmt.Sprintf("%sparameter[%d].value", at, i)
			r.text(p.Value, partWording)
		}
	}
	for i, res := range in.Resources {
		if strings.HasPrefix(res.MimeType, "image/") && strings.TrimSpace(res.Description) == "" {
			r.field = fmt.Sprintf("%sresource[%d].resourceDesc", at, i)
			r.whole(ImageWithoutAlt)
		}
	}
}

// elements looks for the five: source, hazard and effect, place, action, and
// time, which is the expiry that blocks. What closes an event needs less.
func (r *reader) elements(in *alerts.Info, at string, cancel, closes bool) {
	missing := func(code Code, field string) {
		r.field = at + field
		r.whole(code)
	}
	if cancel {
		return
	}
	if blank(in.SenderName) && blank(r.c.Authority) {
		missing(MissingSource, "senderName")
	}
	if blank(in.Description) && (blank(in.Headline) || !closes) {
		missing(MissingHazard, "description")
	}
	place := false
	for i := range in.Areas {
		place = place || !blank(in.Areas[i].Description)
	}
	if !place {
		missing(MissingPlace, "area")
	}
	if blank(in.Instruction) && !closes {
		missing(MissingAction, "instruction")
	}
}

func blank(s string) bool { return strings.TrimSpace(s) == "" }

// headline reads the headline; one that closes an event asks for nothing.
func (r *reader) headline(text string, closes bool) {
	if closes {
		r.text(text, partDescription)
		return
	}
	r.text(text, partHeadline)
}

// text reads one text by the rules of its field.
func (r *reader) text(text string, as part) {
	if blank(text) || r.full() {
		return
	}
	r.signs(text)
	r.placeholders(text)
	if as == partPlace {
		r.costly(text)
		return
	}
	r.links(text)
	p := take(text)
	u := usageOf(r.language)
	r.phones(p, u)
	if as == partContact {
		return
	}
	r.capitals(p)
	if as.running() {
		r.exclamations(text)
		r.lengths(p)
	}
	if u != nil {
		r.usage(p, u, as)
	}
	r.costly(text)
}

// usage reads a text by the words of its language.
func (r *reader) usage(p *prose, u *usage, as part) {
	r.vocabulary(p, u)
	if as == partEvent {
		r.hazard(p, u)
		return
	}
	r.requests(p, u)
	r.values(p, u)
	if as == partHeadline || as == partInstruction || as == partWording {
		r.twoActions(p, u)
	}
	if as == partHeadline {
		r.headlineAction(p, u)
	}
	if as == partInstruction {
		r.verbsFirst(p, u)
	}
	if as == partDescription || as == partInstruction {
		r.readable(p, u)
	}
}
