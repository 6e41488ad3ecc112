package signin

import (
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

// InvitationLasts is how long a link of an invitation holds.
const InvitationLasts = 72 * time.Hour

// Invitation makes its reader a member of staff, once.
type Invitation struct {
	V     int       `json:"v"`
	Login string    `json:"login"`
	Name  string    `json:"name"`
	Grant Grant     `json:"grant"`
	By    alerts.By `json:"by"`
	Ends  time.Time `json:"ends"`
	Salt  string    `json:"salt"` // of the seed of the codes
	// First: only while there is nobody; who opens it says their own name.
	First bool `json:"first,omitempty"`
}

// invite is the kind of these tickets.
const invite = "invite"

// NewInvitation keeps an invitation and gives the secret of its link, which is
// shown once.
func (o *Office) NewInvitation(ctx context.Context, i Invitation, now time.Time) (token string, err error) {
	return o.invite(ctx, i, act(i.By.ID, VerbInvited, "", i.Grant.String(), now), now)
}

// invite keeps an invitation with its act.
func (o *Office) invite(ctx context.Context, i Invitation, did *alerts.Act, now time.Time) (token string, err error) {
	i.V, i.Login, i.Ends, i.Salt = 1, folded(i.Login), now.Add(InvitationLasts).UTC(), secret()
	if !i.First {
		if err := valid(i.Login, i.Name, i.Grant); err != nil {
			return "", err
		}
		if _, err := o.store.MemberOf(ctx, i.Login); err == nil {
			return "", ErrTaken
		} else if !errors.Is(err, alerts.ErrNotFound) {
			return "", err
		}
	}
	doc, err := json.Marshal(i)
	if err != nil {
		return "", fmt.Errorf("invitation: %w", err)
	}
	token = secret()
	ticket := broadcast.Ticket{Kind: invite, Digest: digest(token), Doc: doc, Lasts: InvitationLasts}
	if !i.First { // that of the first start is nobody's act
		did.Of = invitationID(ticket.Digest)
		ticket.Act = did
	}
	return token, o.store.PutTicket(ctx, ticket)
}

// EveryRole is the grant of the first administrator: an office of one must be
// able to begin. All statuses.
func EveryRole() Grant {
	return Grant{Roles: []string{"author", "approver", "administrator"}, Limits: alerts.Rights{Statuses: slices.Clone(alerts.Statuses)}}
}

// FirstInvitation gives the secret of a link for the first administrator, ""
// when there is somebody already. Links of earlier starts hold until they
// expire or somebody is there.
func (o *Office) FirstInvitation(ctx context.Context, now time.Time) (string, error) {
	all, err := o.store.Members(ctx)
	if err != nil || len(all) > 0 {
		return "", err
	}
	return o.NewInvitation(ctx, Invitation{Grant: EveryRole(), First: true}, now)
}

// Invited reads the invitation of a link and leaves it; ErrGone.
func (o *Office) Invited(ctx context.Context, token string) (*Invitation, error) {
	if token == "" || len(token) > longestToken {
		return nil, ErrGone
	}
	i, err := o.invitation(ctx, digest(token))
	if err != nil {
		return nil, err
	}
	if !i.First {
		if stands, err := o.stands(ctx, i.By); err != nil || !stands {
			return nil, errors.Join(err, ErrGone)
		}
		return i, nil
	}
	if all, err := o.store.Members(ctx); err != nil || len(all) > 0 {
		return nil, errors.Join(err, ErrGone)
	}
	return i, nil
}

// stands says whether what somebody asked for still counts: where a member of
// staff did, while they administer.
func (o *Office) stands(ctx context.Context, by alerts.By) (bool, error) {
	if !strings.HasPrefix(by.ID, idPrefix) {
		return true, nil
	}
	m, err := o.member(ctx, by.ID)
	if errors.Is(err, alerts.ErrNotFound) {
		return false, nil
	}
	return err == nil && m.Administers(), err
}

func (o *Office) invitation(ctx context.Context, digest string) (*Invitation, error) {
	doc, err := o.store.Ticket(ctx, invite, digest)
	if errors.Is(err, alerts.ErrNotFound) {
		return nil, ErrGone
	}
	if err != nil {
		return nil, err
	}
	i := &Invitation{}
	if err := json.Unmarshal(doc, i); err != nil {
		return nil, fmt.Errorf("invitation: %w", err)
	}
	return i, nil
}

// Invitations lists those that are open, by the digest of their links.
func (o *Office) Invitations(ctx context.Context) (map[string]Invitation, error) {
	docs, err := o.store.Tickets(ctx, invite)
	if err != nil {
		return nil, err
	}
	all := map[string]Invitation{}
	for digest, doc := range docs {
		var i Invitation
		if err := json.Unmarshal(doc, &i); err != nil {
			return nil, fmt.Errorf("invitation: %w", err)
		}
		all[digest] = i
	}
	return all, nil
}

// Withdraw takes an invitation back by its digest.
func (o *Office) Withdraw(ctx context.Context, by *Member, digest string, now time.Time) error {
	if !by.Administers() {
		return ErrRefused
	}
	_, err := o.store.TakeTicket(ctx, invite, digest, act(by.ID, VerbWithdrawn, invitationID(digest), "", now))
	if errors.Is(err, alerts.ErrNotFound) {
		return nil
	}
	return err
}

// Seed is the seed of the codes of who accepts this link with a password.
func (i *Invitation) Seed(token string) string { return seedOf(token, i.Salt) }

// Acceptance is what an invited person chose.
type Acceptance struct {
	Login, Name    string // of a first administrator; others have theirs
	Password, Code string
	Agent          string
}

// joining is the member that an invitation makes.
func (i *Invitation) joining(id string, a Acceptance, now time.Time) (*Member, error) {
	m := &Member{V: 1, ID: id, Login: i.Login, Name: i.Name, Grant: i.Grant, Created: now.UTC()}
	if i.First {
		m.Login, m.Name = folded(a.Login), a.Name
	}
	return m, valid(m.Login, m.Name, m.Grant)
}

// Accept makes a member with password and codes, and signs them in. Nothing is
// used up when it fails.
func (o *Office) Accept(ctx context.Context, token string, a Acceptance, now time.Time) (*Entered, error) {
	i, err := o.Invited(ctx, token)
	if err != nil {
		return nil, err
	}
	m, err := i.joining(newID(), a, now)
	if err != nil {
		return nil, err
	}
	if err := strong(a.Password, m.Login, m.Name); err != nil {
		return nil, err
	}
	m.Seed = i.Seed(token)
	if err := m.spend(a.Code, now); err != nil {
		return nil, err
	}
	if m.Password, err = o.hash(ctx, a.Password); err != nil {
		return nil, err
	}
	return o.join(ctx, m, digest(token), i.First, ByPassword, a.Agent, now)
}

// join takes the invitation and keeps the member in one moment.
func (o *Office) join(ctx context.Context, m *Member, ticket string, first bool, by, agent string, now time.Time) (*Entered, error) {
	return o.joinAs(ctx, m, ticket, first, by, agent, act(m.ID, VerbJoined, invitationID(ticket), m.Grant.String(), now))
}

// joinAs does so with this act.
func (o *Office) joinAs(ctx context.Context, m *Member, ticket string, first bool, by, agent string, did *alerts.Act) (*Entered, error) {
	if err := o.put(ctx, m, broadcast.Ticket{Kind: invite, Digest: ticket}, first, did); err != nil {
		return nil, err
	}
	return o.entered(ctx, m, by, agent)
}
