package signin

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"martinella/alerts"
	"martinella/broadcast"
)

// Change is a change of what somebody may do: an invitation, other rights of a
// member, or their end. Where there are two administrators, one asks and
// another does.
type Change struct {
	V      int       `json:"v"`
	Do     string    `json:"do,omitempty"`     // ToDisable, ToErase; "": an invitation, or rights
	Member string    `json:"member,omitempty"` // "": an invitation
	Login  string    `json:"login,omitempty"`
	Name   string    `json:"name"`
	Grant  Grant     `json:"grant"` // that they shall have; of ToDisable and ToErase: that they had
	By     alerts.By `json:"by"`
	At     time.Time `json:"at"`
}

// The values of [Change.Do] that end something.
const (
	ToDisable = "disable"
	ToErase   = "erase"
)

// changeLasts is how long a change waits for the second administrator.
const changeLasts = 7 * 24 * time.Hour

// changeTicket is the kind of these tickets.
const changeTicket = "change"

// administrators counts those who may sign in.
func (o *Office) administrators(ctx context.Context, but string) (int, error) {
	all, err := o.Members(ctx)
	n := 0
	for _, m := range all {
		if m.Administers() && m.ID != but {
			n++
		}
	}
	return n, err
}

// Ask makes a change at once where by is the only administrator; else it
// waits for another one. Disabling and erasing wait only where the member may
// approve or administers: without them somebody else could act alone. token is
// the secret of an invitation's link. ErrLast where nobody would remain who
// administers.
func (o *Office) Ask(ctx context.Context, by *Member, c Change, now time.Time) (token string, waits bool, err error) {
	if !by.Administers() {
		return "", false, ErrRefused
	}
	c.V, c.By, c.At, c.Login = 1, alerts.By{ID: by.ID, Name: by.Name}, now.UTC(), folded(c.Login)
	second := true
	if c.Member != "" {
		m, err := o.member(ctx, c.Member)
		if err != nil {
			return "", false, err
		}
		c.Login, c.Name = m.Login, m.Name
		if c.Do != "" {
			c.Grant, second = m.Grant, m.Grant.weighty()
			if err := o.mayEnd(ctx, c.Do, m); err != nil {
				return "", false, err
			}
		}
	}
	if c.Do == "" {
		if err := valid(c.Login, c.Name, c.Grant); err != nil {
			return "", false, err
		}
	}
	others, err := o.administrators(ctx, by.ID)
	if err != nil {
		return "", false, err
	}
	if others == 0 || !second {
		token, err := o.apply(ctx, c, by.ID, others == 0, now)
		return token, false, err
	}
	doc, err := json.Marshal(c)
	if err != nil {
		return "", false, fmt.Errorf("change: %w", err)
	}
	of := digest(secret())
	return "", true, o.store.PutTicket(ctx, broadcast.Ticket{Kind: changeTicket, Digest: of, Doc: doc, Lasts: changeLasts, Act: act(by.ID, VerbAsked, cmp.Or(c.Member, changeID(of)), c.String(), now)})
}

// changeID names a change that is an invitation in acts, by its digest.
func changeID(digest string) string { return "change:" + digest[:min(12, len(digest))] }

// String says in one line what is asked for, without names.
func (c Change) String() string {
	switch c.Do {
	case ToDisable, ToErase:
		return c.Do
	}
	return c.Grant.String()
}

// mayEnd says whether a member may be disabled or erased.
func (o *Office) mayEnd(ctx context.Context, do string, m *Member) error {
	if do == ToErase {
		if m.Disabled.IsZero() {
			return ErrRefused
		}
		return nil
	}
	others, err := o.administrators(ctx, m.ID)
	if err == nil && others == 0 {
		err = ErrLast
	}
	return err
}

// Confirm makes a change that another administrator asked for.
func (o *Office) Confirm(ctx context.Context, by *Member, digest string, now time.Time) (token string, c Change, err error) {
	if !by.Administers() {
		return "", c, ErrRefused
	}
	take := func(ctx context.Context, kind, digest string) ([]byte, error) {
		return o.store.TakeTicket(ctx, kind, digest, nil) // the change itself has its act
	}
	for _, read := range []func(context.Context, string, string) ([]byte, error){o.store.Ticket, take} {
		doc, err := read(ctx, changeTicket, digest)
		if errors.Is(err, alerts.ErrNotFound) {
			return "", c, ErrGone
		}
		if err != nil {
			return "", c, err
		}
		if err := json.Unmarshal(doc, &c); err != nil {
			return "", c, fmt.Errorf("change: %w", err)
		}
		if c.By.ID == by.ID {
			return "", c, ErrNotYours
		}
		if stands, err := o.stands(ctx, c.By); err != nil {
			return "", c, err
		} else if !stands {
			return "", c, ErrGone
		}
	}
	token, err = o.apply(ctx, c, by.ID, false, now)
	return token, c, err
}

