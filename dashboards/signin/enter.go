package signin

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"martinella/alerts"
	"martinella/broadcast"
)

// patience slows guesses at one account: three are free, then 2 s, 4 s, 8 s up
// to five minutes. Who signed in from this browser before waits for their own
// mistakes only, passkeys never wait, and a session that goes on is not
// touched, so that a stranger who guesses locks nobody out.
var patience = broadcast.Patience{Free: 4, First: 2 * time.Second, Longest: 5 * time.Minute, Forget: time.Hour}

// deviceLasts is how long a browser is remembered after signing in.
const deviceLasts = 180 * 24 * time.Hour

// Entry is what somebody signs in with.
type Entry struct {
	Login, Password string
	Code            string // of the authenticator program, or a recovery code
	Device, Agent   string // what the browser was given before; its own name
}

// Entered is what the browser is given.
type Entered struct {
	Token, Device string
	Member        *Member
}

// Enter signs in with password and code, or with a recovery code. A *WaitError
// says that it is too early.
func (o *Office) Enter(ctx context.Context, e Entry, now time.Time) (*Entered, error) {
	e.Login = folded(e.Login)
	if e.Login == "" || len(e.Login) > longestLogin || len(e.Code) > longestLogin {
		return nil, ErrRefused
	}
	id, err := o.store.MemberOf(ctx, e.Login)
	if err != nil && !errors.Is(err, alerts.ErrNotFound) {
		return nil, err
	}
	name := "login " + e.Login
	m := &Member{}
	if id != "" {
		if m, err = o.member(ctx, id); err != nil && !errors.Is(err, alerts.ErrNotFound) {
			return nil, err
		}
		if m == nil {
			m = &Member{}
		}
	}
	if o.remembers(ctx, m, e.Device) {
		name = "device " + e.Device
	}
	if wait, err := o.store.Attempt(ctx, name, patience); err != nil {
		return nil, err
	} else if wait > 0 {
		return nil, &WaitError{wait}
	}
	right, err := o.matches(ctx, e.Password, m.Password)
	if err != nil {
		return nil, err
	}
	by, compared := ByPassword, m.Password
	m, err = o.proved(ctx, m.ID, func(m *Member) error {
		if !m.Disabled.IsZero() || m.Password != compared { // changed meanwhile: it was the one before that was right
			return ErrRefused
		}
		// A recovery code stands for what was lost: the passkey, or the phone
		// with the codes; a password, where there is one, is asked all the same.
		if (right || m.Password == "") && m.recover(e.Code) {
			by = ByRecovery
			return nil
		}
		if !right || m.spend(e.Code, now) != nil {
			return ErrRefused
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if err := o.store.Forgive(ctx, name); err != nil {
		return nil, err
	}
	in, err := o.entered(ctx, m, by, e.Agent)
	if err != nil || by != ByRecovery {
		return in, err
	}
	// Who lost a passkey or phone has nothing else to prove with: the recovery
	// code counts for the account too, once.
	return in, o.grant(ctx, &Session{Digest: digest(in.Token)}, AccountDeed(m))
}

// proved changes the member by what proves them; nobody proves nothing.
func (o *Office) proved(ctx context.Context, id string, proof func(*Member) error) (*Member, error) {
	if id == "" {
		return nil, ErrRefused
	}
	m, err := o.change(ctx, id, nil, proof)
	if errors.Is(err, alerts.ErrNotFound) {
		return nil, ErrRefused
	}
	return m, err
}

// entered begins the session and remembers the browser.
func (o *Office) entered(ctx context.Context, m *Member, by, agent string) (*Entered, error) {
	token, err := o.begin(ctx, m, by, agent)
	if err != nil {
		return nil, err
	}
	device := secret()
	if err := o.store.PutTicket(ctx, broadcast.Ticket{Kind: "device", Digest: digest(device), Doc: []byte(m.deviceText()), Lasts: deviceLasts}); err != nil {
		return nil, err
	}
	return &Entered{token, device, m}, nil
}

// deviceText is what is kept of a browser in which the member signed in: it
// counts until everything is ended.
func (m *Member) deviceText() string {
	if m.Era == 0 {
		return m.ID
	}
	return m.ID + " " + strconv.Itoa(m.Era)
}

// remembers reports whether the member signed in from this browser before, and
// did not end everything since.
func (o *Office) remembers(ctx context.Context, m *Member, device string) bool {
	if m.ID == "" || device == "" || len(device) > longestToken {
		return false
	}
	text, err := o.store.Ticket(ctx, "device", digest(device))
	return err == nil && string(text) == m.deviceText()
}

// recoveryCodes is how many are printed at once.
const recoveryCodes = 10

// NewRecovery makes new recovery codes and forgets those before. They are
// shown once, to be printed and sealed. It uses up the proof of [AccountDeed];
// ErrUnproved.
func (o *Office) NewRecovery(ctx context.Context, m *Member, s *Session, now time.Time) ([]string, error) {
	if err := o.spendAccount(ctx, m, s); err != nil {
		return nil, err
	}
	codes, digests := make([]string, recoveryCodes), make([]string, recoveryCodes)
	for i := range codes {
		b := make([]byte, 10) // 80 bits: nobody guesses one, so a plain digest is enough
		_, _ = rand.Read(b)   // never fails (crypto/rand)
		text := base32Text.EncodeToString(b)
		codes[i], digests[i] = text[:4]+"-"+text[4:8]+"-"+text[8:12]+"-"+text[12:], digest("recovery", text)
	}
	_, err := o.change(ctx, m.ID, act(m.ID, VerbRecovery, m.ID, "", now), func(m *Member) error {
		m.Recovery = digests
		return nil
	})
	return codes, err
}

// recover uses up a recovery code.
func (m *Member) recover(code string) bool {
	code = digest("recovery", strings.ToUpper(strings.NewReplacer("-", "", " ", "").Replace(code)))
	at := -1
	for i, d := range m.Recovery {
		if subtle.ConstantTimeCompare([]byte(d), []byte(code)) == 1 {
			at = i
		}
	}
	if at >= 0 {
		m.Recovery = slices.Delete(slices.Clone(m.Recovery), at, at+1)
	}
	return at >= 0
}
