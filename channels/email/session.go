package email

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/wneessen/go-mail/smtp"

	"martinella/channels"
)

// The times of a session. RFC 5321 section 4.5.3.2 grants servers minutes; one
// that is so slow is of no use to an emergency. Only after the final dot we
// wait longer: to give up there means not to know.
const (
	dialTime    = 20 * time.Second
	commandTime = 60 * time.Second
	finalTime   = 3 * time.Minute
	quitTime    = 3 * time.Second
	restTime    = 20 * time.Second // that a connection is kept without work
	mailsEach   = 100              // mails over one connection; several providers allow no more
	maxAnswer   = 64 << 10         // bytes of one answer
)

// session is one connection to the server, ready for a mail. It is used by one
// goroutine at a time.
type session struct {
	conn   *meter
	client *smtp.Client
	mails  int
	rest   *time.Timer
}

// meter is a connection that stops reading where an answer has no end.
type meter struct {
	net.Conn
	left int
}

var errEndless = errors.New("the answer has no end")

func (m *meter) Read(b []byte) (int, error) {
	if m.left <= 0 {
		return 0, errEndless
	}
	n, err := m.Conn.Read(b)
	m.left -= n
	return n, err
}

// within gives the next steps their time, and ends them at once when ctx ends,
// until release is called.
func (s *session) within(ctx context.Context, d time.Duration) (release func()) {
	s.conn.left = maxAnswer
	at := time.Now().Add(d)
	if end, ok := ctx.Deadline(); ok && end.Before(at) {
		at = end
	}
	_ = s.conn.SetDeadline(at) // a connection that cannot fails at its next step
	cut := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(cut)
		_ = s.conn.SetDeadline(time.Unix(1, 0))
	})
	return func() {
		if !stop() {
			<-cut // so that it cannot cut what comes next
		}
	}
}

// open connects, protects the connection and signs in.
func (c *Channel) open(ctx context.Context) (*session, error) {
	password := ""
	if c.config.Username != "" {
		var err error
		if password, err = channels.ReadSecret("password_file", c.config.PasswordFile); err != nil {
			return nil, err
		}
	}
	secure, err := c.config.tlsConfig(c.config.SMTP)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, dialTime)
	defer cancel()
	raw, err := c.dial(ctx, "tcp", c.config.SMTP)
	if err != nil {
		return nil, c.broke(ctx, "connect", err)
	}
	s := &session{conn: &meter{Conn: raw, left: maxAnswer}}
	defer s.within(ctx, dialTime)()
	if err := c.greet(ctx, s, secure, password); err != nil {
		_ = raw.Close()
		return nil, err
	}
	return s, nil
}

// greet is everything before the first mail.
func (c *Channel) greet(ctx context.Context, s *session, secure *tls.Config, password string) error {
	host, _, _ := net.SplitHostPort(c.config.SMTP)
	var conn net.Conn = s.conn
	if c.config.policy() == tlsImplicit {
		safe := tls.Client(s.conn, secure)
		if err := safe.HandshakeContext(ctx); err != nil {
			return c.broke(ctx, "protect the connection", err)
		}
		conn = safe
	}
	var err error
	if s.client, err = smtp.NewClient(conn, host); err != nil {
		return c.judge(ctx, atGreeting, err)
	}
	if err := s.client.Hello(c.config.Hello); err != nil {
		return c.judge(ctx, atGreeting, err)
	}
	if c.config.policy() == tlsStart {
		if offered, _ := s.client.Extension("STARTTLS"); !offered {
			return fmt.Errorf("%s: it offers no STARTTLS, and nothing goes to it in the clear", server)
		}
		s.conn.left += maxAnswer
		if err := s.client.StartTLS(secure); err != nil {
			return c.judge(ctx, atGreeting, err)
		}
	}
	if c.config.Username == "" {
		return nil
	}
	how, err := c.signIn(s.client, host, password)
	if err != nil {
		return err
	}
	if err := s.client.Auth(how); err != nil {
		return c.judge(ctx, atAuth, err, password)
	}
	return nil
}

// signIn chooses among what the server offers.
func (c *Channel) signIn(client *smtp.Client, host, password string) (smtp.Auth, error) {
	_, offered := client.Extension("AUTH")
	methods := strings.Fields(strings.ToUpper(offered))
	user := c.config.Username
	for _, m := range []struct {
		name string
		auth smtp.Auth
	}{
		{"PLAIN", smtp.PlainAuth("", user, password, host, false)},
		{"LOGIN", smtp.LoginAuth(user, password, host, false)},
		{"SCRAM-SHA-256", smtp.ScramSHA256Auth(user, password)},
		{"CRAM-MD5", smtp.CRAMMD5Auth(user, password)},
	} {
		if slices.Contains(methods, m.name) {
			return m.auth, nil
		}
	}
	return nil, channels.Unauthorized(fmt.Errorf("%s: it offers no way to sign in that we know", server))
}

// quit ends the session politely, or at least ends it.
func (s *session) quit() {
	if s.rest != nil {
		s.rest.Stop()
	}
	defer s.within(context.Background(), quitTime)()
	if s.client.Quit() != nil {
		_ = s.conn.Close()
	}
}

// pool keeps the sessions that rest.
type pool struct {
	slots  chan struct{} // one for each session that may exist in use
	mu     sync.Mutex
	idle   []*session
	closed bool
}

// take gives a session that rests, or nil.
func (p *pool) take() *session {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.idle) == 0 {
		return nil
	}
	s := p.idle[len(p.idle)-1]
	p.idle = p.idle[:len(p.idle)-1]
	s.rest.Stop()
	return s
}

// give puts a session to rest, or ends it.
func (p *pool) give(s *session) {
	if s.mails >= mailsEach {
		s.quit()
		return
	}
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		s.quit()
		return
	}
	defer p.mu.Unlock()
	s.rest = time.AfterFunc(restTime, func() { p.retire(s) })
	p.idle = append(p.idle, s)
}

// retire ends a session that still rests.
func (p *pool) retire(s *session) {
	p.mu.Lock()
	for i, one := range p.idle {
		if one == s {
			p.idle = append(p.idle[:i], p.idle[i+1:]...)
			p.mu.Unlock()
			s.quit()
			return
		}
	}
	p.mu.Unlock()
}

func (p *pool) close() {
	p.mu.Lock()
	idle := p.idle
	p.idle, p.closed = nil, true
	p.mu.Unlock()
	for _, s := range idle {
		s.quit()
	}
}
