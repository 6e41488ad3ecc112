package channels_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"martinella/channels"
	"martinella/channels/channeltest"
)

func serve(t *testing.T, h http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL
}

func TestCallerNeverShowsTheAddress(t *testing.T) {
	c := channels.NewCaller("telegram", "s3cret")
	for name, address := range map[string]string{
		"nobody listens": "http://127.0.0.1:1/bot" + "s3cret/send",
		"no such scheme": "gopher://127.0.0.1/s3cret",
		"not an address": "http://127.0.0.1:s3cret/%zz",
		"a strange host": "http://s3cret.invalid./x",
	} {
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		_, err := c.Do(ctx, http.MethodPost, address, nil, []byte("x"))
		cancel()
		if err == nil || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: %v", name, err)
		}
		if v, _ := channels.VerdictOf(err); v != channels.VerdictRetry {
			t.Errorf("%s: %s", name, v)
		}
	}
}

func TestCallerTellsWhatWasWritten(t *testing.T) {
	cut := serve(t, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	tls := httptest.NewTLSServer(http.NotFoundHandler())
	t.Cleanup(tls.Close)
	for name, c := range map[string]struct {
		method, url string
		want        channels.Verdict
	}{
		"a post whose answer is lost":         {http.MethodPost, cut, channels.VerdictUncertain},
		"a deletion whose answer is lost":     {http.MethodDelete, cut, channels.VerdictUncertain},
		"a read changes nothing":              {http.MethodGet, cut, channels.VerdictRetry},
		"a certificate that we do not trust":  {http.MethodPost, tls.URL, channels.VerdictRetry},
		"nobody listens where we should post": {http.MethodPost, "http://127.0.0.1:1", channels.VerdictRetry},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := channels.NewCaller("x").Do(t.Context(), c.method, c.url, nil, []byte("{}"))
			if got, _ := channels.VerdictOf(err); got != c.want {
				t.Errorf("got %s (%v), want %s", got, err, c.want)
			}
		})
	}
}

func TestCallerHasADeadline(t *testing.T) {
	stub := channeltest.StartStub(t, http.NotFoundHandler(), nil)
	stub.Answer(stub.Silent())
	c := channels.NewCaller("x")
	c.Timeout = 30 * time.Millisecond
	_, err := c.Do(t.Context(), http.MethodPost, stub.URL, nil, []byte("{}"))
	if v, _ := channels.VerdictOf(err); v != channels.VerdictUncertain || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %s: %v", v, err)
	}
}

func TestCallerBoundsTheAnswer(t *testing.T) {
	flood := func(status int) string {
		return serve(t, func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			io.WriteString(w, strings.Repeat("x", 1<<20))
		})
	}
	_, err := channels.NewCaller("x").Do(t.Context(), http.MethodPost, flood(200), nil, []byte("{}"))
	if v, _ := channels.VerdictOf(err); v != channels.VerdictUncertain {
		t.Errorf("a flood of yes: %s", v)
	}
	a, err := channels.NewCaller("x").Do(t.Context(), http.MethodPost, flood(400), nil, []byte("{}"))
	if err != nil || len(a.Body) > 256<<10 {
		t.Errorf("a flood of no: %v", err)
	}
}

// An answer without an end is not read to its end.
func TestCallerStopsReading(t *testing.T) {
	const much = 64 << 20
	wrote := make(chan int, 1)
	url := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		total, piece := 0, make([]byte, 64<<10)
		for total < much {
			n, err := w.Write(piece)
			if total += n; err != nil {
				break
			}
		}
		wrote <- total
	})
	_, err := channels.NewCaller("x").Do(t.Context(), http.MethodPost, url, nil, []byte("{}"))
	if v, _ := channels.VerdictOf(err); v != channels.VerdictUncertain {
		t.Errorf("got %s (%v)", v, err)
	}
	if n := <-wrote; n >= much {
		t.Errorf("%d bytes were read", n)
	}
}

