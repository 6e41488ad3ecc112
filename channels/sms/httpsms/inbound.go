package httpsms

import (
	"errors"
	"net/http"

	"martinella/channels"
	"martinella/channels/provider"
)

// Inbound reads what a provider says at /hooks/{channel}: what became of
// messages, and what people wrote. ?provider=NAME names the provider; without
// it each is asked whether the request is its own.
func (c *Channel) Inbound(r *http.Request) ([]channels.DeliveryReport, []channels.Reply, error) {
	body, err := provider.ReadBody(r)
	if err != nil {
		return nil, nil, err
	}
	named := r.URL.Query().Get("provider")
	for _, one := range c.routes {
		if named != "" && one.name != named {
			continue
		}
		reports, replies, err := one.carrier.events(r, body)
		if errors.Is(err, channels.ErrForged) {
			continue
		}
		for i := range reports {
			reports[i].MessageID = one.name + ":" + reports[i].MessageID
		}
		return reports, replies, err
	}
	return nil, nil, channels.ErrForged
}
