package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"time"

	"go.uber.org/zap"

	"martinella/broadcast/live"
	"martinella/dashboards/certificate"
)

// TLSConfig is how the public listener is secured; nothing of it: a proxy before
// the gateway does it.
type TLSConfig struct {
	CertificateFile string     `yaml:"certificate_file"` // PEM, with what stands between it and its root
	KeyFile         string     `yaml:"key_file"`         // PEM, of the certificate
	ACME            ACMEConfig `yaml:"acme"`             // or: who gives certificates
	Hosts           []string   `yaml:"hosts"`            // besides the one of public_url
	// RedirectListen is where http is answered: with the address of https, and
	// with what an ACME authority comes to see. "": nowhere.
	RedirectListen string `yaml:"redirect_listen"`
}

// ACMEConfig is an authority that gives certificates by ACME (RFC 8555).
type ACMEConfig struct {
	AcceptTerms bool   `yaml:"accept_terms"` // of the authority: without it nothing is asked
	Email       string `yaml:"email"`        // to whom it writes when a certificate is about to end
	Directory   string `yaml:"directory"`    // of another authority than Let's Encrypt
	Roots       string `yaml:"roots_file"`   // PEM, by which that one is known
}

// used reports whether the gateway itself speaks TLS.
func (t *TLSConfig) used() bool { return t.CertificateFile != "" || t.KeyFile != "" || t.acme() }

func (t *TLSConfig) acme() bool { return t.ACME != ACMEConfig{} }

// hosts are those that the certificate is for.
func (c *Config) hosts() []string {
	var all []string
	if u, err := url.Parse(c.PublicURL); err == nil && u.Hostname() != "" {
		all = append(all, u.Hostname())
	}
	for _, h := range c.TLS.Hosts {
		if !slices.Contains(all, h) {
			all = append(all, h)
		}
	}
	return all
}

// tlsRules checks what the listener is secured with.
func (c *Config) tlsRules(say sayFunc) {
	t := &c.TLS
	if !t.used() {
		if len(t.Hosts) > 0 || t.RedirectListen != "" {
			say("tls", "has neither a certificate nor acme", "add certificate_file and key_file, or acme: {accept_terms: true}, or leave tls out")
		}
		return
	}
	u, err := url.Parse(c.PublicURL)
	if err != nil || u.Scheme != "https" {
		say("public_url", "is "+quoted(c.PublicURL)+", and tls is set", "write the address that people open, like https://allerta.comune.example")
	}
	files := t.CertificateFile != "" || t.KeyFile != ""
	switch {
	case files && t.acme():
		say("tls", "has both files and acme", "choose one of the two")
	case files && (t.CertificateFile == "" || t.KeyFile == ""):
		say("tls", "names only one of certificate_file and key_file", "a certificate needs its key: name both PEM files")
	case files:
		if _, err := certificate.Files(t.CertificateFile, t.KeyFile, zap.NewNop()); err != nil {
			say("tls", err.Error(), "name the PEM files of the certificate, with what stands between it and its root, and of its key")
		}
	case !t.ACME.AcceptTerms:
		say("tls.acme.accept_terms", "is not true", "read the authority's terms (Let's Encrypt: https://letsencrypt.org/repository) and write accept_terms: true")
	}
	if t.acme() && err == nil && (net.ParseIP(u.Hostname()) != nil || u.Hostname() == "localhost") {
		say("tls.acme", "cannot have a certificate for "+u.Hostname(), "authorities know names of the public domain name system only: use certificate_file and key_file")
	}
	if d := t.ACME.Directory; d != "" {
		if u, err := url.Parse(d); err != nil || u.Scheme != "https" || u.Host == "" {
			say("tls.acme.directory", "is "+quoted(d), "write it like https://acme.example/directory, or leave it out for Let's Encrypt")
		}
	}
	if t.RedirectListen != "" {
		if _, err := net.ResolveTCPAddr("tcp", t.RedirectListen); err != nil {
			say("tls.redirect_listen", "is "+quoted(t.RedirectListen), "write host:port, like 0.0.0.0:80")
		}
	}
}

// secured builds what gives the listener its certificate; nil: it has none.
func (c *Config) secured(log *zap.Logger) (*certificate.Source, error) {
	t := &c.TLS
	switch {
	case !t.used():
		return nil, nil
	case t.acme():
		return certificate.ACME(certificate.Authority{
			Directory: t.ACME.Directory, Roots: t.ACME.Roots, Email: t.ACME.Email, Hosts: c.hosts(), Folder: filepath.Join(c.Data, "acme"),
		}, log)
	}
	return certificate.Files(t.CertificateFile, t.KeyFile, log)
}

