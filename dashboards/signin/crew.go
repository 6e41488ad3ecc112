package signin

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"martinella/alerts"
	"martinella/alerts/lexicon"
	"martinella/broadcast"
	"martinella/broadcast/roster"
)

// Reach is where a member is called, beside the alerts that everybody gets. It
// is stored within the member's sealed document.
type Reach struct {
	Phone    string `json:"phone,omitempty"` // E.164
	Email    string `json:"email,omitempty"`
	Language string `json:"language,omitempty"` // of the calls
}

// The errors of [Office.SetReach]. They do not repeat the contact.
var (
	ErrPhone = errors.New("the telephone number is not one that exists")
	ErrEmail = errors.New("the e-mail address cannot be read")
)

// read brings contacts into the form in which they are stored; empty ones are
// no contact.
func (r Reach) read() (Reach, error) {
	var failed error
	out := Reach{Language: alerts.PrimaryLanguage(r.Language)}
	if !slices.Contains(lexicon.RingLanguages, out.Language) {
		out.Language = lexicon.RingLanguages[0]
	}
	if s := strings.TrimSpace(r.Phone); s != "" {
		var err error
		if out.Phone, err = roster.Phone(s); err != nil {
			failed = errors.Join(failed, ErrPhone)
		}
	}
	if s := strings.TrimSpace(r.Email); s != "" {
		var err error
		if out.Email, err = roster.Mail(s); err != nil {
			failed = errors.Join(failed, ErrEmail)
		}
	}
	return out, failed
}

// SetReach keeps where a member is called. The error joins ErrPhone and ErrEmail.
func (o *Office) SetReach(ctx context.Context, id string, r Reach) error {
	r, err := r.read()
	if err != nil {
		return err
	}
	_, err = o.change(ctx, id, nil, func(m *Member) error {
		m.Reach = r
		return nil
	})
	return err
}

// SetDuty puts a member on duty, or takes them off. Who is on duty already keeps
// the time since when.
func (o *Office) SetDuty(ctx context.Context, id string, on bool, now time.Time) error {
	_, err := o.change(ctx, id, nil, func(m *Member) error {
		switch {
		case !on:
			m.OnDuty = time.Time{}
		case m.OnDuty.IsZero():
			m.OnDuty = now.UTC()
		}
		return nil
	})
	return err
}

// SetShortcuts turns the console's keyboard shortcuts of a member on or off.
func (o *Office) SetShortcuts(ctx context.Context, id string, on bool) error {
	_, err := o.change(ctx, id, nil, func(m *Member) error {
		m.NoKeys = !on
		return nil
	})
	return err
}

// Colleague is the member as somebody who is called.
func (m *Member) Colleague() broadcast.Colleague {
	c := broadcast.Colleague{Person: m.Person(), Language: m.Reach.Language, Contacts: map[string]string{}, OnDuty: !m.OnDuty.IsZero()}
	for kind, address := range map[string]string{"phone": m.Reach.Phone, "email": m.Reach.Email} {
		if address != "" {
			c.Contacts[kind] = address
		}
	}
	return c
}

var _ broadcast.Crew = (*Office)(nil)

// Crew implements [broadcast.Crew].
func (o *Office) Crew(ctx context.Context) ([]broadcast.Colleague, error) {
	members, err := o.Members(ctx)
	if err != nil {
		return nil, err
	}
	var crew []broadcast.Colleague
	for _, m := range members {
		if m.Disabled.IsZero() {
			crew = append(crew, m.Colleague())
		}
	}
	return crew, nil
}

// testPatience slows calls to try out a contact: they cost money.
var testPatience = broadcast.Patience{Free: 3, First: time.Minute, Longest: 10 * time.Minute, Forget: time.Hour}

// SpendTest counts a call that a member makes to try out their contacts; a
// [*WaitError] where they come too fast.
func (o *Office) SpendTest(ctx context.Context, id string) error {
	wait, err := o.store.Attempt(ctx, "ring-test "+id, testPatience)
	if err == nil && wait > 0 {
		err = &WaitError{wait}
	}
	return err
}
