package httpsms

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"martinella/channels"
	"martinella/channels/channeltest"
)

// twilioRefuses answers every post with a code.
func twilioRefuses(t testing.TB, status, code int) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(channeltest.Status(status, strings.ReplaceAll(fixture(t, "twilio-refused.json"), "21211", strconv.Itoa(code))))
	t.Cleanup(s.Close)
	return s
}

func TestTwilioCodes(t *testing.T) {
	const permanent, retry, auth, uncertain = channels.VerdictPermanent, channels.VerdictRetry, channels.VerdictUnauthorized, channels.VerdictUncertain
	for name, c := range map[string]struct {
		status, code int
		want         channels.Verdict
		elsewhere    bool
	}{
		"wrong credentials":               {401, 20003, auth, false},
		"an account that is not active":   {400, 20005, auth, false},
		"forbidden":                       {403, 20006, auth, false},
		"test credentials":                {403, 20008, auth, false},
		"an account that is not there":    {404, 20404, auth, false},
		"too many requests":               {429, 20429, retry, false},
		"too many SMS":                    {400, 14107, retry, false},
		"not a number":                    {400, 21211, permanent, false},
		"not a sender":                    {400, 21212, auth, false},
		"not reachable":                   {400, 21214, permanent, true},
		"a country that is not allowed":   {400, 21408, permanent, true},
		"no sender":                       {400, 21603, auth, false},
		"a sender that cannot reach it":   {400, 21606, permanent, true},
		"a trial account":                 {400, 21608, permanent, true},
		"stopped by the recipient":        {400, 21610, permanent, false},
		"a full queue":                    {429, 21611, retry, false},
		"a pair that cannot":              {400, 21612, permanent, true},
		"not a mobile":                    {400, 21614, permanent, false},
		"too long":                        {400, 21617, permanent, false},
		"a landline":                      {400, 21635, permanent, false},
		"a sender of another country":     {400, 21659, permanent, true},
		"a sender of somebody else":       {400, 21660, auth, false},
		"a sender without SMS":            {400, 21661, auth, false},
		"a service that is not there":     {404, 21701, auth, false},
		"a service without senders":       {400, 21703, auth, false},
		"a full queue, as receipts say":   {400, 30001, retry, false},
		"a suspended account":             {400, 30002, auth, false},
		"a phone that is off":             {400, 30003, permanent, false},
		"blocked":                         {400, 30004, permanent, true},
		"a number that does not exist":    {400, 30005, permanent, false},
		"a landline, as receipts say":     {400, 30006, permanent, true},
		"filtered":                        {400, 30007, permanent, true},
		"no reason":                       {400, 30008, permanent, true},
		"a code that nobody listed":       {400, 29999, permanent, false},
		"a code that nobody listed, 403":  {403, 29999, auth, false},
		"unavailable":                     {503, 20503, retry, false},
		"a failure":                       {500, 20500, uncertain, false},
		"a failure with a permanent code": {500, 21211, uncertain, false},
	} {
		t.Run(name, func(t *testing.T) {
			ch := opened(t, Config{ProviderConfig: twilioConfig(t, twilioRefuses(t, c.status, c.code).URL)})
			_, err := ch.Send(t.Context(), message("k"))
			if verdict(err) != c.want || isElsewhere(err) != c.elsewhere {
				t.Errorf("got %s (%v), elsewhere %v; want %s, %v", verdict(err), err, isElsewhere(err), c.want, c.elsewhere)
			}
			if !strings.Contains(err.Error(), strconv.Itoa(c.code)) || !strings.Contains(err.Error(), "+39 333 ***4567") || strings.Contains(err.Error(), "31234") {
				t.Errorf("the error is %q", err)
			}
		})
	}
}

