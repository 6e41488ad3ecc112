package x

import (
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"martinella/channels"
	"martinella/channels/channeltest"
)

// detail is a problem as X writes most of them.
func detail(status int, text string) string {
	return `{"title":"` + http.StatusText(status) + `","detail":"` + text + `","type":"about:blank","status":` + strconv.Itoa(status) + `}`
}

func kind(status int, word, text string) string {
	return `{"title":"` + http.StatusText(status) + `","detail":"` + text + `","type":"https://api.twitter.com/2/problems/` + word + `","status":` + strconv.Itoa(status) + `}`
}

func TestVerdicts(t *testing.T) {
	in := func(d time.Duration) string { return strconv.FormatInt(time.Now().Add(d).Unix(), 10) }
	type wait struct{ least, most time.Duration }
	for name, c := range map[string]struct {
		status int
		body   string
		header []string
		want   channels.Verdict
		says   string
		wait   wait
	}{
		"a field that X does not know": {400, `{"errors":[{"message":"$.nope: is not defined in the schema"}],"title":"Invalid Request","type":"https://api.twitter.com/2/problems/invalid-request"}`, nil, channels.VerdictPermanent, "$.nope", wait{}},
		"a wrong token":                {401, detail(401, "Unauthorized"), nil, channels.VerdictUnauthorized, "token", wait{}},
		"a token in the older form":    {401, `{"errors":[{"code":89,"message":"Invalid or expired token."}]}`, nil, channels.VerdictUnauthorized, "", wait{}},
		"no credit": {402, kind(402, "credits", "Your enrolled account [1] does not have any credits to fulfill this request."), nil, channels.VerdictUnauthorized,
			"buy some", wait{}},
		"no credit, without a word":                  {402, ``, nil, channels.VerdictUnauthorized, "buy some", wait{}},
		"the spending limit":                         {403, detail(403, "Your account has hit its spending limit for this billing cycle"), nil, channels.VerdictUnauthorized, "raise the limit", wait{}},
		"the application may only read":              {403, kind(403, "oauth1-permissions", "Your client app is not configured with the appropriate oauth1 app permissions for this endpoint."), nil, channels.VerdictUnauthorized, "read and write", wait{}},
		"the application has no project":             {403, `{"reason":"client-not-enrolled","required_enrollment":"Appropriate Level of API Access","title":"Client Forbidden","type":"https://api.twitter.com/2/problems/client-forbidden"}`, nil, channels.VerdictUnauthorized, "project", wait{}},
		"a token of the wrong kind":                  {403, kind(403, "unsupported-authentication", "Authenticating with OAuth 2.0 Application-Only is forbidden for this endpoint."), nil, channels.VerdictUnauthorized, "wrong kind", wait{}},
		"the account is suspended":                   {403, detail(403, "User account is suspended."), nil, channels.VerdictUnauthorized, "sign in at x.com", wait{}},
		"the account is locked":                      {403, `{"errors":[{"code":326,"message":"To protect our users from spam and other malicious activity, this account is temporarily locked."}]}`, nil, channels.VerdictUnauthorized, "sign in at x.com", wait{}},
		"not permitted: the text is too long":        {403, detail(403, "You are not permitted to perform this action."), nil, channels.VerdictPermanent, "", wait{}},
		"blocked is not locked":                      {403, detail(403, "You have been blocked from mentioning this user."), nil, channels.VerdictPermanent, "", wait{}},
		"over the day's posts, in the older form":    {403, `{"errors":[{"code":185,"message":"User is over daily status update limit."}]}`, nil, channels.VerdictRetry, "", wait{}},
		"taken for a robot":                          {403, detail(403, "This request looks like it might be automated."), nil, channels.VerdictRetry, "", wait{}},
		"not there":                                  {404, ``, nil, channels.VerdictPermanent, "", wait{}},
		"too large":                                  {413, ``, nil, channels.VerdictPermanent, "", wait{}},
		"too many in a quarter of an hour":           {429, kind(429, "rate-limit-exceeded", "Too Many Requests"), []string{"x-rate-limit-reset", in(5 * time.Minute)}, channels.VerdictRetry, "", wait{4 * time.Minute, 5 * time.Minute}},
		"too many in a day, of the user":             {429, detail(429, "Too Many Requests"), []string{"x-rate-limit-reset", in(time.Minute), "x-rate-limit-remaining", "80", "x-user-limit-24hour-limit", "100", "x-user-limit-24hour-remaining", "0", "x-user-limit-24hour-reset", in(9 * time.Minute)}, channels.VerdictRetry, "no more posts today", wait{8 * time.Minute, 9 * time.Minute}},
		"too many in a day, of the application":      {429, detail(429, "Too Many Requests"), []string{"x-app-limit-24hour-remaining", "0", "x-app-limit-24hour-reset", in(20 * time.Hour)}, channels.VerdictRetry, "no more posts today", wait{15 * time.Minute, 15 * time.Minute}},
		"a day that is not used up":                  {429, detail(429, "Too Many Requests"), []string{"x-rate-limit-reset", in(time.Minute), "x-user-limit-24hour-remaining", "7", "x-user-limit-24hour-reset", in(10 * time.Minute)}, channels.VerdictRetry, "", wait{50 * time.Second, time.Minute}},
		"too many, without a word":                   {429, ``, nil, channels.VerdictRetry, "", wait{}},
		"what was paid for is used up":               {429, `{"account_id":1,"product_name":"standard","title":"UsageCapExceeded","period":"Monthly","scope":"Product","detail":"Usage cap exceeded: Monthly product cap","type":"https://api.twitter.com/2/problems/usage-capped"}`, nil, channels.VerdictUnauthorized, "console.x.com", wait{}},
		"what was paid for today is used up":         {429, `{"title":"UsageCapExceeded","period":"Daily","detail":"Usage cap exceeded","type":"https://api.twitter.com/2/problems/usage-capped"}`, nil, channels.VerdictRetry, "", wait{}},
		"the server failed":                          {500, detail(500, "Internal Server Error"), nil, channels.VerdictUncertain, "", wait{}},
		"a gateway failed":                           {502, ``, nil, channels.VerdictUncertain, "", wait{}},
		"over capacity":                              {503, `{"errors":[{"code":130,"message":"Over capacity"}]}`, nil, channels.VerdictRetry, "", wait{}},
		"over capacity, with a wait":                 {503, detail(503, "Service Unavailable"), []string{"Retry-After", "30"}, channels.VerdictRetry, "", wait{30 * time.Second, 30 * time.Second}},
		"a gateway waited too long":                  {504, ``, nil, channels.VerdictUncertain, "", wait{}},
		"a yes that only tells of errors":            {200, `{"errors":[{"title":"Not Found Error","type":"https://api.twitter.com/2/problems/resource-not-found"}]}`, nil, channels.VerdictUncertain, "", wait{}},
		"a yes with an error beside the post itself": {201, `{"data":{"id":"5","text":"x"},"errors":[{"title":"Field"}]}`, nil, channels.VerdictAccepted, "", wait{}},
		"a redirect":                                 {308, ``, []string{"Location", "https://elsewhere.example"}, channels.VerdictPermanent, "", wait{}},
	} {
		t.Run(name, func(t *testing.T) {
			stub := channeltest.StartStub(t, newServer(t), posting)
			ch := channel(t, stub.URL, nil)
			stub.Answer(channeltest.Status(c.status, c.body, c.header...))
			_, err := ch.Send(t.Context(), suite.Rendered(t, ch, channeltest.Actual, "a"))
			got := suite.Refuses(t, name, err, c.want)
			if got < c.wait.least || got > c.wait.most {
				t.Errorf("waits %v, want %v to %v", got, c.wait.least, c.wait.most)
			}
			if err != nil && !strings.Contains(err.Error(), c.says) {
				t.Errorf("%v does not say %q", err, c.says)
			}
			if stub.Posts() != 1 {
				t.Errorf("%d posts", stub.Posts())
			}
		})
	}
}

