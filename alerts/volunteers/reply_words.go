package volunteers

import "strings"

// class is what a word or phrase does in an answer.
type class int

const (
	classSign      class = iota // a comma, a line's end
	classText                   // nobody here knows it: the note
	classCode                   // of a call
	classStrong                 // says that they come, whatever stands around
	classBegin                  // yes, where nothing unknown stands before it
	classYes                    // yes, where nothing unknown stands beside it
	classSi                     // yes, or a pronoun: "si vedrà"
	classOK                     // yes, or only that they have read it
	classDa                     // yes in Slovene, from in Italian
	classLetterYes              // s, y, j
	classNo                     // no
	classLetterNo               // n, ne
	classNon                    // no in French, not in Italian
	classNot                    // denies what follows
	classMaybe                  // perhaps
	classDoubt                  // if, but, I shall see
	classLater                  // another day; when, where, who
	classFill                   // says nothing
	classThanks                 // says nothing, and is no yes
	classReceived               // was read: is no yes
	classSorry                  // regrets: is no yes
	classIn                     // before a time: in, tra
	classAt                     // before a time of day: alle
	classClock                  // a time of day
	classSpan                   // before how long: per, for
	classTime                   // minutes
	classNumber                 // a number alone
	classes
)

// known reports whether a part may stand beside a yes.
func (c class) known() bool {
	return c != classText && c != classDoubt && c != classLater && c != classNot
}

// longestPhrase is how many words a phrase has at most.
const longestPhrase = 5

