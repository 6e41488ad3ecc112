package live

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"martinella/alerts"
	"martinella/broadcast"
)

// welcome reads what the request asks for. Otherwise it has answered the
// request and gives nil.
func (h *Hub) welcome(w http.ResponseWriter, r *http.Request, transport string) *client {
	if r.Method != http.MethodGet {
		w.Header().Set("Allow", http.MethodGet)
		http.Error(w, "the live feed is read with GET", http.StatusMethodNotAllowed)
		return nil
	}
	if !h.mayOpen(r) {
		h.cfg.Metrics.dropped.WithLabelValues(dropOrigin).Inc()
		http.Error(w, "pages of this origin may not open the live feed", http.StatusForbidden)
		return nil
	}
	q := r.URL.Query()
	c := &client{
		transport: transport,
		since:     broadcast.Cursor(q.Get("since")),
		area:      strings.TrimSpace(q.Get("area")),
		view:      viewBrief,
		lang:      h.language(q.Get("lang")),
		wake:      make(chan struct{}, 1),
	}
	switch q.Get("view") {
	case "", string(viewBrief):
	case string(viewFull):
		c.view = viewFull
	default:
		http.Error(w, "view is brief or full", http.StatusBadRequest)
		return nil
	}
	if len(c.area) > 64 {
		http.Error(w, "area is one code of an area", http.StatusBadRequest)
		return nil
	}
	if id := r.Header.Get("Last-Event-ID"); id != "" && transport == sse {
		c.since = broadcast.Cursor(id) // newer than the address, which never changes
	}
	c.ctx, c.cancel = context.WithCancel(r.Context())
	return c
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
	tag = strings.ToLower(tag)
	if slices.Contains(h.cfg.Languages, tag) {
		return tag
	}
	if primary := alerts.PrimaryLanguage(tag); slices.Contains(h.cfg.Languages, primary) {
		return primary
	}
	return h.cfg.Languages[0]
}