// apply makes a change: by asked for it, or confirmed what another one asked
// for. alone: there was no second administrator to ask.
func (o *Office) apply(ctx context.Context, c Change, by string, alone bool, now time.Time) (token string, err error) {
	why := c.Grant.String()
	if c.Do != "" {
		why = ""
	}
	if c.By.ID != by {
		why = strings.TrimPrefix(why+"; asked by "+c.By.ID, "; ")
	}
	switch {
	case c.Do == ToDisable:
		return "", o.disable(ctx, by, c.Member, why, alone, now)
	case c.Do == ToErase:
		return "", o.erase(ctx, by, c.Member, why, alone, now)
	case c.Member == "":
		return o.invite(ctx, Invitation{Login: c.Login, Name: c.Name, Grant: c.Grant, By: c.By}, act(by, VerbInvited, "", why, now), now)
	}
	others, err := o.administrators(ctx, c.Member)
	if err != nil {
		return "", err
	}
	did := act(by, VerbChanged, c.Member, why, now)
	_, err = o.change(ctx, c.Member, did, func(m *Member) error {
		if did.Verb = VerbChanged; alone && m.Grant.weighty() {
			did.Verb = VerbChangedAlone
		}
		m.Grant, m.Disabled = c.Grant, time.Time{}
		if others == 0 && !m.Administers() {
			return ErrLast
		}
		return nil
	})
	return "", err
}

// Changes lists what waits for a second administrator, by digest.
func (o *Office) Changes(ctx context.Context) (map[string]Change, error) {
	docs, err := o.store.Tickets(ctx, changeTicket)
	if err != nil {
		return nil, err
	}
	all := map[string]Change{}
	for digest, doc := range docs {
		var c Change
		if err := json.Unmarshal(doc, &c); err != nil {
			return nil, fmt.Errorf("change: %w", err)
		}
		all[digest] = c
	}
	return all, nil
}

// Drop takes back a change that waits.
func (o *Office) Drop(ctx context.Context, by *Member, digest string, now time.Time) error {
	if !by.Administers() {
		return ErrRefused
	}
	_, err := o.store.TakeTicket(ctx, changeTicket, digest, act(by.ID, VerbDropped, changeID(digest), "", now))
	if errors.Is(err, alerts.ErrNotFound) {
		return nil
	}
	return err
}

// DisableByCommand disables at once: who runs commands on the gateway's own
// machine owns the data, and asks nobody. ErrLast.
func (o *Office) DisableByCommand(ctx context.Context, id string, now time.Time) error {
	m, err := o.member(ctx, id)
	if err != nil {
		return err
	}
	if err := o.mayEnd(ctx, ToDisable, m); err != nil {
		return err
	}
	return o.disable(ctx, commandID, id, "", true, now)
}

// disable ends a member's sessions and lets them in no more.
func (o *Office) disable(ctx context.Context, by, id, why string, alone bool, now time.Time) error {
	others, err := o.administrators(ctx, id)
	if err != nil {
		return err
	}
	did := act(by, VerbDisabled, id, why, now)
	if _, err := o.change(ctx, id, did, func(m *Member) error {
		if others == 0 && m.Administers() {
			return ErrLast
		}
		if did.Verb = VerbDisabled; alone && m.Grant.weighty() {
			did.Verb = VerbDisabledAlone
		}
		m.Disabled = now.UTC()
		m.renew("")
		return nil
	}); err != nil {
		return err
	}
	return o.store.EndAll(ctx, id, "")
}

// erase forgets a member who was disabled, for good. What they did to alerts
// keeps the name that they had then; acts on staff never had it.
func (o *Office) erase(ctx context.Context, by, id, why string, alone bool, now time.Time) error {
	m, err := o.member(ctx, id)
	if err != nil {
		return err
	}
	if m.Disabled.IsZero() {
		return ErrRefused
	}
	did := act(by, VerbErased, id, why, now)
	if alone && m.Grant.weighty() {
		did.Verb = VerbErasedAlone
	}
	return o.store.EraseMember(ctx, id, *did)
}

// RoleNames lists the names of all roles.
func RoleNames() []string {
	names := make([]string, len(Roles))
	for i, r := range Roles {
		names[i] = r.Name
	}
	return slices.Clip(names)
}
