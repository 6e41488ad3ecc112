package dashboards

import (
	"cmp"
	"context"
	"strings"

	"martinella/alerts"
	"martinella/alerts/volunteers"
	"martinella/broadcast"
	"martinella/broadcast/callout"
	"martinella/dashboards/signin"
)

// verbLine is a verb of the ledger with its words.
type verbLine struct {
	Verb, Words string
	Has         bool
}

// verbLines are the verbs that this program writes, in the order in which
// things happen. Another program's are shown as they stand.
func verbLines(l *locale) []verbLine {
	return []verbLine{
		{Verb: "submitted", Words: l.must("ledger_submitted")},
		{Verb: "rendered", Words: l.must("ledger_rendered")},
		{Verb: "opened", Words: l.must("ledger_opened")},
		{Verb: "ticked", Words: l.must("ledger_ticked")},
		{Verb: "approved", Words: l.must("ledger_approved")},
		{Verb: "returned", Words: l.must("ledger_returned")},
		{Verb: "recalled", Words: l.must("ledger_recalled")},
		{Verb: "rejected", Words: l.must("ledger_rejected")},
		{Verb: "issued", Words: l.must("ledger_issued")},
		{Verb: "issued-alone", Words: l.must("ledger_issued_alone")},
		{Verb: "reviewed", Words: l.must("ledger_reviewed")},
		{Verb: "extended", Words: l.must("ledger_extended")},
		{Verb: "resumed", Words: l.must("ledger_resumed")},
		{Verb: "cancelled", Words: l.must("ledger_cancelled")},
		{Verb: "ended", Words: l.must("ledger_ended")},
		{Verb: "reported", Words: l.must("ledger_reported")},
		{Verb: "report-withdrawn", Words: l.must("ledger_unreported")},
		{Verb: "lapsed", Words: l.must("ledger_lapsed")},
		{Verb: "suspended", Words: l.must("ledger_suspended")},
		{Verb: "rung", Words: l.must("ledger_rung")},
		{Verb: "resent", Words: l.must("ledger_resent")},
		{Verb: "posted", Words: l.must("ledger_posted")},
		{Verb: "confirmed", Words: l.must("ledger_confirmed")},
		{Verb: "stopped", Words: l.must("ledger_stopped")},
		{Verb: "gone", Words: l.must("ledger_gone")},
		{Verb: "chose", Words: l.must("ledger_chose")},
		{Verb: "renewed", Words: l.must("ledger_renewed")},
		{Verb: broadcast.ActVolunteerAdded, Words: l.must("ledger_volunteer_added")},
		{Verb: broadcast.ActVolunteerChanged, Words: l.must("ledger_volunteer_changed")},
		{Verb: broadcast.ActVolunteerErased, Words: l.must("ledger_volunteer_erased")},
		{Verb: broadcast.ActVolunteerShown, Words: l.must("ledger_volunteer_shown")},
		{Verb: broadcast.ActListTaken, Words: l.must("ledger_list_taken")},
		{Verb: broadcast.ActListStored, Words: l.must("ledger_list_stored")},
		{Verb: "warning-received", Words: l.must("ledger_warning")},
		{Verb: "warning-" + string(broadcast.WarningHandled), Words: l.must("ledger_warning_handled")},
		{Verb: "warning-" + string(broadcast.WarningForeign), Words: l.must("ledger_warning_foreign")},
		{Verb: "warning-" + string(broadcast.WarningDrafted), Words: l.must("ledger_warning_drafted")},
		{Verb: "called", Words: l.must("callout_act_called")},
		{Verb: "wave", Words: l.must("callout_act_wave")},
		{Verb: "paged", Words: l.must("callout_act_paged")},
		{Verb: "answered", Words: l.must("callout_act_answered")},
		{Verb: "attended", Words: l.must("callout_act_attended")},
		{Verb: callout.ActPresenceCorrected, Words: l.must("callout_act_corrected")},
		{Verb: callout.ActActivationNoted, Words: l.must("callout_act_activation")},
		{Verb: "filled", Words: l.must("callout_act_filled")},
		{Verb: "short", Words: l.must("callout_act_short")},
		{Verb: string(volunteers.StateClosed), Words: l.must("callout_act_closed")},
		{Verb: string(volunteers.StateExpired), Words: l.must("callout_act_expired")},
		{Verb: signin.VerbInvited, Words: l.must("ledger_staff_invited")},
		{Verb: signin.VerbWithdrawn, Words: l.must("ledger_staff_withdrawn")},
		{Verb: signin.VerbJoined, Words: l.must("ledger_staff_joined")},
		{Verb: signin.VerbAsked, Words: l.must("ledger_staff_asked")},
		{Verb: signin.VerbDropped, Words: l.must("ledger_staff_dropped")},
		{Verb: signin.VerbChanged, Words: l.must("ledger_staff_changed")},
		{Verb: signin.VerbChangedAlone, Words: l.must("ledger_staff_changed_alone")},
		{Verb: signin.VerbDisabled, Words: l.must("ledger_staff_disabled")},
		{Verb: signin.VerbDisabledAlone, Words: l.must("ledger_staff_disabled_alone")},
		{Verb: signin.VerbErased, Words: l.must("ledger_staff_erased")},
		{Verb: signin.VerbErasedAlone, Words: l.must("ledger_staff_erased_alone")},
		{Verb: signin.VerbEnded, Words: l.must("ledger_staff_ended")},
		{Verb: signin.VerbRecovery, Words: l.must("ledger_staff_recovery")},
		{Verb: signin.VerbPasskeyAdded, Words: l.must("ledger_staff_passkey_added")},
		{Verb: signin.VerbPasskeyRemoved, Words: l.must("ledger_staff_passkey_removed")},
		{Verb: signin.VerbPassword, Words: l.must("ledger_staff_password")},
		{Verb: signin.VerbSeed, Words: l.must("ledger_staff_seed")},
		{Verb: signin.VerbBound, Words: l.must("oidc_act_bound")},
		{Verb: signin.VerbUnbound, Words: l.must("oidc_act_unbound")},
		{Verb: alerts.ActKeyCreated, Words: l.must("ledger_key_created")},
		{Verb: alerts.ActKeyRevoked, Words: l.must("ledger_key_revoked")},
		{Verb: broadcast.ActDeclared, Words: l.must("ledger_declared")},
	}
}

