package dashboards

import (
	"net/http"
	"strconv"
	"strings"
)

// asked is what the address of a page says beside its path.
type asked struct {
	lang    string
	part    bool   // its live part alone
	bare    bool   // the script names the language; the reader did not
	cursor  string // what the reader knows already
	refresh string
}

// askedOf reads the query. Ten thousand pages ask at once, so the usual one,
// with nothing escaped, is read without a map.
func askedOf(r *http.Request) asked {
	raw := r.URL.RawQuery
	if raw == "" {
		return asked{}
	}
	get := func(name string) string { return plainValue(raw, name) }
	if strings.ContainsAny(raw, "%+;") || len(raw) > 1000 {
		get = r.URL.Query().Get
	}
	return asked{lang: get("lang"), part: get("part") == "live", bare: get("bare") != "", cursor: get("v"), refresh: get("refresh")}
}

// plainValue is Get of url.Values for a query in which nothing is escaped.
func plainValue(raw, name string) string {
	for raw != "" {
		var pair string
		pair, raw, _ = strings.Cut(raw, "&")
		if key, value, _ := strings.Cut(pair, "="); key == name {
			return value
		}
	}
	return ""
}

// refresh reads ?refresh=60, for who wants the page to load itself again
// without JavaScript.
func refresh(asked string) int {
	if asked == "" {
		return 0
	}
	n, err := strconv.Atoi(asked)
	if err != nil || n < 30 || n > 3600 {
		return 0
	}
	return n
}
