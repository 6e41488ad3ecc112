package httpsms

import (
	"fmt"

	"martinella/channels"
	"martinella/channels/sms"
)

// RenderPage writes a page to volunteers in one part: see [sms.Text.Page].
func (c *Channel) RenderPage(p channels.Page) (channels.Message, error) {
	m, err := c.text.Page(p, c.replies(), c.settings)
	if err != nil {
		return m, fmt.Errorf("httpsms %s: %w", c.name, err)
	}
	return m, nil
}

// replies is how every provider's messages can be answered: nobody knows yet
// which of them will carry a text.
func (c *Channel) replies() sms.Replies {
	var all sms.Replies
	for i, r := range c.routes {
		one := sms.RepliesTo(r.source, r.reply)
		if !one.Taken || !r.carrier.hears() || i > 0 && one != all {
			return sms.Replies{}
		}
		all = one
	}
	return all
}

// HearsStop reports whether people can answer, whichever provider carries the
// message.
func (c *Channel) HearsStop() bool { return c.replies().Taken }
