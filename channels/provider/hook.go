package provider

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"martinella/channels"
)

// Event is one thing that a provider says later: what became of a message, or,
// with Reply, what somebody answered.
type Event struct {
	Reply bool

	ID    string // of a report: as Send gave it
	State string // of the adapter's [Use]; "": not one that is listed, so still on its way
	Code  string // the provider's own state or code, without personal data

	From string // of a reply
	To   string
	Text string

	At time.Time // zero: not said, or not readable
}

// Hooked reports whether a hook is described.
func (p *Provider) Hooked() bool { return p.hook != nil }

// Events reads a request of the provider to the hook; body is the request's,
// read before. The error is [channels.ErrForged] where it does not prove whom
// it is from. Items that are neither a report nor a reply are left out.
func (p *Provider) Events(r *http.Request, body []byte) ([]Event, error) {
	h := p.hook
	if h == nil || !h.authentic(r, body) {
		return nil, channels.ErrForged
	}
	content, err := h.content(body)
	if err != nil {
		return nil, fmt.Errorf("%s: the request cannot be read: %w", p.platform, err)
	}
	var events []Event
	if h.reports != nil {
		for _, item := range h.reports.items.list(content) {
			if e, ok := h.reports.event(item); ok {
				e.Code = p.shown(e.Code, nil)
				events = append(events, e)
			}
		}
	}
	if h.replies != nil {
		for _, item := range h.replies.items.list(content) {
			if e, ok := h.replies.event(item); ok {
				events = append(events, e)
			}
		}
	}
	return events, nil
}

// mostHook bounds a request of a provider.
const mostHook = 1 << 20

// ReadBody reads the body of a request to a hook, up to 1 MiB.
func ReadBody(r *http.Request) ([]byte, error) {
	body, err := io.ReadAll(io.LimitReader(r.Body, mostHook+1))
	if err == nil && len(body) > mostHook {
		err = errors.New("it is longer than 1 MiB")
	}
	if err != nil {
		return nil, fmt.Errorf("the body cannot be read: %w", err)
	}
	return body, nil
}

// hook is a [Hook] that has been read.
type hook struct {
	form        bool
	token       string
	tokenHeader string
	username    string
	password    string
	key         []byte // of the signature; nil: none
	header      string
	prefix      string
	algorithm   func() hash.Hash
	base64      bool

	reports *reports
	replies *replies
}

// authentic compares every proof that is asked for, in constant time.
func (h *hook) authentic(r *http.Request, body []byte) bool {
	ok := h.token != "" || h.password != "" || h.key != nil
	if h.token != "" {
		given := r.URL.Query().Get("token")
		if h.tokenHeader != "" {
			given = r.Header.Get(h.tokenHeader)
		}
		ok = SameSecret(given, h.token) && ok
	}
	if h.password != "" {
		username, password, _ := r.BasicAuth()
		ok = SameSecret(username, h.username) && ok
		ok = SameSecret(password, h.password) && ok
	}
	if h.key != nil {
		ok = h.signed(r.Header.Get(h.header), body) && ok
	}
	return ok
}

func (h *hook) signed(given string, body []byte) bool {
	signature, ok := strings.CutPrefix(strings.TrimSpace(given), h.prefix)
	if !ok {
		return false
	}
	var sum []byte
	var err error
	if h.base64 {
		sum, err = base64.StdEncoding.DecodeString(signature)
	} else {
		sum, err = hex.DecodeString(signature)
	}
	mac := hmac.New(h.algorithm, h.key)
	mac.Write(body)
	return err == nil && hmac.Equal(sum, mac.Sum(nil))
}

// SameSecret compares in a time that tells nothing of the secret, nor of its
// length. An empty secret is never the same.
func SameSecret(given, want string) bool {
	a, b := sha256.Sum256([]byte(given)), sha256.Sum256([]byte(want))
	return subtle.ConstantTimeCompare(a[:], b[:]) == 1 && want != ""
}

// content decodes the body; a form becomes an object of its first values.
func (h *hook) content(body []byte) (any, error) {
	if !h.form {
		return decode(body)
	}
	values, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, errors.New("it is not a form") // the error would show the body
	}
	object := make(map[string]any, len(values))
	for name := range values {
		object[name] = values.Get(name)
	}
	return object, nil
}

// condition is a "path=value".
type condition struct {
	path path
	want string
}

func (c *condition) holds(item any) bool { return c == nil || c.path.text(item) == c.want }

// reports is a [Reports] that has been read.
type reports struct {
	items           path
	when            *condition
	id, state, code path
	hasCode         bool
	at              path
	states          []stateRule
}

type stateRule struct {
	values words
	state  string
}

func (r *reports) event(item any) (Event, bool) {
	if !r.when.holds(item) {
		return Event{}, false
	}
	e := Event{ID: r.id.text(item), Code: r.state.text(item), At: timeOf(r.at, item)}
	if !usable(e.ID) || e.Code == "" {
		return e, false
	}
	for _, s := range r.states {
		if s.values.has(e.Code) {
			e.State = s.state
			break
		}
	}
	if r.hasCode {
		if code := r.code.text(item); code != "" {
			e.Code = code
		}
	}
	return e, true
}

// replies is a [Replies] that has been read.
type replies struct {
	items      path
	when       *condition
	from, text path
	to, at     path // nil: not described
}

func (r *replies) event(item any) (Event, bool) {
	if !r.when.holds(item) {
		return Event{}, false
	}
	e := Event{Reply: true, From: r.from.text(item), Text: r.text.text(item), At: timeOf(r.at, item)}
	if r.to != nil {
		e.To = r.to.text(item)
	}
	return e, e.From != "" && r.text.in(item) != nil
}

// timeOf reads RFC 3339, Unix seconds or milliseconds; zero for anything else,
// since a wrong hour is worse than none.
func timeOf(p path, item any) time.Time {
	if p == nil {
		return time.Time{}
	}
	s := p.text(item)
	if at, err := time.Parse(time.RFC3339Nano, s); err == nil {
		return at
	}
	switch n, err := strconv.ParseInt(s, 10, 64); {
	case err != nil || n <= 0:
		return time.Time{}
	case len(s) == 10:
		return time.Unix(n, 0)
	case len(s) == 13:
		return time.UnixMilli(n)
	}
	return time.Time{}
}
