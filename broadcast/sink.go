package broadcast

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"go.uber.org/zap"

	"martinella/channels"
)

// ErrUnhandled is the error for a reply that nobody here takes: it is not
// kept, so the platform is not told that it was.
var ErrUnhandled = errors.New("nobody takes replies on this channel")

// Replies takes what people answered, durably: nil only once it is stored.
type Replies func(ctx context.Context, channel string, r channels.Reply) error

// Sink brings platforms' reports to their deliveries and people's replies to
// whoever takes them. It serves listeners and hooks alike, from many
// goroutines; both methods block until what came is durable.
type Sink struct {
	Queues  *Queues
	Metrics *Metrics
	Replies Replies           // nil: replies are refused with ErrUnhandled, but for STOP and START
	Roll    Roll              // nil: STOP and START go to Replies
	Answer  Answers           // nil: STOP and START are carried out without a word
	Kinds   map[string]string // by channel: see [AddressKinds]; "phone" for others
	Log     *zap.Logger
}

var _ channels.Sink = (*Sink)(nil)

// Report applies the report, or parks it until the message it speaks of is
// known.
func (s *Sink) Report(ctx context.Context, channel string, r channels.DeliveryReport) error {
	q, err := s.Queues.Open(ctx, channel)
	if err != nil {
		return fmt.Errorf("open the queue of %s: %w", channel, err)
	}
	known, changed, err := q.Report(ctx, r)
	if err != nil {
		return fmt.Errorf("report of %s: %w", channel, err)
	}
	state := r.State
	if state != channels.ReportDelivered && state != channels.ReportFailed {
		state = channels.ReportEnroute
	}
	s.Metrics.receipts.WithLabelValues(channel, string(state)).Inc()
	s.Metrics.changed(cmp.Or(changed.Channel, channel), changed)
	if !known {
		s.Log.Debug("report parked: its message is not known yet", zap.String("channel", channel))
	}
	return nil
}

// Reply carries out STOP and START, and hands every other reply over. The log
// gets neither text nor address.
func (s *Sink) Reply(ctx context.Context, channel string, r channels.Reply) error {
	if wish := WishOf(r.Text); wish != "" && s.Roll != nil {
		return s.fulfil(ctx, channel, wish, r)
	}
	if s.Replies == nil {
		s.Log.Warn("a reply came, and nobody takes replies on this channel", zap.String("channel", channel), zap.String("from", mask(r.From)), zap.Int("length", len(r.Text)))
		return ErrUnhandled
	}
	if err := s.Replies(ctx, channel, r); err != nil {
		return fmt.Errorf("reply on %s: %w", channel, err)
	}
	s.Log.Info("a reply came", zap.String("channel", channel), zap.String("from", mask(r.From)))
	return nil
}

// mask leaves the last two characters of an address.
func mask(address string) string {
	r := []rune(address)
	if len(r) <= 4 {
		return "..."
	}
	return "..." + string(r[len(r)-2:])
}
