package dashboards

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"time"

	"go.uber.org/zap"

	"martinella/alerts"
	"martinella/alerts/ledger"
)

// ledgerHead answers with the newest signed head, a note that anybody may keep.
func (s *Server) ledgerHead(w http.ResponseWriter, r *http.Request) {
	head, err := s.Acts.Head(r.Context())
	if err != nil {
		s.fail(w, r, err)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("Access-Control-Allow-Origin", "*")
	_, _ = w.Write(head.Note)
}

// ledgerReader refuses who may read only what concerns themselves: the ledger
// tells what everybody did.
func (s *Server) ledgerReader(w http.ResponseWriter, r *http.Request) bool {
	if readsAll(callerOf(r).Person) {
		return true
	}
	s.fail(w, r, refuse(alerts.ErrForbidden, "key", "may not read what others did", "use a key made with --can read"))
	return false
}

// ledgerExport writes the whole ledger, as `martinella ledger verify` reads it.
// Signing its entries is work: one export at a time.
func (s *Server) ledgerExport(w http.ResponseWriter, r *http.Request) {
	if !s.ledgerReader(w, r) {
		return
	}
	select {
	case s.exporting <- struct{}{}:
		defer func() { <-s.exporting }()
	default:
		s.fail(w, r, refuse(errExporting, "export", "somebody else reads it at this moment", "ask again when that has ended"))
		return
	}
	head, err := s.Acts.Head(r.Context())
	if err != nil {
		s.fail(w, r, err)
		return
	}
	h := w.Header()
	h.Set("Content-Type", ledger.Media)
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Disposition", `attachment; filename="ledger-`+s.Authority.Slug+"-"+strconv.FormatInt(head.Size, 10)+`.jsonl"`)
	out := &patient{w, http.NewResponseController(w)}
	if err := ledger.Write(out, s.Acts.Key(), head, s.Acts.Entries(r.Context(), head.Size)); err != nil {
		if r.Context().Err() == nil {
			s.Logger.Warn("the export of the ledger ended early", zap.Error(err))
		}
		panic(http.ErrAbortHandler) // half an export must not look like a whole one
	}
}

// patient writes to somebody who reads, however long the whole takes, and gives
// up on who does not.
type patient struct {
	http.ResponseWriter
	conn *http.ResponseController
}

func (p *patient) Write(b []byte) (int, error) {
	_ = p.conn.SetWriteDeadline(time.Now().Add(slowReader)) // a writer without deadlines is not a connection
	return p.ResponseWriter.Write(b)
}

// ledgerEntry answers with one act and the proof that it is in the tree of a
// signed head.
func (s *Server) ledgerEntry(w http.ResponseWriter, r *http.Request) {
	if !s.ledgerReader(w, r) {
		return
	}
	n, err := strconv.ParseInt(r.PathValue("n"), 10, 64)
	if err != nil {
		s.fail(w, r, refuse(errBadRequest, "n", "is not the number of an entry", "entries are numbered 1, 2, ..."))
		return
	}
	p, err := s.Acts.Prove(r.Context(), n)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	path := make([]string, len(p.Path))
	for i, hash := range p.Path {
		path[i] = hash.String()
	}
	var act json.RawMessage
	if json.Valid(p.Entry.Text) {
		act = p.Entry.Text
	}
	writeJSON(w, http.StatusOK, struct {
		N     int64           `json:"n"`
		Act   json.RawMessage `json:"act"`
		Text  string          `json:"text"`
		Sig   string          `json:"sig"`
		Leaf  string          `json:"leaf"`
		Proof []string        `json:"proof"`
		Head  string          `json:"head"`
		Whole bool            `json:"whole"`
	}{n, act, base64.StdEncoding.EncodeToString(p.Entry.Text), base64.StdEncoding.EncodeToString(p.Entry.Sig), p.Entry.Leaf.String(), path, string(p.Head.Note), p.Check() == nil})
}

// ledgerList answers with the newest acts that pass a filter, a page at a time.
func (s *Server) ledgerList(w http.ResponseWriter, r *http.Request) {
	if !s.ledgerReader(w, r) {
		return
	}
	q := r.URL.Query()
	f, wrong := parseActFilter(q, s.Zone)
	for name, values := range q {
		switch {
		case !slices.Contains([]string{"person", "verb", "day", "event", "before"}, name):
			wrong = append(wrong, alerts.Problem{Field: name, Problem: "is not a filter", Hint: "the filters are person, verb, day, event and before"})
		case len(values) > 1:
			wrong = append(wrong, alerts.Problem{Field: name, Problem: "is given more than once", Hint: "give it once"})
		}
	}
	if len(wrong) > 0 {
		s.fail(w, r, &alerts.Refusal{Kind: errBadRequest, Problems: wrong})
		return
	}
	names, err := s.actNames(r.Context())
	if err != nil {
		s.fail(w, r, err)
		return
	}
	got, err := s.searchActs(r.Context(), f, names, actsShown, actsSearched, nil)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	entries := make([]entryJSON, len(got.acts))
	for i, one := range got.acts {
		entries[i] = entryOf(one)
	}
	var next *int64
	if got.next > 0 {
		next = &got.next
	}
	writeJSON(w, http.StatusOK, struct {
		Entries []entryJSON `json:"entries"`
		Next    *int64      `json:"next"` // null: there are no older ones
	}{entries, next})
}
