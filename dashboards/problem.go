package dashboards

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"go.uber.org/zap"

	"martinella/alerts"
	"martinella/alerts/cap"
	"martinella/alerts/ledger"
	"martinella/broadcast"
)

// problem is an error for programs: RFC 9457, with everything that is wrong at
// once.
type problem struct {
	Type     string          `json:"type"`
	Title    string          `json:"title"`
	Status   int             `json:"status"`
	Detail   string          `json:"detail,omitempty"`
	Instance string          `json:"instance,omitempty"` // of an internal error: names it in the log
	Problems alerts.Problems `json:"problems"`
}

// answers is the one table from an error to a status. The first line that
// matches counts; what is not here is a 500 and its text stays in the log.
var answers = []struct {
	err    error
	status int
	reason string // of alerts_refused_total
	title  string
}{
	{cap.ErrTooLarge, http.StatusRequestEntityTooLarge, "too_large", "the message is too large"},
	{cap.ErrMalformed, http.StatusBadRequest, "malformed", "the message is not well-formed"},
	{cap.ErrUnsafe, http.StatusBadRequest, "unsafe", "the message holds what is never needed in an alert"},
	{errBadRequest, http.StatusBadRequest, "malformed", "the request cannot be read"},
	{errMediaType, http.StatusUnsupportedMediaType, "media_type", "the media type is not supported"},
	{errNotAcceptable, http.StatusNotAcceptable, "not_acceptable", "there is no such form of it"},
	{alerts.ErrForbidden, http.StatusForbidden, "forbidden", "not allowed"},
	{alerts.ErrSecondPerson, http.StatusForbidden, "second_person", "a second person must approve this alert"},
	{alerts.ErrStepUp, http.StatusForbidden, "step_up", "who acts must prove again who they are"},
	{alerts.ErrConflict, http.StatusConflict, "conflict", "the same identifier was used with other content"},
	{alerts.ErrStale, http.StatusConflict, "stale", "the alert has changed since it was read"},
	{alerts.ErrInvalid, http.StatusUnprocessableEntity, "invalid", "the alert is not valid"},
	{alerts.ErrNotSendable, http.StatusUnprocessableEntity, "not_sendable", "the alert cannot be sent"},
	{alerts.ErrNotFound, http.StatusNotFound, "not_found", "no such alert"},
	{broadcast.ErrForgotten, http.StatusGone, "gone", "what became of single recipients is no longer kept"},
	{broadcast.ErrGone, http.StatusGone, "gone", "the cursor is too old"},
	{alerts.ErrNotDurable, http.StatusServiceUnavailable, "not_durable", "not_durable: the store does not keep what it is given"},
	{alerts.ErrUnavailable, http.StatusServiceUnavailable, "unavailable", "the store does not answer"},
	{errBusy, http.StatusServiceUnavailable, "unavailable", "too many signatures are being verified"},
	{errExporting, http.StatusServiceUnavailable, "unavailable", "the ledger is being exported"},
	{ledger.ErrBroken, http.StatusInternalServerError, "internal", "the ledger was changed behind the gateway's back"},
	{context.DeadlineExceeded, http.StatusServiceUnavailable, "unavailable", "the store does not answer in time"},
	{context.Canceled, http.StatusServiceUnavailable, "unavailable", "the request was given up"},
}

// otherReasons are given without an error of the table.
var otherReasons = []string{"unauthorized", "rate_limited", "internal"}

// The errors of this package's own.
var (
	errBadRequest    = errors.New("the request cannot be read")
	errMediaType     = errors.New("the media type is not supported")
	errNotAcceptable = errors.New("there is no such form of it")
	errBusy          = errors.New("too many signatures are being verified")
	errExporting     = errors.New("the ledger is being exported")
)

// refuse builds one of the errors above with one problem.
func refuse(kind error, field, what, hint string) error {
	return &alerts.Refusal{Kind: kind, Problems: alerts.Problems{{Field: field, Problem: what, Hint: hint}}}
}

// defaultRetry is what Retry-After says where nobody knows better: an embedded
// store is back within seconds.
const defaultRetry = 3 * time.Second

// fail answers with the status of the error.
func (s *Server) fail(w http.ResponseWriter, r *http.Request, err error) {
	for _, a := range answers {
		if !errors.Is(err, a.err) {
			continue
		}
		p := problem{Title: a.title, Status: a.status, Problems: alerts.Problems{}}
		retry := defaultRetry
		if refusal, ok := errors.AsType[*alerts.Refusal](err); ok {
			p.Problems = append(p.Problems, refusal.Problems...)
			if refusal.Retry > 0 {
				retry = refusal.Retry
			}
		} else if cut, found := strings.CutPrefix(err.Error(), a.err.Error()+": "); found && a.status == http.StatusBadRequest || a.status == http.StatusRequestEntityTooLarge {
			p.Detail = cut // what the reader of the message found, made for its sender
			p.Problems = alerts.Problems{{Field: "alert", Problem: cut, Hint: "mend the message and send it again"}}
		}
		if a.status == http.StatusServiceUnavailable {
			w.Header().Set("Retry-After", seconds(retry))
			s.Logger.Warn("request not served", zap.String("route", r.Pattern), zap.Error(err))
		}
		s.metrics.refused(a.reason)
		writeProblem(w, p)
		return
	}
	s.internal(w, r, err, nil)
}

