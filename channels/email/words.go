package email

import (
	"strings"

	"martinella/alerts"
)

// words are what a mail says around the alert. Those of the alert itself, and
// of levels and marks, come from the lexicon.
type words struct {
	What, Do, Where, Map   string // headings
	MapNote                string // the words stand above the picture
	NotDrawn               string // before the names of places without a shape
	Page                   string // before the link
	Help                   string // 112 first (DECISIONS 10)
	Issued, Code, Settings string
	Why                    string // {authority}
	Stop                   string // answer STOP
	StopLink               string // text of the link
	Subject                string // of an answer to STOP
}

var phrases = map[string]words{
	"it": {
		What: "Che cosa succede", Do: "Che cosa fare", Where: "Dove", Map: "Mappa",
		MapNote:  "La mappa è indicativa: vale l'elenco dei luoghi.",
		NotDrawn: "Non disegnati sulla mappa", Page: "Aggiornamenti", Help: "Se siete in pericolo chiamate il 112.",
		Issued: "Emesso", Code: "Codice di verifica", Settings: "Le vostre scelte",
		Why:      "Ricevete questo messaggio perché il vostro indirizzo è nella lista degli avvisi di {authority}.",
		Stop:     "Per non riceverne più rispondete con la parola STOP.",
		StopLink: "Non voglio più ricevere questi avvisi", Subject: "I vostri avvisi per posta elettronica",
	},
	"en": {
		What: "What is happening", Do: "What to do", Where: "Where", Map: "Map",
		MapNote:  "The map is only a guide: the list of places is what counts.",
		NotDrawn: "Not drawn on the map", Page: "Updates", Help: "If you are in danger call 112.",
		Issued: "Issued", Code: "Verification code", Settings: "Your choices",
		Why:      "You get this message because your address is on the list of warnings of {authority}.",
		Stop:     "To get no more of them answer with the word STOP.",
		StopLink: "Stop sending me these warnings", Subject: "Your warnings by mail",
	},
	"de": {
		What: "Was geschieht", Do: "Was zu tun ist", Where: "Wo", Map: "Karte",
		MapNote:  "Die Karte dient der Orientierung: Es gilt die Liste der Orte.",
		NotDrawn: "Nicht auf der Karte", Page: "Neues dazu", Help: "Bei Gefahr 112 anrufen.",
		Issued: "Ausgegeben", Code: "Prüfcode", Settings: "Ihre Einstellungen",
		Why:      "Sie erhalten diese Nachricht, weil Ihre Adresse auf der Warnliste steht: {authority}.",
		Stop:     "Um keine mehr zu erhalten, antworten Sie mit dem Wort STOP.",
		StopLink: "Diese Warnungen abbestellen", Subject: "Ihre Warnungen per E-Mail",
	},
	"fr": {
		What: "Ce qui se passe", Do: "Que faire", Where: "Où", Map: "Carte",
		MapNote:  "La carte est indicative : la liste des lieux fait foi.",
		NotDrawn: "Absents de la carte", Page: "Suivi", Help: "En cas de danger appelez le 112.",
		Issued: "Émis", Code: "Code de vérification", Settings: "Vos choix",
		Why:      "Vous recevez ce message parce que votre adresse figure sur la liste d'alerte de {authority}.",
		Stop:     "Pour ne plus en recevoir, répondez par le mot STOP.",
		StopLink: "Ne plus recevoir ces alertes", Subject: "Vos alertes par courriel",
	},
	"sl": {
		What: "Kaj se dogaja", Do: "Kaj storiti", Where: "Kje", Map: "Zemljevid",
		MapNote:  "Zemljevid je le v pomoč: velja seznam krajev.",
		NotDrawn: "Ni na zemljevidu", Page: "Novosti", Help: "V nevarnosti pokličite 112.",
		Issued: "Izdano", Code: "Koda za preverjanje", Settings: "Vaše izbire",
		Why:      "To sporočilo ste prejeli, ker je vaš naslov na seznamu za opozorila: {authority}.",
		Stop:     "Če jih ne želite več prejemati, odgovorite z besedo STOP.",
		StopLink: "Ne želim več prejemati teh opozoril", Subject: "Vaša opozorila po e-pošti",
	},
}

// wordsFor gives the words of a language; of one that is not here the Italian
// and the English side by side.
func wordsFor(tag, authority string) words {
	w, ok := phrases[alerts.PrimaryLanguage(tag)]
	if !ok {
		w = both(phrases["it"], phrases["en"])
	}
	w.Why = strings.ReplaceAll(w.Why, "{authority}", authority)
	return w
}

func both(a, b words) words {
	pair := func(x, y string) string { return x + " / " + y }
	return words{
		What: pair(a.What, b.What), Do: pair(a.Do, b.Do), Where: pair(a.Where, b.Where), Map: pair(a.Map, b.Map),
		MapNote: pair(a.MapNote, b.MapNote), NotDrawn: pair(a.NotDrawn, b.NotDrawn), Page: pair(a.Page, b.Page), Help: pair(a.Help, b.Help),
		Issued: pair(a.Issued, b.Issued), Code: pair(a.Code, b.Code), Settings: pair(a.Settings, b.Settings),
		Why: pair(a.Why, b.Why), Stop: pair(a.Stop, b.Stop), StopLink: pair(a.StopLink, b.StopLink), Subject: pair(a.Subject, b.Subject),
	}
}

// rightToLeft are the languages that are read from the right.
var rightToLeft = map[string]bool{"ar": true, "he": true, "iw": true, "fa": true, "ur": true, "ps": true, "yi": true, "dv": true, "ckb": true, "ug": true, "sd": true, "syr": true}

func direction(tag string) string {
	if rightToLeft[alerts.PrimaryLanguage(tag)] {
		return "rtl"
	}
	return "ltr"
}
