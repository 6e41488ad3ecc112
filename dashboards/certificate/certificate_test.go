package certificate

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
)

const host = "allerta.comune.valdemo.example"

// issue writes a certificate for host and its key.
func issue(t *testing.T, dir string, serial int64, from, until time.Time) (certificate, key string) {
	t.Helper()
	return issueAs(t, dir, host, serial, from, until)
}

// issueFor writes one that is good now.
func issueFor(t *testing.T, dir, name string) (certificate, key string) {
	t.Helper()
	return issueAs(t, dir, name, 1, time.Now().Add(-time.Hour), time.Now().Add(time.Hour))
}

func issueAs(t *testing.T, dir, host string, serial int64, from, until time.Time) (certificate, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	form := &x509.Certificate{SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: host}, DNSNames: []string{host}, NotBefore: from, NotAfter: until}
	der, err := x509.CreateCertificate(rand.Reader, form, form, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	certificate, key = filepath.Join(dir, "tls.pem"), filepath.Join(dir, "tls.key")
	put(t, key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}))
	put(t, certificate, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	return certificate, key
}

func put(t *testing.T, name string, b []byte) {
	t.Helper()
	if err := os.WriteFile(name, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

// serial is the number of the certificate that the source shows.
func serial(t *testing.T, s *Source) int64 {
	t.Helper()
	c, err := s.get(&tls.ClientHelloInfo{ServerName: host})
	if err != nil {
		t.Fatal(err)
	}
	return c.Leaf.SerialNumber.Int64()
}

func TestFilesAreReadAgainAndNeverTakeAwayWhatIsGood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir, now := t.TempDir(), time.Now()
		core, logs := observer.New(zap.InfoLevel)
		certificate, key := issue(t, dir, 1, now, now.Add(90*24*time.Hour))
		s, err := Files(certificate, key, zap.New(core))
		if err != nil {
			t.Fatal(err)
		}
		if got := s.State(); got.Problem != "" || got.Expires.Sub(now) < 89*24*time.Hour {
			t.Fatalf("got %+v", got)
		}
		for _, step := range []struct {
			name    string
			do      func()
			serial  int64
			problem string
		}{
			{"nothing has changed", func() {}, 1, ""},
			{"a new pair", func() { issue(t, dir, 2, now, now.Add(180*24*time.Hour)) }, 2, ""},
			{"rubbish", func() { put(t, certificate, []byte("rubbish")) }, 2, "no certificate with its key"},
			{"the key of another one", func() {
				other := t.TempDir()
				issue(t, other, 9, now, now.Add(time.Hour))
				b, _ := os.ReadFile(filepath.Join(other, "tls.pem"))
				put(t, certificate, b)
			}, 2, "no certificate with its key"},
			{"one that has ended", func() { issue(t, dir, 3, now.Add(-48*time.Hour), now.Add(-24*time.Hour)) }, 2, "has ended"},
			{"none", func() { _ = os.Remove(key) }, 2, "no such file"},
			{"a good one again", func() { issue(t, dir, 4, now, now.Add(200*24*time.Hour)) }, 4, ""},
		} {
			step.do()
			time.Sleep(lookEvery)
			if got := serial(t, s); got != step.serial {
				t.Errorf("%s: it shows number %d, want %d", step.name, got, step.serial)
			}
			if p := s.State().Problem; (step.problem == "") != (p == "") || !strings.Contains(p, step.problem) {
				t.Errorf("%s: the problem is %q, want %q", step.name, p, step.problem)
			}
		}
		if n := logs.FilterMessageSnippet("not in order").Len(); n != 4 {
			t.Errorf("the log has %d lines of trouble, want one for each kind: 4", n)
		}
	})
}

