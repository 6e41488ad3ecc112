package volunteers

import "strings"

func set(words string) map[string]bool {
	out := map[string]bool{}
	for w := range strings.FieldsSeq(words) {
		out[w] = true
	}
	return out
}

var (
	minuteMark = set("min mins minuti minuto minute minutes minuten minut minutah minuta m mn")
	hourMark   = set("h hr hrs ora ore hour hours stunde stunden std ura uri ure ur uro heure heures")
	clockMark  = set("uhr pm am")
	oneMark    = set("un una uno one an a ein eine einer einen eno ena ene eni une")
	halfMark   = set("mezza mezzo mezz half halb halbe halben pol demi demie")
	andMark    = set("e ed and und et in")
	dash       = set("- – —")
	rangeMark  = set("o or oder ali ou to bis")
)

// mostHours: more before "h" is a time of day, "18h".
const mostHours = 5

// spelt are numbers in words.
var spelt = map[string]int{
	"due": 2, "tre": 3, "cinque": 5, "dieci": 10, "quindici": 15, "venti": 20, "venticinque": 25, "trenta": 30, "quaranta": 40, "cinquanta": 50, "sessanta": 60,
	"two": 2, "three": 3, "five": 5, "ten": 10, "fifteen": 15, "twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60,
	"zwei": 2, "drei": 3, "funf": 5, "zehn": 10, "funfzehn": 15, "zwanzig": 20, "dreissig": 30, "vierzig": 40, "funfzig": 50, "sechzig": 60,
	"dve": 2, "dveh": 2, "pet": 5, "deset": 10, "petnajst": 15, "dvajset": 20, "trideset": 30, "stirideset": 40, "petdeset": 50, "sestdeset": 60,
	"deux": 2, "trois": 3, "cinq": 5, "dix": 10, "quinze": 15, "vingt": 20, "trente": 30, "quarante": 40, "cinquante": 50, "soixante": 60,
}

// durations are whole phrases, in minutes.
var durations = map[string]int{
	"mezz ora": 30, "mezzora": 30, "mezza ora": 30, "una mezz ora": 30, "una mezzora": 30, "un quarto d ora": 15, "quarto d ora": 15, "tre quarti d ora": 45, "un oretta": 60, "una mezzoretta": 30, "mezzoretta": 30, "mezz oretta": 30, "una decina di minuti": 10, "una quindicina di minuti": 15, "una ventina di minuti": 20, "una trentina di minuti": 30,
	"half an hour": 30, "half hour": 30, "half a hour": 30, "a half hour": 30, "quarter of an hour": 15, "a quarter of an hour": 15,
	"halbe stunde": 30, "halben stunde": 30, "einer halben stunde": 30, "eine halbe stunde": 30, "viertelstunde": 15, "einer viertelstunde": 15, "dreiviertelstunde": 45, "einer dreiviertelstunde": 45, "anderthalb stunden": 90, "eineinhalb stunden": 90,
	"pol ure": 30, "pol ura": 30, "cetrt ure": 15, "uro in pol": 90, "poldrugo uro": 90,
	"demi heure": 30, "une demi heure": 30, "quart d heure": 15, "un quart d heure": 15, "une heure et demie": 90,
}

// duration reads the time that tokens begin with, in minutes, and of how many
// tokens it is; 0 tokens where they begin with none. A number alone is none, nor
// is a time of day. Of two ("20-30 min") it is the longer one.
func duration(tokens []token) (minutes, n int) {
	for n = min(longestPhrase, len(tokens)); n > 0; n-- {
		if m, is := durations[phrase(tokens[:n])]; is {
			return m, n
		}
	}
	value, tenths, used := quantity(tokens)
	if used == 0 || used >= len(tokens) {
		return 0, 0
	}
	if second, more, width := quantity(tokens[min(used+1, len(tokens)):]); width > 0 && more == tenths && (dash[tokens[used].text] || rangeMark[tokens[used].text]) && second > value {
		value, used = second, used+1+width
	}
	if used >= len(tokens) {
		return 0, 0
	}
	rest := tokens[used+1:]
	switch mark := tokens[used]; {
	case mark.kind != tokenWord:
		return 0, 0
	case minuteMark[mark.text] && !tenths:
		return value, used + 1
	case hourMark[mark.text] && tenths && value <= mostHours*10:
		return value * 6, used + 1
	case hourMark[mark.text] && !tenths && value <= mostHours:
		more, width := afterHours(rest)
		return value*60 + more, used + 1 + width
	}
	return 0, 0
}

// quantity reads a number, in figures or words.
func quantity(tokens []token) (value int, tenths bool, n int) {
	if len(tokens) == 0 {
		return 0, false, 0
	}
	switch t := tokens[0]; t.kind {
	case tokenNumber:
		return t.number, false, 1
	case tokenDecimal:
		return t.number, true, 1
	case tokenWord:
		if v, is := spelt[t.text]; is {
			return v, false, 1
		}
		if oneMark[t.text] && len(tokens) > 1 && hourMark[tokens[1].text] {
			return 1, false, 1
		}
	}
	return 0, false, 0
}

// afterHours reads what follows the hours: "1 h 30", "un'ora e mezza", "1 ora e 20
// minuti".
func afterHours(tokens []token) (minutes, n int) {
	if len(tokens) > 0 && andMark[tokens[0].text] {
		n = 1
	}
	if n >= len(tokens) {
		return 0, 0
	}
	t := tokens[n]
	if n == 1 && t.kind == tokenWord && halfMark[t.text] {
		return 30, 2
	}
	value, tenths, used := quantity(tokens[n:])
	if used == 0 || tenths || value >= 60 {
		return 0, 0
	}
	n += used
	if n < len(tokens) && minuteMark[tokens[n].text] {
		return value, n + 1
	}
	if t.kind == tokenNumber && value >= fewest {
		return value, n
	}
	return 0, 0
}
