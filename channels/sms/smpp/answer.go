package smpp

import (
	"context"
	"time"

	"martinella/channels"
)

// answerValidity is for how long the SMSC tries: "you will get no more of our
// warnings" helps nobody tomorrow.
const answerValidity = time.Hour

// Answer sends a short text to a number that wrote to us, from the number that
// it wrote to (reply_number), and blocks as [Channel.Send] does, with its
// verdicts. No receipt is asked for.
func (c *Channel) Answer(ctx context.Context, to, text string) error {
	s, err := c.sending(channels.Message{Channel: c.name, To: to, Text: c.text.Spelled(text), Expires: time.Now().Add(answerValidity)})
	if err != nil {
		return err
	}
	s.unrecorded = true
	return s.finish(s.run(ctx))
}
