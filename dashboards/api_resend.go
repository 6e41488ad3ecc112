package dashboards

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"slices"
	"time"

	"go.uber.org/zap"

	"martinella/alerts"
	"martinella/broadcast"
)

// wish is the body of a request to send again.
type wish struct {
	Digest    alerts.Digest `json:"digest"`              // of the alert, as read
	Reason    string        `json:"reason,omitempty"`    // for the record
	Uncertain bool          `json:"uncertain,omitempty"` // those of whom nobody knows too: they may get it twice
	Recipient *uint32       `json:"recipient,omitempty"` // one ordinal alone
}

// resend sends again what failed of the alert on one channel, or one recipient
// of it.
func (s *Server) resend(w http.ResponseWriter, r *http.Request) {
	by, channel := callerOf(r), r.PathValue("channel")
	var want wish
	if err := s.decode(w, r, &want); err != nil {
		s.fail(w, r, err)
		return
	}
	request, err := requestName(r, by.ID, channel, want)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	ctx, cancel := actContext(r)
	defer cancel()
	now := time.Now()
	record, act, err := s.Desk.Resend(ctx, by.Person, alerts.ID(r.PathValue("id")), channel, alerts.Decision{Digest: want.Digest, Reason: want.Reason}, now)
	if err == nil {
		err = carries(record, channel)
	}
	if err == nil {
		err = broadcast.Resendable(record, now)
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	act.Via = "api"
	done, err := s.Outcomes.Resend(ctx, broadcast.Resend{Alert: record.ID, Channel: channel, Recipient: want.Recipient, Uncertain: want.Uncertain, Request: request, Act: act})
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.Logger.Info("sent again by hand", zap.String("alert", string(record.ID)), zap.String("channel", channel),
		zap.Int("failed", done.Failed), zap.Int("uncertain", done.Uncertain), zap.Bool("one", want.Recipient != nil), zap.String("by", by.ID))
	status := http.StatusOK // there was nothing to do
	if done.Failed+done.Uncertain > 0 {
		status = http.StatusAccepted
	}
	writeJSON(w, status, struct {
		ID       alerts.ID `json:"id"`
		Event    alerts.ID `json:"event"`
		Revision int       `json:"revision"`
		Channel  string    `json:"channel"`
		broadcast.Resent
	}{record.ID, record.Event, record.Revision, channel, done})
}

// carries refuses a channel that the published record does not go to.
func carries(r *alerts.Record, channel string) error {
	if slices.Contains(r.Channels, channel) {
		return nil
	}
	return refuse(alerts.ErrNotFound, "channel", "does not carry this alert", "its deliveries name those that do")
}

// maxRequestName bounds an Idempotency-Key.
const maxRequestName = 200

// requestName tells one wish from another: by the Idempotency-Key where there
// is one, and by who asks for what. "" is a wish of its own.
func requestName(r *http.Request, by, channel string, want wish) (string, error) {
	given := r.Header.Values("Idempotency-Key")
	switch {
	case len(given) == 0:
		return "", nil
	case len(given) > 1 || given[0] == "" || len(given[0]) > maxRequestName:
		return "", refuse(errBadRequest, "Idempotency-Key", fmt.Sprintf("is not one text of at most %d bytes", maxRequestName), "send a random one, and the same again when you repeat the request")
	}
	one := int64(-1)
	if want.Recipient != nil {
		one = int64(*want.Recipient)
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%q %q %q %t %d", by, given[0], channel, want.Uncertain, one))
	return hex.EncodeToString(sum[:16]), nil
}
