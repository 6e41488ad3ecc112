package httpsms

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"martinella/channels"
	api "martinella/channels/twilio"
)

// twilioAPI is Twilio's (twilio.com/docs/usage/api).
const twilioAPI = "https://api.twilio.com"

// The bounds of ValidityPeriod in seconds (Twilio error 90007).
const (
	validityLeast = 1
	validityMost  = 36000
)

// twilio speaks to the Messages resource of Twilio's API of 2010-04-01.
type twilio struct {
	call    *channels.Caller
	account string // address of the account: .../2010-04-01/Accounts/AC...
	header  http.Header
	service string
	hook    string // where it reports to; "": nobody outside could reach it
	token   string // proves its requests to us
	byKey   bool   // an API key may not read the account itself

	hookless atomic.Bool // it refused the address of the hook
}

var (
	accountSID = regexp.MustCompile(`^AC[0-9a-fA-F]{32}$`)
	keySID     = regexp.MustCompile(`^SK[0-9a-fA-F]{32}$`)
	serviceSID = regexp.MustCompile(`^MG[0-9a-fA-F]{32}$`)
)

func (p *ProviderConfig) twilio(m *mistakes, hook string) carrier {
	if !accountSID.MatchString(p.AccountSID) {
		m.wrong("account_sid", "is not an account's", "AC and 32 hexadecimal digits: Twilio's console shows it")
	}
	user, secret, token := p.AccountSID, "", ""
	byKey := p.APIKeySID != "" || p.APIKeySecretFile != ""
	if p.AuthTokenFile != "" || !byKey {
		token = m.secret("auth_token_file", p.AuthTokenFile)
		secret = token
	}
	if byKey {
		if !keySID.MatchString(p.APIKeySID) {
			m.wrong("api_key_sid", "is not a key's", "SK and 32 hexadecimal digits")
		}
		user, secret = p.APIKeySID, m.secret("api_key_secret_file", p.APIKeySecretFile)
	}
	switch {
	case p.MessagingServiceSID == "" && p.Source == "":
		m.wrong("source", "is missing", "an alias or a number of the account, or messaging_service_sid")
	case p.MessagingServiceSID != "" && p.Source != "":
		m.wrong("messaging_service_sid", "is given beside source", "keep one of the two")
	case p.MessagingServiceSID != "" && !serviceSID.MatchString(p.MessagingServiceSID):
		m.wrong("messaging_service_sid", "is not a service's", "MG and 32 hexadecimal digits")
	}
	if p.Username != "" || p.PasswordFile != "" || p.SecretFile != "" {
		m.wrong("username", "or password_file or secret_file is not for twilio", "use account_sid and auth_token_file")
	}
	basic := base64.StdEncoding.EncodeToString([]byte(user + ":" + secret))
	if token == "" {
		hook = ""
	}
	return &twilio{
		call: channels.NewCaller(kindTwilio, secret, token, basic), account: p.base(m, twilioAPI) + "/2010-04-01/Accounts/" + p.AccountSID,
		header: http.Header{"Authorization": {"Basic " + basic}, "Accept": {"application/json"}}, service: p.MessagingServiceSID, hook: hook, token: token, byKey: byKey,
	}
}

// twilioMessage is a message as Twilio shows it
// (twilio.com/docs/messaging/api/message-resource).
type twilioMessage struct {
	SID         string `json:"sid"`
	To          string `json:"to"`
	Body        string `json:"body"`
	Direction   string `json:"direction"`
	Status      string `json:"status"`
	DateCreated string `json:"date_created"` // RFC 2822
}

// messageSID is SM... or, with media, MM...
var messageSID = regexp.MustCompile(`^[A-Z]{2}[0-9a-fA-F]{32}$`)

func (c *twilio) send(ctx context.Context, t text) (string, error) {
	hooked := c.hook != "" && !t.answer && !c.hookless.Load()
	id, err := c.post(ctx, t, hooked)
	if badHook(err) && hooked {
		// It refused the address for receipts, so it took nothing: a warning
		// must not fail for that, nor must those that were on their way with it.
		c.hookless.Store(true)
		return c.post(ctx, t, false)
	}
	return id, err
}

