package certificate

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"go.uber.org/zap"
)

// Source gives the certificate that a listener shows. Its methods may be called
// from many goroutines.
type Source struct {
	get       func(*tls.ClientHelloInfo) (*tls.Certificate, error)
	protocols []string
	challenge func(http.Handler) http.Handler
	log       *zap.Logger
	now       func() time.Time

	mu      sync.Mutex
	leaf    *x509.Certificate
	problem string
}

// State is what is known of a certificate now.
type State struct {
	// Expires is when the certificate in use ends; zero: there was none yet.
	Expires time.Time
	// Problem says why the next one could not be had; "": all is well.
	Problem string
}

// State tells when the certificate in use ends, and what is wrong with the next
// one. It does not block.
func (s *Source) State() State {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := State{Problem: s.problem}
	if s.leaf != nil {
		st.Expires = s.leaf.NotAfter
	}
	return st
}

// Config is for the listener: TLS 1.2 with forward secrecy, or 1.3, as RFC 9325
// recommends; HTTP/2 is offered.
func (s *Source) Config() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		NextProtos: append([]string{"h2", "http/1.1"}, s.protocols...),
		CipherSuites: []uint16{ // of TLS 1.2 (RFC 9325, section 4.2); 1.3 has its own
			tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
			tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
			tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
		},
		GetCertificate: s.get,
	}
}

// Redirect is the handler of the listener without TLS: it answers the
// authority's questions where there are some, and sends everybody else to the
// same page of site ("https://host[:port]"). What changes something is refused:
// it has been sent in the clear already.
func (s *Source) Redirect(site string) http.Handler {
	site = strings.TrimSuffix(site, "/")
	var h http.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			http.Error(w, "Use "+site+": what is sent without TLS can be read on its way.", http.StatusForbidden)
			return
		}
		w.Header().Set("Cache-Control", "max-age=3600")
		http.Redirect(w, r, site+r.URL.RequestURI(), http.StatusMovedPermanently) //nolint:gosec // the host is ours, whatever the path
	})
	if s.challenge != nil {
		h = s.challenge(h)
	}
	return h
}

// shown notes what is in use.
func (s *Source) shown(c *tls.Certificate) {
	if c.Leaf == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.leaf == nil || c.Leaf.NotAfter.After(s.leaf.NotAfter) || s.now().After(s.leaf.NotAfter) {
		s.leaf = c.Leaf
	}
	s.problem = ""
}

// failed notes a problem, and tells the log when it is another one than before.
func (s *Source) failed(err error) {
	s.mu.Lock()
	fresh := s.problem != err.Error()
	s.problem = err.Error()
	s.mu.Unlock()
	if fresh {
		s.log.Error("the TLS certificate is not in order", zap.Error(err))
	}
}

// Check is what is wrong with a certificate for these hosts at now: it has not
// begun, has ended, or is for others. nil: nothing.
func Check(c *x509.Certificate, hosts []string, now time.Time) error {
	var all []error
	if now.Before(c.NotBefore) {
		all = append(all, fmt.Errorf("the certificate begins on %s", c.NotBefore.UTC().Format(time.DateTime)))
	}
	if now.After(c.NotAfter) {
		all = append(all, fmt.Errorf("the certificate ended on %s", c.NotAfter.UTC().Format(time.DateTime)))
	}
	for _, h := range hosts {
		if host, _, err := net.SplitHostPort(h); err == nil {
			h = host
		}
		if c.VerifyHostname(h) != nil {
			all = append(all, fmt.Errorf("the certificate is not for %s", h))
		}
	}
	return errors.Join(all...)
}
