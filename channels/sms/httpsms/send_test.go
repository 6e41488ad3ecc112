package httpsms

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"martinella/channels"
	"martinella/channels/channeltest"
	"martinella/channels/provider"
)

// scripted is a carrier that answers as told.
type scripted struct {
	mu     sync.Mutex
	errs   []error // one a send; then nil
	tries  int
	found  string
	fails  error // of find
	blind  bool  // it cannot be asked
	bare   bool  // its credentials cannot be checked
	broken error
	forms  []text
}

func (s *scripted) send(_ context.Context, t text) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tries++
	s.forms = append(s.forms, t)
	if len(s.errs) > 0 {
		err := s.errs[0]
		s.errs = s.errs[1:]
		if err != nil {
			return "", err
		}
	}
	return fmt.Sprint("id", s.tries), nil
}
func (s *scripted) finds() bool { return !s.blind }
func (s *scripted) find(context.Context, text) (string, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.found, s.found != "", s.fails
}
func (s *scripted) checks() bool                { return !s.bare }
func (s *scripted) check(context.Context) error { return s.broken }
func (s *scripted) events(*http.Request, []byte) ([]channels.DeliveryReport, []channels.Reply, error) {
	return nil, nil, channels.ErrForged
}
func (s *scripted) hears() bool { return true }

func (s *scripted) hookNote() string { return "" }

// several is a channel of scripted providers: a and b serve Italy, c all.
func several(a, b, c *scripted) *Channel {
	ch := &Channel{name: "sms", log: zap.NewNop(), settings: channeltest.Settings(), routes: []*route{
		{name: "a", prefixes: []string{"+39"}, carrier: a}, {name: "b", prefixes: []string{"+39", "+378"}, carrier: b}, {name: "c", carrier: c}}}
	ch.doubts.clock = time.Now
	return ch
}

var errRefused = errors.New("refused")

func TestOneProviderAfterAnother(t *testing.T) {
	for name, c := range map[string]struct {
		to      string
		a, b, c error
		want    channels.Verdict
		id      string
		tries   []int
		wait    time.Duration
	}{
		"the first takes it":                       {testNumber, nil, nil, nil, "accepted", "a:id1", []int{1, 0, 0}, 0},
		"another prefix":                           {"+378054912345", nil, nil, nil, "accepted", "b:id1", []int{0, 1, 0}, 0},
		"no prefix":                                {"+4915112345678", nil, nil, nil, "accepted", "c:id1", []int{0, 0, 1}, 0},
		"surely not taken: the next":               {testNumber, errRefused, nil, nil, "accepted", "b:id1", []int{1, 1, 0}, 0},
		"asked to wait: the next":                  {testNumber, channels.RetryAfter(errRefused, time.Minute), nil, nil, "accepted", "b:id1", []int{1, 1, 0}, 0},
		"credentials: the next":                    {testNumber, channels.Unauthorized(errRefused), nil, nil, "accepted", "b:id1", []int{1, 1, 0}, 0},
		"not for this provider: the next":          {testNumber, elsewhere(errRefused), nil, nil, "accepted", "b:id1", []int{1, 1, 0}, 0},
		"the last one":                             {testNumber, errRefused, channels.Unauthorized(errRefused), nil, "accepted", "c:id1", []int{1, 1, 1}, 0},
		"never after a lost answer":                {testNumber, channels.Uncertain(errRefused), nil, nil, "uncertain", "", []int{1, 0, 0}, 0},
		"never after the second's lost answer":     {testNumber, errRefused, channels.Uncertain(errRefused), nil, "uncertain", "", []int{1, 1, 0}, 0},
		"a number that is none":                    {testNumber, channels.Permanent(errRefused), nil, nil, "permanent", "", []int{1, 0, 0}, 0},
		"nobody takes it now":                      {testNumber, errRefused, errRefused, errRefused, "retry", "", []int{1, 1, 1}, 0},
		"nobody's for this number":                 {testNumber, elsewhere(errRefused), elsewhere(errRefused), elsewhere(errRefused), "permanent", "", []int{1, 1, 1}, 0},
		"not here, and there not now":              {testNumber, elsewhere(errRefused), errRefused, elsewhere(errRefused), "retry", "", []int{1, 1, 1}, 0},
		"all refuse us: the channel is not halted": {testNumber, channels.Unauthorized(errRefused), channels.Unauthorized(errRefused), channels.Unauthorized(errRefused), "retry", "", []int{1, 1, 1}, time.Minute},
		"all ask to wait: the shortest": {testNumber, channels.RetryAfter(errRefused, 3*time.Minute), channels.RetryAfter(errRefused, 2*time.Minute), channels.RetryAfter(errRefused, 5*time.Minute), "retry", "",
			[]int{1, 1, 1}, 2 * time.Minute},
		"some ask to wait: others' numbers go on": {testNumber, channels.RetryAfter(errRefused, time.Minute), channels.RetryAfter(errRefused, time.Minute), errRefused, "retry", "", []int{1, 1, 1}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ps := []*scripted{{errs: []error{c.a}}, {errs: []error{c.b}}, {errs: []error{c.c}}}
				ch := several(ps[0], ps[1], ps[2])
				m := message("k")
				m.To = c.to
				receipt, err := ch.Send(t.Context(), m)
				v, wait := channels.VerdictOf(err)
				if v != c.want || receipt.ID != c.id || wait != c.wait {
					t.Errorf("got %q, %s after %v (%v); want %q, %s, %v", receipt.ID, v, wait, err, c.id, c.want, c.wait)
				}
				for i, p := range ps {
					if p.tries != c.tries[i] {
						t.Errorf("provider %d was asked %d times, want %d", i, p.tries, c.tries[i])
					}
				}
				if err != nil && strings.Contains(err.Error(), "3331234567") {
					t.Errorf("the error tells the number: %v", err)
				}
				if v == channels.VerdictRetry && wait == 0 && !channels.IsApart(err) {
					t.Error("the others' numbers would wait for it")
				}
			})
		})
	}
}

