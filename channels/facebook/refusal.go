package facebook

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"martinella/channels"
)

// refusal is an error of the Graph API
// (developers.facebook.com/docs/graph-api/guides/error-handling).
type refusal struct {
	Code      int    `json:"code"`
	Subcode   int    `json:"error_subcode"`
	Transient bool   `json:"is_transient"`
	Message   string `json:"message"`

	text string // what Error says
}

func (r *refusal) Error() string { return r.text }

// The codes that are more than a verdict.
const (
	codeParameter = 100
	codeDuplicate = 506 // the same words as the post before
	codeNoAlias   = 803 // of a read: there is no such thing

	subcodeGone = 33 // of code 100: there is no such thing, or it is hidden from us
)

// gone reports whether the platform knows no such post, or hides it from us.
func (r *refusal) gone() bool {
	return r.Code == codeParameter && r.Subcode == subcodeGone || r.Code == codeNoAlias
}

// blockedWait is how long to leave alone a page whose posts are held for abuse
// (code 368): every further try makes it worse.
const blockedWait = 15 * time.Minute

// throttled reports whether a limit of calls was reached: of the app (4), the
// person (17), the page (32, 80001 and its neighbours of other products), the
// account (341), or for one kind of call (613).
func (r *refusal) throttled() bool {
	switch r.Code {
	case 4, 17, 32, 341, 613:
		return true
	}
	return r.Code >= 80000 && r.Code <= 80014
}

// unauthorized reports whether the token or a permission is the trouble: the
// token (190, 102), the app's or person's permission (10, 200 to 299), a
// capability of the app (3). A proof made with the wrong app secret is answered
// like a wrong parameter.
func (r *refusal) unauthorized() bool {
	switch r.Code {
	case 190, 102, 10, 3:
		return true
	case codeParameter:
		return strings.Contains(r.Message, "appsecret_proof")
	}
	return r.Code >= 200 && r.Code <= 299
}

// advice says in plain words what to do; "" where the platform's own message
// is all there is.
func (r *refusal) advice() string {
	switch {
	case r.Code == 190 || r.Code == 102:
		switch r.Subcode {
		case 458:
			return "the app was taken out of the settings of the person or the page: connect the page again"
		case 459:
			return "Facebook wants the person who connected the page to sign in at facebook.com and confirm something there"
		case 460:
			return "the person who connected the page changed the password: make a new token"
		case 463:
			return "the token has ended: make a new one"
		case 464:
			return "the account of the person who connected the page is not confirmed: sign in at facebook.com and confirm it"
		case 467:
			return "the token was revoked, perhaps by signing out: make a new one"
		case 490, 492:
			return "the person who connected the page has no role on it any more: let somebody connect it who has one"
		}
		return "the token is not valid: make a new one"
	case r.Code == codeParameter && r.unauthorized():
		return "app_secret_file does not hold the secret of the app that the token was made with"
	case r.unauthorized():
		return "a permission is missing: the app needs pages_manage_posts and pages_read_engagement, the person the task to create content"
	case r.Code == 368:
		return "Facebook holds the page's posts back as abuse: look for a notice at the page and at facebook.com/business/help"
	case r.Code == 12:
		return "this version of the Graph API is over: set a newer version"
	}
	return ""
}

// judge gives the verdict of an answer to a call that writes. The status alone
// counts only where the answer has no code: it comes from something in between.
func (g *graph) judge(a *channels.Answer, now time.Time) error {
	r, ok := refusalIn(a)
	if !ok {
		return g.call.Verdict(a, now)
	}
	code := strconv.Itoa(r.Code)
	if r.Subcode != 0 {
		code += "/" + strconv.Itoa(r.Subcode)
	}
	r.text = channels.Refused(platform, code, g.hide(r.Message)).Error()
	if advice := r.advice(); advice != "" {
		r.text += ": " + advice
	}
	switch {
	case r.throttled():
		return channels.RetryAfter(r, max(regained(a.Header), channels.WaitOf(a.Status, a.Header, nil, now)))
	case r.Code == 368:
		return channels.RetryAfter(r, blockedWait)
	case r.Code == 1, r.Code == 2, r.Transient:
		return channels.Uncertain(r)
	case r.unauthorized():
		return channels.Unauthorized(r)
	case a.Status == http.StatusTooManyRequests:
		return channels.RetryAfter(r, max(regained(a.Header), channels.WaitOf(a.Status, a.Header, nil, now)))
	case a.Status >= 500:
		return channels.Uncertain(r)
	}
	return channels.Permanent(r)
}

// refusalIn reads the error of an answer, whatever its status.
func refusalIn(a *channels.Answer) (*refusal, bool) {
	var in struct {
		Error refusal `json:"error"`
	}
	known := isJSON(a) && json.Unmarshal(a.Body, &in) == nil && in.Error.Code != 0
	return &in.Error, known
}

// isJSON also takes the type by which older versions of the Graph API call it.
func isJSON(a *channels.Answer) bool {
	media, _, _ := strings.Cut(a.Header.Get("Content-Type"), ";")
	return a.JSON || strings.TrimSpace(strings.ToLower(media)) == "text/javascript"
}

// regained reads how long it takes until calls are allowed again, 0 where it is
// not said. Facebook has no Retry-After; it gives minutes in
// X-Business-Use-Case-Usage, a list for each page or account
// (developers.facebook.com/docs/graph-api/overview/rate-limiting).
func regained(h http.Header) time.Duration {
	type usage struct {
		Minutes float64 `json:"estimated_time_to_regain_access"`
	}
	var longest float64
	for _, v := range h.Values("X-Business-Use-Case-Usage") {
		var accounts map[string][]usage
		if json.Unmarshal([]byte(v), &accounts) != nil {
			continue
		}
		for _, account := range accounts {
			for _, u := range account {
				longest = max(longest, u.Minutes)
			}
		}
	}
	for _, v := range h.Values("X-App-Usage") {
		var app usage
		if json.Unmarshal([]byte(v), &app) == nil {
			longest = max(longest, app.Minutes)
		}
	}
	const day = 24 * 60
	return time.Duration(min(max(longest, 0), day) * float64(time.Minute))
}

// anyToken is how tokens of Facebook look, ours and others.
var anyToken = regexp.MustCompile(`EA[A-Za-z0-9]{16,}`)

// hide takes the secrets out of a text of the platform.
func (g *graph) hide(text string) string {
	text = anyToken.ReplaceAllString(text, "***")
	for _, s := range g.call.Secrets {
		if s != "" {
			text = strings.ReplaceAll(text, s, "***")
		}
	}
	return text
}

// unreadable is the error of a yes whose answer cannot be read.
func unreadable(a *channels.Answer, err error) error {
	if err == nil {
		return channels.Uncertain(channels.Refused(platform, strconv.Itoa(a.Status), "the answer is not JSON"))
	}
	return channels.Uncertain(fmt.Errorf("facebook answered %d with JSON that cannot be read: %w", a.Status, err))
}
