package signin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"martinella/alerts"
	"martinella/broadcast"
)

// Change is a change of what somebody may do: an invitation, or other rights
// of a member. Where there are two administrators, one asks and another does.
type Change struct {
	V      int       `json:"v"`
	Member string    `json:"member,omitempty"` // "": an invitation
	Login  string    `json:"login,omitempty"`
	Name   string    `json:"name"`
	Grant  Grant     `json:"grant"`
	By     alerts.By `json:"by"`
	At     time.Time `json:"at"`
}

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
// waits for another one. token is the secret of an invitation's link.
func (o *Office) Ask(ctx context.Context, by *Member, c Change, now time.Time) (token string, waits bool, err error) {
	if !by.Administers() {
		return "", false, ErrRefused
	}
	c.V, c.By, c.At, c.Login = 1, alerts.By{ID: by.ID, Name: by.Name}, now.UTC(), folded(c.Login)
	if c.Member != "" {
		m, err := o.member(ctx, c.Member)
		if err != nil {
			return "", false, err
		}
		c.Login, c.Name = m.Login, m.Name
	}
	if err := valid(c.Login, c.Name, c.Grant); err != nil {
		return "", false, err
	}
	others, err := o.administrators(ctx, by.ID)
	if err != nil {
		return "", false, err
	}
	if others == 0 {
		token, err := o.apply(ctx, c, now)
		return token, false, err
	}
	doc, err := json.Marshal(c)
	if err != nil {
		return "", false, fmt.Errorf("change: %w", err)
	}
	return "", true, o.store.PutTicket(ctx, broadcast.Ticket{Kind: changeTicket, Digest: digest(secret()), Doc: doc, Lasts: changeLasts})
}

// Confirm makes a change that another administrator asked for.
func (o *Office) Confirm(ctx context.Context, by *Member, digest string, now time.Time) (token string, c Change, err error) {
	if !by.Administers() {
		return "", c, ErrRefused
	}
	for _, read := range []func(context.Context, string, string) ([]byte, error){o.store.Ticket, o.store.TakeTicket} {
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
	token, err = o.apply(ctx, c, now)
	return token, c, err
}

func (o *Office) apply(ctx context.Context, c Change, now time.Time) (token string, err error) {
	if c.Member == "" {
		return o.NewInvitation(ctx, Invitation{Login: c.Login, Name: c.Name, Grant: c.Grant, By: c.By}, now)
	}
	others, err := o.administrators(ctx, c.Member)
	if err != nil {
		return "", err
	}
	_, err = o.change(ctx, c.Member, func(m *Member) error {
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
func (o *Office) Drop(ctx context.Context, digest string) error {
	_, err := o.store.TakeTicket(ctx, changeTicket, digest)
	if errors.Is(err, alerts.ErrNotFound) {
		return nil
	}
	return err
}

// Disable ends a member's sessions and lets them in no more. It needs no
// second person: it takes rights away.
func (o *Office) Disable(ctx context.Context, by *Member, id string, now time.Time) error {
	if !by.Administers() {
		return ErrRefused
	}
	others, err := o.administrators(ctx, id)
	if err != nil {
		return err
	}
	if others == 0 {
		return ErrLast
	}
	if _, err := o.change(ctx, id, func(m *Member) error {
		m.Disabled = now.UTC()
		return nil
	}); err != nil {
		return err
	}
	return o.store.EndAll(ctx, id, "")
}

// Erase forgets a member for good: what they did keeps their name in the
// records of alerts. They must be disabled first.
func (o *Office) Erase(ctx context.Context, by *Member, id string) error {
	if !by.Administers() {
		return ErrRefused
	}
	m, err := o.member(ctx, id)
	if err != nil {
		return err
	}
	if m.Disabled.IsZero() {
		return ErrRefused
	}
	return o.store.EraseMember(ctx, id)
}

// RoleNames lists the names of all roles.
func RoleNames() []string {
	names := make([]string, len(Roles))
	for i, r := range Roles {
		names[i] = r.Name
	}
	return slices.Clip(names)
}
