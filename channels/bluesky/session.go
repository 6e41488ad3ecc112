package bluesky

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"go.uber.org/zap"

	"martinella/channels"
)

// tokens are what a sign-in gives.
type tokens struct {
	access  string
	refresh string
	did     string
	until   time.Time // on our clock, a little before access ends; zero: not known
}

// session keeps the tokens of one account, in memory only. It begins with the
// first call that needs it. A server allows 30 sign-ins in five minutes
// (docs.bsky.app, rate limits), so it signs in only where there is no token
// that renews the session, or that is refused; and whoever needs it at the same
// moment shares one renewal. It may be used from many goroutines.
type session struct {
	server     *server
	identifier string
	password   string
	log        *zap.Logger
	rests      time.Duration // after a sign-in that was refused
	turn       chan struct{} // held by the one who renews

	mu     sync.Mutex
	have   tokens
	rounds int   // how often it was renewed, or not
	last   error // of the latest round
	rest   time.Time
	why    error // until rest no sign-in is tried: the verdict of the one before
}

func newSession(at *server, identifier, password string, log *zap.Logger) *session {
	return &session{server: at, identifier: identifier, password: password, log: log, rests: refusedRest, turn: make(chan struct{}, 1)}
}

// refusedRest is how long a sign-in that was refused is not tried again: ten
// seconds keep us within 30 in five minutes, whoever asks.
const refusedRest = 10 * time.Second

// tokens gives tokens that should be good, renewed where they have ended or
// where refused is the one that the server did not take. It blocks; errors are
// plain, RetryAfter or Unauthorized: nothing was posted.
func (s *session) tokens(ctx context.Context, refused string) (tokens, error) {
	s.mu.Lock()
	if refused != "" && s.have.access == refused {
		s.have.access = ""
	}
	if s.good() {
		defer s.mu.Unlock()
		return s.have, nil
	}
	seen := s.rounds
	s.mu.Unlock()
	select {
	case s.turn <- struct{}{}:
	case <-ctx.Done():
		return tokens{}, fmt.Errorf("bluesky: waiting for the session: %w", ctx.Err())
	}
	defer func() { <-s.turn }()
	s.mu.Lock()
	if s.good() {
		defer s.mu.Unlock()
		return s.have, nil
	}
	if s.rounds != seen && s.last != nil { // somebody has just tried
		defer s.mu.Unlock()
		return tokens{}, s.last
	}
	have := s.have
	s.mu.Unlock()

	got, err := s.renew(ctx, have)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err == nil {
		s.have = got
	}
	if ctx.Err() == nil { // one who left tells the others nothing
		s.rounds, s.last = s.rounds+1, err
	}
	return got, err
}

// good reports whether the tokens are there and have not ended.
func (s *session) good() bool {
	return s.have.access != "" && (s.have.until.IsZero() || time.Now().Before(s.have.until))
}

// renew refreshes the session, or signs in.
func (s *session) renew(ctx context.Context, have tokens) (tokens, error) {
	if have.refresh != "" {
		got, err := s.begin(ctx, request{method: "com.atproto.server.refreshSession", token: have.refresh})
		if v, _ := channels.VerdictOf(err); v != channels.VerdictUnauthorized && v != channels.VerdictPermanent {
			return got, err
		}
		s.log.Info("the session cannot be renewed, signing in")
	}
	s.mu.Lock()
	s.have.refresh = ""
	rest, why := time.Until(s.rest), s.why
	s.mu.Unlock()
	if rest > 0 {
		if v, _ := channels.VerdictOf(why); v == channels.VerdictRetry {
			return tokens{}, channels.RetryAfter(why, rest)
		}
		return tokens{}, why
	}
	got, err := s.begin(ctx, request{method: "com.atproto.server.createSession", input: map[string]string{"identifier": s.identifier, "password": s.password}})
	switch v, wait := channels.VerdictOf(err); {
	case v == channels.VerdictUnauthorized || v == channels.VerdictPermanent:
		// No message is at fault: the password is, the handle or the address.
		err = channels.Unauthorized(fmt.Errorf("signing in as %s: %w", s.identifier, err))
		s.pause(s.rests, err)
	case v == channels.VerdictRetry && wait > 0:
		s.pause(wait, err)
	case err == nil:
		s.log.Info("signed in", zap.String("did", got.did))
		if own(got.access) {
			s.log.Warn("the password is the account's own: make an app password, which can be revoked alone")
		}
	}
	return got, err
}

func (s *session) pause(d time.Duration, why error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rest, s.why = time.Now().Add(d), why
}

// begin makes the call that gives tokens.
func (s *session) begin(ctx context.Context, r request) (tokens, error) {
	now := time.Now()
	var in struct {
		AccessJWT  string `json:"accessJwt"`
		RefreshJWT string `json:"refreshJwt"`
		DID        string `json:"did"`
	}
	if err := s.server.read(ctx, r, &in); err != nil {
		return tokens{}, err
	}
	if in.AccessJWT == "" || in.RefreshJWT == "" || in.DID == "" {
		return tokens{}, errors.New("bluesky answered a sign-in without tokens")
	}
	return tokens{access: in.AccessJWT, refresh: in.RefreshJWT, did: in.DID, until: endOf(in.AccessJWT, now)}, nil
}

// signed makes a call with the session's token. Where the server refuses the
// token, which it does before anything else, the session is renewed once.
func (s *session) signed(ctx context.Context, r request) (*reply, error) {
	t, err := s.tokens(ctx, "")
	if err != nil {
		return nil, err
	}
	r.token = t.access
	res, err := s.server.do(ctx, r)
	if err != nil || !res.stale() {
		return res, err
	}
	if t, err = s.tokens(ctx, r.token); err != nil {
		return nil, err
	}
	r.token = t.access
	return s.server.do(ctx, r)
}

// claims are what is read of an access token (RFC 7519). It is the server's
// secret to itself: nothing in it is verified or relied on.
type claims struct {
	Exp   int64  `json:"exp"`
	Iat   int64  `json:"iat"`
	Scope string `json:"scope"`
}

func claimsOf(token string) (c claims) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return c
	}
	b, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil || json.Unmarshal(b, &c) != nil {
		return claims{}
	}
	return c
}

// endOf says when a token that was given now should be renewed: a minute before
// it ends, as long as it lasts that long. Its life is counted on our clock, so
// that a clock that is wrong ends no session; the server refuses it anyway once
// it has ended.
func endOf(token string, now time.Time) time.Time {
	c := claimsOf(token)
	const year = 365 * 24 * 60 * 60
	if c.Iat <= 0 || c.Exp <= c.Iat || c.Exp-c.Iat > year {
		return time.Time{}
	}
	life := time.Duration(c.Exp-c.Iat) * time.Second
	return now.Add(life - min(time.Minute, life/2))
}

// own reports whether a token was given for the account's own password, not for
// an app password, which has a scope of its own.
func own(token string) bool { return claimsOf(token).Scope == "com.atproto.access" }
