package signin

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"martinella/alerts"
	"martinella/dashboards/signin/oidctest"
)

// travelling is an office with a provider at which Anna sits.
func travelling(t testing.TB, change ...func(*ProviderConfig)) (*Office, *oidctest.Provider) {
	t.Helper()
	fake := oidctest.Start(t, "anna at the provider")
	c := ProviderConfig{Name: "Regione", Issuer: fake.URL, ClientID: oidctest.ClientID, Secret: func() (string, error) { return oidctest.Secret, nil }}
	for _, f := range change {
		f(&c)
	}
	p, err := NewProvider(c)
	if err != nil {
		t.Fatal(err)
	}
	o := office(t)
	o.Through(p)
	return o, fake
}

// visits goes to the provider as a browser does, and gives what it brings back.
func visits(t testing.TB, d *Departure) Return {
	t.Helper()
	browser := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, d.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := browser.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	to, err := res.Location()
	if err != nil {
		t.Fatalf("the provider: %s, %v", res.Status, err)
	}
	q := to.Query()
	return Return{Browser: d.Browser, State: q.Get("state"), Code: q.Get("code"), Issuer: q.Get("iss"), Agent: "test"}
}

// boundMember is a member who joined through the provider, and their session.
func (o *Office) boundMember(t testing.TB, login string, roles ...string) (*Member, *Session) {
	t.Helper()
	now := time.Now()
	token, err := o.NewInvitation(t.Context(), Invitation{Login: login, Name: "Name of " + login, Grant: Grant{Roles: roles, Limits: alerts.Rights{Statuses: alerts.Statuses}}}, now)
	if err != nil {
		t.Fatal(err)
	}
	d, err := o.JoinThrough(t.Context(), token, Acceptance{}, "/console", now)
	if err != nil {
		t.Fatal(err)
	}
	a, err := o.Return(t.Context(), visits(t, d), time.Now())
	if err != nil || a.Entered == nil || !a.Bound {
		t.Fatalf("joining: %+v %v", a, err)
	}
	m, s, err := o.Who(t.Context(), a.Entered.Token)
	if err != nil {
		t.Fatal(err)
	}
	return m, s
}

func (o *Office) enters(t testing.TB) (*Arrival, error) {
	t.Helper()
	d, err := o.EnterThrough(t.Context(), "/console", time.Now())
	if err != nil {
		return nil, err
	}
	return o.Return(t.Context(), visits(t, d), time.Now())
}

func TestEnteringThroughAProvider(t *testing.T) {
	for _, alg := range []string{"RS256", "ES256"} {
		o, fake := travelling(t)
		fake.Signs(alg)
		if _, err := o.enters(t); !errors.Is(err, ErrUnbound) {
			t.Fatalf("%s: nobody is bound: %v", alg, err)
		}
		m, s := o.boundMember(t, "anna", "viewer")
		if s.By != ByProvider {
			t.Errorf("%s: the session is by %q", alg, s.By)
		}
		a, err := o.enters(t)
		if err != nil || a.Entered.Member.ID != m.ID || a.Next != "/console" {
			t.Fatalf("%s: %+v %v", alg, a, err)
		}
		if q := fake.Asked(); q.Get("scope") != "openid" || q.Get("prompt") != "" || q.Get("redirect_uri") != "https://allerta.valdemo.example"+ReturnPath {
			t.Errorf("%s: asked %v", alg, q)
		}
		fake.Sits("somebody else with the same e-mail address")
		if _, err := o.enters(t); !errors.Is(err, ErrUnbound) {
			t.Errorf("%s: another subject: %v", alg, err)
		}
		fake.Sits("anna at the provider")
		if _, err := o.change(t.Context(), m.ID, nil, func(m *Member) error { m.Disabled = time.Now(); return nil }); err != nil {
			t.Fatal(err)
		}
		if _, err := o.enters(t); !errors.Is(err, ErrUnbound) {
			t.Errorf("%s: a disabled member: %v", alg, err)
		}
	}
}

