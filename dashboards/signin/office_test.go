package signin

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pquerna/otp/totp"
	"go.uber.org/zap"

	"martinella/alerts"
	"martinella/broadcast"
	"martinella/broadcast/rdb"
)

const password = "cavallo batteria graffetta"

func office(t testing.TB) *Office {
	t.Helper()
	r, err := rdb.Open(t.Context(), rdb.Config{Redis: rdb.Memory, Authority: "valdemo"}, zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	o, err := New(r.Staff(), "Valdemo", "https://allerta.valdemo.example")
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func code(t testing.TB, seed string, at time.Time) string {
	t.Helper()
	c, err := totp.GenerateCode(seed, at)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// seedFor is what the page of an invitation shows; "" where it is over.
func (o *Office) seedFor(t testing.TB, token string) string {
	t.Helper()
	i, err := o.invitation(t.Context(), digest(token))
	if err != nil {
		return ""
	}
	return i.Seed(token)
}

// joined makes a member by an invitation, and gives the seed of the codes. The
// first code is that of the step before now.
func (o *Office) joined(t testing.TB, login string, roles ...string) (*Entered, string) {
	t.Helper()
	return o.joinedAt(t, time.Now(), login, roles...)
}

func (o *Office) joinedAt(t testing.TB, now time.Time, login string, roles ...string) (*Entered, string) {
	t.Helper()
	token, err := o.NewInvitation(t.Context(), Invitation{Login: login, Name: "Name of " + login, Grant: Grant{Roles: roles, Limits: alerts.Rights{Statuses: alerts.Statuses}}}, now)
	if err != nil {
		t.Fatal(err)
	}
	seed := o.seedFor(t, token)
	e, err := o.Accept(t.Context(), token, Acceptance{Password: password, Code: code(t, seed, now.Add(-codeStep))}, now)
	if err != nil {
		t.Fatal(err)
	}
	return e, seed
}

func TestEntering(t *testing.T) {
	o := office(t)
	now := time.Now() // one step for the whole test
	anna, seed := o.joinedAt(t, now, "anna", "author")
	gone, goneSeed := o.joinedAt(t, now, "gone", "author")
	boss, _ := o.joined(t, "boss", "administrator")
	if err := o.ends(t.Context(), boss.Member, ToDisable, gone.Member.ID, time.Now()); err != nil {
		t.Fatal(err)
	}
	right := code(t, seed, now)
	for name, c := range map[string]struct {
		Entry

		want error
	}{
		"nobody":                    {Entry{Login: "nobody", Password: password, Code: right}, ErrRefused},
		"no name":                   {Entry{Password: password, Code: right}, ErrRefused},
		"a name without end":        {Entry{Login: strings.Repeat("a", 1000), Password: password, Code: right}, ErrRefused},
		"another password":          {Entry{Login: "anna", Password: password + "x", Code: right}, ErrRefused},
		"no password":               {Entry{Login: "anna", Code: right}, ErrRefused},
		"a password without end":    {Entry{Login: "anna", Password: strings.Repeat("a", 5000), Code: right}, ErrRefused},
		"no code":                   {Entry{Login: "anna", Password: password}, ErrRefused},
		"a code of long ago":        {Entry{Login: "anna", Password: password, Code: code(t, seed, now.Add(-time.Hour))}, ErrRefused},
		"the code that joined":      {Entry{Login: "anna", Password: password, Code: code(t, seed, now.Add(-codeStep))}, ErrRefused},
		"somebody who was disabled": {Entry{Login: "gone", Password: password, Code: code(t, goneSeed, now)}, ErrRefused},
	} {
		t.Run(name, func(t *testing.T) {
			_ = o.store.Forgive(t.Context(), "login "+c.Login)
			if _, err := o.Enter(t.Context(), c.Entry, now); !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
	if _, _, err := o.Who(t.Context(), gone.Token); !errors.Is(err, ErrRefused) {
		t.Errorf("the session of who was disabled: %v", err)
	}
	// Of many who send the same code at once one comes in.
	_ = o.store.Forgive(t.Context(), "login anna")
	var in, out int
	var mu sync.Mutex
	var all sync.WaitGroup
	for range 3 {
		all.Go(func() {
			_, err := o.Enter(t.Context(), Entry{Login: "anna", Password: password, Code: right}, now)
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				in++
			} else {
				out++
			}
		})
	}
	all.Wait()
	if in != 1 || out != 2 {
		t.Errorf("%d came in, %d did not", in, out)
	}
	if _, _, err := o.Who(t.Context(), anna.Token); err != nil {
		t.Errorf("the session that went on: %v", err)
	}
}

func TestSessionsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := office(t)
		e, _ := o.joined(t, "anna", "author")
		begin := time.Now()
		for time.Since(begin) < SessionLongest-time.Minute {
			time.Sleep(SessionIdle - time.Minute)
			if _, _, err := o.Who(t.Context(), e.Token); err != nil && time.Since(begin) < SessionLongest {
				t.Fatalf("after %v: %v", time.Since(begin), err)
			}
		}
		time.Sleep(SessionIdle - time.Minute)
		if _, _, err := o.Who(t.Context(), e.Token); !errors.Is(err, ErrRefused) {
			t.Errorf("after %v, never idle: %v", time.Since(begin), err)
		}
		idle, err := o.begin(t.Context(), e.Member, ByPassword, "")
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(SessionIdle + time.Second)
		if _, _, err := o.Who(t.Context(), idle); !errors.Is(err, ErrRefused) {
			t.Errorf("idle: %v", err)
		}
	})
}

func TestInvitations(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := office(t)
		first, err := o.FirstInvitation(t.Context(), time.Now())
		if err != nil {
			t.Fatal(err)
		}
		another, err := o.FirstInvitation(t.Context(), time.Now())
		if err != nil {
			t.Fatal(err)
		}
		accept := func(token, login, password, code string) error {
			_, err := o.Accept(t.Context(), token, Acceptance{Login: login, Name: "Anna Rossi", Password: password, Code: code}, time.Now())
			return err
		}
		right := code(t, o.seedFor(t, first), time.Now())
		for name, c := range map[string]struct {
			token, login, password, code string
			want                         error
		}{
			"a link that never was":   {"x", "anna", password, right, ErrGone},
			"a link without end":      {strings.Repeat("x", 1000), "anna", password, right, ErrGone},
			"no name to sign in with": {first, " ", password, right, ErrInvalid},
			"a name with spaces":      {first, "anna rossi", password, right, ErrInvalid},
			"a short password":        {first, "anna", "short", right, ErrWeak},
			"a password of one key":   {first, "anna", strings.Repeat("a", 20), right, ErrWeak},
			"a password with a name":  {first, "anna", "annaannaannaXYZ", right, ErrWeak},
			"another code":            {first, "anna", password, "000000", ErrCode},
			"another link's code":     {another, "anna", password, right, ErrCode},
		} {
			if err := accept(c.token, c.login, c.password, c.code); !errors.Is(err, c.want) {
				t.Errorf("%s: got %v, want %v", name, err, c.want)
			}
		}
		if err := accept(first, "anna", password, right); err != nil {
			t.Fatal(err)
		}
		if err := accept(first, "berta", password, right); !errors.Is(err, ErrGone) {
			t.Errorf("a used link: %v", err)
		}
		if err := accept(another, "berta", password, code(t, o.seedFor(t, another), time.Now())); !errors.Is(err, ErrGone) {
			t.Errorf("a second first link: %v", err)
		}
		late, err := o.NewInvitation(t.Context(), Invitation{Login: "carla", Name: "Carla", Grant: Grant{Roles: []string{"viewer"}}}, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := o.NewInvitation(t.Context(), Invitation{Login: "ANNA", Name: "Anna", Grant: Grant{Roles: []string{"viewer"}}}, time.Now()); !errors.Is(err, ErrTaken) {
			t.Errorf("a login that is taken: %v", err)
		}
		time.Sleep(InvitationLasts + time.Second)
		if err := accept(late, "", password, code(t, o.seedFor(t, late), time.Now())); !errors.Is(err, ErrGone) {
			t.Errorf("an expired link: %v", err)
		}
	})
}

func TestRecoveryCodes(t *testing.T) {
	o := office(t)
	e, _ := o.joined(t, "anna", "author")
	codes, err := o.renewed(t, e)
	if err != nil || len(codes) != recoveryCodes {
		t.Fatalf("%q, %v", codes, err)
	}
	enter := func(password, code string) error {
		_ = o.store.Forgive(t.Context(), "login anna")
		_, err := o.Enter(t.Context(), Entry{Login: "anna", Password: password, Code: code}, time.Now())
		return err
	}
	if err := enter("", codes[0]); !errors.Is(err, ErrRefused) {
		t.Errorf("without the password: %v", err)
	}
	if err := enter(password, strings.ToLower(strings.ReplaceAll(codes[0], "-", " "))); err != nil {
		t.Errorf("a code as people write it: %v", err)
	}
	if err := enter(password, codes[0]); !errors.Is(err, ErrRefused) {
		t.Errorf("a used code: %v", err)
	}
	if _, err := o.renewed(t, e); err != nil {
		t.Fatal(err)
	}
	if err := enter(password, codes[1]); !errors.Is(err, ErrRefused) {
		t.Errorf("a code of the sheet before: %v", err)
	}
	m, err := o.member(t.Context(), e.Member.ID)
	if err != nil {
		t.Fatal(err)
	}
	text, _ := json.Marshal(m)
	for _, c := range codes {
		if strings.Contains(string(text), strings.ReplaceAll(c, "-", "")) || strings.Contains(string(text), password) {
			t.Error("a secret is stored as it is")
		}
	}
}

func TestAProofIsForOneDeedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := office(t)
		e, seed := o.joined(t, "anna", "approver")
		m, s, err := o.Who(t.Context(), e.Token)
		if err != nil {
			t.Fatal(err)
		}
		prove := func(d Deed) {
			t.Helper()
			time.Sleep(codeStep)
			if err := o.ProveByCode(t.Context(), m, s, d, code(t, seed, time.Now()), time.Now()); err != nil {
				t.Fatal(err)
			}
		}
		deed := Deed{"approve", "aa"}
		for name, spend := range map[string]func() error{
			"another act":     func() error { return o.Spend(t.Context(), s, Deed{"cancel", "aa"}) },
			"another digest":  func() error { return o.Spend(t.Context(), s, Deed{"approve", "ab"}) },
			"no digest":       func() error { return o.Spend(t.Context(), s, Deed{"approve", ""}) },
			"another session": func() error { return o.Spend(t.Context(), &Session{Digest: "other"}, deed) },
			"too late": func() error {
				time.Sleep(ProofLasts + time.Second)
				return o.Spend(t.Context(), s, deed)
			},
		} {
			prove(deed)
			if err := spend(); !errors.Is(err, ErrRefused) {
				t.Errorf("%s: %v", name, err)
			}
		}
		prove(deed)
		if err := o.Spend(t.Context(), s, deed); err != nil {
			t.Errorf("the deed: %v", err)
		}
		if err := o.Spend(t.Context(), s, deed); !errors.Is(err, ErrRefused) {
			t.Errorf("the deed again: %v", err)
		}
		old := code(t, seed, time.Now())
		if err := o.ProveByCode(t.Context(), m, s, deed, old, time.Now()); !errors.Is(err, ErrCode) {
			t.Errorf("a used code: %v", err)
		}
		if _, err := o.AskProof(t.Context(), m, s, deed); !errors.Is(err, ErrRefused) {
			t.Errorf("without a passkey: %v", err)
		}
	})
}

