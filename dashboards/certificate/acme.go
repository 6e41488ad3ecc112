package certificate

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"os"
	"sync"
	"time"

	"go.uber.org/zap"
	"golang.org/x/crypto/acme"
	"golang.org/x/crypto/acme/autocert"
)

// Authority is who gives certificates, and for what.
type Authority struct {
	// Directory is the address of its directory (RFC 8555, section 7.1.1); "" is
	// Let's Encrypt.
	Directory string
	// Roots is a PEM file with the roots by which the directory itself is known;
	// "" are the system's. For an authority of one's own.
	Roots string
	// Email is to whom it writes; "" is nobody.
	Email string
	// Hosts are those that a certificate is asked for, no others: strangers
	// choose the name they ask for.
	Hosts []string
	// Folder keeps keys and certificates over restarts; it is made where it is
	// not there, for its owner alone.
	Folder string
}

// acmeTimeout bounds one request to the authority.
const acmeTimeout = 30 * time.Second

// ACME gives a certificate that an authority issued, asks for the first one when
// somebody connects or when [Source.Fetch] is called, and for the next one 30
// days before its end. To call it accepts the authority's terms. An error says
// what cannot be used of a.
func ACME(a Authority, log *zap.Logger) (*Source, error) {
	client := &acme.Client{DirectoryURL: a.Directory, UserAgent: "martinella"}
	if client.DirectoryURL == "" {
		client.DirectoryURL = acme.LetsEncryptURL
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	if a.Roots != "" {
		pem, err := os.ReadFile(a.Roots)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", a.Roots, bare(err))
		}
		pool := x509.NewCertPool()
		if !pool.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("%s holds no certificate", a.Roots)
		}
		transport.TLSClientConfig = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	}
	client.HTTPClient = &http.Client{Transport: transport, Timeout: acmeTimeout}
	if len(a.Hosts) == 0 {
		return nil, errors.New("no host is named")
	}
	if err := os.MkdirAll(a.Folder, 0o700); err != nil {
		return nil, fmt.Errorf("%s: %w", a.Folder, bare(err))
	}
	m := &autocert.Manager{
		Prompt: autocert.AcceptTOS, Cache: autocert.DirCache(a.Folder), HostPolicy: autocert.HostWhitelist(a.Hosts...),
		Client: client, Email: a.Email,
	}
	s := &Source{log: log, now: time.Now, protocols: []string{acme.ALPNProto}, challenge: m.HTTPHandler}
	known := map[string]bool{}
	for _, h := range a.Hosts {
		known[h] = true
	}
	var failures refusals
	s.get = func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
		ask := !challenged(hello)
		if err := failures.lately(hello.ServerName, s.now()); ask && err != nil {
			return nil, err
		}
		c, err := m.GetCertificate(hello)
		switch {
		case err == nil && ask:
			s.shown(c)
		case err != nil && ask && known[hello.ServerName]: // what strangers ask for is nobody's trouble
			failures.add(hello.ServerName, err, s.now())
			s.failed(fmt.Errorf("no certificate for %s: %w", hello.ServerName, err))
		}
		return c, err
	}
	return s, nil
}

// restAfter is how long nobody asks for a certificate that was refused, however
// many citizens come: five failures for a name within an hour, and Let's Encrypt
// hears no more of it (letsencrypt.org/docs/rate-limits).
const restAfter = 14 * time.Minute

// refusals are what the authority last refused, by name.
type refusals struct {
	mu   sync.Mutex
	last map[string]refusal
}

type refusal struct {
	err error
	at  time.Time
}

func (r *refusals) add(name string, err error, at time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.last == nil {
		r.last = map[string]refusal{}
	}
	r.last[name] = refusal{err, at}
}

// lately is the refusal that it is too early to ask after; nil: none.
func (r *refusals) lately(name string, now time.Time) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if last, refused := r.last[name]; refused && now.Sub(last.at) < restAfter {
		return last.err
	}
	return nil
}

// challenged: the authority connects to see that the name is ours (RFC 8737).
func challenged(hello *tls.ClientHelloInfo) bool {
	return len(hello.SupportedProtos) == 1 && hello.SupportedProtos[0] == acme.ALPNProto
}

// Fetch gets the certificates for hosts before anybody asks, so that the first
// citizen does not wait for the authority, and blocks until they are there or
// ctx ends. Of [Files] it is done at once. The listener, or the one of
// [Source.Redirect], must be open: the authority comes to see.
func (s *Source) Fetch(ctx context.Context, hosts []string) error {
	var all []error
	for _, h := range hosts {
		done := make(chan error, 1)
		go func() {
			_, err := s.get(&tls.ClientHelloInfo{
				ServerName: h, SupportedProtos: []string{"http/1.1"}, SupportedVersions: []uint16{tls.VersionTLS13},
				CipherSuites:     []uint16{tls.TLS_AES_128_GCM_SHA256, tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256},
				SupportedCurves:  []tls.CurveID{tls.CurveP256},
				SignatureSchemes: []tls.SignatureScheme{tls.ECDSAWithP256AndSHA256},
			})
			done <- err
		}()
		select {
		case err := <-done:
			all = append(all, err)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return errors.Join(all...)
}
