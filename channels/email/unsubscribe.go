package email

import (
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"time"

	"martinella/channels"
)

// maxForm bounds the body of a one-click request: it has one field.
const maxForm = 4 << 10

// unsubscribe gives the ways to stop, for the header (RFC 2369). The sealed
// address makes each of them work for its recipient alone.
func (c *Channel) unsubscribe(to string) []string {
	var out []string
	if c.oneClick != "" {
		out = append(out, "<"+c.oneClick+"?u="+c.seal.ticket(to)+">")
	}
	if stop := c.stopAddress(to); stop != "" {
		out = append(out, "<"+stop+">")
	}
	return out
}

// stopAddress is a link that writes the mail that stops.
func (c *Channel) stopAddress(to string) string {
	if c.config.StopAddress == "" || c.seal == nil {
		return ""
	}
	return "mailto:" + c.config.StopAddress + "?subject=STOP%20" + c.seal.ticket(to)
}

// Confirm asks whoever opens the link in a browser: what it posts is the
// one-click request.
func (c *Channel) Confirm(r *http.Request) (map[string]string, error) {
	if _, ok := c.seal.open(r.URL.Query().Get("u")); !ok {
		return nil, channels.ErrForged
	}
	return map[string]string{"List-Unsubscribe": "One-Click"}, nil
}

// Inbound takes the one-click unsubscribes of RFC 8058: a POST by the
// recipient's mail provider, without credentials. The sealed address in the URL
// is the proof; a request without it is [channels.ErrForged]. A GET changes
// nothing, since programs that look for harm follow every link of a mail.
func (c *Channel) Inbound(r *http.Request) ([]channels.DeliveryReport, []channels.Reply, error) {
	if r.Method != http.MethodPost {
		return nil, nil, fmt.Errorf("%s instead of POST", r.Method)
	}
	address, ok := c.seal.open(r.URL.Query().Get("u"))
	if !ok {
		return nil, nil, channels.ErrForged
	}
	r.Body = http.MaxBytesReader(nil, r.Body, maxForm)
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil {
		return nil, nil, fmt.Errorf("one-click unsubscribe: a form was expected")
	}
	var form url.Values
	switch kind {
	case "application/x-www-form-urlencoded":
		err = r.ParseForm()
		form = r.PostForm
	case "multipart/form-data":
		if err = r.ParseMultipartForm(maxForm); err == nil {
			form = r.MultipartForm.Value
		}
	default:
		err = fmt.Errorf("a form was expected")
	}
	if err != nil {
		return nil, nil, fmt.Errorf("one-click unsubscribe: the form cannot be read")
	}
	if form.Get("List-Unsubscribe") != "One-Click" {
		return nil, nil, fmt.Errorf("one-click unsubscribe: the form does not say so")
	}
	return nil, []channels.Reply{{From: address, To: c.from.Address, Text: "STOP", At: time.Now()}}, nil
}
