package telegram

import (
	"context"
	"errors"
	"io"
	"net"
	"slices"
	"strings"
	"testing"

	"martinella/channels"
	"martinella/channels/channeltest"
)

// script is a person who answers in turn; the input ends with the answers.
type script struct {
	t       *testing.T
	answers []string
	before  map[int]func() // what happens before the answer of that number
	given   int
	heard   []string
}

func (s *script) Tell(text string) { s.heard = append(s.heard, text) }

// Ask answers as a terminal does: it checks, offers choices, and knows the
// default.
func (s *script) Ask(q channels.Question) (string, error) {
	s.heard = append(s.heard, q.Text+" "+strings.Join(q.Choices, "/"))
	for {
		if s.given == len(s.answers) {
			return "", io.EOF
		}
		if f := s.before[s.given]; f != nil {
			f()
		}
		answer := s.answers[s.given]
		s.given++
		if answer == "" {
			answer = q.Default
		}
		if len(q.Choices) > 0 && !slices.Contains(q.Choices, answer) {
			s.t.Errorf("%q is none of %q", answer, q.Choices)
		}
		if q.Check == nil {
			return answer, nil
		}
		err := q.Check(answer)
		if err == nil {
			return answer, nil
		}
		s.heard = append(s.heard, err.Error())
	}
}

func (s *script) all() string { return strings.Join(s.heard, "\n") }

func wrote(update int, chat map[string]any) map[string]any {
	return map[string]any{"update_id": update, "message": map[string]any{"message_id": update, "date": 1795255200, "text": "/start", "chat": chat}}
}

