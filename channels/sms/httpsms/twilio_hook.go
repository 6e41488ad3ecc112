package httpsms

import (
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // Twilio signs with it
	"encoding/base64"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"martinella/channels"
)

// events reads a status callback or an incoming message.
func (c *twilio) events(r *http.Request, body []byte) ([]channels.DeliveryReport, []channels.Reply, error) {
	form, err := url.ParseQuery(string(body))
	if err != nil || !c.signed(r, form) {
		return nil, nil, channels.ErrForged
	}
	sid := form.Get("MessageSid")
	if sid == "" {
		sid = form.Get("SmsSid")
	}
	status := form.Get("MessageStatus")
	switch {
	case status != "" && messageSID.MatchString(sid):
		code := status
		if e := form.Get("ErrorCode"); e != "" && len(e) <= 6 && strings.Trim(e, "0123456789") == "" && e != "0" {
			code = e
		}
		if len(code) > 40 {
			code = "***"
		}
		return []channels.DeliveryReport{{MessageID: sid, State: twilioState(status), Code: code, At: time.Now()}}, nil, nil
	case status == "" && form.Has("Body") && form.Get("From") != "":
		return nil, []channels.Reply{{From: form.Get("From"), To: form.Get("To"), Text: form.Get("Body"), At: time.Now()}}, nil
	}
	return nil, nil, errors.New("twilio: neither a status nor a message")
}

// twilioState reads MessageStatus (twilio.com/docs/messaging/api/message-resource).
func twilioState(status string) channels.ReportState {
	switch status {
	case "delivered", "read":
		return channels.ReportDelivered
	case "undelivered", "failed", "canceled":
		return channels.ReportFailed
	}
	return channels.ReportEnroute // accepted, scheduled, queued, sending, sent
}

// signed verifies X-Twilio-Signature: HMAC-SHA1 under the auth token over the
// address that Twilio was given and the parameters in their order, each name
// with its value (twilio.com/docs/usage/webhooks/webhooks-security). A proxy in
// front of us changes host and scheme, so the configured public address counts,
// not the request's; some senders add the usual port to it.
func (c *twilio) signed(r *http.Request, form url.Values) bool {
	given, err := base64.StdEncoding.DecodeString(r.Header.Get("X-Twilio-Signature"))
	if err != nil || c.token == "" || c.hook == "" {
		return false
	}
	base, _, _ := strings.Cut(c.hook, "?")
	address := base
	if r.URL.RawQuery != "" {
		address += "?" + r.URL.RawQuery
	}
	var params strings.Builder
	for _, name := range slices.Sorted(maps.Keys(form)) {
		values := slices.Clone(form[name])
		slices.Sort(values)
		for _, v := range slices.Compact(values) {
			params.WriteString(name + v)
		}
	}
	ok := false
	for _, a := range withPort(address) {
		mac := hmac.New(sha1.New, []byte(c.token))
		mac.Write([]byte(a + params.String()))
		ok = hmac.Equal(given, mac.Sum(nil)) || ok
	}
	return ok
}

// withPort gives an address as it is, and with or without its scheme's port.
func withPort(address string) []string {
	u, err := url.Parse(address)
	if err != nil {
		return []string{address}
	}
	port := map[string]string{"https": "443", "http": "80"}[u.Scheme]
	prefix := u.Scheme + "://" + u.Host
	rest, plain := strings.CutPrefix(address, prefix)
	switch {
	case !plain || port == "":
		return []string{address}
	case u.Port() == "":
		return []string{address, prefix + ":" + port + rest}
	case u.Port() == port:
		return []string{address, strings.TrimSuffix(prefix, ":"+port) + rest}
	}
	return []string{address}
}

func (c *twilio) hookNote() string {
	switch {
	case c.token == "":
		return "without auth_token_file its receipts and replies cannot be verified and are refused"
	case c.hook == "":
		return "public_url cannot be reached from outside: no receipts come, and deliveries stay at accepted"
	}
	return ""
}
