package roster

import (
	"slices"
	"strings"
)

// The columns that a list may have, as Write writes them.
var columns = []string{"phone", "email", "push", "language", "areas", "severity_min", "audience", "purpose", "until", "channels", "topics", "circle", "quiet", "consent", "stopped", "other_contacts",
	"name", "organisation", "groups", "skills", "speaks", "availability", "exceptions"}

// headings are the other names of columns, without case, accents, hyphens,
// points and underscores.
var headings = map[string][]string{
	"phone":          {"telefono", "cellulare", "cell", "tel", "numero", "numero di telefono", "numero telefono", "numero di cellulare", "numero cellulare", "telefono cellulare", "telefonino", "mobile", "mobile phone", "phone number", "mobile number", "sms", "recapito telefonico"},
	"email":          {"e mail", "mail", "posta elettronica", "indirizzo email", "indirizzo e mail", "indirizzo mail", "email address", "e mail address"},
	"push":           {"push endpoint", "indirizzo push"},
	"language":       {"lingua", "lang"},
	"areas":          {"area", "area di casa", "zona di casa", "home area", "home areas", "zona", "zone", "aree", "geocode", "geocodes", "codice area", "codici area", istat, "istat", "comune istat", "codice comune"},
	"severity_min":   {"gravita minima", "severita minima", "minimum severity", "min severity", "severity min", "gravita"},
	"audience":       {"pubblico", "destinatari", "destinatario", "categoria", "group", "gruppo"},
	"purpose":        {"scopo", "finalita"},
	"until":          {"scadenza", "fino al", "valido fino al", "data fine", "fine", "end date", "expires", "valid until"},
	"channels":       {"canali", "canale", "channel", "canali preferiti", "preferred channels", "ordine dei contatti", "ordine contatti", "order of contacts", "contact order"},
	"topics":         {"temi", "tema", "argomenti", "argomento", "topic"},
	"circle":         {"cerchio", "punto e raggio", "point and radius", "punto", "punto di casa", "casa", "posizione", "coordinate", "home point", "point", "home"},
	"quiet":          {"ore di silenzio", "silenzio", "quiet hours", "non disturbare"},
	"consent":        {"consenso"},
	"stopped":        {"fermati", "fermato", "stop", "revocati"},
	"other_contacts": {"altri contatti"},
	"name":           {"nome", "nominativo", "nome e cognome", "cognome e nome", "full name"},
	"surname":        {"cognome", "last name", "family name"},
	"organisation":   {"organizzazione", "associazione", "odv", "organization", "association"},
	"groups":         {"gruppi", "squadra", "squadre", "sezione", "sezioni", "team", "teams", "sections"},
	"skills":         {"competenze", "competenza", "abilitazioni", "specializzazioni", "specializzazione", "qualifiche", "brevetti", "patenti", "skill", "certificates"},
	"speaks":         {"lingue", "lingue parlate", "altre lingue", "languages", "other languages", "spoken languages"},
	"availability":   {"disponibilita", "disponibilita settimanale", "orari", "turni", "weekly availability", "available"},
	"exceptions":     {"eccezioni", "assenze", "ferie", "absences"},
}

const istat = "codice istat"

// columnOf gives the column of a heading and whether it is one of ISTAT codes,
// which spreadsheets strip of their zeros; "" for one that is not used.
func columnOf(heading string) (column string, ofISTAT bool) {
	name := folded(heading)
	for _, c := range append([]string{"surname"}, columns...) {
		if name == folded(c) {
			return c, false
		}
		if slices.Contains(headings[c], name) {
			return c, strings.Contains(name, "istat") || name == "codice comune"
		}
	}
	return "", false
}

var accents = strings.NewReplacer("à", "a", "á", "a", "è", "e", "é", "e", "ì", "i", "í", "i", "ò", "o", "ó", "o", "ù", "u", "ú", "u", "ä", "a", "ö", "o", "ü", "u", "-", " ", "_", " ", ".", " ", ":", " ", "'", " ", "’", " ", "\n", " ", "\r", " ", "\u00a0", " ")

// folded is a word without what people write differently.
func folded(s string) string {
	return strings.Join(strings.Fields(accents.Replace(strings.ToLower(s))), " ")
}
