package httpsms

import (
	"strings"
	"testing"

	"go.uber.org/zap"

	"martinella/channels"
	"martinella/channels/channeltest"
	"martinella/channels/provider"
	"martinella/channels/sms"
)

func TestEveryMistakeIsNamed(t *testing.T) {
	tw := func(change func(*ProviderConfig)) Config {
		p := twilioConfig(t, "https://twilio.example")
		change(&p)
		return Config{ProviderConfig: p}
	}
	sk := func(change func(*ProviderConfig)) Config {
		p := skebbyConfig(t, "https://skebby.example")
		change(&p)
		return Config{ProviderConfig: p}
	}
	for name, c := range map[string]struct {
		config Config
		want   []string
	}{
		"nothing":                {Config{}, []string{"provider is missing"}},
		"another provider":       {Config{ProviderConfig: ProviderConfig{Provider: "smsking"}}, []string{`provider is "smsking"`, "generic"}},
		"twilio and nothing":     {Config{ProviderConfig: ProviderConfig{Provider: "twilio"}}, []string{"account_sid", "auth_token_file is missing", "source is missing"}},
		"skebby and nothing":     {Config{ProviderConfig: ProviderConfig{Provider: "skebby"}}, []string{"username", "password_file is missing"}},
		"generic and nothing":    {Config{ProviderConfig: ProviderConfig{Provider: "generic"}}, []string{"url is missing", "request carries nothing", "answer.id is missing"}},
		"a wrong address":        {tw(func(p *ProviderConfig) { p.URL = "ftp://x" }), []string{"url is not an address"}},
		"a sender that is long":  {tw(func(p *ProviderConfig) { p.Source = "COMUNEDIPISTOIA" }), []string{"source has 15 characters"}},
		"source and service":     {tw(func(p *ProviderConfig) { p.MessagingServiceSID = "MG" }), []string{"messaging_service_sid is given beside source"}},
		"a service that is none": {tw(func(p *ProviderConfig) { p.Source, p.MessagingServiceSID = "", "MG1" }), []string{"messaging_service_sid is not a service's"}},
		"a key that is none":     {tw(func(p *ProviderConfig) { p.APIKeySID = "SK1" }), []string{"api_key_sid", "api_key_secret_file is missing"}},
		"fields of others":       {tw(func(p *ProviderConfig) { p.Username = "x"; p.Request.Path = "/x" }), []string{"username", "request is not for twilio"}},
		"fields of twilio":       {sk(func(p *ProviderConfig) { p.AccountSID = testAccount }), []string{"provider is skebby and has fields of another"}},
		"a quality that is none": {sk(func(p *ProviderConfig) { p.MessageType = "XX" }), []string{"message_type"}},
		"Basic with a sender":    {sk(func(p *ProviderConfig) { p.MessageType = "SI" }), []string{"source is given with message_type SI"}},
		"limits":                 {tw(func(p *ProviderConfig) { p.Rate, p.Prefixes, p.ReplyNumber = -1, []string{"39"}, "abc" }), []string{"rate", "prefixes[0]", "reply_number"}},
		"of the whole channel":   {Config{ProviderConfig: twilioConfig(t, "https://twilio.example"), Window: -1, Config: sms.Config{MaxParts: 99, Price: "x"}}, []string{"window", "max_parts", "price"}},
		"two of one name": {Config{Providers: []ProviderConfig{twilioConfig(t, "https://a.example"), twilioConfig(t, "https://b.example"), {Provider: "skebby", Name: "X Y"}}},
			[]string{"providers[1].name", "providers[2].name", "providers[2].username", "providers[2].password_file"}},
		"one and several": {Config{ProviderConfig: twilioConfig(t, "https://a.example"), Providers: []ProviderConfig{twilioConfig(t, "https://a.example")}}, []string{"providers is given beside a provider"}},
		"a description": {Config{Providers: []ProviderConfig{{Provider: "generic", AccountSID: "x", Description: provider.Description{URL: "https://sms.example", Request: provider.Request{JSON: `{"t":"{txt}"}`}, Answer: provider.Answer{ID: "id"}}}}},
			[]string{"providers[0].request.json has the unknown placeholder {txt}", "fields of twilio or skebby"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := New("sms", c.config, channeltest.Settings(), zap.NewNop())
			if err == nil {
				t.Fatal("taken")
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q does not say %q", err, want)
				}
			}
			if got := strings.Count(err.Error(), "\n") + 1; got > len(c.want)+1 {
				t.Errorf("%d mistakes are named:\n%v", got, err)
			}
			if strings.Contains(err.Error(), testToken) {
				t.Errorf("%q holds a secret", err)
			}
		})
	}
	if _, err := New("A B", Config{ProviderConfig: twilioConfig(t, "")}, channeltest.Settings(), nil); err == nil || !strings.Contains(err.Error(), "name") {
		t.Errorf("a wrong name: %v", err)
	}
}

