package lexicon

import (
	"encoding/json"
	"fmt"

	"martinella/alerts"
)

// Usage is what messages of one language should and should not say, for
// alerts/lint. Words and phrases are in lower case, but for acronyms and
// capitals. It is not changed after loading.
type Usage struct {
	Verbs       []string          `json:"verbs"`        // imperatives; in Italian those that no ending tells
	VerbEndings []string          `json:"verb_endings"` // of plural imperatives
	NotVerbs    []string          `json:"not_verbs"`    // words that only look like one
	NotSecond   []string          `json:"not_second"`   // verbs that after "and" are mostly nouns
	BeforeVerb  []string          `json:"before_verb"`  // may stand before the verb: "non"
	Conditions  []string          `json:"conditions"`   // may begin an instruction: "se"
	AlsoFine    []string          `json:"also_fine"`    // begins that are no verb, and say what to do all the same
	Singular    map[string]string `json:"singular"`     // imperatives to one person, with their plural
	TwoActions  []string          `json:"two_actions"`  // what joins two actions: "e", "and"

	Relative []string `json:"relative"` // "stasera"
	Clock    struct {
		Before []string `json:"before"` // "alle" 18
		After  []string `json:"after"`  // 6 "pm"
		Alone  []string `json:"alone"`  // "mezzanotte"
	} `json:"clock"`

	Colours       []string          `json:"colours"` // the words of the region or the State
	Green         []string          `json:"green"`
	Levels        []string          `json:"levels"`        // "livello" 1
	Jargon        map[string]string `json:"jargon"`        // with a plain word, "" where the sentence must change
	Abbreviations map[string]string `json:"abbreviations"` // with the whole word
	Acronyms      map[string]string `json:"acronyms"`      // with what they stand for
	Capitals      []string          `json:"capitals"`      // words that may be in capitals
	Accents       map[string]string `json:"accents"`       // misspelt, with the right form

	AskVerbs       []string `json:"ask_verbs"` // together with Data in a sentence: it asks for data
	Data           []string `json:"data"`
	DownloadVerbs  []string `json:"download_verbs"`
	DownloadThings []string `json:"download_things"`
	CallWords      []string `json:"call_words"` // what stands before a telephone number
	Observed       []string `json:"observed"`   // together with a number and one of Units: an observed value
	Units          []string `json:"units"`
	Change         []string `json:"change"` // words by which an update says what is new

	// What a report of what was seen must not say: only an alert may.
	Report struct {
		Verbs  []string `json:"verbs"`  // imperatives that are hardly anything else, wherever they stand
		After  []string `json:"after"`  // words after which such a verb is none: "sono state" evacuate
		Orders []string `json:"orders"` // phrases that tell people what to do, or what they may
		Limits []string `json:"limits"` // phrases before a clock time or a day until which something holds
		Levels []string `json:"levels"` // phrases that raise, lower, widen or end an alert
	} `json:"report"`
}

// Remark is what is said of a finding, with {text}, {n} and {limit} in it.
type Remark struct {
	Level   alerts.Level `json:"severity"`
	Problem Both         `json:"problem"`
	Remedy  Both         `json:"remedy"`
}

// Both is a sentence in the two languages that are always complete.
type Both struct {
	It string `json:"it"`
	En string `json:"en"`
}

// Hazard is what a danger is called in one language.
type Hazard struct {
	Name string   `json:"name"`
	Also []string `json:"also"` // other names, which are not to be used
}

// Usages holds the usage of each language that has one, Remarks what is said of
// each finding by its code, Hazards the names of dangers by key and language.
// Nobody changes them.
var (
	Usages  = map[string]*Usage{"it": read[*Usage]("lint.it.json"), "en": read[*Usage]("lint.en.json")}
	Remarks = read[map[string]Remark]("remarks.json")
	Hazards = read[map[string]map[string]Hazard]("hazards.json")
)

// HazardName is what a danger is called in a language, "" where it has no name.
func HazardName(key, tag string) string {
	return Hazards[key][alerts.PrimaryLanguage(tag)].Name
}

// read reads an embedded file, whose form the tests hold.
func read[T any](name string) T {
	var to T
	b, err := files.ReadFile(name)
	if err == nil {
		err = json.Unmarshal(b, &to)
	}
	if err != nil {
		panic(fmt.Sprintf("lexicon: the embedded file %s cannot be read: %v", name, err))
	}
	return to
}
