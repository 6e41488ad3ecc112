package dashboards

import (
	"strings"

	"martinella/alerts"
	"martinella/alerts/lexicon"
	"martinella/broadcast"
)

// reasonWords tells in the reader's words what an act says beside its verb. What
// a person typed stays as it is; files and the API give the act as it is signed.
func reasonWords(l *locale, a alerts.Act, names map[string]string) string {
	text := tidy(a.Reason)
	switch {
	case text == "":
		return ""
	case strings.HasPrefix(a.Verb, "staff-"), strings.HasPrefix(a.Verb, "key-"):
		return grantWords(l, text, names)
	}
	switch a.Verb {
	case "rung":
		return rungWords(l, text)
	case "ticked":
		return remarkWords(l, text)
	case "approved":
		typed, codes, found := strings.Cut(text, findingsRead)
		if codes, closed := strings.CutSuffix(codes, ")"); found && closed {
			return strings.TrimSpace(strings.TrimSpace(typed) + " " + l.must("ledger_read", "Findings", remarkWords(l, codes)))
		}
	case "posted", "resent":
		if channel, is := strings.CutPrefix(text, "channel "); is {
			return l.must("ledger_channel", "Channel", channel)
		}
	case "suspended", "submitted":
		if id, is := strings.CutPrefix(text, "a real alert was issued: "); is {
			return l.must("ledger_real_issued", "ID", id)
		}
	case "stopped", "gone", "renewed":
		return l.must("ledger_contact", "Kind", contactWord(l, text))
	}
	if a.Verb == broadcast.ActListTaken || a.Verb == broadcast.ActListStored {
		return listReason(l, text)
	}
	if callOf(a) != "" {
		if words := callReason(l, a, text); words != "" {
			return words
		}
		return text
	}
	if words := ownReasons(l)[text]; words != "" {
		return words
	}
	return text
}

// ownReasons are the reasons that the desk itself writes.
func ownReasons(l *locale) map[string]string {
	return map[string]string{
		"what would be sent has changed": l.must("ledger_why_rendered"),
		"replaced by another text":       l.must("ledger_why_replaced"),
		"somebody was faster":            l.must("ledger_why_faster"),
		"the exercise has changed":       l.must("ledger_why_exercise"),
	}
}

func contactWord(l *locale, kind string) string {
	switch kind {
	case "phone":
		return l.must("ledger_phone")
	case "email":
		return l.must("ledger_email")
	case "push":
		return l.must("ledger_push")
	}
	return kind
}

// viaWords tells by which way something was done.
func viaWords(l *locale, via string) string {
	switch via {
	case "console":
		return l.must("ledger_via_console")
	case "command":
		return l.must("ledger_command")
	case "feed":
		return l.must("ledger_via_feed")
	case alerts.ViaGateway:
		return l.must("ledger_gateway")
	case broadcast.ViaOwnPage:
		return l.must("ledger_via_own_page")
	case "sign-up":
		return l.must("ledger_via_sign_up")
	}
	return via
}

// remarkWords says what the codes of remarks on a text stand for.
func remarkWords(l *locale, codes string) string {
	var all []string
	for code := range strings.SplitSeq(codes, ", ") {
		r, known := lexicon.Remarks[code]
		if !known {
			all = append(all, code)
			continue
		}
		said := r.Problem.En
		if l.Tag == "it" {
			said = r.Problem.It
		}
		all = append(all, strings.NewReplacer("{text}", "…", "{n}", "…", "{limit}", "…").Replace(said))
	}
	return strings.Join(all, " ")
}

// grantWords tells what a member or a key may do, as signin.Grant and
// alerts.Rights write it.
func grantWords(l *locale, text string, names map[string]string) string {
	parts := strings.Split(text, "; ")
	for i, part := range parts {
		word, rest, _ := strings.Cut(part, " ")
		switch {
		case part == "real alerts":
			parts[i] = l.must("ledger_may_real")
		case part == "exercises and tests only":
			parts[i] = l.must("ledger_may_drill")
		case part == "bound to the sign-in provider":
			parts[i] = l.must("ledger_bound")
		case part == "disable":
			parts[i] = l.must("ledger_to_disable")
		case part == "erase":
			parts[i] = l.must("ledger_to_erase")
		case strings.HasPrefix(part, "up to "):
			parts[i] = l.must("ledger_up_to", "Level", l.lex.Level(alerts.Severity(strings.TrimPrefix(part, "up to "))))
		case strings.HasPrefix(part, "asked by "):
			parts[i] = l.must("ledger_asked_by", "Name", whoWords(l, strings.TrimPrefix(part, "asked by "), "", names))
		case word == "areas":
			parts[i] = l.must("ledger_areas", "List", rest)
		case word == "senders":
			parts[i] = l.must("ledger_senders", "List", rest)
		case word == "hazards":
			parts[i] = l.must("ledger_hazards", "List", rest)
		case word == "channels":
			parts[i] = l.must("ledger_channels", "List", rest)
		default:
			parts[i] = grantedWords(l, part)
		}
	}
	return strings.Join(parts, "; ")
}

// grantedWords are roles, verbs and statuses, one after the other.
func grantedWords(l *locale, list string) string {
	words := strings.Split(list, ", ")
	for i, word := range words {
		plain, alone := strings.CutSuffix(word, " (alone)")
		said := roleName(l, plain)
		if said == plain {
			said = lexicon.Value(plain, l.Tag)
		}
		if alone {
			said += " (" + l.must("ledger_alone_may") + ")"
		}
		words[i] = said
	}
	return strings.Join(words, ", ")
}
