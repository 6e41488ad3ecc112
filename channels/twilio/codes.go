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
	if known, ok := meanings[body.Code]; ok && known.verdict != "" && a.Status < 500 {
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

// meanings of codes that concern accounts, numbers, calls and SMS
// (twilio.com/docs/api/errors). A code of 300xx belongs to receipts; in an
// answer it means that the message will not arrive.
var meanings = map[int]meaning{
	10001: {channels.VerdictUnauthorized, "the account is not active"},
	10004: {channels.VerdictRetry, "too many calls at once"},
	13223: {channels.VerdictPermanent, "not a phone number"},
	13224: {channels.VerdictPermanent, "not a phone number that can be called"},
	13225: {channels.VerdictPermanent, "the number is blocked"},
	13227: {channels.VerdictPermanent, "the account may not call this country"},
	14107: {channels.VerdictRetry, "the rate of SMS is exceeded"},
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
	21265: {channels.VerdictPermanent, "a short code"},
	21408: {channels.VerdictPermanent, "the account may not send to this country"},
	21601: {channels.VerdictPermanent, ""},
	21602: {channels.VerdictPermanent, "there is no text"},
	21603: {channels.VerdictUnauthorized, "the sender is missing"},
	21604: {channels.VerdictPermanent, "there is no recipient"},
	21606: {channels.VerdictPermanent, "the sender cannot reach this number"},
	21608: {channels.VerdictPermanent, "a trial account reaches verified numbers only"},
	21609: {channels.VerdictPermanent, "the address for receipts is refused"},
	21610: {channels.VerdictPermanent, "the recipient has written STOP to the sender"},
	21611: {channels.VerdictRetry, "the queue of the sender is full"},
	21612: {channels.VerdictPermanent, "the sender cannot reach this number"},
	21614: {channels.VerdictPermanent, "not a mobile number"},
	21617: {channels.VerdictPermanent, "the text is too long"},
	21621: {channels.VerdictPermanent, "the address for receipts is refused"},
	21626: {channels.VerdictPermanent, "the address for receipts is refused"},
	21635: {channels.VerdictPermanent, "a landline"},
	21659: {channels.VerdictPermanent, ""},
	21660: {channels.VerdictUnauthorized, "the sender is another account's"},
	21661: {channels.VerdictUnauthorized, "the sender has no SMS"},
	21701: {channels.VerdictUnauthorized, "the messaging service does not exist"},
	21703: {channels.VerdictUnauthorized, "the messaging service has no sender"},
	21704: {channels.VerdictUnauthorized, ""},
	21705: {channels.VerdictUnauthorized, ""},
	30001: {channels.VerdictRetry, "the queue is full"},
	30002: {channels.VerdictUnauthorized, "the account is suspended"},
	30003: {channels.VerdictPermanent, "the phone is off or out of reach"},
	30004: {channels.VerdictPermanent, "blocked by the operator or the recipient"},
	30005: {channels.VerdictPermanent, "the number does not exist"},
	30006: {channels.VerdictPermanent, "a landline, or an operator that cannot be reached"},
	30007: {channels.VerdictPermanent, "filtered by the operator"},
	30008: {channels.VerdictPermanent, "the operator does not say why"},
	63018: {channels.VerdictRetry, "the rate of the channel is exceeded"},
	30036: {"", "it waited longer than it was valid"},
}
