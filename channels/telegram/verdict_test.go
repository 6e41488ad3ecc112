package telegram

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"martinella/channels"
	"martinella/channels/channeltest"
)

// answered is a body as it is, with a status.
func answered(status int, body string) http.HandlerFunc { return channeltest.Status(status, body) }

func TestVerdictsOfWhatTelegramSays(t *testing.T) {
	no := func(code int, said string) string {
		return fmt.Sprintf(`{"ok":false,"error_code":%d,"description":%q}`, code, said)
	}
	for name, of := range map[string]struct {
		answer http.HandlerFunc
		want   channels.Verdict
		wait   time.Duration
		says   string
	}{
		"a revoked token":                   {answered(401, no(401, "Unauthorized")), channels.VerdictUnauthorized, 0, "token"},
		"a token that never was":            {answered(404, no(404, "Not Found")), channels.VerdictUnauthorized, 0, "token"},
		"kicked":                            {answered(403, no(403, "Forbidden: bot was kicked from the channel chat")), channels.VerdictUnauthorized, 0, "administrator"},
		"not a member":                      {answered(403, no(403, "Forbidden: bot is not a member of the channel chat")), channels.VerdictUnauthorized, 0, "administrator"},
		"no such chat":                      {answered(400, no(400, "Bad Request: chat not found")), channels.VerdictUnauthorized, 0, "no such chat"},
		"no right to write":                 {answered(400, no(400, "Bad Request: not enough rights to send text messages to the chat")), channels.VerdictUnauthorized, 0, "lacks the right"},
		"no administrator":                  {answered(400, no(400, "Bad Request: need administrator rights in the channel chat")), channels.VerdictUnauthorized, 0, "lacks the right"},
		"rights, in capitals":               {answered(400, no(400, "Bad Request: CHAT_WRITE_FORBIDDEN")), channels.VerdictUnauthorized, 0, "lacks the right"},
		"a group that was deactivated":      {answered(400, no(400, "Bad Request: group chat was deactivated")), channels.VerdictUnauthorized, 0, "no such chat"},
		"a group that moved":                {answered(400, `{"ok":false,"error_code":400,"description":"Bad Request: group chat was upgraded to a supergroup chat","parameters":{"migrate_to_chat_id":-1005020240850}}`), channels.VerdictUnauthorized, 0, `chat: "-1005020240850"`},
		"too long":                          {answered(400, no(400, "Bad Request: message is too long")), channels.VerdictPermanent, 0, "too long"},
		"a conflict":                        {answered(409, no(409, "Conflict: terminated by other getUpdates request")), channels.VerdictPermanent, 0, ""},
		"too large":                         {answered(413, no(413, "Request Entity Too Large")), channels.VerdictPermanent, 0, ""},
		"too fast":                          {answered(429, `{"ok":false,"error_code":429,"description":"Too Many Requests: retry after 7","parameters":{"retry_after":7}}`), channels.VerdictRetry, 7 * time.Second, ""},
		"too fast for a day":                {answered(429, `{"ok":false,"error_code":429,"description":"Too Many Requests: retry after 86400","parameters":{"retry_after":86400}}`), channels.VerdictRetry, 15 * time.Minute, ""},
		"its own trouble":                   {answered(500, no(500, "Internal Server Error")), channels.VerdictUncertain, 0, ""},
		"a bad gateway":                     {answered(502, no(502, "Bad Gateway")), channels.VerdictUncertain, 0, ""},
		"unavailable":                       {answered(503, no(503, "Service Unavailable")), channels.VerdictUncertain, 0, ""},
		"a timeout of a gateway":            {channeltest.HTML(504), channels.VerdictUncertain, 0, ""},
		"a page":                            {channeltest.HTML(200), channels.VerdictUncertain, 0, ""},
		"a no within 200":                   {answered(200, no(400, "Bad Request: message is too long")), channels.VerdictPermanent, 0, ""},
		"too fast within 200":               {answered(200, `{"ok":false,"error_code":429,"description":"Too Many Requests: retry after 7","parameters":{"retry_after":7}}`), channels.VerdictRetry, 7 * time.Second, ""},
		"a revoked token within 200":        {answered(200, no(401, "Unauthorized")), channels.VerdictUnauthorized, 0, ""},
		"trouble within 200":                {answered(200, no(500, "Internal Server Error")), channels.VerdictUncertain, 0, ""},
		"a no without a code within 200":    {answered(200, `{"ok":false}`), channels.VerdictUncertain, 0, ""},
		"a yes without a result":            {answered(200, `{"ok":true}`), channels.VerdictUncertain, 0, ""},
		"a yes with nothing":                {answered(200, `{"ok":true,"result":null}`), channels.VerdictUncertain, 0, ""},
		"a yes with something else":         {answered(200, `{"ok":true,"result":"yes"}`), channels.VerdictUncertain, 0, ""},
		"a yes with a message of no number": {answered(200, `{"ok":true,"result":{"chat":{"id":-1001234567890}}}`), channels.VerdictUncertain, 0, ""},
		"a yes in a failure":                {answered(500, `{"ok":true,"result":{"message_id":5}}`), channels.VerdictUncertain, 0, ""},
		"types that are not the API's":      {answered(200, `{"ok":"true","result":[]}`), channels.VerdictUncertain, 0, ""},
		"a list":                            {answered(200, `[]`), channels.VerdictUncertain, 0, ""},
		"a refusal whose body is broken":    {answered(400, `{"ok":fal`), channels.VerdictPermanent, 0, ""},
		"a redirect":                        {answered(302, `{}`), channels.VerdictPermanent, 0, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s, c := started(t, nil)
			s.fail("sendMessage", of.answer)
			_, err := c.Send(t.Context(), suite.Rendered(t, c, channeltest.Actual, "a"))
			if wait := suite.Refuses(t, name, err, of.want); wait != of.wait {
				t.Errorf("wait %v, want %v", wait, of.wait)
			}
			if err != nil && !strings.Contains(err.Error(), of.says) {
				t.Errorf("%q does not say %q", err, of.says)
			}
			if got := s.said(); len(got) != 1 {
				t.Errorf("calls %v for one Send", got)
			}
		})
	}
}

