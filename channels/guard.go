package channels

import (
	"context"
	"errors"
	"net/netip"
	"syscall"
)

// ErrPrivate is the error of a connection to where no server of the Internet at
// large can be.
var ErrPrivate = errors.New("the address leads into a private network")

// closed are the special-purpose blocks of the IANA registries (RFC 6890 and
// its successors) that netip has no method for, and those that carry an IPv4
// address within.
var closed = prefixes("0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "240.0.0.0/4",
	"2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")

var (
	globalUnicast = netip.MustParsePrefix("2000::/3")
	nat64         = netip.MustParsePrefix("64:ff9b::/96") // RFC 6052: the last four bytes are an IPv4 address
)

func prefixes(all ...string) []netip.Prefix {
	out := make([]netip.Prefix, len(all))
	for i, p := range all {
		out[i] = netip.MustParsePrefix(p)
	}
	return out
}

// PublicAddress reports whether an address is one of the Internet at large: not of
// this machine, its networks, its provider's or its cloud's.
func PublicAddress(a netip.Addr) bool {
	if a.Zone() != "" {
		return false
	}
	a = a.Unmap() // ::ffff:10.0.0.1 is 10.0.0.1
	if nat64.Contains(a) {
		b := a.As16()
		a = netip.AddrFrom4([4]byte(b[12:]))
	}
	if !a.IsValid() || a.IsUnspecified() || a.IsLoopback() || a.IsPrivate() || a.IsLinkLocalUnicast() || a.IsMulticast() {
		return false
	}
	if a.Is6() && !globalUnicast.Contains(a) {
		return false
	}
	for _, p := range closed {
		if p.Contains(a) {
			return false
		}
	}
	return true
}

// DialPublic is the ControlContext of a net.Dialer for addresses that strangers
// give. It judges the address of a socket just before it connects, so a name
// that leads elsewhere on the second look (DNS rebinding) gains nothing, nor
// does a redirect. The error is [ErrPrivate].
func DialPublic(_ context.Context, network, address string, _ syscall.RawConn) error {
	to, err := netip.ParseAddrPort(address)
	if err != nil || network != "tcp4" && network != "tcp6" || !PublicAddress(to.Addr()) {
		return ErrPrivate
	}
	return nil
}