func TestOneAloneIsJudgedByItself(t *testing.T) {
	for name, c := range map[string]error{"unauthorized": channels.Unauthorized(errRefused), "retry": channels.RetryAfter(errRefused, time.Minute), "permanent": elsewhere(errRefused)} {
		ch := several(&scripted{errs: []error{c}}, nil, nil)
		ch.routes = ch.routes[:1]
		_, err := ch.Send(t.Context(), message("k"))
		if verdict(err) != channels.Verdict(name) || channels.IsApart(err) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	ch := several(&scripted{}, nil, nil)
	ch.routes = ch.routes[:1]
	m := message("k")
	m.To = "+4915112345678"
	if _, err := ch.Send(t.Context(), m); verdict(err) != channels.VerdictPermanent || !errors.Is(err, errNobody) {
		t.Errorf("a number that nobody serves: %v", err)
	}
	m.To = "3331234567"
	if _, err := ch.Send(t.Context(), m); !errors.Is(err, errNotANumber) {
		t.Errorf("no number: %v", err)
	}
	m = message("k")
	m.Expires = time.Now().Add(-time.Second)
	if _, err := ch.Send(t.Context(), m); verdict(err) != channels.VerdictPermanent || !errors.Is(err, errExpired) {
		t.Errorf("expired: %v", err)
	}
}

// A provider that rests is left alone, and asked again afterwards.
func TestProvidersRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		core, logged := observer.New(zap.InfoLevel)
		a, b := &scripted{errs: []error{channels.Unauthorized(errRefused), channels.Unauthorized(errRefused), nil, channels.RetryAfter(errRefused, 10*time.Second)}}, &scripted{}
		ch := several(a, b, &scripted{})
		ch.log = zap.New(core)
		asked := func(wantA, wantB int) {
			t.Helper()
			if _, err := ch.Send(t.Context(), message("k")); err != nil || a.tries != wantA || b.tries != wantB {
				t.Errorf("asked a %d, b %d (%v); want %d, %d", a.tries, b.tries, err, wantA, wantB)
			}
		}
		asked(1, 1)
		asked(1, 2)
		time.Sleep(refusedRest)
		asked(2, 3)
		time.Sleep(refusedRest)
		asked(3, 3) // it takes us again
		asked(4, 4)
		asked(4, 5)
		time.Sleep(10 * time.Second)
		asked(5, 5)
		var words []string
		for _, e := range logged.All() {
			words = append(words, e.Message)
		}
		if len(words) != 2 || !strings.Contains(words[0], "refuses our credentials") || !strings.Contains(words[1], "again") {
			t.Errorf("logged %q", words)
		}
	})
}

