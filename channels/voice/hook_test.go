package voice

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"martinella/channels"
)

const sid = "CA00000000000000000000000000000001"

// signed is a request as Twilio makes it.
func signed(t testing.TB, query string, form url.Values, with string) *http.Request {
	t.Helper()
	r := httptest.NewRequest(http.MethodPost, "http://10.0.0.1:8080/hooks/calls?"+query, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	mac := hmac.New(sha1.New, []byte(with))
	mac.Write([]byte("https://allerta.comune.pistoia.example/hooks/calls?" + query))
	for _, name := range slices.Sorted(maps.Keys(form)) {
		mac.Write([]byte(name + form.Get(name)))
	}
	r.Header.Set("X-Twilio-Signature", base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	return r
}

func form(pairs ...string) url.Values {
	f := url.Values{"CallSid": {sid}, "AccountSid": {account}, "From": {source}, "To": {number}, "ApiVersion": {"2010-04-01"}, "Direction": {"outbound-api"}}
	for i := 0; i+1 < len(pairs); i += 2 {
		f.Set(pairs[i], pairs[i+1])
	}
	return f
}

func TestWhatBecameOfACall(t *testing.T) {
	for name, c := range map[string]struct {
		query string
		form  url.Values
		state channels.ReportState
		code  string
	}{
		"1 was pressed":            {"lang=it&on=key", form("Digits", "1", "CallStatus", "in-progress"), channels.ReportDelivered, "heard"},
		"another key":              {"lang=it&on=key", form("Digits", "5", "CallStatus", "in-progress"), channels.ReportEnroute, "another key"},
		"answered, nothing said":   {"lang=it&on=end", form("CallStatus", "completed", "CallDuration", "44"), channels.ReportEnroute, "answered"},
		"a machine":                {"lang=it&on=end", form("CallStatus", "completed", "AnsweredBy", "machine_start"), channels.ReportFailed, "machine"},
		"a fax":                    {"lang=it&on=end", form("CallStatus", "completed", "AnsweredBy", "fax"), channels.ReportFailed, "machine"},
		"a person":                 {"lang=it&on=end", form("CallStatus", "completed", "AnsweredBy", "human"), channels.ReportEnroute, "answered"},
		"busy":                     {"lang=it&on=end", form("CallStatus", "busy"), channels.ReportFailed, "busy"},
		"nobody there":             {"lang=it&on=end", form("CallStatus", "no-answer"), channels.ReportFailed, "unanswered"},
		"no such number":           {"lang=it&on=end", form("CallStatus", "failed", "SipResponseCode", "404"), channels.ReportFailed, "failed: SIP 404"},
		"failed, a strange code":   {"lang=it&on=end", form("CallStatus", "failed", "SipResponseCode", "+39"), channels.ReportFailed, "failed"},
		"called off":               {"lang=it&on=end", form("CallStatus", "canceled"), channels.ReportFailed, "canceled"},
		"it rings":                 {"lang=it&on=end", form("CallStatus", "ringing"), channels.ReportEnroute, "enroute"},
		"a machine, not over yet":  {"lang=it&on=machine", form("AnsweredBy", "machine_start"), channels.ReportEnroute, "machine"},
		"a person, while it lasts": {"lang=it&on=machine", form("AnsweredBy", "human"), channels.ReportEnroute, "enroute"},
	} {
		t.Run(name, func(t *testing.T) {
			ch, _ := started(t, nil)
			reports, replies, err := ch.Inbound(signed(t, c.query, c.form, token))
			if err != nil || len(reports) != 1 || len(replies) != 0 {
				t.Fatalf("%v, %v, %v", reports, replies, err)
			}
			if r := reports[0]; r.MessageID != sid || r.State != c.state || r.Code != c.code || r.At.IsZero() {
				t.Errorf("got %+v, want %s %s", r, c.state, c.code)
			}
			passes := c.state == channels.ReportFailed && slices.Contains([]string{"busy", "unanswered", "machine"}, c.code)
			if r := reports[0]; passes != (r.Again == 2 && r.After == 3*time.Minute) || !passes && r.Again != 0 {
				t.Errorf("called again %d times, %v later", r.Again, r.After)
			}
		})
	}
}

// Twilio's verdict comes beside the call; only the end of the call makes it one.
func TestAMachineThatWasAPerson(t *testing.T) {
	ch, _ := started(t, nil)
	var states []channels.ReportState
	for _, r := range []*http.Request{
		signed(t, "lang=it&on=machine", form("AnsweredBy", "machine_start"), token),
		signed(t, "lang=it&on=key", form("Digits", "1"), token),
		signed(t, "lang=it&on=end", form("CallStatus", "completed"), token),
	} {
		reports, _, err := ch.Inbound(r)
		if err != nil {
			t.Fatal(err)
		}
		states = append(states, reports[0].State)
	}
	// A delivery stays one, whatever comes after it.
	if want := []channels.ReportState{channels.ReportEnroute, channels.ReportDelivered, channels.ReportFailed}; !slices.Equal(states, want) {
		t.Errorf("got %v, want %v", states, want)
	}
}

func TestForgedRequests(t *testing.T) {
	ch, _ := started(t, nil)
	pressed := form("Digits", "1")
	other := signed(t, "lang=it&on=key", pressed, token)
	other.URL.RawQuery = "lang=it&on=end"
	for name, r := range map[string]*http.Request{
		"another token":   signed(t, "lang=it&on=key", pressed, "another token"),
		"another address": other,
		"no signature":    httptest.NewRequest(http.MethodPost, "/hooks/calls?on=key", strings.NewReader(pressed.Encode())),
		"not a form":      httptest.NewRequest(http.MethodPost, "/hooks/calls?on=key", strings.NewReader("%zz")),
	} {
		if reports, _, err := ch.Inbound(r); !errors.Is(err, channels.ErrForged) || len(reports) != 0 {
			t.Errorf("%s: %v, %v", name, reports, err)
		}
	}
	for name, r := range map[string]*http.Request{
		"no call":          signed(t, "on=key", url.Values{"CallSid": {"x"}}, token),
		"another question": signed(t, "on=weather", form(), token),
	} {
		if reports, _, err := ch.Inbound(r); err == nil || errors.Is(err, channels.ErrForged) || len(reports) != 0 {
			t.Errorf("%s: %v, %v", name, reports, err)
		}
	}
	tokenless, _ := started(t, func(c *Config) {
		c.AuthTokenFile, c.APIKeySID, c.APIKeySecretFile = "", "SK00000000000000000000000000000001", secretFile(t, "key")
	})
	if _, _, err := tokenless.Inbound(signed(t, "on=key", pressed, "")); !errors.Is(err, channels.ErrForged) {
		t.Errorf("without a token: %v", err)
	}
}

// What the person hears after a key.
func TestThanks(t *testing.T) {
	ch, _ := started(t, nil)
	for digits, want := range map[string]string{"1": "Say it-IT: Grazie. La Sua conferma è registrata.", "7": "Say it-IT: Se ha sentito questo messaggio, prema il tasto 1."} {
		r := signed(t, "lang=it&on=key", form("Digits", digits), token)
		if _, _, err := ch.Inbound(r); err != nil {
			t.Fatal(err)
		}
		kind, body := ch.HookAnswer(r)
		doc := twimlOf(t, string(body))
		if !strings.HasPrefix(kind, "text/xml") || !slices.Equal(doc.words(), []string{want}) || (doc.Children[0].XMLName.Local == "Gather") != (digits != "1") {
			t.Errorf("%s: %s %s", digits, kind, body)
		}
	}
	r := signed(t, "lang=it&on=end", form("CallStatus", "completed"), token)
	if _, _, err := ch.Inbound(r); err != nil {
		t.Fatal(err)
	}
	if _, body := ch.HookAnswer(r); body != nil {
		t.Errorf("after the end: %s", body)
	}
}

func TestMemoryIsBounded(t *testing.T) {
	var s sids
	for i := range mostCalls + 100 {
		s.add(sidOf(i), "k")
	}
	if len(s.calls) != mostCalls || len(s.order) != mostCalls {
		t.Errorf("%d and %d are remembered", len(s.calls), len(s.order))
	}
}

func sidOf(i int) string {
	const hex = "0123456789abcdef"
	b := []byte("CA00000000000000000000000000000000")
	for at := len(b) - 1; i > 0; at-- {
		b[at] = hex[i&15]
		i >>= 4
	}
	return string(b)
}

func FuzzHook(f *testing.F) {
	f.Add("on=key&lang=it", "CallSid="+sid+"&Digits=1")
	f.Add("on=end", "CallSid="+sid+"&CallStatus=completed&AnsweredBy=machine_start")
	f.Add("on=key&lang=it&call=V-0417", "CallSid="+sid+"&Digits=2&To=%2B393331234567")
	f.Add("on=%zz", "%zz")
	f.Fuzz(func(t *testing.T, query, body string) {
		values, err := url.ParseQuery(body)
		if err != nil {
			return
		}
		c := &twilioCarrier{hook: "https://allerta.comune.pistoia.example/hooks/calls", token: token}
		r := &http.Request{Method: http.MethodPost, URL: &url.URL{Path: "/hooks/calls", RawQuery: query}, Header: http.Header{}}
		if _, _, err := c.events(r, []byte(body)); !errors.Is(err, channels.ErrForged) {
			t.Fatalf("an unsigned request: %v", err)
		}
		mac := hmac.New(sha1.New, []byte(token))
		address := c.hook
		if query != "" {
			address += "?" + query
		}
		mac.Write([]byte(address))
		for _, name := range slices.Sorted(maps.Keys(values)) {
			list := slices.Clone(values[name])
			slices.Sort(list)
			for _, v := range slices.Compact(list) {
				mac.Write([]byte(name + v))
			}
		}
		r.Header.Set("X-Twilio-Signature", base64.StdEncoding.EncodeToString(mac.Sum(nil)))
		reports, replies, err := c.events(r, []byte(body))
		if len(replies) > 1 || len(replies) == 1 && (reports[0].State != channels.ReportDelivered || !numberForm.MatchString(replies[0].From)) {
			t.Fatalf("%+v, %+v", reports, replies)
		}
		if err == nil && (len(reports) != 1 || !callSID.MatchString(reports[0].MessageID) || len(reports[0].Code) > 40) {
			t.Fatalf("%+v", reports)
		}
		if _, answer := c.answer(r); answer != nil {
			twimlOf(t, string(answer))
		}
	})
}
