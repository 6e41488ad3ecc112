package dashboards

import (
	"testing"

	"martinella/alerts"
	"martinella/dashboards/signin"
)

func TestTheRegisterTellsReasonsInTheReadersWords(t *testing.T) {
	ls, err := loadLocales(rome)
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]string{"staff:1": "Anna Rossi"}
	grant := signin.Grant{Roles: []string{"author", "approver"}, Limits: alerts.Rights{Statuses: alerts.Statuses, MaxSeverity: alerts.SeveritySevere, Areas: []string{"052*", "099001"}}}
	rights := alerts.Rights{Verbs: []alerts.Verb{alerts.VerbIssue, alerts.VerbRead}, SelfApprove: true, Channels: []string{"sms"}}
	for _, c := range []struct {
		act    alerts.Act
		it, en string
	}{
		{alerts.Act{Verb: signin.VerbInvited, Reason: grant.String() + "; asked by staff:1"},
			roleName(ls.all["it"], "author") + ", " + roleName(ls.all["it"], "approver") + "; anche allerte reali; fino a: Avviso - pericolo grave; zone 052*, 099001; chiesto da Anna Rossi",
			roleName(ls.all["en"], "author") + ", " + roleName(ls.all["en"], "approver") + "; real alerts too; up to: Warning - severe danger; areas 052*, 099001; asked by Anna Rossi"},
		{alerts.Act{Verb: alerts.ActKeyCreated, Reason: rights.String()}, "emettere, leggere (da sola, senza seconda persona); esercitazione, test; canali sms", "issue, read (alone, without a second person); Exercise, Test; channels sms"},
		{alerts.Act{Verb: "rung", Reason: "duty: expires-15"}, rungWords(ls.all["it"], "duty: expires-15"), rungWords(ls.all["en"], "duty: expires-15")},
		{alerts.Act{Verb: "approved", Reason: "letto due volte (findings read: missing_place, acronym)"}, "letto due volte Letti: Non si dice dove. Non tutti conoscono la sigla «…».", "letto due volte Read: It does not say where. Not everybody knows what “…” stands for."},
		{alerts.Act{Verb: "ticked", Reason: "exclamation, of-a-newer-program"}, "Il punto esclamativo spaventa e non informa. of-a-newer-program", "An exclamation mark frightens and does not inform. of-a-newer-program"},
		{alerts.Act{Verb: "resent", Reason: "channel sms: il fornitore è tornato"}, "canale sms: il fornitore è tornato", "channel sms: il fornitore è tornato"},
		{alerts.Act{Verb: "suspended", Reason: "a real alert was issued: 01H"}, "è stata emessa un'allerta reale: 01H", "a real alert was issued: 01H"},
		{alerts.Act{Verb: "rejected", Reason: "somebody was faster"}, "qualcun altro è stato più veloce", "somebody was faster"},
		{alerts.Act{Verb: "stopped", Reason: "phone"}, "recapito: telefono", "contact: telephone"},
		{alerts.Act{Verb: "cancelled", Reason: "a real alert was here, wrongly"}, "a real alert was here, wrongly", "a real alert was here, wrongly"},
		{alerts.Act{Verb: "opened"}, "", ""},
	} {
		for lang, want := range map[string]string{"it": c.it, "en": c.en} {
			if got := reasonWords(ls.all[lang], c.act, names); got != want {
				t.Errorf("%s, %s: got %q, want %q", lang, c.act.Verb, got, want)
			}
		}
	}
}

// What the desk and its neighbours write into the ledger is known by its words.
func TestTheRegisterKnowsEveryVerb(t *testing.T) {
	ls, err := loadLocales(rome)
	if err != nil {
		t.Fatal(err)
	}
	for _, lang := range staffLanguages {
		words := verbWords(ls.all[lang])
		for _, verb := range []string{"submitted", "rendered", "opened", "recalled", "issued", "warning-received", "warning-handled", "warning-not-for-us", "warning-drafted"} {
			if words[verb] == "" {
				t.Errorf("%s: %s has no words", lang, verb)
			}
		}
	}
}
