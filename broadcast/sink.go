package broadcast

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"go.uber.org/zap"

	"martinella/channels"
)

// ErrUnhandled is what [Replies] say of a reply that is nobody's business here.
var ErrUnhandled = errors.New("nobody takes this reply")

// Replies takes what people answered, durably: nil only once it is stored,
// [ErrUnhandled] where nobody here takes it.
type Replies func(ctx context.Context, channel string, r channels.Reply) error

// Sink brings platforms' reports to their deliveries and people's replies to
// whoever takes them. It serves listeners and hooks alike, from many
// goroutines; both methods block until what came is durable.
type Sink struct {
	Queues  *Queues
	Metrics *Metrics
	Replies Replies           // nil: nobody takes replies, but STOP and START are carried out
	Roll    Roll              // nil: STOP and START go to Replies
	Answer  Answers           // nil: STOP and START are carried out without a word
	Connect Connecting        // nil: links of platforms connect nobody
	Kinds   map[string]string // by channel: see [AddressKinds]; "phone" for others
	Log     *zap.Logger
}

// Connecting gives the person of a code an address, durably, and what is written
// back to it: see [VolunteerPages.Connect].
type Connecting func(ctx context.Context, kind, code, address, via string, now time.Time) (answer string, err error)

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

// Reply carries out STOP and START, and hands every other reply over. What nobody
// takes is counted and dropped: a platform that was told that it was not stored
// would bring it again for ever. The log gets neither text nor address.
func (s *Sink) Reply(ctx context.Context, channel string, r channels.Reply) error {
	if r.Code != "" && s.Connect != nil {
		said, err := s.Connect(ctx, s.Kinds[channel], r.Code, r.From, channel, time.Now())
		if err != nil {
			return fmt.Errorf("reply on %s: %w", channel, err)
		}
		s.Metrics.replied(channel, replyTaken)
		if s.Answer != nil {
			s.Answer(ctx, channel, r.From, said)
		}
		return nil
	}
	if wish := WishOf(r.Text); wish != "" && s.Roll != nil {
		return s.fulfil(ctx, channel, wish, r)
	}
	err := ErrUnhandled
	if s.Replies != nil {
		err = s.Replies(ctx, channel, r)
	}
	switch {
	case errors.Is(err, ErrUnhandled):
		s.Metrics.replied(channel, replyDropped)
		s.Log.Info("a reply came that nobody takes: it is dropped", zap.String("channel", channel), zap.String("from", mask(r.From)), zap.Int("length", len(r.Text)))
		return nil
	case err != nil:
		return fmt.Errorf("reply on %s: %w", channel, err)
	}
	s.Metrics.replied(channel, replyTaken)
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
