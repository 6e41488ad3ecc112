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

// Measure counts a text as it would be sent.
func (c *Channel) Measure(text string) channels.Measure { return c.text.Measure(text) }

// Estimate says how a text would travel under this contract, what its spelling
// saves, what it costs and how long the last one waits.
func (c *Channel) Estimate(text string) sms.Estimate { return c.text.Estimate(text) }
