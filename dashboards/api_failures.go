package dashboards

import (
	"encoding/csv"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"martinella/alerts"
	"martinella/broadcast"
)

const mediaCSV = "text/csv"

// failedStates are those of recipients who were not reached, or perhaps not.
var failedStates = []broadcast.State{broadcast.Failed, broadcast.Uncertain, broadcast.Expired, broadcast.Suppressed}

// failedQuery is what the query of a list of failures asks for.
type failedQuery struct {
	states []broadcast.State
	from   uint32
	limit  int // 0: all
}

// maxFailures bounds a page of failures; the default is a tenth of it.
const maxFailures = 10_000

func parseFailedQuery(q url.Values) (failedQuery, error) {
	f := failedQuery{}
	var wrong alerts.Problems
	for name, values := range q {
		if len(values) > 1 && name != "state" {
			wrong = append(wrong, alerts.Problem{Field: name, Problem: "is given more than once", Hint: "give it once"})
			continue
		}
		switch name {
		case "state":
			for _, v := range values {
				i := slices.IndexFunc(failedStates, func(s broadcast.State) bool { return s.String() == v })
				if i < 0 {
					wrong = append(wrong, alerts.Problem{Field: "state", Problem: "is not a state of who was not reached", Hint: "one of failed, uncertain, expired, suppressed"})
					continue
				}
				f.states = append(f.states, failedStates[i])
			}
		case "from":
			n, err := strconv.ParseUint(values[0], 10, 32)
			if err != nil {
				wrong = append(wrong, alerts.Problem{Field: "from", Problem: "is not an ordinal", Hint: "take next of the page before"})
			}
			f.from = uint32(n)
		case "limit":
			n, err := strconv.Atoi(values[0])
			if err != nil || n < 1 || n > maxFailures {
				wrong = append(wrong, alerts.Problem{Field: "limit", Problem: "is not a number from 1 to 10000", Hint: "leave it out for 1000 in JSON, and for all in CSV"})
			}
			f.limit = n
		default:
			wrong = append(wrong, alerts.Problem{Field: name, Problem: "is not a filter", Hint: "the filters are state, from and limit"})
		}
	}
	if len(wrong) > 0 {
		slices.SortFunc(wrong, func(a, b alerts.Problem) int { return strings.Compare(a.Field, b.Field) })
		return f, &alerts.Refusal{Kind: errBadRequest, Problems: wrong}
	}
	if len(f.states) == 0 {
		f.states = []broadcast.State{broadcast.Failed, broadcast.Uncertain}
	}
	return f, nil
}

// failures lists who was not reached on one channel, by ordinal: no number of a
// person and no address is in it.
func (s *Server) failures(w http.ResponseWriter, r *http.Request) {
	form, ok := negotiate(r, offer{media: mediaJSON}, offer{media: mediaCSV})
	if !ok {
		s.fail(w, r, refuse(errNotAcceptable, "Accept", "names no form of a list of failures", "ask for "+mediaJSON+" or "+mediaCSV))
		return
	}
	w.Header().Set("Vary", "Accept")
	query, err := parseFailedQuery(r.URL.Query())
	if err != nil {
		s.fail(w, r, err)
		return
	}
	record, err := s.readable(r, alerts.Published)
	if err == nil {
		err = carries(record, r.PathValue("channel"))
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	if form == mediaCSV {
		s.failuresCSV(w, r, record, query)
		return
	}
	if query.limit == 0 {
		query.limit = maxFailures / 10
	}
	channel := r.PathValue("channel")
	list, next, more, err := s.Outcomes.Failures(r.Context(), record.ID, channel, query.from, query.limit, query.states...)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	var on *uint32
	if more {
		on = &next
	}
	writeJSON(w, http.StatusOK, struct {
		ID       alerts.ID           `json:"id"`
		Event    alerts.ID           `json:"event"`
		Revision int                 `json:"revision"`
		Channel  string              `json:"channel"`
		Failures []broadcast.Failure `json:"failures"`
		Next     *uint32             `json:"next"` // null: this was the last page
	}{record.ID, record.Event, record.Revision, channel, append([]broadcast.Failure{}, list...), on})
}

// failuresCSV streams all of them in pages. Where the store fails in between
// the connection is cut, so that half a list is not taken for the whole.
func (s *Server) failuresCSV(w http.ResponseWriter, r *http.Request, record *alerts.Record, query failedQuery) {
	channel, begun, left := r.PathValue("channel"), false, query.limit
	rows := csv.NewWriter(w)
	rows.UseCRLF = true // RFC 4180
	for from := query.from; ; {
		size := maxFailures / 10
		if left > 0 {
			size = min(size, left)
		}
		list, next, more, err := s.Outcomes.Failures(r.Context(), record.ID, channel, from, size, query.states...)
		if err != nil && !begun {
			s.fail(w, r, err)
			return
		}
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		// A writer without deadlines is not a connection: nobody can hold it.
		_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(slowReader))
		if !begun {
			begun = true
			h := w.Header()
			h.Set("Content-Type", mediaCSV+"; charset=utf-8; header=present")
			h.Set("Content-Disposition", `attachment; filename="failures-`+string(record.ID)+"-"+channel+`.csv"`)
			h.Set("Cache-Control", "no-store")
			_ = rows.Write([]string{"ordinal", "state", "reason", "time"})
		}
		for _, f := range list {
			at := ""
			if f.At != nil {
				at = f.At.UTC().Format(time.RFC3339)
			}
			_ = rows.Write([]string{strconv.FormatUint(uint64(f.Ordinal), 10), f.State, harmless(f.Reason), at})
		}
		rows.Flush()
		if rows.Error() != nil {
			panic(http.ErrAbortHandler)
		}
		if left -= len(list); !more || (query.limit > 0 && left <= 0) {
			return
		}
		from = next
	}
}

// slowReader is how long one write of a long answer may take.
const slowReader = 15 * time.Second

// harmless keeps a spreadsheet from running a platform's words as a formula; some
// take the signs of East Asian keyboards for the same.
func harmless(text string) string {
	if first, _ := utf8.DecodeRuneInString(text); text != "" && strings.ContainsRune("=+-@\t\r\n＝＋－＠", first) {
		return "'" + text
	}
	return text
}
