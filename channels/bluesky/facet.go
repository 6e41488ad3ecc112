package bluesky

import (
	"net/url"
	"regexp"
	"strings"
	"unicode"

	"github.com/rivo/uniseg"
)

// facet says what a part of a text is: without it a link is not one
// (docs.bsky.app, links, mentions and rich text; lexicon app.bsky.richtext.facet).
type facet struct {
	Index    span      `json:"index"`
	Features []feature `json:"features"`
}

// span is counted in bytes of UTF-8.
type span struct {
	Start int `json:"byteStart"`
	End   int `json:"byteEnd"`
}

type feature struct {
	Type string `json:"$type"`
	URI  string `json:"uri,omitempty"`
	Tag  string `json:"tag,omitempty"`
}

const (
	facetLink = "app.bsky.richtext.facet#link"
	facetTag  = "app.bsky.richtext.facet#tag"
)

// facets finds the links and hashtags of a text by the rules of Bluesky's own
// clients: a link begins a word or stands after a bracket, a hashtag begins a
// word. Two things differ: a name without https:// is a link only if it begins
// with www., because a full stop without a space after it would lead readers to
// a stranger's page; and nothing begins or ends within a grapheme.
func facets(text string) []facet {
	var out []facet
	var ends map[int]bool // where graphemes begin and end
	add := func(start, end int, f feature) {
		if ends == nil {
			ends = boundaries(text)
		}
		if start < end && ends[start] && ends[end] {
			out = append(out, facet{span{start, end}, []feature{f}})
		}
	}
	for start, word := range words(text) {
		if begin, tag := hashtag(word); tag != "" {
			add(start, start+begin+len(tag), feature{Type: facetTag, Tag: tag})
		} else if begin, end, uri := link(word); uri != "" {
			add(start+begin, start+end, feature{Type: facetLink, URI: uri})
		}
	}
	return out
}

// words gives the words of a text and where each begins.
func words(text string) func(func(int, string) bool) {
	return func(yield func(int, string) bool) {
		start := -1
		for i, r := range text {
			switch space := unicode.IsSpace(r) || r == '\ufeff'; {
			case space && start >= 0:
				if !yield(start, text[start:i]) {
					return
				}
				start = -1
			case !space && start < 0:
				start = i
			}
		}
		if start >= 0 {
			yield(start, text[start:])
		}
	}
}

func boundaries(text string) map[int]bool {
	at := map[int]bool{0: true, len(text): true}
	rest, state := text, -1
	for rest != "" {
		_, rest, _, state = uniseg.FirstGraphemeClusterInString(rest, state)
		at[len(text)-len(rest)] = true
	}
	return at
}

// mostTag is how long a hashtag may be, without its sign: 64 graphemes, 640
// bytes (lexicon app.bsky.richtext.facet).
const (
	mostTag      = 64
	mostTagBytes = 640
)

// hashtag gives the tag that a word is, and how many bytes its sign has.
func hashtag(word string) (sign int, tag string) {
	for _, s := range []string{"#", "＃"} {
		if rest, ok := strings.CutPrefix(word, s); ok {
			sign, tag = len(s), rest
		}
	}
	if strings.HasPrefix(tag, "\ufe0f") { // the emoji of the sign
		return 0, ""
	}
	if i := strings.IndexFunc(tag, invisible); i >= 0 {
		tag = tag[:i]
	}
	tag = strings.TrimRightFunc(tag, unicode.IsPunct)
	says := strings.ContainsFunc(tag, func(r rune) bool { return (r < '0' || r > '9') && !unicode.IsPunct(r) })
	if !says || len(tag) > mostTagBytes || uniseg.GraphemeClusterCount(tag) > mostTag {
		return 0, ""
	}
	return sign, tag
}

// invisible characters end a hashtag.
func invisible(r rune) bool {
	return r == '\u00ad' || r == '\u2060' || r >= '\u200a' && r <= '\u200d' || r == '\u20e2'
}

var linkStart = regexp.MustCompile(`(?i)(?:^|\()(?:https?://|www\.[a-z0-9-]+\.)[^\s/]`)

// link finds the link in a word. What ends the sentence is no part of it.
func link(word string) (begin, end int, uri string) {
	at := linkStart.FindStringIndex(word)
	if at == nil {
		return 0, 0, ""
	}
	begin, end = at[0], len(word)
	if word[begin] == '(' {
		begin++
	}
	for trimmed := true; trimmed; {
		was := end
		end = begin + len(strings.TrimRight(word[begin:end], ".,;:!?\"'»”’"))
		if strings.HasSuffix(word[begin:end], ")") && !strings.Contains(word[begin:end], "(") {
			end--
		}
		trimmed = end < was
	}
	uri = word[begin:end]
	if !strings.HasPrefix(strings.ToLower(uri), "http") {
		uri = "https://" + uri
	}
	if u, err := url.Parse(uri); err != nil || u.Host == "" || len(uri) > 8<<10 {
		return 0, 0, ""
	}
	return begin, end, uri
}
