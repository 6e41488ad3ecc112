package cap

import (
	"errors"
	"strings"
	"testing"
)

// The sender reads why, so it is said in our words and with the line, never in
// those of a decoder.
func TestWhatBreaksIsSaidInOurWords(t *testing.T) {
	for message, want := range map[string]string{
		"<alert>\n<a></b></alert>":         "line 2 ends an element that is not the open one",
		"<alert>\n\n<a>x & y</a></alert>":  "line 3 has a & that begins no known entity",
		"<alert>\n<a>\x01</a></alert>":     "line 2 has a character that XML does not allow",
		"<alert>\n<a b></a></alert>":       "line 2 is not well-formed XML",
		"{":                                "the JSON ends too early",
		`{"sender":"a`:                     "the JSON ends too early",
		"{\n\"sender\": <x>}":              "line 2 is not well-formed JSON",
		"{\"sender\":\"a\",\n\n}":          "line 3 is not well-formed JSON",
		"{\"sender\":\"a\"\n \"scope\":1}": "line 2 is not well-formed JSON",
		"{\"info\":[{}\n\n":                "the JSON ends too early",
	} {
		parse := Parse
		if strings.HasPrefix(message, "{") {
			parse = ParseJSON
		}
		_, err := parse([]byte(message), Submit)
		if !errors.Is(err, ErrMalformed) || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %q", message, err, want)
		}
		for _, foreign := range []string{"EOF", "syntax error", "looking for", "invalid character", "after object"} {
			if err != nil && strings.Contains(err.Error(), foreign) {
				t.Errorf("%q: %v tells what a decoder said", message, err)
			}
		}
	}
	if _, err := ReadContainer([]byte("<feed>\n<entry></feed>"), Container); err == nil || strings.Contains(err.Error(), "syntax error") {
		t.Errorf("a container: got %v", err)
	}
}