// What X explains may repeat what it was sent, and may be long.
func TestNoSecretInAnyError(t *testing.T) {
	echo := strings.Join(suite.Secrets, " ")
	for _, status := range []int{400, 401, 402, 403, 404, 413, 429, 500, 503} {
		for _, text := range []string{"", " suspended", " credits", " app permissions", " duplicate content", " media id", " daily limit"} {
			stub := channeltest.StartStub(t, newServer(t), func(*http.Request) bool { return true })
			ch := channel(t, stub.URL, nil)
			stub.Answer(channeltest.Status(status, detail(status, echo+text)))
			m := suite.Rendered(t, ch, channeltest.Actual, "a")
			m.Image = card(nil)
			receipt, err := ch.Send(t.Context(), m)
			_, _, ferr := ch.Find(t.Context(), m)
			for _, err := range []error{err, ferr, ch.Check(t.Context()), ch.Withdraw(t.Context(), "9")} {
				v, _ := channels.VerdictOf(err)
				suite.Refuses(t, text, err, v)
				if err == nil && status != 404 {
					t.Errorf("%d%s: no error", status, text)
				}
			}
			for _, secret := range suite.Secrets {
				if strings.Contains(receipt.Note+ch.Renewal(), secret) {
					t.Errorf("%d%s: a secret in %+v", status, text, receipt)
				}
			}
		}
	}
}

func FuzzProblem(f *testing.F) {
	f.Add(403, detail(403, "You are not allowed to create a Tweet with duplicate content."))
	f.Add(429, `{"type":"https://api.twitter.com/2/problems/usage-capped","period":"Monthly"}`)
	f.Add(400, `{"errors":[{"code":385,"errors":[{"message":"media id"}]}]}`)
	f.Add(500, `[`)
	call := channels.NewCaller(platform)
	f.Fuzz(func(t *testing.T, status int, body string) {
		a := answer{&channels.Answer{Status: status, Header: http.Header{}, Body: []byte(body), JSON: true}, call}
		err := a.verdict(time.Unix(1_800_000_000, 0))
		yes := status >= 200 && status < 300
		if (err == nil) != yes {
			t.Errorf("%d: %v", status, err)
		}
		if a.duplicate() && yes || a.orphaned() && yes || a.blind() && yes {
			t.Errorf("%d is a yes and a refusal", status)
		}
		if v, wait := channels.VerdictOf(err); wait < 0 || wait > 15*time.Minute || v == channels.VerdictAccepted != yes {
			t.Errorf("%d: %s, %v", status, v, wait)
		}
	})
}
