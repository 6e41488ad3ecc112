package webpush

import (
	"errors"
	"net/url"

	"martinella/channels"
)

// ErrService is the error of a subscription at a push service that is neither a
// browser's nor among the operator's own.
var ErrService = errors.New("the push service is not one that is known here")

// Admit judges where the subscription of a stranger leads, before it is kept,
// without asking anybody: to a push service that is known, [ErrService]
// otherwise, so that nobody makes the gateway call a host of their choice each
// time that it warns. Where the name of a known service leads is judged when it
// is connected to: see [channels.DialPublic].
func (c *Channel) Admit(a channels.PushAddress) error {
	u, err := url.Parse(a.Endpoint)
	if err != nil || !c.admits(u) {
		return errors.New("the endpoint is not an https address of the public Internet")
	}
	if _, known := c.listed(u); !known {
		return ErrService
	}
	return nil
}
