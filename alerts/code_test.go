package alerts

import (
	"strings"
	"testing"
)

func TestCodesAreReadAsPeopleTypeThem(t *testing.T) {
	const id = ID("01M81SDC30G66TKQJ9533G8BXM")
	code := CodeOf(id)
	if len(code) != CodeLength || code != CodeOf(id) || code == CodeOf("01M81SDC30G66TKQJ9533G8BXN") {
		t.Fatalf("code %q", code)
	}
	for name, c := range map[string]struct {
		typed, want string
	}{
		"as it is":                       {code, code},
		"in small letters with a dash":   {strings.ToLower(code[:2]) + "-" + code[2:], code},
		"with spaces around":             {"  " + code + " ", code},
		"letters that look like digits":  {"ol1Io", "01110"},
		"too short":                      {code[:4], ""},
		"too long":                       {code + "0", ""},
		"a letter that no code has":      {"UUUUU", ""},
		"nothing":                        {"", ""},
		"a sign of another alphabet":     {"K7Q2Р", ""},
		"a text that begins like a code": {code + " salite ai piani alti", ""},
	} {
		t.Run(name, func(t *testing.T) {
			got, ok := ReadCode(c.typed)
			if ok != (c.want != "") || ok && got != c.want {
				t.Errorf("%q, %v; want %q", got, ok, c.want)
			}
		})
	}
}
