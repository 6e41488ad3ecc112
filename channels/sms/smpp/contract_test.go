package smpp

import (
	"context"
	"testing"
	"time"

	"martinella/channels"
	"martinella/channels/channeltest"
)

// undated sends the samples, whose dates are past, as if they held now.
type undated struct{ *Channel }

func (u undated) Send(ctx context.Context, m channels.Message) (channels.Receipt, error) {
	if !m.Expires.IsZero() {
		m.Expires = time.Now().Add(time.Hour)
	}
	return u.Channel.Send(ctx, m)
}

func TestContract(t *testing.T) {
	channeltest.Run(t, channeltest.Suite{
		To: testNumber, Secrets: []string{testPassword},
		New: func(t testing.TB, _ string) channels.Channel { return undated{newChannel(t, new(smsc), nil)} },
	})
}

func TestGolden(t *testing.T) { channeltest.Golden(t, newChannel(t, nil, nil)) }
