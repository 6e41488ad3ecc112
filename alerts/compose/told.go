package compose

import (
	"strings"

	"martinella/alerts"
)

// What is said of a form. [Told] has the Italian.
const (
	missing          = "is missing"
	needed           = "this template needs it"
	notKnown         = "is no published alert that is known here"
	notKnownFix      = "open the alert again and change that one"
	badStatus        = "is not one that a person may send"
	badStatusFix     = "choose Actual, Exercise or Test"
	otherStatus      = "is not that of the alert that it changes"
	otherStatusFix   = "an exercise never changes a real alert, nor the other way round"
	tooMany          = "are too many"
	tooManyFix       = "leave some out"
	noChannel        = "has no channel"
	noChannelFix     = "choose at least one"
	allClear         = "is AllClear"
	allClearFix      = "the all-clear has a page of its own"
	noValue          = "is no placeholder that people fill"
	noValueFix       = "choose from place, street, shelter, phone, what"
	tooLong          = "is too long"
	tooLongFix       = "use fewer words"
	brackets         = "holds curly brackets"
	bracketsFix      = "write plain words"
	otherSeverity    = "is not what the words of this template are true for"
	otherSeverityFix = "choose another one, or read every word again"
	noUntil          = "say until when the alert holds"
	notAfter         = "is not after the beginning"
	halfCode         = "is only half of a code"
	halfCodeFix      = "write the name and the code, like ISTAT=047014"
	strangeCode      = "is the code of no area that is known here"
	strangeCodeFix   = "check the code: nobody can be found by it"
	noShape          = "is neither a polygon nor a circle"
	noShapeFix       = "draw it again"
	noArea           = "are missing"
	noAreaFix        = "no area, no send: draw it or name its code"
	noText           = "write the alert in at least one language"
	badLanguage      = "is not a language"
	badLanguageFix   = "write a tag like it, it-IT or en"
	sameLanguage     = "is there twice"
	sameLanguageFix  = "write each language once"
	noChanged        = "say what is different from what was said before"
	badName          = "is no name of a channel"
	badNameFix       = "use a-z, 0-9 and -, at most 32"
)

// italian has what is said here and, of a form's fields, in package alerts.
var italian = map[string]string{
	badTime: "non è un orario che si riesca a leggere", badTimeFix: "scrivete per esempio 22/11 06:00, 06:00, domani 06:00 oppure +6 h",
	noClock: "non dice l'ora", noClockFix: "aggiungete l'ora, per esempio 06:00",
	noSuchDay: "è un giorno che non esiste", noSuchHour: "non esiste: in quell'ora gli orologi vanno avanti", otherHour: "scrivete un'ora prima o un'ora dopo",
	tooFar: "è lontano più di un anno", checkYear: "controllate giorno, mese e anno", isPast: "è già passato", laterTime: "scrivete un orario successivo",
	missing: "manca", needed: "questo modello ne ha bisogno",
	notKnown: "non è un'allerta pubblicata che si conosca qui", notKnownFix: "riaprite l'allerta e modificate quella",
	badStatus: "non è uno stato che una persona può inviare", badStatusFix: "scegliete reale, esercitazione o test",
	otherStatus: "non è quello dell'allerta da aggiornare", otherStatusFix: "un'esercitazione non cambia mai un'allerta reale, né il contrario",
	tooMany: "sono troppi", tooManyFix: "toglietene qualcuno", noChannel: "non ha nessun canale", noChannelFix: "sceglietene almeno uno",
	allClear: "è il cessato allarme", allClearFix: "il cessato allarme ha la sua pagina",
	noValue: "non è un campo che si compila", noValueFix: "scegliete tra place, street, shelter, phone, what",
	tooLong: "è troppo lungo", tooLongFix: "usate meno parole", brackets: "contiene parentesi graffe", bracketsFix: "scrivete parole semplici",
	otherSeverity: "non è un livello per cui valgono le parole di questo modello", otherSeverityFix: "sceglietene un altro, oppure rileggete ogni parola",
	noUntil: "dite fino a quando vale l'allerta", notAfter: "non viene dopo l'inizio",
	halfCode: "è solo metà di un codice", halfCodeFix: "scrivete il nome e il codice, per esempio ISTAT=047014",
	strangeCode: "non è il codice di una zona conosciuta qui", strangeCodeFix: "controllate il codice: così non si trova nessuno",
	noShape: "non è né un poligono né un cerchio", noShapeFix: "disegnatela di nuovo", noArea: "mancano", noAreaFix: "senza zona non si invia: disegnatela o indicate il codice",
	noText: "scrivete l'allerta almeno in una lingua", badLanguage: "non è una lingua", badLanguageFix: "scrivete una sigla come it, it-IT o en",
	sameLanguage: "c'è due volte", sameLanguageFix: "scrivete ogni lingua una volta sola", noChanged: "dite che cosa cambia rispetto a prima",
	badName: "non è il nome di un canale", badNameFix: "usate a-z, 0-9 e -, al massimo 32",

	"CAP requires it":                  "è obbligatorio",
	"choose from ":                     "scegliete tra ",
	"is \"":                            "è \"",
	"name the place in words":          "indicate il luogo a parole",
	"say in words what the file shows": "dite a parole che cosa si vede",
	"has a position that is not on the earth: ":                 "ha un punto che non è sulla Terra: ",
	"write latitude first, then longitude":                      "prima la latitudine, poi la longitudine",
	"has fewer than three different positions":                  "ha meno di tre punti diversi",
	"give at least four positions, the last equal to the first": "servono almeno quattro punti, l'ultimo uguale al primo",
	"crosses itself": "incrocia sé stesso",
	"list the positions in order around the area":              "elencate i punti in ordine intorno alla zona",
	"has a centre that is not on the earth":                    "ha un centro che non è sulla Terra",
	"has a negative radius":                                    "ha un raggio negativo",
	"give the radius in kilometres, 0 for a point":             "date il raggio in chilometri, 0 per un punto",
	"contains a space, a comma, < or &":                        "contiene uno spazio, una virgola, < o &",
	"CAP forbids these: references could not name the message": "CAP non li ammette: nessuno potrebbe citare il messaggio",
	"name the earlier message as sender,identifier,sent":       "riaprite l'allerta e modificate quella",
	"are missing on an Update":                                 "manca l'allerta da aggiornare",
	"is past: ":                                                "è già passato: ",
	"issue it again with a new expiry, or send an all-clear":   "scrivete un orario successivo, oppure inviate il cessato allarme",
}

// Told gives the problem in the words of a language: Italian, else English as it
// is. A problem that this package did not find may stay in English.
func Told(p alerts.Problem, lang string) alerts.Problem {
	if alerts.PrimaryLanguage(lang) != "it" {
		return p
	}
	p.Problem, p.Hint = inItalian(p.Problem), inItalian(p.Hint)
	return p
}

// inItalian knows a sentence, or how it begins before a value.
func inItalian(s string) string {
	if it, known := italian[s]; known {
		return it
	}
	for begin, it := range italian {
		if last := begin[len(begin)-1]; (last == ' ' || last == '"') && strings.HasPrefix(s, begin) {
			return it + s[len(begin):]
		}
	}
	return s
}
