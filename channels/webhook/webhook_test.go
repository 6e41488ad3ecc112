package webhook

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"go.uber.org/zap"

	"martinella/alerts"
	"martinella/channels"
	"martinella/channels/channeltest"
)

// The key of the specification's own example.
const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

var otherSecret = secretPrefix + base64.StdEncoding.EncodeToString([]byte("another secret, thirty two bytes"))

func secretFile(t testing.TB, mode os.FileMode, lines ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(path, []byte(strings.Join(lines, "\n")+"\n"), mode); err != nil {
		t.Fatal(err)
	}
	return path
}

func channel(t testing.TB, baseURL string, secrets ...string) *Channel {
	t.Helper()
	c, err := New("press", Config{URL: baseURL + "/in/k3y-1n-p4th", SecretFile: secretFile(t, 0o600, secrets...)}, channeltest.Settings(), zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// receiver takes everything.
func receiver(testing.TB) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		w.WriteHeader(http.StatusNoContent)
	})
}

var suite = channeltest.Suite{
	New:        func(t testing.TB, baseURL string) channels.Channel { return channel(t, baseURL, secret, otherSecret) },
	Platform:   receiver,
	Secrets:    []string{secret, otherSecret, "k3y-1n-p4th"},
	StatusOnly: true,
	Drops:      true,
	Verdicts: map[int]channels.Verdict{400: channels.VerdictUncertain, 401: channels.VerdictUncertain, 403: channels.VerdictUncertain, 404: channels.VerdictUncertain,
		413: channels.VerdictUncertain, 422: channels.VerdictUncertain, 301: channels.VerdictUncertain},
}

func TestContract(t *testing.T) { channeltest.Run(t, suite) }

func TestGolden(t *testing.T) { channeltest.Golden(t, channel(t, "https://press.example", secret)) }

func TestGoneIsPermanent(t *testing.T) {
	stub := channeltest.StartStub(t, receiver(t), nil)
	c := channel(t, stub.URL, secret)
	stub.Answer(channeltest.Status(http.StatusGone, ""))
	_, err := c.Send(t.Context(), suite.Rendered(t, c, channeltest.Actual, "a/1/press/"))
	suite.Refuses(t, "410", err, channels.VerdictPermanent)
}

// A foreign library verifies what we sign.
func TestForeignReceiverVerifies(t *testing.T) {
	for name, c := range map[string]struct {
		ours     []string
		theirs   string
		verified bool
	}{
		"the same secret":                   {[]string{secret}, secret, true},
		"rotation: they have the old one":   {[]string{otherSecret, secret}, secret, true},
		"rotation: they have the new one":   {[]string{otherSecret, secret}, otherSecret, true},
		"a secret that we do not sign with": {[]string{secret}, otherSecret, false},
	} {
		t.Run(name, func(t *testing.T) {
			peer := channeltest.StartPeer(t, "webhook-receiver.js", "--secret", c.theirs)
			ch := channel(t, "http://"+peer.Addr(), c.ours...)
			m := suite.Rendered(t, ch, channeltest.Exercise, "a/1/press/")
			receipt, err := ch.Send(t.Context(), m)
			var got struct {
				ID       string
				Verified bool
				Error    string
				Body     struct {
					Type      string
					Timestamp string
					Data      struct {
						Exercise bool
						URL      string
						Alert    alerts.Alert
					}
				}
			}
			peer.Next(t, &got)
			if got.Verified != c.verified || (err == nil) != c.verified {
				t.Fatalf("verified %v (%s), sent %v; want %v", got.Verified, got.Error, err, c.verified)
			}
			if !c.verified {
				if got.Error != "No matching signature found" {
					t.Errorf("their error is %q", got.Error)
				}
				return
			}
			if got.ID != receipt.ID || got.Body.Type != "alert.issued" || got.Body.Timestamp != "2026-11-21T10:00:00Z" {
				t.Errorf("got %q %q %q, receipt %q", got.ID, got.Body.Type, got.Body.Timestamp, receipt.ID)
			}
			d := got.Body.Data
			if !d.Exercise || d.URL != m.URL || d.Alert.Status != alerts.StatusExercise || !d.Alert.Sent.Equal(m.Sent) || len(d.Alert.Infos) != 2 {
				t.Errorf("the body says %+v", d)
			}
		})
	}
}

