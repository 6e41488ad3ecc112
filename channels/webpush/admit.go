package webpush

import (
	"errors"
	"net/netip"
	"net/url"

	"martinella/channels"
)

// Admit judges where the subscription of a stranger leads, before it is kept,
// without asking anybody: not into private networks, and only over TLS. A name
// that leads there is found out when it is connected to: see
// [channels.DialPublic].
func (c *Channel) Admit(a channels.PushAddress) error {
	if c.config.AllowPrivate {
		return nil
	}
	u, err := url.Parse(a.Endpoint)
	if err != nil || u.Scheme != "https" {
		return errors.New("the endpoint is not an https address")
	}
	if at, err := netip.ParseAddr(u.Hostname()); err == nil && !channels.PublicAddress(at) {
		return channels.ErrPrivate
	}
	return nil
}