func TestTwilioWaits(t *testing.T) {
	s := httptest.NewServer(channeltest.Status(429, `{"code":20429,"status":429}`, "Retry-After", "3"))
	defer s.Close()
	_, err := opened(t, Config{ProviderConfig: twilioConfig(t, s.URL)}).Send(t.Context(), message("k"))
	if v, wait := channels.VerdictOf(err); v != channels.VerdictRetry || wait != 3*time.Second {
		t.Errorf("got %s, %v (%v)", v, wait, err)
	}
}

func TestTwilioRequest(t *testing.T) {
	f := &fake{}
	s := httptest.NewServer(http.HandlerFunc(f.twilio))
	defer s.Close()
	base := twilioConfig(t, s.URL)
	base.ReplyNumber = "+390577000000"
	ch := opened(t, Config{ProviderConfig: base})
	m := message("k")
	receipt, err := ch.Send(t.Context(), m)
	if err != nil || receipt.ID != "twilio:SM00000000000000000000000000000001" {
		t.Fatalf("got %+v, %v", receipt, err)
	}
	got := f.taken[0].form
	left, _ := strconv.Atoi(got.Get("ValidityPeriod"))
	if got.Get("To") != testNumber || got.Get("Body") != m.Text || got.Get("From") != "COMUNE" || got.Get("SmartEncoded") != "false" || got.Get("ShortenUrls") != "false" || left < 3500 || left > 3600 ||
		got.Get("StatusCallback") != "https://allerta.comune.pistoia.example/hooks/sms?provider=twilio" {
		t.Errorf("sent %v", got)
	}
	for name, c := range map[string]struct {
		change func(*channels.Message)
		field  string
		want   string
	}{
		"a Cancel has no end":               {func(m *channels.Message) { m.Expires = time.Time{} }, "ValidityPeriod", ""},
		"an end in a moment":                {func(m *channels.Message) { m.Expires = time.Now().Add(900 * time.Millisecond) }, "ValidityPeriod", "1"},
		"an end in two days":                {func(m *channels.Message) { m.Expires = time.Now().Add(48 * time.Hour) }, "ValidityPeriod", "36000"},
		"who is asked for an answer":        {func(m *channels.Message) { m.Audience = "volunteers" }, "From", "+390577000000"},
		"an emoji and an ampersand arrives": {func(m *channels.Message) { m.Text = "a&To=+39 🔥 +" }, "Body", "a&To=+39 🔥 +"},
	} {
		m := message("k2")
		c.change(&m)
		if _, err := ch.Send(t.Context(), m); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if got := f.taken[len(f.taken)-1].form.Get(c.field); got != c.want {
			t.Errorf("%s: %s is %q, want %q", name, c.field, got, c.want)
		}
	}
	service := twilioConfig(t, s.URL)
	service.Source, service.MessagingServiceSID = "", "MGaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	if _, err := opened(t, Config{ProviderConfig: service}).Send(t.Context(), message("k3")); err != nil {
		t.Fatal(err)
	}
	if got := f.taken[len(f.taken)-1].form; got.Has("From") || got.Get("MessagingServiceSid") != service.MessagingServiceSID {
		t.Errorf("with a service: %v", got)
	}
	if err := ch.Answer(t.Context(), testNumber, "Non riceverai più avvisi."); err != nil {
		t.Fatal(err)
	}
	if got := f.taken[len(f.taken)-1].form; got.Has("StatusCallback") || got.Has("ValidityPeriod") || got.Get("From") != "+390577000000" || got.Get("Body") != "Non riceverai più avvisi." {
		t.Errorf("an answer: %v", got)
	}
}

func TestTwilioDocumentedAnswer(t *testing.T) {
	s := httptest.NewServer(channeltest.Status(201, fixture(t, "twilio-created.json")))
	defer s.Close()
	receipt, err := opened(t, Config{ProviderConfig: twilioConfig(t, s.URL)}).Send(t.Context(), message("k"))
	if err != nil || receipt.ID != "twilio:SM0123456789abcdef0123456789abcdef" {
		t.Errorf("got %+v, %v", receipt, err)
	}
}

