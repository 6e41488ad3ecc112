package dashboards

import (
	"cmp"
	"regexp"
	"strings"

	"martinella/alerts"
	"martinella/alerts/volunteers"
	"martinella/broadcast"
	"martinella/broadcast/callout"
	"martinella/channels"
)

// callActs are the verbs of acts on calls of volunteers; such an act names the
// call as its event.
var callActs = map[string]bool{"called": true, "wave": true, "paged": true, "answered": true, "attended": true, callout.ActPresenceCorrected: true, callout.ActActivationNoted: true, "filled": true, "short": true, broadcast.ActListTaken: true,
	string(volunteers.StateClosed): true, string(volunteers.StateExpired): true}

// callOf is the call that an act is about; "" of one about something else. An
// alert is cancelled too: that act names the alert.
func callOf(a alerts.Act) alerts.ID {
	if callActs[a.Verb] || a.Verb == "rung" && strings.HasSuffix(a.Reason, ": "+string(alerts.WhyShort)) || a.Verb == string(volunteers.StateCancelled) && a.Alert == "" {
		return a.Event
	}
	return ""
}

// didWords says what was done; words are those of the verbs.
func didWords(l *locale, a alerts.Act, words map[string]string) string {
	if a.Verb == string(volunteers.StateCancelled) && callOf(a) != "" {
		return l.must("callout_act_cancelled")
	}
	if said := words[a.Verb]; said != "" {
		return said
	}
	return a.Verb
}

var (
	somePeople = regexp.MustCompile(`^([0-9]+) people$`)
	someRows   = regexp.MustCompile(`^([a-z]+): ([0-9]+) rows$`)
	someOf     = regexp.MustCompile(`^([0-9]+) of ([0-9]+)$`)
)

// listReason tells which list was taken or stored, and how many rows it had.
func listReason(l *locale, text string) string {
	m := someRows.FindStringSubmatch(text)
	if m == nil {
		return text
	}
	name := map[string]string{broadcast.ListRoster: l.must("ledger_list_roster"), broadcast.ListSubscribers: l.must("ledger_list_subscribers"), broadcast.ListAttendance: l.must("ledger_list_attendance"), broadcast.ListHours: l.must("ledger_list_hours")}[m[1]]
	return l.must("ledger_list", "List", cmp.Or(name, m[1]), "N", m[2])
}

// callReason tells in the reader's words what an act on a call says beside its
// verb; "" where a person typed it.
func callReason(l *locale, a alerts.Act, text string) string {
	switch a.Verb {
	case "called", "wave":
		if m := somePeople.FindStringSubmatch(text); m != nil {
			return l.must("callout_act_people", "N", m[1])
		}
	case "filled", "short":
		if m := someOf.FindStringSubmatch(text); m != nil {
			return l.must("callout_act_of", "N", m[1], "All", m[2])
		}
	case "answered":
		return map[string]string{string(volunteers.Coming): l.must("callout_coming"), string(volunteers.Maybe): l.must("callout_maybe"), string(volunteers.Cannot): l.must("callout_cannot")}[text]
	case callout.ActPresenceCorrected:
		return correctionReason(l, text, a.At)
	case "attended":
		return map[string]string{string(volunteers.MarkArrived): l.must("callout_mark_arrived"), string(volunteers.MarkSafe): l.must("callout_mark_safe"), string(volunteers.MarkLeft): l.must("callout_mark_left"), string(volunteers.MarkUndo): l.must("callout_mark_undo")}[text]
	case "paged":
		return map[string]string{string(channels.PageCall): l.must("callout_page_call"), string(channels.PageFilled): l.must("callout_page_filled"), string(channels.PageNeeded): l.must("callout_page_needed"), string(channels.PageClosed): l.must("callout_page_closed"), string(channels.PageCancelled): l.must("callout_page_cancelled"), string(channels.PageTest): l.must("ctest_page")}[text]
	}
	return ""
}
