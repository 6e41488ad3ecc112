package swarm

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strings"
)

// ErrUnsupported is the error on systems without epoll.
var ErrUnsupported = errors.New("the swarm of clients needs Linux")

// Config says how many clients there are and how they behave. Zero values take
// the defaults named beside them.
type Config struct {
	URL     string // ws:// or http://, with path and query of the feed
	Clients int    // how many

	// Silent of them never read after their handshake, over a receive buffer
	// that is as small as the system allows. They lie evenly between the others.
	Silent int

	// Remote lets only every tenth client read between Expect and the moment in
	// which those have everything; the others read afterwards. The clients then
	// take as little of the shared processors as if most of them ran elsewhere.
	Remote bool

	// Greeted says that the server tells every client its place before anything
	// else (kind Start), as the live feed does: a client that reads is in when it
	// has heard that. A handshake alone does not say from where on it counts.
	Greeted bool

	Rate    int   // connections begun per second, over all loops; 1,800; negative is without limit
	Opening int   // handshakes at once; 128
	Loops   int   // epoll loops, each a thread; 1
	Check   Check // finds the place of a message in the order; PlaceOfCursor
}

func (c *Config) complete() error {
	c.Rate = cmp.Or(c.Rate, 1800)
	c.Opening = cmp.Or(c.Opening, 128)
	c.Loops = cmp.Or(c.Loops, 1)
	if c.Check == nil {
		c.Check = PlaceOfCursor
	}
	switch {
	case c.Clients < 1:
		return errors.New("a swarm has at least one client")
	case c.Silent < 0 || c.Silent >= c.Clients:
		return fmt.Errorf("of %d clients %d cannot be silent: one must read", c.Clients, c.Silent)
	case c.Opening < 1 || c.Loops < 1:
		return errors.New("a limit is negative")
	}
	c.Loops = min(c.Loops, c.Clients)
	return nil
}

// target is where the clients connect, and what they say there.
type target struct {
	addr    netip.AddrPort
	request []byte
}

// handshakeKey is the nonce of every client (RFC 6455, section 4.1): a swarm
// has nothing to hide from a cache between it and its server.
const handshakeKey = "bWFydGluZWxsYS1zd2FybQ=="

// handshakeAccept is the answer to it (RFC 6455, section 4.2.2).
var handshakeAccept = acceptOf(handshakeKey)

func newTarget(ctx context.Context, raw string) (target, error) {
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" {
		return target{}, fmt.Errorf("the address %q is not like ws://127.0.0.1:8080/live", raw)
	}
	if u.Scheme != "ws" && u.Scheme != "http" {
		return target{}, fmt.Errorf("the swarm speaks ws:// only, not %s://", u.Scheme)
	}
	port := cmp.Or(u.Port(), "80")
	addrs, err := net.DefaultResolver.LookupNetIP(ctx, "ip", u.Hostname())
	if err != nil {
		return target{}, fmt.Errorf("look up %s: %w", u.Hostname(), err)
	}
	chosen := addrs[0]
	for _, a := range addrs {
		if a.Unmap().Is4() { // all of 127/8 is loopback, of IPv6 only one address
			chosen = a
			break
		}
	}
	n, err := net.DefaultResolver.LookupPort(ctx, "tcp", port)
	if err != nil {
		return target{}, fmt.Errorf("port %s: %w", port, err)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "GET %s HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n", u.RequestURI(), u.Host)
	fmt.Fprintf(&b, "Sec-WebSocket-Key: %s\r\nSec-WebSocket-Version: 13\r\n\r\n", handshakeKey)
	return target{netip.AddrPortFrom(chosen.Unmap(), uint16(n)), []byte(b.String())}, nil
}
