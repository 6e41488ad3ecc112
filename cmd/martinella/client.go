package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"martinella/alerts"
	"martinella/alerts/cap"
	"martinella/broadcast"
)

// client speaks the HTTP API of a gateway with one key. Its methods block
// until the answer or the end of ctx.
type client struct {
	base string // of the public listener, without a slash at the end
	key  string
	http *http.Client
}

// answerLimit bounds what is read of an answer.
const answerLimit = 8 << 20

// clientFlags are the flags of every command that speaks to a gateway.
func clientFlags(f *pflag.FlagSet) {
	f.String("url", "http://localhost:8080", "`ADDRESS` of the gateway (or MARTINELLA_URL)")
	f.String("key-file", "", "`FILE` that holds the API key (or MARTINELLA_KEY_FILE)")
}

// newClient reads the flags and the key.
func newClient(sh shell, f *pflag.FlagSet) (*client, error) {
	base, _ := f.GetString("url")
	if v := sh.getenv("MARTINELLA_URL"); v != "" && !f.Changed("url") {
		base = v
	}
	if !plainSite(base) {
		return nil, usage(fmt.Errorf("the address %s is not that of a gateway", quoted(base)), "write it like http://localhost:8080")
	}
	file, _ := f.GetString("key-file")
	if file == "" {
		file = sh.getenv("MARTINELLA_KEY_FILE")
	}
	if file == "" {
		return nil, usage(errors.New("no key"), "name the file of an API key with --key-file; martinella keys create makes one")
	}
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, usage(fmt.Errorf("key file %s", plainPathError(err)), "martinella keys create --out writes one")
	}
	return newClientOf(base, strings.TrimSpace(string(b))), nil
}

func newClientOf(base, key string) *client {
	return &client{base: strings.TrimRight(base, "/"), key: key, http: &http.Client{Timeout: 30 * time.Second}}
}

// submitted is the gateway's answer to an alert.
type submitted struct {
	ID       alerts.ID       `json:"id"`
	Event    alerts.ID       `json:"event"`
	Revision int             `json:"revision"`
	State    alerts.State    `json:"state"`
	URL      string          `json:"url"`
	Warnings alerts.Problems `json:"warnings"`
}

// problemDocument is RFC 9457 with the problems of the alert.
type problemDocument struct {
	Title    string          `json:"title"`
	Detail   string          `json:"detail"`
	Problems alerts.Problems `json:"problems"`
}

// refusal is an answer that says no.
type refusal struct {
	status int
	doc    problemDocument
	retry  string // Retry-After
}

func (r *refusal) Error() string {
	s := r.doc.Title
	if s == "" {
		s = strings.ToLower(cmp.Or(http.StatusText(r.status), fmt.Sprintf("status %d", r.status)))
	}
	if r.doc.Detail != "" && r.doc.Detail != s {
		s += ": " + r.doc.Detail
	}
	for _, p := range r.doc.Problems {
		s += "\n  " + p.Error()
	}
	return strings.ToLower(s[:1]) + s[1:]
}

// hint says what to do about a status.
func (r *refusal) hint() string {
	switch r.status {
	case http.StatusUnauthorized:
		return "the key is unknown, revoked or expired: martinella keys list shows them"
	case http.StatusForbidden:
		return "martinella keys create makes a key with other rights"
	case http.StatusNotFound, http.StatusMethodNotAllowed:
		if r.doc.Title == "" { // every answer of the API has one
			return "this is not the API of a gateway: --url is its public address, not that of administration"
		}
	case http.StatusConflict:
		return "read the alert again and decide on what you see"
	case http.StatusServiceUnavailable:
		if r.retry != "" {
			return "nothing was announced; the gateway asks to try again in " + r.retry + " s"
		}
		return "nothing was announced; try again"
	}
	return ""
}

// asFailure gives an error of the client its exit code.
func asFailure(err error) error {
	if r, ok := errors.AsType[*refusal](err); ok {
		if r.status == http.StatusServiceUnavailable || r.status == http.StatusBadGateway {
			return unreachable(err, r.hint())
		}
		return refused(err, r.hint())
	}
	return err
}

