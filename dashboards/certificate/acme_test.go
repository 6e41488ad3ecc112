package certificate

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/zap"
)

// pebble is the authority that Let's Encrypt gives to those who test.
const pebble = "github.com/letsencrypt/pebble/v2/cmd/"

// pebbleVersion is the one that is built for the test.
const pebbleVersion = "v2.10.1"

// patience is a hang limit.
const patience = 2 * time.Minute

// authority runs pebble, which asks the names' server of the test, on loopback,
// and comes to the two ports. It gives the address of the directory, the roots
// by which that is known, and those of what it issues.
func authority(t *testing.T, httpPort, tlsPort string) (directory, roots string, issued func() *x509.CertPool) {
	t.Helper()
	dir := t.TempDir()
	build := exec.CommandContext(t.Context(), "go", "install", pebble+"pebble@"+pebbleVersion)
	names := exec.CommandContext(t.Context(), "go", "install", pebble+"pebble-challtestsrv@"+pebbleVersion)
	for _, c := range []*exec.Cmd{build, names} {
		c.Dir, c.Env = dir, append(os.Environ(), "GOBIN="+dir, "GOFLAGS=")
		if out, err := c.CombinedOutput(); err != nil {
			t.Skipf("SKIP: the ACME authority of tests cannot be built, ACME was NOT tested: %v\n%s", err, out)
		}
	}
	certificate, key := issueFor(t, dir, "localhost")
	dns, manage, listen, admin := free(t, "udp"), free(t, "tcp"), free(t, "tcp"), free(t, "tcp")
	config := filepath.Join(dir, "pebble.json")
	text, err := json.Marshal(map[string]any{"pebble": map[string]any{
		"listenAddress": "127.0.0.1:" + listen, "managementListenAddress": "127.0.0.1:" + admin,
		"certificate": certificate, "privateKey": key, "httpPort": number(httpPort), "tlsPort": number(tlsPort), "ocspResponderURL": "",
		"profiles": map[string]any{"default": map[string]any{"description": "ninety days", "validityPeriod": 7776000}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	put(t, config, text)
	child(t, filepath.Join(dir, "pebble-challtestsrv"), "-defaultIPv4", "127.0.0.1", "-defaultIPv6", "", "-dnsserver", "127.0.0.1:"+dns,
		"-http01", "", "-https01", "", "-tlsalpn01", "", "-doh", "", "-management", "127.0.0.1:"+manage)
	until(t, "the names' server answers", func() bool {
		c, err := net.Dial("tcp", "127.0.0.1:"+manage)
		if err == nil {
			c.Close()
		}
		return err == nil
	})
	child(t, filepath.Join(dir, "pebble"), "-config", config, "-dnsserver", "127.0.0.1:"+dns)
	pool := x509.NewCertPool()
	pem, _ := os.ReadFile(certificate)
	pool.AppendCertsFromPEM(pem)
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, ServerName: "localhost"}}}
	t.Cleanup(client.CloseIdleConnections)
	get := func(address string) ([]byte, error) {
		a, err := client.Get(address)
		if err != nil {
			return nil, err
		}
		defer a.Body.Close()
		return io.ReadAll(a.Body)
	}
	directory = "https://localhost:" + listen + "/dir"
	until(t, "the authority answers", func() bool { _, err := get(directory); return err == nil })
	return directory, certificate, func() *x509.CertPool {
		pem, err := get("https://localhost:" + admin + "/roots/0")
		if err != nil {
			t.Fatal(err)
		}
		all := x509.NewCertPool()
		if !all.AppendCertsFromPEM(pem) {
			t.Fatalf("no roots: %s", pem)
		}
		return all
	}
}

func number(port string) (n int) { _, _ = fmt.Sscan(port, &n); return n }

// free is a port of loopback that nobody has now.
func free(t *testing.T, network string) string {
	t.Helper()
	if network == "udp" {
		c, err := net.ListenPacket("udp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		_, port, _ := net.SplitHostPort(c.LocalAddr().String())
		return port
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}

// child runs a program until the test ends.
func child(t *testing.T, name string, args ...string) {
	t.Helper()
	c := exec.CommandContext(t.Context(), name, args...)
	c.Env = append(os.Environ(), "PEBBLE_VA_NOSLEEP=1", "PEBBLE_WFE_NONCEREJECT=20")
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Process.Kill(); _ = c.Wait() })
}

func until(t *testing.T, what string, ask func() bool) {
	t.Helper()
	end, tick := time.Now().Add(patience), time.NewTicker(20*time.Millisecond)
	defer tick.Stop()
	for !ask() {
		if time.Now().After(end) {
			t.Fatalf("not within %v: %s", patience, what)
		}
		<-tick.C
	}
}

// A real authority gives the certificate, over either listener, once: the next
// start has it from the folder. What is not ours is not asked for.
func TestEndToEndWithAnACMEAuthority(t *testing.T) {
	if os.Getenv("TEST_E2E") == "" {
		t.Skip("SKIP: an ACME authority is built and run by make e2e")
	}
	for name, alpn := range map[string]bool{"over the listener of https": true, "over the listener of http": false} {
		t.Run(name, func(t *testing.T) {
			httpPort, tlsPort := free(t, "tcp"), free(t, "tcp")
			directory, roots, issued := authority(t, httpPort, tlsPort)
			folder := filepath.Join(t.TempDir(), "acme")
			a := Authority{Directory: directory, Roots: roots, Email: "pc@comune.valdemo.example", Hosts: []string{host}, Folder: folder}
			s, err := ACME(a, zap.NewNop())
			if err != nil {
				t.Fatal(err)
			}
			door := s.Redirect("https://" + host)
			serve(t, "127.0.0.1:"+httpPort, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				r.Host, _, _ = net.SplitHostPort(r.Host) // at port 80 there is none
				door.ServeHTTP(w, r)
			}))
			at := "127.0.0.1:" + tlsPort
			if alpn {
				secured(t, s, at)
			} else {
				at = secured(t, s, "127.0.0.1:0") // the authority finds nobody at its port
			}
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			if err := s.Fetch(ctx, a.Hosts); err != nil {
				t.Fatal(err)
			}
			leaf, err := shake(at, host, issued())
			if err != nil {
				t.Fatal(err)
			}
			if err := Check(leaf, a.Hosts, time.Now()); err != nil {
				t.Error(err)
			}
			if st := s.State(); !st.Expires.Equal(leaf.NotAfter) || st.Problem != "" {
				t.Errorf("got %+v", st)
			}
			if _, err := shake(at, "www.evil.example", issued()); err == nil {
				t.Error("a certificate for somebody else's name was asked for")
			}
			if st := s.State(); st.Problem != "" {
				t.Errorf("a stranger's name is our trouble: %s", st.Problem)
			}

			again, err := ACME(Authority{Directory: "https://127.0.0.1:1/dir", Hosts: a.Hosts, Folder: folder}, zap.NewNop())
			if err != nil {
				t.Fatal(err)
			}
			if err := again.Fetch(ctx, a.Hosts); err != nil {
				t.Errorf("after a new start, while the authority is away: %v", err)
			}
			if info, err := os.Stat(folder); err != nil || info.Mode().Perm() != 0o700 {
				t.Errorf("the folder of the keys: %v, %v", info.Mode(), err)
			}
		})
	}
}

