package provider

import (
	"regexp"
	"slices"
	"strings"
)

// Values is what the placeholders stand for, by name without braces.
type Values map[string]string

// placeholderForm is a placeholder: {text}, {secret.api_key}; {validity:number}
// in JSON.
var placeholderForm = regexp.MustCompile(`\{([a-z][a-z0-9_]*(?:\.[a-z0-9_-]+)?)(:number)?\}`)

// template is a text with placeholders. Values are put in once: what looks like
// a placeholder within a value stays as it is.
type template []piece

type piece struct {
	literal string
	name    string // of the placeholder; "" for a literal
	number  bool
}

func parseTemplate(s string) template {
	var t template
	for s != "" {
		at := placeholderForm.FindStringSubmatchIndex(s)
		if at == nil {
			return append(t, piece{literal: s})
		}
		if at[0] > 0 {
			t = append(t, piece{literal: s[:at[0]]})
		}
		t = append(t, piece{name: s[at[2]:at[3]], number: at[4] >= 0})
		s = s[at[1]:]
	}
	return t
}

// fill puts the values in, each escaped for its place.
func (t template) fill(v Values, escape func(string) string) string {
	var b strings.Builder
	for _, p := range t {
		if p.name == "" {
			b.WriteString(p.literal)
		} else {
			b.WriteString(escape(v[p.name]))
		}
	}
	return b.String()
}

func plain(s string) string { return s }

// absent reports a template that is nothing but a placeholder without a value.
func (t template) absent(v Values) bool {
	return len(t) == 1 && t[0].name != "" && v[t[0].name] == ""
}

// names lists the placeholders.
func (t template) names() []string {
	var out []string
	for _, p := range t {
		if p.name != "" && !slices.Contains(out, p.name) {
			out = append(out, p.name)
		}
	}
	return out
}

// numbers reports whether a placeholder asks for a number.
func (t template) numbers() bool {
	return slices.ContainsFunc(t, func(p piece) bool { return p.number })
}

// oneLine keeps a value within its header: control characters become spaces
// (RFC 9110 section 5.5).
func oneLine(s string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7F {
			return ' '
		}
		return r
	}, s))
}
