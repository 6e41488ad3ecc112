package dashboards

import (
	"slices"
	"unicode/utf8"
)

// paperLine is about how many letters stand on a line of the sheet, and
// paperLines how many lines of text stand on it in large letters beside the rest.
const (
	paperLine  = 85
	paperLines = 18
)

// Half of what a letter and a line of a label take on paper, where the map is
// small and its letters are as large as the smallest of the text.
const (
	paperLetter = 7
	paperLabel  = 18
)

// setForPaper says once what several infos have in common, and chooses small
// letters and columns where there is much to say.
func (a *alertPage) setForPaper() {
	a.Card.Also = common(&a.Card)
	if a.Map != nil {
		a.Map.spaced(paperLetter, paperLabel)
	}
	lines := linesOf(a.Card.What) + linesOf(a.Card.Actions) + linesOf(a.Card.All)/2
	for i := range a.Card.Also {
		also := &a.Card.Also[i]
		lines += 3 + linesOf(also.What) + linesOf(also.Actions)
	}
	a.Long = lines > paperLines
}

// linesOf is about how many lines some paragraphs take.
func linesOf(text []words) (n int) {
	for _, p := range text {
		n += 1 + utf8.RuneCountInString(p.Text)/paperLine
	}
	return n
}

// common gives the further infos of a card without what the card says of all: its
// name, headline, areas and time. A text that stands right above is said to do so,
// and an info that says nothing of its own is left out.
func common(c *card) (out []also) {
	above := also{Level: c.Level, Tone: c.Tone, Shape: c.Shape, Name: c.Name, Headline: c.Headline, Where: c.Where, All: c.All, What: c.What, Actions: c.Actions, Until: c.Until}
	whole := []also{above}
	for i := range c.Also {
		one := c.Also[i]
		if slices.ContainsFunc(whole, one.saysAs) {
			continue
		}
		whole = append(whole, one)
		next := one
		if one.Name == c.Name {
			one.Name = words{}
		}
		if one.Headline == c.Headline {
			one.Headline = words{}
		}
		if one.Where == c.Where && slices.Equal(one.All, c.All) {
			one.Where, one.All = words{}, nil
		}
		if one.Until == c.Until {
			one.Until = instant{}
		}
		if len(one.What) > 0 && slices.Equal(one.What, above.What) {
			one.What, one.Again = nil, true
		}
		if len(one.Actions) > 0 && slices.Equal(one.Actions, above.Actions) {
			one.Actions, one.Redo = nil, true
		}
		out, above = append(out, one), next
	}
	return out
}

// saysAs reports whether two infos say the same in the same words.
func (a also) saysAs(b also) bool {
	return a.Level == b.Level && a.Name == b.Name && (a.Headline == b.Headline || a.Headline.Text == "" && b.Headline == b.Name) && a.Where == b.Where && a.Until == b.Until &&
		slices.Equal(a.All, b.All) && slices.Equal(a.What, b.What) && slices.Equal(a.Actions, b.Actions)
}
