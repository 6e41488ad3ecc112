package provider

import (
	"slices"
	"strconv"
	"strings"

	"martinella/channels"
)

// rule is a [Rule] that has been read.
type rule struct {
	statuses statuses
	codes    words
	verdict  channels.Verdict
}

func (r rule) fits(status int, code string) bool {
	return (len(r.statuses) == 0 || r.statuses.has(status)) && (len(r.codes) == 0 || r.codes.has(code))
}

// statuses are spans of HTTP statuses.
type statuses [][2]int

func (s statuses) has(status int) bool {
	return slices.ContainsFunc(s, func(span [2]int) bool { return status >= span[0] && status <= span[1] })
}

// parseStatuses reads "400", "4xx", "500-503", several with commas.
func parseStatuses(s string) (statuses, bool) {
	if strings.TrimSpace(s) == "" {
		return nil, true
	}
	var all statuses
	for part := range strings.SplitSeq(s, ",") {
		part = strings.ToLower(strings.TrimSpace(part))
		first, last, spans := strings.Cut(part, "-")
		switch {
		case len(part) == 3 && strings.HasSuffix(part, "xx"):
			first, last = part[:1]+"00", part[:1]+"99"
		case !spans:
			last = first
		}
		from, err := strconv.Atoi(first)
		to, err2 := strconv.Atoi(last)
		if err != nil || err2 != nil || from < 100 || to > 599 || from > to {
			return nil, false
		}
		all = append(all, [2]int{from, to})
	}
	return all, true
}

// words are values with commas between them; * at the end is any ending.
type words []string

func parseWords(s string) words {
	var all words
	for part := range strings.SplitSeq(s, ",") {
		if part = strings.TrimSpace(part); part != "" {
			all = append(all, part)
		}
	}
	return all
}

func (w words) has(v string) bool {
	return slices.ContainsFunc(w, func(one string) bool {
		if start, open := strings.CutSuffix(one, "*"); open {
			return v != "" && strings.HasPrefix(v, start)
		}
		return one == v
	})
}
