package mqtt

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"martinella/alerts"
)

// tree is the topics below one prefix:
//
//	PREFIX/event/SYSTEM/CODE        not retained: what has just been said
//	PREFIX/state/SYSTEM/CODE/EVENT  retained: what holds
//
// SYSTEM is the name of a geocode in lower case ("istat"), CODE its value. In
// both, and in EVENT, everything but A-Z a-z 0-9 . _ - is written %XX, as in a
// URL, so that no code can reach into another topic or make a wildcard.
type tree string

const (
	eventBranch = "/event/"
	stateBranch = "/state/"
)

// longestLevel bounds a system, a code and an event before they are written. The
// longest codes in use have about 20 characters.
const longestLevel = 96

func (t tree) event(area string) string { return string(t) + eventBranch + area }

func (t tree) state(area, event string) string { return string(t) + stateBranch + area + "/" + event }

// states is the filter of all state topics of one event. It is the only
// wildcard that is ever written.
func (t tree) states(event string) string { return string(t) + stateBranch + "+/+/" + event }

// holds reports whether the topic is a state topic of the event.
func (t tree) holds(topic, event string) bool {
	rest, ok := strings.CutPrefix(topic, string(t)+stateBranch)
	area, ok2 := strings.CutSuffix(rest, "/"+event)
	system, code, ok3 := strings.Cut(area, "/")
	return ok && ok2 && ok3 && system != "" && code != "" && !strings.Contains(code, "/")
}

// areaLevels are the two levels of an area code; ok is false where it has none:
// empty, too long, or with characters that no code has.
func areaLevels(v alerts.Value) (levels string, ok bool) {
	system, ok := level(strings.ToLower(v.Name))
	code, ok2 := level(v.Value)
	return system + "/" + code, ok && ok2
}

// level writes one level of a topic.
func level(text string) (string, bool) {
	if text == "" || len(text) > longestLevel || !utf8.ValidString(text) || strings.ContainsFunc(text, unicode.IsControl) {
		return "", false
	}
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(text) {
		c := text[i]
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '.' || c == '_' || c == '-' {
			b.WriteByte(c)
			continue
		}
		b.WriteByte('%')
		b.WriteByte(hex[c>>4])
		b.WriteByte(hex[c&15])
	}
	return b.String(), true
}

// longestPrefix leaves room for the levels below it: a topic has at most 65,535
// bytes (MQTT 5, section 1.5.4).
const longestPrefix = 128

// checkPrefix judges a configured prefix.
func checkPrefix(field, prefix string) error {
	switch {
	case len(prefix) > longestPrefix:
		return fmt.Errorf("%s is longer than %d bytes", field, longestPrefix)
	case !utf8.ValidString(prefix) || strings.ContainsFunc(prefix, func(r rune) bool { return r <= ' ' || unicode.IsControl(r) || r == unicode.ReplacementChar }):
		return fmt.Errorf("%s holds space or control characters", field)
	case strings.ContainsAny(prefix, "+#"):
		return fmt.Errorf("%s holds + or #, which are for those who read", field)
	case strings.HasPrefix(prefix, "$"):
		return fmt.Errorf("%s begins with $, which belongs to the broker", field)
	}
	for l := range strings.SplitSeq(prefix, "/") {
		if l == "" {
			return fmt.Errorf("%s has an empty level: write it like alerts/pt", field)
		}
	}
	return nil
}

// errWithin is the error of prefixes that meet.
var errWithin = errors.New("lies within the other: who reads one would read both")

// apart refuses prefixes of which one lies within the other.
func apart(a, b string) error {
	if strings.HasPrefix(a+"/", b+"/") || strings.HasPrefix(b+"/", a+"/") {
		return errWithin
	}
	return nil
}
