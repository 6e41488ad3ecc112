package alerts

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Resend decides whether by may have a channel send again what failed of the
// alert, and gives the published record and the act to be stored with it. It
// needs issue or approve within the limits of the alert: what is sent again was
// approved before, so no second person is asked. An id of a revision that is
// over is refused with what became of it, where the digest is its own.
func (d *Desk) Resend(ctx context.Context, by Person, id ID, channel string, with Decision, now time.Time) (*Record, Act, error) {
	if !by.Can(VerbIssue) && !by.Can(VerbApprove) {
		return nil, Act{}, lacks(VerbIssue)
	}
	r, err := d.Store.Get(ctx, id, Published)
	if err != nil {
		return nil, Act{}, err
	}
	refused := by.Refusals(r.Alert, r.Areas)
	if len(by.Rights.Channels) > 0 && !slices.Contains(by.Rights.Channels, channel) {
		refused.refuse("channel", quoteShort(channel)+" is not allowed to this key", "allowed: "+strings.Join(by.Rights.Channels, ", "))
	}
	if len(refused) > 0 {
		return nil, Act{}, &Refusal{Kind: ErrForbidden, Problems: refused}
	}
	switch with.Digest {
	case "":
		return nil, Act{}, &Refusal{Kind: ErrInvalid, Problems: Problems{{Field: "digest", Problem: "is missing", Hint: "read the alert and send the digest of what you read"}}}
	case r.Approved:
	default:
		if named, err := d.Store.Get(ctx, id, Exactly); err == nil && named.ID != r.ID && named.Approved == with.Digest {
			return nil, Act{}, &Refusal{Kind: ErrNotSendable, Problems: Problems{{Field: "state", Problem: fmt.Sprintf("is %s: revision %d took its place", named.State, r.Revision), Hint: "look at the deliveries of " + string(r.ID)}}}
		}
		return nil, Act{}, stale()
	}
	reason := "channel " + channel
	if with.Reason != "" {
		reason += ": " + with.Reason
	}
	return r, r.act(by, "resent", reason, now), nil
}
