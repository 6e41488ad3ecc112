package mqtt

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/eclipse/paho.golang/packets"
	"github.com/eclipse/paho.golang/paho"
	pahosession "github.com/eclipse/paho.golang/paho/session"

	"martinella/channels"
)

// times bound how long a broker may take.
type times struct {
	dial      time.Duration // to connect, with TLS and CONNACK
	answer    time.Duration // to acknowledge; a broker that is slower has lost it as far as we can know
	write     time.Duration // to take what we write
	keepAlive time.Duration // a connection that is silent for twice as long is dead
	farewell  time.Duration // for answers in flight, before we leave
	echo      time.Duration // to send back what we placed ourselves
	settle    time.Duration // for what was retained to arrive behind that echo
}

var usualTimes = times{
	dial: 10 * time.Second, answer: 10 * time.Second, write: 10 * time.Second, keepAlive: 15 * time.Second, farewell: 5 * time.Second,
	echo: 3 * time.Second, settle: 250 * time.Millisecond,
}

const (
	// inFlight is how many publications wait for their answer at once, at most
	// as many as the broker takes; mosquitto's own default is 20.
	inFlight = 16
	// inboundMost and inboundSize bound what a broker may send at once.
	inboundMost uint16 = 64
	inboundSize uint32 = 256 << 10
)

// caller is how one connection introduces itself.
type caller struct {
	id       string
	expiry   time.Duration // 0: the broker forgets us with the connection
	manual   bool          // what arrives is acknowledged by the receiver
	received func(*paho.Client, *paho.Publish)
}

// session is one connection to the broker. Its methods may be called at once.
type session struct {
	client *paho.Client
	slots  chan struct{} // publications in flight
	times  times

	told chan struct{} // closed once it is known why it ended
	once sync.Once
	why  error
}

// errLost is the error of what never left, because the connection was gone.
var errLost = errors.New("the connection to the broker was lost before")

var errBroken = errors.New("the connection to the broker broke")

// dial connects to the broker and introduces the caller. The error is a verdict:
// nothing was sent.
func (c *Channel) dial(ctx context.Context, who caller) (*session, error) {
	ctx, cancel := context.WithTimeout(ctx, c.times.dial)
	defer cancel()
	password, err := c.config.password()
	if err != nil {
		return nil, err
	}
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", c.parsed.address)
	if err != nil {
		return nil, fmt.Errorf("connect to the broker: %w", err)
	}
	conn = &patient{Conn: conn, write: c.times.write}
	if c.parsed.secure {
		secure, err := c.config.tls(c.parsed.host)
		if err != nil {
			conn.Close()
			return nil, err
		}
		safe := tls.Client(conn, secure)
		if err := safe.HandshakeContext(ctx); err != nil {
			conn.Close()
			return nil, fmt.Errorf("connect to the broker: tls: %w", err)
		}
		conn = safe
	}
	s := &session{times: c.times, told: make(chan struct{})}
	ping := paho.NewDefaultPinger()
	ping.PacketSent() // the CONNECT is proof enough for a start
	ping.PacketReceived()
	s.client = paho.NewClient(paho.ClientConfig{
		Conn: packets.NewThreadSafeConn(conn), PacketTimeout: c.times.answer, PingHandler: ping, EnableManualAcknowledgment: who.manual,
		OnClientError: s.ended,
		OnServerDisconnect: func(d *paho.Disconnect) {
			words := ""
			if d.Properties != nil {
				words = d.Properties.ReasonString
			}
			if err := reason(d.ReasonCode).verdict("the broker, on disconnecting,", words); err != nil {
				s.ended(err)
			} else {
				s.ended(errors.New("the broker disconnected"))
			}
		},
		OnPublishReceived: []func(paho.PublishReceived) (bool, error){func(p paho.PublishReceived) (bool, error) {
			who.received(p.Client, p.Packet)
			return true, nil
		}},
	})
	most, size, expiry := inboundMost, inboundSize, uint32(who.expiry/time.Second)
	hello := &paho.Connect{
		ClientID: who.id, KeepAlive: uint16(max(1, c.times.keepAlive/time.Second)), CleanStart: who.expiry == 0,
		Username: c.config.Username, UsernameFlag: c.config.Username != "", Password: []byte(password), PasswordFlag: password != "",
		Properties: &paho.ConnectProperties{SessionExpiryInterval: &expiry, ReceiveMaximum: &most, MaximumPacketSize: &size, RequestProblemInfo: true},
	}
	answer, err := s.client.Connect(ctx, hello)
	if answer != nil && answer.ReasonCode >= 128 {
		words := ""
		if answer.Properties != nil {
			words = answer.Properties.ReasonString
		}
		if password != "" {
			words = strings.ReplaceAll(words, password, "***")
		}
		return nil, reason(answer.ReasonCode).verdict("the broker, on connecting,", words)
	}
	if err != nil {
		return nil, fmt.Errorf("the broker does not answer the CONNECT: %w", err)
	}
	slots := inFlight
	if answer.Properties != nil && answer.Properties.ReceiveMaximum != nil {
		slots = max(1, min(slots, int(*answer.Properties.ReceiveMaximum)))
	}
	s.slots = make(chan struct{}, slots)
	return s, nil
}

