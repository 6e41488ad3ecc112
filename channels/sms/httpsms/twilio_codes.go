package httpsms

import (
	"errors"
	"time"

	"martinella/channels"
	api "martinella/channels/twilio"
)

// badHook: the address for receipts is refused.
func badHook(err error) bool {
	refusal, ok := errors.AsType[*api.Refusal](err)
	return ok && (refusal.Code == 21609 || refusal.Code == 21621)
}

// judge turns an answer into a verdict, and tells what another provider may not
// refuse.
func (c *twilio) judge(a *channels.Answer) error {
	err := api.Judge(c.call, a, time.Now())
	if refusal, ok := errors.AsType[*api.Refusal](err); ok && twilioElsewhere[refusal.Code] {
		if v, _ := channels.VerdictOf(err); v == channels.VerdictPermanent {
			return elsewhere(refusal)
		}
	}
	return err
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

// twilioElsewhere are the refusals that another provider may not repeat.
var twilioElsewhere = map[int]bool{
	21214: true, 21408: true, 21606: true, 21608: true, 21612: true, 21659: true,
	30004: true, 30006: true, 30007: true, 30008: true,
}
