package voice

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
	"time"

	"martinella/alerts"
	"martinella/channels"
	"martinella/channels/twilio"
)

// twilioAPI is Twilio's (twilio.com/docs/usage/api).
const twilioAPI = "https://api.twilio.com"

// longestCall bounds what a call can cost.
const longestCall = 5 * time.Minute

// twilioCarrier speaks to the Calls resource of Twilio's API of 2010-04-01.
type twilioCarrier struct {
	config  Config
	call    *channels.Caller
	account string // address of the account: .../2010-04-01/Accounts/AC...
	header  http.Header
	hook    string // where it reports to; "": nobody outside could reach it
	token   string // proves its requests to us
	byKey   bool   // an API key may not read the account itself
	known   sids
}

func (c *Config) twilio(m *mistakes, hook string) carrier {
	if !accountSID.MatchString(c.AccountSID) {
		m.wrong("account_sid", "is not an account's", "AC and 32 hexadecimal digits: Twilio's console shows it")
	}
	if !numberForm.MatchString(c.Source) {
		m.wrong("source", "is not a number", "a number of the account or one that it verified, like +390577000000")
	}
	user, secret, token := c.AccountSID, "", ""
	byKey := c.APIKeySID != "" || c.APIKeySecretFile != ""
	if c.AuthTokenFile != "" || !byKey {
		token = m.secret("auth_token_file", c.AuthTokenFile)
		secret = token
	}
	if byKey {
		if !keySID.MatchString(c.APIKeySID) {
			m.wrong("api_key_sid", "is not a key's", "SK and 32 hexadecimal digits")
		}
		user, secret = c.APIKeySID, m.secret("api_key_secret_file", c.APIKeySecretFile)
	}
	base := twilioAPI
	if c.URL != "" {
		if err := channels.CheckURL("url", c.URL); err != nil {
			m.wrong("url", strings.TrimPrefix(err.Error(), "url "), "leave it out for "+twilioAPI)
		}
		base = strings.TrimRight(c.URL, "/")
	}
	d := c.Description
	if d.Request.Path != "" || d.Answer.ID != "" || d.Hook.Reports.ID != "" || d.Probe.ID != "" || d.Check.Path != "" || d.SecretFile != "" || d.Username != "" || len(d.Secrets) > 0 {
		m.wrong("request", "or another part of a description is not for twilio", "leave it out, or use provider: generic")
	}
	if token == "" {
		hook = ""
	}
	basic := base64.StdEncoding.EncodeToString([]byte(user + ":" + secret))
	return &twilioCarrier{
		config: *c, call: channels.NewCaller(kindTwilio, secret, token, basic), account: base + "/2010-04-01/Accounts/" + c.AccountSID,
		header: http.Header{"Authorization": {"Basic " + basic}, "Accept": {"application/json"}}, hook: hook, token: token, byKey: byKey,
	}
}

// The requests of Twilio to the hook are told apart by ?on=.
const (
	onEnd     = "end"
	onKey     = "key"
	onMachine = "machine"
)

// address is where Twilio sends what it is asked for, with further fields as
// pairs. Its signature covers all of it.
func (c *twilioCarrier) address(on, language string, more ...string) string {
	if c.hook == "" {
		return ""
	}
	query := url.Values{"on": {on}, "lang": {language}}
	for i := 0; i+1 < len(more); i += 2 {
		query.Set(more[i], more[i+1])
	}
	return c.hook + "?" + query.Encode()
}

func (c *twilioCarrier) keys() bool { return c.hook != "" && c.config.confirm() }

var callSID = regexp.MustCompile(`^CA[0-9a-fA-F]{32}$`)

// callShown is a call as Twilio shows it (twilio.com/docs/voice/api/call-resource).
type callShown struct {
	SID         string `json:"sid"`
	To          string `json:"to"`
	From        string `json:"from"`
	Status      string `json:"status"`
	Direction   string `json:"direction"`
	AnsweredBy  string `json:"answered_by"`
	DateCreated string `json:"date_created"` // RFC 2822
}

