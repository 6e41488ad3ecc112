package pressroom

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"martinella/channels"
	"martinella/channels/channeltest"
)

// chat is a small Slack or Mattermost, or any other: it judges requests by what
// the vendor documents, and keeps them.
type chat struct {
	t      testing.TB
	shape  string
	mu     sync.Mutex
	bodies []string
}

// documented are the fields of a body.
var documented = map[string][]string{
	shapeSlack:      {"text", "blocks", "attachments", "thread_ts", "mrkdwn", "unfurl_links", "unfurl_media"},
	shapeMattermost: {"text", "channel", "username", "icon_url", "icon_emoji", "attachments", "type", "props", "priority"},
	shapeTemplate:   {"message", "level", "drill"},
}

func (c *chat) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	if r.Method != http.MethodPost || r.URL.RequestURI() != paths[c.shape] || r.Header.Get("Content-Type") != "application/json" {
		c.t.Errorf("%s %s %s", r.Method, r.URL.Path, r.Header.Get("Content-Type"))
	}
	var in map[string]any
	if json.Unmarshal(body, &in) != nil {
		c.t.Errorf("no JSON: %q", body)
	}
	for key := range in {
		if !slices.Contains(documented[c.shape], key) {
			c.t.Errorf("the field %q is not documented", key)
		}
	}
	text, _ := in["text"].(string)
	if c.shape == shapeTemplate {
		text, _ = in["message"].(string)
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	if text == "" || utf8.RuneCountInString(text) > 16383 {
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprint(w, "no_text")
		return
	}
	c.mu.Lock()
	c.bodies = append(c.bodies, string(body))
	c.mu.Unlock()
	if c.shape == shapeTemplate {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	fmt.Fprint(w, "ok")
}

func suiteOf(shape string) channeltest.Suite {
	s := channeltest.Suite{
		New:        func(t testing.TB, baseURL string) channels.Channel { return open(t, shape, baseURL, nil) },
		Platform:   func(t testing.TB) http.Handler { return &chat{t: t, shape: shape} },
		Secrets:    []string{secret},
		StatusOnly: true,
		Verdicts:   map[int]channels.Verdict{404: channels.VerdictUnauthorized},
	}
	if shape == shapeTemplate {
		s.Verdicts = nil
	}
	return s
}

func TestContract(t *testing.T) {
	for _, shape := range []string{shapeSlack, shapeMattermost, shapeTemplate} {
		t.Run(shape, func(t *testing.T) { channeltest.Run(t, suiteOf(shape)) })
	}
}

// start gives a chat and a channel of it.
func start(t *testing.T, shape string, change func(*Config)) (*chat, *channeltest.Stub, channels.Channel) {
	t.Helper()
	c := &chat{t: t, shape: shape}
	stub := channeltest.StartStub(t, c, nil)
	return c, stub, open(t, shape, stub.URL, change)
}

func TestBodies(t *testing.T) {
	for name, c := range map[string]struct {
		shape  string
		change func(*Config)
		want   string
	}{
		"slack": {shapeSlack, nil,
			`{"text":"ESERCITAZIONE\nArno &amp; Ombrone &lt;!channel&gt; &lt;@U1&gt; *salite* @channel\n<https://allerta.example/a/1?x=1&amp;y=2>","unfurl_links":false,"unfurl_media":false}`},
		"mattermost": {shapeMattermost, func(c *Config) { c.Username = "Protezione civile" },
			`{"text":"ESERCITAZIONE\nArno & Ombrone <` + gap + `!channel\\> <` + gap + `@` + gap + `U1\\> \\*salite\\* @` + gap + `channel\nhttps://allerta.example/a/1?x=1&y=2","username":"Protezione civile"}`},
		"template": {shapeTemplate, nil,
			`{"message": "ESERCITAZIONE\nArno & Ombrone <!channel> <@U1> *salite* @channel\nhttps://allerta.example/a/1?x=1&y=2", "level": "Extreme", "drill": true}`},
	} {
		t.Run(name, func(t *testing.T) {
			chat, _, ch := start(t, c.shape, c.change)
			m := suiteOf(c.shape).Rendered(t, ch, channeltest.Exercise, "a")
			m.Text = "ESERCITAZIONE\nArno & Ombrone <!channel> <@U1> *salite* @channel\nhttps://allerta.example/a/1?x=1&y=2"
			r, err := ch.Send(t.Context(), m)
			if err != nil || r.ID != "" || r.URL != "" {
				t.Fatalf("%+v, %v", r, err)
			}
			var got, want any
			if json.Unmarshal([]byte(chat.bodies[0]), &got) != nil || json.Unmarshal([]byte(c.want), &want) != nil || fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("got  %s\nwant %s", chat.bodies[0], c.want)
			}
		})
	}
}

