package email

import (
	"context"
	"crypto"
	"net"
	"net/mail"
	"strings"
	"sync/atomic"
	"time"

	"github.com/emersion/go-msgauth/dkim"
	"go.uber.org/zap"

	"martinella/channels"
)

// Channel sends mail through one account. Its methods may be called at once.
// It connects when it is first used and keeps connections for a while; Close it
// when it is no longer needed.
type Channel struct {
	name     string
	config   Config
	settings channels.Settings
	log      *zap.Logger

	from     *mail.Address
	domain   string // of Message-IDs
	seal     *seal  // nil without a key file
	oneClick string // the address of one-click unsubscribes, "" without
	dkim     *dkim.SignOptions
	dial     func(ctx context.Context, network, addr string) (net.Conn, error)

	drawings drawings

	pool    pool
	refused atomic.Bool // the server refused the account or the sender
	skipped skipped
	poll    time.Duration // how often the mailbox is looked into
}

var (
	_ channels.Channel   = (*Channel)(nil)
	_ channels.Addressed = (*Channel)(nil)
	_ channels.Limiter   = (*Channel)(nil)
	_ channels.Checker   = (*Channel)(nil)
	_ channels.Inbound   = (*Channel)(nil)
	_ channels.Confirmer = (*Channel)(nil)
	_ channels.Listener  = (*Channel)(nil)
	_ channels.Answerer  = (*Channel)(nil)
	_ channels.Pager     = (*Channel)(nil)
)

// New checks the configuration and prepares the channel; it opens no
// connection. Its error joins every mistake as an [alerts.Problem].
func New(name string, config Config, settings channels.Settings, log *zap.Logger) (*Channel, error) {
	if err := config.problems(name).Err(); err != nil {
		return nil, err
	}
	if config.Connections == 0 {
		config.Connections = defaultConnections
	}
	if log == nil {
		log = zap.NewNop()
	}
	from, err := parseFrom(config.From)
	if err != nil {
		return nil, err
	}
	own, err := routeOf(from.Address)
	if err != nil {
		return nil, err
	}
	c := &Channel{name: name, config: config, settings: settings, log: log.With(zap.String("channel", name)),
		from: &mail.Address{Name: oneLine(from.Name), Address: own.address}, domain: domainOf(own.address)}
	if c.from.Name == "" {
		c.from.Name = oneLine(settings.Authority)
	}
	if c.config.Hello == "" {
		c.config.Hello = c.domain
	}
	c.dial, c.pool.slots, c.poll = new(net.Dialer).DialContext, make(chan struct{}, config.Connections), pollEvery
	if config.KeyFile != "" {
		secrets, err := readKeys(config.KeyFile)
		if err != nil {
			return nil, err
		}
		if c.seal, err = newSeal(name, secrets); err != nil {
			return nil, err
		}
		if strings.HasPrefix(settings.PublicURL, "https://") {
			c.oneClick = strings.TrimRight(settings.PublicURL, "/") + "/hooks/" + name
		}
	}
	if config.DKIMKeyFile != "" {
		signer, err := readSigner(config.DKIMKeyFile)
		if err != nil {
			return nil, err
		}
		c.dkim = &dkim.SignOptions{Domain: config.DKIMDomain, Selector: config.DKIMSelector, Signer: signer, Hash: crypto.SHA256,
			HeaderCanonicalization: dkim.CanonicalizationRelaxed, BodyCanonicalization: dkim.CanonicalizationRelaxed, HeaderKeys: signedHeaders}
		if c.dkim.Domain == "" {
			c.dkim.Domain = c.domain
		}
	}
	return c, nil
}

// Name is the configured name.
func (c *Channel) Name() string { return c.name }

// AddressKind is "email".
func (c *Channel) AddressKind() string { return "email" }

// Limit is the number of connections. A provider's quotas belong into the
// channel's limits.
func (c *Channel) Limit() channels.Limit {
	return channels.Limit{Window: c.config.Connections}
}

// Close ends the connections that rest, politely. What is sent afterwards opens
// its own and ends it.
func (c *Channel) Close() error {
	c.pool.close()
	return nil
}
