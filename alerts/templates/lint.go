package templates

import (
	"maps"
	"time"

	"martinella/alerts"
	"martinella/alerts/lint"
)

// samples stand in for what people fill in. Their telephone number is taken for
// an approved one.
var samples = map[string]string{"place": "Borgo San Rocco", "street": "via del Ponte", "shelter": "palestra comunale", "phone": "0000 000000", "what": "Ada Rossi"}

// Lint reads the words of a template as an alert's would be read, filled with
// samples: warning, all-clear and cancellation in each language, at its highest
// severity. A field says which: "it.warning.headline". A template whose form is
// wrong gives nothing: see [Template.Problems].
func (t *Template) Lint(c lint.Context) []lint.Hit {
	c.Phones = append([]string{samples["phone"]}, c.Phones...)
	c.Languages, c.Previous = nil, nil
	if c.Authority == "" {
		c.Authority = "-"
	}
	at := time.Date(2026, 1, 10, 12, 0, 0, 0, time.UTC)
	var hits []lint.Hit
	for _, lang := range t.Languages() {
		f := Filling{Language: lang, Values: samples, Severity: t.worst(), Now: at, Areas: []alerts.Area{{Geocodes: []alerts.Value{{Name: "ISTAT", Value: "000000"}}}}}
		for _, one := range []struct {
			name string
			kind alerts.MsgType
			fill func(Filling) (alerts.Info, error)
		}{{"warning", alerts.MsgAlert, t.Fill}, {"all_clear", alerts.MsgUpdate, t.AllClear}, {"cancel", alerts.MsgCancel, t.Cancel}} {
			info, err := one.fill(f)
			if err != nil {
				continue
			}
			a := &alerts.Alert{Identifier: "t", Sender: "t", Sent: at, Status: alerts.StatusActual, MsgType: one.kind, Scope: alerts.ScopePublic, Infos: []alerts.Info{info}}
			for _, h := range lint.Check(a, c, at) {
				h.Field = lang + "." + one.name + "." + trimInfo(h.Field)
				hits = append(hits, h)
			}
		}
	}
	return hits
}

func trimInfo(field string) string {
	const first = "info[0]."
	if len(field) > len(first) && field[:len(first)] == first {
		return field[len(first):]
	}
	return field
}

// worst is the highest severity that the words are true for.
func (t *Template) worst() alerts.Severity {
	worst := t.Severity
	for _, s := range t.Severities {
		if s.Rank() > worst.Rank() {
			worst = s
		}
	}
	return worst
}

// Samples gives what stands in for what people fill in, by placeholder, to show
// how a template reads.
func Samples() map[string]string { return maps.Clone(samples) }
