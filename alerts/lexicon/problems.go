package lexicon

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"martinella/alerts"
)

// problems is what the program says of a mistake, for people who do not read
// English: sentences by the English one with {0}, {1} for the values in it, values
// that are words, and by language what fields of an alert are called.
var problems = read[struct {
	Sentences map[string]string            `json:"sentences"`
	Values    map[string]string            `json:"values"`
	Fields    map[string]map[string]string `json:"fields"`
}]("problems.json")

// pattern is a sentence with values in it.
type pattern struct {
	english *regexp.Regexp
	holes   []string // what each group of the expression is called
	italian string
	bare    bool // hardly a word: it holds for values of one word only
}

var (
	hole     = regexp.MustCompile(`\{[0-9a-z_]+\}`)
	number   = regexp.MustCompile(`\{\d+\}`)
	patterns = sentences()
)

// sentences are the patterns, those with most words first, so that what is said
// more exactly wins. What is remarked of a text belongs to them.
func sentences() []pattern {
	type one struct{ en, it string }
	var all []one
	for en, it := range problems.Sentences {
		if number.MatchString(en) {
			all = append(all, one{en, it})
		}
	}
	slices.SortFunc(all, func(a, b one) int {
		return cmp.Or(cmp.Compare(len(number.ReplaceAllString(b.en, "")), len(number.ReplaceAllString(a.en, ""))), cmp.Compare(a.en, b.en))
	})
	out := make([]pattern, 0, len(all)+len(Remarks))
	for _, s := range all {
		out = append(out, compile(s.en, s.it, number))
	}
	for _, r := range Remarks {
		out = append(out, compile(r.Problem.En, r.Problem.It, hole), compile(r.Remedy.En, r.Remedy.It, hole))
	}
	return out
}

func compile(en, it string, hole *regexp.Regexp) pattern {
	p := pattern{holes: hole.FindAllString(en, -1), italian: it}
	plain := hole.Split(en, -1)
	p.bare = len(strings.Join(plain, "")) < 8
	for i := range plain {
		plain[i] = regexp.QuoteMeta(plain[i])
	}
	p.english = regexp.MustCompile(`(?s)^` + strings.Join(plain, `(.+?)`) + `$`)
	return p
}

// deepest is how far a sentence stands within another: a reason within a warning
// within what is said of the alert that is changed.
const deepest = 4

// Sentence gives what the program says of a mistake in the words of a language.
// known is false where there are none: what a platform said stays as it is.
// Without a lexicon of problems (any language but Italian) the text is English,
// which only English readers know.
func Sentence(text, lang string) (told string, known bool) {
	if alerts.PrimaryLanguage(lang) != "it" {
		return text, text == "" || alerts.PrimaryLanguage(lang) == "en"
	}
	return inItalian(text, deepest)
}

func inItalian(text string, deep int) (string, bool) {
	if text == "" {
		return "", true
	}
	if it, known := problems.Sentences[text]; known {
		return it, true
	}
	if deep == 0 {
		return text, false
	}
	for _, p := range patterns {
		if got := p.english.FindStringSubmatch(text); got != nil && !(p.bare && slices.ContainsFunc(got[1:], severalWords)) {
			fill := make([]string, 0, 2*len(p.holes))
			for i, name := range p.holes {
				fill = append(fill, name, value(got[i+1], deep-1))
			}
			return strings.NewReplacer(fill...).Replace(p.italian), true
		}
	}
	return text, false
}

// severalWords reports whether a value is more than a word, and not quoted.
func severalWords(s string) bool {
	return strings.Contains(s, " ") && !strings.HasPrefix(s, `"`)
}

// value gives what stands in a sentence: a word, a time, a sentence of its own, or
// a list of them; anything else as it is.
func value(text string, deep int) string {
	if it, known := problems.Values[text]; known {
		return it
	}
	if at, err := alerts.ParseTime(text); err == nil {
		return at.Format("02/01/2006 15:04")
	}
	if it, known := inItalian(text, deep); known {
		return it
	}
	parts := strings.Split(text, ", ")
	if len(parts) == 1 || deep == 0 {
		return text
	}
	for i, part := range parts {
		parts[i] = value(part, deep-1)
	}
	return strings.Join(parts, ", ")
}

// Value gives a word that stands for a value of CAP, a state or a right in the words
// of a language; any other as it is.
func Value(word, lang string) string {
	if it, known := problems.Values[word]; known && alerts.PrimaryLanguage(lang) == "it" {
		return it
	}
	return word
}

// Problem gives a problem in the words of a language: Italian, else English as it
// is. The field stays a path; see [Field].
func Problem(p alerts.Problem, lang string) alerts.Problem {
	p.Problem, _ = Sentence(p.Problem, lang)
	p.Hint, _ = Sentence(p.Hint, lang)
	return p
}

var step = regexp.MustCompile(`^([A-Za-z_]+)(?:\[([^\]]*)\])?$`)

// Field says where a problem is, for people: "info[0].area[1].polygon[0]" is
// "area 2, polygon 1". A field that has no words stays as it is.
func Field(path, lang string) string {
	words := problems.Fields["en"]
	if alerts.PrimaryLanguage(lang) == "it" {
		words = problems.Fields["it"]
	}
	var out []string
	parts := strings.Split(path, ".")
	for i, part := range parts {
		m := step.FindStringSubmatch(part)
		if m == nil { // a language, a name
			out = append(out, part)
			continue
		}
		if (m[1] == "info" || m[1] == "texts") && m[2] == "0" && i < len(parts)-1 {
			continue // most alerts have one text, or say the same in each
		}
		said := cmp.Or(words[m[1]], m[1])
		if n, err := strconv.Atoi(m[2]); err == nil {
			said = fmt.Sprintf("%s %d", said, n+1)
		} else if m[2] != "" {
			said += " " + m[2]
		}
		out = append(out, said)
	}
	return strings.Join(out, ", ")
}
