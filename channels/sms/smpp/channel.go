package smpp

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"martinella/channels"
	"martinella/channels/sms"
)

// Channel sends SMS through one SMSC. It binds when it is first used, or by
// [Channel.Listen], and binds again after a loss. Its methods may be called at
// once. Close it when it is no longer needed.
type Channel struct {
	name     string
	config   Config
	settings channels.Settings
	log      *zap.Logger
	text     sms.Text
	source   address
	answerTo address

	connect    func(context.Context) (net.Conn, error)
	link       *link
	pace       *pace
	unfinished unfinished
	spelling   spelling
	validity   atomic.Int32
	listening  atomic.Pointer[listening]
}

var (
	_ channels.Channel   = (*Channel)(nil)
	_ channels.Addressed = (*Channel)(nil)
	_ channels.Limiter   = (*Channel)(nil)
	_ channels.Checker   = (*Channel)(nil)
	_ channels.Listener  = (*Channel)(nil)
	_ channels.Measurer  = (*Channel)(nil)
)

// New checks the configuration and prepares the channel; it opens no
// connection. Its error joins every mistake as an [alerts.Problem].
func New(name string, c Config, settings channels.Settings, log *zap.Logger) (*Channel, error) {
	if err := c.problems(name).Err(); err != nil {
		return nil, err
	}
	if c.Window == 0 {
		c.Window = defaultWindow
	}
	if log == nil {
		log = zap.NewNop()
	}
	ch := &Channel{
		name: name, config: c, settings: settings, log: log.With(zap.String("channel", name)),
		text: c.Text(c.Rate), source: c.sourceAddress(), pace: newPace(c.Rate),
	}
	ch.answerTo = ch.source
	if c.ReplyNumber != "" {
		ch.answerTo = senderAddress(c.ReplyNumber)
	}
	if c.Validity == "relative" {
		ch.validity.Store(validityRelative)
	}
	ch.connect, ch.link = ch.dial, newLink(ch.open, ch.log)
	return ch, nil
}

// Name is the configured name.
func (c *Channel) Name() string { return c.name }

// AddressKind is "phone": numbers in E.164.
func (c *Channel) AddressKind() string { return "phone" }

// Limit is the contract's pace. The rate counts parts: a long text takes as
// many, so the channel also paces itself.
func (c *Channel) Limit() channels.Limit {
	l := channels.Limit{PerSecond: c.config.Rate, Window: c.config.Window}
	if c.config.Rate > 0 {
		l.Burst = max(1, int(c.config.Rate/5))
	}
	return l
}

// Check binds, or uses the bind that is there, and waits for an enquire_link.
// Nothing is sent to anybody.
func (c *Channel) Check(ctx context.Context) error {
	s, err := c.link.session(ctx, true)
	if err != nil {
		return wrap(err, "check the SMSC")
	}
	r, err := s.probe(enquireLink)
	if err == nil {
		_, err = s.await(ctx, r)
	}
	if err != nil {
		return fmt.Errorf("check the SMSC: %w", err)
	}
	return nil
}

// Close unbinds, after the answers in flight or five seconds, and ends every
// goroutine. What is sent afterwards is refused with a plain error.
func (c *Channel) Close() error {
	c.link.close(context.Background())
	return nil
}

const (
	dialTime = 10 * time.Second
	// The times of a session. An SMSC that is slower to answer than
	// answerTime has lost the request as far as we can know.
	bindTime     = 10 * time.Second
	answerTime   = 15 * time.Second
	writeTime    = 10 * time.Second
	enquireTime  = 30 * time.Second
	farewellTime = 5 * time.Second
)

// open dials and binds.
func (c *Channel) open(ctx context.Context) (*session, error) {
	password, err := readPassword(c.config.PasswordFile)
	if err != nil {
		return nil, err
	}
	conn, err := c.connect(ctx)
	if err != nil {
		return nil, err
	}
	c.spelling.forget()
	return bind(ctx, conn, bindRequest{
		systemID: c.config.SystemID, password: password, systemType: c.config.SystemType, version: version34,
	}, limits{
		window: c.config.Window, bind: bindTime, answer: answerTime, write: writeTime, enquire: enquireTime, farewell: farewellTime,
	}, c.receive, c.log)
}

func (c *Channel) dial(ctx context.Context) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTime)
	defer cancel()
	secure, err := c.config.tlsConfig()
	if err != nil {
		return nil, err
	}
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", c.config.Addr)
	if err != nil || secure == nil {
		return conn, err
	}
	safe := tls.Client(conn, secure)
	if err := safe.HandshakeContext(ctx); err != nil {
		conn.Close()
		return nil, fmt.Errorf("tls: %w", err)
	}
	return safe, nil
}

// wrap adds words to an error and keeps its verdict.
func wrap(err error, what string) error {
	worded := fmt.Errorf("%s: %w", what, err)
	switch v, after := channels.VerdictOf(err); v {
	case channels.VerdictPermanent:
		return channels.Permanent(worded)
	case channels.VerdictUnauthorized:
		return channels.Unauthorized(worded)
	case channels.VerdictUncertain:
		return channels.Uncertain(worded)
	default:
		if after > 0 {
			return channels.RetryAfter(worded, after)
		}
		return worded
	}
}

var errListening = errors.New("somebody listens already")
