package signin

import (
	"context"
	"slices"
	"strings"
	"time"

	"martinella/alerts"
)

// The verbs of acts on people of staff. An act of "-alone" took rights from
// somebody who may approve or administer, and no second administrator was there
// to confirm it: every member sees it for [AloneShown].
const (
	VerbInvited        = "staff-invited"
	VerbWithdrawn      = "staff-withdrawn"
	VerbJoined         = "staff-joined"
	VerbAsked          = "staff-asked" // a change that waits for a second administrator
	VerbDropped        = "staff-dropped"
	VerbChanged        = "staff-changed"
	VerbChangedAlone   = "staff-changed-alone"
	VerbDisabled       = "staff-disabled"
	VerbDisabledAlone  = "staff-disabled-alone"
	VerbErased         = "staff-erased"
	VerbErasedAlone    = "staff-erased-alone"
	VerbEnded          = "staff-ended" // sessions
	VerbRecovery       = "staff-recovery"
	VerbPasskeyAdded   = "staff-passkey-added"
	VerbPasskeyRemoved = "staff-passkey-removed" //nolint:gosec // G101: the name of an act
	VerbPassword       = "staff-password"
	VerbSeed           = "staff-seed"
	VerbBound          = "staff-bound"   // to an account at the provider
	VerbUnbound        = "staff-unbound" // from it
)

// AloneShown is how long everybody sees what an administrator did alone.
const AloneShown = 7 * 24 * time.Hour

// commandID is who acts on the command line of the gateway's own machine.
const commandID = "command"

// act is one act on a person of staff. Who acted and on whom stand in it by id
// alone: the ledger keeps it for ever, and the list of staff tells the names of
// those who are there.
func act(by, verb, of, reason string, now time.Time) *alerts.Act {
	via := "console"
	if by == commandID {
		via = "command"
	}
	return &alerts.Act{V: 1, At: now.UTC(), By: alerts.By{ID: by}, Verb: verb, Of: of, Reason: reason, Via: via}
}

// invitationID names an invitation in acts, by the digest of its link.
func invitationID(digest string) string { return "invitation:" + digest[:min(12, len(digest))] }

// String says in one line what a grant allows, without names.
func (g Grant) String() string {
	words := []string{strings.Join(g.Roles, ", ")}
	if slices.Contains(g.Limits.Statuses, alerts.StatusActual) {
		words = append(words, "real alerts")
	} else {
		words = append(words, "exercises and tests only")
	}
	if g.Limits.MaxSeverity != "" {
		words = append(words, "up to "+string(g.Limits.MaxSeverity))
	}
	if len(g.Limits.Areas) > 0 {
		words = append(words, "areas "+strings.Join(g.Limits.Areas, ", "))
	}
	return strings.Join(words, "; ")
}

// weighty reports whether who has the grant may be the second person, or looks
// after who is: taking that away lets somebody else act alone.
func (g Grant) weighty() bool {
	return slices.ContainsFunc(g.Roles, func(name string) bool {
		r, _ := roleOf(name)
		return r.Administers || slices.Contains(r.Verbs, alerts.VerbApprove)
	})
}

// recentActs is how many of the newest acts on staff are looked through for
// those that somebody did alone.
const recentActs = 50

// Alone lists what administrators did alone within [AloneShown], the newest
// first.
func (o *Office) Alone(ctx context.Context, now time.Time) ([]alerts.Act, error) {
	all, err := o.store.RecentActs(ctx, recentActs)
	return slices.DeleteFunc(all, func(a alerts.Act) bool {
		return !strings.HasSuffix(a.Verb, "-alone") || now.Sub(a.At) > AloneShown
	}), err
}