// call sends one request and decodes a 2xx answer into to.
func (c *client) call(ctx context.Context, method, path, contentType string, body []byte, to any) (int, error) {
	status, b, err := c.fetch(ctx, method, path, contentType, body)
	if err != nil || to == nil {
		return status, err
	}
	if err := json.Unmarshal(b, to); err != nil {
		return status, fmt.Errorf("%s answered what is no JSON: %w", c.base, err)
	}
	return status, nil
}

// fetch sends one request and gives the body of a 2xx answer.
func (c *client) fetch(ctx context.Context, method, path, contentType string, body []byte) (int, []byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	req.Header.Set("Authorization", "Bearer "+c.key)
	req.Header.Set("Accept", "application/json")
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		if u, ok := errors.AsType[*url.Error](err); ok {
			err = u.Err
		}
		return 0, nil, unreachable(fmt.Errorf("%s does not answer: %w", c.base, err), "is the gateway running, and is --url right?")
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(io.LimitReader(resp.Body, answerLimit))
	if err != nil {
		return 0, nil, unreachable(fmt.Errorf("%s broke off its answer: %w", c.base, err), "try again: the same alert is never issued twice")
	}
	if resp.StatusCode/100 != 2 {
		r := &refusal{status: resp.StatusCode, retry: resp.Header.Get("Retry-After")}
		_ = json.Unmarshal(b, &r.doc) // a proxy may answer something else
		return resp.StatusCode, nil, r
	}
	return resp.StatusCode, b, nil
}

// submit posts an alert.
func (c *client) submit(ctx context.Context, message []byte) (submitted, int, error) {
	contentType := "application/cap+xml"
	if cap.IsJSON("", message) {
		contentType = "application/json"
	}
	var out submitted
	status, err := c.call(ctx, http.MethodPost, "/api/v1/alerts", contentType, message, &out)
	return out, status, err
}

// view is what the commands need of an alert.
type view struct {
	ID       alerts.ID       `json:"id"`
	Event    alerts.ID       `json:"event"`
	Revision int             `json:"revision"`
	State    alerts.State    `json:"state"`
	Change   alerts.Change   `json:"change"`
	Digest   alerts.Digest   `json:"digest"`
	Channels []string        `json:"channels"`
	Reach    int             `json:"reach"`
	Author   alerts.By       `json:"author"`
	Warnings alerts.Problems `json:"warnings"`
	Received time.Time       `json:"received"`
	URL      string          `json:"url"`
	Alert    *alerts.Alert   `json:"alert"`
	Head     *struct {
		Digest alerts.Digest `json:"digest"`
	} `json:"head"` // of what the public sees, while this revision waits
}

// public is the digest of what the public sees.
func (v view) public() alerts.Digest {
	if v.Head != nil {
		return v.Head.Digest
	}
	return v.Digest
}

// list gives the newest revision of each event, newest first.
func (c *client) list(ctx context.Context, limit int) ([]view, error) {
	var out struct {
		Alerts []view `json:"alerts"`
	}
	_, err := c.call(ctx, http.MethodGet, fmt.Sprintf("/api/v1/alerts?limit=%d", limit), "", nil, &out)
	return out.Alerts, err
}

func (c *client) alert(ctx context.Context, id string) (view, error) {
	var v view
	_, err := c.call(ctx, http.MethodGet, "/api/v1/alerts/"+url.PathEscape(id), "", nil, &v)
	return v, err
}

func (c *client) deliveries(ctx context.Context, id alerts.ID) ([]broadcast.Delivery, error) {
	var out struct {
		Channels []broadcast.Delivery `json:"channels"`
	}
	_, err := c.call(ctx, http.MethodGet, "/api/v1/alerts/"+url.PathEscape(string(id))+"/deliveries", "", nil, &out)
	return out.Channels, err
}

// act does one of the desk's acts: approve, return, reject, cancel, all-clear.
func (c *client) act(ctx context.Context, id alerts.ID, verb string, d alerts.Decision) (submitted, int, error) {
	b, err := json.Marshal(d)
	if err != nil {
		return submitted{}, 0, err
	}
	var out submitted
	status, err := c.call(ctx, http.MethodPost, "/api/v1/alerts/"+url.PathEscape(string(id))+"/"+verb, "application/json", b, &out)
	return out, status, err
}
