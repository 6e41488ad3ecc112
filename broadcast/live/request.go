package live

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"martinella/alerts"
	"martinella/broadcast"
)

// request is what a client asks for.
type request struct {
	interest
	since broadcast.Cursor
}

// welcome reads what the request asks for. Otherwise it has answered the
// request and gives false.
func (h *Hub) welcome(w http.ResponseWriter, r *http.Request, events bool) (request, bool) {
	if r.Method != http.MethodGet {
		w.Header().Set("Allow", http.MethodGet)
		http.Error(w, "the live feed is read with GET", http.StatusMethodNotAllowed)
		return request{}, false
	}
	if !h.mayOpen(r) {
		h.cfg.Metrics.dropped.WithLabelValues(dropOrigin).Inc()
		http.Error(w, "pages of this origin may not open the live feed", http.StatusForbidden)
		return request{}, false
	}
	q := r.URL.Query()
	// What is kept is copied, or it would keep the whole address with it.
	asked := request{
		interest: interest{strings.Clone(strings.ToLower(strings.TrimSpace(q.Get("area")))), viewBrief, h.language(q.Get("lang")), events},
		since:    broadcast.Cursor(strings.Clone(q.Get("since"))),
	}
	switch q.Get("view") {
	case "", string(viewBrief):
	case string(viewFull):
		asked.view = viewFull
	default:
		http.Error(w, "view is brief or full", http.StatusBadRequest)
		return request{}, false
	}
	if len(asked.area) > 64 {
		http.Error(w, "area is one code of an area", http.StatusBadRequest)
		return request{}, false
	}
	if id := r.Header.Get("Last-Event-ID"); id != "" && events {
		asked.since = broadcast.Cursor(id) // newer than the address, which never changes
	}
	return asked, true
}

// mayOpen keeps foreign pages from opening a socket with a visitor's browser
// (RELIABILITY 12). Programs send no Origin.
func (h *Hub) mayOpen(r *http.Request) bool {
	origin := r.Header.Get("Origin")
	if origin == "" {
		return true
	}
	u, err := url.Parse(origin)
	if err != nil || u.Host == "" {
		return false
	}
	return strings.EqualFold(u.Host, r.Host) || slices.Contains(h.cfg.Origins, strings.ToLower(origin))
}

// language is the one of the configured languages that fits the tag best.
func (h *Hub) language(tag string) string {
	at := slices.Index(h.cfg.Languages, strings.ToLower(tag))
	if at < 0 {
		at = slices.Index(h.cfg.Languages, alerts.PrimaryLanguage(tag))
	}
	return h.cfg.Languages[max(at, 0)]
}