// What is wrong with an ID token keeps everybody out, and what is told of it
// holds nothing secret.
func TestTokensThatDoNotCount(t *testing.T) {
	bent := func(name string, value any) func(*oidctest.Provider) {
		return func(f *oidctest.Provider) {
			f.Bend(func(c oidctest.Claims) {
				if c[name] = value; value == nil {
					delete(c, name)
				}
			})
		}
	}
	signs := func(alg string) func(*oidctest.Provider) { return func(f *oidctest.Provider) { f.Signs(alg) } }
	now := time.Now().Unix()
	for name, bend := range map[string]func(*oidctest.Provider){
		"another issuer":             bent("iss", "https://evil.example"),
		"another audience":           bent("aud", "another"),
		"two audiences, no party":    bent("aud", []string{oidctest.ClientID, "another"}),
		"another party":              bent("azp", "another"),
		"another nonce":              bent("nonce", "another"),
		"no nonce":                   bent("nonce", nil),
		"expired":                    bent("exp", now-1),
		"no expiry":                  bent("exp", nil),
		"not before an hour":         bent("nbf", now+3600),
		"made in an hour":            bent("iat", now+3600),
		"no subject":                 bent("sub", nil),
		"a subject of another kind":  bent("sub", 7),
		"an empty subject":           bent("sub", ""),
		"a huge subject":             bent("sub", strings.Repeat("x", 256)),
		"alg none":                   signs("none"),
		"HS256 with the public key":  signs("HS256"),
		"a key that nobody knows":    signs("stranger"),
		"a level that is not stated": bent("acr", nil),
		"a lower level":              bent("acr", "https://www.spid.gov.it/SpidL1"),
		"a method that is missing":   bent("amr", []string{"pwd"}),
		"no token": func(f *oidctest.Provider) {
			f.Answer("/token", func(w http.ResponseWriter, _ *http.Request) {
				f.JSON(w, map[string]string{"access_token": "hush", "token_type": "Bearer"})
			})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			level := "https://www.spid.gov.it/SpidL2"
			o, fake := travelling(t, func(c *ProviderConfig) {
				if strings.Contains(name, "level") {
					c.ACR = []string{level}
				}
				if strings.Contains(name, "method") {
					c.AMR = []string{"otp"}
				}
			})
			fake.Bend(func(c oidctest.Claims) { c["acr"], c["amr"] = level, []string{"pwd", "otp"} })
			o.boundMember(t, "anna", "viewer")
			if _, err := o.enters(t); err != nil {
				t.Fatalf("before: %v", err)
			}
			if got := fake.Asked().Get("acr_values"); strings.Contains(name, "level") != (got == level) {
				t.Errorf("acr_values %q", got)
			}
			bend(fake)
			a, err := o.enters(t)
			var answer *AnswerError
			if !errors.As(err, &answer) || a.Entered != nil {
				t.Errorf("%+v %v", a, err)
			}
			if err != nil && (strings.Contains(err.Error(), "hush") || strings.Contains(err.Error(), "eyJ") || len(err.Error()) > 300) {
				t.Errorf("it tells %v", err)
			}
			fake.Bend(nil)
		})
	}
}

func TestKeysAreReadAnewWhenTheyChange(t *testing.T) {
	o, fake := travelling(t)
	o.boundMember(t, "anna", "viewer")
	fake.Rotate(t)
	if _, err := o.enters(t); err != nil {
		t.Errorf("with new keys: %v", err)
	}
	if n := fake.Calls("/keys"); n != 2 {
		t.Errorf("keys were read %d times, want 2", n)
	}
	if n := fake.Calls("/.well-known/openid-configuration"); n != 1 {
		t.Errorf("discovery was read %d times, want 1", n)
	}
}

// A provider that is away is no error of ours: others ways in are not touched,
// and it is asked again at the next attempt.
func TestAProviderThatIsAway(t *testing.T) {
	const document = "/.well-known/openid-configuration"
	huge := func(w http.ResponseWriter, _ *http.Request) {
		for range 2 << 10 {
			if _, err := w.Write([]byte(strings.Repeat(" ", 1<<10))); err != nil {
				return
			}
		}
	}
	wrong := func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "secret hush", http.StatusInternalServerError)
	}
	for name, c := range map[string]struct {
		path   string
		answer http.HandlerFunc
	}{
		"500":             {document, wrong},
		"a huge document": {document, huge},
		"no document":     {document, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>")) }},
		"it leads away":   {document, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/keys", http.StatusFound) }},
		"500 for a code":  {"/token", wrong},
		"huge for a code": {"/token", huge},
		"500 for keys":    {"/keys", wrong},
		"huge keys":       {"/keys", huge},
		"leads codes away": {"/token", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/else", http.StatusTemporaryRedirect)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o, fake := travelling(t)
			fake.Answer(c.path, c.answer)
			_, err := o.enters(t)
			var away *AwayError
			var answer *AnswerError
			if !errors.As(err, &away) && !errors.As(err, &answer) || strings.Contains(err.Error(), oidctest.Secret) || len(err.Error()) > 300 {
				t.Errorf("%v", err)
			}
			if c.path == document && fake.Calls(document) != providerAttempts {
				t.Errorf("it was asked %d times", fake.Calls(document))
			}
			if fake.Calls("/else") != 0 {
				t.Error("a secret was led elsewhere")
			}
			fake.Answer(c.path, nil)
			if _, err := o.enters(t); !errors.Is(err, ErrUnbound) {
				t.Errorf("when it is back: %v", err)
			}
		})
	}
}

