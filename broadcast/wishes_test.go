package broadcast

import (
	"strings"
	"testing"

	"martinella/channels"
)

func TestWishOf(t *testing.T) {
	for text, want := range map[string]Wish{
		"STOP": WishStop, " stop. ": WishStop, "Stop!!!": WishStop, "S.T.O.P.": WishStop, "s t o p": WishStop, "STOP grazie": WishStop, "stop sms": WishStop,
		"Cancella": WishStop, "CANCELLAMI PER FAVORE": WishStop, "cancellami da questa lista": WishStop, "annulla iscrizione": WishStop, "basta messaggi": WishStop,
		"Abbestellen": WishStop, "bitte abmelden": WishStop, "STOPP": WishStop, "Désabonner": WishStop, "De\u0301sabonner svp": WishStop, "ARRÊT": WishStop,
		"ustavi": WishStop, "Odjava, prosim": WishStop, "odjavi me": WishStop, "PREKLIČI": WishStop, "izbri\u0073\u030ci": WishStop, "nehajte hvala": WishStop,
		"unsubscribe me please": WishStop, "\"STOP\"": WishStop, "stop\u200b": WishStop, "stop stop STOP": WishStop, "STOP ALL": WishStop,
		"START": WishStart, "Start, grazie": WishStart, "iscrivimi": WishStart, "iscrizione": WishStart, "Anmelden bitte": WishStart, "reprendre": WishStart, "Prijava prosim": WishStart, "ZAČNI": WishStart, "naročam": WishStart,
		"": "", "grazie": "", "si": "", "no": "", "stop al traffico in via Roma?": "", "don't stop": "", "non cancellarmi": "", "STOP START": "",
		"fermate il treno": "", "ne ustavi": "", "ustavi promet": "", "kdaj bo preklic alarma?": "", "quando finisce l'allerta?": "", "stopover": "", "cancello aperto": "", "112": "", "!!!": "", strings.Repeat("stop ", 50): "",
	} {
		if got := WishOf(text); got != want {
			t.Errorf("%q is %q, want %q", text, got, want)
		}
	}
}

func TestAnswersFitOneSMS(t *testing.T) {
	for wish, texts := range answers {
		for language := range texts {
			text := wish.Answer(language + "-XX")
			if n, plain := channels.Septets(text); text != texts[language] || !plain || n > 160 {
				t.Errorf("%s in %s has %d septets: %q", wish, language, n, text)
			}
		}
		if wish.Answer("hr") != texts["it"] {
			t.Errorf("%s in a language that there is no text in: %q", wish, wish.Answer("hr"))
		}
	}
}

func TestSpellings(t *testing.T) {
	for from, want := range map[string]string{"393331234567": "+393331234567", "+393331234567": "+393331234567", "00393331234567": "+393331234567", " Anna@Example.org ": "anna@example.org", "": ""} {
		got := spellings(from)
		if got[len(got)-1] != want {
			t.Errorf("%q gives %q, want %q at the end", from, got, want)
		}
	}
}

func FuzzWishOf(f *testing.F) {
	for _, seed := range []string{"STOP", "abbestellen bitte", "S.T.O.P", "start\u0301", "\xff\xfe", "stop start"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got := WishOf(text)
		if got != "" && got != WishStop && got != WishStart {
			t.Fatalf("%q is %q", text, got)
		}
		if got != "" && len(text) < 150 {
			if again := WishOf("  " + strings.ToUpper(text) + " !"); again != got && strings.EqualFold(strings.ToUpper(text), text) {
				t.Fatalf("%q is %q, and %q in capitals", text, got, again)
			}
			if both := WishOf(text + " traffico"); both != "" {
				t.Fatalf("%q with another word is still %q", text, both)
			}
		}
	})
}
