package x

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"martinella/channels"
)

// problem is how X explains a refusal
// (docs.x.com/x-api/fundamentals/response-codes-and-errors): one object, or
// several in errors, of which the older ones have a code.
type problem struct {
	Type    string    `json:"type"` // ends in a word: .../problems/usage-capped
	Title   string    `json:"title"`
	Detail  string    `json:"detail"`
	Message string    `json:"message"`
	Reason  string    `json:"reason"` // of client-forbidden: client-not-enrolled
	Period  string    `json:"period"` // of usage-capped: Daily, Monthly
	Code    int       `json:"code"`
	Errors  []problem `json:"errors"`
}

func problemOf(a answer) problem {
	var p problem
	if a.JSON {
		_ = json.Unmarshal(a.Body, &p) // what cannot be read explains nothing
	}
	return p
}

// is reports whether the problem, or one of its errors, is of a type or reason.
func (p problem) is(words ...string) bool {
	for _, w := range words {
		if strings.HasSuffix(p.Type, "/"+w) || p.Reason == w {
			return true
		}
	}
	for _, one := range p.Errors {
		if one.is(words...) {
			return true
		}
	}
	return false
}

// says looks for words of X in the explanation, in whatever case.
func (p problem) says(words ...string) bool {
	text := strings.ToLower(p.Title + "\n" + p.Detail + "\n" + p.Message)
	for _, w := range words {
		if strings.Contains(text, w) {
			return true
		}
	}
	for _, one := range p.Errors {
		if one.says(words...) {
			return true
		}
	}
	return false
}

// coded reports one of the codes of the older form
// (developer.x.com/en/support/x-api/error-troubleshooting).
func (p problem) coded(codes ...int) bool {
	if slices.Contains(codes, p.Code) {
		return true
	}
	for _, one := range p.Errors {
		if one.coded(codes...) {
			return true
		}
	}
	return false
}

// duplicate: the account has a post with these words.
func (a answer) duplicate() bool {
	p := problemOf(a)
	return a.Status == http.StatusForbidden && (p.says("duplicate content", "is a duplicate") || p.coded(187))
}

// orphaned: the post that was to be answered is gone, or takes no answers. The
// new one was not posted.
func (a answer) orphaned() bool {
	p := problemOf(a)
	switch a.Status {
	case http.StatusForbidden, http.StatusBadRequest, http.StatusNotFound:
		return p.coded(385) || p.says("reply to a tweet that is deleted", "reply to a post that is deleted", "reply to this conversation is not allowed", "in_reply_to_tweet_id")
	}
	return false
}

// blind: the picture was not taken with the post. It was not posted.
func (a answer) blind() bool {
	p := problemOf(a)
	switch a.Status {
	case http.StatusForbidden, http.StatusBadRequest:
		return p.coded(324, 386) || p.says("media id", "media_id", "media ids")
	}
	return false
}

// gone: there is no such post.
func (a answer) gone() bool {
	return a.Status == http.StatusNotFound || a.Status == http.StatusGone || problemOf(a).is("resource-not-found") || problemOf(a).coded(144)
}

// verdict judges an answer by the table of X.
func (a answer) verdict(now time.Time) error {
	err := a.call.Verdict(a.Answer, now)
	if err == nil {
		return nil
	}
	refused := errors.Unwrap(err) // without its verdict
	unauthorized := func(words string) error {
		return channels.Unauthorized(fmt.Errorf("%w: %s", refused, words))
	}
	p := problemOf(a)
	switch a.Status {
	case http.StatusUnauthorized:
		return unauthorized("the account's token is not taken" + skew(a.Header, now))
	case http.StatusPaymentRequired:
		return unauthorized("there is no credit left for posts: buy some at console.x.com, best with automatic recharge")
	case http.StatusForbidden:
		return forbidden(refused, p, a.wait(now))
	case http.StatusTooManyRequests:
		if p.is("usage-capped") && !strings.EqualFold(p.Period, "daily") || p.says("monthly product cap", "spending limit") {
			return unauthorized("what was paid for this month is used up: raise the limit or buy credit at console.x.com")
		}
		if a.Header.Get("X-User-Limit-24hour-Remaining") == "0" || a.Header.Get("X-App-Limit-24hour-Remaining") == "0" {
			refused = fmt.Errorf("%w: X takes no more posts today", refused)
		}
		return channels.RetryAfter(refused, a.wait(now))
	}
	return err
}

// forbidden judges a 403, which X has for everything that is neither a wrong
// token nor a wrong form.
func forbidden(refused error, p problem, wait time.Duration) error {
	var words string
	switch {
	case p.is("oauth1-permissions") || p.says("app permissions"):
		words = "the application may only read: allow it to read and write at console.x.com, then make the access token anew"
	case p.is("client-not-enrolled", "official-client-forbidden", "client-forbidden"):
		words = "the application may not use this part of the API: see its project and access at console.x.com"
	case p.is("unsupported-authentication") || p.says("unsupported authentication", "scope"):
		words = "the token is of the wrong kind, or lacks a scope"
	case p.says("spending limit", "credits"):
		words = "what may be spent is used up: raise the limit or buy credit at console.x.com"
	case p.coded(64, 326) || p.says("suspended", "temporarily locked", "is locked", "has been locked", "deactivated"):
		words = "the account is suspended or locked: sign in at x.com and follow what it says"
	case p.coded(185, 226) || p.says("daily status update limit", "daily limit", "might be automated"):
		return channels.RetryAfter(refused, wait)
	default:
		return channels.Permanent(refused)
	}
	return channels.Unauthorized(fmt.Errorf("%w: %s", refused, words))
}

// wait is how long X asks to wait: the end of the quarter of an hour, or of the
// day, whichever is used up.
func (a answer) wait(now time.Time) time.Duration {
	wait := channels.WaitOf(a.Status, a.Header, a.Body, now)
	for _, of := range []string{"X-User-Limit-24hour-", "X-App-Limit-24hour-"} {
		reset, err := strconv.ParseInt(strings.TrimSpace(a.Header.Get(of+"Reset")), 10, 64)
		if err == nil && strings.TrimSpace(a.Header.Get(of+"Remaining")) == "0" {
			wait = max(wait, time.Unix(reset, 0).Sub(now))
		}
	}
	return wait // RetryAfter bounds it
}
