package dashboards

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/http"
	"time"

	"martinella/alerts"
	"martinella/channels"
)

// cardsAtOnce is how many pictures of alerts are drawn for strangers at a time;
// each takes some tens of milliseconds, and is remembered by who draws it.
const cardsAtOnce = 2

// card answers with the picture that other sites show beside a link to the alert.
func (p *pages) card(w http.ResponseWriter, r *http.Request) {
	id := alerts.ID(r.PathValue("id"))
	if p.s.Cards == nil || !plausible(id) {
		p.missing(w, r)
		return
	}
	h, err := p.find(r, p.s.Board.Snapshot(), id, time.Now())
	if err != nil {
		p.lost(w, r, err)
		return
	}
	select {
	case p.s.drawing <- struct{}{}:
		defer func() { <-p.s.drawing }()
	case <-r.Context().Done():
		return // the reader has left
	}
	tag := p.locales.of(r, askedOf(r).lang).Tag
	b, err := p.s.Cards.Card(h.Record, p.s.cardLanguage(h.Record, tag))
	if err != nil {
		p.unable(w, r, err)
		return
	}
	sum := sha256.Sum256(b)
	head := w.Header()
	head["Content-Type"] = []string{mediaPNG}
	head["Cache-Control"] = shortly
	head.Set("ETag", `"`+base64.RawURLEncoding.EncodeToString(sum[:12])+`"`)
	if r.Header.Get("If-None-Match") == head.Get("ETag") {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	head.Set("Content-Length", itoa(len(b)))
	_, _ = w.Write(b)
}

// lost answers where an event cannot be found, or the store cannot say.
func (p *pages) lost(w http.ResponseWriter, r *http.Request, err error) {
	if errors.Is(err, alerts.ErrNotFound) {
		p.missing(w, r)
		return
	}
	p.unable(w, r, err)
}

// cardLanguage is that of a record's languages that is nearest to the wish.
func (s *Server) cardLanguage(r *alerts.Record, wish string) string {
	return channels.Closest(channels.Languages(r, channels.Settings{Language: s.Authority.Language}), wish)
}
