package channels_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"martinella/alerts"
	"martinella/channels"
	"martinella/channels/channeltest"
)

func compose(t *testing.T, r *alerts.Record, lang string, limit int) string {
	t.Helper()
	text, err := channels.Compose(r, lang, channeltest.Settings()).Fit(limit, channels.UnitChars.Count)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

const page = "https://allerta.comune.pistoia.example/a/01KAK3Z8G0FLD1RST0000000A1"

func TestCompose(t *testing.T) {
	for name, c := range map[string]struct {
		record      *alerts.Record
		lang        string
		limit       int
		title, want string
	}{
		"everything in Italian": {channeltest.Sample(channeltest.Actual), "it", 0, "Avviso - pericolo estremo: Alluvione",
			"Comune di Pistoia: Avviso - pericolo estremo: Alluvione.\n" +
				"L'Ombrone supera gli argini fra via S. Marco e Pontelungo. L'acqua sale in fretta perché piove da ieri.\nDove: Pistoia sud, Quarrata.\n" +
				"Salite subito ai piani alti. Non scendete in cantina né in garage. Non usate l'auto.\nFino alle 18:30 di sabato 21 novembre.\n" + page},
		"an exercise says so first": {channeltest.Sample(channeltest.Exercise), "en", 300, "EXERCISE - Warning - extreme danger: Flood",
			"EXERCISE\nMunicipality of Pistoia: Warning - extreme danger: Flood.\nWhere: South Pistoia, Quarrata.\n" +
				"Go upstairs now. Stay out of cellars and garages. Do not drive.\nUntil 18:30, 21 November.\n" + page},
		"a test is marked as well": {channeltest.Sample(channeltest.Test), "it", 140, "ESERCITAZIONE - Avviso - pericolo estremo: Alluvione",
			"ESERCITAZIONE\nComune di Pistoia: Alluvione.\nSalite subito ai piani alti.\n" + page},
		"an exercise in German": {channeltest.Sample(channeltest.Exercise, "de"), "de", 0, "ÜBUNG - Warnung - extreme Gefahr: Überschwemmung",
			"ÜBUNG\nGemeinde Pistoia: Warnung - extreme Gefahr: Überschwemmung.\nGehen Sie sofort nach oben.\n" +
				"Der Ombrone tritt über die Ufer. Das Wasser steigt schnell.\nWo: Pistoia Süd, Quarrata.\n" +
				"Gehen Sie sofort in höhere Stockwerke. Meiden Sie Keller und Tiefgaragen.\nBis Samstag, 21. November, 18:30.\n" + page},
		"the headline stands in for a missing instruction": {channeltest.Sample(channeltest.Moderate), "it", 170, "Avviso - pericolo moderato: Alluvione",
			"Comune di Pistoia: Avviso - pericolo moderato: Alluvione.\nSalite subito ai piani alti.\n" + page},
		"sent by mistake: what to do is not repeated": {channeltest.Sample(channeltest.Cancel), "it", 0, "ANNULLATA (inviata per errore): Alluvione",
			"ANNULLATA (inviata per errore)\nComune di Pistoia: Alluvione.\nDove: Pistoia sud, Quarrata.\nL'avviso precedente non vale: è stato inviato per errore.\n" + page},
		"the danger is over": {channeltest.Sample(channeltest.AllClear), "en", 0, "ALL CLEAR: Flood",
			"ALL CLEAR\nMunicipality of Pistoia: Flood.\nWhere: South Pistoia, Quarrata.\nThe danger is over.\n" + page},
		"a Cancel without words": {channeltest.Sample(channeltest.Bare), "it", 0, "ANNULLATA (inviata per errore)",
			"ANNULLATA (inviata per errore)\nComune di Pistoia\nL'avviso precedente non vale: è stato inviato per errore.\n" + page},
	} {
		t.Run(name, func(t *testing.T) {
			if got := compose(t, c.record, c.lang, c.limit); got != c.want {
				t.Errorf("got  %q\nwant %q", got, c.want)
			}
			if got := channels.Compose(c.record, c.lang, channeltest.Settings()).Title; got != c.title {
				t.Errorf("title %q, want %q", got, c.title)
			}
		})
	}
}

func TestComposeNeverRepeatsTheDangerWhenItIsOver(t *testing.T) {
	for _, kind := range []channeltest.Kind{channeltest.Cancel, channeltest.AllClear} {
		r := channeltest.Sample(kind)
		if text := compose(t, r, "it", 0); strings.Contains(text, "piani alti") {
			t.Errorf("%s: %q", kind, text)
		}
	}
	// Somebody else's Cancel repeats the whole alert.
	r := channeltest.Sample(channeltest.Actual)
	r.Own, r.Change = false, alerts.ChangeCancelled
	if text := compose(t, r, "it", 0); strings.Contains(text, "piani alti") || strings.Contains(text, "argini") {
		t.Errorf("a foreign Cancel: %q", text)
	}
}

func TestComposeSeveralInfosOfOneLanguage(t *testing.T) {
	r := channeltest.Sample(channeltest.Moderate, "it", "it", "it")
	in := r.Alert.Infos
	in[0].Event, in[0].Severity = "Temporali", alerts.SeverityModerate
	in[1].Event, in[1].Severity, in[1].Instruction = "Alluvione", alerts.SeveritySevere, "Lasciate gli scantinati."
	in[2].Event, in[2].Severity = "Nessuna allerta", alerts.SeverityMinor
	if got := channels.Languages(r, channeltest.Settings()); !slices.Equal(got, []string{"it"}) {
		t.Fatalf("languages %v", got)
	}
	text := compose(t, r, "it", 0)
	for _, want := range []string{"pericolo grave: Alluvione.", "Lasciate gli scantinati.", "Inoltre: Temporali (Pistoia sud, Quarrata)."} {
		if !strings.Contains(text, want) {
			t.Errorf("%q lacks %q", text, want)
		}
	}
	if strings.Contains(text, "Nessuna") {
		t.Errorf("%q names what is no danger", text)
	}
}

func TestComposeCleansTheSendersWords(t *testing.T) {
	r := channeltest.Sample(channeltest.Actual, "it")
	in := &r.Alert.Infos[0]
	in.Description = "Codice {code}\u202e\x00,\r\n\r\n  link {person.link}"
	text := compose(t, r, "it", 0)
	if !strings.Contains(text, "Codice (code),\nlink (person.link)") {
		t.Errorf("got %q", text)
	}
}

func TestLinesThatWereBrokenAtAWidthGoOn(t *testing.T) {
	for name, c := range map[string]struct{ in, want string }{
		"a sentence over three lines": {"AT 254 PM PDT NATIONAL WEATHER SERVICE DOPPLER RADAR INDICATED A SEVERE\nTHUNDERSTORM OVER SOUTH CENTRAL ALPINE COUNTY MOVING SOUTHWEST AT\n5 MPH.\nTake cover.",
			"INDICATED A SEVERE THUNDERSTORM OVER SOUTH CENTRAL ALPINE COUNTY MOVING SOUTHWEST AT 5 MPH.\nTake cover."},
		"short lines":           {"Portate con voi:\nacqua\nuna torcia", "Portate con voi:\nacqua\nuna torcia"},
		"a list of long lines":  {"- un litro di acqua per ogni persona che vive con voi\n- una torcia", "con voi\n- una torcia"},
		"a line with an end":    {"Il torrente Demo sta salendo e può esondare prima di sera.\nSalite", "sera.\nSalite"},
		"paragraphs, not lines": {strings.Repeat("parola ", 20) + "\nAltro", "parola\nAltro"},
	} {
		t.Run(name, func(t *testing.T) {
			r := channeltest.Sample(channeltest.Actual, "it")
			r.Alert.Infos[0].Description = c.in
			if text := compose(t, r, "it", 0); !strings.Contains(text, c.want) {
				t.Errorf("got %q, want %q", text, c.want)
			}
		})
	}
}

func TestTimesAreSaidInTheZoneOfTheAuthority(t *testing.T) {
	r := channeltest.Sample(channeltest.Actual)
	r.Alert.Infos[0].Expires = time.Date(2026, 7, 1, 22, 15, 0, 0, time.UTC)
	s := channeltest.Settings()
	s.Zone = nil // Europe/Rome
	text, err := channels.Compose(r, "it", s).Fit(0, channels.UnitChars.Count)
	if err != nil || !strings.Contains(text, "Fino alle 00:15 di giovedì 2 luglio.") {
		t.Errorf("got %q, %v", text, err)
	}
}
