package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// selfSigned writes a certificate for hosts and its key, and gives who trusts it.
func selfSigned(t *testing.T, dir string, until time.Time, hosts ...string) (certificate, key string, trust *x509.CertPool) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	form := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: hosts[0]}, DNSNames: hosts, NotBefore: until.Add(-365 * 24 * time.Hour), NotAfter: until}
	der, err := x509.CreateCertificate(rand.Reader, form, form, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	certificate = write(t, filepath.Join(dir, "tls.pem"), string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})))
	key = write(t, filepath.Join(dir, "tls.key"), string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})))
	trust = x509.NewCertPool()
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	trust.AddCert(leaf)
	return certificate, key, trust
}

// freePort is a port of loopback that nobody has now.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// A gateway that speaks TLS itself: pages by HTTP/2, the live feed, the way from
// http, and what it tells the service manager.
func TestTheGatewaySpeaksTLSAndTellsSystemd(t *testing.T) {
	needRedis(t)
	const host = "allerta.comune.valdemo.example"
	dir, config := settle(t, "")
	_, _, trust := selfSigned(t, dir, time.Now().Add(90*24*time.Hour), host)
	plain := freePort(t)
	text, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	write(t, config, string(text)+"public_url: https://"+host+"\ntls: {certificate_file: tls.pem, key_file: tls.key, redirect_listen: '"+plain+"'}\n")

	// What systemd has for Type=notify: a socket of datagrams.
	address := filepath.Join(t.TempDir(), "notify")
	manager, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: address, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer manager.Close()
	told := make(chan string, 1000)
	go func() {
		defer close(told)
		b := make([]byte, 4096)
		for {
			n, err := manager.Read(b)
			if err != nil {
				return
			}
			told <- string(b[:n])
		}
	}()
	t.Setenv("NOTIFY_SOCKET", address)
	t.Setenv("WATCHDOG_USEC", "200000")
	s := open(t, dir, config)
	if first := <-told; first != "READY=1" && first != "WATCHDOG=1" {
		t.Errorf("the first word to the service manager is %q", first)
	}
	words := map[string]int{}
	for words["WATCHDOG=1"] < 3 {
		words[<-told]++
	}

	if !strings.HasPrefix(s.Public, "https://") {
		t.Fatalf("the ready file says %s", s.Public)
	}
	_, port, _ := net.SplitHostPort(strings.TrimPrefix(s.Public, "https://"))
	transport := &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: trust, ServerName: host}, ForceAttemptHTTP2: true,
	}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	a, err := client.Get("https://127.0.0.1:" + port + "/")
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(a.Body)
	a.Body.Close()
	if a.StatusCode != 200 || a.ProtoMajor != 2 || a.Header.Get("Strict-Transport-Security") != "max-age=31536000" || !strings.Contains(string(body), "Valdemo") {
		t.Errorf("the page: %s %s, %q", a.Proto, a.Status, a.Header.Get("Strict-Transport-Security"))
	}
	a, err = client.Get("http://" + plain + "/past?lang=de")
	if err != nil {
		t.Fatal(err)
	}
	a.Body.Close()
	if a.StatusCode != 301 || a.Header.Get("Location") != "https://"+host+"/past?lang=de" || a.Header.Get("Strict-Transport-Security") != "" {
		t.Errorf("by http: %s to %q", a.Status, a.Header.Get("Location"))
	}
	dialer := websocket.Dialer{TLSClientConfig: &tls.Config{RootCAs: trust, ServerName: host}}
	conn, _, err := dialer.Dial("wss://127.0.0.1:"+port+"/live", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, hello, err := conn.ReadMessage(); err != nil || !strings.Contains(string(hello), `"hello"`) {
		t.Errorf("the live feed says %q, %v", hello, err)
	}
	r, err := tell(t.Context(), "GET", s.Admin+"/metrics", "", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(r.body), `martinella_certificate_expiry_seconds{name="public"} 7.7`) {
		t.Error("the end of the certificate is in no metric")
	}

	conn.Close()
	if c := s.stop(); c != 0 {
		t.Errorf("it ended with %d", c)
	}
	manager.Close()
	for w := range told {
		words[w]++
	}
	if words["STOPPING=1"] != 1 {
		t.Errorf("the service manager was told %v", words)
	}
}

func TestMistakesOfTLSAreNamed(t *testing.T) {
	const site = "public_url: https://allerta.comune.valdemo.example\n"
	for name, c := range map[string]struct {
		text string
		want []string
	}{
		"only a certificate":             {site + "tls: {certificate_file: tls.pem}\n", []string{"only one of certificate_file and key_file"}},
		"files that are not there":       {site + "tls: {certificate_file: none.pem, key_file: none.key}\n", []string{"none.pem: no such file"}},
		"both ways":                      {site + "tls: {certificate_file: tls.pem, key_file: tls.key, acme: {accept_terms: true}}\n", []string{"both files and acme"}},
		"terms that nobody read":         {site + "tls: {acme: {email: pc@comune.valdemo.example}}\n", []string{"accept_terms is not true"}},
		"a page without TLS":             {"public_url: http://allerta.comune.valdemo.example\ntls: {certificate_file: tls.pem, key_file: tls.key}\n", []string{"public_url is", "and tls is set"}},
		"ACME for localhost":             {"public_url: https://localhost\ntls: {acme: {accept_terms: true}}\n", []string{"cannot have a certificate for localhost"}},
		"a redirect without certificate": {site + "tls: {redirect_listen: '0.0.0.0:80'}\n", []string{"neither a certificate nor acme"}},
		"several at once": {site + "tls: {redirect_listen: nowhere, acme: {accept_terms: true, directory: 'http://acme.example'}}\n",
			[]string{"tls.redirect_listen is", "tls.acme.directory is"}},
	} {
		t.Run(name, func(t *testing.T) {
			dir, config := settle(t, "")
			selfSigned(t, dir, time.Now().Add(time.Hour), "x.example")
			text, err := os.ReadFile(config)
			if err != nil {
				t.Fatal(err)
			}
			write(t, config, string(text)+c.text)
			code, out, stderr := command(t, "config", "check", "--config", config)
			if code != 1 {
				t.Errorf("exit %d", code)
			}
			for _, want := range c.want {
				if !strings.Contains(out+stderr, want) {
					t.Errorf("got %s%s, want %q in it", out, stderr, want)
				}
			}
		})
	}
}

func TestDoctorLooksAtTheCertificate(t *testing.T) {
	needRedis(t)
	for name, c := range map[string]struct {
		until time.Duration
		host  string
		want  string
	}{
		"good":        {90 * 24 * time.Hour, "allerta.comune.valdemo.example", "good  TLS                      valid for"},
		"ends soon":   {20 * 24 * time.Hour, "allerta.comune.valdemo.example", "put the next one into"},
		"has ended":   {-time.Hour, "allerta.comune.valdemo.example", "the certificate ended on"},
		"for another": {90 * 24 * time.Hour, "www.comune.example", "is not for allerta.comune.valdemo.example"},
	} {
		t.Run(name, func(t *testing.T) {
			dir, config := settle(t, "")
			selfSigned(t, dir, time.Now().Add(c.until), c.host)
			text, err := os.ReadFile(config)
			if err != nil {
				t.Fatal(err)
			}
			write(t, config, string(text)+"public_url: https://allerta.comune.valdemo.example\ntls: {certificate_file: tls.pem, key_file: tls.key}\n")
			_, out, stderr := command(t, "doctor", "--config", config)
			if !strings.Contains(out, c.want) {
				t.Errorf("got %s%s, want %q in it", out, stderr, c.want)
			}
		})
	}
}