func (c *twilioCarrier) dial(ctx context.Context, one call) (string, error) {
	lang := alerts.PrimaryLanguage(one.Language)
	action := ""
	switch {
	case one.page && one.code != "" && c.keys():
		action = c.address(onKey, lang, "call", one.code)
	case !one.page && c.config.confirm():
		action = c.address(onKey, lang)
	}
	said := one.twiml(action, c.config.voice(one.words.Language))
	if len(said) > longestTwiML {
		one.recording = ""
		said = one.twiml(action, c.config.voice(one.words.Language))
	}
	if len(said) > longestTwiML {
		return "", channels.Permanent(fmt.Errorf("twilio: the text of a call is too long: %d of %d characters; lower max_chars", len(said), longestTwiML))
	}
	form := url.Values{
		"To": {one.To}, "From": {c.config.Source}, "Twiml": {said},
		"Timeout": {strconv.Itoa(int(c.config.Ring / time.Second))}, "TimeLimit": {strconv.Itoa(int(longestCall / time.Second))},
	}
	if c.hook != "" {
		form.Set("StatusCallback", c.address(onEnd, lang)) // its usual event is the end of the call, however it came
		if c.config.machines() {
			// Beside the call, so that nobody waits in silence for its verdict.
			form.Set("MachineDetection", "Enable")
			form.Set("AsyncAmd", "true")
			form.Set("AsyncAmdStatusCallback", c.address(onMachine, lang))
		}
	}
	header := c.header.Clone()
	header.Set("Content-Type", "application/x-www-form-urlencoded")
	answer, err := c.call.Do(ctx, http.MethodPost, c.account+"/Calls.json", header, []byte(form.Encode()))
	if err != nil {
		return "", err
	}
	if err := twilio.Judge(c.call, answer, time.Now()); err != nil {
		return "", err
	}
	var got callShown
	if !answer.JSON || json.Unmarshal(answer.Body, &got) != nil || !callSID.MatchString(got.SID) {
		return "", channels.Uncertain(fmt.Errorf("twilio answered %d without the call's sid", answer.Status))
	}
	c.known.add(got.SID, one.Key)
	return got.SID, nil
}

func (c *twilioCarrier) finds() bool { return true }

// clockSkew is how far the clocks may be apart.
const clockSkew = time.Minute

// find looks for the call among the latest to its number from ours. Twilio keeps
// no word of ours with a call, so one counts that was made after the alert was
// published, that no other message of this process has, and that may have been
// heard: one that was busy, or that a machine took, is no harm to make again.
func (c *twilioCarrier) find(ctx context.Context, one call) (string, bool, error) {
	var list struct {
		Calls *[]callShown `json:"calls"`
		Next  string       `json:"next_page_uri"`
	}
	if err := c.reads().Read(ctx, "/Calls.json?"+url.Values{"To": {one.To}, "From": {c.config.Source}, "PageSize": {"100"}}.Encode(), &list); err != nil {
		return "", false, err
	}
	if list.Calls == nil {
		return "", false, errors.New("twilio answered without a list of calls")
	}
	older := false
	for _, shown := range *list.Calls {
		at, err := time.Parse(time.RFC1123Z, shown.DateCreated)
		if err == nil && !one.Sent.IsZero() && at.Before(one.Sent.Add(-clockSkew)) {
			older = true
			continue
		}
		mine := shown.To == one.To && shown.From == c.config.Source && strings.HasPrefix(shown.Direction, "outbound")
		if mine && callSID.MatchString(shown.SID) && mayBeHeard(shown) && c.known.free(shown.SID, one.Key) {
			c.known.add(shown.SID, one.Key)
			return shown.SID, true, nil
		}
	}
	if list.Next != "" && !older {
		return "", false, errors.New("twilio has more calls to this number than it lists at once")
	}
	return "", false, nil
}

func mayBeHeard(shown callShown) bool {
	switch shown.Status {
	case "busy", "no-answer", "failed", "canceled":
		return false
	}
	return !byMachine(shown.AnsweredBy)
}

// byMachine reads AnsweredBy: machine_start, machine_end_beep, machine_end_silence,
// machine_end_other, fax, human, unknown
// (twilio.com/docs/voice/answering-machine-detection).
func byMachine(answeredBy string) bool {
	return strings.HasPrefix(answeredBy, "machine") || answeredBy == "fax"
}

// check proves the credentials.
func (c *twilioCarrier) check(ctx context.Context) error { return c.reads().Check(ctx) }

func (c *twilioCarrier) reads() twilio.Account {
	return twilio.Account{Call: c.call, URL: c.account, Header: c.header, ByKey: c.byKey, List: "/Calls.json"}
}

func (c *twilioCarrier) note() string {
	switch {
	case c.token == "":
		return "without auth_token_file Twilio's requests cannot be verified: nobody is asked to press 1, and deliveries stay at accepted"
	case c.hook == "":
		return "public_url cannot be reached from outside: nobody is asked to press 1, and deliveries stay at accepted"
	}
	return ""
}