// All attempts carry the same id and body; the signature's time is fresh.
func TestAttemptsAreOneMessage(t *testing.T) {
	var mu sync.Mutex
	var ids []string
	var bodies [][]byte
	stub := channeltest.StartStub(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		mu.Lock()
		defer mu.Unlock()
		ids, bodies = append(ids, r.Header.Get("Webhook-Id")), append(bodies, b)
		w.WriteHeader(http.StatusOK)
	}), nil)
	c := channel(t, stub.URL, secret)
	m := suite.Rendered(t, c, channeltest.Actual, "a/1/press/")
	for range 2 {
		if _, err := c.Send(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	m.Key = "a/2/press/"
	if _, err := c.Send(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	if ids[0] != ids[1] || ids[0] == ids[2] || !bytes.Equal(bodies[0], bodies[1]) {
		t.Errorf("ids %v", ids)
	}
}

func TestTypes(t *testing.T) {
	c := channel(t, "https://press.example", secret)
	for kind, want := range map[channeltest.Kind]string{channeltest.Actual: "alert.issued", channeltest.Update: "alert.updated",
		channeltest.Cancel: "alert.cancelled", channeltest.AllClear: "alert.ended"} {
		b, err := body(suite.Rendered(t, c, kind, "k"))
		var e envelope
		if err != nil || json.Unmarshal(b, &e) != nil || e.Type != want {
			t.Errorf("%s: got %q, %v; want %q", kind, e.Type, err, want)
		}
	}
}

func TestSendersWordsAreNoPlaceholders(t *testing.T) {
	c := channel(t, "https://press.example", secret)
	r := channeltest.Sample(channeltest.Actual, "it")
	r.Alert.Infos[0].Description = `Il codice {code} e "{sent}"`
	messages, err := c.Render(r)
	if err != nil {
		t.Fatal(err)
	}
	m := messages[0].For(map[string]string{"{code}": "SECRET", "{sent}": `"}`})
	var d Data
	var a alerts.Alert
	if err := json.Unmarshal(m.Payload, &d); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(d.Alert, &a); err != nil || a.Infos[0].Description != r.Alert.Infos[0].Description {
		t.Errorf("got %q, %v", a.Infos[0].Description, err)
	}
}

func TestEveryMistakeIsNamed(t *testing.T) {
	good := secretFile(t, 0o600, secret)
	for name, c := range map[string]struct {
		name   string
		config Config
		want   []string
	}{
		"nothing given":         {"", Config{}, []string{"name", "url is missing", "secret_file is missing"}},
		"all of it wrong":       {"Press!", Config{URL: "ftp://x", SecretFile: secretFile(t, 0o644, secret), PerSecond: -1}, []string{"name", "url is not", "chmod 600", "per_second"}},
		"a secret in the URL":   {"press", Config{URL: "https://user:hunter2@press.example", SecretFile: good}, []string{"user or password"}},
		"no prefix":             {"press", Config{URL: "https://press.example", SecretFile: secretFile(t, 0o600, "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")}, []string{"line 1"}},
		"the second is short":   {"press", Config{URL: "https://press.example", SecretFile: secretFile(t, 0o600, secret, "whsec_AAAA")}, []string{"line 2 has 3 bytes"}},
		"the file is not there": {"press", Config{URL: "https://press.example", SecretFile: filepath.Join(t.TempDir(), "none")}, []string{"no such file"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := New(c.name, c.config, channeltest.Settings(), zap.NewNop())
			if err == nil {
				t.Fatal("taken")
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q does not say %q", err, want)
				}
			}
			for _, hidden := range []string{"hunter2", secret, "AAAA"} {
				if strings.Contains(err.Error(), hidden) {
					t.Errorf("%q holds a secret", err)
				}
			}
		})
	}
}