// A public address that Twilio refuses must not cost the warning.
func TestTwilioRefusesTheHook(t *testing.T) {
	f := &fake{}
	posts := 0
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			posts++
			if _ = r.ParseForm(); r.PostForm.Has("StatusCallback") {
				answer(w, 400, map[string]any{"code": 21609})
				return
			}
			answer(w, 201, map[string]any{"sid": f.take(sent{})})
		}
	}))
	defer s.Close()
	ch := opened(t, Config{ProviderConfig: twilioConfig(t, s.URL)})
	for range 2 {
		if _, err := ch.Send(t.Context(), message("k")); err != nil {
			t.Fatal(err)
		}
	}
	if posts != 3 || len(f.taken) != 2 {
		t.Errorf("%d posts, %d taken", posts, len(f.taken))
	}
}

// Those that are on their way together when it is refused are all warned.
func TestTwilioRefusesTheHookOfManyAtOnce(t *testing.T) {
	const many = 4
	f := &fake{}
	var here sync.WaitGroup
	here.Add(many)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _ = r.ParseForm(); r.PostForm.Has("StatusCallback") {
			here.Done()
			here.Wait()
			answer(w, 400, map[string]any{"code": 21609})
			return
		}
		answer(w, 201, map[string]any{"sid": f.take(sent{})})
	}))
	defer s.Close()
	ch := opened(t, Config{ProviderConfig: twilioConfig(t, s.URL)})
	var all sync.WaitGroup
	for i := range many {
		all.Go(func() {
			if _, err := ch.Send(t.Context(), message(strconv.Itoa(i))); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if len(f.all()) != many {
		t.Errorf("%d of %d were taken", len(f.all()), many)
	}
}

func TestTwilioFind(t *testing.T) {
	m := message("k")
	entry := func(change func(map[string]any)) map[string]any {
		e := map[string]any{"sid": "SM0123456789abcdef0123456789abcdef", "to": m.To, "body": m.Text, "direction": "outbound-api", "date_created": m.Sent.Add(time.Second).Format(time.RFC1123Z)}
		change(e)
		return e
	}
	set := func(key string, v any) map[string]any { return entry(func(e map[string]any) { e[key] = v }) }
	for name, c := range map[string]struct {
		list   []map[string]any
		next   any
		found  bool
		broken bool
	}{
		"there":                               {[]map[string]any{set("x", 1)}, nil, true, false},
		"of a trial account":                  {[]map[string]any{set("body", "Sent from your Twilio trial account - "+m.Text)}, nil, true, false},
		"with other space":                    {[]map[string]any{set("body", strings.ReplaceAll(m.Text, " ", "  "))}, nil, true, false},
		"behind others":                       {[]map[string]any{set("body", "else"), set("x", 1)}, nil, true, false},
		"the first revision, before":          {[]map[string]any{set("date_created", m.Sent.Add(-time.Hour).Format(time.RFC1123Z))}, nil, false, false},
		"another text with the link":          {[]map[string]any{set("body", "AGGIORNAMENTO "+m.Text+"!")}, nil, false, false},
		"to somebody else":                    {[]map[string]any{set("to", "+390")}, nil, false, false},
		"what they wrote to us":               {[]map[string]any{set("direction", "inbound")}, nil, false, false},
		"one that has failed":                 {[]map[string]any{set("status", "undelivered")}, nil, false, false},
		"one that arrived":                    {[]map[string]any{set("status", "delivered")}, nil, true, false},
		"none":                                {[]map[string]any{}, nil, false, false},
		"more than it lists":                  {[]map[string]any{set("body", "else")}, "/next", false, true},
		"more, but older":                     {[]map[string]any{set("body", "else"), set("date_created", m.Sent.Add(-time.Hour).Format(time.RFC1123Z))}, "/next", false, false},
		"no list":                             {nil, nil, false, true},
		"a date that nobody can read, to us":  {[]map[string]any{set("date_created", "today")}, nil, true, false},
		"an entry without an id is not taken": {[]map[string]any{set("sid", "")}, nil, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Method != http.MethodGet || r.URL.Query().Get("To") != m.To || r.URL.Query().Get("PageSize") != "100" {
					t.Errorf("asked %s %s", r.Method, r.URL)
				}
				body := map[string]any{"next_page_uri": c.next}
				if c.list != nil {
					body["messages"] = c.list
				}
				answer(w, 200, body)
			}))
			defer s.Close()
			receipt, found, err := finding{opened(t, Config{ProviderConfig: twilioConfig(t, s.URL)})}.Find(t.Context(), m)
			if found != c.found || (err != nil) != c.broken || found && receipt.ID != "twilio:SM0123456789abcdef0123456789abcdef" {
				t.Errorf("got %+v %v %v", receipt, found, err)
			}
		})
	}
}

