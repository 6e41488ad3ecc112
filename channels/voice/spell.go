package voice

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"martinella/alerts/lexicon"
)

var (
	linkForm     = regexp.MustCompile(`(?i)\b(?:https?://|www\.)\S+`)
	clockForm    = regexp.MustCompile(`\b([01]?\d|2[0-3]):([0-5]\d)\b`)
	pointedClock = regexp.MustCompile(`(?i)\b(ore|alle|dalle|le|um|à) ([01]?\d|2[0-3])\.([0-5]\d)\b`)
	dateForm     = regexp.MustCompile(`\b(0?[1-9]|[12]\d|3[01])[/.](0?[1-9]|1[0-2])(?:[/.](20\d\d))?\b`)
	thousands    = regexp.MustCompile(`\b(\d{1,3})\.(\d{3})\b`)
	phoneForm    = regexp.MustCompile(`\+?\d[\d ]{4,}\d`)
	figureForm   = regexp.MustCompile(`\b\d{3,6}\b`)
	unitForm     = regexp.MustCompile(`(\d) ?([A-Za-z]{1,3}(?:/[hs])?)(\s|[.,;:!?)]|$)`)
	saintForm    = regexp.MustCompile(`\bS\. ?(\p{Lu}\p{L}+)`)
)

// spelled is a text for the ear. It is pure. What it does not know stays as it
// is: the voices read plain words and numbers well.
func (w *words) spelled(text string) string {
	text = linkForm.ReplaceAllString(text, "")
	text = strings.Map(audible, text)
	text = w.abbreviations(text)
	text = pointedClock.ReplaceAllString(text, "$1 $2:$3")
	text = w.dates(text)
	text = clockForm.ReplaceAllStringFunc(text, w.clock)
	if w.Language != "en" {
		text = thousands.ReplaceAllString(text, "$1$2")
	}
	if w.Language == "it" {
		text = saintForm.ReplaceAllStringFunc(text, saint)
	}
	text = w.units(text)
	text = phoneForm.ReplaceAllStringFunc(text, func(n string) string {
		if digits := strings.ReplaceAll(strings.TrimPrefix(n, "+"), " ", ""); len(digits) >= 6 && !plainYears(n) {
			return figures(digits)
		}
		return n
	})
	text = figureForm.ReplaceAllStringFunc(text, func(n string) string {
		if slices.Contains(w.Digits, n) {
			return figures(n)
		}
		return n
	})
	for symbol, word := range w.Symbols {
		text = strings.ReplaceAll(text, symbol, " "+word+" ")
	}
	text = strings.NewReplacer(" - ", ", ", " / ", " "+w.Or+" ", "/", " ").Replace(text)
	return tidy(text)
}

// audible drops what a voice would name or stumble over.
func audible(r rune) rune {
	switch {
	case r == '\n':
		return r
	case r == '–' || r == '—' || r == '•' || r == '·' || r == '−':
		return '-'
	case r == '…':
		return '.'
	case r == '’' || r == '‘':
		return '\''
	case strings.ContainsRune(`"“”«»„*_#|\^~<>[]{}=`, r), r == '\u200d', r == '\ufe0f':
		return -1
	case r == '°' || r == '€' || r == '+':
		return r
	case unicode.Is(unicode.So, r), unicode.Is(unicode.Sk, r), unicode.Is(unicode.Co, r), unicode.Is(unicode.Cf, r):
		return -1
	case unicode.IsSpace(r):
		return ' '
	}
	return r
}

// abbreviations replaces whole words; what stands right behind them stays.
func (w *words) abbreviations(text string) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		fields := strings.Fields(line)
		for j, field := range fields {
			core := strings.TrimLeft(field, "(")
			before, after := field[:len(field)-len(core)], ""
			for core != "" {
				if full, ok := w.Abbreviations[core]; ok {
					fields[j] = before + full + after
					break
				}
				last, size := utf8.DecodeLastRuneInString(core)
				if !strings.ContainsRune(".,;:!?)", last) {
					break
				}
				core, after = core[:len(core)-size], string(last)+after
			}
		}
		lines[i] = strings.Join(fields, " ")
	}
	return strings.Join(lines, "\n")
}

