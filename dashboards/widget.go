package dashboards

import (
	_ "embed"
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
)

// widgetSource is the custom element that other sites load from us. It stands
// under an address that never changes, so it is not one of the assets.
//
//go:embed widget/alerts.js
var widgetSource string

// originForm is scheme and host, as a content security policy has them: nothing
// else may come into it.
var originForm = regexp.MustCompile(`^https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?$`)

// Origin reports whether s is scheme and host of a site and nothing else, as
// [Config].EmbedOrigins has them.
func Origin(s string) bool { return originForm.MatchString(s) }

// newWidget puts the words of all languages into the element.
func newWidget(ls *locales) *ready {
	words := map[string]map[string]string{}
	for _, tag := range ls.tags {
		l := ls.all[tag]
		words[tag] = map[string]string{
			"label": l.must("feeds_label", "Name", "{N}"), "stopped": l.must("feeds_stopped"), "away": l.must("feeds_away"), "calm": l.must("feeds_calm", "Time", "{T}"),
			"more": l.must("feeds_more", "N", "{N}"), "lapsed": l.must("feeds_lapsed"), "exercise": l.lex.Exercise,
		}
	}
	source := widgetSource
	for mark, v := range map[string]any{"/*WORDS*/{}": words, "/*SHAPES*/{}": shapePaths} {
		b, _ := json.Marshal(v) // maps of strings always marshal
		source = strings.Replace(source, mark, string(b), 1)
	}
	return newReady([]byte(source))
}

// widgetJS serves the element to every site. Its address stays, so browsers ask
// again after five minutes.
func (s *Server) widgetJS(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h["Access-Control-Allow-Origin"] = everyOrigin
	h.Set("Cross-Origin-Resource-Policy", "cross-origin")
	h.Set("Cache-Control", "max-age=300, stale-while-revalidate=3600")
	h["Vary"] = byEncoding
	h["Etag"] = s.widget.etag
	if matches(r.Header.Get("If-None-Match"), s.widget.etag[0]) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	h.Set("Content-Type", "text/javascript; charset=utf-8")
	s.widget.body.write(w, r, http.StatusOK)
}
