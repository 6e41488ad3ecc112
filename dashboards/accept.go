package dashboards

import (
	"net/http"
	"strconv"
	"strings"
)

// offer is one form in which something can be had: its media type and other
// names for it.
type offer struct {
	media string
	also  []string
}

// negotiate chooses the offer that Accept (RFC 9110 section 12.5.1) likes
// best; among equals the first offer. Without an Accept header it is the first
// one. false: none of them is acceptable.
func negotiate(r *http.Request, offers ...offer) (string, bool) {
	header := strings.Join(r.Header.Values("Accept"), ",")
	if strings.TrimSpace(header) == "" {
		return offers[0].media, true
	}
	ranges := parseAccept(header)
	best, bestQ := "", 0.0
	for _, o := range offers {
		q := quality(ranges, o.media)
		for _, name := range o.also {
			q = max(q, quality(ranges, name))
		}
		if q > bestQ {
			best, bestQ = o.media, q
		}
	}
	return best, best != ""
}

type mediaRange struct {
	kind, sub string
	q         float64
}

// parseAccept reads a list of media ranges; what cannot be read is left out.
// Parameters other than q are not looked at.
func parseAccept(header string) []mediaRange {
	var out []mediaRange
	for item := range strings.SplitSeq(header, ",") {
		if len(out) == 50 {
			break // no browser sends more
		}
		media, params, _ := strings.Cut(item, ";")
		kind, sub, found := strings.Cut(strings.ToLower(strings.TrimSpace(media)), "/")
		if !found || kind == "" || sub == "" {
			continue
		}
		out = append(out, mediaRange{kind, sub, qValue(params)})
	}
	return out
}

// qValue reads the q of RFC 9110 section 12.4.2; 1 without one, 0 for
// nonsense.
func qValue(params string) float64 {
	for p := range strings.SplitSeq(params, ";") {
		name, value, found := strings.Cut(strings.TrimSpace(p), "=")
		if !found || !strings.EqualFold(strings.TrimSpace(name), "q") {
			continue
		}
		q, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
		if err != nil || !(q >= 0 && q <= 1) {
			return 0
		}
		return q
	}
	return 1
}

// quality is that of the most specific range that fits.
func quality(ranges []mediaRange, media string) float64 {
	kind, sub, _ := strings.Cut(media, "/")
	q, specific := 0.0, -1
	for _, m := range ranges {
		rank := -1
		switch {
		case m.kind == kind && m.sub == sub:
			rank = 2
		case m.kind == kind && m.sub == "*":
			rank = 1
		case m.kind == "*" && m.sub == "*":
			rank = 0
		}
		if rank > specific {
			q, specific = m.q, rank
		}
	}
	return q
}
