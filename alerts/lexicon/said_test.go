package lexicon

import (
	"regexp"
	"strings"
	"testing"

	"martinella/alerts"
)

func TestAProblemIsSaidInItalian(t *testing.T) {
	for en, want := range map[string]string{
		"is missing":                           "manca",
		"is longer than 1000 bytes":            "supera 1000 byte",
		`is "Boh"`:                             `è "Boh"`,
		"is Cancel, an answer between systems": "è «" + problems.Values["Cancel"] + "», una risposta tra sistemi",
		"is past: 2026-11-21T18:30:00+01:00":   "è già passato: 21/11/2026 18:30",
		"is issued: it cannot be approved":     "è «emessa»: non può diventare «approvata»",
		"of the alert that it changes: Severe is above what this key may send":                                                            "dell'allerta da modificare: pericolo grave: è più di quanto questo accesso può inviare",
		"cannot carry this alert: sms in it: the text needs 4 parts":                                                                      "non può portare questa allerta: SMS in it: il testo ha bisogno di 4 parti",
		"reaches nobody in Borgo (ISTAT 047014), 3 more: of those with a contact of the kind email 3 are elsewhere, 2 have not confirmed": "non raggiunge nessuno (Borgo (ISTAT 047014), altri 3): di chi ha un recapito di tipo email, 3 sono altrove, 2 non hanno confermato",
		`writes "à" as "a", which saves 1 part for each recipient`:                                                                        `scrive "à" come "a", e risparmia 1 parte per destinatario`,
		"takes 2 parts for each of 30 recipients, 1.20 euro; at the contract's speed the last leaves after 10s":                           "occupa 2 parti per ognuno dei 30 destinatari, 1.20 euro; alla velocità del contratto l'ultimo parte dopo 10s",
		"allowed: Exercise, Test": "permessi: esercitazione, test",
		"x-comune is left out: scope Restricted is for staff and volunteers": "",
		"": "",
	} {
		if want == "" && en != "" {
			if got, known := Sentence(en, "it"); !known || strings.Contains(got, " is ") {
				t.Errorf("%q: %q %v", en, got, known)
			}
			continue
		}
		if got, known := Sentence(en, "it-IT"); got != want || !known {
			t.Errorf("%q: got %q (%v), want %q", en, got, known, want)
		}
		if got, known := Sentence(en, "en"); got != en || !known {
			t.Errorf("English of %q: %q %v", en, got, known)
		}
	}
	for _, raw := range []string{"mastodon answered 401: the token was revoked", "is rather odd", "dial tcp: connection refused"} {
		if got, known := Sentence(raw, "it"); got != raw || known {
			t.Errorf("what a platform said: %q %v", got, known)
		}
	}
	p := alerts.Problem{Field: "area", Problem: "is empty", Hint: "give the value", Level: alerts.LevelWarning}
	if got := Problem(p, "it"); got.Problem != "è vuoto" || got.Hint != "dai il valore" || got.Field != "area" || got.Level != p.Level {
		t.Errorf("a problem: %+v", got)
	}
}

// What is remarked of a text has its Italian beside it.
func TestARemarkIsKnownAsASentence(t *testing.T) {
	for code, r := range Remarks {
		if got, known := Sentence(r.Remedy.En, "it"); !known || got != r.Remedy.It && !strings.Contains(r.Remedy.En, "{") {
			t.Errorf("%s: %q", code, got)
		}
	}
}

func TestAFieldIsNamedInWords(t *testing.T) {
	for path, want := range map[string][2]string{
		"info[0].area[1].polygon[0]": {"zona 2, poligono 1", "area 2, polygon 1"},
		"info[1].severity":           {"testo 2, livello", "text 2, level"},
		"info":                       {"testo", "text"},
		"channels[sms].it-IT":        {"canale sms, it-IT", "channel sms, it-IT"},
		"texts.it.do[2]":             {"testo, it, da fare 3", "text, it, what to do 3"},
		"status":                     {"stato", "status"},
		"odd thing":                  {"odd thing", "odd thing"},
		"":                           {"", ""},
	} {
		if it, en := Field(path, "it"), Field(path, "en"); it != want[0] || en != want[1] {
			t.Errorf("%q: %q, %q", path, it, en)
		}
	}
}

// The console speaks to one person at work: so do the remarks.
func TestARemarkSpeaksToOnePerson(t *testing.T) {
	quoted := regexp.MustCompile(`«[^»]*»`)
	several := regexp.MustCompile(`(?i)\b\w+(ate|ete|ite)(lo|la|li|le|ne)?\b`)
	for code, r := range Remarks {
		if got := several.FindString(quoted.ReplaceAllString(r.Remedy.It, "")); got != "" && got != "limite" {
			t.Errorf("%s: %q in %q", code, got, r.Remedy.It)
		}
	}
}
