package compose

import (
	"martinella/alerts"
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

