package facebook

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"martinella/channels"
	"martinella/channels/channeltest"
)

// refuse answers with a code, and the words of an answer that echoes secrets.
func refuse(status, code, subcode int, message string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		fail(w, status, code, subcode, message+" "+pageToken+" "+proofOf(pageToken, appSecret)+strings.Repeat(" é", 500))
	}
}

// verdicts is the table of CHANNELS section 4, with what Meta documents beside.
var verdicts = map[string]struct {
	status, code, subcode int
	transient             bool
	write, read           channels.Verdict
	says                  string
}{
	"too many calls of the app":                   {400, 4, 0, true, channels.VerdictRetry, channels.VerdictRetry, ""},
	"too many calls of the person":                {400, 17, 2446079, false, channels.VerdictRetry, channels.VerdictRetry, ""},
	"too many calls of the page":                  {403, 32, 0, false, channels.VerdictRetry, channels.VerdictRetry, ""},
	"the account's limit":                         {400, 341, 0, false, channels.VerdictRetry, channels.VerdictRetry, ""},
	"the limit of one call":                       {400, 613, 0, false, channels.VerdictRetry, channels.VerdictRetry, ""},
	"the page's business limit":                   {403, 80001, 0, false, channels.VerdictRetry, channels.VerdictRetry, ""},
	"throttled with 500":                          {500, 4, 0, false, channels.VerdictRetry, channels.VerdictRetry, ""},
	"an unknown error":                            {500, 1, 0, false, channels.VerdictUncertain, channels.VerdictRetry, ""},
	"an unknown error with 400":                   {400, 1, 99, false, channels.VerdictUncertain, channels.VerdictRetry, ""},
	"the service is away":                         {503, 2, 0, true, channels.VerdictUncertain, channels.VerdictRetry, ""},
	"the service is away with 200":                {200, 2, 0, false, channels.VerdictUncertain, channels.VerdictRetry, ""},
	"a code that passes":                          {400, 9999, 0, true, channels.VerdictUncertain, channels.VerdictRetry, ""},
	"an unknown code of a server in trouble":      {500, 9999, 0, false, channels.VerdictUncertain, channels.VerdictRetry, ""},
	"an unknown code":                             {400, 9999, 0, false, channels.VerdictPermanent, channels.VerdictPermanent, ""},
	"an unknown code with 429":                    {429, 9999, 0, false, channels.VerdictRetry, channels.VerdictRetry, ""},
	"a token that is wrong":                       {401, 190, 0, false, channels.VerdictUnauthorized, channels.VerdictUnauthorized, "make a new one"},
	"a token with 200":                            {200, 190, 0, false, channels.VerdictUnauthorized, channels.VerdictUnauthorized, "make a new one"},
	"a session":                                   {400, 102, 0, false, channels.VerdictUnauthorized, channels.VerdictUnauthorized, "make a new one"},
	"the app was taken out":                       {400, 190, 458, false, channels.VerdictUnauthorized, channels.VerdictUnauthorized, "taken out"},
	"the person must confirm something":           {400, 190, 459, false, channels.VerdictUnauthorized, channels.VerdictUnauthorized, "sign in"},
	"the password was changed":                    {400, 190, 460, false, channels.VerdictUnauthorized, channels.VerdictUnauthorized, "password"},
	"the token ended":                             {400, 190, 463, false, channels.VerdictUnauthorized, channels.VerdictUnauthorized, "has ended"},
	"the person is not confirmed":                 {400, 190, 464, false, channels.VerdictUnauthorized, channels.VerdictUnauthorized, "not confirmed"},
	"the token was revoked":                       {400, 190, 467, false, channels.VerdictUnauthorized, channels.VerdictUnauthorized, "revoked"},
	"a session of which the person lost the role": {400, 102, 492, false, channels.VerdictUnauthorized, channels.VerdictUnauthorized, "no role"},
	"no capability":                               {400, 3, 0, false, channels.VerdictUnauthorized, channels.VerdictUnauthorized, "pages_manage_posts"},
	"no permission":                               {403, 10, 0, false, channels.VerdictUnauthorized, channels.VerdictUnauthorized, "pages_manage_posts"},
	"the first of the permissions":                {403, 200, 0, false, channels.VerdictUnauthorized, channels.VerdictUnauthorized, "pages_manage_posts"},
	"the last of the permissions":                 {400, 299, 0, false, channels.VerdictUnauthorized, channels.VerdictUnauthorized, "pages_manage_posts"},
	"a parameter":                                 {400, 100, 0, false, channels.VerdictPermanent, channels.VerdictPermanent, ""},
	"a parameter with 500":                        {500, 100, 0, false, channels.VerdictUncertain, channels.VerdictRetry, ""},
	"a link":                                      {400, 1609005, 0, false, channels.VerdictPermanent, channels.VerdictPermanent, ""},
	"a version that is over":                      {400, 12, 0, false, channels.VerdictPermanent, channels.VerdictPermanent, "newer version"},
	"held back as abuse":                          {400, 368, 1390008, false, channels.VerdictRetry, channels.VerdictRetry, "abuse"},
	"held back as abuse for a while":              {400, 368, 0, true, channels.VerdictRetry, channels.VerdictRetry, "abuse"},
}

