package dashboards

import (
	"bytes"
	"context"
	"crypto"
	"crypto/x509"
	"errors"
	"net/http"
	"strings"
	"time"

	"martinella/alerts"
	"martinella/alerts/cap"
	"martinella/broadcast"
)

// Signing is with what the gateway signs the CAP messages that it publishes: an
// RSA key and the certificate that belongs to it.
type Signing struct {
	Key         crypto.Signer
	Certificate *x509.Certificate
}

// capFile serves a published revision as CAP 1.2, for everybody.
func (s *Server) capFile(w http.ResponseWriter, r *http.Request) {
	name, isXML := strings.CutSuffix(r.PathValue("file"), ".xml")
	id := alerts.ID(name)
	if !isXML || !plausible(id) {
		s.pages.missing(w, r)
		return
	}
	record, err := s.revision(r, id)
	if errors.Is(err, alerts.ErrNotFound) || (err == nil && !broadcast.Public(record)) {
		s.pages.missing(w, r)
		return
	}
	if err != nil {
		s.pages.unable(w, r, err)
		return
	}
	b, err := s.publicCAP(record)
	if err != nil {
		s.internal(w, r, err, nil)
		return
	}
	s.sendFeed(w, r, mediaCAP, b)
}

// publicCAP writes what everybody may see of a record, signed where there is a
// key. A signature costs a millisecond or two, so it is made once: what was
// published never changes.
func (s *Server) publicCAP(record *alerts.Record) ([]byte, error) {
	a := broadcast.PublicAlert(record)
	if s.Signing == nil {
		return s.write(a)
	}
	c := s.feeds.at(place{name: "/cap/", id: string(record.ID)})
	if made := c.ready.Load(); made != nil {
		return made.body.plain, nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if made := c.ready.Load(); made != nil {
		return made.body.plain, nil
	}
	b, err := cap.Writer{DefaultLanguage: s.Authority.Language}.Sign(a, s.Signing.Key, s.Signing.Certificate)
	if err != nil {
		return nil, err
	}
	c.ready.Store(newReady(b))
	return b, nil
}

// revision gives exactly the revision with this id. The event's own id is that
// of its first revision.
func (s *Server) revision(r *http.Request, id alerts.ID) (*alerts.Record, error) {
	if h, found := s.Board.Snapshot().Get(id, time.Now()); found && h.Record.ID == id {
		return h.Record, nil
	}
	ctx, cancel := context.WithTimeout(r.Context(), statusTimeout)
	defer cancel()
	return s.Desk.Store.Get(ctx, id, alerts.Exactly)
}

// capContainer holds whole alerts in an Atom feed, for programs that read many
// at once.
func (s *Server) capContainer(records []*alerts.Record) ([]byte, error) {
	f := atomFeed{ID: s.PublicURL + "/api/v1/alerts", Title: s.Authority.Name, Author: s.Authority.Name, Updated: time.Now().UTC().Format(time.RFC3339),
		Links: []atomLink{{Rel: "self", Type: mediaAtom, Href: s.PublicURL + "/api/v1/alerts"}}}
	for _, r := range records {
		b, err := s.write(r.Alert)
		if err != nil {
			return nil, err
		}
		if _, body, found := bytes.Cut(b, []byte("?>")); found && bytes.HasPrefix(b, []byte("<?xml")) {
			b = body
		}
		at := r.Published
		if at.IsZero() {
			at = r.Received
		}
		f.Entries = append(f.Entries, atomEntry{ID: "urn:ulid:" + string(r.ID), Title: headline(r), Updated: at.UTC().Format(time.RFC3339), Author: r.Author.Name,
			Links: []atomLink{{Rel: "alternate", Type: "text/html", Href: s.pageURL(r)}}, Content: &atomContent{mediaCAP, bytes.TrimSpace(b)}})
	}
	return mustXML(f), nil
}

func headline(r *alerts.Record) string {
	if infos := r.Infos(); len(infos) > 0 {
		if infos[0].Headline != "" {
			return tidy(infos[0].Headline)
		}
		return tidy(infos[0].Event)
	}
	return string(r.Alert.MsgType)
}
