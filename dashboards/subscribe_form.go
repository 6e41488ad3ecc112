package dashboards

import (
	"errors"
	"net/url"
	"slices"
	"strings"
	"unicode"

	"martinella/alerts"
	"martinella/alerts/areas"
	"martinella/broadcast"
	"martinella/broadcast/roster"
	"martinella/channels"
)

// SignUps is what people subscribe themselves with.
type SignUps struct {
	Questions *broadcast.Questions // takes sign-ups and asks the contact
	Push      PushDoor             // nil: browsers cannot subscribe
	Countries []string             // the beginnings of telephone numbers that may sign up: "+39"
}

// PushDoor is a channel that browsers can subscribe to.
type PushDoor interface {
	// PublicKey is what a page subscribes with, in base64url.
	PublicKey() string
	// Admit judges where a stranger's subscription leads, without asking
	// anybody.
	Admit(a channels.PushAddress) error
}

// The bounds of a form of strangers.
const (
	mostSignUpAreas = 300 // areas to tick; of more only those that lie in no other
	maxSignUpForm   = 64 << 10
	maxContact      = 254 // characters; RFC 5321, 4.5.3.1.3
)

// wrongField is what is wrong with one field of a form: the key of its words.
type wrongField struct{ Field, Key string }

// signUpChoices is what the fields that every sign-up has say. What a stranger writes
// into them is not repeated but for what the page itself offers.
type signUpChoices struct {
	All      bool // the whole territory
	Areas    []string
	Severity alerts.Severity // "": every one
	Language string
}

// signUpSeverities are those that can be chosen as the least, beside every one.
var signUpSeverities = []alerts.Severity{alerts.SeverityModerate, alerts.SeveritySevere, alerts.SeverityExtreme}

// chosenOf reads the choices of a form.
func chosenOf(form url.Values, g *areas.Gazetteer) (c signUpChoices, wrong []wrongField) {
	c.All = form.Get("where") == "all"
	for _, code := range form["area"] {
		if _, known := g.Area(code); known && !slices.Contains(c.Areas, code) && len(c.Areas) < mostSignUpAreas {
			c.Areas = append(c.Areas, code)
		}
	}
	slices.Sort(c.Areas)
	if !c.All && len(c.Areas) == 0 {
		wrong = append(wrong, wrongField{"areas", "subscribe_wrong_areas"})
	}
	c.Severity = alerts.Severity(form.Get("severity"))
	if c.Severity != "" && !slices.Contains(signUpSeverities, c.Severity) {
		c.Severity = ""
		wrong = append(wrong, wrongField{"severity", "subscribe_wrong_severity"})
	}
	c.Language = form.Get("language")
	if !slices.Contains(pageLanguages, c.Language) {
		c.Language = ""
		wrong = append(wrong, wrongField{"language", "subscribe_wrong_language"})
	}
	return c, wrong
}

// choices is what is kept of it: the whole territory holds every area.
func (c signUpChoices) choices() broadcast.Choices {
	out := broadcast.Choices{Areas: c.Areas, MinSeverity: c.Severity, Language: c.Language}
	if c.All {
		out.Areas = []string{"*"}
	}
	return out
}

// subscriber is a citizen with one contact and these choices.
func (c signUpChoices) subscriber(kind, address string) broadcast.Subscriber {
	out := c.choices()
	return broadcast.Subscriber{Contacts: map[string]string{kind: address}, Areas: out.Areas, MinSeverity: out.MinSeverity, Language: out.Language,
		Audience: "citizens", Purpose: "emergency"}
}

// contactOf reads a telephone number or an e-mail address that a stranger
// typed; the key is of the words that say what is wrong, "" for nothing.
func contactOf(text string, kinds, countries []string) (kind, address, wrong string) {
	text = strings.TrimSpace(text)
	if text == "" {
		return "", "", "subscribe_wrong_empty"
	}
	if len(text) > maxContact {
		return "", "", "subscribe_wrong_contact"
	}
	if strings.Contains(text, "@") {
		if !slices.Contains(kinds, "email") {
			return "", "", "subscribe_wrong_kind"
		}
		if strings.ContainsFunc(text, notInMail) {
			return "", "", "subscribe_wrong_mail"
		}
		address, err := roster.Mail(text)
		if err != nil || !strings.Contains(address[strings.LastIndexByte(address, '@'):], ".") {
			return "", "", "subscribe_wrong_mail"
		}
		return "email", address, ""
	}
	if !slices.Contains(kinds, "phone") {
		return "", "", "subscribe_wrong_mail"
	}
	if strings.ContainsFunc(text, func(r rune) bool { return !strings.ContainsRune("0123456789+ .-/()\u00a0", r) }) {
		return "", "", "subscribe_wrong_contact"
	}
	number, err := roster.Mobile(text)
	switch {
	case errors.Is(err, roster.ErrPremium), errors.Is(err, roster.ErrMobile):
		return "", "", "subscribe_wrong_mobile"
	case err != nil:
		return "", "", "subscribe_wrong_phone"
	case !slices.ContainsFunc(countries, func(c string) bool { return strings.HasPrefix(number, c) }):
		return "", "", "subscribe_wrong_country"
	}
	return "phone", number, ""
}

// notInMail are the characters of no address that we write to: those that could
// end a line of a header, quotes and marks of direction.
func notInMail(r rune) bool {
	return unicode.IsControl(r) || unicode.IsSpace(r) || unicode.Is(unicode.Cf, r) || strings.ContainsRune(`<>()[],;:"\`, r) || r == unicode.ReplacementChar
}
