package dashboards

import (
	"martinella/alerts"
	"martinella/channels"
)

// The words of the page of approval that depend on a value. Each key stands in
// full, so that a test finds the ones that are missing or left over.

// statusWords names the mode of a record, as [modeOf] gives it.
func statusWords(l *locale, of string) string {
	switch of {
	case "real":
		return l.must("approve_status_real")
	case "exercise":
		return l.must("approve_status_exercise")
	}
	return l.must("approve_status_test")
}

// changeWords says what a record does to its event.
func changeWords(l *locale, of alerts.Change) string {
	switch of {
	case alerts.ChangeUpdated:
		return l.must("approve_change_updated")
	case alerts.ChangeCancelled:
		return l.must("approve_change_cancelled")
	case alerts.ChangeEnded:
		return l.must("approve_change_ended")
	}
	return l.must("approve_change_issued")
}

// stateWords says what became of what waited.
func stateWords(l *locale, of alerts.State) string {
	switch of {
	case alerts.StateDraft:
		return l.must("approve_now_draft")
	case alerts.StateReturned:
		return l.must("approve_now_returned")
	case alerts.StateRejected:
		return l.must("approve_now_rejected")
	case alerts.StateSuperseded:
		return l.must("approve_now_superseded")
	case alerts.StateCancelled:
		return l.must("approve_now_cancelled")
	case alerts.StateLapsed:
		return l.must("approve_now_lapsed")
	case alerts.StateEnded:
		return l.must("approve_now_ended")
	}
	return l.must("approve_now_issued")
}

// stepWords says what is done with earlier posts.
func stepWords(l *locale, of channels.Step) string {
	switch of {
	case channels.StepCorrect:
		return l.must("approve_step_correct")
	case channels.StepPoint:
		return l.must("approve_step_point")
	case channels.StepWithdraw:
		return l.must("approve_step_withdraw")
	}
	return ""
}

// orderWords names an order of magnitude.
func orderWords(l *locale, of string) string {
	switch of {
	case "none":
		return l.must("approve_order_none")
	case "units":
		return l.must("approve_order_units")
	case "tens":
		return l.must("approve_order_tens")
	case "hundreds":
		return l.must("approve_order_hundreds")
	case "thousands":
		return l.must("approve_order_thousands")
	case "tens-of-thousands":
		return l.must("approve_order_tens_of_thousands")
	case "hundreds-of-thousands":
		return l.must("approve_order_hundreds_of_thousands")
	}
	return l.must("approve_order_millions")
}

// fieldWords names a field of a form; "" of one without a name.
func fieldWords(l *locale, of string) string {
	if name, known := map[string]func() string{
		"status":      func() string { return l.must("approve_field_status") },
		"severity":    func() string { return l.must("approve_field_severity") },
		"urgency":     func() string { return l.must("approve_field_urgency") },
		"certainty":   func() string { return l.must("approve_field_certainty") },
		"category":    func() string { return l.must("approve_field_category") },
		"response":    func() string { return l.must("approve_field_response") },
		"from":        func() string { return l.must("approve_field_from") },
		"until":       func() string { return l.must("approve_field_until") },
		"codes":       func() string { return l.must("approve_field_codes") },
		"shapes":      func() string { return l.must("approve_field_shapes") },
		"event_code":  func() string { return l.must("approve_field_event_code") },
		"files":       func() string { return l.must("approve_field_files") },
		"channels":    func() string { return l.must("approve_field_channels") },
		"source":      func() string { return l.must("approve_field_source") },
		"event":       func() string { return l.must("approve_field_event") },
		"headline":    func() string { return l.must("approve_field_headline") },
		"description": func() string { return l.must("approve_field_description") },
		"where":       func() string { return l.must("approve_field_where") },
		"instruction": func() string { return l.must("approve_field_instruction") },
		"web":         func() string { return l.must("approve_field_web") },
		"contact":     func() string { return l.must("approve_field_contact") },
		"changed":     func() string { return l.must("approve_field_changed") },
		"alts":        func() string { return l.must("approve_field_alts") },
		"parameter":   func() string { return l.must("approve_field_parameter") },
	}[of]; known {
		return name()
	}
	return ""
}

// crowdWords are the words for nobody, one and many of a kind of recipient.
func crowdWords(l *locale, kind, n string) (none, one, many string) {
	switch kind {
	case "person":
		return l.must("approve_none_person"), l.must("approve_one_person"), l.must("approve_many_person", "N", n)
	case "phone":
		return l.must("approve_none_phone"), l.must("approve_one_phone"), l.must("approve_many_phone", "N", n)
	case "email":
		return l.must("approve_none_email"), l.must("approve_one_email"), l.must("approve_many_email", "N", n)
	case "push":
		return l.must("approve_none_push"), l.must("approve_one_push"), l.must("approve_many_push", "N", n)
	}
	return l.must("approve_none_other"), l.must("approve_one_other"), l.must("approve_many_other", "N", n)
}