// What was taken a moment ago may not be listed yet: a "no" counts only later.
func TestFindWaitsForTheList(t *testing.T) {
	f := &fake{}
	stub := channeltest.StartStub(t, http.HandlerFunc(f.twilio), nil)
	ch := finding{opened(t, Config{ProviderConfig: twilioConfig(t, stub.URL)})}
	ch.doubts.settled = 30 * time.Millisecond
	m := message("k")
	stub.Answer(stub.Cut())
	if _, err := ch.Send(t.Context(), m); verdict(err) != channels.VerdictUncertain {
		t.Fatalf("got %v", err)
	}
	f.delay = 1
	receipt, found, err := ch.Find(t.Context(), m)
	if err != nil || !found || receipt.ID == "" {
		t.Errorf("got %+v %v %v", receipt, found, err)
	}
}

func TestTwilioCheck(t *testing.T) {
	for name, c := range map[string]struct {
		status int
		body   string
		want   channels.Verdict
	}{
		"active": {200, `{"status":"active"}`, "accepted"}, "suspended": {200, `{"status":"suspended"}`, "unauthorized"}, "wrong": {401, `{"code":20003}`, "unauthorized"},
		"down": {500, `{}`, "retry"}, "cut": {200, `{"sta`, "retry"},
	} {
		s := httptest.NewServer(channeltest.Status(c.status, c.body))
		if err := opened(t, Config{ProviderConfig: twilioConfig(t, s.URL)}).Check(t.Context()); verdict(err) != c.want {
			t.Errorf("%s: got %v, want %s", name, err, c.want)
		}
		s.Close()
	}
}

