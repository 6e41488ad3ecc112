package sms

import "testing"

func TestMask(t *testing.T) {
	for number, want := range map[string]string{
		"+393331234567": "+39 333 ***4567", "+37866661212": "+378 66 ***212", "+12025550123": "+1 202 ***0123",
		"+41781234567": "+41 781 ***567", "+390577": "***", "48583": "***", "": "***", "not a number": "***", "+": "***",
	} {
		if got := Mask(number); got != want {
			t.Errorf("%s: got %q, want %q", number, got, want)
		}
	}
}

func TestSourceProblem(t *testing.T) {
	for source, wrong := range map[string]bool{
		"Comune": false, "ProtCivile": false, "+390577000000": false, "48583": false, "Allerta 1": false,
		"": true, "ComuneLungoLungo": true, "Città": true, "12": true, "a\x00b": true, "Comune\n": true,
	} {
		if problem := SourceProblem(source); (problem != "") != wrong {
			t.Errorf("%q: %q", source, problem)
		}
	}
}

func TestIsE164(t *testing.T) {
	for to, want := range map[string]bool{"+393331234567": true, "+378666": true, "3331234567": false, "+39 333 1234567": false, "+3933312345678901": false, "+": false, "": false, "+39333123456a": false} {
		if got := IsE164(to); got != want {
			t.Errorf("%q: got %v", to, got)
		}
	}
}
