package facebook

import (
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"

	"martinella/channels"
	"martinella/channels/channeltest"
)

// script is a person who answers in order, and whose terminal then ends.
type script struct {
	answers []string
	asked   []channels.Question
	told    []string
}

func (s *script) Tell(text string) { s.told = append(s.told, text) }

func (s *script) Ask(q channels.Question) (string, error) {
	s.asked = append(s.asked, q)
	for {
		if len(s.answers) == 0 {
			return "", io.EOF
		}
		answer := s.answers[0]
		s.answers = s.answers[1:]
		if answer == "" {
			answer = q.Default
		}
		switch {
		case q.Check != nil && q.Check(answer) != nil:
			s.Tell("again: " + q.Check(answer).Error())
		case len(q.Choices) > 0 && !slices.Contains(q.Choices, answer):
			s.Tell("again: choose one")
		default:
			return answer, nil
		}
	}
}

func (s *script) heard() string { return strings.Join(s.told, "\n") }

func walk(t *testing.T, f *fakeGraph, answers ...string) (channels.Connected, *script, error) {
	t.Helper()
	p := &script{answers: answers}
	c := &connector{address: channeltest.StartStub(t, f, posting).URL, version: defaultVersion, prompt: p}
	out, err := c.run(t.Context())
	if len(f.posts) > 0 || len(f.photos) > 0 {
		t.Error("connecting posted something")
	}
	said := p.heard()
	if err != nil {
		said += err.Error()
	}
	for _, secret := range []string{appSecret, pageToken, userToken, longToken} {
		if strings.Contains(said, secret) {
			t.Errorf("a secret is told: %q", strings.ReplaceAll(said, secret, "<SECRET>"))
		}
	}
	for _, q := range p.asked {
		if secret := strings.Contains(q.Text, "Secret") || strings.Contains(q.Text, "Token"); secret != q.Secret {
			t.Errorf("%q is typed with secret=%v", q.Text, q.Secret)
		}
	}
	return out, p, err
}

func TestConnect(t *testing.T) {
	many := []page{{ID: otherPage, Name: "Pro Loco\x1b[31m", AccessToken: otherToken}, {ID: pageID, Name: "Comune di Valdemo", AccessToken: pageToken}, {ID: "777777", Name: "without a token"}}
	for name, c := range map[string]struct {
		change  func(*fakeGraph)
		answers []string
		page    string
		token   string
		note    string
		told    string
	}{
		"a person with one page":             {answers: []string{appID, appSecret, userToken}, page: pageID, token: pageToken, note: "no end", told: "Comune di Valdemo"},
		"space around what is pasted":        {answers: []string{" " + appID, appSecret + "\t", " " + userToken + " "}, page: pageID, token: pageToken, note: "no end"},
		"a person with several pages":        {change: func(f *fakeGraph) { f.pages = many }, answers: []string{appID, appSecret, userToken, "Comune di Valdemo (" + pageID + ")"}, page: pageID, token: pageToken},
		"another one of them":                {change: func(f *fakeGraph) { f.pages = many }, answers: []string{appID, appSecret, userToken, "Pro Loco[31m (" + otherPage + ")"}, page: otherPage, token: otherToken},
		"the first one by default":           {change: func(f *fakeGraph) { f.pages = many }, answers: []string{appID, appSecret, userToken, ""}, page: otherPage, token: otherToken},
		"an answer that is no page":          {change: func(f *fakeGraph) { f.pages = many }, answers: []string{appID, appSecret, userToken, "3", "Comune di Valdemo (" + pageID + ")"}, page: pageID, token: pageToken, told: "choose one"},
		"a page's own token":                 {answers: []string{appID, appSecret, pageToken}, page: pageID, token: pageToken, note: "no end"},
		"the name instead of the number":     {answers: []string{"my app", appID, appSecret, userToken}, page: pageID, token: pageToken, told: "is a number"},
		"nothing, then a token":              {answers: []string{appID, "", appSecret, "two words", userToken}, page: pageID, token: pageToken, told: "without space"},
		"a wrong secret, then the right one": {answers: []string{appID, "ffff", userToken, "", appSecret, userToken}, page: pageID, token: pageToken, told: "does not take this"},
		"a wrong token, then the right one":  {answers: []string{appID, appSecret, "EAABwrong", appID, appSecret, userToken}, page: pageID, token: pageToken, told: "revoked"},
		"the token of another app": {change: func(f *fakeGraph) { f.tokens["EAABforeign"] = inspection{AppID: "42424242", Valid: true} },
			answers: []string{appID, appSecret, "EAABforeign", "", appSecret, userToken}, page: pageID, token: pageToken, told: "another app"},
		"a page of a business, which the list leaves out": {change: func(f *fakeGraph) {
			f.unlisted, f.pages = f.pages, nil
			i := f.tokens[userToken]
			i.GranularScopes = []grant{{"pages_show_list", []string{"888888"}}, {"pages_manage_posts", []string{pageID, "no number", "999999"}}}
			f.tokens[userToken] = i
		}, answers: []string{appID, appSecret, userToken}, page: pageID, token: pageToken},
		"a token that ends": {change: func(f *fakeGraph) {
			i := f.tokens[pageToken]
			i.DataAccessEnds = time.Date(2199, 2, 3, 0, 0, 0, 0, time.UTC).Unix()
			f.tokens[pageToken] = i
		}, answers: []string{appID, appSecret, userToken}, page: pageID, token: pageToken, note: "ends on 2199-02-03"},
		"a page's token that ends soon": {change: func(f *fakeGraph) {
			i := f.tokens[pageToken]
			i.Expires = time.Now().Add(time.Hour).Unix()
			f.tokens[pageToken] = i
		}, answers: []string{appID, appSecret, pageToken}, page: pageID, token: pageToken, note: "The token ends already on"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newGraphStub(t)
			f.proof = true
			if c.change != nil {
				c.change(f)
			}
			out, p, err := walk(t, f, c.answers...)
			if err != nil {
				t.Fatal(err, p.told)
			}
			fields := []channels.Field{{Key: "page", Value: c.page}, {Key: "app_id", Value: appID}}
			secrets := []channels.Field{{Key: "token_file", Value: c.token}, {Key: "app_secret_file", Value: appSecret}}
			if !slices.Equal(out.Fields, fields) || !slices.Equal(out.Secrets, secrets) || !strings.Contains(out.Note, c.note) {
				t.Errorf("fields %v, note %q, %d secrets", out.Fields, out.Note, len(out.Secrets))
			}
			for _, q := range p.asked {
				if slices.ContainsFunc(q.Choices, func(one string) bool { return strings.Contains(one, "777777") }) {
					t.Errorf("a page that nobody can post to is offered: %q", q.Choices)
				}
			}
			if !strings.Contains(p.heard(), c.told) || strings.ContainsRune(p.heard(), 0x1b) {
				t.Errorf("told %q, want %q", p.heard(), c.told)
			}
		})
	}
}

