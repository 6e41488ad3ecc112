package lint

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"martinella/alerts"
	"martinella/alerts/lexicon"
)

// Code names a rule. The values are part of the interface.
type Code string

// The codes. Those of the first group block.
const (
	Malformed Code = "malformed"
	NoArea    Code = "no_area"
	NoExpiry  Code = "no_expiry"
	Expired   Code = "expired"

	MissingSource     Code = "missing_source"
	MissingHazard     Code = "missing_hazard"
	MissingPlace      Code = "missing_place"
	MissingAction     Code = "missing_action"
	Placeholder       Code = "placeholder"
	ForeignLink       Code = "foreign_link"
	InsecureLink      Code = "insecure_link"
	PhoneUnregistered Code = "phone_unregistered"
	AsksData          Code = "asks_data"
	AsksDownload      Code = "asks_download"
	LanguageMissing   Code = "language_missing"
	LanguageStale     Code = "language_stale"

	AllCapitals      Code = "all_capitals"
	Exclamation      Code = "exclamation"
	Acronym          Code = "acronym"
	Abbreviation     Code = "abbreviation"
	Jargon           Code = "jargon"
	LevelCode        Code = "level_code"
	Colour           Code = "colour"
	Green            Code = "green"
	RelativeTime     Code = "relative_time"
	ValueWithoutTime Code = "value_without_time"
	StaleValue       Code = "stale_value"
	LongSentence     Code = "long_sentence"
	TwoActions       Code = "two_actions"
	HardToRead       Code = "hard_to_read"
	NoHeadlineAction Code = "headline_without_action"
	VerbFirst        Code = "verb_first"
	Singular         Code = "singular"
	Accent           Code = "accent"
	CostlyCharacter  Code = "costly_character"
	HazardName       Code = "hazard_name"
	HazardRenamed    Code = "hazard_renamed"
	NoChangeSaid     Code = "no_change_said"
	ImageWithoutAlt  Code = "image_without_alt"
	NotText          Code = "not_text"

	// Of a report of what was seen: they refuse it.
	ReportInstruction Code = "report_instruction"
	ReportLimit       Code = "report_limit"
	ReportLevel       Code = "report_level"
	ReportLanguage    Code = "report_language"
)

// Effect is what a hit does to the alert.
type Effect string

// The values of [Effect].
const (
	EffectBlock Effect = "block" // it cannot leave
	EffectTick  Effect = "tick"  // a person ticks once for all of them, which is recorded
	EffectNone  Effect = "none"
)

// Hit is one finding. Start and End are bytes of the field's text, RuneStart
// and RuneEnd the same in code points; all are 0 where the whole field is meant
// or nothing is there.
type Hit struct {
	Code      Code         `json:"code"`
	Field     string       `json:"field"` // path, like info[0].instruction
	Language  string       `json:"language,omitempty"`
	Start     int          `json:"start"`
	End       int          `json:"end"`
	RuneStart int          `json:"rune_start"`
	RuneEnd   int          `json:"rune_end"`
	Text      string       `json:"text,omitempty"`
	Level     alerts.Level `json:"severity"`
	Effect    Effect       `json:"effect"`
	Message   lexicon.Both `json:"message"`
	Remedy    lexicon.Both `json:"remedy"`
	// Suggestion may stand in the place of Text; "" where there is none.
	Suggestion string `json:"suggestion,omitempty"`
}

// MaxHits bounds what [Check] finds, so that a text made to be wrong costs
// little.
const MaxHits = 200

// maxQuoted bounds the words of a hit, in code points.
const maxQuoted = 200

// reader is one run over an alert.
type reader struct {
	c        *Context
	effect   Effect // of what does not block
	official bool   // another authority's warning is referenced
	hits     []Hit
	field    string
	language string
	seen     int // bytes of the text whose runes are counted
	seenText string
	runes    int
}

func (r *reader) full() bool { return len(r.hits) >= MaxHits }

// at adds a hit on a part of the text.
func (r *reader) at(code Code, text string, start, end int, suggestion string) {
	r.say(code, text, start, end, suggestion, 0, 0)
}

// whole adds a hit on the whole field.
func (r *reader) whole(code Code) { r.say(code, "", 0, 0, "", 0, 0) }

// say adds a hit with its figures.
func (r *reader) say(code Code, text string, start, end int, suggestion string, n, limit int) {
	if r.full() {
		return
	}
	remark := lexicon.Remarks[string(code)]
	h := Hit{Code: code, Field: r.field, Language: r.language, Start: start, End: end, Level: remark.Level, Effect: r.effect, Suggestion: suggestion}
	switch code {
	case Malformed, NoArea, NoExpiry, Expired, ReportInstruction, ReportLimit, ReportLevel, ReportLanguage:
		h.Effect = EffectBlock
	}
	if end > start {
		h.Text = shorten(text[start:end])
		h.RuneStart = r.runesTo(text, start)
		h.RuneEnd = h.RuneStart + utf8.RuneCountInString(text[start:end])
	}
	fill := strings.NewReplacer("{text}", h.Text, "{n}", strconv.Itoa(n), "{limit}", strconv.Itoa(limit))
	h.Message = lexicon.Both{It: fill.Replace(remark.Problem.It), En: fill.Replace(remark.Problem.En)}
	h.Remedy = remark.Remedy
	r.hits = append(r.hits, h)
}

// runesTo counts the code points before a byte; hits mostly come in order, so
// that the text is walked once.
func (r *reader) runesTo(text string, to int) int {
	if text != r.seenText || to < r.seen {
		r.seenText, r.seen, r.runes = text, 0, 0
	}
	r.runes += utf8.RuneCountInString(text[r.seen:to])
	r.seen = to
	return r.runes
}

func shorten(s string) string {
	if len(s) <= maxQuoted {
		return s
	}
	n := 0
	for i := range s {
		if n == maxQuoted {
			return s[:i] + "..."
		}
		n++
	}
	return s
}