func (c *twilio) post(ctx context.Context, t text, hooked bool) (string, error) {
	form := url.Values{"To": {t.To}, "Body": {t.Text},
		// The text is compared when an answer was lost, and its length is paid
		// for as it was shown to the author: nothing may change it, whatever a
		// messaging service is set to.
		"SmartEncoded": {"false"}, "ShortenUrls": {"false"}}
	if t.from != "" {
		form.Set("From", t.from)
	} else {
		form.Set("MessagingServiceSid", c.service)
	}
	if hooked {
		form.Set("StatusCallback", c.hook)
	}
	if !t.Expires.IsZero() {
		left := int(time.Until(t.Expires) / time.Second)
		form.Set("ValidityPeriod", strconv.Itoa(min(max(left, validityLeast), validityMost)))
	}
	header := c.header.Clone()
	header.Set("Content-Type", "application/x-www-form-urlencoded")
	answer, err := c.call.Do(ctx, http.MethodPost, c.account+"/Messages.json", header, []byte(form.Encode()))
	if err != nil {
		return "", err
	}
	if err := c.judge(answer); err != nil {
		return "", err
	}
	var got twilioMessage
	if !answer.JSON || json.Unmarshal(answer.Body, &got) != nil || !messageSID.MatchString(got.SID) {
		return "", channels.Uncertain(fmt.Errorf("twilio answered %d without the message's sid", answer.Status))
	}
	return got.SID, nil
}

func (c *twilio) finds() bool { return true }

// clockSkew is how far the clocks may be apart.
const clockSkew = time.Minute

// find looks for the message among the latest to its number. Twilio's filter
// DateSent is not used: what still waits there has no such date. A message is
// ours when it was made after the alert was published and has the same text, to
// which a trial account puts words in front. One that has failed is passed over:
// it may be an earlier one that somebody sends again.
func (c *twilio) find(ctx context.Context, t text) (string, bool, error) {
	var list struct {
		Messages *[]twilioMessage `json:"messages"`
		Next     string           `json:"next_page_uri"`
	}
	if err := c.reads().Read(ctx, "/Messages.json?"+url.Values{"To": {t.To}, "PageSize": {"100"}}.Encode(), &list); err != nil {
		return "", false, err
	}
	if list.Messages == nil {
		return "", false, errors.New("twilio answered without a list of messages")
	}
	older, want := false, packed(t.Text)
	for _, m := range *list.Messages {
		at, err := time.Parse(time.RFC1123Z, m.DateCreated)
		if err == nil && !t.Sent.IsZero() && at.Before(t.Sent.Add(-clockSkew)) {
			older = true
			continue
		}
		if messageSID.MatchString(m.SID) && m.To == t.To && m.Direction != "inbound" && twilioState(m.Status) != channels.ReportFailed && strings.HasSuffix(packed(m.Body), want) {
			return m.SID, true, nil
		}
	}
	if list.Next != "" && !older {
		return "", false, errors.New("twilio has more messages to this number than it lists at once")
	}
	return "", false, nil
}

// packed is a text without its space, which the service may change.
func packed(s string) string { return strings.Join(strings.Fields(s), "") }

func (c *twilio) checks() bool { return true }

// check proves the credentials.
func (c *twilio) check(ctx context.Context) error { return c.reads().Check(ctx) }

func (c *twilio) reads() api.Account {
	return api.Account{Call: c.call, URL: c.account, Header: c.header, ByKey: c.byKey, List: "/Messages.json"}
}

// certain turns "perhaps taken" into a plain error: what only asks takes
// nothing.
func certain(err error) error {
	if v, _ := channels.VerdictOf(err); v == channels.VerdictUncertain {
		return errors.New(err.Error())
	}
	return err
}
