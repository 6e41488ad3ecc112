package dashboards

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"os"
	"reflect"
	"strconv"
	"strings"
	"time"

	"martinella/alerts/cap"
)

// limitsOf gives the bounds of a sender's messages.
func (s *Server) limitsOf(person string) cap.Limits {
	if l, known := s.Sources[person]; known {
		return l
	}
	return s.Limits
}

// bodyTime is how long a request may take to arrive after its headers: an
// alert of 256 KiB comes over a poor mobile line in that time.
const bodyTime = 10 * time.Second

// hurried bounds the arrival of every request's body, also of those that
// nobody reads: before the next request net/http waits for their end, so a
// stranger who announces a body and sends none would hold the connection for
// ever. It gives no time to handlers: net/http takes the bound off once a body
// has come, and a request without one has none.
func (s *Server) hurried(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Body != http.NoBody {
			// A writer without deadlines is not a connection: nobody can hold it.
			_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(s.bodyTime))
		}
		next.ServeHTTP(w, r)
	})
}

// readBody reads a body of at most max bytes; cap.ErrTooLarge for a longer
// one.
func (s *Server) readBody(w http.ResponseWriter, r *http.Request, max int) ([]byte, error) {
	tooLarge := fmt.Errorf("%w: at most %d bytes", cap.ErrTooLarge, max)
	if r.ContentLength > int64(max) {
		return nil, tooLarge
	}
	var buf bytes.Buffer
	if r.ContentLength > 0 {
		buf.Grow(int(r.ContentLength) + bytes.MinRead)
	}
	_, err := buf.ReadFrom(http.MaxBytesReader(w, r.Body, int64(max)))
	var over *http.MaxBytesError
	switch {
	case errors.As(err, &over):
		return nil, tooLarge
	case errors.Is(err, os.ErrDeadlineExceeded):
		return nil, refuse(errBadRequest, "body", "did not arrive within "+s.bodyTime.String(), "send it again over a better line")
	case err != nil:
		return nil, refuse(errBadRequest, "body", "ended before its announced length", "send it again")
	}
	return buf.Bytes(), nil
}

// alertBody reads a submitted alert: its bytes and whether they are JSON. A
// charset of the header (RFC 7303) holds for XML that declares none itself.
func (s *Server) alertBody(w http.ResponseWriter, r *http.Request) (raw, message []byte, isJSON bool, err error) {
	isJSON, charset, err := alertType(r.Header.Get("Content-Type"))
	if err != nil {
		w.Header().Set("Accept-Post", "application/cap+xml, application/json")
		return nil, nil, false, err
	}
	c := callerOf(r)
	raw, err = s.readBody(w, r, s.limitsOf(c.ID).Bytes)
	if err != nil {
		return nil, nil, false, err
	}
	if len(bytes.TrimSpace(raw)) == 0 {
		return nil, nil, false, refuse(errBadRequest, "body", "is empty", "send one CAP alert")
	}
	message = raw
	if charset != "" && !bytes.HasPrefix(raw, []byte("<?xml")) {
		message = append([]byte(`<?xml version="1.0" encoding="`+charset+`"?>`), raw...)
	}
	return raw, message, isJSON, nil
}

// alertType tells XML from JSON by the Content-Type; charset is set only where
// it is not UTF-8.
func alertType(contentType string) (isJSON bool, charset string, err error) {
	unsupported := refuse(errMediaType, "Content-Type", "is not that of an alert", "send application/cap+xml or application/json")
	media, params, err := mime.ParseMediaType(contentType)
	if err != nil {
		return false, "", unsupported
	}
	switch media {
	case "application/json":
		isJSON = true
	case "application/cap+xml", "application/xml", "text/xml":
	default:
		return false, "", unsupported
	}
	switch charset = strings.ToLower(params["charset"]); charset {
	case "", "utf-8", "utf8", "us-ascii":
		return isJSON, "", nil
	case "iso-8859-1", "windows-1252":
		if !isJSON {
			return false, charset, nil
		}
	}
	return false, "", refuse(errMediaType, "Content-Type", "names a charset that is not read", "send UTF-8")
}

// maxDecision bounds the body of an act of the desk.
const maxDecision = 64 << 10

// decode reads a small JSON object into v. Unknown fields are refused: a
// misspelt "digest" must not pass for none.
func (s *Server) decode(w http.ResponseWriter, r *http.Request, v any) error {
	return s.decodeMost(w, r, v, maxDecision)
}

// decodeMost is decode for a body of at most so many bytes.
func (s *Server) decodeMost(w http.ResponseWriter, r *http.Request, v any, most int) error {
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || media != "application/json" {
		return refuse(errMediaType, "Content-Type", "is not application/json", "send a JSON object")
	}
	b, err := s.readBody(w, r, most)
	if err != nil {
		return err
	}
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	err = dec.Decode(v)
	if err == nil {
		if _, more := dec.Token(); more == io.EOF {
			return nil
		}
		err = errors.New("there is more after the object")
	}
	if name, unknown := strings.CutPrefix(err.Error(), "json: unknown field "); unknown {
		return refuse(errBadRequest, strings.Trim(name, `"`), "is not a field of this body", "the fields are "+fields(v))
	}
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		switch wrong.Type.Kind() {
		case reflect.String:
			return refuse(errBadRequest, wrong.Field, "is not a text", `write it between two "`)
		case reflect.Bool:
			return refuse(errBadRequest, wrong.Field, "is not true or false", "write it without quotation marks")
		}
		return refuse(errBadRequest, wrong.Field, "is not a number from 0 up", "write it without quotation marks")
	}
	return refuse(errBadRequest, "body", "is not a JSON object", `send {"digest":"...","reason":"..."}`)
}

// fields names those of the object that v points to.
func fields(v any) string {
	t := reflect.TypeOf(v).Elem()
	names := make([]string, t.NumField())
	for i := range names {
		name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		names[i] = strconv.Quote(name)
	}
	return strings.Join(names, ", ")
}

// writeJSON answers with v.
func writeJSON(w http.ResponseWriter, status int, v any) {
	b, err := json.Marshal(v)
	if err != nil {
		panic("dashboards: an answer always marshals: " + err.Error())
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	if h.Get("Cache-Control") == "" {
		h.Set("Cache-Control", "no-store")
	}
	w.WriteHeader(status)
	_, _ = w.Write(append(b, '\n'))
}
