package lint

import (
	"slices"
	"testing"

	"martinella/alerts"
)

func TestReport(t *testing.T) {
	c := Context{Domains: []string{"comune.valdemo.example"}, Phones: []string{"0573 000000"}}
	tests := []struct {
		lang, text string
		want       Code // "": it may be shown
	}{
		{"it", "Il torrente Vella è a 20 cm dal ponte di via Roma.", ""},
		{"it", "Due strade allagate in zona stazione, auto bloccate. Tre famiglie sono state evacuate.", ""},
		{"it", "Alle 18:30 l'acqua era a 1,2 metri; i vigili del fuoco sono sul posto.", ""},
		{"it-IT", "Squadre al lavoro, le idrovore sono in funzione dalle 16.", ""},
		{"it", "Le persone evacuate sono nella palestra comunale.", ""},
		{"it", "Evitate via Roma.", ReportInstruction},
		{"it", "Via Roma è allagata, evitate la zona.", ReportInstruction},
		{"it", "Acqua alta e cittadini bloccati: salite ai piani alti", ReportInstruction},
		{"it", "L'acqua non è buona, quindi bevete quella in bottiglia.", ReportInstruction},
		{"it", "Non uscite di casa.", ReportInstruction},
		{"it", "Chi abita in via Po deve sapere che è vietato passare.", ReportInstruction},
		{"it", "Si raccomanda prudenza.", ReportInstruction},
		{"it", "Resta in casa.", ReportInstruction},
		{"it", "Via Roma resta chiusa fino alle 18.", ReportLimit},
		{"it", "Allerta rossa anche a Borgo San Rocco.", ReportLevel},
		{"it", "Cessato allarme in via Roma.", ReportLevel},
		{"it", "Please leave the area.", ReportInstruction},
		{"it", "Altre notizie su https://bit.example/x", ForeignLink},
		{"it", "Altre notizie su https://www.comune.valdemo.example/vella", ""},
		{"it", "Inviate il codice fiscale al comune.", AsksData},
		{"en", "The river is 20 cm below the bridge in via Roma.", ""},
		{"en", "Fire crews are pumping water out of three cellars. Residents were evacuated to the gym.", ""},
		{"en", "Stay indoors.", ReportInstruction},
		{"en", "The road is flooded, do not drive there.", ReportInstruction},
		{"en", "Everybody in via Po should go upstairs.", ReportInstruction},
		{"en", "The bridge stays closed until 18:00.", ReportLimit},
		{"en", "The danger is over in via Roma.", ReportLevel},
		{"en", "Evitate via Roma: si raccomanda prudenza.", ReportInstruction},
		{"de", "Die Brücke ist überflutet.", ReportLanguage},
	}
	for _, c2 := range tests {
		hits := Report(&alerts.Sitrep{Language: c2.lang, Text: c2.text, Place: "Ponte di via Roma", Source: "Sala operativa"}, c)
		switch {
		case c2.want == "" && len(hits) > 0:
			t.Errorf("%q is refused for %q (%s)", c2.text, hits[0].Text, hits[0].Code)
		case c2.want != "" && !slices.ContainsFunc(hits, func(h Hit) bool { return h.Code == c2.want && h.Effect == EffectBlock && h.Message.It != "" }):
			t.Errorf("%q: %v, want %s", c2.text, codes(hits), c2.want)
		}
	}
	for field, s := range map[string]alerts.Sitrep{
		"alt":    {Photo: &alerts.Photo{Alt: "Il ponte allagato: evitate la zona"}},
		"place":  {Place: "via Roma, è vietato passare"},
		"source": {Source: "Comune: si raccomanda prudenza"},
	} {
		s.Language = "it"
		hits := Report(&s, c)
		if len(hits) == 0 || hits[0].Field != field {
			t.Errorf("an instruction in %s: %+v", field, hits)
		}
	}
}