// phrases by what they do, in words as [plain] writes them; an apostrophe parts
// words: "un'ora" is "un ora".
var phrases = func() map[string]class {
	out := map[string]class{}
	for c, lists := range map[class][]string{
		classSi:  {"si|sii|siii|siiii|sisi"},
		classYes: {"yes|yep|yeah|yup|yess|ja|jaa|jep|jo|jawohl|oui|ouais|certo|certo che si|sicuro|posso|riesco|sure|of course|klar|naturlich|gern|gerne|seveda|bien sur|volentieri|volontiers|ovvio|ovviamente|👍|affermativo|ci sono|ci saro|ci sto|presente|disponibile|parto|sono in strada|in strada|in arrivo|on the way|can come|be there|there|kann kommen|klar doch|a disposizione|unterwegs|bin da|na poti|en route|arrive|confermo|confermato"},
		classOK:  {"ok|okk|okay|okey|oki|okok|va bene|vabbene|d accordo|d accord|perfetto|bene|all right|alright|v redu|in ordnung|passt|entendu"},
		classDa:  {"da"}, classLetterYes: {"s|y|j"},
		classStrong: {
			"vengo|io vengo|veniamo|eccomi|sto arrivando|sto partendo|sto venendo|sono per strada|sono in arrivo|ce la faccio|posso venire|posso esserci|posso arrivare|riesco a venire|riesco ad arrivare|riesco ad esserci|ci posso essere|contate su di me|conta su di me|mi metto in strada",
			"i come|i can come|i m coming|i am coming|will come|i ll come|ill come|on my way|omw|i can be there|i ll be there|i will be there|count me in",
			"ich komme|bin dabei|bin unterwegs|bin auf dem weg|ich kann kommen|mach mit|bin gleich da",
			"pridem|prihajam|sem na poti|bom tam|lahko pridem",
			"j arrive|je viens|je suis en route|je peux venir|je serai la",
		},
		classBegin: {"arrivo|arriviamo|raggiungo|vi raggiungo|ti raggiungo|komme|coming|grem"},
		classNo: {
			"no|noo|nooo|nope|nop|nah|nein|nee|👎|no grazie|certo che no|direi di no|negativo|impossibile|impossibilitato|impossibilitata|indisponibile|nessuna disponibilita|ko|assente|sono assente|in ferie|sono in ferie|on holiday|on vacation|im urlaub|bin im urlaub",
			"non posso|nn posso|non vengo|nn vengo|non riesco|nn riesco|non arrivo|non potro|non verro|non riusciro|non possiamo|non veniamo|non ci sono|nn ci sono|non ci saro|non ce la faccio|nn ce la faccio|non sono disponibile|non disponibile|non possibile|non e possibile|non mi e possibile|non posso venire|non riesco a venire|non riesco ad arrivare|non posso esserci",
			"can t|cant|cannot|can not|can t come|cannot come|can t make it|cannot make it|won t|won t come|not coming|i m not coming|not available|i m not available|unavailable|unable|not possible|impossible|negative",
			"kann nicht|ich kann nicht|kann leider nicht|kann heute nicht|komme nicht|komme leider nicht|nicht da|bin nicht da|geht nicht|geht leider nicht|nicht moglich|leider nicht|leider nein|nicht verfugbar|keine zeit|verhindert|schaffe es nicht|schaff es nicht|unmoglich",
			"ne morem|ne pridem|ne bom|ne bom mogel|ne bom mogla|nisem na voljo|nemogoce|ni mogoce|ne gre|zal ne|zal ne morem",
			"je ne peux pas|ne peux pas|peux pas|je peux pas|je ne viens pas|je viens pas|ne viens pas|viens pas|pas possible|pas disponible|pas dispo|indisponible",
		},
		classLetterNo: {"n|ne"}, classNon: {"non"},
		classNot: {"nn|mica|mai|nessun|nessuno|nessuna|niente|nulla|nemmeno|neanche|not|don|dont|doesn|isn|didn|won|never|nobody|nicht|kein|keine|keinen|nie|niemals|ni|nisem|nimam|nikoli|pas|jamais|aucun|rien|non so|nn so|non lo so|non sono sicuro|non sono sicura|not sure"},
		classMaybe: {
			"forse|forse si|magari|puo darsi|puo essere|probabilmente|eventualmente|potrei|in forse|maybe|perhaps|possibly|probably|might|could|i could|vielleicht|eventuell|evtl|moglicherweise|kann sein|wahrscheinlich|konnte|ich konnte|mogoce|morda|verjetno|peut etre|peut etre que oui|probablement|je pourrais|pourrais",
		},
		classDoubt: {
			"non posso non|non possiamo non|se|ma|pero|vedo|vedro|vedra|vediamo|vedere|dipende|dubito|dubbio|credo|penso|spero|speriamo|provo|provero|ci provo|cerco|cerchero|tento|boh|mah|chissa|ancora|prima|solo|soltanto|dire|dirlo|dirti|dirvi|confermare|sapere|mancare|garantire|promettere|salvo|tranne|purche|invece|annulla|annullo|annullato|scherzo|scherzavo|sbagliato|errore|avrei|verrei|vorrei|dovrei|si vedra|si vedrebbe",
			"if|but|unless|depends|think|hope|try|trying|before|only|except|would|should|guess|see|doubt|wrong|mistake|cancel|however|instead|wait|whether",
			"wenn|falls|aber|nur|erst|sofern|hoffe|glaube|denke|versuche|schaue|weiss|ob|wurde|sollte|zweifle|drauf",
			"ce|ampak|vendar|toda|upam|mislim|bi|poskusim|samo|odvisno|vem",
			"mais|sauf|espere|pense|essaie|essaye|crois|sais|depend|sinon|voudrais|seulement|avant|si je|si on|si possible|si j",
			"o|oppure|or|oder|ou|ali|se non|se no|perche no|why not|warum nicht|pourquoi pas|zakaj ne",
		},
		classLater: {
			"dopo|domani|dopodomani|ieri|piu tardi|lunedi|martedi|mercoledi|giovedi|venerdi|sabato|domenica|prossima|prossimo|quando|dove|chi|cosa|perche",
			"later|tomorrow|yesterday|next|monday|tuesday|wednesday|thursday|friday|saturday|sunday|weekend|when|where|who|what|why|how",
			"morgen|ubermorgen|gestern|spater|montag|dienstag|mittwoch|donnerstag|freitag|samstag|sonntag|wann|wo|wer|warum|wieso",
			"jutri|vceraj|kasneje|potem|ponedeljek|torek|sreda|cetrtek|petek|sobota|nedelja|kje|kdaj|kdo|zakaj|kam",
			"demain|hier|plus tard|lundi|mardi|mercredi|jeudi|vendredi|samedi|dimanche|quand|comment|pourquoi",
		},
		classFill: {
			"io|tra poco|fra poco|a breve|per oggi|per ora|per adesso|al momento|anch io|anche io|anche|anch|pure|ciao|salve|buongiorno|buonasera|buonanotte|buon giorno|buona sera|subito|ora|adesso|immediatamente|circa|ca|sicuramente|certamente|assolutamente|senz altro|per me|venire|raga|ragazzi|tutti|a tutti|a|e|ed|oggi|per favore|gia",
			"i|am|m|ll|will|hi|hello|now|about|around|and|please|today|be|sir|definitely|absolutely",
			"ich|bin|hallo|servus|moin|guten morgen|guten tag|guten abend|sofort|jetzt|gleich|etwa|ungefahr|und|heute|bitte",
			"jaz|sem|zivjo|zdravo|dober dan|dobro jutro|dober vecer|takoj|zdaj|priblizno|in sicer|danes",
			"je|bonjour|bonsoir|salut|maintenant|tout de suite|environ|et",
		},
		classThanks:   {"grazie|grazie mille|thanks|thank you|thx|danke|merci|hvala|no problem|no problems|no problema|no prob|no worries|nessun problema|kein problem|ni problema|pas de probleme|pas de souci"},
		classReceived: {"ricevuto|letto|visto|capito|received|roger|copy|understood|verstanden|erhalten|razumem|prejeto|recu|compris"},
		classSorry:    {"purtroppo|mi dispiace|dispiace|scusate|scusa|sorry|leider|zal|desole|desolee|tut mir leid"},
		classIn:       {"tra|fra|in|entro|massimo|max|within|cez|za|v|dans|d|un|una|min"},
		classAt:       {"alle|all|ore|le|dalle|at|um|gegen|ab|vers|verso|as of"},
		classSpan:     {"per|for|fur|pour|pendant|dal|fino|until|till|bis|depuis|seit|since|ogni|every"},
		classText:     {"il prima possibile|prima possibile|da solo|da sola"},
	} {
		for _, list := range lists {
			for p := range strings.SplitSeq(list, "|") {
				out[p] = c
			}
		}
	}
	return out
}()

