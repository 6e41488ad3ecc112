package smpp

import (
	"context"

	"go.uber.org/zap"

	"martinella/alerts"
	"martinella/channels"
	"martinella/channels/sms"
)

// codingFlash makes a data_coding one of class 0, which a phone shows at once
// and perhaps does not keep (3GPP TS 23.038 section 4: 0x10 GSM-7, 0x18 UCS-2).
const codingFlash byte = 0x10

// flashes reports whether a message is also shown at once.
func (c *Channel) flashes(m channels.Message) bool {
	switch c.config.Flash {
	case flashExtreme:
		return m.Severity.Rank() >= alerts.SeverityExtreme.Rank()
	case flashSevere:
		return m.Severity.Rank() >= alerts.SeveritySevere.Rank()
	}
	return false
}

// flash submits the further copy of a message whose every part has been taken:
// it is never the only one. No receipt is asked for and nobody waits for its
// answers, so that it changes nothing of what is known about the delivery. What
// it could not send is logged.
func (c *Channel) flash(ctx context.Context, m channels.Message) {
	copied := m
	copied.Revision += 128 // another reference: a phone must not join the copies
	s, err := c.sending(copied)
	if err == nil {
		for n := range s.parts {
			s.parts[n].coding |= codingFlash
		}
		s.unrecorded = true
		var over *session
		if over, err = c.binds.session(ctx, false); err == nil {
			for n := range s.parts {
				if _, err = s.submit(ctx, over, n); err != nil {
					break
				}
			}
		}
	}
	if err != nil {
		c.log.Info("the flash copy was not sent", zap.String("to", sms.Mask(m.To)), zap.Error(err))
	}
}
