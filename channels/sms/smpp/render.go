package smpp

import (
	"martinella/alerts"
	"martinella/channels"
	"martinella/channels/sms"
)

// Render writes one text for each language of the record: see [sms.Text].
func (c *Channel) Render(r *alerts.Record) ([]channels.Message, error) {
	return c.text.Render(c.name, sms.AudienceSubscribers, r, c.settings)
}

// HearsStop reports whether people can answer: see [sms.RepliesTo].
func (c *Channel) HearsStop() bool {
	return sms.RepliesTo(c.config.Source, c.config.ReplyNumber).Taken
}

// RenderPage writes a page to volunteers in one part: see [sms.Text.Page].
func (c *Channel) RenderPage(p channels.Page) (channels.Message, error) {
	return c.text.Page(p, sms.RepliesTo(c.config.Source, c.config.ReplyNumber), c.settings)
}

// Measure counts a text as it would be sent.
func (c *Channel) Measure(text string) channels.Measure { return c.text.Measure(text) }

// Estimate says of each text of the record how it would travel under this
// contract, what its spelling saves, what it costs, the flash copy included, and
// how long the last one waits.
func (c *Channel) Estimate(r *alerts.Record) ([]channels.Estimate, error) {
	all, err := c.text.Estimates(r, c.settings)
	if c.flashes(channels.Message{Severity: r.Severity()}) {
		for i := range all {
			all[i].Copies = 1
		}
	}
	return all, err
}