func TestASlowProviderIsNotWaitedForLong(t *testing.T) {
	o, fake := travelling(t)
	fake.Answer("/.well-known/openid-configuration", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() {
		_, err := o.EnterThrough(ctx, "", time.Now())
		done <- err
	}()
	cancel() // the person closed the page
	var away *AwayError
	if err := <-done; !errors.As(err, &away) {
		t.Errorf("%v", err)
	}
	if o.provider.client.Timeout != providerTimeout {
		t.Error("the client waits for ever")
	}
}

// A document whose services prove nothing is none; nor is one of another issuer.
func TestDocumentsThatDoNotCount(t *testing.T) {
	for name, bend := range map[string]func(map[string]any){
		"http for tokens":   func(d map[string]any) { d["token_endpoint"] = "http://login.example/token" },
		"http for browsers": func(d map[string]any) { d["authorization_endpoint"] = "http://login.example/authorize" },
		"a script":          func(d map[string]any) { d["authorization_endpoint"] = "javascript:alert(1)" },
		"http for keys":     func(d map[string]any) { d["jwks_uri"] = "http://login.example/keys" },
		"no keys":           func(d map[string]any) { delete(d, "jwks_uri") },
		"another issuer":    func(d map[string]any) { d["issuer"] = "https://login.example" },
	} {
		t.Run(name, func(t *testing.T) {
			o, fake := travelling(t)
			d := fake.Document()
			bend(d)
			fake.Answer("/.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) { fake.JSON(w, d) })
			_, err := o.EnterThrough(t.Context(), "", time.Now())
			if _, away := errors.AsType[*AwayError](err); !away {
				t.Errorf("%v", err)
			}
		})
	}
	for _, issuer := range []string{"http://login.example", "login.example", "https://a:b@login.example", "https://login.example/?x=1", "https://login.example#x", "ftp://login.example"} {
		if _, err := NewProvider(ProviderConfig{Name: "x", Issuer: issuer, ClientID: "x", Secret: func() (string, error) { return "x", nil }}); err == nil {
			t.Errorf("%s is taken", issuer)
		}
	}
}

// A state counts once, and for the browser that left; so does a code.
func TestReturnsThatDoNotCount(t *testing.T) {
	o, fake := travelling(t)
	o.boundMember(t, "anna", "viewer")
	leave := func() Return {
		d, err := o.EnterThrough(t.Context(), "/console", time.Now())
		if err != nil {
			t.Fatal(err)
		}
		return visits(t, d)
	}
	refused := func(name string, r Return, want error) {
		t.Helper()
		a, err := o.Return(t.Context(), r, time.Now())
		var answer *AnswerError
		if a.Entered != nil || (want == nil && !errors.As(err, &answer)) || (want != nil && !errors.Is(err, want)) {
			t.Errorf("%s: %+v %v", name, a, err)
		}
	}
	mine := leave()
	other := leave()
	refused("another browser's state", Return{Browser: other.Browser, State: mine.State, Code: mine.Code}, nil)
	refused("no browser", Return{State: mine.State, Code: mine.Code}, nil)
	refused("an invented state", Return{Browser: mine.Browser, State: secret(), Code: mine.Code}, nil)
	refused("a long state", Return{Browser: mine.Browser, State: strings.Repeat("x", 5000), Code: mine.Code}, nil)
	if a, err := o.Return(t.Context(), mine, time.Now()); err != nil || a.Entered == nil {
		t.Fatalf("another browser used it up: %v", err)
	}
	refused("the state again", mine, nil)

	again := leave()
	again.Code = mine.Code
	refused("a code again", again, nil)
	mixed := leave()
	mixed.Code = other.Code // whose verifier is another
	refused("a code of another journey", mixed, nil)
	from := leave()
	from.Issuer = "https://evil.example"
	refused("of another issuer (RFC 9207)", from, nil)
	empty := leave()
	empty.Code = ""
	refused("no code", empty, nil)
	no := leave()
	no.Failed = "access_denied"
	refused("the person cancelled", no, ErrDeclined)
	long := leave()
	long.Code = strings.Repeat("x", longestCode+1)
	before := fake.Calls("/token")
	refused("a huge code", long, nil)
	if fake.Calls("/token") != before {
		t.Error("a huge code went to the provider")
	}
}

// A proof at the provider is for one deed of one session, of the same person,
// who must have been there just now.
func TestProvingThroughAProvider(t *testing.T) {
	o, fake := travelling(t)
	m, s := o.boundMember(t, "anna", "approver")
	deed := Deed{Act: "approve", Digest: "abc"}
	prove := func() (*Arrival, error) {
		d, err := o.ProveThrough(t.Context(), m, s, deed, url.Values{"reason": {"dam"}}, "/console/a/x/approve", time.Now())
		if err != nil {
			t.Fatal(err)
		}
		return o.Return(t.Context(), visits(t, d), time.Now())
	}
	now := time.Now().Unix()
	for name, value := range map[string]any{"no auth_time": nil, "an old one": now - 61, "one of tomorrow": now + 3600} {
		fake.Bend(func(c oidctest.Claims) {
			if c["auth_time"] = value; value == nil {
				delete(c, "auth_time")
			}
		})
		if a, err := prove(); err == nil || a.Proved || o.Proved(t.Context(), s, deed) == nil {
			t.Errorf("%s: %+v %v", name, a, err)
		}
	}
	fake.Bend(nil)
	fake.Sits("bruno at the provider")
	if _, err := prove(); !errors.Is(err, ErrOther) || o.Proved(t.Context(), s, deed) == nil {
		t.Errorf("another person came back: %v", err)
	}
	fake.Sits("anna at the provider")
	a, err := prove()
	if err != nil || !a.Proved || a.Entered != nil || a.Next != "/console/a/x/approve" {
		t.Fatalf("%+v %v", a, err)
	}
	if q := fake.Asked(); q.Get("prompt") != "login" || q.Get("max_age") != "0" {
		t.Errorf("asked %v", q)
	}
	if typed := o.Typed(t.Context(), s, deed); typed.Get("reason") != "dam" {
		t.Errorf("typed %v", typed)
	}
	for name, other := range map[string]Deed{"another act": {"cancel", "abc"}, "another digest": {"approve", "abd"}, "the account": AccountDeed(m)} {
		if err := o.Spend(t.Context(), s, other); !errors.Is(err, ErrRefused) {
			t.Errorf("%s is proved: %v", name, err)
		}
	}
	e, err := o.enters(t)
	if err != nil {
		t.Fatal(err)
	}
	_, second, err := o.Who(t.Context(), e.Entered.Token)
	if err != nil {
		t.Fatal(err)
	}
	if err := o.Spend(t.Context(), second, deed); !errors.Is(err, ErrRefused) {
		t.Errorf("another session: %v", err)
	}
	if err := o.Spend(t.Context(), s, deed); err != nil {
		t.Errorf("the deed: %v", err)
	}
	if err := o.Spend(t.Context(), s, deed); !errors.Is(err, ErrRefused) {
		t.Errorf("twice: %v", err)
	}

	// Who was signed out meanwhile proves nothing.
	d, err := o.ProveThrough(t.Context(), m, s, deed, nil, "/console", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	r := visits(t, d)
	if err := o.End(t.Context(), m.ID, s.Digest); err != nil {
		t.Fatal(err)
	}
	if _, err := o.Return(t.Context(), r, time.Now()); !errors.Is(err, ErrRefused) {
		t.Errorf("after signing out: %v", err)
	}
}

// Binding needs a fresh proof, unbinding another way in, and both are in the
// ledger.
func TestBindingAndUnbinding(t *testing.T) {
	o, fake := travelling(t)
	only, session := o.boundMember(t, "anna", "viewer")
	if err := o.grant(t.Context(), session, AccountDeed(only)); err != nil {
		t.Fatal(err)
	}
	if err := o.Unbind(t.Context(), only, session, time.Now()); !errors.Is(err, ErrLast) || o.Proved(t.Context(), session, AccountDeed(only)) != nil {
		t.Errorf("the only way in: %v", err)
	}

	e, _ := o.joined(t, "bruno", "viewer")
	m, s, err := o.Who(t.Context(), e.Token)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := o.ProveThrough(t.Context(), m, s, AccountDeed(m), nil, "", time.Now()); !errors.Is(err, ErrUnbound) {
		t.Errorf("proving without a binding: %v", err)
	}
	if _, err := o.BindThrough(t.Context(), m, s, "/console/account", time.Now()); !errors.Is(err, ErrUnproved) {
		t.Errorf("without a proof: %v", err)
	}
	bind := func() error {
		if err := o.grant(t.Context(), s, AccountDeed(m)); err != nil {
			t.Fatal(err)
		}
		d, err := o.BindThrough(t.Context(), m, s, "/console/account", time.Now())
		if err != nil {
			return err
		}
		_, err = o.Return(t.Context(), visits(t, d), time.Now())
		return err
	}
	if err := bind(); !errors.Is(err, ErrBound) {
		t.Errorf("Anna's account: %v", err)
	}
	fake.Sits("bruno at the provider")
	if err := bind(); err != nil {
		t.Fatalf("binding: %v", err)
	}
	if o.Proved(t.Context(), s, AccountDeed(m)) == nil {
		t.Error("the proof was not used up")
	}
	m, _ = o.member(t.Context(), m.ID)
	if err := bind(); !errors.Is(err, ErrBound) {
		t.Errorf("twice: %v", err)
	}
	if a, err := o.enters(t); err != nil || a.Member.ID != m.ID {
		t.Errorf("entering: %v", err)
	}
	if err := o.Unbind(t.Context(), m, s, time.Now()); err != nil {
		t.Fatal(err)
	}
	if _, err := o.enters(t); !errors.Is(err, ErrUnbound) {
		t.Errorf("after unbinding: %v", err)
	}
	acts, err := o.store.RecentActs(t.Context(), 10)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]int{}
	for _, a := range acts {
		found[a.Verb]++
		if strings.Contains(a.Reason+a.Of, "at the provider") {
			t.Errorf("the ledger keeps the subject: %+v", a)
		}
	}
	if found[VerbBound] != 1 || found[VerbUnbound] != 1 {
		t.Errorf("acts %v", found)
	}
}

// One account joins once; a link that is used up, or whose inviter is gone, is
// gone at the return too.
func TestJoiningThroughAProvider(t *testing.T) {
	o, fake := travelling(t)
	boss, _ := o.boundMember(t, "boss", "administrator")
	invite := func(login string) string {
		token, err := o.NewInvitation(t.Context(), Invitation{Login: login, Name: login, Grant: Grant{Roles: []string{"viewer"}}, By: alerts.By{ID: boss.ID}}, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	join := func(token string) (Return, error) {
		d, err := o.JoinThrough(t.Context(), token, Acceptance{}, "/console", time.Now())
		if err != nil {
			return Return{}, err
		}
		return visits(t, d), nil
	}
	token := invite("eva")
	r, err := join(token)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := o.Return(t.Context(), r, time.Now()); !errors.Is(err, ErrBound) {
		t.Errorf("the boss's own account: %v", err)
	}
	fake.Sits("eva at the provider")
	r, _ = join(token) // nothing was used up
	late, _ := join(token)
	if a, err := o.Return(t.Context(), r, time.Now()); err != nil || a.Member.Login != "eva" || a.Member.Password != "" {
		t.Fatalf("%+v %v", a, err)
	}
	fake.Sits("another eva")
	if _, err := o.Return(t.Context(), late, time.Now()); !errors.Is(err, ErrGone) {
		t.Errorf("the link again: %v", err)
	}
	r, err = join(invite("ugo"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := o.change(t.Context(), boss.ID, nil, func(m *Member) error { m.Disabled = time.Now(); return nil }); err != nil {
		t.Fatal(err)
	}
	if _, err := o.Return(t.Context(), r, time.Now()); !errors.Is(err, ErrGone) {
		t.Errorf("the inviter was disabled: %v", err)
	}
}