// A check that proves nothing does not bring back who refuses us; one that does
// brings it back at once.
func TestOnlyAProvingCheckEndsARefusal(t *testing.T) {
	for _, bare := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			a := &scripted{errs: []error{channels.Unauthorized(errRefused)}, bare: bare}
			ch := several(a, &scripted{}, &scripted{})
			for range 2 {
				if _, err := ch.Send(t.Context(), message("k")); err != nil {
					t.Fatal(err)
				}
				if err := ch.Check(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			if want := map[bool]int{true: 1, false: 2}[bare]; a.tries != want {
				t.Errorf("checked for nothing %v: asked %d times, want %d", bare, a.tries, want)
			}
		})
	}
}

// A yes to what went before does not end a pause that was asked for after it.
func TestAnEarlierYesEndsNoPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := &scripted{errs: []error{channels.RetryAfter(errRefused, time.Minute)}}, &scripted{}
		ch := several(a, b, &scripted{})
		if _, err := ch.Send(t.Context(), message("1")); err != nil {
			t.Fatal(err)
		}
		ch.routes[0].well() // of one that was on its way
		if _, err := ch.Send(t.Context(), message("2")); err != nil || a.tries != 1 || b.tries != 2 {
			t.Errorf("asked a %d times, b %d (%v)", a.tries, b.tries, err)
		}
	})
}

// "It has it already" without an id is no id.
func TestNoIDIsNone(t *testing.T) {
	s := httptest.NewServer(channeltest.Status(409, `{"code":"duplicate"}`))
	defer s.Close()
	c := genericConfig(t, s.URL)
	c.Answer.Verdicts = append(c.Answer.Verdicts, provider.Rule{Status: "409", Code: "duplicate", Verdict: "accepted"})
	if receipt, err := opened(t, Config{ProviderConfig: c}).Send(t.Context(), message("k")); err != nil || receipt.ID != "" {
		t.Errorf("got %q, %v", receipt.ID, err)
	}
}

func TestFindAmongProviders(t *testing.T) {
	for name, c := range map[string]struct {
		a, b, c *scripted
		doubt   string
		id      string
		broken  bool
	}{
		"the one that it was given to":               {&scripted{found: "x"}, &scripted{found: "y"}, &scripted{}, "b", "b:y", false},
		"that one does not have it":                  {&scripted{found: "x"}, &scripted{}, &scripted{}, "b", "", false},
		"that one cannot be asked":                   {&scripted{found: "x"}, &scripted{blind: true}, &scripted{}, "b", "", true},
		"that one does not answer":                   {&scripted{}, &scripted{fails: errRefused}, &scripted{}, "b", "", true},
		"after a restart: any":                       {&scripted{}, &scripted{}, &scripted{found: "z"}, "", "c:z", false},
		"after a restart: none":                      {&scripted{}, &scripted{}, &scripted{}, "", "", false},
		"after a restart: one cannot be asked":       {&scripted{}, &scripted{blind: true}, &scripted{}, "", "", true},
		"after a restart: one cannot, another knows": {&scripted{blind: true}, &scripted{found: "y"}, &scripted{}, "", "b:y", false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ch := several(c.a, c.b, c.c)
				if c.doubt != "" {
					ch.doubts.note("k", c.doubt)
				}
				receipt, found, err := finding{ch}.Find(t.Context(), message("k"))
				if receipt.ID != c.id || found != (c.id != "") || (err != nil) != c.broken || verdict(err) == channels.VerdictUncertain {
					t.Errorf("got %+v %v %v", receipt, found, err)
				}
			})
		})
	}
}

