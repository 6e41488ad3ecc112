package rdb

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
	"go.uber.org/zap"

	"martinella/broadcast"
)

// The three ways to a Redis that [Config.Redis] names; all else is a URL.
const (
	Embedded = "embedded" // a private redis-server, started and watched by this program
	Memory   = "memory"   // in this process, kept by nobody
)

// Config says which Redis, and how much it must promise. Its zero value but
// for Authority and DataDir is the embedded server.
type Config struct {
	Redis     string // embedded (also ""), memory, redis:// rediss:// unix:// sentinel:// or cluster:// URL
	Authority string // slug, [a-z0-9-]{2,32}: part of every key, fixed for ever
	DataDir   string // of the embedded server and of the key file; created when missing
	KeyFile   string // "" is DataDir/key

	AcceptWeak bool // a Redis without "always" is accepted by name
	Replicas   int  // how many replicas must acknowledge; 0: none is waited for
	// ReplicaTimeout is how long an answer waits for them; 0: 200 ms, at most
	// [MaxReplicaTimeout].
	ReplicaTimeout time.Duration
	MaxMemory      int64  // of the embedded server, bytes; 0: no limit
	Binary         string // of the embedded server; "": redis-server or valkey-server from PATH

	Program string // version of this program, for who looks at the nodes
	// Gateway: Open carries out those upgrades of the layout beside which nodes
	// of before can go on, and the node counts as one that runs. Tools leave both.
	Gateway bool

	Sentinel *Sentinel // asks where the master is; Redis is not looked at then

	Shared *Shared // for Memory: several nodes on one store; nil: its own

	// Dial replaces the way to the server of a URL, for tests that cut it.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// Redis is one node's connection, with everything that package broadcast and
// alerts ask of a store. Its methods may be called from many goroutines. Close
// it when [Redis.Run] has ended.
type Redis struct {
	cfg      Config
	log      *zap.Logger
	commands redis.UniversalClient // plain commands and scripts
	reader   redis.UniversalClient // blocking reads only: they must not starve the others
	keys     keys
	scripts  *scripts
	vault    *vault
	node     string
	shared   *Shared // of memory
	server   *server // of embedded

	epoch      atomic.Pointer[string]
	head       atomic.Pointer[string] // newest log entry that this node knows of
	replicas   replication
	lost       atomic.Int64 // entries deleted while pending
	unread     atomic.Int64 // times that a record could not be read
	liveness   liveness
	wishes     wishes // of people
	volunteers volunteerRoll

	rewriteRefused bool // of Run: the log was told that Redis does not rewrite

	durability struct {
		sync.Mutex
		at   time.Time
		last broadcast.Durability
	}
	opened sync.Map // channel: *Queue
}

// silence turns go-redis's own log off, once for all: it writes to standard
// error, a line for each failed dial. What matters of it is in our errors and
// in the lines of Run.
var silence sync.Once

type silent struct{}

func (silent) Printf(context.Context, string, ...any) {}

var slug = regexp.MustCompile(`^[a-z0-9-]{2,32}$`)

// Open connects, starts the embedded server where asked, and brings the
// stored format up to date. [ErrOtherKey] when the key file is not that of the
// store. It blocks until Redis answers or ctx ends; a
// server that this program starts gets a minute to load what it has.
func Open(ctx context.Context, cfg Config, log *zap.Logger) (*Redis, error) {
	if !slug.MatchString(cfg.Authority) {
		return nil, fmt.Errorf("open redis: the authority %q is not of the form [a-z0-9-]{2,32}", cfg.Authority)
	}
	if cfg.Redis == "" && cfg.Sentinel == nil {
		cfg.Redis = Embedded
	}
	if cfg.ReplicaTimeout <= 0 {
		cfg.ReplicaTimeout = replicaTimeout
	}
	cfg.ReplicaTimeout = min(cfg.ReplicaTimeout, MaxReplicaTimeout)
	silence.Do(func() { redis.SetLogger(silent{}) })
	texts, err := loadScripts()
	if err != nil {
		return nil, fmt.Errorf("open redis: %w", err)
	}
	r := &Redis{cfg: cfg, log: log, keys: newKeys(cfg.Authority), scripts: texts, node: newNode()}
	if err := r.open(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("open redis: %w", err), r.Close())
	}
	return r, nil
}

func (r *Redis) open(ctx context.Context) (err error) {
	// A missing key file is made only once the store is known to be new.
	if r.vault, err = openVault(r.cfg, r.cfg.Redis == Memory); err != nil && !errors.Is(err, errNoKey) {
		return err
	}
	opt := options()
	switch {
	case r.cfg.Sentinel != nil:
		r.cfg.Sentinel.fill(opt)
		if r.cfg.Dial != nil {
			opt.Dialer = r.cfg.Dial
		}
	case r.cfg.Redis == Memory:
		if r.shared = r.cfg.Shared; r.shared == nil {
			r.shared = NewShared()
		}
		opt.Addrs = []string{"memory"}
		opt.Dialer = r.shared.dial
		// It is never lost, only slow where the machine is.
		opt.ReadTimeout, opt.WriteTimeout, opt.PoolTimeout = memoryTimeout, memoryTimeout, memoryTimeout
	case r.cfg.Redis == Embedded:
		if r.server, err = startServer(ctx, r.cfg, r.log); err != nil {
			return err
		}
		opt.Addrs = []string{r.server.socket}
		opt.Dialer = func(ctx context.Context, _, socket string) (net.Conn, error) {
			d := net.Dialer{Timeout: opt.DialTimeout}
			return d.DialContext(ctx, "unix", socket)
		}
	default:
		if err := address(opt, r.cfg.Redis); err != nil {
			return err
		}
		if r.cfg.Dial != nil {
			opt.Dialer = r.cfg.Dial
		}
	}
	r.commands = redis.NewUniversalClient(opt)
	blocking := *opt
	blocking.PoolSize = 64 // readers + 2: two for each of the channels of an authority, and the tail
	r.reader = redis.NewUniversalClient(&blocking)

	if err := again(ctx, func(ctx context.Context) error { return r.commands.Ping(ctx).Err() }); err != nil {
		return fail("connect", err)
	}
	if half, err := r.commands.Exists(ctx, r.keys.restoring()).Result(); err != nil {
		return fail("connect", err)
	} else if half > 0 {
		return ErrRestoring
	}
	if err := r.migrate(ctx); err != nil {
		return err
	}
	if err := r.unlock(ctx); err != nil {
		return err
	}
	if err := r.renewEpoch(ctx); err != nil {
		return err
	}
	if err := r.gatherWaiting(ctx); err != nil {
		return err
	}
	return r.refreshLease(ctx)
}

