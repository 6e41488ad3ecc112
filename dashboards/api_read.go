package dashboards

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"martinella/alerts"
	"martinella/alerts/cap"
	"martinella/broadcast"
)

// The forms in which alerts are read.
const (
	mediaJSON = "application/json"
	mediaGeo  = "application/geo+json"
	mediaCAP  = "application/cap+xml"
	mediaAtom = "application/atom+xml"
)

func alertForm(r *http.Request) (string, error) {
	form, ok := negotiate(r, offer{media: mediaJSON}, offer{media: mediaGeo}, offer{mediaCAP, []string{"application/xml", "text/xml", mediaAtom}})
	if !ok {
		return "", refuse(errNotAcceptable, "Accept", "names no form of an alert", "ask for "+mediaJSON+", "+mediaGeo+" or "+mediaCAP)
	}
	return form, nil
}

func (s *Server) get(w http.ResponseWriter, r *http.Request) {
	form, err := alertForm(r)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	w.Header().Set("Vary", "Accept")
	record, err := s.readable(r, alerts.Newest)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	it, err := s.item(r.Context(), record)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	if !record.State.Published() && record.Revision > 1 {
		if h, err := s.Desk.Store.Get(r.Context(), record.Event, alerts.Published); err == nil {
			it.Head = &head{h.ID, h.Revision, h.State, h.Approved}
		}
	}
	switch form {
	case mediaGeo:
		writeGeo(w, feature(it, record))
	case mediaCAP:
		b, err := s.write(record.Alert)
		if err != nil {
			s.fail(w, r, err)
			return
		}
		writeBytes(w, mediaCAP, b)
	default:
		writeJSON(w, http.StatusOK, it)
	}
}

// readable gets what {id} stands for, if the caller may read it. What it may
// not read does not exist for it.
func (s *Server) readable(r *http.Request, which alerts.Latest) (*alerts.Record, error) {
	record, err := s.Desk.Store.Get(r.Context(), alerts.ID(r.PathValue("id")), which)
	if err != nil {
		return nil, err
	}
	by := callerOf(r)
	if mayRead(by.Person, record) {
		return record, nil
	}
	if which == alerts.Newest {
		return s.readable(r, alerts.Published)
	}
	return nil, alerts.ErrNotFound
}

// write gives the alert in CAP 1.2; an info without a language is in the
// authority's.
func (s *Server) write(a *alerts.Alert) ([]byte, error) {
	return cap.Writer{DefaultLanguage: s.Authority.Language}.Write(a)
}

// listing is what the query of a list asks for.
type listing struct {
	states []alerts.State
	area   string
	since  broadcast.Cursor
	limit  int
}

// maxListed bounds a list; the default is a tenth of it.
const maxListed = 1000

func parseListing(q url.Values) (listing, error) {
	l := listing{limit: maxListed / 10}
	var wrong alerts.Problems
	for name, values := range q {
		if len(values) > 1 && name != "state" {
			wrong = append(wrong, alerts.Problem{Field: name, Problem: "is given more than once", Hint: "give it once"})
			continue
		}
		switch name {
		case "state":
			for _, v := range values {
				if !slices.Contains(alerts.States, alerts.State(v)) {
					wrong = append(wrong, alerts.Problem{Field: "state", Problem: "is not a state", Hint: "for example state=issued"})
				}
				l.states = append(l.states, alerts.State(v))
			}
		case "area":
			l.area = values[0]
		case "since":
			l.since = broadcast.Cursor(values[0])
			if len(values[0]) > 100 {
				wrong = append(wrong, alerts.Problem{Field: "since", Problem: "is not a cursor", Hint: "take it from an earlier answer"})
			}
		case "limit":
			n, err := strconv.Atoi(values[0])
			if err != nil || n < 1 || n > maxListed {
				wrong = append(wrong, alerts.Problem{Field: "limit", Problem: "is not a number from 1 to 1000", Hint: "leave it out for 100"})
			}
			l.limit = n
		default:
			wrong = append(wrong, alerts.Problem{Field: name, Problem: "is not a filter", Hint: "the filters are state, area, since and limit"})
		}
	}
	if len(wrong) > 0 {
		slices.SortFunc(wrong, func(a, b alerts.Problem) int { return strings.Compare(a.Field, b.Field) })
		return l, &alerts.Refusal{Kind: errBadRequest, Problems: wrong}
	}
	return l, nil
}

func (s *Server) list(w http.ResponseWriter, r *http.Request) {
	form, err := alertForm(r)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	w.Header().Set("Vary", "Accept")
	l, err := parseListing(r.URL.Query())
	if err != nil {
		s.fail(w, r, err)
		return
	}
	records, cursor, err := s.listed(r.Context(), callerOf(r).Person, l)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	items := make([]item, len(records))
	for i, record := range records {
		if items[i], err = s.item(r.Context(), record); err != nil {
			s.fail(w, r, err)
			return
		}
	}
	switch form {
	case mediaGeo:
		features := make([]geoFeature, len(records))
		for i, record := range records {
			features[i] = feature(items[i], record)
		}
		writeGeo(w, geoCollection{Type: "FeatureCollection", Features: features, Cursor: string(cursor)})
	case mediaCAP:
		b, err := s.capContainer(records)
		if err != nil {
			s.fail(w, r, err)
			return
		}
		writeBytes(w, mediaAtom, b)
	default:
		writeJSON(w, http.StatusOK, struct {
			Alerts []item `json:"alerts"`
			Cursor string `json:"cursor"`
		}{items, string(cursor)})
	}
}

// listed gives one record for each event, newest first: its newest revision
// that passes the filter and that the caller may read. The cursor is taken
// before, so that nothing falls between this answer and the next one since it.
func (s *Server) listed(ctx context.Context, by alerts.Person, l listing) ([]*alerts.Record, broadcast.Cursor, error) {
	cursor, err := s.Log.Head(ctx)
	if err != nil {
		return nil, "", err
	}
	var since map[alerts.ID]bool
	if l.since != "" {
		if since, err = s.changedSince(ctx, l.since); err != nil {
			return nil, "", err
		}
	}
	records := []*alerts.Record{}
	seen := map[alerts.ID]bool{}
	for record, err := range s.Desk.Store.All(ctx, alerts.Filter{States: l.states}) {
		if err != nil {
			return nil, "", err
		}
		if seen[record.Event] || !mayRead(by, record) || (since != nil && !since[record.ID]) || (l.area != "" && !covers(record, l.area)) {
			continue
		}
		seen[record.Event] = true
		if records = append(records, record); len(records) == l.limit {
			break
		}
	}
	return records, cursor, nil
}

// changedSince gives the revisions that were published after the cursor.
func (s *Server) changedSince(ctx context.Context, after broadcast.Cursor) (map[alerts.ID]bool, error) {
	ids := map[alerts.ID]bool{}
	for {
		entries, err := s.Log.After(ctx, after, 500)
		if errors.Is(err, broadcast.ErrGone) {
			return nil, &alerts.Refusal{Kind: broadcast.ErrGone, Problems: alerts.Problems{{Field: "since", Problem: "is too old or from another log", Hint: "read the list again without since"}}}
		}
		if err != nil {
			return nil, err
		}
		for _, e := range entries {
			ids[e.Record.ID] = true
			after = e.Cursor
		}
		if len(entries) < 500 {
			return ids, nil
		}
	}
}

func writeBytes(w http.ResponseWriter, media string, b []byte) {
	h := w.Header()
	h.Set("Content-Type", media)
	if h.Get("Cache-Control") == "" {
		h.Set("Cache-Control", "no-store")
	}
	_, _ = w.Write(b)
}