// A "no" that comes too early does not count.
func TestFindIsPatient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &scripted{}
		ch := several(a, &scripted{}, &scripted{})
		ch.doubts.settled = settleTime
		ch.doubts.note("k", "a")
		go func() {
			time.Sleep(time.Second)
			a.mu.Lock()
			a.found = "late"
			a.mu.Unlock()
		}()
		start := time.Now()
		receipt, found, err := finding{ch}.Find(t.Context(), message("k"))
		if err != nil || !found || receipt.ID != "a:late" || time.Since(start) != settleTime {
			t.Errorf("got %+v %v %v after %v", receipt, found, err, time.Since(start))
		}
		ch.doubts.note("k2", "b")
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, found, err := (finding{ch}).Find(ctx, message("k2")); err == nil || found {
			t.Errorf("cut short: %v %v", found, err)
		}
	})
}

func TestEachProviderHasItsPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := &scripted{}, &scripted{}
		ch := several(a, b, &scripted{})
		ch.routes[0].pace = &pace{every: time.Second}
		start := time.Now()
		long := message("k")
		long.Text = strings.Repeat("x", 400) // three parts
		for _, m := range []channels.Message{message("1"), message("2"), long, message("3")} {
			if _, err := ch.Send(t.Context(), m); err != nil {
				t.Fatal(err)
			}
		}
		if took := time.Since(start); a.tries != 4 || b.tries != 0 || took != 5*time.Second {
			t.Errorf("a %d, b %d in %v", a.tries, b.tries, took)
		}
		var wg sync.WaitGroup
		for i := range 20 {
			wg.Go(func() {
				if _, err := ch.Send(t.Context(), message(fmt.Sprint(i))); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if a.tries < 8 || a.tries > 11 || a.tries+b.tries != 24 {
			t.Errorf("a %d, b %d: what is too much for one goes to the next", a.tries, b.tries)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		tries := a.tries + b.tries
		if _, err := ch.Send(ctx, message("late")); verdict(err) != channels.VerdictRetry || a.tries+b.tries != tries {
			t.Errorf("waiting was cut short: %v", err)
		}
	})
}

func TestDoubtsAreBounded(t *testing.T) {
	d := doubts{clock: time.Now}
	for i := range mostDoubts + 10 {
		d.note(fmt.Sprint(i), "a")
	}
	d.note("", "a")
	if name, _ := d.of("0"); name != "" || len(d.byKey) > mostDoubts {
		t.Errorf("%q, %d", name, len(d.byKey))
	}
	if name, _ := d.of(fmt.Sprint(mostDoubts + 9)); name != "a" {
		t.Error("the newest is gone")
	}
	d.done(fmt.Sprint(mostDoubts + 9))
	if name, _ := d.of(fmt.Sprint(mostDoubts + 9)); name != "" {
		t.Error("it is still there")
	}
}

func TestLimits(t *testing.T) {
	one := twilioConfig(t, "https://twilio.example")
	one.Rate = 30
	l := opened(t, Config{ProviderConfig: one, Window: 7}).Limit()
	if l.PerSecond != 30 || l.Burst != 6 || l.Window != 7 || l.Account == "" {
		t.Errorf("one: %+v", l)
	}
	again := opened(t, Config{ProviderConfig: one}).Limit()
	other := one
	other.AccountSID = "ACbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
	if again.Account != l.Account || opened(t, Config{ProviderConfig: other}).Limit().Account == l.Account {
		t.Error("accounts are mixed up")
	}
	two := Config{Providers: []ProviderConfig{one, skebbyConfig(t, "https://skebby.example")}}
	if l := opened(t, two).Limit(); l.PerSecond != 0 || l.Account != "" {
		t.Errorf("one of two is not limited: %+v", l)
	}
	two.Providers[1].Rate = 50
	ch := opened(t, two)
	if l := ch.Limit(); l.PerSecond != 50 || l.Account != "" || ch.routes[0].pace == nil {
		t.Errorf("two: %+v", l)
	}
	if got := ch.Weigh(channels.Message{Text: strings.Repeat("x", 161)}); got != 2 || ch.Weigh(channels.Message{}) != 1 {
		t.Errorf("weigh %d", got)
	}
}

func TestCheckNamesWhoIsBroken(t *testing.T) {
	ch := several(&scripted{}, &scripted{broken: channels.Unauthorized(errRefused)}, &scripted{})
	if err := ch.Check(t.Context()); err == nil || !strings.Contains(err.Error(), "provider b") || verdict(err) != channels.VerdictUnauthorized {
		t.Errorf("got %v", err)
	}
	ch = several(&scripted{broken: errRefused}, &scripted{broken: errRefused}, &scripted{})
	if err := ch.Check(t.Context()); err == nil || !strings.Contains(err.Error(), "provider a") || !strings.Contains(err.Error(), "provider b") {
		t.Errorf("got %v", err)
	}
	if err := several(&scripted{}, &scripted{}, &scripted{}).Check(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestAlias(t *testing.T) {
	a := &scripted{}
	ch := several(a, &scripted{}, &scripted{})
	ch.routes[0].source, ch.routes[0].reply = "COMUNE", "+390577000000"
	m := message("k")
	volunteers := m
	volunteers.Audience = "volunteers"
	if _, err := ch.Send(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	if _, err := ch.Send(t.Context(), volunteers); err != nil {
		t.Fatal(err)
	}
	if err := ch.Answer(t.Context(), testNumber, "ok"); err != nil {
		t.Fatal(err)
	}
	var from []string
	for _, f := range a.forms {
		from = append(from, f.from)
	}
	if !slices.Equal(from, []string{"COMUNE", "+390577000000", "+390577000000"}) || !a.forms[2].answer || a.forms[2].Key == "" {
		t.Errorf("from %v", from)
	}
	if err := ch.Answer(t.Context(), "333", "ok"); verdict(err) != channels.VerdictPermanent {
		t.Errorf("no number: %v", err)
	}
}

// Whatever providers answer, neither log nor error tells a number or a secret.
func TestNothingIsTold(t *testing.T) {
	core, logged := observer.New(zap.DebugLevel)
	said := fmt.Sprintf(`{"code":%%d,"message":"%s %s and 393331234567","id":"%s","order_id":"%s"}`, testNumber, testToken, testNumber, testToken)
	for _, status := range []int{200, 201, 400, 401, 403, 404, 429, 500, 503} {
		for _, code := range []int{20003, 21211, 20429, 3331234567} {
			s := httptest.NewServer(channeltest.Status(status, fmt.Sprintf(said, code)))
			coded := genericConfig(t, s.URL)
			coded.Answer.Code = "message"
			ch, err := open("sms", Config{Providers: []ProviderConfig{twilioConfig(t, s.URL), skebbyConfig(t, s.URL), coded}}, channeltest.Settings(), zap.New(core))
			if err != nil {
				t.Fatal(err)
			}
			all := ch.routes
			for _, r := range all {
				ch.routes = []*route{r}
				_, err1 := ch.Send(t.Context(), message("k"))
				_, _, err2 := finding{ch}.Find(t.Context(), message("k"))
				tells(t, errors.Join(err1, err2, ch.Check(t.Context()), ch.Answer(t.Context(), testNumber, "ok")))
			}
			ch.routes = all
			_, err = ch.Send(t.Context(), message("k"))
			tells(t, errors.Join(err, ch.Check(t.Context())))
			s.Close()
		}
	}
	if logged.Len() == 0 {
		t.Error("nothing was logged")
	}
	for _, e := range logged.All() {
		tells(t, fmt.Errorf("%s %v", e.Message, e.ContextMap()))
	}
}

func tells(t *testing.T, err error) {
	t.Helper()
	if err == nil {
		return
	}
	for _, hidden := range []string{testNumber, testNumber[1:], "3331234567", testToken} {
		if strings.Contains(err.Error(), hidden) {
			t.Errorf("tells %q: %v", hidden, err)
		}
	}
}
