package channels

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"mime"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// maxAnswer is how much of an answer is read: the platforms answer with a few
// kilobytes.
const maxAnswer = 256 << 10

// defaultTimeout bounds one call.
const defaultTimeout = 20 * time.Second

// A connection on which nothing came for deadAfter is asked whether it is there,
// and left after another deadAnswer: HTTP/2 would go on using one that a change
// of the network has cut, until the kernel gives it up after a quarter of an
// hour.
const (
	deadAfter  = 5 * time.Second
	deadAnswer = 5 * time.Second
)

// Caller makes the HTTP calls of an adapter by the rules that all platforms
// need: one request for one call whatever net/http would repeat, a deadline, a
// bounded answer, errors without addresses, and the difference between "surely
// not taken" and "perhaps taken". It may be used from many goroutines.
type Caller struct {
	Platform string       // for errors: "mastodon"
	Client   *http.Client // nil: a client of its own without redirects
	Timeout  time.Duration
	Secrets  []string // never shown, wherever they turn up
}

// NewCaller makes a Caller with connections of its own.
func NewCaller(platform string, secrets ...string) *Caller {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = 16
	transport.HTTP2 = &http.HTTP2Config{SendPingTimeout: deadAfter, PingTimeout: deadAnswer}
	return &Caller{Platform: platform, Secrets: secrets, Client: &http.Client{
		Transport: transport,
		// A POST that is redirected would become a GET, or take the credential elsewhere.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// Answer is what a platform answered, read to its end.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte // at most 256 KiB
	JSON   bool   // the content type says so
}

// Decode reads a JSON answer. An answer that is not JSON, or cut, is
// [Uncertain]: the platform said yes and we do not know to what.
func (a *Answer) Decode(platform string, into any) error {
	if !a.JSON {
		return Uncertain(Refused(platform, strconv.Itoa(a.Status), "the answer is not JSON"))
	}
	if err := json.Unmarshal(a.Body, into); err != nil {
		return Uncertain(fmt.Errorf("%s answered %d with JSON that cannot be read: %w", platform, a.Status, err))
	}
	return nil
}

// Do makes one call. Any status is an answer, not an error; the error, where
// there is none, is plain when the request surely did not reach the platform
// and [Uncertain] when it may have. The idempotent methods GET and HEAD change
// nothing: their errors are always plain.
func (c *Caller) Do(ctx context.Context, method, address string, header http.Header, body []byte) (*Answer, error) {
	timeout := c.Timeout
	if timeout == 0 {
		timeout = defaultTimeout
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	var written atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		// A connection that broke before it took anything is replaced by another.
		GotConn: func(httptrace.GotConnInfo) { written.Store(false) },
		// From the first byte on, the platform may act.
		WroteHeaders: func() { written.Store(true) },
		WroteRequest: func(httptrace.WroteRequestInfo) { written.Store(true) },
	})
	req, err := http.NewRequestWithContext(ctx, method, address, bytes.NewReader(body))
	if err != nil {
		return nil, c.hide("the address is not valid", err)
	}
	if len(body) == 0 {
		req.Body, req.ContentLength = http.NoBody, 0
	}
	maps.Copy(req.Header, header)
	if req.Header.Get("User-Agent") == "" {
		req.Header.Set("User-Agent", "martinella")
	}
	// Without it the transport would silently repeat a POST that has an
	// idempotency key when a reused connection breaks (net/http,
	// Request.isReplayable).
	req.GetBody = nil

	verdict := func(err error) error {
		if written.Load() && method != http.MethodGet && method != http.MethodHead {
			return Uncertain(err)
		}
		return err
	}
	client := c.Client
	if client == nil {
		client = http.DefaultClient
	}
	res, err := client.Do(req)
	if err != nil {
		return nil, verdict(c.hide("the call broke", err))
	}
	defer res.Body.Close()
	a := &Answer{Status: res.StatusCode, Header: res.Header}
	media, _, _ := mime.ParseMediaType(res.Header.Get("Content-Type"))
	a.JSON = media == "application/json" || strings.HasSuffix(media, "+json")
	a.Body, err = io.ReadAll(io.LimitReader(res.Body, maxAnswer+1))
	switch {
	case err != nil:
		// A refusal stays a refusal even when its explanation is cut.
		if res.StatusCode < 300 {
			return nil, verdict(c.hide("the answer broke off", err))
		}
	case len(a.Body) > maxAnswer:
		a.Body = a.Body[:maxAnswer]
		if res.StatusCode < 300 {
			return nil, verdict(fmt.Errorf("%s answered more than %d bytes", c.Platform, maxAnswer))
		}
	}
	return a, nil
}

// Verdict judges a status by the table that holds for most platforms: 2xx nil;
// 401, 403 [Unauthorized]; 408, 425, 429, 503 retry, with the wait that the
// platform asks for; other 4xx [Permanent]; a redirect for good is a wrong
// address and [Permanent]; the rest [Uncertain], since a server that failed, or
// leads elsewhere for the moment (a maintenance page, "see other"), may have
// acted before.
func (c *Caller) Verdict(a *Answer, now time.Time) error {
	if a.Status >= 200 && a.Status < 300 {
		return nil
	}
	err := c.refused(a)
	switch {
	case a.Status == http.StatusUnauthorized || a.Status == http.StatusForbidden:
		return Unauthorized(err)
	case a.Status == http.StatusTooManyRequests || a.Status == http.StatusServiceUnavailable,
		a.Status == http.StatusRequestTimeout, a.Status == http.StatusTooEarly:
		return RetryAfter(err, WaitOf(a.Status, a.Header, a.Body, now))
	case a.Status == http.StatusFound || a.Status == http.StatusSeeOther || a.Status == http.StatusTemporaryRedirect:
		return Uncertain(err)
	case a.Status >= 300 && a.Status < 500:
		return Permanent(err)
	}
	return Uncertain(err)
}

func (c *Caller) refused(a *Answer) error {
	detail := http.StatusText(a.Status)
	if a.JSON {
		detail = string(a.Body)
	}
	return Refused(c.Platform, strconv.Itoa(a.Status), c.redact(detail))
}

// hide builds an error without the address: *url.Error prints it, and secrets
// stand in some.
func (c *Caller) hide(what string, err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err
	}
	cause := error(nil)
	for _, known := range []error{context.DeadlineExceeded, context.Canceled, io.ErrUnexpectedEOF, io.EOF} {
		if errors.Is(err, known) {
			cause = known
		}
	}
	text := c.redact(err.Error())
	if cause != nil {
		return fmt.Errorf("%s: %s: %w", c.Platform, what, cause)
	}
	return fmt.Errorf("%s: %s: %s", c.Platform, what, text)
}

func (c *Caller) redact(text string) string {
	for _, s := range c.Secrets {
		if s != "" {
			text = strings.ReplaceAll(text, s, "***")
		}
	}
	return text
}
