package compose

import (
	"time"

	"martinella/alerts"
	"martinella/alerts/areas"
	"martinella/alerts/templates"
)

// New is an empty form in the authority's languages.
func New(c Context) Form { return Form{} }

// Alert makes the alert: an own one, ready for a Submission with Own set. The
// problems are all there are at once, each with the form's field; none of level
// error means that it can be submitted. With problems the alert is what could
// be made, so that a preview can be shown; it is never nil.
func (f *Form) Alert(c Context) (*alerts.Alert, alerts.Problems) { return &alerts.Alert{}, nil }

// Of gives the form that a record could have been made from: for an Update of
// what is published (Changes is set), or to take the place of what was returned
// or recalled (Corrects is set).
func Of(r *alerts.Record, c Context) Form { return Form{} }

// Fill writes the template's words into the form, in every language of the
// authority that the template has. What the person wrote by hand stays: a field
// is filled where it is empty, or still says what the form's template put there.
func Fill(t templates.Template, f Form, c Context) Form { return f }

// Lint reads the alert that the form made, and says it of the form's fields;
// failures are the channels that cannot carry it.
func Lint(f Form, a *alerts.Alert, c Context, failures ...Failure) []Finding { return nil }

// Check looks for the five elements in the form and the alert that it made.
func Check(f Form, a *alerts.Alert, c Context) Checklist { return nil }

// ParseTime reads a time as people write it.
func ParseTime(text string, now time.Time, zone *time.Location, lang string) (time.Time, error) {
	return time.Time{}, nil
}

// FormatTime writes a time so that [ParseTime] reads it: "22/11/2026 06:00".
func FormatTime(t time.Time, zone *time.Location) string { return "" }

// Span says a time and how long it is: "Oggi 18:30 – domani 06:00 (11 h 30 min)".
// from is now where it is zero.
func Span(from, until, now time.Time, zone *time.Location, lang string) string { return "" }

// Diff lists what differs, in the order of the form.
func Diff(before, after Form) []Change { return nil }

// Words is the difference of two texts, word by word.
func Words(before, after string) []Piece { return nil }

// Named is a Gazetteer over areas; g may be nil.
func Named(g *areas.Gazetteer) Gazetteer { return nil }

// Find reads a list of places as people write it (one a line, or with commas):
// names, codes, or "NAME=CODE". unknown is what no area, or more than one, is
// called.
func Find(g Gazetteer, text string) (codes []alerts.Value, unknown []string) { return nil, nil }
