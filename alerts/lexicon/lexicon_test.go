package lexicon

import (
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"martinella/alerts"
)

func TestEveryLanguageIsComplete(t *testing.T) {
	placeholder := regexp.MustCompile(`\{[a-z_]+\}`)
	named := strings.NewReplacer("{month_number}", "{month}").Replace // each language says the month as it does
	first := reflect.ValueOf(*For(Languages[0]))
	for _, lang := range Languages {
		w := reflect.ValueOf(*For(lang))
		for i := range w.NumField() {
			name := w.Type().Field(i).Name
			if w.Field(i).Kind() != reflect.String || name == "Language" {
				continue
			}
			text := w.Field(i).String()
			if text == "" {
				t.Errorf("%s: %s is empty", lang, name)
			}
			if strings.Contains(text, "{next}") && !strings.HasSuffix(text, ": {next}") {
				t.Errorf("%s: %s does not end with the address: %q", lang, name, text)
			}
			have, want := placeholder.FindAllString(named(text), -1), placeholder.FindAllString(named(first.Field(i).String()), -1)
			slices.Sort(have)
			slices.Sort(want)
			if !slices.Equal(have, want) {
				t.Errorf("%s: %s has the places %v, want %v", lang, name, have, want)
			}
		}
		for _, s := range alerts.Severities {
			if For(lang).Levels[s] == "" {
				t.Errorf("%s: no word for %s", lang, s)
			}
		}
		if len(For(lang).Weekdays) != 7 || len(For(lang).Months) != 12 {
			t.Errorf("%s: %d weekdays, %d months", lang, len(For(lang).Weekdays), len(For(lang).Months))
		}
	}
}

func TestMark(t *testing.T) {
	for name, c := range map[string]struct {
		lang     string
		change   alerts.Change
		exercise bool
		want     string
	}{
		"a first issue has none":               {"it", alerts.ChangeIssued, false, ""},
		"an exercise is said first":            {"it-IT", alerts.ChangeIssued, true, "ESERCITAZIONE"},
		"an update":                            {"it", alerts.ChangeUpdated, false, "AGGIORNAMENTO"},
		"an update of an exercise":             {"en", alerts.ChangeUpdated, true, "EXERCISE - UPDATE"},
		"sent by mistake":                      {"it", alerts.ChangeCancelled, false, "ANNULLATA (inviata per errore)"},
		"the all-clear":                        {"it", alerts.ChangeEnded, false, "CESSATO ALLARME"},
		"the all-clear of an exercise":         {"en-GB", alerts.ChangeEnded, true, "EXERCISE - ALL CLEAR"},
		"an exercise in German":                {"de-AT", alerts.ChangeIssued, true, "ÜBUNG"},
		"another language shows both":          {"ro", alerts.ChangeIssued, true, "ESERCITAZIONE / EXERCISE"},
		"no language at all shows both":        {"", alerts.ChangeIssued, true, "ESERCITAZIONE / EXERCISE"},
		"the all-clear in another language":    {"ro", alerts.ChangeEnded, false, "CESSATO ALLARME / ALL CLEAR"},
		"a tag in capitals with an underscore": {"IT_it", alerts.ChangeIssued, true, "ESERCITAZIONE"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := For(c.lang).Mark(c.change, c.exercise); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestAmended(t *testing.T) {
	for name, c := range map[string]struct {
		lang           string
		change         alerts.Change
		exercise       bool
		mark, sentence string
	}{
		"another one holds":                   {"it", alerts.ChangeUpdated, false, "SOSTITUITO", "Leggete il nuovo avviso: {next}"},
		"another one of an exercise":          {"de", alerts.ChangeUpdated, true, "ÜBUNG - ERSETZT", "Lesen Sie die neue Meldung: {next}"},
		"sent by mistake":                     {"en", alerts.ChangeCancelled, false, "CANCELLED (sent in error)", "This warning does not hold: {next}"},
		"over":                                {"it", alerts.ChangeEnded, false, "CESSATO ALLARME", "L'allarme è cessato: {next}"},
		"one address in a language of nobody": {"ro", alerts.ChangeUpdated, true, "ESERCITAZIONE / EXERCISE - SOSTITUITO / REPLACED", "Leggete il nuovo avviso / Read the new warning: {next}"},
	} {
		t.Run(name, func(t *testing.T) {
			if mark, sentence := For(c.lang).Amended(c.change, c.exercise); mark != c.mark || sentence != c.sentence {
				t.Errorf("got %q, %q, want %q, %q", mark, sentence, c.mark, c.sentence)
			}
		})
	}
}

func TestUntil(t *testing.T) {
	rome, err := time.LoadLocation("Europe/Rome")
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 11, 21, 17, 30, 0, 0, time.UTC).In(rome)
	for lang, want := range map[string]string{
		"it": "Fino alle 18:30 di sabato 21 novembre.",
		"en": "Until 18:30 on Saturday 21 November.",
		"de": "Bis Samstag, 21. November, 18:30.",
		"ro": "-> 18:30, 21.11.",
	} {
		if got := For(lang).Until(at); got != want {
			t.Errorf("%s: got %q, want %q", lang, got, want)
		}
	}
	// The night when the clocks go back has two o'clock twice.
	before, after := time.Date(2026, 10, 25, 0, 30, 0, 0, time.UTC).In(rome), time.Date(2026, 10, 25, 1, 30, 0, 0, time.UTC).In(rome)
	if a, b := For("it").Until(before), For("it").Until(after); !strings.Contains(a, "02:30") || !strings.Contains(b, "02:30") {
		t.Errorf("got %q and %q", a, b)
	}
}

func TestNoLevelNamesAColour(t *testing.T) {
	for _, lang := range append([]string{"ro"}, Languages...) {
		for s, word := range For(lang).Levels {
			for _, colour := range []string{"ross", "giall", "aranc", "verde", "red", "orange", "yellow", "green", "Allerta", "allerta"} {
				if strings.Contains(word, colour) {
					t.Errorf("%s: %s is called %q", lang, s, word)
				}
			}
		}
	}
}
