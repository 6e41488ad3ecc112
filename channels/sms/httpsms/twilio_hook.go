package httpsms

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"martinella/channels"
	api "martinella/channels/twilio"
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

// signed reports whether Twilio signed the request for the configured address
// of the hook, with the query of the request.
func (c *twilio) signed(r *http.Request, form url.Values) bool {
	if c.hook == "" {
		return false
	}
	address, _, _ := strings.Cut(c.hook, "?")
	if r.URL.RawQuery != "" {
		address += "?" + r.URL.RawQuery
	}
	return api.Verify(c.token, address, form, r.Header.Get(api.SignatureHeader))
}

func (c *twilio) hears() bool { return c.hook != "" && c.token != "" }

func (c *twilio) hookNote() string {
	switch {
	case c.token == "":
		return "without auth_token_file its receipts and replies cannot be verified and are refused"
	case c.hook == "":
		return "public_url cannot be reached from outside: no receipts come, and deliveries stay at accepted"
	}
	return ""
}
