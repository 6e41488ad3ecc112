package signin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"martinella/alerts"
	"martinella/broadcast"
)

// KeyWish is an API key that an administrator wants to have made.
type KeyWish struct {
	V       int           `json:"v"`
	Name    string        `json:"name"`
	Rights  alerts.Rights `json:"rights"`
	Expires time.Time     `json:"expires,omitzero"`
	By      alerts.By     `json:"by"`
	At      time.Time     `json:"at"`
}

// Grave reports whether a second administrator must agree to the key: it may
// warn people in earnest, or decide alone.
func (k *KeyWish) Grave() bool {
	for _, s := range k.Rights.Statuses {
		if s != alerts.StatusExercise && s != alerts.StatusTest {
			return true
		}
	}
	return k.Rights.SelfApprove
}

// keyTicket is the kind of the tickets of wishes.
const keyTicket = "key"

// AskKey decides whether by may make the key at once: where it is not grave, or
// by is the only administrator. Else the wish waits for another one, as changes
// of rights do. It blocks until the store answered.
func (o *Office) AskKey(ctx context.Context, by *Member, k KeyWish, now time.Time) (waits bool, err error) {
	if !by.Administers() {
		return false, ErrRefused
	}
	k.V, k.By, k.At = 1, alerts.By{ID: by.ID, Name: by.Name}, now.UTC()
	others, err := o.administrators(ctx, by.ID)
	if err != nil || others == 0 || !k.Grave() {
		return false, err
	}
	doc, err := json.Marshal(k)
	if err != nil {
		return false, fmt.Errorf("wish for a key: %w", err)
	}
	return true, o.store.PutTicket(ctx, broadcast.Ticket{Kind: keyTicket, Digest: digest(secret()), Doc: doc, Lasts: changeLasts})
}

// ConfirmKey takes the wish of another administrator, to be made now: of many
// who confirm one has it. ErrGone where it is not there any more or its asker
// administers no longer, ErrNotYours for the asker.
func (o *Office) ConfirmKey(ctx context.Context, by *Member, digest string) (k KeyWish, err error) {
	if !by.Administers() {
		return k, ErrRefused
	}
	take := func(ctx context.Context, kind, digest string) ([]byte, error) {
		return o.store.TakeTicket(ctx, kind, digest, nil) // making the key has its act
	}
	for _, read := range []func(context.Context, string, string) ([]byte, error){o.store.Ticket, take} {
		doc, err := read(ctx, keyTicket, digest)
		if errors.Is(err, alerts.ErrNotFound) {
			return k, ErrGone
		}
		if err != nil {
			return k, err
		}
		if err := json.Unmarshal(doc, &k); err != nil {
			return k, fmt.Errorf("wish for a key: %w", err)
		}
		if k.By.ID == by.ID {
			return k, ErrNotYours
		}
		if stands, err := o.stands(ctx, k.By); err != nil {
			return k, err
		} else if !stands {
			return k, ErrGone
		}
	}
	return k, nil
}

// KeyWishes lists what waits for a second administrator, by digest.
func (o *Office) KeyWishes(ctx context.Context) (map[string]KeyWish, error) {
	docs, err := o.store.Tickets(ctx, keyTicket)
	if err != nil {
		return nil, err
	}
	all := map[string]KeyWish{}
	for digest, doc := range docs {
		var k KeyWish
		if err := json.Unmarshal(doc, &k); err != nil {
			return nil, fmt.Errorf("wish for a key: %w", err)
		}
		all[digest] = k
	}
	return all, nil
}

// DropKey takes back a wish that waits.
func (o *Office) DropKey(ctx context.Context, digest string) error {
	_, err := o.store.TakeTicket(ctx, keyTicket, digest, nil)
	if errors.Is(err, alerts.ErrNotFound) {
		return nil
	}
	return err
}
