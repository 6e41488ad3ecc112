package volunteers

import "testing"

func TestANameThatSomebodyProbablyMeant(t *testing.T) {
	known := []string{"motosega", "autista C", "autista CE", "motopompa", "TLC", "idrovora"}
	for name, c := range map[string]struct{ typed, want string }{
		"a letter is missing":          {"motosga", "motosega"},
		"two letters changed places":   {"motosgea", "motosega"},
		"case and spaces do not count": {" AUTISTA  c", "autista C"},
		"one letter away of two":       {"autista B", "autista C"},
		"another word":                 {"cuoco", ""},
		"a short word is not guessed":  {"TC", "TLC"},
		"two of three letters":         {"TAA", ""},
		"nothing":                      {"", ""},
		"letters beyond ASCII":         {"motosèga", "motosega"},
		"far too long":                 {"motosega e idrovora insieme", ""},
	} {
		t.Run(name, func(t *testing.T) {
			if got := Alike(c.typed, known); got != c.want {
				t.Errorf("%q is %q, want %q", c.typed, got, c.want)
			}
		})
	}
	if !Same("Autista  c", "autista C") || Same("autista B", "autista C") {
		t.Error("Same does not fold")
	}
}
