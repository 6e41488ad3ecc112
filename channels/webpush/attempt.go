package webpush

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"martinella/channels"
)

// attempt is one POST to one endpoint. The library that encrypts gives its
// request to Do; RoundTrip sees what becomes of it before errors are stripped
// of addresses.
type attempt struct {
	channel  *Channel
	endpoint *url.URL
	service  service
	secrets  []string

	answer  *channels.Answer
	err     error
	private bool // it led into a private network, and no connection was made
}

var (
	_ http.RoundTripper = (*attempt)(nil)
	_ interface {
		Do(*http.Request) (*http.Response, error)
	} = (*attempt)(nil)
)

// newAttempt knows what must not be said of a recipient: where the browser is
// reached, and at whose server where that is one of its own.
func newAttempt(c *Channel, a channels.PushAddress) (*attempt, error) {
	endpoint, err := url.Parse(a.Endpoint)
	if err != nil || !c.admits(endpoint) {
		return nil, fmt.Errorf("webpush: the endpoint: %w", channels.ErrPrivate)
	}
	t := &attempt{channel: c, endpoint: endpoint, service: c.serviceOf(endpoint)}
	_, keys, _ := strings.Cut(a.String(), "#auth=")
	auth, p256dh, _ := strings.Cut(keys, "&p256dh=")
	t.secrets = []string{c.key.private, a.Endpoint, auth, p256dh}
	for _, part := range append(strings.FieldsFunc(endpoint.Path, func(r rune) bool { return r == '/' || r == ':' }), endpoint.RawQuery) {
		if len(part) >= 8 {
			t.secrets = append(t.secrets, part, url.PathEscape(part))
		}
	}
	if !t.service.known {
		t.secrets = append(t.secrets, endpoint.Host, endpoint.Hostname())
	}
	return t, nil
}

// Do makes the call and keeps what came of it.
func (t *attempt) Do(req *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	if signature, _, ok := strings.Cut(strings.TrimPrefix(req.Header.Get("Authorization"), "vapid t="), ","); ok {
		t.secrets = append(t.secrets, signature) // it opens every subscription at this service for 12 hours
	}
	call := *t.channel.call
	call.Secrets = t.secrets
	call.Client = &http.Client{Transport: t, CheckRedirect: call.Client.CheckRedirect}
	t.answer, t.err = call.Do(req.Context(), req.Method, req.URL.String(), req.Header, body)
	if t.err != nil {
		return nil, t.err
	}
	return &http.Response{StatusCode: t.answer.Status, Header: t.answer.Header, Body: http.NoBody}, nil
}

// RoundTrip implements [http.RoundTripper].
func (t *attempt) RoundTrip(req *http.Request) (*http.Response, error) {
	res, err := t.channel.call.Client.Transport.RoundTrip(req)
	t.private = t.private || errors.Is(err, channels.ErrPrivate)
	return res, err
}

// verdict judges what came of it.
func (t *attempt) verdict(now time.Time) error {
	switch {
	case t.private:
		return channels.Permanent(fmt.Errorf("webpush: %w", channels.ErrPrivate))
	case t.err != nil && t.service.known:
		return t.err
	case t.err != nil:
		return channels.Apart(t.err)
	}
	err := t.judge(now)
	if err != nil && !t.service.known {
		// What a stranger's server says of pauses concerns no other.
		if v, _ := channels.VerdictOf(err); v == channels.VerdictRetry {
			return channels.Apart(t.refused())
		}
		return channels.Apart(err)
	}
	return err
}

func (t *attempt) judge(now time.Time) error {
	a, c := t.answer, t.channel
	err := t.refused()
	switch s := a.Status; {
	case s >= 200 && s < 300:
		if t.service.known {
			c.doubts.accept(now)
		}
		return nil
	case s == http.StatusNotFound || s == http.StatusGone: // RFC 8030, section 7.3
		return channels.Gone(fmt.Errorf("%w: the browser is no longer subscribed", err))
	case s == http.StatusBadRequest || s == http.StatusUnauthorized || s == http.StatusForbidden:
		return t.refusedKey(err, now)
	case s == http.StatusTooManyRequests || s == http.StatusServiceUnavailable || s == http.StatusRequestTimeout || s == http.StatusTooEarly,
		s >= 500 && a.Header.Get("Retry-After") != "":
		return channels.RetryAfter(err, channels.WaitOf(s, a.Header, a.Body, now))
	case s < 500:
		return channels.Permanent(err)
	}
	return channels.Uncertain(err) // and safe to repeat: see Find
}

// refusedKey judges a refusal of what we signed.
func (t *attempt) refusedKey(err error, now time.Time) error {
	if !t.service.known {
		return channels.Permanent(err)
	}
	switch t.channel.doubts.refuse(t.endpoint.String(), now) {
	case blameKey:
		return channels.Unauthorized(fmt.Errorf("%w: different browsers at once, so the VAPID key or the contact is wrong; subscriptions work with the key only that they were made with", err))
	case blameSubscription:
		return channels.Permanent(fmt.Errorf("%w: the subscription was made with another VAPID key", err))
	}
	return channels.Apart(fmt.Errorf("%w: not known yet whether for this browser alone", err))
}

// refused says who answered what: the reason where it is short and in words, as
// Apple's {"reason":"BadJwtToken"}, without what the answer repeats of ours.
func (t *attempt) refused() error {
	detail := http.StatusText(t.answer.Status)
	if t.service.known && t.answer.Status >= 400 && len(t.answer.Body) > 0 && len(t.answer.Body) <= 4096 && t.answer.Body[0] != '<' {
		detail = strings.Join(strings.Fields(strings.ToValidUTF8(string(t.answer.Body), "")), " ")
	}
	for _, s := range t.secrets {
		if s != "" {
			detail = strings.ReplaceAll(detail, s, "***")
		}
	}
	return channels.Refused("webpush: "+t.service.name, fmt.Sprint(t.answer.Status), detail)
}