// next reads the phrase, time or number that tokens begin with, and of how many
// tokens it is; before is the class of what stands before.
func next(tokens []token, before class) (part, int) {
	first := tokens[0]
	p := part{class: classText, from: first.from, to: first.to}
	if minutes, n := duration(tokens); n > 0 {
		p.class, p.minutes = classTime, minutes
		return p, n
	}
	switch first.kind {
	case tokenNumber:
		p.class, p.minutes = classNumber, first.number
		if len(tokens) > 2 && dash[tokens[1].text] && tokens[2].kind == tokenNumber && tokens[2].number > first.number {
			p.minutes = tokens[2].number // 20-30
			return p, 3
		}
		if len(tokens) > 1 && counted[tokens[1].text] {
			p.class = classText
		} else if before == classAt || before == classClock || len(tokens) > 1 && (hourMark[tokens[1].text] && first.number > mostHours || clockMark[tokens[1].text]) {
			p.class = classClock
		}
		return p, 1
	case tokenClock, tokenDecimal:
		p.class = classClock
		return p, 1
	}
	words := 0
	for words < len(tokens) && words < longestPhrase && tokens[words].kind == tokenWord {
		words++
	}
	for n := words; n > 0; n-- {
		c, is := phrases[phrase(tokens[:n])]
		if !is {
			continue
		}
		followed := len(tokens) > n && (tokens[n].kind == tokenNumber || tokens[n].kind == tokenClock)
		switch {
		case n == 1 && first.accent && c == classSi && !(len(tokens) > 1 && pronouns[tokens[1].text]):
			c = classBegin
		case c == classDoubt && first.text == "ob" && followed: // at six, in Slovene
			c = classAt
		}
		p.class = c
		return p, n
	}
	return p, 1
}

// counted is what a number before it counts: no minutes.
var counted = set("% € $ ° km kg m² metri persone persona volontari uomini posti anni mezzi people persons personen leute mann ljudi personnes volte")

// pronouns follow a "si" that is none of yes, whatever its accent: "si è rotto".
var pronouns = set("e puo fa sa deve")

func phrase(tokens []token) string {
	if len(tokens) == 1 {
		return tokens[0].text
	}
	words := make([]string, len(tokens))
	for i, t := range tokens {
		words[i] = t.text
	}
	return strings.Join(words, " ")
}
