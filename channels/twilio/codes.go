package twilio

import (
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"martinella/channels"
)

// Refusal is an answer of Twilio that is no yes. Its own words are not told:
// they repeat the number.
type Refusal struct {
	Status int
	Code   int // twilio.com/docs/api/errors; 0: none
}

// Error names status, code and, where it is known, what the code means.
func (e *Refusal) Error() string {
	s := "twilio answered " + strconv.Itoa(e.Status)
	if e.Code != 0 {
		s += " with code " + strconv.Itoa(e.Code)
	}
	if words := Words(e.Code); words != "" {
		s += ": " + words
	}
	return s
}

// Words explains a code; "" for one that is not known.
func Words(code int) string { return meanings[code].words }

// mostCode: Twilio's codes have five digits.
const mostCode = 99999

// Judge turns an answer into a verdict: nil for 2xx; else by Twilio's code where
// it names one that is known, else by the usual table of statuses. An error
// wraps a [Refusal].
func Judge(call *channels.Caller, a *channels.Answer, now time.Time) error {
	if a.Status >= 200 && a.Status < 300 {
		return nil
	}
	var body struct {
		Code int `json:"code"`
	}
	if a.JSON {
		_ = json.Unmarshal(a.Body, &body) // without a code the status decides
	}
	if body.Code < 0 || body.Code > mostCode {
		body.Code = 0 // none of Twilio's: whatever it is, it is not told
	}
	refusal := &Refusal{a.Status, body.Code}
	verdict, wait := channels.VerdictOf(call.Verdict(a, now))
	if known, ok := meanings[body.Code]; ok && a.Status < 500 {
		verdict = known.verdict
		wait = channels.WaitOf(http.StatusTooManyRequests, a.Header, a.Body, now)
	}
	switch verdict {
	case channels.VerdictUnauthorized:
		return channels.Unauthorized(refusal)
	case channels.VerdictRetry:
		return channels.RetryAfter(refusal, wait)
	case channels.VerdictPermanent:
		return channels.Permanent(refusal)
	}
	return channels.Uncertain(refusal)
}

type meaning struct {
	verdict channels.Verdict
	words   string
}

// meanings of codes that concern accounts, numbers and calls
// (twilio.com/docs/api/errors).
var meanings = map[int]meaning{
	10001: {channels.VerdictUnauthorized, "the account is not active"},
	10004: {channels.VerdictRetry, "too many calls at once"},
	13223: {channels.VerdictPermanent, "not a phone number"},
	13224: {channels.VerdictPermanent, "not a phone number that can be called"},
	13225: {channels.VerdictPermanent, "the number is blocked"},
	13227: {channels.VerdictPermanent, "the account may not call this country"},
	20003: {channels.VerdictUnauthorized, "the credentials are wrong"},
	20005: {channels.VerdictUnauthorized, "the account is not active"},
	20006: {channels.VerdictUnauthorized, "access denied"},
	20008: {channels.VerdictUnauthorized, "test credentials"},
	20404: {channels.VerdictUnauthorized, "the account is not found"},
	20429: {channels.VerdictRetry, "too many requests at once"},
	21201: {channels.VerdictPermanent, "no number to call"},
	21205: {channels.VerdictPermanent, "an address in the request is not valid"},
	21210: {channels.VerdictUnauthorized, "the caller's number is not verified"},
	21211: {channels.VerdictPermanent, "not a phone number"},
	21212: {channels.VerdictUnauthorized, "the caller's number is not valid"},
	21213: {channels.VerdictUnauthorized, "the caller's number is missing"},
	21214: {channels.VerdictPermanent, "the number cannot be reached"},
	21215: {channels.VerdictPermanent, "the account may not call this country"},
	21216: {channels.VerdictPermanent, "the number is blocked"},
	21217: {channels.VerdictPermanent, "not a phone number"},
	21219: {channels.VerdictPermanent, "a trial account reaches verified numbers only"},
	21609: {channels.VerdictPermanent, "the address for receipts is refused"},
	21626: {channels.VerdictPermanent, "the address for receipts is refused"},
}