// The answers are those of Slack's and Mattermost's documentation and sources.
func TestVerdicts(t *testing.T) {
	text := func(code int, body string, header ...string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/plain; charset=utf-8")
			for i := 0; i+1 < len(header); i += 2 {
				w.Header().Set(header[i], header[i+1])
			}
			w.WriteHeader(code)
			fmt.Fprint(w, body)
		}
	}
	mattermostError := func(code int, id string) http.HandlerFunc {
		return channeltest.Status(code, fmt.Sprintf(`{"id":%q,"message":"Invalid webhook.","detailed_error":"","request_id":"x","status_code":%d}`, id, code))
	}
	for name, c := range map[string]struct {
		shape  string
		answer http.HandlerFunc
		want   channels.Verdict
		says   string
		wait   time.Duration
	}{
		"slack: a body that it cannot read":   {shapeSlack, text(400, "invalid_payload"), channels.VerdictPermanent, "invalid_payload", 0},
		"slack: no text":                      {shapeSlack, text(400, "no_text"), channels.VerdictPermanent, "no_text", 0},
		"slack: not allowed in the workspace": {shapeSlack, text(403, "action_prohibited"), channels.VerdictUnauthorized, "action_prohibited", 0},
		"slack: a token that does not hold":   {shapeSlack, text(403, "invalid_token"), channels.VerdictUnauthorized, "invalid_token", 0},
		"slack: no such room":                 {shapeSlack, text(404, "channel_not_found"), channels.VerdictUnauthorized, "channel_not_found", 0},
		"slack: the hook was taken away":      {shapeSlack, text(404, "no_service"), channels.VerdictUnauthorized, "no_service", 0},
		"slack: the room was archived":        {shapeSlack, text(410, "channel_is_archived"), channels.VerdictUnauthorized, "channel_is_archived", 0},
		"slack: too fast":                     {shapeSlack, text(429, "rate_limited", "Retry-After", "30"), channels.VerdictRetry, "rate_limited", 30 * time.Second},
		"slack: something went wrong":         {shapeSlack, text(500, "rollup_error"), channels.VerdictUncertain, "rollup_error", 0},
		"slack: away":                         {shapeSlack, text(503, ""), channels.VerdictRetry, "503", 0},
		"slack: a page of the proxy":          {shapeSlack, channeltest.HTML(502), channels.VerdictUncertain, "502", 0},
		"slack: another answer than ok":       {shapeSlack, text(200, "thanks"), channels.VerdictUncertain, "not ok", 0},
		"slack: a page that says yes":         {shapeSlack, channeltest.HTML(200), channels.VerdictUncertain, "not ok", 0},
		"slack: nothing":                      {shapeSlack, text(200, ""), channels.VerdictUncertain, "not ok", 0},
		"slack: moved":                        {shapeSlack, text(302, "", "Location", "/elsewhere"), channels.VerdictUncertain, "302", 0},
		"slack: echoes the address":           {shapeSlack, channeltest.Status(400, `{"error":"/services/`+secret+`"}`), channels.VerdictPermanent, "400", 0},
		"mattermost: no such hook":            {shapeMattermost, mattermostError(400, "web.incoming_webhook.invalid.app_error"), channels.VerdictUnauthorized, "hook is gone", 0},
		"mattermost: no text":                 {shapeMattermost, mattermostError(400, "web.incoming_webhook.text.app_error"), channels.VerdictPermanent, "text.app_error", 0},
		"mattermost: not allowed there":       {shapeMattermost, mattermostError(403, "web.incoming_webhook.permissions.app_error"), channels.VerdictUnauthorized, "403", 0},
		"mattermost: no such room":            {shapeMattermost, mattermostError(404, "web.incoming_webhook.channel.app_error"), channels.VerdictUnauthorized, "404", 0},
		"mattermost: hooks are off":           {shapeMattermost, mattermostError(501, "web.incoming_webhook.disabled.app_error"), channels.VerdictUnauthorized, "501", 0},
		"mattermost: too fast":                {shapeMattermost, text(429, "limit exceeded", "X-RateLimit-Reset", "1", "Retry-After", "2"), channels.VerdictRetry, "429", 2 * time.Second},
		"template: no such address":           {shapeTemplate, text(404, "not_found"), channels.VerdictPermanent, "404", 0},
		"template: any yes":                   {shapeTemplate, text(202, "queued"), channels.VerdictAccepted, "", 0},
	} {
		t.Run(name, func(t *testing.T) {
			_, stub, ch := start(t, c.shape, nil)
			stub.Answer(c.answer)
			suite := suiteOf(c.shape)
			_, err := ch.Send(t.Context(), suite.Rendered(t, ch, channeltest.Actual, "a"))
			if wait := suite.Refuses(t, name, err, c.want); wait != c.wait {
				t.Errorf("the wait is %v, want %v", wait, c.wait)
			}
			if err != nil && !strings.Contains(err.Error(), c.says) {
				t.Errorf("%q does not say %q", err, c.says)
			}
		})
	}
}

// All attempts have the same body: nothing in it is of the moment.
func TestAttemptsAreAlike(t *testing.T) {
	for _, shape := range []string{shapeSlack, shapeMattermost, shapeTemplate} {
		chat, _, ch := start(t, shape, nil)
		m := suiteOf(shape).Rendered(t, ch, channeltest.Actual, "a")
		for range 2 {
			if _, err := ch.Send(t.Context(), m); err != nil {
				t.Fatal(err)
			}
		}
		if chat.bodies[0] != chat.bodies[1] {
			t.Errorf("%s: %q", shape, chat.bodies)
		}
	}
}

func TestTemplateHasEverything(t *testing.T) {
	chat := &chat{t: t, shape: shapeTemplate}
	stub := channeltest.StartStub(t, chat, nil)
	ch := open(t, shapeTemplate, stub.URL, func(c *Config) {
		c.Template = `{"message": {{json (printf "%s|%s|%s|%s|%s|%v|%s|%s|%d|%s|%s" .Title .URL .Language .Severity .Change .Exercise .Alert .Event .Revision .Sent .Expires)}}}`
	})
	m := suiteOf(shapeTemplate).Rendered(t, ch, channeltest.Update, "a")
	if _, err := ch.Send(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	var got struct{ Message string }
	if err := json.Unmarshal([]byte(chat.bodies[0]), &got); err != nil {
		t.Fatal(err)
	}
	want := m.Title + "|" + m.URL + "|it|Extreme|updated|false|" + string(m.Alert) + "|" + string(m.Event) + "|2|2026-11-21T10:00:00-00:00|2026-11-21T17:30:00-00:00"
	if got.Message != want {
		t.Errorf("got  %q\nwant %q", got.Message, want)
	}
}