func TestConnect(t *testing.T) {
	s := newServer(t)
	s.updates = []map[string]any{
		wrote(7, s.chats[office]), wrote(8, s.chats[office]), wrote(9, s.chats[group]),
		{"update_id": 10, "channel_post": map[string]any{"message_id": 3, "date": 1, "chat": s.chats[town]}},
	}
	p := &script{t: t, answers: []string{"123:short", token, "comune", "https://t.me/comune_pistoia", "", "Volontari (-55)"}}
	got, err := connector{channeltest.StartStub(t, s, posting).URL}.connect(t.Context(), p)
	if err != nil {
		t.Fatalf("%v\n%s", err, p.all())
	}
	want := []channels.Field{{Key: "chat", Value: town}, {Key: "test_chat", Value: group}}
	if !slices.Equal(got.Fields, want) || !slices.Equal(got.Secrets, []channels.Field{{Key: "token_file", Value: token}}) {
		t.Errorf("fields %+v, %d secrets", got.Fields, len(got.Secrets))
	}
	if !strings.Contains(got.Note, "@allerta_bot posts to Comune di Pistoia (@comune_pistoia)") || strings.Contains(got.Note+p.all(), token) {
		t.Errorf("note %q", got.Note)
	}
	for _, want := range []string{"@BotFather", "comes from @BotFather", "Administrators", "Anna (4242)/Volontari (-55)/"} {
		if !strings.Contains(p.all(), want) {
			t.Errorf("not heard: %q in\n%s", want, p.all())
		}
	}
	if s.offset != 11 {
		t.Errorf("acknowledged up to %d, want 11", s.offset)
	}
	for _, call := range s.said() {
		if !strings.HasPrefix(call, "get") {
			t.Errorf("connecting called %s", call)
		}
	}
	s.clean(t)
	// What comes out makes a channel that works.
	c := channel(t, channeltest.StartStub(t, s, posting).URL, func(c *Config) {
		c.Chat, c.TestChat = got.Fields[0].Value, got.Fields[1].Value
	})
	if err := c.Check(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestConnectMeetsTrouble(t *testing.T) {
	wrongKey := strings.Replace(token, "AAFq", "AAFx", 1)
	for name, of := range map[string]struct {
		answers []string
		before  func(*telegramServer) map[int]func()
		err     error
		fields  int
		says    []string
	}{
		"a token that was revoked, then the right one": {[]string{wrongKey, other, token, town, "no"}, nil, nil, 1, []string{"not, or no longer"}},
		"no network for a while": {[]string{token, again, town, "no"}, func(s *telegramServer) map[int]func() {
			s.fail("getMe", channeltest.HTML(502))
			return nil
		}, nil, 1, []string{"502"}},
		"a channel that the bot is not in yet": {[]string{token, town, again, "no"}, func(s *telegramServer) map[int]func() {
			good := s.members[town]
			s.members[town] = map[string]any{"status": "left", "user": map[string]any{"id": botID}}
			return map[int]func(){2: func() { s.mu.Lock(); s.members[town] = good; s.mu.Unlock() }}
		}, nil, 1, []string{"not in the chat", "may post in Comune di Pistoia"}},
		"a channel that is another one": {[]string{token, "@nobody_here", other, "t.me/c/9876543210/5", "no"}, nil, nil, 1, []string{"no such chat", "may post in Ufficio stampa"}},
		"a bot that may not post is not gone on with": {[]string{token, town, giveUp}, func(s *telegramServer) map[int]func() {
			s.members[town]["can_post_messages"] = false
			return nil
		}, errStopped, 0, []string{"may not post", again + "/" + other + "/" + giveUp}},
		"a right that comes later": {[]string{token, town, skip, "no"}, func(s *telegramServer) map[int]func() {
			s.members[town]["can_edit_messages"] = false
			return nil
		}, nil, 1, []string{"cannot pin"}},
		"nobody wrote, and then somebody": {[]string{token, town, "", "", ""}, func(s *telegramServer) map[int]func() {
			return map[int]func(){3: func() {
				s.mu.Lock()
				s.updates = append(s.updates, wrote(1, s.chats[office]))
				s.mu.Unlock()
			}}
		}, nil, 2, []string{"Nobody has written"}},
		"somebody wrote, and is not taken": {[]string{token, town, "yes", skip}, func(s *telegramServer) map[int]func() {
			s.updates = append(s.updates, wrote(1, s.chats[office]))
			return nil
		}, nil, 1, nil},
		"a group, where somebody wrote in it": {[]string{token, group, skip, "yes", "no"}, func(s *telegramServer) map[int]func() {
			s.updates = append(s.updates, wrote(1, s.chats[group]))
			return nil
		}, nil, 1, []string{"Nobody has written"}},
		"another program listens": {[]string{token, town, "yes", "no"}, func(s *telegramServer) map[int]func() {
			s.fail("getUpdates", refused(409, "Conflict: terminated by other getUpdates request"))
			return nil
		}, nil, 1, []string{"another program"}},
		"a person who stops at the token":   {[]string{wrongKey, giveUp}, nil, errStopped, 0, nil},
		"a person who stops at the channel": {[]string{token, "@nobody_here", giveUp}, nil, errStopped, 0, nil},
		"an input that ends":                {[]string{token, town}, nil, io.EOF, 0, nil},
		"an input that ends at once":        {nil, nil, io.EOF, 0, nil},
	} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t)
			p := &script{t: t, answers: of.answers}
			if of.before != nil {
				p.before = of.before(s)
			}
			got, err := connector{channeltest.StartStub(t, s, posting).URL}.connect(t.Context(), p)
			if !errors.Is(err, of.err) || len(got.Fields) != of.fields || len(got.Secrets) != min(of.fields, 1) {
				t.Errorf("%+v, %v\n%s", got.Fields, err, p.all())
			}
			for _, want := range of.says {
				if !strings.Contains(p.all(), want) {
					t.Errorf("not heard: %q in\n%s", want, p.all())
				}
			}
			if p.given != len(p.answers) {
				t.Errorf("%d of %d answers were asked for", p.given, len(p.answers))
			}
			if all := p.all() + got.Note; strings.Contains(all, token) || strings.Contains(all, wrongKey) {
				t.Error("the token is shown")
			}
			s.clean(t)
		})
	}
}

func TestConnectWithoutANetwork(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	p := &script{t: t, answers: []string{token, again, giveUp}}
	if _, err := (connector{"http://" + l.Addr().String()}).connect(t.Context(), p); !errors.Is(err, errStopped) || !strings.Contains(p.all(), "the call broke") {
		t.Errorf("%v\n%s", err, p.all())
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	p = &script{t: t, answers: []string{token}}
	if _, err := (connector{"http://" + l.Addr().String()}).connect(ctx, p); !errors.Is(err, context.Canceled) {
		t.Errorf("a person who leaves: %v", err)
	}
}

func TestChatNames(t *testing.T) {
	for typed, want := range map[string]string{
		" @comune ": "@comune", "https://t.me/comune": "@comune", "http://telegram.me/comune": "@comune", "t.me/comune/57": "@comune", "https://t.me/s/comune": "@comune",
		"https://t.me/c/1234567890/7": "-1001234567890", "-1001234567890": "-1001234567890", "comune": "comune",
	} {
		if got := chatName(typed); got != want {
			t.Errorf("%q: %q, want %q", typed, got, want)
		}
	}
}

func TestTheRealConnectTalksToTelegram(t *testing.T) {
	var _ channels.Connect = Connect
	p := &script{t: t}
	if _, err := Connect(t.Context(), p); !errors.Is(err, io.EOF) || !strings.HasPrefix(server, "https://api.telegram.org") {
		t.Errorf("%v", err)
	}
}
