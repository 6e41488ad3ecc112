package dashboards

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"

	"martinella/alerts"
	"martinella/alerts/compose"
	"martinella/alerts/lint"
	"martinella/broadcast"
)

// look is what a draft gives at one moment: the alert that it makes, what is
// wrong with it, and what each channel would say.
type look struct {
	know     compose.Context
	alert    *alerts.Alert
	record   *alerts.Record
	wrong    []wrongLine
	findings []compose.Finding
	check    compose.Checklist
	offered  []broadcast.Preview // every channel that may carry it
	chosen   []broadcast.Preview // those of the plan
	plan     alerts.Problems     // what the plan lacks
	alone    bool                // it would leave without a second person
	ticks    string              // names the findings that want a tick; "" none
}

// wrongLine is one thing that keeps the alert from leaving.
type wrongLine struct {
	Text   string // in the reader's language
	Anchor string // id of the field
	Detail string // what was found, and how to mend it
	Lang   string // of the detail, where it is not the reader's
}

// look makes the alert of the draft and asks desk, lint and channels. It blocks
// while the store is asked; the error is a failure, never a mistake of the form.
func (c *console) look(ctx context.Context, v *visit, d *draft) (*look, error) {
	k, err := c.knowing(ctx, v, &d.Form)
	if err != nil {
		return nil, err
	}
	o := &look{know: k}
	var ps alerts.Problems
	o.alert, ps = d.Form.Alert(k)
	o.alert.Identifier = d.ID
	for _, p := range ps.Errors() {
		o.refuse(v.l, p)
	}
	if _, bad := readShapes(d.Shapes); len(bad) > 0 {
		o.wrong = append(o.wrong, wrongLine{v.l.must("compose_wrong_shapes", "Line", short(bad[0])), "shapes", "", ""})
	}
	r, more, err := c.s.Desk.Sketch(ctx, v.caller().Person, c.submission(d, o.alert), v.now)
	if err != nil {
		return nil, err
	}
	for _, p := range more.Errors() {
		at := anchor(p.Field)
		if !slices.ContainsFunc(o.wrong, func(w wrongLine) bool { return w.Anchor == at }) {
			o.refuse(v.l, p)
		}
	}
	if err := c.lookAhead(ctx, v, o, r); err != nil {
		return nil, err
	}
	var failures []compose.Failure
	for _, p := range o.chosen {
		if p.Failure != "" {
			failures = append(failures, compose.Failure{Channel: p.Channel, Reason: p.Failure})
		}
	}
	o.findings = compose.Lint(d.Form, o.alert, k, failures...)
	o.check = compose.Check(d.Form, o.alert, k)
	o.ticks = ticksOf(o.findings)
	return o, nil
}

func (c *console) submission(d *draft, a *alerts.Alert) alerts.Submission {
	return alerts.Submission{Alert: a, Own: true, Via: "console", Channels: d.Form.Channels, Writers: d.Writers}
}

// lookAhead asks the channels: those of the plan, and beside them all that could
// be chosen.
func (c *console) lookAhead(ctx context.Context, v *visit, o *look, r *alerts.Record) error {
	o.record = r
	if c.s.Preview == nil {
		return nil
	}
	one := r.Clone()
	err := func() (err error) {
		if o.chosen, err = c.s.Preview(ctx, one); err != nil {
			return err
		}
		o.record, o.offered = one, o.chosen
		if r.Channels == nil {
			return nil
		}
		every := r.Clone()
		every.Channels = nil
		if limits := v.caller().Rights.Channels; len(limits) > 0 {
			every.Channels = limits
		}
		o.offered, err = c.s.Preview(ctx, every)
		return err
	}()
	if refused, is := errors.AsType[*alerts.Refusal](err); is {
		for _, p := range refused.Problems {
			o.refuse(v.l, p)
		}
		return nil
	}
	if err != nil {
		return err
	}
	for _, w := range o.record.Warnings {
		if w.Field == "channels" || w.Field == "areas" || strings.HasPrefix(w.Field, "channels[") {
			o.plan = append(o.plan, w)
		}
	}
	o.alone, err = c.s.Desk.Alone(ctx, v.caller().Person, o.record)
	return err
}

func (o *look) refuse(l *locale, p alerts.Problem) {
	at := anchor(p.Field)
	one := wrongLine{Text: wrongWords(l, at), Anchor: at}
	p.Field = "" // the link says which
	told := l.said(p)
	one.Detail, one.Lang = told.Text, told.Lang
	o.wrong = append(o.wrong, one)
}

// wrongWords says what is wrong with a field of the page.
func wrongWords(l *locale, at string) string {
	switch at {
	case "status":
		return l.must("compose_wrong_status")
	case "severity":
		return l.must("compose_wrong_severity")
	case "until":
		return l.must("compose_wrong_until")
	case "from":
		return l.must("compose_wrong_from")
	case "areas":
		return l.must("compose_wrong_areas")
	case "categories":
		return l.must("compose_wrong_categories")
	case "values":
		return l.must("compose_wrong_values")
	case "channels":
		return l.must("compose_wrong_channels")
	case "writing":
		return l.must("compose_wrong_other")
	}
	_, name, _ := strings.Cut(at, "-")
	return l.must("compose_wrong_text", "Field", formField(l, name))
}

// formField is what a text is called on the page.
func formField(l *locale, name string) string {
	switch name {
	case "source":
		return l.must("compose_source")
	case "event":
		return l.must("compose_event")
	case "headline":
		return l.must("compose_headline")
	case "description":
		return l.must("compose_hazard")
	case "where":
		return l.must("compose_where")
	case "instruction":
		return l.must("compose_action")
	case "changed":
		return l.must("compose_changed")
	case "web":
		return l.must("compose_web")
	case "contact":
		return l.must("compose_contact")
	}
	return l.must("compose_own")
}

// ticksOf names the findings that want a person's tick, so that a tick holds for
// what was read and for nothing else; "" where there are none.
func ticksOf(findings []compose.Finding) string {
	var names []string
	for _, f := range findings {
		if f.Effect == lint.EffectTick {
			names = append(names, fmt.Sprintf("%s %s %s %s", f.Code, f.Field, f.Channel, f.Text))
		}
	}
	if len(names) == 0 {
		return ""
	}
	slices.Sort(names)
	sum := sha256.Sum256([]byte(strings.Join(names, "\n")))
	return hex.EncodeToString(sum[:8])
}

// codesOf lists the rules behind the ticks, each once: for the ledger.
func codesOf(findings []compose.Finding) string {
	var codes []string
	for _, f := range findings {
		if f.Effect == lint.EffectTick && !slices.Contains(codes, string(f.Code)) {
			codes = append(codes, string(f.Code))
		}
	}
	slices.Sort(codes)
	return strings.Join(codes, ", ")
}

// blocked reports whether something keeps the alert from being asked for.
func (o *look) blocked() bool { return len(o.wrong) > 0 || !o.check.Complete() }
