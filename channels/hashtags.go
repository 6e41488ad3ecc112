package channels

import (
	"slices"
	"strings"
	"unicode"

	"martinella/alerts"
)

// HashtagParameter is the name of the CAP parameter by which the author of an
// alert gives it hashtags of its own, one or several with space between them.
const HashtagParameter = "martinella:hashtag"

// Hashtags is the authority's register of official hashtags: whoever follows
// one of them finds every post of the kind, on every platform, and newsrooms
// and neighbours use the same. It is plain data.
type Hashtags []HashtagEntry

// HashtagEntry is what an event is found by.
type HashtagEntry struct {
	Event    string   `yaml:"event"`    // the event as alerts name it, without regard to case; "": every event
	Language string   `yaml:"language"` // of the tags; "": of every post
	Tags     []string `yaml:"tags"`     // without the sign: allertameteoTOS
}

// mostHashtags bounds the tags of a post: more are read by nobody.
const mostHashtags = 10

// For gives the tags of an alert's wording in a language, those of the author
// first, each once and with its sign, ten at most.
func (h Hashtags) For(info alerts.Info, language string) []string {
	var tags []string
	add := func(word string) {
		if len(tags) == mostHashtags {
			return
		}
		word = "#" + strings.TrimLeft(strings.TrimSpace(word), "#")
		if CheckHashtag(word[1:]) && !slices.ContainsFunc(tags, func(t string) bool { return strings.EqualFold(t, word) }) {
			tags = append(tags, word)
		}
	}
	for _, p := range info.Parameters {
		if strings.EqualFold(p.Name, HashtagParameter) {
			for word := range strings.FieldsSeq(p.Value) {
				add(word)
			}
		}
	}
	for _, e := range h {
		if e.Event != "" && !strings.EqualFold(strings.TrimSpace(info.Event), e.Event) {
			continue
		}
		if e.Language != "" && alerts.PrimaryLanguage(e.Language) != alerts.PrimaryLanguage(language) {
			continue
		}
		for _, word := range e.Tags {
			add(word)
		}
	}
	return tags
}

// CheckHashtag reports whether a word without its sign is a hashtag on every
// platform: letters, marks, figures and underscores, not figures alone, at most
// 50 characters.
func CheckHashtag(word string) bool {
	letters := false
	n := 0
	for _, r := range word {
		n++
		switch {
		case !InHashtag(r):
			return false
		case unicode.IsLetter(r):
			letters = true
		}
	}
	return letters && n <= 50
}

// InHashtag reports whether a character goes on with a hashtag.
func InHashtag(r rune) bool {
	return r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r)
}

// Hashtags gives the tags of the hazard that speaks, then those of the further
// ones, each once and with its sign.
func (c Composed) Hashtags(register Hashtags) []string {
	tags := register.For(c.Top, c.Language)
	for _, other := range c.others {
		for _, tag := range register.For(other.info, c.Language) {
			if !slices.ContainsFunc(tags, func(t string) bool { return strings.EqualFold(t, tag) }) {
				tags = append(tags, tag)
			}
		}
	}
	return tags
}
