package mastodon

import (
	"errors"
	"io"
	"net"
	"slices"
	"strings"
	"testing"

	"go.uber.org/zap"

	"martinella/channels"
	"martinella/channels/channeltest"
)

// script answers what is asked in order, and judges the answers as the command
// does: one that the question refuses is asked again.
type script struct {
	answers []string
	asked   []channels.Question
	told    []string
}

func (s *script) Tell(text string) { s.told = append(s.told, text) }

func (s *script) Ask(q channels.Question) (string, error) {
	s.asked = append(s.asked, q)
	for len(s.answers) > 0 {
		answer := s.answers[0]
		s.answers = s.answers[1:]
		if answer == "" {
			answer = q.Default
		}
		if q.Check != nil && q.Check(answer) != nil || len(q.Choices) > 0 && !slices.Contains(q.Choices, answer) {
			continue
		}
		return answer, nil
	}
	return "", io.ErrUnexpectedEOF
}

func connect(t *testing.T, g *registrar, answers ...string) (channels.Connected, *script, error) {
	t.Helper()
	stub := channeltest.StartStub(t, g, nil)
	for i := range answers {
		answers[i] = strings.ReplaceAll(answers[i], "HERE", stub.URL)
	}
	s := &script{answers: answers}
	out, err := Connect(t.Context(), s)
	for _, text := range append(s.told, out.Note) {
		for _, secret := range []string{token, "s3cr3t-of-the-app", "wr0ng-c0d3"} {
			if strings.Contains(text, secret) {
				t.Errorf("%q holds a secret", strings.ReplaceAll(text, secret, "<SECRET>"))
			}
		}
	}
	return out, s, err
}

func field(out channels.Connected, key string) string {
	for _, f := range append(out.Fields, out.Secrets...) {
		if f.Key == key {
			return f.Value
		}
	}
	return ""
}

func TestConnect(t *testing.T) {
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	away := "http://" + closed.Addr().String()
	closed.Close()
	for name, c := range map[string]struct {
		set     func(*registrar)
		answers []string
		want    map[string]string
		told    string
		note    string
	}{
		"a usual server": {func(*registrar) {}, []string{"HERE", "c0d3", ""},
			map[string]string{"token_file": token, "language": "", "visibility": "", "max_chars": "", "no_image": ""}, "/oauth/authorize?client_id=cl13nt", "until somebody revokes"},
		"the address of the account": {func(*registrar) {}, []string{"HERE/@comune", " c0d3 ", "it"}, map[string]string{"language": "it"}, "comune at", ""},
		"longer posts, no PNG": {func(g *registrar) { g.limit, g.types = 5000, []string{"image/jpeg"} }, []string{"HERE", "c0d3", ""},
			map[string]string{"max_chars": "5000", "no_image": "true"}, "without one", ""},
		"an older server":             {func(g *registrar) { g.v1 = true }, []string{"HERE", "c0d3", ""}, map[string]string{"token_file": token}, "", ""},
		"a token that ends":           {func(g *registrar) { g.expires = 86400 * 30 }, []string{"HERE", "c0d3", ""}, map[string]string{"token_file": token}, "", "2026-12-21"},
		"posts unlisted, stays so":    {func(g *registrar) { g.privacy = "unlisted" }, []string{"HERE", "c0d3", "", "unlisted"}, map[string]string{"visibility": "unlisted"}, "posts unlisted", ""},
		"posts unlisted, goes public": {func(g *registrar) { g.privacy = "unlisted" }, []string{"HERE", "c0d3", "", "tutti", ""}, map[string]string{"visibility": ""}, "", ""},
		"wrong addresses first": {func(*registrar) {}, []string{"", "https://", "ftp://x.example", "http://social.example", "https://user:pw@social.example", "HERE", "c0d3", ""},
			map[string]string{"token_file": token}, "", ""},
		"nobody there first":         {func(*registrar) {}, []string{away, "HERE", "c0d3", ""}, map[string]string{"token_file": token}, "cannot be used", ""},
		"a server that fails first":  {func(g *registrar) { g.failing = 1 }, []string{"HERE", "HERE", "c0d3", ""}, map[string]string{"token_file": token}, "cannot be used", ""},
		"a wrong code first":         {func(*registrar) {}, []string{"HERE", "", "wr0ng-c0d3", "c0d3", ""}, map[string]string{"token_file": token}, "did not work", ""},
		"the languages are no words": {func(*registrar) {}, []string{"HERE", "c0d3", "italiano!", "de"}, map[string]string{"language": "de"}, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			g := newRegistrar(t)
			c.set(g)
			out, s, err := connect(t, g, c.answers...)
			if err != nil {
				t.Fatalf("%v; told %q", err, s.told)
			}
			for key, want := range c.want {
				if got := field(out, key); got != want {
					t.Errorf("%s is %q, want %q", key, got, want)
				}
			}
			if !strings.Contains(strings.Join(s.told, "\n"), c.told) || !strings.Contains(out.Note, c.note) {
				t.Errorf("told %q, note %q", s.told, out.Note)
			}
			if g.posts != nil {
				t.Error("something was posted")
			}
			for _, q := range s.asked {
				if q.Secret != (q.Text == "The code") {
					t.Errorf("%q: secret %v", q.Text, q.Secret)
				}
			}
			if _, err := New("comune", Config{URL: field(out, "url"), TokenFile: tokenFile(t), Language: field(out, "language"), Visibility: field(out, "visibility")},
				channeltest.Settings(), zap.NewNop()); err != nil {
				t.Errorf("the entry is not valid: %v", err)
			}
		})
	}
}

func TestConnectThatIsBrokenOff(t *testing.T) {
	for name, c := range map[string]struct {
		set     func(*registrar)
		answers []string
	}{
		"at the address":            {func(*registrar) {}, nil},
		"at the code":               {func(*registrar) {}, []string{"HERE"}},
		"at the language":           {func(*registrar) {}, []string{"HERE", "c0d3"}},
		"a consent without posting": {func(g *registrar) { g.scope = "read" }, []string{"HERE", "c0d3"}},
	} {
		t.Run(name, func(t *testing.T) {
			g := newRegistrar(t)
			c.set(g)
			out, _, err := connect(t, g, c.answers...)
			if !errors.Is(err, io.ErrUnexpectedEOF) || len(out.Secrets) != 0 {
				t.Errorf("%+v, %v", out, err)
			}
		})
	}
}

func TestServerAddress(t *testing.T) {
	for answer, want := range map[string]string{
		"social.example":                      "https://social.example",
		" https://Social.Example/ ":           "https://social.example",
		"@comune@social.example":              "https://social.example",
		"comune@social.example":               "https://social.example",
		"https://social.example/@comune":      "https://social.example",
		"https://social.example:443/explore":  "https://social.example",
		"https://social.example:8443":         "https://social.example:8443",
		"http://127.0.0.1:3000":               "http://127.0.0.1:3000",
		"http://social.example":               "",
		"social example":                      "",
		"@comune@":                            "",
		"":                                    "",
		"https://user:hunter2@social.example": "",
		"javascript://social.example":         "",
	} {
		got, err := serverAddress(answer)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%q: got %q, %v; want %q", answer, got, err, want)
		}
	}
}
