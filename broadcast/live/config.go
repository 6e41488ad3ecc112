package live

import (
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"go.uber.org/zap"

	"martinella/alerts"
	"martinella/broadcast"
)

// Build writes one message of the live feed as a JSON object: what e says in
// the language lang, with spread as its spread_ms. It must be pure and quick:
// it is called while a change is handed out, once for each view, language and
// spread. The bytes are not changed afterwards.
type Build func(e broadcast.Entry, lang string, spread time.Duration) []byte

// Config is what a [Hub] needs. Zero values of the limits take the defaults
// named beside them.
type Config struct {
	Log     broadcast.Log // history for who was away longer than the ring remembers
	Brief   Build         // view=brief, the default view
	Full    Build         // view=full
	Metrics *Metrics
	Logger  *zap.Logger

	// Languages are the primary language tags that messages are built in; who
	// asks for another one, or for none, gets the first. The list bounds how
	// often a change is built, whatever strangers ask for. Default: it, en.
	Languages []string

	// Public decides what the feed may carry at all. Default:
	// [broadcast.ForPage].
	Public func(*alerts.Record) bool

	// Origins are the other sites, such as "https://www.comune.example.it",
	// whose pages may open the feed. The feed's own origin always may, and so
	// may programs, which send no Origin.
	Origins []string

	Ring            int           // changes kept for replay without the store; 256
	BacklogMessages int           // that may wait for one client; 256
	BacklogBytes    int           // that may wait for one client; 512 KiB
	MaxClients      int           // open at once on this node; 50,000
	PingEvery       time.Duration // 30 s
	PongWithin      time.Duration // a WebSocket peer silent for longer is dead; 75 s
	WriteTimeout    time.Duration // for one message to be taken by the client's socket; 10 s
	ShutdownSpread  time.Duration // over which clients are sent away at shutdown; 5 s

	// Path is how idle WebSockets are kept: [PathEpoll] or [PathGoroutines].
	// Empty takes the best that the platform has.
	Path Path
	// JoinsPerSecond paces who comes in after a burst of as many; who comes
	// too early is told when to come back. 2,000; negative is without limit.
	JoinsPerSecond int
	// Replay bounds how many changes a client is sent from the log when it
	// comes back; who missed more gets "gone". 2,048.
	Replay int
}

// Path is a way to keep idle WebSockets.
type Path string

// The paths. Connections that are not plain TCP (TLS, event streams) are
// always kept by goroutines.
const (
	PathEpoll      Path = "epoll"      // Linux: one poller for each processor, no goroutine for a client
	PathGoroutines Path = "goroutines" // everywhere: one reading goroutine for each client
)

// pongWithin is the default of Config.PongWithin.
const pongWithin = 75 * time.Second

func (c *Config) complete() error {
	var errs []error
	if c.Log == nil {
		errs = append(errs, errors.New("a log is needed"))
	}
	if c.Brief == nil || c.Full == nil {
		errs = append(errs, errors.New("both views need a builder"))
	}
	if c.Metrics == nil {
		errs = append(errs, errors.New("metrics are needed"))
	}
	if c.Logger == nil {
		c.Logger = zap.NewNop()
	}
	if c.Public == nil {
		c.Public = broadcast.ForPage
	}
	if len(c.Languages) == 0 {
		c.Languages = []string{"it", "en"}
	}
	c.Languages = slices.Clone(c.Languages)
	for i := range c.Languages {
		c.Languages[i] = strings.ToLower(c.Languages[i])
	}
	origins := make([]string, 0, len(c.Origins))
	for _, o := range c.Origins {
		u, err := url.Parse(o)
		if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" {
			errs = append(errs, fmt.Errorf("origin %q is not like https://www.example.org", o))
			continue
		}
		origins = append(origins, strings.ToLower(u.Scheme+"://"+u.Host))
	}
	c.Origins = origins

	c.Ring = cmp.Or(c.Ring, 256)
	c.BacklogMessages = cmp.Or(c.BacklogMessages, 256)
	c.BacklogBytes = cmp.Or(c.BacklogBytes, 512<<10)
	c.MaxClients = cmp.Or(c.MaxClients, 50_000)
	c.PingEvery = cmp.Or(c.PingEvery, 30*time.Second)
	c.PongWithin = cmp.Or(c.PongWithin, pongWithin)
	c.WriteTimeout = cmp.Or(c.WriteTimeout, 10*time.Second)
	c.ShutdownSpread = cmp.Or(c.ShutdownSpread, 5*time.Second)
	c.JoinsPerSecond = cmp.Or(c.JoinsPerSecond, 2000)
	c.Replay = cmp.Or(c.Replay, 2048)
	if c.Path != "" && c.Path != PathEpoll && c.Path != PathGoroutines {
		errs = append(errs, fmt.Errorf("path %q is neither %s nor %s", c.Path, PathEpoll, PathGoroutines))
	}
	if min(c.Ring, c.BacklogMessages, c.BacklogBytes, c.MaxClients, c.Replay) < 0 ||
		min(c.PingEvery, c.PongWithin, c.WriteTimeout, c.ShutdownSpread) < 0 {
		errs = append(errs, errors.New("a limit is negative"))
	}
	if c.PongWithin <= c.PingEvery {
		errs = append(errs, errors.New("a pong must be given more time than lies between two pings"))
	}
	return errors.Join(errs...)
}

// unread is how long the kernel keeps what a peer does not take.
func (c *Config) unread() time.Duration { return max(c.PongWithin, 3*c.WriteTimeout) }