// options are the settings that hold for every way: no silent repetition by
// the client (a bare XADD was stored three times so), deadlines of contexts
// obeyed, no probing for features of Redis Enterprise on each connection.
func options() *redis.UniversalOptions {
	return &redis.UniversalOptions{
		Protocol:                 2,
		MaxRetries:               -1,
		DialTimeout:              2 * time.Second,
		DialerRetries:            1,
		ReadTimeout:              2 * time.Second,
		WriteTimeout:             2 * time.Second,
		PoolTimeout:              3 * time.Second,
		PoolSize:                 32,
		PipelinePoolSize:         -1,
		ContextTimeoutEnabled:    true,
		DisableIdentity:          true,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	}
}

// address fills in where to connect. Errors never show the URL: it may hold a
// password.
func address(opt *redis.UniversalOptions, text string) error {
	u, err := url.Parse(text)
	if err != nil {
		return errors.New("the redis URL cannot be read; write redis://HOST:PORT, unix:///PATH, embedded or memory")
	}
	switch u.Scheme {
	case "redis", "rediss", "unix":
		one, err := redis.ParseURL(text)
		if err != nil {
			return errors.New("the redis URL is not of the form redis://USER:PASSWORD@HOST:PORT/DB or unix:///PATH")
		}
		opt.Addrs, opt.Username, opt.Password, opt.DB, opt.TLSConfig = []string{one.Addr}, one.Username, one.Password, one.DB, one.TLSConfig
		if one.Network == "unix" {
			opt.Dialer = func(ctx context.Context, _, path string) (net.Conn, error) {
				d := net.Dialer{Timeout: opt.DialTimeout}
				return d.DialContext(ctx, "unix", path)
			}
		}
		return nil
	case "sentinel":
		opt.MasterName = strings.Trim(u.Path, "/")
		if opt.MasterName == "" {
			return errors.New("the sentinel URL names no master; write sentinel://HOST:26379,HOST:26379/MASTER")
		}
	case "cluster":
		opt.IsClusterMode = true
	default:
		return fmt.Errorf("the redis URL has the scheme %q; write redis://HOST:PORT, unix:///PATH, embedded or memory", u.Scheme)
	}
	opt.Addrs = strings.Split(u.Host, ",")
	opt.Username = u.User.Username()
	opt.Password, _ = u.User.Password()
	return nil
}

// newNode names this run of this program; no other run has the same name.
func newNode() string {
	host, err := os.Hostname()
	if err != nil {
		host = "node"
	}
	return fmt.Sprintf("%s-%d-%s", host, os.Getpid(), nonce())
}

// nonce is 64 random bits in hexadecimal.
func nonce() string {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand)
	return hex.EncodeToString(b[:])
}

// Node is the name of this run of this program among all nodes.
func (r *Redis) Node() string { return r.node }

// ServerPID is the process of the embedded server, 0 for other ways or while
// it is being started again.
func (r *Redis) ServerPID() int {
	if r.server == nil {
		return 0
	}
	return r.server.pid()
}

// LostPending counts entries of the log that somebody deleted while a channel
// still had to plan them. It must stay 0.
func (r *Redis) LostPending() int64 { return r.lost.Load() }

// Unreadable counts how often a list left a record out that could not be read.
// It must stay 0.
func (r *Redis) Unreadable() int64 { return r.unread.Load() }

// Close ends the connections and stops the embedded server in good order. It
// may be called twice.
func (r *Redis) Close() error {
	var errs []error
	if r.server != nil {
		errs = append(errs, r.server.stop())
	}
	for _, c := range []redis.UniversalClient{r.reader, r.commands} {
		if c == nil {
			continue
		}
		if err := c.Close(); err != nil && !errors.Is(err, redis.ErrClosed) {
			errs = append(errs, err)
		}
	}
	if r.shared != nil && r.cfg.Shared == nil {
		r.shared.Close()
	}
	return errors.Join(errs...)
}

// run runs a script that must not be repeated blindly.
func (r *Redis) run(ctx context.Context, s *redis.Script, keys []string, args ...any) *redis.Cmd {
	return s.Run(ctx, r.commands, keys, args...)
}

// repeat runs a script that knows its own call again.
func (r *Redis) repeat(ctx context.Context, s *redis.Script, keys []string, args ...any) (cmd *redis.Cmd) {
	_ = again(ctx, func(ctx context.Context) error {
		cmd = s.Run(ctx, r.commands, keys, args...)
		return cmd.Err()
	})
	return cmd
}
