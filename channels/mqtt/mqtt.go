package mqtt

import (
	"context"
	"crypto/rand"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"martinella/alerts"
	"martinella/channels"
)

// Channel publishes to one broker. It connects when it is first used, or by
// [Channel.Listen], and again after a loss. Its methods may be called from many
// goroutines. Close it when it is no longer needed.
type Channel struct {
	name     string
	config   Config
	parsed   parsed
	settings channels.Settings
	log      *zap.Logger
	times    times
	now      func() time.Time

	clientID  string
	sender    *link
	acks      *link
	placed    placed
	cleaning  chan struct{} // holds a token while one message looks for what is retained
	watch     atomic.Pointer[watch]
	listening atomic.Pointer[listening]
	heard     heard
}

var (
	_ channels.Channel   = (*Channel)(nil)
	_ channels.AreaBound = (*Channel)(nil)
	_ channels.Finder    = (*Channel)(nil)
	_ channels.Checker   = (*Channel)(nil)
	_ channels.Listener  = (*Channel)(nil)
	_ channels.Limiter   = (*Channel)(nil)
	_ channels.Machine   = (*Channel)(nil)
)

// New makes a channel; it opens no connection. The error names every mistake of
// the configuration.
func New(name string, c Config, s channels.Settings, log *zap.Logger) (*Channel, error) {
	p, err := c.check(name)
	if err != nil {
		return nil, err
	}
	if log == nil {
		log = zap.NewNop()
	}
	ch := &Channel{
		name: name, config: c, parsed: p, settings: s, log: log.With(zap.String("channel", name)), times: usualTimes, now: time.Now,
		clientID: c.ClientID, cleaning: make(chan struct{}, 1),
	}
	if ch.clientID == "" {
		// 23 letters and figures are what every broker must take (MQTT 5, section 3.1.3.1).
		ch.clientID = "martinella" + strings.ToLower(rand.Text()[:13])
	}
	ch.sender = newLink(ch.openSender, ch.log)
	ch.acks = newLink(ch.openAcks, ch.log.With(zap.String("for", "acknowledgements")))
	return ch, nil
}

// Name is the configured name.
func (c *Channel) Name() string { return c.name }

// Machine is true: sirens and boards read it.
func (c *Channel) Machine() bool { return true }

// Limit is the configured pace.
func (c *Channel) Limit() channels.Limit {
	return channels.Limit{PerSecond: c.config.PerSecond, Burst: max(1, int(c.config.PerSecond)), Window: 4}
}

// Find answers at once that m may be sent again: a device knows a double by
// event and revision and drops it.
func (c *Channel) Find(context.Context, channels.Message) (channels.Receipt, bool, error) {
	return channels.Receipt{}, false, nil
}

// Check connects, or uses the connection that is there, and waits for an answer
// to a request that changes nothing. MQTT has no way to ask for the right to
// publish without publishing: an exercise proves it.
func (c *Channel) Check(ctx context.Context) error {
	s, err := c.sender.session(ctx, true)
	if err != nil {
		return worded(err, "check the broker")
	}
	if err := s.prove(ctx, c.config.AckTopic+"/martinella"); err != nil {
		return worded(err, "check the broker")
	}
	return nil
}

// Close disconnects, after the answers in flight or five seconds, and ends
// every goroutine. What is sent afterwards is refused with a plain error.
func (c *Channel) Close() error {
	var wg sync.WaitGroup
	wg.Go(c.sender.close)
	wg.Go(c.acks.close)
	wg.Wait()
	return nil
}

// openSender connects for publishing. The broker forgets this connection when it
// ends: nothing that we gave up may be said later by itself.
func (c *Channel) openSender(ctx context.Context) (*session, error) {
	return c.dial(ctx, caller{id: c.clientID, received: c.retained})
}

// place is one area of an alert with its topics' levels.
type place struct {
	value  alerts.Value
	levels string
}

// areas are those of the codes that have topics, each once: all, or the
// configured ones.
func (c *Channel) areas(codes []alerts.Value) []place {
	var out []place
	known := make(map[string]bool, len(codes))
	for _, v := range codes {
		levels, ok := areaLevels(v)
		plain := alerts.Value{Name: strings.ToLower(v.Name), Value: v.Value}
		if !ok || known[levels] || c.parsed.areas != nil && !c.parsed.areas[plain] {
			continue
		}
		known[levels] = true
		out = append(out, place{v, levels})
	}
	return out
}

// Covers gives the codes whose topics m goes to.
func (c *Channel) Covers(m channels.Message) []alerts.Value {
	var out []alerts.Value
	for _, p := range c.areas(m.Areas) {
		out = append(out, p.value)
	}
	return out
}

// tree is where m goes: an exercise never to the prefix of real alerts.
func (c *Channel) tree(m channels.Message) tree {
	if m.Exercise {
		return c.parsed.exercise
	}
	return c.parsed.real
}

// worded adds words to an error and keeps its verdict.
func worded(err error, what string) error {
	text := fmt.Errorf("%s: %w", what, err)
	switch v, after := channels.VerdictOf(err); v {
	case channels.VerdictPermanent:
		return channels.Permanent(text)
	case channels.VerdictUnauthorized:
		return channels.Unauthorized(text)
	case channels.VerdictUncertain:
		return channels.Uncertain(text)
	default:
		if after > 0 {
			return channels.RetryAfter(text, after)
		}
		return text
	}
}
