package dashboards

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Weather services wrap their texts by hand at the width of a teleprinter. The
// lines of such a text are joined again; those of a list never are.
const (
	wrapLeast = 50  // characters: a narrower text is a list, or short
	wrapMost  = 100 // no program wraps wider
	wrapFull  = 2   // lines that end where the next word had no room, before a text counts as wrapped
	wrapShare = 3   // two of so many breaks within a sentence must be such
)

// unwrapped joins the lines that are only wrapped. lines are tidy, and "" where
// the writer left one empty; what is joined is one space wide. Whether a text is
// wrapped is seen by its breaks in the middle of a sentence, before a small
// letter: they are where the next word had no room. list keeps apart whatever
// begins with a capital letter, as an instruction of its own does.
func unwrapped(lines []string, list bool) []string {
	width := 0 // of the lines that a sentence goes on after
	for i, line := range lines {
		if i > 0 && breaks(lines[i-1], line) {
			width = max(width, utf8.RuneCountInString(lines[i-1]))
		}
	}
	proven := width >= wrapLeast && width <= wrapMost && wraps(lines, width)
	var out []string
	for i, line := range lines {
		switch {
		case line == "":
		case proven && i > 0 && midSentence(lines[i-1], line, width, list):
			out[len(out)-1] += " " + line
		default:
			out = append(out, line)
		}
	}
	return out
}

// wraps reports whether a text of that width looks wrapped by a program.
func wraps(lines []string, width int) bool {
	all, full, capital := 0, 0, false
	for i, line := range lines {
		capital = capital || beginsWith(line, unicode.IsUpper)
		if i == 0 || !breaks(lines[i-1], line) {
			continue
		}
		all++
		if noRoom(lines[i-1], line, width) {
			full++
		}
	}
	return capital && full >= wrapFull && full*wrapShare >= all*2
}

// breaks reports whether a line goes on with a small letter on the next one.
func breaks(before, line string) bool {
	return goesOn(before) && !beginsItem(line) && beginsWith(line, unicode.IsLower)
}

// midSentence reports whether a break of a wrapped text stands within a sentence.
func midSentence(before, line string, width int, list bool) bool {
	switch {
	case !goesOn(before) || beginsItem(line):
		return false
	case beginsWith(line, unicode.IsLower):
		return utf8.RuneCountInString(before) >= width*3/5
	}
	return !list && !tabular(line) && noRoom(before, line, width)
}

// goesOn reports whether a line may go on: it is no end of a sentence.
func goesOn(line string) bool {
	return line != "" && !tabular(line) && !strings.ContainsAny(line[len(line)-1:], ".!?:;&$#") && !strings.HasSuffix(line, "…")
}

// noRoom reports whether the first word of a line would not have stood on the one
// before.
func noRoom(before, line string, width int) bool {
	word, _, _ := strings.Cut(line, " ")
	return utf8.RuneCountInString(before)+1+utf8.RuneCountInString(word) > width
}

// beginsItem reports whether a line begins a part of its own: with a dash, a star, a
// number, or the dots and signs of weather bulletins.
func beginsItem(line string) bool {
	if strings.HasPrefix(line, ".") || strings.ContainsAny(line[:min(1, len(line))], "-*&$#") || strings.HasPrefix(line, "–") || strings.HasPrefix(line, "•") || strings.HasPrefix(line, "·") {
		return true
	}
	rest := strings.TrimLeftFunc(line, unicode.IsDigit)
	return rest != line && (strings.HasPrefix(rest, ".") || strings.HasPrefix(rest, ")"))
}

// tabular reports whether a line is one of a table: mostly figures.
func tabular(line string) bool {
	words := strings.Fields(line)
	figures := 0
	for _, w := range words {
		if beginsWith(w, unicode.IsDigit) {
			figures++
		}
	}
	return figures >= 4 && figures*2 >= len(words)
}

func beginsWith(s string, is func(rune) bool) bool {
	r, _ := utf8.DecodeRuneInString(s)
	return is(r)
}