func TestRightsNeedASecondAdministrator(t *testing.T) {
	o := office(t)
	now := time.Now()
	anna, _ := o.joined(t, "anna", "administrator")
	carla, _ := o.joined(t, "carla", "author")
	if token, waits, err := o.Ask(t.Context(), anna.Member, Change{Login: "dora", Name: "Dora", Grant: Grant{Roles: []string{"viewer"}}}, now); token == "" || waits || err != nil {
		t.Errorf("alone: %q %v %v", token, waits, err)
	}
	if err := o.ends(t.Context(), anna.Member, ToDisable, anna.Member.ID, now); !errors.Is(err, ErrLast) {
		t.Errorf("the last one: %v", err)
	}
	if _, _, err := o.Ask(t.Context(), anna.Member, Change{Member: anna.Member.ID, Grant: Grant{Roles: []string{"viewer"}}}, now); !errors.Is(err, ErrLast) {
		t.Errorf("the last one's rights: %v", err)
	}
	berta, _ := o.joined(t, "berta", "administrator")
	more := Grant{Roles: []string{"author", "approver"}}
	if _, waits, err := o.Ask(t.Context(), anna.Member, Change{Member: carla.Member.ID, Grant: more}, now); !waits || err != nil {
		t.Fatalf("with two: %v %v", waits, err)
	}
	can := func() bool {
		m, err := o.member(t.Context(), carla.Member.ID)
		if err != nil {
			t.Fatal(err)
		}
		return m.Person().Can(alerts.VerbApprove)
	}
	changes, err := o.Changes(t.Context())
	if err != nil || len(changes) != 1 {
		t.Fatalf("%v %v", changes, err)
	}
	for digest := range changes {
		for name, c := range map[string]struct {
			by   *Member
			want error
		}{"the one who asked": {anna.Member, ErrNotYours}, "no administrator": {carla.Member, ErrRefused}} {
			if _, _, err := o.Confirm(t.Context(), c.by, digest, now); !errors.Is(err, c.want) || can() {
				t.Errorf("%s: %v, changed %v", name, err, can())
			}
		}
		if _, _, err := o.Confirm(t.Context(), berta.Member, digest, now); err != nil || !can() {
			t.Errorf("the second: %v, changed %v", err, can())
		}
		if _, _, err := o.Confirm(t.Context(), berta.Member, digest, now); !errors.Is(err, ErrGone) {
			t.Errorf("again: %v", err)
		}
	}
	for name, err := range map[string]error{
		"asked by who may not":    second(o.Ask(t.Context(), carla.Member, Change{Member: carla.Member.ID, Grant: EveryRole()}, now)),
		"disabled by who may not": o.ends(t.Context(), carla.Member, ToDisable, anna.Member.ID, now),
		"erased by who may not":   o.ends(t.Context(), carla.Member, ToErase, anna.Member.ID, time.Now()),
		"erased while enabled":    o.ends(t.Context(), anna.Member, ToErase, carla.Member.ID, time.Now()),
	} {
		if !errors.Is(err, ErrRefused) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, do := range []string{ToDisable, ToErase} {
		o.agreed(t, anna.Member, berta.Member, Change{Do: do, Member: carla.Member.ID}, now)
	}
	if _, err := o.member(t.Context(), carla.Member.ID); !errors.Is(err, alerts.ErrNotFound) {
		t.Errorf("erased: %v", err)
	}
}

// agreed asks for a change that another administrator must confirm.
func (o *Office) agreed(t testing.TB, by, other *Member, c Change, now time.Time) {
	t.Helper()
	if _, waits, err := o.Ask(t.Context(), by, c, now); !waits || err != nil {
		t.Fatalf("asked for %s: waits %v, %v", c, waits, err)
	}
	changes, err := o.Changes(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for digest, one := range changes {
		if one.Member != c.Member || one.Do != c.Do {
			continue
		}
		if _, _, err := o.Confirm(t.Context(), by, digest, now); !errors.Is(err, ErrNotYours) {
			t.Errorf("%s confirmed by who asked: %v", c, err)
		}
		if _, _, err := o.Confirm(t.Context(), other, digest, now); err != nil {
			t.Fatalf("%s confirmed: %v", c, err)
		}
		return
	}
	t.Fatalf("%s is not among the changes", c)
}

func second(_ string, _ bool, err error) error { return err }

func TestRolesAreVerbsWithinLimits(t *testing.T) {
	for role, want := range map[string][]alerts.Verb{
		"viewer": {alerts.VerbRead}, "author": {alerts.VerbRead, alerts.VerbSubmit}, "approver": {alerts.VerbRead, alerts.VerbApprove, alerts.VerbCall}, "volunteers": {alerts.VerbRead, alerts.VerbCall}, "administrator": {alerts.VerbRead}, "unknown": nil,
	} {
		m := &Member{Grant: Grant{Roles: []string{role}, Limits: alerts.Rights{Verbs: []alerts.Verb{alerts.VerbIssue}, SelfApprove: true, Areas: []string{"099*"}}}}
		p := m.Person()
		if p.Rights.SelfApprove || len(p.Rights.Areas) != 1 {
			t.Errorf("%s: %+v", role, p.Rights)
		}
		for _, v := range alerts.Verbs {
			has := false
			for _, w := range want {
				has = has || v == w
			}
			if p.Can(v) != has {
				t.Errorf("%s may %s: %v", role, v, p.Can(v))
			}
		}
	}
}

func TestCeremoniesAreForOnePurpose(t *testing.T) {
	o := office(t)
	e, _ := o.joined(t, "anna", "author")
	m, s, err := o.Who(t.Context(), e.Token)
	if err != nil {
		t.Fatal(err)
	}
	answer := []byte(`{}`)
	for name, finish := range map[string]func(id string) error{
		"to add": func(id string) error { return o.AddPasskey(t.Context(), m, s, id, answer, time.Now()) },
		"to prove": func(id string) error {
			return o.ProveByPasskey(t.Context(), m, s, Deed{"approve", "aa"}, id, answer, time.Now())
		},
		"to enter": func(id string) error {
			_, err := o.EnterByPasskey(t.Context(), id, answer, "", time.Now())
			return err
		},
		"to join": func(id string) error {
			_, err := o.JoinByPasskey(t.Context(), "x", id, answer, "", time.Now())
			return err
		},
	} {
		c, err := o.AskEnter(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if err := finish(c.ID); !errors.Is(err, ErrRefused) {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := o.take(t.Context(), c.ID, toEnter, ""); !errors.Is(err, ErrRefused) {
			t.Errorf("%s: the ceremony was not used up: %v", name, err)
		}
	}
}

// What strangers send as an answer of a passkey is refused, whatever it is.
func FuzzPasskeyAnswers(f *testing.F) {
	f.Add([]byte(`{}`))
	f.Add([]byte(`{"id":"YQ","rawId":"YQ","type":"public-key","response":{"clientDataJSON":"e30","authenticatorData":"` + base64.RawURLEncoding.EncodeToString(make([]byte, 37)) + `","signature":"YQ","userHandle":"YQ"}}`))
	f.Add([]byte(`{"id":"YQ","rawId":"YQ","type":"public-key","response":{"clientDataJSON":"e30","attestationObject":"o2NmbXRkbm9uZWdhdHRTdG10oGhhdXRoRGF0YUA"}}`))
	o, err := New(emptyStaff{}, "Valdemo", "https://allerta.valdemo.example")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, answer []byte) {
		if m, err := o.asserted(t.Context(), &ceremony{Purpose: toEnter}, answer, "", time.Now()); !errors.Is(err, ErrRefused) || m != nil {
			t.Errorf("entered: %v %v", m, err)
		}
		if err := o.created(&Member{ID: "staff:a"}, &ceremony{}, answer, "", time.Now()); !errors.Is(err, ErrRefused) {
			t.Errorf("created: %v", err)
		}
	})
}

// emptyStaff knows nobody.
type emptyStaff struct{ broadcast.Staff }

func (emptyStaff) Member(context.Context, string) ([]byte, int64, error) {
	return nil, 0, alerts.ErrNotFound
}

// ends disables or erases, as the page does; it is an error of a test to wait
// for a second administrator.
func (o *Office) ends(ctx context.Context, by *Member, do, id string, now time.Time) error {
	_, waits, err := o.Ask(ctx, by, Change{Do: do, Member: id}, now)
	if waits {
		return errors.New("it waits for a second administrator")
	}
	return err
}