func TestVerdicts(t *testing.T) {
	for name, c := range verdicts {
		t.Run(name, func(t *testing.T) {
			f, ch := start(t, nil)
			m := suite.Rendered(t, ch, channeltest.Actual, "a")
			scripted := func(w http.ResponseWriter, _ *http.Request) {
				body := map[string]any{"message": "refused " + pageToken + " " + proofOf(pageToken, appSecret) + strings.Repeat(" è", 500), "type": "OAuthException", "code": c.code,
					"error_subcode": c.subcode, "is_transient": c.transient, "fbtrace_id": "EJplcsCHuLu"}
				reply(w, c.status, map[string]any{"error": body})
			}
			for _, call := range []struct {
				name, method string
				act          func(context.Context) error
				want         channels.Verdict
			}{
				{"send", http.MethodPost, func(ctx context.Context) error { _, err := ch.Send(ctx, m); return err }, c.write},
				{"edit", http.MethodPost, func(ctx context.Context) error { _, err := ch.Edit(ctx, pageID+"_1", m); return err }, c.write},
				{"withdraw", http.MethodDelete, func(ctx context.Context) error { return ch.Withdraw(ctx, pageID+"_1") }, c.write},
				{"find", http.MethodGet, func(ctx context.Context) error { _, _, err := ch.Find(ctx, m); return err }, c.read},
				{"check", http.MethodGet, ch.Check, c.read},
				{"rehearse", http.MethodPost, func(ctx context.Context) error { _, err := ch.Rehearse(ctx, "prova"); return err }, c.write},
			} {
				f.on(call.method, "", scripted)
				err := call.act(t.Context())
				wait := suite.Refuses(t, call.name, err, call.want)
				if !strings.Contains(err.Error(), c.says) {
					t.Errorf("%s: %q does not say %q", call.name, err, c.says)
				}
				if blocked := c.code == 368; (wait == blockedWait) != blocked {
					t.Errorf("%s: waits %v", call.name, wait)
				}
				if errors.Is(err, channels.ErrPostGone) {
					t.Errorf("%s: taken for a post that is gone", call.name)
				}
			}
			if f.public() != 0 {
				t.Errorf("%d posts", f.public())
			}
		})
	}
}

func TestWaitIsReadFromTheUsage(t *testing.T) {
	for name, c := range map[string]struct {
		header, value string
		want          time.Duration
	}{
		"minutes of the page": {"X-Business-Use-Case-Usage", `{"104567890123456":[{"type":"pages","call_count":100,"total_cputime":1,"total_time":1,"estimated_time_to_regain_access":7}]}`, 7 * time.Minute},
		"the longest of several": {"X-Business-Use-Case-Usage", `{"1":[{"estimated_time_to_regain_access":2},{"estimated_time_to_regain_access":9}],"2":[{"estimated_time_to_regain_access":4}]}`,
			9 * time.Minute},
		"more than an alert waits": {"X-Business-Use-Case-Usage", `{"1":[{"estimated_time_to_regain_access":90000000000}]}`, 15 * time.Minute},
		"a time in the past":       {"X-Business-Use-Case-Usage", `{"1":[{"estimated_time_to_regain_access":-5}]}`, 0},
		"of the app":               {"X-App-Usage", `{"call_count":100,"total_cputime":25,"total_time":25,"estimated_time_to_regain_access":3}`, 3 * time.Minute},
		"the app's shares alone":   {"X-App-Usage", `{"call_count":100,"total_cputime":25,"total_time":25}`, 0},
		"garbage":                  {"X-Business-Use-Case-Usage", `[{"1":`, 0},
		"Retry-After":              {"Retry-After", "11", 11 * time.Second},
		"nothing":                  {"X-Nothing", "", 0},
	} {
		t.Run(name, func(t *testing.T) {
			f, ch := start(t, nil)
			f.on(http.MethodPost, "/feed", channeltest.Status(400, `{"error":{"message":"limit","code":32}}`, c.header, c.value))
			_, err := ch.Send(t.Context(), suite.Rendered(t, ch, channeltest.Actual, "a"))
			if wait := suite.Refuses(t, name, err, channels.VerdictRetry); wait != c.want {
				t.Errorf("waits %v, want %v", wait, c.want)
			}
		})
	}
}

