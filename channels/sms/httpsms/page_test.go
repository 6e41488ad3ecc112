package httpsms

import (
	"strings"
	"testing"

	"martinella/channels"
	"martinella/channels/channeltest"
)

func TestPages(t *testing.T) {
	channeltest.Pages(t, channeltest.PagerSuite{
		New: func(t testing.TB) channels.Pager {
			return opened(t, Config{ProviderConfig: twilioConfig(t, "https://twilio.example")})
		},
		Fits: func(t testing.TB, name string, m channels.Message) {
			if encoding, parts := channels.Segments(m.Text); encoding != channels.GSM7 || len(parts) != 1 {
				t.Errorf("%s: %d parts of %s: %q", name, len(parts), encoding, m.Text)
			}
		},
		LinkInText: true,
	})
}

// Nobody is told to answer where an answer would not be read, whichever provider
// carries the text.
func TestWhoMayAnswer(t *testing.T) {
	const link = " https://valdemo.example/d/{person.link}"
	twilioFrom := func(source, reply string) func(testing.TB) Config {
		return func(t testing.TB) Config {
			p := twilioConfig(t, "https://twilio.example")
			p.Source, p.ReplyNumber = source, reply
			return Config{ProviderConfig: p}
		}
	}
	two := func(second func(*ProviderConfig)) func(testing.TB) Config {
		return func(t testing.TB) Config {
			a, b := twilioConfig(t, "https://twilio.example"), twilioConfig(t, "https://twilio.example")
			a.Name, b.Name, a.Source, b.Source, a.ReplyNumber, b.ReplyNumber = "one", "two", "+390573000001", "+390573000002", "", ""
			second(&b)
			return Config{Providers: []ProviderConfig{a, b}}
		}
	}
	const plain, none, other = "Rispondi SI 20, NO o FORSE 60." + link, "18:15." + link, "SI 20, NO o FORSE 60 al +390573000111." + link
	for sentence, c := range map[string]struct {
		config func(testing.TB) Config
		want   string
	}{
		"a number":                             {twilioFrom("+390573000000", ""), plain},
		"an alias":                             {twilioFrom("Comune", ""), none},
		"an alias with a number":               {twilioFrom("Comune", "+390573000111"), other},
		"two numbers":                          {two(func(*ProviderConfig) {}), plain},
		"a number and an alias":                {two(func(p *ProviderConfig) { p.Source = "Comune" }), none},
		"a number, and an alias with a number": {two(func(p *ProviderConfig) { p.Source, p.ReplyNumber = "Comune", "+390573000111" }), none},
		"a provider that reads no answers": {func(t testing.TB) Config {
			p := skebbyConfig(t, "")
			p.Source = "+390573000000"
			return Config{ProviderConfig: p}
		}, none},
		"an account whose hooks are not proved": {func(t testing.TB) Config {
			p := twilioConfig(t, "https://twilio.example")
			p.Source, p.ReplyNumber, p.APIKeySID, p.APIKeySecretFile, p.AuthTokenFile = "+390573000000", "", "SK00000000000000000000000000000001", p.AuthTokenFile, ""
			return Config{ProviderConfig: p}
		}, none},
	} {
		t.Run(sentence, func(t *testing.T) {
			m, err := opened(t, c.config(t)).RenderPage(channeltest.SamplePage(channels.PageCall, "it"))
			if err != nil || !strings.HasSuffix(m.Text, c.want) {
				t.Errorf("%q, %v; want %q", m.Text, err, c.want)
			}
		})
	}
}