func TestFilesThatCannotBeUsedAreNamedAtTheStart(t *testing.T) {
	dir := t.TempDir()
	certificate, key := issue(t, dir, 1, time.Now(), time.Now().Add(time.Hour))
	for name, files := range map[string][2]string{
		"no certificate":        {filepath.Join(dir, "none.pem"), key},
		"no key":                {certificate, filepath.Join(dir, "none.key")},
		"the two interchanged":  {key, certificate},
		"a folder for the file": {dir, key},
	} {
		if _, err := Files(files[0], files[1], zap.NewNop()); err == nil || !strings.Contains(err.Error(), dir) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestCheck(t *testing.T) {
	dir, now := t.TempDir(), time.Now()
	read := func(from, until time.Time) *x509.Certificate {
		c, k := issue(t, dir, 1, from, until)
		pair, err := tls.LoadX509KeyPair(c, k)
		if err != nil {
			t.Fatal(err)
		}
		return pair.Leaf
	}
	for name, c := range map[string]struct {
		leaf  *x509.Certificate
		hosts []string
		want  []string
	}{
		"good":                     {read(now.Add(-time.Hour), now.Add(time.Hour)), []string{host}, nil},
		"good, with a port":        {read(now.Add(-time.Hour), now.Add(time.Hour)), []string{host + ":443"}, nil},
		"of tomorrow":              {read(now.Add(24*time.Hour), now.Add(48*time.Hour)), []string{host}, []string{"begins on"}},
		"ended, and for others":    {read(now.Add(-48*time.Hour), now.Add(-24*time.Hour)), []string{"www.comune.example"}, []string{"ended on", "not for www.comune.example"}},
		"for one of the two hosts": {read(now.Add(-time.Hour), now.Add(time.Hour)), []string{host, "b.example"}, []string{"not for b.example"}},
	} {
		err := Check(c.leaf, c.hosts, now)
		if (err == nil) != (c.want == nil) {
			t.Errorf("%s: got %v", name, err)
		}
		for _, w := range c.want {
			if err == nil || !strings.Contains(err.Error(), w) {
				t.Errorf("%s: got %v, want %q in it", name, err, w)
			}
		}
	}
}

func TestRedirect(t *testing.T) {
	s := &Source{}
	for name, c := range map[string]struct {
		method, target string
		status         int
		location       string
	}{
		"a page":                {"GET", "/a/01K?lang=de", 301, "https://" + host + "/a/01K?lang=de"},
		"its head":              {"HEAD", "/", 301, "https://" + host + "/"},
		"a foreign host's page": {"GET", "//evil.example/x", 301, "https://" + host + "//evil.example/x"},
		"what changes":          {"POST", "/api/v1/alerts", 403, ""},
	} {
		w := httptest.NewRecorder()
		r := httptest.NewRequest(c.method, "http://other.example/", nil)
		r.URL.Path, r.URL.RawQuery, _ = strings.Cut(c.target, "?")
		s.Redirect("https://"+host+"/").ServeHTTP(w, r)
		if w.Code != c.status || w.Header().Get("Location") != c.location {
			t.Errorf("%s: got %d to %q", name, w.Code, w.Header().Get("Location"))
		}
	}
}

// A server with the source speaks HTTP/2 and refuses what is older than TLS 1.2.
func TestWhoIsServed(t *testing.T) {
	certificate, key := issue(t, t.TempDir(), 1, time.Now().Add(-time.Hour), time.Now().Add(time.Hour))
	s, err := Files(certificate, key, zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.Header().Set("X-Proto", r.Proto) }))
	server.TLS, server.EnableHTTP2 = s.Config(), true
	server.StartTLS()
	defer server.Close()
	get := func(c *tls.Config) (string, error) {
		transport := &http.Transport{TLSClientConfig: c, ForceAttemptHTTP2: true}
		defer transport.CloseIdleConnections()
		a, err := (&http.Client{Transport: transport}).Get(server.URL)
		if err != nil {
			return "", err
		}
		a.Body.Close()
		return a.Header.Get("X-Proto"), nil
	}
	roots := x509.NewCertPool()
	pem, _ := os.ReadFile(certificate)
	roots.AppendCertsFromPEM(pem)
	if proto, err := get(&tls.Config{RootCAs: roots, ServerName: host}); err != nil || proto != "HTTP/2.0" {
		t.Errorf("got %q, %v", proto, err)
	}
	if proto, err := get(&tls.Config{RootCAs: roots, ServerName: host, MaxVersion: tls.VersionTLS11, MinVersion: tls.VersionTLS10}); err == nil {
		t.Errorf("TLS 1.1 was served: %s", proto)
	}
	if proto, err := get(&tls.Config{RootCAs: roots, ServerName: host, MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_RSA_WITH_AES_128_GCM_SHA256}}); err == nil {
		t.Errorf("a key exchange without forward secrecy was taken: %s", proto)
	}
}
