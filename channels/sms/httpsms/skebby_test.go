package httpsms

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"

	"martinella/channels"
	"martinella/channels/channeltest"
)

func TestSkebbyAnswers(t *testing.T) {
	for name, c := range map[string]struct {
		login  int
		key    string
		status int
		body   string
		want   channels.Verdict
		other  bool
	}{
		"the documented yes":          {200, "U;S", 201, fixture(t, "skebby-ordered.json"), "accepted", false},
		"a yes to nobody":             {200, "U;S", 201, `{"result":"OK","order_id":"x","total_sent":0}`, "permanent", true},
		"a yes that is not OK":        {200, "U;S", 201, `{"result":"KO"}`, "uncertain", false},
		"a yes without an order":      {200, "U;S", 201, `{"result":"OK"}`, "uncertain", false},
		"a wrong order":               {200, "U;S", 400, `{"result":"missing recipient"}`, "permanent", false},
		"no credit":                   {200, "U;S", 400, `{"result":"not enough credit"}`, "unauthorized", false},
		"a session that is refused":   {200, "U;S", 401, `{}`, "unauthorized", false},
		"a user that is not known":    {200, "U;S", 404, `{}`, "unauthorized", false},
		"too many":                    {200, "U;S", 429, `{}`, "retry", false},
		"a failure":                   {200, "U;S", 500, `{}`, "uncertain", false},
		"a login that is refused":     {401, "", 0, ``, "unauthorized", false},
		"a login of an unknown user":  {404, "", 0, ``, "unauthorized", false},
		"a login that fails":          {500, "", 0, ``, "retry", false},
		"a login that is a page":      {200, "<html>", 0, ``, "retry", false},
		"a login with an odd session": {200, "U;S\r\nX: y;", 0, ``, "retry", false},
	} {
		t.Run(name, func(t *testing.T) {
			orders := 0
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/login" {
					w.WriteHeader(c.login)
					_, _ = w.Write([]byte(c.key))
					return
				}
				orders++
				channeltest.Status(c.status, c.body)(w, r)
			}))
			defer s.Close()
			receipt, err := opened(t, Config{ProviderConfig: skebbyConfig(t, s.URL)}).Send(t.Context(), message("k"))
			if verdict(err) != c.want || isElsewhere(err) != c.other || err == nil && receipt.ID != "skebby:c0ffee00c0ffee00c0ffee00c0ffee00" {
				t.Errorf("got %+v, %v; want %s", receipt, err, c.want)
			}
			most := 1
			if c.status == 401 {
				most = 2 // a new session, once
			}
			if c.status == 0 {
				most = 0
			}
			if orders != most {
				t.Errorf("%d orders, want %d", orders, most)
			}
		})
	}
}

func TestSkebbySession(t *testing.T) {
	f := &fake{}
	s := httptest.NewServer(http.HandlerFunc(f.skebby))
	defer s.Close()
	ch := opened(t, Config{ProviderConfig: skebbyConfig(t, s.URL)})
	for range 2 {
		if _, err := ch.Send(t.Context(), message("k")); err != nil {
			t.Fatal(err)
		}
	}
	if f.logins != 1 || len(f.taken) != 2 {
		t.Errorf("%d logins for %d orders", f.logins, len(f.taken))
	}
	f.logins++ // the session has ended
	if _, err := ch.Send(t.Context(), message("k")); err != nil || f.logins != 3 || len(f.taken) != 3 {
		t.Errorf("%v, %d logins", err, f.logins)
	}
	if err := ch.Check(t.Context()); err != nil || f.logins != 4 {
		t.Errorf("check: %v, %d logins", err, f.logins)
	}
	if f.taken[0].reference != f.taken[1].reference || len(f.taken[0].reference) != 32 || strings.Trim(f.taken[0].reference, "0123456789abcdef") != "" {
		t.Errorf("orders %q", f.taken[0].reference)
	}
	m := message("k")
	m.Text = "città ё 🔥"
	if _, err := ch.Send(t.Context(), m); err != nil || f.taken[3].text != m.Text {
		t.Errorf("%v, %+v", err, f.taken[3])
	}
}