// Nothing that the package says, in errors, notes and logs, holds the token,
// wherever the platform writes it.
func TestSecrecy(t *testing.T) {
	echo := func(code int) http.HandlerFunc {
		return refused(code, "no to /bot"+token+"/sendMessage "+strings.TrimPrefix(token, "7012345678:")+" "+strings.ReplaceAll(token, ":", "%3A"))
	}
	for _, code := range []int{400, 401, 403, 404, 409, 413, 429, 500, 502} {
		s, c := started(t, nil)
		for _, method := range []string{"sendMessage", "sendPhoto", "editMessageText", "deleteMessage", "getMe", "getChat", "pinChatMessage", "getUpdates"} {
			s.fail(method, echo(code), echo(code))
		}
		m := suite.Rendered(t, c, channeltest.Actual, "a")
		_, err := c.Send(t.Context(), m)
		m.Image = card(t, 1200, 630)
		r, err2 := c.Send(t.Context(), m) // the words of a refused picture
		_, err3 := c.Edit(t.Context(), town+"/5", m)
		_, err4 := c.api.heard(t.Context())
		all := fmt.Sprint(err, err2, err3, err4, c.Withdraw(t.Context(), town+"/5"), c.Check(t.Context()), r, c.Notes())
		for _, secret := range append(suite.Secrets, strings.ReplaceAll(token, ":", "%3A")) {
			if strings.Contains(all, secret) {
				t.Errorf("%d: the token is shown: %s", code, all)
			}
		}
	}
}

func FuzzAnswers(f *testing.F) {
	f.Add(200, `{"ok":true,"result":{"message_id":5}}`)
	f.Add(200, `{"ok":false,"error_code":-1,"description":"x","parameters":{"migrate_to_chat_id":1}}`)
	f.Add(400, `{"ok":false,"error_code":400,"description":"Bad Request: chat not found"}`)
	f.Add(429, `{"parameters":{"retry_after":1e99}}`)
	f.Add(500, `null`)
	f.Add(200, `{"ok":true}`)
	call := channels.NewCaller(platform, token)
	f.Fuzz(func(t *testing.T, status int, body string) {
		result, err := judge(call, &channels.Answer{Status: status, Header: http.Header{}, Body: []byte(body), JSON: true})
		if (err == nil) != (len(result) > 0) {
			t.Errorf("%d %q: result %q, %v", status, body, result, err)
		}
		if err == nil && (status < 200 || status > 299) {
			t.Errorf("%d %q is a yes", status, body)
		}
		if err != nil && (len(err.Error()) > 600 || strings.Contains(err.Error(), token)) {
			t.Errorf("%d %q: %d bytes: %v", status, body, len(err.Error()), err)
		}
	})
}

// What has become something else since the library was written does not make a
// post doubtful that was made, nor a check fail.
func TestResultsMayGrow(t *testing.T) {
	s, c := started(t, nil)
	s.fail("sendMessage", answered(200, `{"ok":true,"result":{"message_id":5,"date":"2026-11-21","link_preview_options":"none","entities":7,"text":["x"],
		"chat":{"id":-1001234567890,"type":"channel","username":"comune_pistoia","photo":5,"title":"Comune"}}}`))
	m := suite.Rendered(t, c, channeltest.Moderate, "a")
	if r, err := c.Send(t.Context(), m); err != nil || r.ID != town+"/5" || r.URL != "https://t.me/comune_pistoia/5" {
		t.Errorf("%+v, %v", r, err)
	}
	s.mu.Lock()
	s.chats[town]["available_reactions"] = []map[string]any{{"type": "of tomorrow"}}
	s.chats[town]["accent_color_id"] = "blue"
	s.members[town]["custom_title"] = 7
	s.mu.Unlock()
	if err := c.Check(t.Context()); err != nil {
		t.Error(err)
	}
}
