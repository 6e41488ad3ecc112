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

// Channel sends SMS under one contract with an SMSC. It binds when it is first
// used, or by [Channel.Listen], and binds again after a loss. Its methods may be called at
// once. Close it when it is no longer needed.
type Channel struct {
	name     string
	config   Config
	settings channels.Settings
	log      *zap.Logger
	text     sms.Text
	source   address
	answerTo address

	connect    func(ctx context.Context, addr string) (net.Conn, error)
	binds      *binds
	joiner     joiner
	brought    brought
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
	_ channels.Answerer  = (*Channel)(nil)
	_ channels.Weigher   = (*Channel)(nil)
	_ channels.Estimator = (*Channel)(nil)
	_ channels.Pager     = (*Channel)(nil)
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
	if c.Binds == 0 {
		c.Binds = 1
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
	ch.connect, ch.binds = ch.dial, ch.newBinds()
	return ch, nil
}

// Name is the configured name.
func (c *Channel) Name() string { return c.name }

// AddressKind is "phone": numbers in E.164.
func (c *Channel) AddressKind() string { return "phone" }

// Limit is the contract's pace, which counts parts: see [Channel.Weigh].
func (c *Channel) Limit() channels.Limit {
	l := channels.Limit{PerSecond: c.config.Rate, Window: c.config.Window * c.config.Binds}
	if c.config.Rate > 0 {
		l.Burst = max(1, int(c.config.Rate/5))
	}
	return l
}

// Weigh is how many parts a message makes, its flash copy included.
func (c *Channel) Weigh(m channels.Message) int {
	_, segments := channels.Segments(m.Text)
	if c.flashes(m) {
		return 2 * len(segments)
	}
	return len(segments)
}

// Check binds, or uses the binds that are there, and waits for the answer to
// an enquire_link. It fails when no bind can send, or none can hear. Nothing is
// sent to anybody.
func (c *Channel) Check(ctx context.Context) error {
	if err := c.binds.check(ctx); err != nil {
		return wrap(err, "check the SMSC")
	}
	return nil
}

// Close unbinds, after the answers in flight or five seconds, and ends every
// goroutine. What is sent afterwards is refused with a plain error.
func (c *Channel) Close() error {
	c.binds.close(context.Background())
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

func (c *Channel) dial(ctx context.Context, addr string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTime)
	defer cancel()
	secure, err := c.config.tlsConfig(addr)
	if err != nil {
		return nil, err
	}
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
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