func TestSkebbyFind(t *testing.T) {
	for name, c := range map[string]struct {
		status        int
		body          string
		found, broken bool
	}{
		"there": {200, fixture(t, "skebby-state.json"), true, false}, "not there": {404, `{}`, false, false}, "nobody in it": {200, `{"result":"OK","recipients":[]}`, false, false},
		"a page": {200, `<html>`, false, true}, "refused": {401, `{}`, false, true}, "a failure": {500, `{}`, false, true}, "not OK": {200, `{"result":"KO"}`, false, true},
	} {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/login" {
				_, _ = w.Write([]byte("U;S"))
				return
			}
			if r.Method != http.MethodGet || r.URL.Path != "/sms/"+orderID(message("k")) {
				t.Errorf("asked %s %s", r.Method, r.URL)
			}
			channeltest.Status(c.status, c.body)(w, r)
		}))
		receipt, found, err := finding{opened(t, Config{ProviderConfig: skebbyConfig(t, s.URL)})}.Find(t.Context(), message("k"))
		if found != c.found || (err != nil) != c.broken || found && receipt.ID != "skebby:"+orderID(message("k")) {
			t.Errorf("%s: got %+v %v %v", name, receipt, found, err)
		}
		s.Close()
	}
}

func TestSkebbyHook(t *testing.T) {
	ch := opened(t, Config{ProviderConfig: skebbyConfig(t, "https://skebby.example")})
	states := map[string]channels.ReportState{"DLVRD": "delivered", "dlvrd": "delivered", "SENT": "enroute", "WAITING": "enroute", "WAIT4DLVR": "enroute", "SCHEDULED": "enroute", "NEW": "enroute"}
	for s := range strings.FieldsSeq("ERROR TIMEOUT TOOM4NUM TOOM4USER UNKNPFX UNKNRCPT INVALIDDST BLACKLISTED KO INVALIDCONTENTS DEMO") {
		states[s] = "failed"
	}
	for status, want := range states {
		for _, inBody := range []bool{true, false} {
			form := "order_id=abc&recipient=%2B393331234567&delivery_date=20261121110000&status=" + status
			r := httptest.NewRequest(http.MethodPost, "/hooks/sms?provider=skebby&token=h00k-t0k3n", strings.NewReader(form))
			if !inBody {
				r = httptest.NewRequest(http.MethodPost, "/hooks/sms?token=h00k-t0k3n&"+form, http.NoBody)
			}
			reports, replies, err := ch.Inbound(r)
			if err != nil || len(reports) != 1 || len(replies) != 0 || reports[0].MessageID != "skebby:abc" || reports[0].State != want || reports[0].Code != status {
				t.Errorf("%s: got %+v %v, want %s", status, reports, err, want)
			}
		}
	}
	for name, address := range map[string]string{"no token": "/hooks/sms?provider=skebby", "another": "/hooks/sms?token=h00k", "another provider": "/hooks/sms?provider=twilio&token=h00k-t0k3n"} {
		if _, _, err := ch.Inbound(httptest.NewRequest(http.MethodPost, address, strings.NewReader("order_id=abc&status=DLVRD"))); !errors.Is(err, channels.ErrForged) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, _, err := ch.Inbound(httptest.NewRequest(http.MethodPost, "/hooks/sms?token=h00k-t0k3n", strings.NewReader("x=1"))); err == nil || errors.Is(err, channels.ErrForged) {
		t.Errorf("no receipt: %v", err)
	}
}

// A login that hangs holds nobody beyond his own time.
func TestSkebbyLoginHangs(t *testing.T) {
	stub := channeltest.StartStub(t, http.NotFoundHandler(), func(*http.Request) bool { return true })
	stub.Answer(stub.Silent())
	ch := opened(t, Config{ProviderConfig: skebbyConfig(t, stub.URL)})
	errs := make(chan error)
	hanging, stop := context.WithCancel(t.Context())
	go func() {
		_, err := ch.Send(hanging, message("1"))
		errs <- err
	}()
	for c := ch.routes[0].carrier.(*skebby); len(c.gate) == 0; {
		runtime.Gosched()
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := ch.Send(ctx, message("2")); verdict(err) != channels.VerdictRetry || !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	stop()
	if err := <-errs; verdict(err) != channels.VerdictRetry {
		t.Errorf("got %v", err)
	}
}