func (w *words) clock(text string) string {
	hour, minute, _ := strings.Cut(text, ":")
	h, _ := strconv.Atoi(hour)
	m, _ := strconv.Atoi(minute)
	if m == 0 {
		// "alle 18": "18 e 0" would be wrong, and "18 Uhr" is right.
		said := strings.NewReplacer("{hour}", strconv.Itoa(h), "{minute}", "").Replace(w.Time)
		return strings.TrimSuffix(strings.TrimSpace(said), " "+w.And)
	}
	return strings.NewReplacer("{hour}", strconv.Itoa(h), "{minute}", strconv.Itoa(m)).Replace(w.Time)
}

// dates says 21/11/2026 as a day and a month. A fraction without a year is one
// only where it has two figures behind the stroke.
func (w *words) dates(text string) string {
	months := lexicon.For(w.Language).Months
	return dateForm.ReplaceAllStringFunc(text, func(found string) string {
		p := dateForm.FindStringSubmatch(found)
		if p[3] == "" && (strings.Contains(found, ".") || len(p[2]) < 2) {
			return found
		}
		day, _ := strconv.Atoi(p[1])
		month, _ := strconv.Atoi(p[2])
		return strings.TrimSpace(strconv.Itoa(day) + " " + months[month-1] + " " + p[3])
	})
}

func (w *words) units(text string) string {
	return unitForm.ReplaceAllStringFunc(text, func(found string) string {
		p := unitForm.FindStringSubmatch(found)
		if full, ok := w.Units[p[2]]; ok {
			return p[1] + " " + full + p[3]
		}
		return found
	})
}

// saint reads "S. Marco". Italian has santa before a name in a, santo before s
// with a consonant.
func saint(found string) string {
	name := strings.TrimSpace(strings.TrimPrefix(found, "S."))
	second, _ := utf8.DecodeRuneInString(name[1:])
	switch {
	case strings.HasSuffix(name, "a") && name != "Andrea" && name != "Luca":
		return "Santa " + name
	case name[0] == 'S' && !strings.ContainsRune("aeiouàèéìòù", second):
		return "Santo " + name
	}
	return "San " + name
}

// figures says a number figure by figure, with a breath after every third.
func figures(digits string) string {
	var b strings.Builder
	for i, d := range digits {
		switch {
		case i > 0 && i%3 == 0 && len(digits) > 4:
			b.WriteString(", ")
		case i > 0:
			b.WriteByte(' ')
		}
		b.WriteRune(d)
	}
	return b.String()
}

// plainYears: "2025 2026" is no telephone number.
func plainYears(n string) bool {
	fields := strings.Fields(n)
	return len(fields) > 1 && !slices.ContainsFunc(fields, func(f string) bool { return len(f) != 4 || !strings.HasPrefix(f, "20") })
}

// tidy leaves one space between words, none before a stop, and one stop.
func tidy(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	for _, stop := range []string{",", ".", ";", ":", "!", "?", ")"} {
		text = strings.ReplaceAll(text, " "+stop, stop)
	}
	for strings.Contains(text, "..") {
		text = strings.ReplaceAll(text, "..", ".")
	}
	return strings.Trim(text, " ,-")
}

// calm writes words in capitals as words: some voices spell them.
func calm(text string) string {
	fields := strings.Fields(text)
	for i, f := range fields {
		letters := strings.TrimFunc(f, func(r rune) bool { return !unicode.IsLetter(r) })
		if utf8.RuneCountInString(letters) >= 5 && letters == strings.ToUpper(letters) {
			first, size := utf8.DecodeRuneInString(letters)
			fields[i] = strings.Replace(f, letters, string(first)+strings.ToLower(letters[size:]), 1)
		}
	}
	return strings.Join(fields, " ")
}
