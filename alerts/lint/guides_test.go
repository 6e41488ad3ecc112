package lint

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"martinella/alerts/lexicon"
)

// Every danger has its guide in both languages, of as many lines each, and its
// words pass the rules for an alert's instructions.
func TestTheGuidesAreWholeAndPlain(t *testing.T) {
	first := lexicon.AdviceFor(lexicon.AdviceLanguages[0])
	for _, lang := range lexicon.AdviceLanguages {
		a := lexicon.AdviceFor(lang)
		if a.Language != lang {
			t.Fatalf("%s gives %s", lang, a.Language)
		}
		named := map[string]bool{}
		lines := func(name string, all, as []string, field string) {
			if len(all) < 3 || len(all) != len(as) {
				t.Errorf("%s %s has %d lines, in %s %d", lang, name, len(all), first.Language, len(as))
			}
			if twice := slices.Compact(slices.Sorted(slices.Values(all))); len(twice) != len(all) {
				t.Errorf("%s %s says a line twice", lang, name)
			}
			for i, line := range all {
				if n := len(strings.Fields(line)); n > 20 {
					t.Errorf("%s %s %d has %d words: %s", lang, name, i, n, line)
				}
				if full := strings.HasSuffix(line, "."); full != (field == "instruction") || strings.Count(line, ".") > 1 {
					t.Errorf("%s %s %d is not one sentence: %s", lang, name, i, line)
				}
			}
			for _, h := range Text(field, lang, strings.Join(all, "\n"), Context{}) {
				t.Errorf("%s %s: %s %q (%s)", lang, name, h.Code, h.Text, h.Message.En)
			}
		}
		for i, g := range a.Guides {
			named[g.Hazard] = true
			if lexicon.HazardName(g.Hazard, lang) == "" {
				t.Errorf("%s is no danger of the lexicon", g.Hazard)
			}
			as := first.Guides[i]
			if as.Hazard != g.Hazard || g.Short == "" {
				t.Fatalf("%s: guide %d is %s, in %s %s", lang, i, g.Hazard, first.Language, as.Hazard)
			}
			for _, h := range Text("description", lang, g.Short, Context{}) {
				t.Errorf("%s %s: %s %q", lang, g.Hazard, h.Code, h.Text)
			}
			lines(fmt.Sprint(g.Hazard, " before"), g.Before, as.Before, "instruction")
			lines(fmt.Sprint(g.Hazard, " during"), g.During, as.During, "instruction")
			lines(fmt.Sprint(g.Hazard, " after"), g.After, as.After, "instruction")
		}
		for key := range lexicon.Hazards {
			if !named[key] {
				t.Errorf("%s has no guide in %s", key, lang)
			}
		}
		lines("kit", a.Kit, first.Kit, "event")
		lines("keep", a.Keep, first.Keep, "instruction")
		lines("plan", a.Plan, first.Plan, "instruction")
	}
	if got := lexicon.AdviceFor("de", "fr").Language; got != "en" {
		t.Errorf("who has neither language reads %s", got)
	}
	if _, known := first.Guide("dragon"); known {
		t.Error("there is a guide for what is no danger")
	}
}
