package httpsms

import (
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"martinella/channels"
)

// twilioRefusal is an answer that is no yes. Twilio's own words are not told:
// they repeat the number.
type twilioRefusal struct {
	status int
	code   int // twilio.com/docs/api/errors; 0: none
}

func (e *twilioRefusal) Error() string {
	s := "twilio answered " + strconv.Itoa(e.status)
	if e.code != 0 {
		s += " with code " + strconv.Itoa(e.code)
	}
	if words := twilioWords[e.code]; words != "" {
		s += ": " + words
	}
	return s
}

// badHook: the address for receipts is refused (21609, 21621).
func (e *twilioRefusal) badHook() bool { return e.code == 21609 || e.code == 21621 }

// twilioWords explains the codes that an operator should understand at once.
var twilioWords = map[int]string{
	20003: "the credentials are wrong",
	20005: "the account is not active",
	20429: "too many requests at once",
	21211: "not a phone number",
	21408: "the account may not send to this country",
	21606: "the sender cannot reach this number",
	21608: "a trial account reaches verified numbers only",
	21609: "the address for receipts is refused",
	21610: "the recipient has written STOP to the sender",
	21611: "the queue of the sender is full",
	21612: "the sender cannot reach this number",
	21614: "not a mobile number",
	21617: "the text is too long",
	21621: "the address for receipts is refused",
	21635: "a landline",
	30001: "the queue is full",
	30002: "the account is suspended",
	30003: "the phone is off or out of reach",
	30004: "blocked by the operator or the recipient",
	30005: "the number does not exist",
	30006: "a landline, or an operator that cannot be reached",
	30007: "filtered by the operator",
	30008: "the operator does not say why",
	30036: "it waited longer than it was valid",
}

// mostCode: Twilio's codes have five digits.
const mostCode = 99999

// judge turns an answer into a verdict: by Twilio's code where it names one,
// else by the status (twilio.com/docs/api/errors).
func (c *twilio) judge(a *channels.Answer) error {
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
	refusal := &twilioRefusal{a.Status, body.Code}
	if a.Status < 500 {
		switch twilioVerdicts[body.Code] {
		case channels.VerdictUnauthorized:
			return channels.Unauthorized(refusal)
		case channels.VerdictRetry:
			return channels.RetryAfter(refusal, channels.WaitOf(http.StatusTooManyRequests, a.Header, a.Body, time.Now()))
		case channels.VerdictPermanent:
			if twilioElsewhere[body.Code] {
				return elsewhere(refusal)
			}
			return channels.Permanent(refusal)
		}
	}
	return usual(c.call, a, refusal)
}

// usual judges an answer by its status alone and calls it err.
func usual(call *channels.Caller, a *channels.Answer, err error) error {
	switch v, wait := channels.VerdictOf(call.Verdict(a, time.Now())); v {
	case channels.VerdictAccepted:
		return nil
	case channels.VerdictUnauthorized:
		return channels.Unauthorized(err)
	case channels.VerdictRetry:
		return channels.RetryAfter(err, wait)
	case channels.VerdictPermanent:
		return channels.Permanent(err)
	}
	return channels.Uncertain(err)
}

// twilioVerdicts are the codes that decide otherwise than their status, and
// those that are named for certainty. A code of 300xx belongs to receipts; in
// an answer it means that the message will not arrive.
var twilioVerdicts = map[int]channels.Verdict{
	14107: channels.VerdictRetry, // the rate of SMS is exceeded
	20003: channels.VerdictUnauthorized,
	20005: channels.VerdictUnauthorized,
	20006: channels.VerdictUnauthorized,
	20008: channels.VerdictUnauthorized, // test credentials
	20404: channels.VerdictUnauthorized, // the account is not found
	20429: channels.VerdictRetry,
	21211: channels.VerdictPermanent,
	21212: channels.VerdictUnauthorized, // the sender is not valid, for anybody
	21214: channels.VerdictPermanent,
	21217: channels.VerdictPermanent,
	21265: channels.VerdictPermanent, // to a short code
	21408: channels.VerdictPermanent,
	21601: channels.VerdictPermanent,
	21602: channels.VerdictPermanent, // no body
	21603: channels.VerdictUnauthorized,
	21604: channels.VerdictPermanent, // no recipient
	21606: channels.VerdictPermanent,
	21608: channels.VerdictPermanent,
	21609: channels.VerdictPermanent,
	21610: channels.VerdictPermanent,
	21611: channels.VerdictRetry,
	21612: channels.VerdictPermanent,
	21614: channels.VerdictPermanent,
	21617: channels.VerdictPermanent,
	21621: channels.VerdictPermanent,
	21635: channels.VerdictPermanent,
	21659: channels.VerdictPermanent,
	21660: channels.VerdictUnauthorized, // the sender is another account's
	21661: channels.VerdictUnauthorized, // the sender has no SMS
	21701: channels.VerdictUnauthorized, // the messaging service does not exist
	21703: channels.VerdictUnauthorized, // it has no sender
	21704: channels.VerdictUnauthorized,
	21705: channels.VerdictUnauthorized,
	30001: channels.VerdictRetry,
	30002: channels.VerdictUnauthorized,
	30003: channels.VerdictPermanent,
	30004: channels.VerdictPermanent,
	30005: channels.VerdictPermanent,
	30006: channels.VerdictPermanent,
	30007: channels.VerdictPermanent,
	30008: channels.VerdictPermanent,
	63018: channels.VerdictRetry, // the rate of the channel is exceeded
}

// twilioElsewhere are the refusals that another provider may not repeat.
var twilioElsewhere = map[int]bool{
	21214: true, 21408: true, 21606: true, 21608: true, 21612: true, 21659: true,
	30004: true, 30006: true, 30007: true, 30008: true,
}