// verbWords are the words of all verbs.
func verbWords(l *locale) map[string]string {
	words := map[string]string{}
	for _, v := range verbLines(l) {
		words[v.Verb] = v.Words
	}
	return words
}

// actNames are the names of staff and keys by id. The ledger does not keep
// them: who was erased is there by id alone.
func (s *Server) actNames(ctx context.Context) (map[string]string, error) {
	names := map[string]string{}
	if s.Staff != nil {
		members, err := s.Staff.Members(ctx)
		if err != nil {
			return nil, err
		}
		for _, m := range members {
			names[m.ID] = m.Name
		}
	}
	keys, err := s.Keys.List(ctx)
	if err != nil {
		return nil, err
	}
	for _, k := range keys {
		names[k.Person.ID] = k.Person.Name
	}
	return names, nil
}

// whoWords names who acted, or whom an act is about.
func whoWords(l *locale, id, name string, names map[string]string) string {
	kind, number, _ := strings.Cut(id, ":")
	switch {
	case id == "":
		return name
	case id == "gateway":
		return l.must("ledger_gateway")
	case id == "command":
		return l.must("ledger_command")
	case name != "" || names[id] != "":
		return cmp.Or(name, names[id])
	case kind == "person":
		return l.must("ledger_person", "N", number)
	case kind == "staff":
		return l.must("ledger_erased", "ID", id)
	case kind == "invitation":
		return l.must("ledger_invitation", "ID", number)
	}
	return id
}