func TestConnectThatFails(t *testing.T) {
	for name, c := range map[string]struct {
		change  func(*fakeGraph)
		answers []string
		says    string
	}{
		"the terminal ends":       {answers: []string{appID}, says: "EOF"},
		"the terminal ends later": {change: func(f *fakeGraph) { f.pages = append(f.pages, page{ID: otherPage, AccessToken: otherToken}) }, answers: []string{appID, appSecret, userToken}, says: "EOF"},
		"wrong again and again":   {answers: []string{appID, appSecret, "EAABwrong", "", appSecret, "EAABwrong", "", appSecret, "EAABwrong", "", appSecret, userToken}, says: "revoked"},
		"the platform is away":    {change: func(f *fakeGraph) { f.on(http.MethodGet, "", channeltest.HTML(502)) }, answers: []string{appID, appSecret, userToken}, says: "502"},
		"the connection breaks": {change: func(f *fakeGraph) {
			f.on(http.MethodGet, "", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
		}, answers: []string{appID, appSecret, userToken}, says: "EOF"},
		"no lasting token": {change: func(f *fakeGraph) { f.on(http.MethodGet, "/access_token", channeltest.Status(200, `{}`)) }, answers: []string{appID, appSecret, userToken}, says: "no token"},
		"the exchange is refused": {change: func(f *fakeGraph) {
			f.on(http.MethodGet, "/access_token", refuse(400, 190, 463, userToken+" "+appSecret))
		}, answers: []string{appID, appSecret, userToken}, says: "has ended"},
		"no page":             {change: func(f *fakeGraph) { f.pages = nil }, answers: []string{appID, appSecret, userToken}, says: "shows no page"},
		"the list is refused": {change: func(f *fakeGraph) { f.on(http.MethodGet, "/accounts", refuse(403, 200, 0, "x")) }, answers: []string{appID, appSecret, userToken}, says: "permission"},
		"no right to post": {change: func(f *fakeGraph) {
			f.tokens[pageToken] = inspection{AppID: appID, Type: "PAGE", Valid: true, ProfileID: pageID, Scopes: []string{"pages_read_engagement"}}
		}, answers: []string{appID, appSecret, userToken}, says: "pages_manage_posts"},
		"a page's token that ended": {change: func(f *fakeGraph) { f.tokens[pageToken] = inspection{AppID: appID, Type: "PAGE"} }, answers: []string{appID, appSecret, userToken}, says: "not valid"},
		"a page's token of nobody":  {change: func(f *fakeGraph) { f.on(http.MethodGet, "/me", channeltest.Status(200, `{}`)) }, answers: []string{appID, appSecret, pageToken}, says: "names no page"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newGraphStub(t)
			if c.change != nil {
				c.change(f)
			}
			out, _, err := walk(t, f, c.answers...)
			if err == nil || !strings.Contains(err.Error(), c.says) || len(err.Error()) > 600 {
				t.Errorf("got %v, want %q", err, c.says)
			}
			if len(out.Secrets) > 0 {
				t.Error("secrets of an account that is not connected")
			}
			if name == "the terminal ends" && !errors.Is(err, io.EOF) {
				t.Errorf("%v is no end of the input", err)
			}
		})
	}
}

// What connecting gives makes a channel whose check passes.
func TestConnectedChannelWorks(t *testing.T) {
	f := newGraphStub(t)
	f.proof = true
	out, _, err := walk(t, f, appID, appSecret, userToken)
	if err != nil {
		t.Fatal(err)
	}
	values := map[string]string{}
	for _, one := range out.Fields {
		values[one.Key] = one.Value
	}
	for _, one := range out.Secrets {
		values[one.Key] = filepath.Join(t.TempDir(), one.Key)
		if err := os.WriteFile(values[one.Key], []byte(one.Value), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c, err := New("facebook", Config{Page: values["page"], AppID: values["app_id"], TokenFile: values["token_file"], AppSecretFile: values["app_secret_file"],
		Graph: channeltest.StartStub(t, f, posting).URL}, channeltest.Settings(), zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Check(t.Context()); err != nil {
		t.Error(err)
	}
}