func sign(token, address string, form url.Values) string {
	var b strings.Builder
	b.WriteString(address)
	names := make([]string, 0, len(form))
	for name := range form {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		b.WriteString(name + form.Get(name))
	}
	mac := hmac.New(sha1.New, []byte(token))
	mac.Write([]byte(b.String()))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// The examples of Twilio's own libraries, and what differs from them by a bit.
func TestTwilioSignature(t *testing.T) {
	params := func(from string) url.Values {
		return url.Values{"CallSid": {"CA1234567890ABCDE"}, "Caller": {from}, "Digits": {"1234"}, "From": {from}, "To": {"+18005551212"}}
	}
	for name, c := range map[string]struct {
		hook, query, token, signature string
		form                          url.Values
		want                          bool
	}{
		"an example":               {"https://mycompany.com/myapp.php", "foo=1&bar=2", "12345", "RSOYDt4T1cUTdK1PDd93/VVr8B8=", params("+14158675309"), true},
		"another example":          {"https://mycompany.com/myapp.php?provider=x", "foo=1&bar=2", "12345", "0/KCTR6DLpKmkAf8muzZqo1nDgQ=", params("+12349013030"), true},
		"its signature of another": {"https://mycompany.com/myapp.php", "foo=1&bar=2", "12345", "0/KCTR6DLpKmkAf8muzZqo1nDgQ=", params("+14158675309"), false},
		"another token":            {"https://mycompany.com/myapp.php", "foo=1&bar=2", "12346", "RSOYDt4T1cUTdK1PDd93/VVr8B8=", params("+14158675309"), false},
		"another address":          {"https://mycompany.com/myapp.php", "foo=1&bar=3", "12345", "RSOYDt4T1cUTdK1PDd93/VVr8B8=", params("+14158675309"), false},
		"with the port":            {"https://us.example/h", "", "t", sign("t", "https://us.example:443/h", params("+1")), params("+1"), true},
		"without the port":         {"https://us.example:443/h", "", "t", sign("t", "https://us.example/h", params("+1")), params("+1"), true},
		"another port":             {"https://us.example:8443/h", "", "t", sign("t", "https://us.example/h", params("+1")), params("+1"), false},
		"no signature":             {"https://us.example/h", "", "t", "", params("+1"), false},
		"no token":                 {"https://us.example/h", "", "", sign("", "https://us.example/h", params("+1")), params("+1"), false},
		"no hook":                  {"", "", "t", sign("t", "", params("+1")), params("+1"), false},
	} {
		c1 := &twilio{hook: c.hook, token: c.token}
		r := httptest.NewRequest(http.MethodPost, "http://10.0.0.7:8080/hooks/other?"+c.query, http.NoBody)
		r.Header.Set("X-Twilio-Signature", c.signature)
		if got := c1.signed(r, c.form); got != c.want {
			t.Errorf("%s: got %v", name, got)
		}
	}
}

func TestTwilioHook(t *testing.T) {
	ch := opened(t, Config{ProviderConfig: twilioConfig(t, "https://twilio.example")})
	const path = "/hooks/sms?provider=twilio"
	sid := "SM0123456789abcdef0123456789abcdef"
	for name, c := range map[string]struct {
		form   url.Values
		forge  bool
		report channels.DeliveryReport
		reply  channels.Reply
		broken bool
	}{
		"delivered":   {url.Values{"MessageSid": {sid}, "MessageStatus": {"delivered"}, "To": {testNumber}}, false, channels.DeliveryReport{State: "delivered", Code: "delivered"}, channels.Reply{}, false},
		"read":        {url.Values{"MessageSid": {sid}, "MessageStatus": {"read"}}, false, channels.DeliveryReport{State: "delivered", Code: "read"}, channels.Reply{}, false},
		"sent":        {url.Values{"SmsSid": {sid}, "MessageStatus": {"sent"}}, false, channels.DeliveryReport{State: "enroute", Code: "sent"}, channels.Reply{}, false},
		"queued":      {url.Values{"MessageSid": {sid}, "MessageStatus": {"queued"}}, false, channels.DeliveryReport{State: "enroute", Code: "queued"}, channels.Reply{}, false},
		"failed":      {url.Values{"MessageSid": {sid}, "MessageStatus": {"failed"}, "ErrorCode": {"30007"}}, false, channels.DeliveryReport{State: "failed", Code: "30007"}, channels.Reply{}, false},
		"undelivered": {url.Values{"MessageSid": {sid}, "MessageStatus": {"undelivered"}, "ErrorCode": {"30003"}}, false, channels.DeliveryReport{State: "failed", Code: "30003"}, channels.Reply{}, false},
		"canceled":    {url.Values{"MessageSid": {sid}, "MessageStatus": {"canceled"}}, false, channels.DeliveryReport{State: "failed", Code: "canceled"}, channels.Reply{}, false},
		"a number for a code": {url.Values{"MessageSid": {sid}, "MessageStatus": {"failed"}, "ErrorCode": {testNumber}}, false,
			channels.DeliveryReport{State: "failed", Code: "failed"}, channels.Reply{}, false},
		"a reply": {url.Values{"MessageSid": {sid}, "SmsStatus": {"received"}, "From": {testNumber}, "To": {"+390577000000"}, "Body": {"STOP è"}}, false,
			channels.DeliveryReport{}, channels.Reply{From: testNumber, To: "+390577000000", Text: "STOP è"}, false},
		"nothing":           {url.Values{"AccountSid": {testAccount}}, false, channels.DeliveryReport{}, channels.Reply{}, true},
		"not from them":     {url.Values{"MessageSid": {sid}, "MessageStatus": {"delivered"}}, true, channels.DeliveryReport{}, channels.Reply{}, true},
		"a sid that is odd": {url.Values{"MessageSid": {"../x"}, "MessageStatus": {"delivered"}}, false, channels.DeliveryReport{}, channels.Reply{}, true},
	} {
		t.Run(name, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(c.form.Encode()))
			token := testToken
			if c.forge {
				token = "guessed"
			}
			r.Header.Set("X-Twilio-Signature", sign(token, channeltest.Settings().PublicURL+path, c.form))
			reports, replies, err := ch.Inbound(r)
			if (err != nil) != c.broken || errors.Is(err, channels.ErrForged) != c.forge {
				t.Fatalf("got %v", err)
			}
			if c.report.State != "" {
				c.report.MessageID = "twilio:" + sid
				if len(reports) != 1 || len(replies) != 0 || reports[0].At.IsZero() {
					t.Fatalf("got %+v %+v", reports, replies)
				}
				reports[0].At = time.Time{}
				if fmt.Sprintf("%+v", reports[0]) != fmt.Sprintf("%+v", c.report) {
					t.Errorf("got %+v, want %+v", reports[0], c.report)
				}
			}
			if c.reply.From != "" {
				if len(replies) != 1 || len(reports) != 0 {
					t.Fatalf("got %+v %+v", reports, replies)
				}
				replies[0].At = time.Time{}
				if replies[0] != c.reply {
					t.Errorf("got %+v, want %+v", replies[0], c.reply)
				}
			}
		})
	}
}

