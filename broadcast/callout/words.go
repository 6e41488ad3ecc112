package callout

import (
	"fmt"
	"strings"

	"martinella/alerts"
	"martinella/alerts/lexicon"
	"martinella/alerts/volunteers"
)

// words are what is written back to who answered by a message: each within one
// text message (GSM 03.38, 160), without the letters that it lacks.
type words struct {
	coming, comingIn, maybe, maybeIn, cannot string // then the code of the call
	unclear                                  string // kept for the coordinator
	over                                     string // the call is over
	several                                  string // with the codes, and an example
	late                                     string // of a call that is over, or of this one? With both codes, and an example
	mark                                     string // of an exercise
	// Of a test of contacts: taken, not understood, over.
	tested, untested, testOver string
}

var wordsIn = map[string]words{
	"it": {
		coming: "Hai risposto: vengo. %s", comingIn: "Hai risposto: vengo fra %d minuti. %s",
		maybe: "Hai risposto: forse. %s", maybeIn: "Hai risposto: forse, fra %d minuti. %s", cannot: "Hai risposto: non posso. %s",
		unclear: "Il tuo messaggio è per il coordinatore di %s. Per rispondere scrivi SI 20, FORSE o NO.",
		over:    "La chiamata %s è finita: non serve più nessuno. Grazie.",
		several: "Hai più chiamate aperte: %s. Scrivi quale, per esempio: SI 20 %s",
		late:    "La chiamata %s è finita. Se rispondi a %s scrivi, per esempio: SI 20 %s",
		tested:  "Grazie, il contatto funziona. %s", untested: "Il tuo messaggio va all'ufficio. Per confermare la prova %s rispondi OK.", testOver: "La prova %s è finita. Grazie.",
	},
	"en": {
		coming: "You answered: coming. %s", comingIn: "You answered: coming in %d minutes. %s",
		maybe: "You answered: maybe. %s", maybeIn: "You answered: maybe, in %d minutes. %s", cannot: "You answered: cannot come. %s",
		unclear: "Your message goes to the coordinator of %s. To answer write YES 20, MAYBE or NO.",
		over:    "The call %s is over: nobody is needed any more. Thank you.",
		several: "You have several open calls: %s. Write which one, for example: YES 20 %s",
		late:    "The call %s is over. If you answer %s write, for example: YES 20 %s",
		tested:  "Thank you, this contact works. %s", untested: "Your message goes to the office. To confirm the test %s reply OK.", testOver: "The test %s is over. Thank you.",
	},
	"de": {
		coming: "Deine Antwort: ich komme. %s", comingIn: "Deine Antwort: ich komme in %d Minuten. %s",
		maybe: "Deine Antwort: vielleicht. %s", maybeIn: "Deine Antwort: vielleicht, in %d Minuten. %s", cannot: "Deine Antwort: ich kann nicht. %s",
		unclear: "Deine Nachricht geht an die Einsatzleitung von %s. Zum Antworten schreibe JA 20, VIELLEICHT oder NEIN.",
		over:    "Der Ruf %s ist beendet: niemand wird mehr gebraucht. Danke.",
		several: "Du hast mehrere offene Rufe: %s. Schreibe welchen, zum Beispiel: JA 20 %s",
		late:    "Der Ruf %s ist beendet. Wenn du auf %s antwortest, schreibe zum Beispiel: JA 20 %s",
		tested:  "Danke, dieser Kontakt funktioniert. %s", untested: "Deine Nachricht geht an das Büro. Zur Bestätigung des Tests %s antworte OK.", testOver: "Der Test %s ist beendet. Danke.",
	},
	"sl": {
		coming: "Tvoj odgovor: pridem. %s", comingIn: "Tvoj odgovor: pridem cez %d minut. %s",
		maybe: "Tvoj odgovor: morda. %s", maybeIn: "Tvoj odgovor: morda, cez %d minut. %s", cannot: "Tvoj odgovor: ne morem. %s",
		unclear: "Tvoje sporocilo dobi koordinator klica %s. Za odgovor napisi DA 20, MORDA ali NE.",
		over:    "Klic %s je koncan: nihce ni vec potreben. Hvala.",
		several: "Imas vec odprtih klicev: %s. Napisi kateri, na primer: DA 20 %s",
		late:    "Klic %s je koncan. Ce odgovarjas na %s, napisi na primer: DA 20 %s",
		tested:  "Hvala, stik deluje. %s", untested: "Tvoje sporocilo dobi urad. Za potrditev preizkusa %s odgovori OK.", testOver: "Preizkus %s je koncan. Hvala.",
	},
	"fr": {
		coming: "Ta réponse : je viens. %s", comingIn: "Ta réponse : je viens dans %d minutes. %s",
		maybe: "Ta réponse : peut-etre. %s", maybeIn: "Ta réponse : peut-etre, dans %d minutes. %s", cannot: "Ta réponse : je ne peux pas. %s",
		unclear: "Ton message va au coordinateur de %s. Pour répondre écris OUI 20, PEUT-ETRE ou NON.",
		over:    "L'appel %s est terminé : on n'a plus besoin de personne. Merci.",
		several: "Tu as plusieurs appels ouverts : %s. Ecris lequel, par exemple : OUI 20 %s",
		late:    "L'appel %s est terminé. Si tu réponds à %s, écris par exemple : OUI 20 %s",
		tested:  "Merci, ce contact fonctionne. %s", untested: "Ton message va au bureau. Pour confirmer le test %s réponds OK.", testOver: "Le test %s est terminé. Merci.",
	},
}

// wordsFor are those of the first language that there are words in, else Italian.
func wordsFor(languages ...string) words {
	for _, l := range languages {
		if w, ok := wordsIn[alerts.PrimaryLanguage(l)]; ok {
			w.mark = lexicon.For(l).Exercise
			return w
		}
	}
	w := wordsIn["it"]
	w.mark = lexicon.For("it").Exercise
	return w
}

// of marks what is written back about an exercise.
func (w words) of(c *volunteers.Call, text string) string {
	if c.Exercise {
		return w.mark + ": " + text
	}
	return text
}

// echo says an answer back.
func (w words) echo(a volunteers.Answer, code string) string {
	switch {
	case a.Kind == volunteers.Cannot:
		return fmt.Sprintf(w.cannot, code)
	case a.Kind == volunteers.Maybe && a.Minutes > 0:
		return fmt.Sprintf(w.maybeIn, a.Minutes, code)
	case a.Kind == volunteers.Maybe:
		return fmt.Sprintf(w.maybe, code)
	case a.Minutes > 0:
		return fmt.Sprintf(w.comingIn, a.Minutes, code)
	}
	return fmt.Sprintf(w.coming, code)
}

// mostNamed is how many calls a question names: more do not fit.
const mostNamed = 4

// which asks which call is meant: of several, or of the one that is open where
// another has just ended.
func (w words) which(calls []*volunteers.Call, ended *volunteers.Call) string {
	if len(calls) == 1 {
		return w.of(calls[0], fmt.Sprintf(w.late, ended.Code(), calls[0].Code(), calls[0].Code()))
	}
	var codes []string
	for _, c := range calls[:min(len(calls), mostNamed)] {
		codes = append(codes, c.Code())
	}
	return fmt.Sprintf(w.several, strings.Join(codes, ", "), codes[0])
}
