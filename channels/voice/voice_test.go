package voice

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"go.uber.org/zap"

	"martinella/alerts"
	"martinella/channels"
	"martinella/channels/channeltest"
	"martinella/channels/provider"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	token   = "0123456789abcdef0123456789abcdef"
	account = "AC00000000000000000000000000000001"
	number  = "+393331234567"
	source  = "+390573000000"
)

func secretFile(t testing.TB, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(path, []byte(text+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func config(t testing.TB, baseURL string) Config {
	return Config{Provider: kindTwilio, AccountSID: account, AuthTokenFile: secretFile(t, token), Source: source, Rate: 50, Description: provider.Description{URL: baseURL}}
}

func make1(t testing.TB, c Config) channels.Channel {
	t.Helper()
	ch, err := New("calls", c, channeltest.Settings(), zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	return ch
}

// fakeTwilio answers like Twilio's documentation and keeps the calls.
type fakeTwilio struct {
	mu    sync.Mutex
	calls []callShown
	forms []url.Values
	at    time.Time
}

func (f *fakeTwilio) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	basic := "Basic " + base64.StdEncoding.EncodeToString([]byte(account+":"+token))
	if r.Header.Get("Authorization") != basic {
		w.WriteHeader(http.StatusUnauthorized)
		fmt.Fprint(w, `{"code":20003,"message":"Authenticate","more_info":"https://www.twilio.com/docs/errors/20003","status":401}`)
		return
	}
	switch r.Method + " " + r.URL.Path {
	case "POST /2010-04-01/Accounts/" + account + "/Calls.json":
		body, _ := io.ReadAll(r.Body)
		form, _ := url.ParseQuery(string(body))
		at := f.at
		if at.IsZero() {
			at = channeltest.SampleSent
		}
		shown := callShown{SID: fmt.Sprintf("CA%032x", len(f.calls)+1), To: form.Get("To"), From: form.Get("From"), Status: "queued", Direction: "outbound-api", DateCreated: at.Format(time.RFC1123Z)}
		f.calls, f.forms = append(f.calls, shown), append(f.forms, form)
		w.WriteHeader(http.StatusCreated)
		json.NewEncoder(w).Encode(shown)
	case "GET /2010-04-01/Accounts/" + account + "/Calls.json":
		found := []callShown{}
		for _, c := range slices.Backward(f.calls) {
			if c.To == r.URL.Query().Get("To") {
				found = append(found, c)
			}
		}
		json.NewEncoder(w).Encode(map[string]any{"calls": found, "next_page_uri": nil})
	case "GET /2010-04-01/Accounts/" + account + ".json":
		fmt.Fprint(w, `{"sid":"`+account+`","status":"active","friendly_name":"Comune"}`)
	default:
		w.WriteHeader(http.StatusNotFound)
		fmt.Fprint(w, `{"code":20404,"message":"not found","status":404}`)
	}
}

func (f *fakeTwilio) last(t testing.TB) url.Values {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.forms) == 0 {
		t.Fatal("no call was made")
	}
	return f.forms[len(f.forms)-1]
}

var suite = channeltest.Suite{
	New: func(t testing.TB, baseURL string) channels.Channel {
		ch := make1(t, config(t, baseURL)).(finding)
		ch.settle = 0
		return ch
	},
	Platform: func(testing.TB) http.Handler { return &fakeTwilio{} },
	To:       number, NoLink: true,
	Secrets: []string{token, base64.StdEncoding.EncodeToString([]byte(account + ":" + token)), "3331234567"},
}

func TestContract(t *testing.T) { channeltest.Run(t, suite) }

func TestGolden(t *testing.T) { channeltest.Golden(t, make1(t, config(t, "https://api.example"))) }

func started(t testing.TB, change func(*Config)) (finding, *fakeTwilio) {
	t.Helper()
	fake := &fakeTwilio{}
	server := httptest.NewServer(fake)
	t.Cleanup(server.Close)
	c := config(t, server.URL)
	if change != nil {
		change(&c)
	}
	ch := make1(t, c).(finding)
	ch.settle = 0
	return ch, fake
}

// element is any element of TwiML, in its order.
type element struct {
	XMLName  xml.Name
	Attrs    []xml.Attr `xml:",any,attr"`
	Text     string     `xml:",chardata"`
	Children []element  `xml:",any"`
}

func (e element) attr(name string) string {
	for _, a := range e.Attrs {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

// words lists what is said or played.
func (e element) words() []string {
	var out []string
	if e.XMLName.Local == "Say" || e.XMLName.Local == "Play" {
		out = append(out, e.XMLName.Local+" "+e.attr("language")+": "+e.Text)
	}
	for _, c := range e.Children {
		out = append(out, c.words()...)
	}
	return out
}

func twimlOf(t testing.TB, text string) element {
	t.Helper()
	var e element
	if err := xml.Unmarshal([]byte(text), &e); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	if e.XMLName.Local != "Response" {
		t.Fatalf("the document is %s", e.XMLName.Local)
	}
	return e
}

func TestACall(t *testing.T) {
	ch, fake := started(t, nil)
	receipt, err := ch.Send(t.Context(), suite.Rendered(t, ch, channeltest.Actual, "a/1/calls/7"))
	if err != nil || receipt.ID != "CA00000000000000000000000000000001" {
		t.Fatalf("%+v, %v", receipt, err)
	}
	form := fake.last(t)
	hook := "https://allerta.comune.pistoia.example/hooks/calls?lang=it&on="
	for name, want := range map[string]string{"To": number, "From": source, "Timeout": "30", "TimeLimit": "300", "StatusCallback": hook + "end",
		"MachineDetection": "Enable", "AsyncAmd": "true", "AsyncAmdStatusCallback": hook + "machine"} {
		if got := form.Get(name); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
	doc := twimlOf(t, form.Get("Twiml"))
	said := doc.words()
	if len(said) != 4 || said[0] != said[2] || !strings.HasPrefix(said[0], "Say it-IT: Comune di Pistoia: Avviso, pericolo estremo: Alluvione.") || !strings.Contains(said[0], "Fino alle 18 e 30 di sabato 21 novembre.") ||
		said[1] != "Say it-IT: Ripeto." || said[3] != "Say it-IT: Se ha sentito questo messaggio, prema il tasto 1." {
		t.Errorf("said %q", said)
	}
	gather := doc.Children[1]
	if gather.XMLName.Local != "Gather" || gather.attr("action") != hook+"key" || gather.attr("numDigits") != "1" || gather.attr("input") != "dtmf" {
		t.Errorf("the key is asked for with %+v", gather.Attrs)
	}
	if n := len(form.Get("Twiml")); n > 2500 {
		t.Errorf("the script has %d characters", n)
	}
}

// An exercise is named first and last, each time.
func TestAnExercise(t *testing.T) {
	ch, fake := started(t, nil)
	for _, kind := range []channeltest.Kind{channeltest.Exercise, channeltest.Test} {
		if _, err := ch.Send(t.Context(), suite.Rendered(t, ch, kind, "a/1/calls/7")); err != nil {
			t.Fatal(err)
		}
		said := twimlOf(t, fake.last(t).Get("Twiml")).words()
		for _, i := range []int{0, 2} {
			text := strings.TrimPrefix(said[i], "Say it-IT: ")
			if !strings.HasPrefix(text, "Esercitazione. ") || !strings.HasSuffix(text, " Esercitazione.") {
				t.Errorf("%s: said %q", kind, text)
			}
		}
	}
}

func TestARecording(t *testing.T) {
	ch, fake := started(t, nil)
	for _, kind := range []channeltest.Kind{channeltest.Actual, channeltest.Exercise} {
		r := channeltest.Sample(kind)
		r.Alert.Infos[0].Resources = []alerts.Resource{{MimeType: "image/png", URI: "https://a.example/map.png"}, {MimeType: "audio/mpeg", URI: "http://a.example/plain.mp3"}, {MimeType: "audio/mpeg", URI: "https://a.example/avviso.mp3?a=1&b=2"}}
		messages, err := ch.Render(r)
		if err != nil {
			t.Fatal(err)
		}
		m := messages[0].For(nil)
		m.To, m.Key = number, string(kind)
		if _, err := ch.Send(t.Context(), m); err != nil {
			t.Fatal(err)
		}
		said := twimlOf(t, fake.last(t).Get("Twiml")).words()
		played := 0
		if kind == channeltest.Exercise {
			played = 1
			if said[0] != "Say it-IT: Esercitazione." {
				t.Errorf("an exercise begins with %q", said[0])
			}
		}
		if said[played] != "Play : https://a.example/avviso.mp3?a=1&b=2" || !strings.Contains(said[played+2], "Alluvione") {
			t.Errorf("%s: said %q", kind, said)
		}
	}
}

// Whatever a sender writes, it is said and never read as a command to Twilio.
func TestTwimlIsEscaped(t *testing.T) {
	ch, fake := started(t, nil)
	m := suite.Rendered(t, ch, channeltest.Actual, "a/1/calls/7")
	m.Text = `</Say><Dial>+39899000000</Dial> & "x" <!-- ]]> ` + "\x00\x1b"
	if _, err := ch.Send(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	doc := twimlOf(t, fake.last(t).Get("Twiml"))
	if strings.Contains(fmt.Sprint(doc.Children), "Dial}") || !strings.Contains(doc.words()[0], "<Dial>+39899000000</Dial>") {
		t.Errorf("said %q", doc.words())
	}
}

func TestOtherLanguagesAndVoices(t *testing.T) {
	ch, fake := started(t, func(c *Config) {
		c.Voices = []Voice{{Language: "de", Locale: "de-AT", Name: "Polly.Hannah-Neural"}, {Language: "sl", Locale: "sl-SI"}}
	})
	for lang, want := range map[string][2]string{"de": {"de-AT", "de-AT"}, "en": {"en-GB", "en-GB"}, "sl": {"sl-SI", "en-GB"}, "de-IT": {"de-AT", "de-AT"}} {
		m := suite.Rendered(t, ch, channeltest.Actual, "a/1/calls/"+lang)
		m.Language = lang
		if _, err := ch.Send(t.Context(), m); err != nil {
			t.Fatal(err)
		}
		said := twimlOf(t, fake.last(t).Get("Twiml")).words()
		if !strings.HasPrefix(said[0], "Say "+want[0]) || !strings.HasPrefix(said[3], "Say "+want[1]) {
			t.Errorf("%s: said %q", lang, said)
		}
	}
}

// Where nobody could report, nobody is asked to press a key.
func TestWithoutAHook(t *testing.T) {
	fake := &fakeTwilio{}
	server := httptest.NewServer(fake)
	defer server.Close()
	s := channeltest.Settings()
	s.PublicURL = "http://localhost:8080"
	ch, err := New("calls", config(t, server.URL), s, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ch.Send(t.Context(), suite.Rendered(t, ch, channeltest.Actual, "k")); err != nil {
		t.Fatal(err)
	}
	form := fake.last(t)
	if form.Has("StatusCallback") || strings.Contains(form.Get("Twiml"), "Gather") || strings.Contains(form.Get("Twiml"), "tasto 1") {
		t.Errorf("asked for %v", form)
	}
	if notes := ch.(finding).Notes(); len(notes) != 1 || !strings.Contains(notes[0], "public_url") {
		t.Errorf("notes %q", notes)
	}
}

// Every code that decides otherwise than its status.
func TestTwilioCodes(t *testing.T) {
	stub := channeltest.StartStub(t, &fakeTwilio{}, nil)
	ch := make1(t, config(t, stub.URL))
	for code, want := range map[int]channels.Verdict{20003: channels.VerdictUnauthorized, 20005: channels.VerdictUnauthorized, 21210: channels.VerdictUnauthorized, 21212: channels.VerdictUnauthorized,
		20429: channels.VerdictRetry, 10004: channels.VerdictRetry, 21211: channels.VerdictPermanent, 21214: channels.VerdictPermanent, 21215: channels.VerdictPermanent, 21216: channels.VerdictPermanent, 13227: channels.VerdictPermanent} {
		stub.Answer(channeltest.Status(400, fmt.Sprintf(`{"code":%d,"message":"The number %s is wrong","status":400}`, code, number)))
		_, err := ch.Send(t.Context(), suite.Rendered(t, ch, channeltest.Actual, fmt.Sprint(code)))
		suite.Refuses(t, fmt.Sprint(code), err, want)
	}
	for _, to := range []string{"", "333", "+39 333 1234567", "sip:a@b", "+39333<"} {
		m := suite.Rendered(t, ch, channeltest.Actual, "k")
		m.To = to
		posts := stub.Posts()
		if _, err := ch.Send(t.Context(), m); err == nil || stub.Posts() != posts {
			t.Errorf("%q is called", to)
		} else if v, _ := channels.VerdictOf(err); v != channels.VerdictPermanent {
			t.Errorf("%q: %v", to, err)
		}
	}
}

func TestFind(t *testing.T) {
	m := func(ch channels.Channel, key string) channels.Message {
		return suite.Rendered(t, ch, channeltest.Actual, key)
	}
	sid := "CA00000000000000000000000000000009"
	shown := func(change func(*callShown)) callShown {
		c := callShown{SID: sid, To: number, From: source, Status: "ringing", Direction: "outbound-api", DateCreated: channeltest.SampleSent.Format(time.RFC1123Z)}
		change(&c)
		return c
	}
	for name, c := range map[string]struct {
		call callShown
		want bool
	}{
		"one that rings":           {shown(func(*callShown) {}), true},
		"one that is over":         {shown(func(c *callShown) { c.Status, c.AnsweredBy = "completed", "human" }), true},
		"one that was busy":        {shown(func(c *callShown) { c.Status = "busy" }), false},
		"one that nobody took":     {shown(func(c *callShown) { c.Status = "no-answer" }), false},
		"one that a machine took":  {shown(func(c *callShown) { c.Status, c.AnsweredBy = "completed", "machine_end_beep" }), false},
		"one of before the alert":  {shown(func(c *callShown) { c.DateCreated = channeltest.SampleSent.Add(-time.Hour).Format(time.RFC1123Z) }), false},
		"one from another number":  {shown(func(c *callShown) { c.From = "+390573111111" }), false},
		"one that came in":         {shown(func(c *callShown) { c.Direction = "inbound" }), false},
		"one to another number":    {shown(func(c *callShown) { c.To = "+393331234560" }), false},
		"one with a strange SID":   {shown(func(c *callShown) { c.SID = "CA/../x" }), false},
		"one of another in flight": {shown(func(c *callShown) { c.SID = "CA00000000000000000000000000000001" }), false},
	} {
		t.Run(name, func(t *testing.T) {
			ch, fake := started(t, nil)
			if _, err := ch.Send(t.Context(), m(ch, "another message")); err != nil {
				t.Fatal(err)
			}
			fake.mu.Lock()
			fake.calls = []callShown{c.call}
			fake.mu.Unlock()
			receipt, found, err := ch.Find(t.Context(), m(ch, "k"))
			if err != nil || found != c.want || found && receipt.ID != sid {
				t.Errorf("got %+v, %v, %v; want %v", receipt, found, err, c.want)
			}
		})
	}
	ch, _ := started(t, nil)
	ch.settle = time.Hour
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, found, err := ch.Find(ctx, m(ch, "k")); found || err == nil {
		t.Errorf("too early: %v, %v", found, err)
	}
}

func TestConfigMistakes(t *testing.T) {
	no, hundred := false, 100
	for what, change := range map[string]func(*Config){
		"provider is missing":    func(c *Config) { c.Provider = "" },
		`provider is "carrier"`:  func(c *Config) { c.Provider = "carrier" },
		"account_sid":            func(c *Config) { c.AccountSID = "x" },
		"auth_token_file":        func(c *Config) { c.AuthTokenFile = "" },
		"source is not a number": func(c *Config) { c.Source = "COMUNE" },
		"rate is out of range":   func(c *Config) { c.Rate = -1 },
		"ring is out of range":   func(c *Config) { c.Ring = time.Hour },
		"max_chars":              func(c *Config) { c.MaxChars = 10 },
		"redial or redial_after": func(c *Config) { c.Redial = &hundred },
		"voices[0]":              func(c *Config) { c.Voices = []Voice{{Language: "it", Name: `"/><Dial>`}} },
		"url is not an address":  func(c *Config) { c.URL = "api.twilio.com" },
		"description is not for": func(c *Config) { c.Request.Path = "/calls" },
		"api_key_sid":            func(c *Config) { c.APIKeySID, c.APIKeySecretFile = "x", secretFile(t, token) },
		"carries nothing": func(c *Config) {
			*c = Config{Provider: kindGeneric, Description: provider.Description{URL: "https://a.example"}}
		},
		"generic and has fields": func(c *Config) { c.Provider = kindGeneric },
		"window is out of range": func(c *Config) { c.Window = -1 },
		"answer.id is missing": func(c *Config) {
			*c = Config{Provider: kindGeneric, Description: provider.Description{URL: "https://a.example"}}
		},
		"for channels on which":    func(c *Config) { *c = Config{Provider: kindGeneric}; c.Hook.Replies.From = "from" },
		"source is not a number (": func(c *Config) { *c = Config{Provider: kindGeneric, Source: "COMUNE"} },
	} {
		c := config(t, "https://api.example")
		change(&c)
		if _, err := New("calls", c, channeltest.Settings(), zap.NewNop()); err == nil || !strings.Contains(err.Error(), what) {
			t.Errorf("got %v, want %q", err, what)
		}
	}
	c := config(t, "")
	c.Confirm, c.Machines = &no, &no
	if _, err := New("calls", c, channeltest.Settings(), nil); err != nil {
		t.Error(err)
	}
}

func TestLongTexts(t *testing.T) {
	ch, fake := started(t, func(c *Config) { c.MaxChars = 1200 })
	r := channeltest.Sample(channeltest.Exercise, "it")
	r.Alert.Infos[0].Instruction = strings.Repeat("L'acqua sale & l'argine cede. ", 300)
	messages, err := ch.Render(r)
	if err != nil {
		t.Fatal(err)
	}
	m := messages[0]
	if got := ch.Measure(m.Text); got.Used > got.Max || !strings.HasPrefix(m.Text, "ESERCITAZIONE. ") || !strings.HasSuffix(m.Text, " ESERCITAZIONE.") {
		t.Errorf("%+v of %q", got, m.Text)
	}
	m.To = number
	if _, err := ch.Send(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	if n := len(fake.last(t).Get("Twiml")); n > longestTwiML {
		t.Errorf("the script has %d characters", n)
	}
	m.Text = strings.Repeat("&", 1200)
	_, err = ch.Send(t.Context(), m)
	suite.Refuses(t, "a script that is too long", err, channels.VerdictPermanent)
}
