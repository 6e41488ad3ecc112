package voice

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestSpelled(t *testing.T) {
	for lang, table := range map[string]map[string]string{
		"it": {
			"Evento alle 18:30, fine alle 20:00.":                     "Evento alle 18 e 30, fine alle 20.",
			"dalle ore 7.05 alle 9.30":                                "dalle ore 7 e 5 alle 9 e 30",
			"Chiamate il 112 o lo 0573 3711.":                         "Chiamate il 1 1 2 o lo 0 5 7, 3 3 7, 1 1.",
			"numero verde 800840840":                                  "numero verde 8 0 0, 8 4 0, 8 4 0",
			"Sabato 21/11/2026 e il 22/11":                            "Sabato 21 novembre 2026 e il 22 novembre",
			"fra via S. Marco, S. Maria e S. Stefano":                 "fra via San Marco, Santa Maria e Santo Stefano",
			"Chiusa la SS 66 al km 12, la SP 9 e P.zza Duomo":         "Chiusa la strada statale 66 al km 12, la strada provinciale 9 e piazza Duomo",
			"vento a 90 km/h, 120 mm di pioggia, 2 km, onde di 3 m.":  "vento a 90 chilometri orari, 120 millimetri di pioggia, 2 chilometri, onde di 3 metri.",
			"1.200 persone, 35°C, 80% e 50 €":                         "1200 persone, 35 gradi, 80 per cento e 50 euro",
			"Info: https://allerta.example/a/1 oppure www.example.it": "Info: oppure",
			"Avviso - pericolo estremo 🔥 «acqua»":                     "Avviso, pericolo estremo acqua",
			"(n. 3, ecc.)":   "(numero 3, eccetera)",
			"livello 3/4":    "livello 3 4",
			"si e/o no":      "si e o no",
			"Anno 2025 2026": "Anno 2025 2026",
			"":               "",
		},
		"en": {"Until 18:30, call 112. Wind 90 km/h on 21/11/2026": "Until 18 30, call 1 1 2. Wind 90 kilometres an hour on 21 November 2026"},
		"de": {"Bis 18:30, ab 20:00. Wind 90 km/h, Tel. 112": "Bis 18 Uhr 30, ab 20 Uhr. Wind 90 Stundenkilometer, Telefon 1 1 2"},
		"fr": {"Jusqu'à 18:30, dès 20:00, n° 3": "Jusqu'à 18 heures 30, dès 20 heures, numéro 3"},
	} {
		w, own := wordsFor(lang)
		if !own {
			t.Fatalf("%s has no words", lang)
		}
		for in, want := range table {
			if got := w.spelled(in); got != want {
				t.Errorf("%s: %q: got %q, want %q", lang, in, got, want)
			}
		}
	}
}

func TestCalm(t *testing.T) {
	for in, want := range map[string]string{
		"ESERCITAZIONE. Comune di Pistoia": "Esercitazione. Comune di Pistoia",
		"CESSATO ALLARME.":                 "Cessato Allarme.",
		"ANNULLATA (inviata per errore).":  "Annullata (inviata per errore).",
		"La ASL e il COC":                  "La ASL e il COC",
	} {
		if got := calm(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

func TestEveryLanguageIsWhole(t *testing.T) {
	for lang, w := range knownWords {
		if w.Locale == "" || w.Again == "" || !strings.Contains(w.Press, "1") || w.Thanks == "" || w.Follow == "" || !strings.Contains(w.Time, "{hour}") || w.And == "" || w.Or == "" || len(w.Digits) == 0 || len(w.Units) == 0 || len(w.Abbreviations) == 0 {
			t.Errorf("words of %s: something is missing", lang)
		}
	}
	if w, own := wordsFor("sl-SI"); own || w.Language != "en" {
		t.Errorf("sl-SI: %v, %v", w.Language, own)
	}
}

func FuzzSpelled(f *testing.F) {
	for _, seed := range []string{"alle 18:30 del 21/11/2026", "S. ", "S. Marco", "1.200 km/h +39 0573 3711", "🔥\u202e\x00", "https://x P.zza ((ecc.)).", "°C€%"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if !utf8.ValidString(text) || len(text) > 4000 {
			return
		}
		for _, w := range knownWords {
			got := w.spelled(text)
			if !utf8.ValidString(got) || got != w.spelled(text) || strings.Contains(got, "  ") || strings.Contains(strings.ToLower(got), "http://") {
				t.Fatalf("%s: %q became %q", w.Language, text, got)
			}
			calm(got)
		}
	})
}
