package roster

import "martinella/broadcast"

// Words in lists, folded, and what they stand for.
var (
	severities = map[string]string{
		"": "", "tutte": "", "tutti": "", "all": "", "unknown": "Unknown",
		"minor": "Minor", "minore": "Minor", "lieve": "Minor", "moderate": "Moderate", "moderata": "Moderate", "moderato": "Moderate", "media": "Moderate",
		"severe": "Severe", "grave": "Severe", "severa": "Severe", "alta": "Severe", "extreme": "Extreme", "estrema": "Extreme", "estremo": "Extreme",
	}
	audiences = map[string]string{
		"citizens": "citizens", "citizen": "citizens", "cittadini": "citizens", "cittadino": "citizens", "popolazione": "citizens",
		"volunteers": "volunteers", "volunteer": "volunteers", "volontari": "volunteers", "volontario": "volunteers", "volontaria": "volunteers",
		"institutions": "institutions", "institution": "institutions", "istituzioni": "institutions", "istituzione": "institutions", "enti": "institutions", "ente": "institutions",
		"media": "media", "stampa": "media", "press": "media", "staff": "staff", "personale": "staff",
	}
	purposes = map[string]string{
		"emergency": "emergency", "emergenza": "emergency", "emergenze": "emergency", "allerta": "emergency",
		"information": "information", "informazione": "information", "informazioni": "information", "info": "information",
	}
	consents = map[string]string{
		"": string(broadcast.ConsentTask), "task": string(broadcast.ConsentTask), "given": string(broadcast.ConsentGiven), "asked": string(broadcast.ConsentAsked),
		"si": string(broadcast.ConsentGiven), "yes": string(broadcast.ConsentGiven), "confermato": string(broadcast.ConsentGiven),
	}
	languages = map[string]string{
		"italiano": "it", "italian": "it", "inglese": "en", "english": "en", "tedesco": "de", "german": "de", "deutsch": "de",
		"francese": "fr", "french": "fr", "sloveno": "sl", "slovene": "sl", "slovenian": "sl", "spagnolo": "es", "spanish": "es",
	}
)

// Words by which a list takes back what a volunteer may have chosen; an empty
// field leaves it.
var (
	noHours   = map[string]string{"": "", "no": "", "nessuna": "", "nessuno": "", "mai": "", "none": "", "never": ""}
	everyKind = map[string]string{"tutti": "", "all": ""}
)

// known gives what the folded word stands for.
func known(words map[string]string, s string) (string, bool) {
	v, ok := words[folded(s)]
	return v, ok
}
