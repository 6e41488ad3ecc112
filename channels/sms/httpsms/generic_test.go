package httpsms

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"martinella/channels"
	"martinella/channels/channeltest"
)

func TestGenericRequest(t *testing.T) {
	f := &fake{}
	s := httptest.NewServer(http.HandlerFunc(f.generic))
	defer s.Close()
	ch := opened(t, Config{ProviderConfig: genericConfig(t, s.URL)})
	m := message("k")
	m.Text = `"},"to":"+390000` + "\r\n è 🔥"
	receipt, err := ch.Send(t.Context(), m)
	if err != nil || receipt.ID != "generic:"+f.taken[0].id {
		t.Fatalf("got %+v, %v", receipt, err)
	}
	if got := f.taken[0]; got.to != testNumber || got.text != m.Text || got.from != "COMUNE" || got.reference != orderID(m) || got.header.Get("Idempotency-Key") != orderID(m) {
		t.Errorf("sent %+v", got)
	}
	v := (&generic{hook: "https://us.example/hooks/sms?provider=generic"}).values(text{Message: m, parts: 2, from: "X"})
	if v["to_digits"] != "393331234567" || v["encoding"] != "ucs2" || v["parts"] != "2" || v["validity_minutes"] != "60" || v["expires"] == "" || v["callback"] == "" || v["language"] != "it" {
		t.Errorf("values %v", v)
	}
	m.Expires = time.Time{}
	if v := (&generic{hook: "h"}).values(text{Message: m, answer: true}); v["expires"]+v["validity_seconds"]+v["validity_minutes"]+v["callback"] != "" {
		t.Errorf("values %v", v)
	}
}

func TestGenericVerdicts(t *testing.T) {
	for name, c := range map[string]struct {
		status int
		body   string
		want   channels.Verdict
	}{
		"a code that is permanent": {400, `{"code":"unreachable"}`, "permanent"}, "a code for later": {400, `{"code":"busy"}`, "retry"}, "another": {400, `{"code":"x"}`, "permanent"},
		"a yes without an id": {200, `{}`, "uncertain"}, "credentials": {401, `{}`, "unauthorized"}, "a failure": {500, `{}`, "uncertain"},
	} {
		s := httptest.NewServer(channeltest.Status(c.status, c.body))
		if _, err := opened(t, Config{ProviderConfig: genericConfig(t, s.URL)}).Send(t.Context(), message("k")); verdict(err) != c.want {
			t.Errorf("%s: got %v, want %s", name, err, c.want)
		}
		s.Close()
	}
}

func TestGenericHook(t *testing.T) {
	ch := opened(t, Config{ProviderConfig: genericConfig(t, "https://sms.example")})
	post := func(token, body string) ([]channels.DeliveryReport, []channels.Reply, error) {
		return ch.Inbound(httptest.NewRequest(http.MethodPost, "/hooks/sms?token="+token, strings.NewReader(body)))
	}
	for state, want := range map[string]channels.ReportState{"done": "delivered", "lost": "failed", "moving": "enroute"} {
		reports, _, err := post("h00k-t0k3n", `{"id":"m1","state":"`+state+`"}`)
		if err != nil || len(reports) != 1 || reports[0].MessageID != "generic:m1" || reports[0].State != want || reports[0].Code != state || reports[0].At.IsZero() {
			t.Errorf("%s: got %+v %v", state, reports, err)
		}
	}
	_, replies, err := post("h00k-t0k3n", `{"sender":"393331234567","text":"STOP"}`)
	if err != nil || len(replies) != 1 || replies[0].From != testNumber || replies[0].Text != "STOP" {
		t.Errorf("got %+v %v", replies, err)
	}
	if _, _, err := post("x", `{}`); !errors.Is(err, channels.ErrForged) {
		t.Errorf("forged: %v", err)
	}
	if _, _, err := post("h00k-t0k3n", `{`); err == nil || errors.Is(err, channels.ErrForged) {
		t.Errorf("half: %v", err)
	}
	if _, _, err := post("h00k-t0k3n", strings.Repeat("x", 2<<20)); err == nil {
		t.Error("too long: taken")
	}
}

func TestNumbersOfReplies(t *testing.T) {
	for in, want := range map[string]string{"393331234567": testNumber, "+393331234567": testNumber, "00393331234567": testNumber, "+39 333 1234567": testNumber, "COMUNE": "COMUNE", "40404": "40404", "0577000000": "0577000000", "": ""} {
		if got := international(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

// Two providers report the same id: each means its own message.
func TestReceiptsOfTwoProviders(t *testing.T) {
	first, second := genericConfig(t, "https://one.example"), genericConfig(t, "https://two.example")
	first.Name, second.Name = "one", "two"
	second.Hook.TokenFile = secretFile(t, "0th3r-t0k3n")
	ch := opened(t, Config{Providers: []ProviderConfig{first, second}})
	for token, want := range map[string]string{"h00k-t0k3n": "one:7", "0th3r-t0k3n": "two:7"} {
		reports, _, err := ch.Inbound(httptest.NewRequest(http.MethodPost, "/hooks/sms?token="+token, strings.NewReader(`{"id":7,"state":"done"}`)))
		if err != nil || len(reports) != 1 || reports[0].MessageID != want {
			t.Errorf("%s: got %+v %v", want, reports, err)
		}
	}
	if _, _, err := ch.Inbound(httptest.NewRequest(http.MethodPost, "/hooks/sms?provider=one&token=0th3r-t0k3n", strings.NewReader(`{"id":7,"state":"done"}`))); !errors.Is(err, channels.ErrForged) {
		t.Errorf("the token of another provider: %v", err)
	}
}
