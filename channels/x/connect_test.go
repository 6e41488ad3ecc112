package x

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"martinella/channels"
	"martinella/channels/channeltest"
)

// script answers questions in order, and notes what was said.
type script struct {
	t       *testing.T
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
		given := s.answers[0]
		s.answers = s.answers[1:]
		if given == "" {
			given = q.Default
		}
		if len(q.Choices) > 0 && !slices.Contains(q.Choices, given) {
			s.t.Errorf("%q is none of %v", given, q.Choices)
		}
		if q.Check != nil {
			if err := q.Check(given); err != nil {
				s.told = append(s.told, err.Error())
				continue // asked again
			}
		}
		return given, nil
	}
}

func values(tokenSecret string) []string {
	return []string{consumerKey, consumerSecret, userKey, tokenSecret}
}

func TestConnect(t *testing.T) {
	s := newServer(t)
	stub := channeltest.StartStub(t, s, nil)
	p := &script{t: t, answers: slices.Concat([]string{"", "two words"}, values(" "+userSecret+"\n"), []string{"many", "0", "40"})}
	got, err := connector{stub.URL}.connect(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	if fmt.Sprint(got.Fields) != "[{per_day 40}]" {
		t.Errorf("fields %v", got.Fields)
	}
	want := []channels.Field{{Key: "consumer_key_file", Value: consumerKey}, {Key: "consumer_secret_file", Value: consumerSecret}, {Key: "token_file", Value: userKey}, {Key: "token_secret_file", Value: userSecret}}
	if !slices.Equal(got.Secrets, want) {
		t.Errorf("secrets %v", got.Secrets)
	}
	if stub.Posts() != 0 {
		t.Error("something was posted")
	}
	for i, q := range p.asked {
		if q.Secret != (i < 4) {
			t.Errorf("%s: shown %v", q.Text, !q.Secret)
		}
	}
	told := strings.Join(p.told, "\n")
	for _, want := range []string{"Read and write", "@comune", "one word", "it is missing", "1 or more"} {
		if !strings.Contains(told, want) {
			t.Errorf("%q does not say %q", told, want)
		}
	}
	for _, secret := range suite.Secrets {
		if strings.Contains(told+got.Note, secret) {
			t.Errorf("a secret was said: %s", told)
		}
	}
}

// What connecting gives is a configuration that works.
func TestConnectedIsAConfiguration(t *testing.T) {
	stub := channeltest.StartStub(t, newServer(t), nil)
	got, err := connector{stub.URL}.connect(t.Context(), &script{t: t, answers: append(values(userSecret), "")})
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, f := range got.Secrets {
		files[f.Key] = secretFile(t, f.Key, f.Value)
	}
	c := channel(t, stub.URL, func(c *Config) {
		c.ConsumerKeyFile, c.ConsumerSecretFile, c.TokenFile, c.TokenSecretFile = files["consumer_key_file"], files["consumer_secret_file"], files["token_file"], files["token_secret_file"]
	})
	if err := c.Check(t.Context()); err != nil || got.Fields[0].Value != "100" {
		t.Errorf("%v, %v", err, got.Fields)
	}
}

func TestConnectAsksAgain(t *testing.T) {
	s := newServer(t)
	stub := channeltest.StartStub(t, s, nil)
	p := &script{t: t, answers: slices.Concat(values("wrong"), values(userSecret), []string{""})}
	if _, err := (connector{stub.URL}).connect(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	if told := strings.Join(p.told, "\n"); !strings.Contains(told, "does not take them") || strings.Contains(told, userSecret) {
		t.Errorf("told %s", told)
	}
	// A token that may only read is refused, with words.
	s.access = "read"
	p = &script{t: t, answers: values(userSecret)}
	if _, err := (connector{stub.URL}).connect(t.Context(), p); !errors.Is(err, io.EOF) {
		t.Errorf("got %v", err)
	}
	if told := strings.Join(p.told, "\n"); !strings.Contains(told, "may only read") {
		t.Errorf("told %s", told)
	}
}

func TestConnectWithoutANetwork(t *testing.T) {
	s := newServer(t)
	stub := channeltest.StartStub(t, s, func(*http.Request) bool { return true })
	var broken atomic.Int32
	broken.Store(2)
	stub.Answer(func(w http.ResponseWriter, r *http.Request) {
		if broken.Add(-1) >= 0 {
			panic(http.ErrAbortHandler)
		}
		s.ServeHTTP(w, r)
	})
	p := &script{t: t, answers: append(values(userSecret), "yes", "", "100")}
	if _, err := (connector{stub.URL}).connect(t.Context(), p); err != nil {
		t.Errorf("after two tries: %v", err)
	}
	broken.Store(1)
	p = &script{t: t, answers: append(values(userSecret), "no")}
	_, err := (connector{stub.URL}).connect(t.Context(), p)
	if err == nil || !strings.Contains(err.Error(), "could not be asked") {
		t.Errorf("got %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := (connector{stub.URL}).connect(ctx, &script{t: t, answers: values(userSecret)}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	broken.Store(0)
	for n := range 5 { // the input ends anywhere
		if _, err := (connector{stub.URL}).connect(t.Context(), &script{t: t, answers: values(userSecret)[:min(n, 4)]}); !errors.Is(err, io.EOF) {
			t.Errorf("after %d answers: %v", n, err)
		}
	}
}

var _ channels.Connect = Connect
