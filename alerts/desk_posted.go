package alerts

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Posted decides whether by may say that a person posted what a channel made
// ready to copy, and gives the published record and the act to be stored with
// it. It needs submit, approve or issue within the limits of the alert: what
// was posted had been approved. An id of a revision that is over is refused with
// what took its place, where the digest is its own: what is ready now is
// another text.
func (d *Desk) Posted(ctx context.Context, by Person, id ID, channel string, with Decision, now time.Time) (*Record, Act, error) {
	if !by.Can(VerbSubmit) && !by.Can(VerbApprove) {
		return nil, Act{}, lacks(VerbSubmit)
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
		return nil, Act{}, &Refusal{Kind: ErrInvalid, Problems: Problems{{Field: "digest", Problem: "is missing", Hint: "read the kit and send the digest of what was posted"}}}
	case r.Approved:
	default:
		if named, err := d.Store.Get(ctx, id, Exactly); err == nil && named.ID != r.ID && named.Approved == with.Digest {
			return nil, Act{}, &Refusal{Kind: ErrStale, Problems: Problems{{Field: "digest", Problem: fmt.Sprintf("is of revision %d: revision %d took its place", named.Revision, r.Revision),
				Hint: "post the text that is ready now, take the old one down or correct it, and tick the kit of " + string(r.ID)}}}
		}
		return nil, Act{}, stale()
	}
	if !r.State.Published() {
		return nil, Act{}, &Refusal{Kind: ErrNotSendable, Problems: Problems{{Field: "state", Problem: "is " + string(r.State) + ": nothing of it may be posted yet", Hint: "issue it first"}}}
	}
	reason := "channel " + channel
	if with.Reason != "" {
		reason += ": " + with.Reason
	}
	return r, r.act(by, "posted", reason, now), nil
}
