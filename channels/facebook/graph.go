package facebook

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"net/url"
	"slices"
	"time"

	"martinella/channels"
)

const platform = "facebook"

// graph calls one version of the Graph API with one token. It may be used from
// many goroutines.
type graph struct {
	address string // of the version, without a slash at the end
	token   string // "": the call needs none
	proof   string // that the caller knows the app's secret; "" where it does not
	call    *channels.Caller
}

// newGraph makes the calls of one token; secret is that of its app, or "".
func newGraph(address, version, token, secret string) *graph {
	g := &graph{address: address + "/" + version, token: token, call: channels.NewCaller(platform, token, secret)}
	return g.as(token, secret)
}

// as gives the same with another token, over the same connections.
func (g *graph) as(token, secret string) *graph {
	other := *g
	call := *g.call
	other.token, other.proof, other.call = token, proofOf(token, secret), &call
	call.Secrets = append(slices.Clip(call.Secrets), token, secret, other.proof)
	return &other
}

// proofOf is the appsecret_proof of a token
// (developers.facebook.com/docs/graph-api/guides/secure-requests).
func proofOf(token, secret string) string {
	if token == "" || secret == "" {
		return ""
	}
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(token))
	return hex.EncodeToString(mac.Sum(nil))
}

// header has the token, so that no address and no body has it.
func (g *graph) header() http.Header {
	h := http.Header{"Accept": {"application/json"}}
	if g.token != "" {
		h.Set("Authorization", "Bearer "+g.token)
	}
	return h
}

// signed adds the proof to the fields of a call.
func (g *graph) signed(fields url.Values) url.Values {
	out := maps.Clone(fields)
	if out == nil {
		out = url.Values{}
	}
	if g.proof != "" {
		out.Set("appsecret_proof", g.proof)
	}
	return out
}

// read gets what a path names. It changes nothing, so its errors are never
// uncertain.
func (g *graph) read(ctx context.Context, path string, fields url.Values, into any) error {
	answer, err := g.call.Do(ctx, http.MethodGet, g.address+path+"?"+g.signed(fields).Encode(), g.header(), nil)
	if err != nil {
		return err
	}
	err = g.take(answer, into)
	if v, _ := channels.VerdictOf(err); v == channels.VerdictUncertain {
		return channels.RetryAfter(err, 0)
	}
	return err
}

// write posts a form.
func (g *graph) write(ctx context.Context, path string, fields url.Values, into any) error {
	header := g.header()
	header.Set("Content-Type", "application/x-www-form-urlencoded")
	answer, err := g.call.Do(ctx, http.MethodPost, g.address+path, header, []byte(g.signed(fields).Encode()))
	if err != nil {
		return err
	}
	return g.take(answer, into)
}

// remove deletes what a path names.
func (g *graph) remove(ctx context.Context, path string, into any) error {
	address := g.address + path
	if fields := g.signed(nil); len(fields) > 0 {
		address += "?" + fields.Encode()
	}
	answer, err := g.call.Do(ctx, http.MethodDelete, address, g.header(), nil)
	if err != nil {
		return err
	}
	return g.take(answer, into)
}

// upload posts a form with a file, which Facebook calls its source.
func (g *graph) upload(ctx context.Context, path string, fields url.Values, media string, file []byte, into any) error {
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	all := g.signed(fields)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if err := form.WriteField(name, all.Get(name)); err != nil {
			return channels.Permanent(fmt.Errorf("facebook: the form cannot be written: %w", err))
		}
	}
	part, err := form.CreatePart(textproto.MIMEHeader{
		"Content-Disposition": {`form-data; name="source"; filename="` + fileName(media) + `"`},
		"Content-Type":        {media},
	})
	if err == nil {
		_, err = part.Write(file)
	}
	if err == nil {
		err = form.Close()
	}
	if err != nil {
		return channels.Permanent(fmt.Errorf("facebook: the form cannot be written: %w", err))
	}
	header := g.header()
	header.Set("Content-Type", form.FormDataContentType())
	answer, err := g.call.Do(ctx, http.MethodPost, g.address+path, header, body.Bytes())
	if err != nil {
		return err
	}
	return g.take(answer, into)
}

func fileName(media string) string {
	if media == "image/jpeg" {
		return "card.jpg"
	}
	return "card.png"
}

// take judges an answer and reads it.
func (g *graph) take(a *channels.Answer, into any) error {
	if err := g.judge(a, time.Now()); err != nil {
		return err
	}
	if !isJSON(a) {
		return unreadable(a, nil)
	}
	if err := json.Unmarshal(a.Body, into); err != nil {
		return unreadable(a, err)
	}
	return nil
}