// internal answers what must not happen: the sender learns a number, the log
// the rest.
func (s *Server) internal(w http.ResponseWriter, r *http.Request, err error, stack []byte) {
	incident := rand.Text()[:12]
	s.Logger.Error("internal error", zap.String("incident", incident), zap.String("route", r.Pattern), zap.Error(err), zap.ByteString("stack", stack))
	s.metrics.refused("internal")
	writeProblem(w, problem{Title: "internal error", Status: http.StatusInternalServerError,
		Detail: "it was written to the log under this number", Instance: "urn:martinella:incident:" + incident, Problems: alerts.Problems{}})
}

func (s *Server) unauthorized(w http.ResponseWriter, detail string) {
	s.metrics.refused("unauthorized")
	w.Header().Set("WWW-Authenticate", `Bearer realm="martinella"`)
	writeProblem(w, problem{Title: "not authenticated", Status: http.StatusUnauthorized, Detail: detail,
		Problems: alerts.Problems{{Field: "authorization", Problem: detail, Hint: "send Authorization: Bearer mk_... with a key made by martinella keys create"}}})
}

func (s *Server) tooMany(w http.ResponseWriter, wait time.Duration, detail string) {
	s.metrics.refused("rate_limited")
	w.Header().Set("Retry-After", seconds(wait))
	writeProblem(w, problem{Title: "too many requests", Status: http.StatusTooManyRequests, Detail: detail, Problems: alerts.Problems{}})
}

// seconds writes a Retry-After, at least 1.
func seconds(d time.Duration) string {
	return strconv.Itoa(max(1, int(math.Ceil(d.Seconds()))))
}

func writeProblem(w http.ResponseWriter, p problem) {
	if p.Type == "" {
		p.Type = "about:blank"
	}
	h := w.Header()
	h.Set("Content-Type", "application/problem+json")
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(p.Status)
	b, _ := json.Marshal(p)
	_, _ = w.Write(append(b, '\n'))
}

// recovered turns a panic into a 500, so that one request cannot end the
// gateway. A panic that net/http uses itself passes.
func (s *Server) recovered(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			if p := recover(); p != nil {
				if p == http.ErrAbortHandler { //nolint:errorlint // net/http compares it like this
					panic(p)
				}
				s.metrics.panics.Inc()
				s.internal(w, r, fmt.Errorf("panic: %v", p), debug.Stack())
			}
		}()
		next.ServeHTTP(w, r)
	})
}

// unknown answers paths and methods that do not exist: below /api as the API
// answers everything; the pages have their own. It is what mux has for the rest.
func (s *Server) unknown(mux *http.ServeMux) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		allowed := allowedMethods(mux, r)
		isAPI := r.URL.Path == "/api" || strings.HasPrefix(r.URL.Path, "/api/")
		switch {
		case len(allowed) > 0:
			w.Header().Set("Allow", strings.Join(allowed, ", "))
			if !isAPI && wantsPage(r) {
				l := s.pages.locales.of(r, askedOf(r).lang)
				s.pages.say(w, r, http.StatusMethodNotAllowed, l, l.must("not_a_form_title"), l.must("not_a_form_text"))
				return
			}
			writeProblem(w, problem{Title: "method not allowed", Status: http.StatusMethodNotAllowed, Detail: "this path answers " + strings.Join(allowed, ", "), Problems: alerts.Problems{}})
		case isAPI:
			writeProblem(w, problem{Title: "no such path", Status: http.StatusNotFound, Detail: "the paths are listed at /api/v1/openapi.json", Problems: alerts.Problems{}})
		default:
			s.pages.missing(w, r)
		}
	}
}

// wantsPage reports whether a browser asks, which shows its reader what it gets.
func wantsPage(r *http.Request) bool {
	return strings.Contains(r.Header.Get("Accept"), "text/html")
}

// theRest is the pattern of what no other pattern has.
const theRest = "/"

func allowedMethods(mux *http.ServeMux, r *http.Request) []string {
	var out []string
	for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPost} {
		probe := &http.Request{Method: method, URL: r.URL, Host: r.Host}
		if _, pattern := mux.Handler(probe); pattern != theRest && pattern != "" {
			out = append(out, method)
		}
	}
	return out
}