func TestAnAuthorityThatIsAwayIsSaid(t *testing.T) {
	s, err := ACME(Authority{Directory: "https://127.0.0.1:1/dir", Hosts: []string{host}, Folder: t.TempDir()}, zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Fetch(t.Context(), []string{host}); err == nil {
		t.Fatal("a certificate came from nowhere")
	}
	if st := s.State(); !st.Expires.IsZero() || !strings.Contains(st.Problem, host) {
		t.Errorf("got %+v", st)
	}
}

// An authority that refuses is not asked by everybody who comes.
func TestARefusalIsRemembered(t *testing.T) {
	var asked atomic.Int64
	refuses := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		w.WriteHeader(http.StatusNotFound)
	}))
	defer refuses.Close()
	s, err := ACME(Authority{Directory: refuses.URL, Hosts: []string{host}, Folder: t.TempDir()}, zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	s.now = func() time.Time { return now }
	for range 20 {
		if err := s.Fetch(t.Context(), []string{host}); err == nil {
			t.Fatal("a certificate came from nowhere")
		}
		now = now.Add(30 * time.Second)
	}
	if n := asked.Load(); n == 0 || n > 2 {
		t.Errorf("it was asked %d times within ten minutes", n)
	}
}

func TestARefusalIsForgotten(t *testing.T) {
	refused, at := errors.New("too many certificates"), time.Unix(1e9, 0)
	var r refusals
	r.add(host, refused, at)
	for after, want := range map[time.Duration]error{0: refused, restAfter - 1: refused, restAfter: nil, time.Hour: nil} {
		if got := r.lately(host, at.Add(after)); got != want {
			t.Errorf("after %v: %v", after, got)
		}
		if got := r.lately("another.example", at.Add(after)); got != nil {
			t.Errorf("another name after %v: %v", after, got)
		}
	}
}

// shake connects under a name and gives the certificate that is shown.
func shake(address, name string, roots *x509.CertPool) (*x509.Certificate, error) {
	c, err := tls.Dial("tcp", address, &tls.Config{ServerName: name, RootCAs: roots})
	if err != nil {
		return nil, err
	}
	defer c.Close()
	return c.ConnectionState().PeerCertificates[0], nil
}

func serve(t *testing.T, address string, h http.Handler) {
	t.Helper()
	l, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	run(t, l, h)
}

func secured(t *testing.T, s *Source, address string) string {
	t.Helper()
	l, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	run(t, tls.NewListener(l, s.Config()), http.NotFoundHandler())
	return l.Addr().String()
}

func run(t *testing.T, l net.Listener, h http.Handler) {
	server := &http.Server{Handler: h, ReadHeaderTimeout: time.Second}
	go func() {
		if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	}()
	t.Cleanup(func() { _ = server.Close() })
}