// Whatever a stranger sends to Twilio's hook is refused, or it was signed.
func FuzzTwilioHook(f *testing.F) {
	f.Add("MessageSid=SM0123456789abcdef0123456789abcdef&MessageStatus=delivered", "provider=twilio", "x")
	f.Add("Body=STOP&From=%2B39", "", "RSOYDt4T1cUTdK1PDd93/VVr8B8=")
	f.Add("%", ";", "%")
	c := &twilio{hook: "https://us.example/hooks/sms?provider=twilio", token: testToken}
	f.Fuzz(func(t *testing.T, body, query, signature string) {
		r := &http.Request{Method: http.MethodPost, URL: &url.URL{Path: "/hooks/sms", RawQuery: query}, Header: http.Header{"X-Twilio-Signature": {signature}}}
		if reports, replies, err := c.events(r, []byte(body)); !errors.Is(err, channels.ErrForged) || len(reports)+len(replies) > 0 {
			t.Errorf("taken: %v %v %v", reports, replies, err)
		}
		if form, err := url.ParseQuery(body); err == nil && !slices.ContainsFunc(slices.Collect(func(yield func([]string) bool) {
			for _, v := range form {
				if !yield(v) {
					return
				}
			}
		}), func(v []string) bool { return len(v) > 1 }) {
			address := "https://us.example/hooks/sms"
			if query != "" {
				address += "?" + query
			}
			r.Header.Set("X-Twilio-Signature", sign(testToken, address, form))
			reports, replies, err := c.events(r, []byte(body))
			if errors.Is(err, channels.ErrForged) {
				t.Errorf("what is signed is refused: %q %q", body, query)
			}
			for _, one := range reports {
				if !messageSID.MatchString(one.MessageID) || one.State == "" {
					t.Errorf("report %+v", one)
				}
			}
			for _, one := range replies {
				if one.From == "" {
					t.Errorf("reply %+v", one)
				}
			}
		}
	})
}

// The JSON that the tests answer is what Twilio documents.
func TestFixturesAreJSON(t *testing.T) {
	for _, name := range []string{"twilio-created.json", "twilio-refused.json", "skebby-ordered.json", "skebby-state.json"} {
		if !json.Valid([]byte(fixture(t, name))) {
			t.Errorf("%s is not JSON", name)
		}
	}
}