func TestDefaults(t *testing.T) {
	ch := opened(t, Config{ProviderConfig: twilioConfig(t, "")})
	if got := ch.routes[0].carrier.(*twilio).account; got != "https://api.twilio.com/2010-04-01/Accounts/"+testAccount {
		t.Errorf("twilio is at %q", got)
	}
	ch = opened(t, Config{ProviderConfig: skebbyConfig(t, "")})
	if got := ch.routes[0].carrier.(*skebby).base; got != skebbyAPI {
		t.Errorf("skebby is at %q", got)
	}
	key := twilioConfig(t, "")
	key.AuthTokenFile, key.APIKeySID, key.APIKeySecretFile = "", "SKaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", secretFile(t, "k")
	c := opened(t, Config{ProviderConfig: key}).routes[0].carrier.(*twilio)
	if c.hook != "" || !c.byKey || c.hookNote() == "" {
		t.Errorf("with a key alone: hook %q", c.hook)
	}
}

// A channel of which nobody can be asked must not seem to be able to tell.
func TestFinder(t *testing.T) {
	blind := genericConfig(t, "https://sms.example")
	blind.Probe = provider.Probe{}
	for name, c := range map[string]struct {
		config Config
		want   bool
	}{
		"twilio": {Config{ProviderConfig: twilioConfig(t, "")}, true}, "generic with a probe": {Config{ProviderConfig: genericConfig(t, "https://sms.example")}, true},
		"generic without": {Config{ProviderConfig: blind}, false}, "one of two": {Config{Providers: []ProviderConfig{blind, twilioConfig(t, "")}}, true},
	} {
		ch, err := New("sms", c.config, channeltest.Settings(), nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, got := ch.(channels.Finder); got != c.want {
			t.Errorf("%s: a Finder: %v", name, got)
		}
		for what, ok := range map[string]bool{"Addressed": is[channels.Addressed](ch), "Limiter": is[channels.Limiter](ch), "Weigher": is[channels.Weigher](ch), "Checker": is[channels.Checker](ch),
			"Inbound": is[channels.Inbound](ch), "Answerer": is[channels.Answerer](ch), "Measurer": is[channels.Measurer](ch), "Notes": is[interface{ Notes() []string }](ch)} {
			if !ok {
				t.Errorf("%s: no %s", name, what)
			}
		}
	}
}

func is[T any](v any) bool {
	_, ok := v.(T)
	return ok
}

func TestHookURL(t *testing.T) {
	for public, want := range map[string]string{
		"https://allerta.example": "https://allerta.example/hooks/sms?provider=it", "https://allerta.example/": "https://allerta.example/hooks/sms?provider=it",
		"": "", "http://localhost:8080": "", "http://127.0.0.1:8080": "", "http://10.0.0.3": "", "http://[::1]:80": "",
	} {
		if got := hookURL(public, "sms", "it"); got != want {
			t.Errorf("%q: got %q, want %q", public, got, want)
		}
	}
}

func TestNotes(t *testing.T) {
	blind := genericConfig(t, "https://sms.example")
	blind.Probe, blind.Check, blind.Hook, blind.Prefixes = provider.Probe{}, provider.Check{}, provider.Hook{}, []string{"+39"}
	notes := strings.Join(opened(t, Config{ProviderConfig: blind}).Notes(), "\n")
	for _, want := range []string{"alias", "cannot be asked", "no check", "no hook", "prefixes"} {
		if !strings.Contains(notes, want) {
			t.Errorf("%q does not say %q", notes, want)
		}
	}
	number := twilioConfig(t, "")
	number.Source = "+390577000000"
	if notes := opened(t, Config{ProviderConfig: number}).Notes(); len(notes) != 0 {
		t.Errorf("notes %q", notes)
	}
}