// What is no error of the Graph API is judged by its status.
func TestAnswersOfSomethingInBetween(t *testing.T) {
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		want   channels.Verdict
	}{
		"a page with 502":                         {channeltest.HTML(502), channels.VerdictUncertain},
		"a page with 200":                         {channeltest.HTML(200), channels.VerdictUncertain},
		"an error without a code":                 {channeltest.Status(400, `{"error":{"message":"x"}}`), channels.VerdictPermanent},
		"an error that is a word":                 {channeltest.Status(403, `{"error":"x"}`), channels.VerdictUnauthorized},
		"a list":                                  {channeltest.Status(200, `[]`), channels.VerdictUncertain},
		"an id that is a number":                  {channeltest.Status(200, `{"id":7}`), channels.VerdictUncertain},
		"an error in the type of former versions": {javascript(400, `{"error":{"message":"x","code":190}}`), channels.VerdictUnauthorized},
		"a yes in the type of former versions":    {javascript(200, `{"id":"1_2"}`), channels.VerdictAccepted},
		"an error in a page":                      {html(400, `{"error":{"message":"x","code":190}}`), channels.VerdictPermanent},
	} {
		f, ch := start(t, nil)
		f.on(http.MethodPost, "/feed", c.answer)
		_, err := ch.Send(t.Context(), suite.Rendered(t, ch, channeltest.Actual, "a"))
		suite.Refuses(t, name, err, c.want)
	}
}

func javascript(code int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/javascript; charset=UTF-8")
		w.WriteHeader(code)
		w.Write([]byte(body))
	}
}

func html(code int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(code)
		w.Write([]byte(body))
	}
}

// A change that is answered without "success" may not have happened.
func TestChangeThatIsNotConfirmed(t *testing.T) {
	for _, body := range []string{`{"success":false}`, `{}`, `{"succ`} {
		f, ch := start(t, nil)
		f.on(http.MethodPost, "", channeltest.Status(200, body))
		_, err := ch.Edit(t.Context(), pageID+"_1", suite.Rendered(t, ch, channeltest.Update, "b"))
		suite.Refuses(t, "edit "+body, err, channels.VerdictUncertain)
		f.on(http.MethodDelete, "", channeltest.Status(200, body))
		suite.Refuses(t, "withdraw "+body, ch.Withdraw(t.Context(), pageID+"_1"), channels.VerdictUncertain)
	}
}

// FuzzAnswer: whatever stands where Facebook should be, no answer makes a
// receipt without an id, a panic, or an error that tells a secret.
func FuzzAnswer(f *testing.F) {
	f.Add(200, "application/json", `{"id":"1_2"}`, "")
	f.Add(400, "application/json", `{"error":{"message":"x","code":32}}`, `{"1":[{"estimated_time_to_regain_access":7}]}`)
	f.Add(400, "text/javascript", `{"error":{"code":190,"error_subcode":463,"message":"`+pageToken+`"}}`, `{"1":`)
	f.Add(502, "text/html", `<html>`, ``)
	f.Add(200, "application/json", `{"id":{},"error":{"code":1e400}}`, `{"1":[null]}`)
	f.Fuzz(func(t *testing.T, status int, media, body, usage string) {
		g := newGraph("https://graph.example", defaultVersion, pageToken, appSecret)
		var out created
		a := &channels.Answer{Status: status, Header: http.Header{"Content-Type": {media}, "X-Business-Use-Case-Usage": {usage}, "X-App-Usage": {usage}},
			Body: []byte(body), JSON: strings.HasPrefix(media, "application/json")}
		err := g.take(a, &out)
		if err != nil && (strings.Contains(err.Error(), pageToken) || strings.Contains(err.Error(), appSecret)) {
			t.Errorf("the error tells a secret")
		}
		if err == nil && !json.Valid([]byte(body)) {
			t.Errorf("%q was taken for an answer", body)
		}
		_, wait := channels.VerdictOf(err)
		if wait < 0 || wait > 15*time.Minute {
			t.Errorf("waits %v", wait)
		}
	})
}