func TestCallerFollowsNoRedirect(t *testing.T) {
	asked := false
	elsewhere := serve(t, func(http.ResponseWriter, *http.Request) { asked = true })
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, elsewhere, http.StatusTemporaryRedirect)
	})
	a, err := channels.NewCaller("x").Do(t.Context(), http.MethodPost, url, http.Header{"Authorization": {"Bearer t"}}, []byte("{}"))
	if err != nil || a.Status != http.StatusTemporaryRedirect || asked {
		t.Errorf("got %+v, %v, asked %v", a, err, asked)
	}
}

func TestAnswerDecode(t *testing.T) {
	for name, c := range map[string]struct {
		kind, body string
		good       bool
	}{
		"JSON":                 {"application/json; charset=utf-8", `{"id":"1"}`, true},
		"JSON of another kind": {"application/activity+json", `{"id":"1"}`, true},
		"a page":               {"text/html", `{"id":"1"}`, false},
		"no kind":              {"", `{"id":"1"}`, false},
		"cut":                  {"application/json", `{"id":"`, false},
	} {
		t.Run(name, func(t *testing.T) {
			url := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header()["Content-Type"] = []string{c.kind}
				io.WriteString(w, c.body)
			})
			a, err := channels.NewCaller("x").Do(t.Context(), http.MethodPost, url, nil, []byte("{}"))
			if err != nil {
				t.Fatal(err)
			}
			var into struct{ ID string }
			err = a.Decode("x", &into)
			if v, _ := channels.VerdictOf(err); (err == nil) != c.good || (err != nil && v != channels.VerdictUncertain) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestReadSecret(t *testing.T) {
	write := func(text string, mode os.FileMode) string {
		path := filepath.Join(t.TempDir(), "secret")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	if got, err := channels.ReadSecret("token_file", write(" hunter2\n", 0o600)); err != nil || got != "hunter2" {
		t.Errorf("got %q, %v", got, err)
	}
	if got, err := channels.ReadSecret("token_file", write("hunter2", 0o400)); err != nil || got != "hunter2" {
		t.Errorf("got %q, %v", got, err)
	}
	for name, c := range map[string]struct{ path, want string }{
		"no path":            {"", "token_file is missing"},
		"no file":            {filepath.Join(t.TempDir(), "x"), "no such file"},
		"readable by others": {write("hunter2", 0o640), "chmod 600"},
		"empty":              {write(" \n", 0o600), "is empty"},
		"a folder":           {t.TempDir(), "is not a file"},
		"far too long":       {write(strings.Repeat("hunter2", 20000), 0o600), "too long"},
	} {
		if _, err := channels.ReadSecret("token_file", c.path); err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestCheckName(t *testing.T) {
	for name, good := range map[string]bool{"sms": true, "comune-mastodon": true, "a1": true, "a": false, "": false, "-a": false, "a-": false, "Sms": false, "a_b": false,
		strings.Repeat("a", 32): true, strings.Repeat("a", 33): false} {
		if err := channels.CheckName(name); (err == nil) != good {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func FuzzWaitOf(f *testing.F) {
	f.Add("289", "2026-11-21T19:49:09.000Z", `{"parameters":{"retry_after":7}}`)
	f.Add("Sat, 21 Nov 2026 19:49:09 GMT", "1795290429", `{"retry_after_ms":1e308}`)
	f.Add("-1", "NaN", "[")
	f.Fuzz(func(t *testing.T, after, reset, body string) {
		h := http.Header{"Retry-After": {after}, "X-Ratelimit-Reset": {reset}}
		if got := channels.WaitOf(429, h, []byte(body), time.Unix(1795290000, 0)); got < 0 || got > 15*time.Minute {
			t.Errorf("got %v", got)
		}
	})
}

func TestRedirects(t *testing.T) {
	c := channels.NewCaller("town")
	for status, want := range map[int]channels.Verdict{
		301: channels.VerdictPermanent, 308: channels.VerdictPermanent,
		302: channels.VerdictUncertain, 303: channels.VerdictUncertain, 307: channels.VerdictUncertain,
	} {
		if got, _ := channels.VerdictOf(c.Verdict(&channels.Answer{Status: status}, time.Now())); got != want {
			t.Errorf("%d: %s, want %s", status, got, want)
		}
	}
}
