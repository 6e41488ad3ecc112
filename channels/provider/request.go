package provider

import (
	"bytes"
	"errors"
	"net/http"
	"net/url"
	"strings"
)

// request is a [Request] that has been read.
type request struct {
	method  string
	base    string // without a slash at the end
	path    template
	query   []named
	headers []named
	json    *tree
	form    []named
}

// named is a [Field] that has been read.
type named struct {
	name  string
	value template
}

var (
	errSegment = errors.New("a value would change the path of the request")
	errKeyed   = errors.New("the request has an idempotency key and no body")
)

// idempotencyHeaders make net/http repeat a request without a body by itself
// (net/http, Request.isReplayable).
var idempotencyHeaders = []string{"Idempotency-Key", "X-Idempotency-Key"}

// build makes the request with the values put in: address, header and body. It
// is pure.
func (r *request) build(v Values) (address string, header http.Header, body []byte, err error) {
	way := r.path.fill(v, url.PathEscape)
	for segment := range strings.SplitSeq(way, "/") {
		if segment == "." || segment == ".." {
			return "", nil, nil, errSegment
		}
	}
	address = r.base + way
	if q := encode(r.query, v); q != "" {
		join := "?"
		if strings.Contains(address, "?") {
			join = "&"
		}
		address += join + q
	}
	header = http.Header{"Accept": {"application/json, text/plain;q=0.5"}}
	switch {
	case r.json != nil:
		var b bytes.Buffer
		if err := r.json.write(&b, v); err != nil {
			return "", nil, nil, err
		}
		body = b.Bytes()
		header.Set("Content-Type", "application/json")
	case r.form != nil:
		body = []byte(encode(r.form, v))
		header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for _, h := range r.headers {
		if !h.value.absent(v) {
			header.Set(h.name, oneLine(h.value.fill(v, plain)))
		}
	}
	if len(body) == 0 && r.method != http.MethodGet && r.method != http.MethodHead {
		for _, name := range idempotencyHeaders {
			if header.Get(name) != "" {
				return "", nil, nil, errKeyed
			}
		}
	}
	return address, header, body, nil
}

// encode writes parameters in their order (WHATWG URL, section 5.2).
func encode(fields []named, v Values) string {
	var b strings.Builder
	for _, f := range fields {
		if f.value.absent(v) {
			continue
		}
		if b.Len() > 0 {
			b.WriteByte('&')
		}
		b.WriteString(url.QueryEscape(f.name))
		b.WriteByte('=')
		b.WriteString(url.QueryEscape(f.value.fill(v, plain)))
	}
	return b.String()
}
