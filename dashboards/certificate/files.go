package certificate

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"
	"time"

	"go.uber.org/zap"
)

// lookEvery is how often the files are looked at, at most: whoever renews
// certificates does so weeks before the old one ends.
const lookEvery = time.Minute

// pair is a certificate in two files.
type pair struct {
	certificate, key string

	mu      sync.Mutex
	current *tls.Certificate
	stamp   [2]stamp
	looked  time.Time
}

// stamp tells one state of a file from another.
type stamp struct {
	modified time.Time
	size     int64
}

// Files gives the certificate of two PEM files: the certificate with what stands
// between it and its root, and its key. They are looked at once a minute while
// somebody connects; where what is new cannot be used, what was in use stays.
// An error says what is wrong with them now.
func Files(certificate, key string, log *zap.Logger) (*Source, error) {
	return files(certificate, key, log, time.Now)
}

func files(certificate, key string, log *zap.Logger, now func() time.Time) (*Source, error) {
	p := &pair{certificate: certificate, key: key, looked: now()}
	s := &Source{log: log, now: now}
	at, err := p.stamps()
	if err != nil {
		return nil, err
	}
	if p.current, err = p.load(); err != nil {
		return nil, err
	}
	p.stamp = at
	s.shown(p.current)
	s.get = func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return p.now(s, now()), nil }
	return s, nil
}

// now is the certificate to show.
func (p *pair) now(s *Source, now time.Time) *tls.Certificate {
	p.mu.Lock()
	defer p.mu.Unlock()
	if now.Sub(p.looked).Abs() < lookEvery {
		return p.current
	}
	p.looked = now
	at, err := p.stamps()
	if err == nil && at == p.stamp {
		return p.current
	}
	if err == nil {
		var next *tls.Certificate
		if next, err = p.load(); err == nil && now.After(next.Leaf.NotAfter) && !now.After(p.current.Leaf.NotAfter) {
			err = fmt.Errorf("%s has ended; the one before is still good and stays", p.certificate)
		}
		if err == nil {
			p.current, p.stamp = next, at
			s.shown(next)
			s.log.Info("a new TLS certificate is in use", zap.Time("expires", next.Leaf.NotAfter))
			return p.current
		}
	}
	s.failed(err)
	return p.current
}

func (p *pair) stamps() (both [2]stamp, err error) {
	for i, name := range []string{p.certificate, p.key} {
		info, err := os.Stat(name)
		if err != nil {
			return both, fmt.Errorf("%s: %w", name, bare(err))
		}
		both[i] = stamp{info.ModTime(), info.Size()}
	}
	return both, nil
}

// load reads both files. What it says holds nothing of them.
func (p *pair) load() (*tls.Certificate, error) {
	for _, name := range []string{p.certificate, p.key} {
		f, err := os.Open(name)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, bare(err))
		}
		f.Close()
	}
	c, err := tls.LoadX509KeyPair(p.certificate, p.key)
	if err != nil {
		return nil, fmt.Errorf("%s and %s are no certificate with its key: %w", p.certificate, p.key, err)
	}
	return &c, nil
}

// bare leaves out the path, which the caller names.
func bare(err error) error {
	if p, ok := errors.AsType[*fs.PathError](err); ok {
		return p.Err
	}
	return err
}