// listeners are those of a gateway. Plain is nil where nobody is redirected.
type listeners struct {
	public, admin, plain net.Listener
	source               *certificate.Source // nil: the gateway does not speak TLS
}

// open opens every listener, or none.
func (c *Config) open(ctx context.Context, log *zap.Logger) (d *listeners, err error) {
	d = &listeners{}
	defer func() {
		if err != nil {
			d.close()
		}
	}()
	if d.source, err = c.secured(log); err != nil {
		return d, usage(err, "martinella config check names the line")
	}
	c.certificate = d.source
	if d.public, err = listen(ctx, c.Listen); err != nil {
		return d, err
	}
	if d.admin, err = listen(ctx, c.AdminListen); err != nil {
		return d, err
	}
	if d.source != nil && c.TLS.RedirectListen != "" {
		d.plain, err = listen(ctx, c.TLS.RedirectListen)
	}
	return d, err
}

// close closes what is open. Doing it again does nothing.
func (d *listeners) close() {
	for _, l := range []net.Listener{d.public, d.admin, d.plain} {
		if l != nil {
			_ = l.Close() // nothing was promised on it
		}
	}
}

// site is how people call the public listener where nothing is configured, and
// local how a program on this machine reaches it.
func (d *listeners) site() string  { return d.scheme() + siteHost(d.public.Addr()) }
func (d *listeners) local() string { return d.scheme() + localHost(d.public.Addr()) }

func (d *listeners) scheme() string {
	if d.source != nil {
		return "https://"
	}
	return "http://"
}

// secure is the public listener as the server takes it.
func (d *listeners) secure() net.Listener {
	if d.source == nil {
		return d.public
	}
	return tls.NewListener(d.public, d.source.Config())
}

// newServer has limits against slow and large requests, and none that would
// cut a live feed.
func newServer(h http.Handler, log *zap.Logger) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 5 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    16 << 10,
		ConnContext:       live.KeepConn,
		ErrorLog:          zap.NewStdLog(log.WithOptions(zap.IncreaseLevel(zap.WarnLevel))),
	}
}

// servers are one for each listener.
func (g *gateway) servers(d *listeners) map[net.Listener]*http.Server {
	public, all := newServer(g.server.Public(), g.log), map[net.Listener]*http.Server{}
	public.ConnState = g.door.Watch
	all[d.secure()], all[d.admin] = public, newServer(g.server.Admin(), g.log)
	if d.plain != nil {
		redirect := newServer(d.source.Redirect(g.config.PublicURL), g.log)
		redirect.ConnState = g.door.Watch
		all[d.plain] = redirect
	}
	return all
}

// fetchAgain is how often a first certificate is asked for: authorities refuse
// whoever asks more (Let's Encrypt: five failures for a name in an hour).
const fetchAgain = 15 * time.Minute

// fetch has the certificate there before the first citizen comes, and tries
// again until it is.
func (g *gateway) fetch(ctx context.Context) error {
	for {
		err := g.config.certificate.Fetch(ctx, g.config.hosts())
		if err != nil && ctx.Err() == nil {
			g.log.Error("there is no TLS certificate yet", zap.Error(err), zap.Duration("again", fetchAgain))
		}
		wait := fetchAgain
		if err == nil {
			wait = 12 * time.Hour // so that the next one is asked for where nobody comes either
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(wait):
		}
	}
}

// tls looks at the certificate of the public listener.
func (d *doctor) tls(c *Config, now time.Time) {
	if c.TLS.acme() {
		d.say(checkTLS, "TLS", nil, "by ACME, for "+joinAll(c.hosts()))
		return
	}
	if !c.TLS.used() {
		return
	}
	cert, err := readCertificate(c.TLS.CertificateFile)
	good := ""
	if err == nil {
		good, err = goodFor(cert, now), certificate.Check(cert, c.hosts(), now)
	}
	if err == nil && cert.NotAfter.Sub(now) < renewBefore {
		err = fmt.Errorf("ends on %s: put the next one into %s, the gateway reads it by itself", cert.NotAfter.Format(time.DateOnly), c.TLS.CertificateFile)
	}
	d.say(checkTLS, "TLS", err, good)
}
