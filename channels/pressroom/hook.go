package pressroom

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"martinella/channels"
)

// Hook posts over a webhook that answers nothing but yes or no: Slack,
// Mattermost, and what a template describes. It may be used from many
// goroutines.
type Hook struct {
	room
	body func(text string, m channels.Message) ([]byte, error)
}

var _ channels.Channel = (*Hook)(nil)

// Send posts m. Nobody gives an id, and nobody can be asked whether it arrived.
func (h *Hook) Send(ctx context.Context, m channels.Message) (channels.Receipt, error) {
	body, err := h.body(h.escape(m.Text), m)
	if err != nil {
		return channels.Receipt{}, channels.Permanent(fmt.Errorf("pressroom %s: the post cannot be written: %w", h.name, err))
	}
	answer, err := h.call.Do(ctx, http.MethodPost, h.hook.String(), http.Header{"Content-Type": {"application/json"}}, body)
	if err != nil {
		return channels.Receipt{}, err
	}
	return channels.Receipt{}, h.verdict(answer)
}

// word is what Slack says of a refusal: channel_is_archived, no_service.
var word = regexp.MustCompile(`^[a-z_]{2,40}$`)

// verdict judges an answer. A hook that is revoked, disabled or whose room is
// gone is a broken credential: no message gets through until somebody acts.
func (h *Hook) verdict(a *channels.Answer) error {
	text := strings.TrimSpace(string(a.Body))
	if a.Status >= 200 && a.Status < 300 {
		// Slack and Mattermost say "ok"; anything else is somebody else's page.
		if h.config.Shape != shapeTemplate && text != "ok" {
			return channels.Uncertain(channels.Refused(h.config.Shape, strconv.Itoa(a.Status), "the answer is not ok"))
		}
		return nil
	}
	refused := h.call.Verdict(a, time.Now())
	if !a.JSON && word.MatchString(text) {
		refused = fmt.Errorf("%w: %s", refused, text)
	}
	switch {
	case h.config.Shape == shapeTemplate:
	case a.Status == http.StatusNotFound, a.Status == http.StatusGone, a.Status == http.StatusNotImplemented, unknownHook(a):
		return channels.Unauthorized(fmt.Errorf("%w: the hook is gone or not allowed", refused))
	}
	return refused
}

// unknownHook reports Mattermost's answer to an address that it does not know:
// status 400, and an id of the error.
func unknownHook(a *channels.Answer) bool {
	var in struct {
		ID string `json:"id"`
	}
	return a.Status == http.StatusBadRequest && a.JSON && json.Unmarshal(bytes.TrimSpace(a.Body), &in) == nil && in.ID == "web.incoming_webhook.invalid.app_error"
}
