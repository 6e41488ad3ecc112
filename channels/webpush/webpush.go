package webpush

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"sync"
	"time"

	webpush "github.com/SherClockHolmes/webpush-go"
	"go.uber.org/zap"

	"martinella/alerts"
	"martinella/channels"
)

const platform = "webpush"

// sendTime bounds one POST: push services answer within a second, and a
// stranger's server keeps nobody else waiting for long.
const sendTime = 10 * time.Second

// Channel reaches subscribed browsers one by one. It may be used from many
// goroutines. Close it when it is no longer needed.
type Channel struct {
	name     string
	config   Config
	settings channels.Settings
	key      Key
	call     *channels.Caller
	doubts   *doubts
	probes   []string // what the check looks at
	log      *zap.Logger
}

var (
	_ channels.Channel   = (*Channel)(nil)
	_ channels.Addressed = (*Channel)(nil)
	_ channels.Finder    = (*Channel)(nil)
	_ channels.Checker   = (*Channel)(nil)
	_ channels.Limiter   = (*Channel)(nil)
	_ channels.Measurer  = (*Channel)(nil)
	_ channels.Pager     = (*Channel)(nil)
)

// New makes a channel; it opens no connection. The error names every mistake of
// the configuration.
func New(name string, c Config, s channels.Settings, log *zap.Logger) (*Channel, error) {
	key, err := c.check(name)
	if err != nil {
		return nil, err
	}
	call := channels.NewCaller(platform, key.private)
	call.Timeout = sendTime
	call.Client.Transport = transport(c.AllowPrivate)
	ch := &Channel{name: name, config: c, settings: s, key: key, call: call, doubts: newDoubts(), log: log}
	if !c.AllowPrivate {
		ch.probes = []string{"https://fcm.googleapis.com/", "https://updates.push.services.mozilla.com/", "https://web.push.apple.com/"}
	}
	return ch, nil
}

// Name is the configured name.
func (c *Channel) Name() string { return c.name }

// AddressKind is "push": see [channels.PushAddress].
func (c *Channel) AddressKind() string { return "push" }

// PublicKey is what a page subscribes with: applicationServerKey.
func (c *Channel) PublicKey() string { return c.key.public }

// Limit is the configured pace.
func (c *Channel) Limit() channels.Limit {
	return channels.Limit{PerSecond: c.config.PerSecond, Burst: max(1, int(c.config.PerSecond/5)), Window: 150}
}

// Notes are worth saying when a configuration is checked, and no mistakes.
func (c *Channel) Notes() []string {
	if c.config.AllowPrivate {
		return []string{"allow_private lets anybody who subscribes make this machine call addresses of its own networks: take it out before strangers can subscribe"}
	}
	return nil
}

// Find answers at once that m may be sent again: the second one replaces the
// first by its topic while it waits, and by its tag once it is shown.
func (c *Channel) Find(context.Context, channels.Message) (channels.Receipt, bool, error) {
	return channels.Receipt{}, false, nil
}

// Send encrypts m for one browser and posts it to its push service. 201 and
// other 2xx: accepted. 404, 410: [channels.Gone]. 400, 401, 403: the signature
// was refused: see doubts. 413 and other 4xx permanent; 429, 503 and 5xx with a
// Retry-After retry; other 5xx and lost answers uncertain, safe to repeat. What
// a push service answers that is not known is [channels.Apart].
func (c *Channel) Send(ctx context.Context, m channels.Message) (channels.Receipt, error) {
	to, err := channels.ParsePushAddress(m.To)
	if err != nil {
		return channels.Receipt{}, channels.Permanent(fmt.Errorf("webpush: the contact: %w", err))
	}
	now := time.Now()
	t, err := newAttempt(c, to)
	if err != nil {
		return channels.Receipt{}, channels.Permanent(err)
	}
	payload := slices.Clip(m.Payload) // the library writes behind its end, where others may read
	res, err := webpush.SendNotificationWithContext(ctx, payload, &webpush.Subscription{Endpoint: to.Endpoint, Keys: webpush.Keys{
		Auth: base64.RawURLEncoding.EncodeToString(to.Auth), P256dh: base64.RawURLEncoding.EncodeToString(to.P256DH),
	}}, &webpush.Options{
		HTTPClient: t, Subscriber: c.config.Contact, Topic: topic(m.Event), TTL: int(ttl(m, now) / time.Second), Urgency: urgency(m),
		VAPIDPublicKey: c.key.public, VAPIDPrivateKey: c.key.private,
	})
	if err != nil && t.err == nil { // before anything was sent
		return channels.Receipt{}, channels.Permanent(errors.New("webpush: the message cannot be encrypted for this browser"))
	}
	if res != nil {
		_ = res.Body.Close() // it is empty: the answer was read
	}
	return channels.Receipt{}, t.verdict(now)
}

// longestTTL is what the push services keep a message for: four weeks (FCM,
// "Set the lifespan of a message").
const longestTTL = 28 * 24 * time.Hour

// closingTTL is for what never expires: a Cancel or an all-clear must find the
// phone that was off, and replaces the alert that waits for it.
const closingTTL = 72 * time.Hour

// ttl is how long the push service keeps the message for a browser that is
// away: never past the alert's end.
func ttl(m channels.Message, now time.Time) time.Duration {
	if m.Expires.IsZero() {
		return closingTTL
	}
	return min(max(m.Expires.Sub(now), time.Second), longestTTL)
}

// urgency says what a phone with an empty battery is woken for (RFC 8030,
// section 5.3).
func urgency(m channels.Message) webpush.Urgency {
	switch {
	case m.Audience == channels.AudienceVolunteers: // who is asked to come is woken, and told not to
		return webpush.UrgencyHigh
	case m.Severity.Rank() >= alerts.SeveritySevere.Rank(), m.Change == alerts.ChangeCancelled, m.Change == alerts.ChangeEnded:
		return webpush.UrgencyHigh
	case m.Severity == alerts.SeverityMinor:
		return webpush.UrgencyLow
	}
	return webpush.UrgencyNormal
}

// topicForm is what RFC 8030, section 5.4 allows.
var topicForm = regexp.MustCompile(`^[A-Za-z0-9_-]{1,32}$`)

// topic is the event, so that every revision replaces the one before.
func topic(event alerts.ID) string {
	if topicForm.MatchString(string(event)) {
		return string(event)
	}
	sum := sha256.Sum256([]byte(event))
	return base64.RawURLEncoding.EncodeToString(sum[:24]) // 32 characters
}

// Check looks whether push services can be reached, and whether one refused
// our signature just now. What only a message would tell, whether they take it,
// it cannot know.
func (c *Channel) Check(ctx context.Context) error {
	if c.doubts.blamed(time.Now()) {
		return channels.Unauthorized(errors.New("webpush: the push services refuse the VAPID key or the contact: is it the key that the browsers subscribed with?"))
	}
	errs := make([]error, len(c.probes))
	var wait sync.WaitGroup
	for i, address := range c.probes {
		wait.Go(func() { _, errs[i] = c.call.Do(ctx, http.MethodHead, address, nil, nil) })
	}
	wait.Wait()
	for _, err := range errs {
		if err == nil {
			return nil // one that is away is its own matter
		}
	}
	if len(errs) == 0 {
		return nil
	}
	return fmt.Errorf("no push service can be reached; is port 443 open to the outside, without a proxy? %w", errs[0])
}

// Close lets go of the connections that nobody uses.
func (c *Channel) Close() error {
	c.call.Client.CloseIdleConnections()
	return nil
}