// publish says one thing and waits for the broker's word. The error is a
// verdict: plain where it surely did not leave, Uncertain where it may have.
func (s *session) publish(ctx context.Context, p *paho.Publish) (reason, error) {
	select {
	case s.slots <- struct{}{}:
		defer func() { <-s.slots }()
	case <-s.client.Done():
		return 0, errLost
	case <-ctx.Done():
	}
	if ctx.Err() != nil {
		return 0, fmt.Errorf("wait for the broker: %w", context.Cause(ctx))
	}
	ctx, stop := s.within(ctx)
	defer stop()
	answer, err := s.client.Publish(ctx, p)
	switch {
	case answer != nil:
		words := ""
		if answer.Properties != nil {
			words = answer.Properties.ReasonString
		}
		code := reason(answer.ReasonCode)
		return code, code.verdict("the broker", words)
	case errors.Is(err, pahosession.ErrNoConnection):
		return 0, errLost
	case errors.Is(err, paho.ErrInvalidArguments): // the broker's CONNACK excludes it
		return 0, channels.Permanent(err)
	case errors.Is(err, context.DeadlineExceeded):
		// Whoever is this late is perhaps not there any more.
		s.drop(fmt.Errorf("the broker did not acknowledge: %w", err))
	case !s.alive():
		err = errBroken
	}
	return 0, channels.Uncertain(fmt.Errorf("the broker's acknowledgement was lost: %w", err))
}

// within ends ctx with the connection. The library goes on waiting for an answer
// that a lost connection cannot bring, until its own time is over (paho v0.23.0:
// State.clean forgets who waits).
func (s *session) within(ctx context.Context) (limited context.Context, stop func()) {
	limited, cancel := context.WithCancel(ctx)
	over := make(chan struct{})
	go func() {
		select {
		case <-s.client.Done():
			cancel()
		case <-over:
		}
	}()
	return limited, func() {
		close(over)
		cancel()
	}
}

// prove waits for an answer to a request that changes nothing.
func (s *session) prove(ctx context.Context, filter string) error {
	limited, stop := s.within(ctx)
	defer stop()
	answer, err := s.client.Unsubscribe(limited, &paho.Unsubscribe{Topics: []string{filter}})
	if answer != nil { // whatever it says, it is an answer
		return nil
	}
	if !s.alive() {
		err = errBroken
	}
	s.drop(err)
	return fmt.Errorf("the broker does not answer: %w", err)
}

// ended notes, once, why the connection ended.
func (s *session) ended(why error) {
	if errors.Is(why, net.ErrClosed) {
		return // it follows from the end
	}
	s.once.Do(func() {
		s.why = why
		close(s.told)
	})
}

// reason is why it ended. Who ended it says so right after the end, or never:
// that is how long to wait.
func (s *session) reason(wait time.Duration) error {
	limit := time.NewTimer(wait)
	defer limit.Stop()
	select {
	case <-s.told:
		return s.why
	default:
	}
	select {
	case <-s.told:
		return s.why
	case <-limit.C:
		return errBroken
	}
}

func (s *session) alive() bool {
	select {
	case <-s.client.Done():
		return false
	default:
		return true
	}
}

// drop ends a connection that is of no use.
func (s *session) drop(why error) {
	s.ended(why)
	s.client.Disconnect(&paho.Disconnect{ReasonCode: byte(success)}) //nolint:errcheck // it may be gone already
}

// leave says goodbye after the answers in flight.
func (s *session) leave() {
	limit := time.NewTimer(s.times.farewell)
	defer limit.Stop()
drained:
	for range cap(s.slots) {
		select {
		case s.slots <- struct{}{}:
		case <-s.client.Done():
			break drained
		case <-limit.C:
			break drained
		}
	}
	s.drop(errLeft)
}

var errLeft = errors.New("we disconnected")

// patient is a connection that does not wait for ever for a peer that takes
// nothing; what is written in part spoils all that follows, so it is closed.
type patient struct {
	net.Conn
	write time.Duration
}

func (p *patient) Write(b []byte) (int, error) {
	if err := p.SetWriteDeadline(time.Now().Add(p.write)); err != nil {
		return 0, err
	}
	n, err := p.Conn.Write(b)
	if err != nil {
		p.Conn.Close()
	}
	return n, err
}
