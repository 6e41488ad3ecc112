package bluesky

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"

	"martinella/channels"
)

// server is one server of the AT Protocol, which is spoken to in XRPC
// (atproto.com/specs/xrpc): a method is a name in reverse, a query is a GET, a
// procedure a POST. It may be used from many goroutines.
type server struct {
	base   string
	caller *channels.Caller
}

func newServer(base string, secrets ...string) *server {
	return &server{base: base, caller: channels.NewCaller(platform, secrets...)}
}

// request is one call of a method.
type request struct {
	method string
	query  url.Values // not nil: a query
	input  any        // of a procedure, as JSON; nil: none
	media  string     // the type of body, which is sent as it is
	body   []byte
	token  string // "": the call needs no session
}

// reply is what the server answered.
type reply struct {
	*channels.Answer
	caller *channels.Caller // which knows the secrets of the call
}

// do makes one call. The error is that of [channels.Caller.Do]; any status is a
// reply.
func (s *server) do(ctx context.Context, r request) (*reply, error) {
	header := http.Header{"Accept": {"application/json"}}
	caller := s.caller
	if r.token != "" {
		header.Set("Authorization", "Bearer "+r.token)
		caller = &channels.Caller{Platform: caller.Platform, Client: caller.Client, Timeout: caller.Timeout, Secrets: append(slices.Clone(caller.Secrets), r.token)}
	}
	to := s.base + "/xrpc/" + r.method
	if r.query != nil {
		answer, err := caller.Do(ctx, http.MethodGet, to+"?"+r.query.Encode(), header, nil)
		return &reply{answer, caller}, err
	}
	body := r.body
	if r.media != "" {
		header.Set("Content-Type", r.media)
	} else if r.input != nil {
		var err error
		if body, err = json.Marshal(r.input); err != nil {
			return nil, channels.Permanent(fmt.Errorf("bluesky: the request cannot be written as JSON: %w", err))
		}
		header.Set("Content-Type", "application/json")
	}
	answer, err := caller.Do(ctx, http.MethodPost, to, header, body)
	return &reply{answer, caller}, err
}

// refusal is the name of the error that the server gives beside the status;
// "" where it gives none.
func (r *reply) refusal() string {
	var in struct {
		Error string `json:"error"`
	}
	if r.Status < 400 || !r.JSON || json.Unmarshal(r.Body, &in) != nil {
		return ""
	}
	return in.Error
}

// stale reports whether the server refused the token of the call, before it did
// anything: another one may do. An account that may not write is no matter of
// tokens.
func (r *reply) stale() bool {
	switch r.refusal() {
	case "ExpiredToken", "InvalidToken":
		return r.Status == http.StatusBadRequest || r.Status == http.StatusUnauthorized
	case "AccountTakedown", "AccountDeactivated", "AccountSuspended":
		return false
	}
	return r.Status == http.StatusUnauthorized
}

// absent reports whether the server says that there is no such record.
func (r *reply) absent() bool {
	return (r.Status == http.StatusBadRequest || r.Status == http.StatusNotFound) && r.refusal() == "RecordNotFound"
}

// verdict judges the reply by the usual table; a token that was refused is
// Unauthorized whatever the status.
func (r *reply) verdict() error {
	err := r.caller.Verdict(r.Answer, time.Now())
	if err != nil && r.Status == http.StatusBadRequest && r.stale() {
		return channels.Unauthorized(err)
	}
	return err
}

// harmless gives the error of a call that posts nothing: whatever became of it,
// no post is in doubt.
func harmless(err error) error {
	if v, _ := channels.VerdictOf(err); v == channels.VerdictUncertain {
		return &plainError{err}
	}
	return err
}

// plainError takes an error's verdict away and keeps the rest.
type plainError struct{ err error }

func (e *plainError) Error() string        { return e.err.Error() }
func (e *plainError) Is(target error) bool { return errors.Is(e.err, target) }

// read makes a call that changes nothing and decodes the answer.
func (s *server) read(ctx context.Context, r request, into any) error {
	res, err := s.do(ctx, r)
	if err == nil {
		if err = res.verdict(); err == nil {
			err = res.Decode(platform, into)
		}
	}
	return harmless(err)
}
