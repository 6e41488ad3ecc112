package lexicon

import (
	"strings"
	"testing"
	"unicode/utf8"

	"martinella/alerts"
)

func TestStaffIsCalledInEveryLanguageForEveryCause(t *testing.T) {
	long := strings.Repeat("Alluvione nel fondovalle ", 20)
	for _, lang := range RingLanguages {
		for _, why := range append([]alerts.Why{"test"}, alerts.Whys...) {
			text := Ring(lang, why, long, "Comune di Valdemo")
			if text == "" || strings.ContainsAny(text, "{}") {
				t.Errorf("%s %s: %q", lang, why, text)
			}
			if n := utf8.RuneCountInString(text); n > 140 {
				t.Errorf("%s %s has %d characters: %q", lang, why, n, text)
			}
		}
		short := RingShort(lang, "V-0417", 3, 8, []string{"2 × pilota", RingAnybody(lang, 3)})
		for _, want := range []string{"V-0417", "3", "8", "2 × pilota"} {
			if !strings.Contains(short, want) || strings.ContainsAny(short, "{}") {
				t.Errorf("%s: %q has no %q", lang, short, want)
			}
		}
		if RingSubject(lang, "Valdemo") == "" || RingNobody(lang) == "" || len(rings[lang]) != len(rings["it"]) {
			t.Errorf("%s is not complete", lang)
		}
	}
	if got, want := Ring("sl", alerts.WhyApproval, "Piena.", ""), Ring("it", alerts.WhyApproval, "Piena", ""); got != want {
		t.Errorf("a language that is not there: %q, want %q", got, want)
	}
}
