package volunteers

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestReadReply(t *testing.T) {
	type want struct {
		kind    AnswerKind // "": not clear
		minutes int
		note    string
		code    uint32
	}
	yes := func(minutes int) want { return want{kind: Coming, minutes: minutes} }
	noted := func(kind AnswerKind, minutes int, note string) want {
		return want{kind: kind, minutes: minutes, note: note}
	}
	no, unclear := want{kind: Cannot}, want{}
	for text, w := range map[string]want{
		// Yes, as the page asks for it.
		"SI 20": yes(20), "si": yes(0), "Sì": yes(0), "SÌ 10": yes(10), "si' 40": yes(40), "si’": yes(0), "si`": yes(0), "S": yes(0), "s 15": yes(15), "s20": yes(20), "si20": yes(20), "SI20MIN": yes(20),
		"ok 15": yes(15), "OK": yes(0), "okk": yes(0), "Va bene, 20": yes(20), "yes": yes(0), "Yes 30 min": yes(30), "Y": yes(0), "vengo": yes(0), "VENGO 10": yes(10), "si.": yes(0), "SI!!!": yes(0), "siii": yes(0), "\"SI 20\"": yes(20), "«sì»": yes(0),
		"si vengo": yes(0), "Sì, vengo tra 20 minuti": yes(20), "arrivo tra 20 min": yes(20), "Arrivo fra 40'": yes(40), "20": yes(20), "20 min": yes(20), "20'": yes(20), "tra 20": yes(20), "tra un'ora": yes(60), "tra un’ora": yes(60), "mezz'ora": yes(30), "mezzora": yes(30), "1h": yes(60), "1 h": yes(60),
		"si 1h30": yes(90), "un'ora e mezza": yes(90), "si, tra 1 ora e 20 minuti": yes(80), "arrivo in un quarto d'ora": yes(15), "tre quarti d'ora": yes(45), "si 1,5 ore": yes(90), "ok tra due ore": yes(120), "arrivo tra venti minuti": yes(20), "si 20-30 min": yes(30), "si 20-30": yes(30), "20 o 30 minuti": yes(30), "15 minuti e arrivo": yes(15),
		"👍": yes(0), "👍🏽": yes(0), "👍 20": yes(20), "✅": yes(0), "✔️": yes(0), "ok 👍": yes(0), "ci sono": yes(0), "Ciao, ci sono tra 10 min": yes(10), "Presente!": yes(0), "eccomi": yes(0), "Certo che sì": yes(0), "sicuramente sì": yes(0), "sto arrivando": yes(0), "si grazie": yes(0), "Buonasera a tutti, sì 20": yes(20), "anch'io vengo": yes(0), "si, anche io": yes(0), "Si\n20": yes(20), "Sì subito": yes(0), "ce la faccio in 20 minuti": yes(20), "si 3": yes(3), "SI 0": yes(0), "si 1440": yes(1440), "parto ora": yes(0), "SI\u00a020": yes(20), "s\u200bi": yes(0),
		"si 20 porto la motosega": noted(Coming, 20, "porto la motosega"), "Sì, porto la motosega": noted(Coming, 0, "porto la motosega"), "vengo con il furgone": noted(Coming, 0, "con il furgone"), "vengo con 2 persone": noted(Coming, 0, "con 2 persone"), "si alle 18:30": noted(Coming, 0, "alle 18:30"), "arrivo alle 18": noted(Coming, 0, "alle 18"), "arrivo alle 18 e 30": noted(Coming, 0, "alle 18 e 30"), "arrivo per le 19.30": noted(Coming, 0, "per le 19.30"), "si 18:30": noted(Coming, 0, "18:30"), "sono Marco vengo tra 20": noted(Coming, 20, "sono Marco"), "sì per 2 ore": noted(Coming, 0, "per 2 ore"), "vengo il prima possibile": noted(Coming, 0, "il prima possibile"), "si, chiamami al 333 1234567": noted(Coming, 0, "chiamami al 333 1234567"),
		// Other languages.
		"Ja": yes(0), "ja 20": yes(20), "J": yes(0), "Komme in 20 Minuten": yes(20), "ich komme in einer Stunde": yes(60), "bin unterwegs": yes(0), "halbe Stunde": yes(30), "Ja, in einer halben Stunde": yes(30), "klar, 15": yes(15), "ja um 18 Uhr": noted(Coming, 0, "um 18 Uhr"), "in anderthalb Stunden": yes(90),
		"on my way": yes(0), "I'm coming": yes(0), "I'll be there in 20": yes(20), "coming, 30 mins": yes(30), "half an hour": yes(30), "sure, in an hour": yes(60), "Yes please": yes(0), "omw": yes(0),
		"DA 20": yes(20), "da": yes(0), "Pridem čez 20 minut": yes(20), "pridem cez eno uro": yes(60), "čez pol ure": yes(30), "Ja, v 20 minutah": yes(20), "sem na poti": yes(0), "za 20 min": yes(20),
		"oui": yes(0), "Oui 20": yes(20), "j'arrive dans 20 minutes": yes(20), "je viens": yes(0), "d'accord": yes(0), "dans une demi-heure": yes(30), "dans une heure": yes(60),
		// No.
		"NO": no, "no.": no, "N": no, "No grazie": no, "👎": no, "❌": no, "non posso": no, "Non vengo": no, "nn posso": no, "sicuramente no": no, "purtroppo no": no, "Mi dispiace, non posso venire": no, "non ci sono": no, "non ce la faccio": no, "io no": no, "no non vengo": no, "certo che no": no, "impossibile": no,
		"NO al lavoro": noted(Cannot, 0, "al lavoro"), "no, sono fuori fino a domani": noted(Cannot, 0, "sono fuori fino a domani"), "non posso, ho la febbre": noted(Cannot, 0, "ho la febbre"), "NO 20": no, "KO": no, "assente": no, "sono in ferie": no, "bin im Urlaub": no,
		"Nein": no, "nein leider nicht": no, "kann nicht": no, "Ich kann nicht, bin krank": noted(Cannot, 0, "krank"), "Komme leider nicht": no, "nope": no, "can't": no, "I can't come": no, "sorry, can't make it": no, "not coming": no, "ne": no, "Ne morem": no, "žal ne morem": no, "non": no, "Non, désolé": no, "je ne peux pas": no,
		// Perhaps.
		"FORSE 60": {kind: Maybe, minutes: 60}, "forse": {kind: Maybe}, "Forse sì": {kind: Maybe}, "forse vengo tra un'ora": {kind: Maybe, minutes: 60}, "vengo forse": {kind: Maybe}, "60 forse": {kind: Maybe, minutes: 60}, "maybe 40": {kind: Maybe, minutes: 40}, "vielleicht": {kind: Maybe}, "Mogoče 60": {kind: Maybe, minutes: 60}, "peut-être": {kind: Maybe}, "potrei venire": {kind: Maybe}, "kann sein": {kind: Maybe},
		"forse se trovo un passaggio": noted(Maybe, 0, "se trovo un passaggio"),
		// Signatures, and what is counted.
		"si\nInviato da iPhone": yes(0), "Ok 15\n\nSent from my phone": yes(15), "no\nVon meinem iPhone gesendet": no, "si siamo 20 persone": unclear, "si 20 km": unclear, "50%": unclear, "vengo, siamo in 4": unclear,
		"presente una frana sulla SP12": unclear, "s n": unclear, "nein doch ja": unclear, "oggi no domani si": unclear, "adesso no, più tardi sì": unclear, "Ada sì, Marco no": unclear, "no vabbè arrivo": unclear, "non posso non venire": unclear, "no, non si può oggi": noted(Cannot, 0, "non si può"), "No, si è rotta la macchina": noted(Cannot, 0, "si è rotta la macchina"), "no, non sono a Trieste": noted(Cannot, 0, "non sono a Trieste"), "si tra poco": yes(0), "una ventina di minuti": yes(20),
		// Codes.
		"V0417SI": {kind: Coming, code: 417}, "v20min si": {kind: Coming, minutes: 20},
		"V-0417 SI": {kind: Coming, code: 417}, "v417 no": {kind: Cannot, code: 417}, "si 20 V-0417": {kind: Coming, minutes: 20, code: 417}, "SI V 0417 20": {kind: Coming, minutes: 20, code: 417}, "V–0417: forse": {kind: Maybe, code: 417}, "v-4294967295 si": {kind: Coming, code: 4294967295}, "V-0417 si v417": {kind: Coming, code: 417}, "no V-0417 al lavoro": {kind: Cannot, code: 417, note: "al lavoro"}, "V-0417": {code: 417}, "V-0417 boh": {code: 417}, "V-0417 V-0418 si": unclear, "v-99999999999 si": unclear, "v-0 si": unclear,
		// Quotes.
		"SI 20\n> Rispondi SI 20, NO o FORSE 60": yes(20), "no\n\nIl giorno lun 23 nov 2026 PC Valdemo <a@b.example> ha scritto:\n> SI o NO": no, "Ja\n\nAm 23.11.2026 schrieb PC Valdemo:\nkomme nicht": yes(0), "Yes\n-----Original Message-----\nno": yes(0), "ok\n\nOn Mon, 23 Nov 2026 at 12:00, PC wrote:\n\nno": yes(0), "> si": unclear, "oui\nLe 23 nov. 2026 à 12:00, PC a écrit :\nnon": yes(0), "si\n-- \nMarco Rossi, non rispondere": yes(0),
		// What nobody may count.
		"": unclear, "?": unclear, "si?": unclear, "vengo?": unclear, "si no": unclear, "SI o NO": unclear, "Rispondi SI 20, NO o FORSE 60": unclear, "non so se vengo": unclear, "non so": unclear, "si vedrà": unclear, "sì vedrà": unclear, "si vedra'": unclear, "vediamo": unclear, "non si sa": unclear, "si è rotto il camion": unclear, "sì è rotto il camion": unclear, "si e' allagata la strada": unclear, "si può rimandare": unclear, "ci sono alberi caduti in via Roma": unclear, "albero in strada": unclear, "pioggia in arrivo": unclear, "se posso vengo": unclear, "vengo se trovo la macchina": unclear, "si ma non prima delle 20": unclear, "sì però domani": unclear, "vengo domani": unclear, "arrivo dopo le 20": unclear, "no problem": unclear, "perché no": unclear, "no, arrivo": unclear, "no posso": unclear, "forse no": unclear, "non vengo forse": unclear, "non posso prima delle 20": unclear, "non posso mancare": unclear, "ok grazie": unclear, "ok ricevuto": unclear, "si ricevuto": unclear, "letto": unclear, "grazie": unclear, "ok, chi altro viene?": unclear, "ok avviso gli altri": unclear, "verrei ma lavoro": unclear, "spero di venire": unclear, "ci provo": unclear, "siamo in 3": unclear, "veniamo in 3": unclear, "417": unclear, "1": unclear, "0": unclear, "112": unclear, "3331234567": unclear, "si 2000": unclear, "si 99999999999999999999": unclear, "10 20": unclear, "si 20 no 40": unclear, "alle 18": unclear, "18:30": unclear, "per 20 minuti": unclear, "STOP": unclear, "aiuto": unclear, "👍👎": unclear, "🤷": unclear, "ok 🤔": unclear, "mio fratello si": unclear, "yes or no": unclear, "I don't know": unclear, "not sure": unclear, "yes if I find a car": unclear, "weiß nicht": unclear, "ja aber erst morgen": unclear, "si je peux": unclear, "ne vem": unclear, "če lahko pridem": unclear, "je ne sais pas": unclear, "da casa mia": unclear, "ne parliamo": unclear,
	} {
		t.Run(text, func(t *testing.T) {
			got := ReadReply(text)
			if got.Clear != (w.kind != "") || got.Code != w.code || got.Answer != (Answer{Kind: w.kind, Minutes: w.minutes, Note: w.note}) {
				t.Errorf("%q: got %+v, want %+v", text, got, w)
			}
		})
	}
	if got := ReadReply("no " + strings.Repeat("perciò ", 80)); !got.Clear || utf8.RuneCountInString(got.Answer.Note) > NoteMost || got.Answer.Note == "" {
		t.Errorf("a long note: %+v", got)
	}
	if got := ReadReply("si, " + strings.Repeat("porto ", 200)); got.Clear {
		t.Errorf("a novel is read as %+v", got)
	}
}
