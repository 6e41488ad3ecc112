package voice

import (
	"net/url"
	"slices"
	"strings"
	"testing"

	"martinella/alerts/lexicon"
	"martinella/channels"
	"martinella/channels/channeltest"
)

// pager gives a channel's own, whatever it is wrapped in.
func pager(t testing.TB, c Config) channels.Pager { return make1(t, c).(channels.Pager) }

func TestPages(t *testing.T) {
	for name, c := range map[string]func(testing.TB) Config{
		"keys come back": func(t testing.TB) Config { return config(t, "https://api.example") },
		"no keys do":     func(t testing.TB) Config { return described(t, "https://api.example") },
		"little time":    func(t testing.TB) Config { c := config(t, "https://api.example"); c.MaxChars = leastChars; return c },
	} {
		t.Run(name, func(t *testing.T) {
			config := c(t)
			channeltest.Pages(t, channeltest.PagerSuite{
				New: func(t testing.TB) channels.Pager { return pager(t, config) },
				Fits: func(t testing.TB, name string, m channels.Message) {
					if n, most := channels.UnitChars.Count(m.Text), max(config.MaxChars, leastChars); config.MaxChars > 0 && n > most || n > usualChars {
						t.Errorf("%s: %d characters: %q", name, n, m.Text)
					}
				},
				Time: []string{"18", "15"}, Codeless: true,
			})
		})
	}
}

func TestGoldenPages(t *testing.T) {
	channeltest.GoldenPages(t, pager(t, config(t, "https://api.example")))
}

// calls sends a page and gives the address to which a key goes; "" for none.
func calls(t *testing.T, ch finding, fake *fakeTwilio, p channels.Page) (address string, said []string) {
	t.Helper()
	m, err := ch.RenderPage(p)
	if err != nil {
		t.Fatal(err)
	}
	m.Channel, m.Audience, m.Key, m.To, m.Sent = "calls", channels.AudienceVolunteers, "call/1/calls/7", number, channeltest.SampleSent
	if _, err := ch.Send(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	doc := twimlOf(t, fake.last(t).Get("Twiml"))
	for _, e := range doc.Children {
		for _, a := range e.Attrs {
			if e.XMLName.Local == "Gather" && a.Name.Local == "action" {
				address = a.Value
			}
		}
	}
	return address, doc.words()
}

// From the call over the key to the answer that the store gets.
func TestAKeyIsAnAnswer(t *testing.T) {
	for _, lang := range []string{"it", "en", "sl"} {
		for digits, want := range map[string]string{"1": "SI V-0417", "2": "NO V-0417", "3": "", "": "", "12": ""} {
			ch, fake := started(t, nil)
			address, said := calls(t, ch, fake, channeltest.SamplePage(channels.PageCall, lang))
			if spoken, press := strings.Join(said, " "), lexicon.ForPages(lang).Press; strings.Count(spoken, press) != 2 {
				t.Errorf("%s: the keys are not said twice: %s", lang, spoken)
			}
			u, err := url.Parse(address)
			if err != nil || u.Query().Get("call") != "V-0417" {
				t.Fatalf("a key goes to %q", address)
			}
			r := signed(t, u.RawQuery, form("Digits", digits, "CallStatus", "in-progress"), token)
			reports, replies, err := ch.Inbound(r)
			if err != nil || len(reports) != 1 {
				t.Fatalf("%v, %v", reports, err)
			}
			var got []string
			for _, reply := range replies {
				got = append(got, reply.Text)
				if reply.From != number || reply.To != source || reply.At.IsZero() {
					t.Errorf("%+v", reply)
				}
			}
			wanted := []string{want}
			if want == "" {
				wanted = nil
			}
			if !slices.Equal(got, wanted) || (reports[0].State == channels.ReportDelivered) != (want != "") {
				t.Errorf("%s, key %q: %q, %+v", lang, digits, got, reports[0])
			}
			kind, body := ch.HookAnswer(r)
			doc := twimlOf(t, string(body))
			if again := doc.Children[0].XMLName.Local == "Gather"; kind == "" || again == (want != "") {
				t.Errorf("%s, key %q: %s", lang, digits, body)
			}
		}
	}
}

// In what asks nothing a key says that it was heard, and answers nothing; where
// no key comes back nothing is said of one.
func TestAKeyThatAnswersNothing(t *testing.T) {
	ch, fake := started(t, nil)
	address, said := calls(t, ch, fake, channeltest.SamplePage(channels.PageCancelled, "it"))
	u, err := url.Parse(address)
	if err != nil || u.Query().Has("call") || !strings.Contains(strings.Join(said, " "), "prema il tasto 1") {
		t.Fatalf("%v: %q, %q", err, address, said)
	}
	reports, replies, err := ch.Inbound(signed(t, u.RawQuery, form("Digits", "1"), token))
	if err != nil || len(replies) != 0 || reports[0].State != channels.ReportDelivered {
		t.Errorf("%+v, %+v, %v", reports, replies, err)
	}
	mute, fake := started(t, func(c *Config) { no := false; c.Confirm = &no })
	if address, said := calls(t, mute, fake, channeltest.SamplePage(channels.PageCall, "it")); address != "" || strings.Contains(strings.Join(said, " "), "remi") {
		t.Errorf("%q, %q", address, said)
	}
	ours := make1(t, described(t, "https://api.example")).(finding)
	m, err := ours.RenderPage(channeltest.SamplePage(channels.PageCall, "it"))
	if err != nil {
		t.Fatal(err)
	}
	m.To, m.Key = number, "call/1/calls/7"
	one, err := ours.prepare(m)
	if err != nil {
		t.Fatal(err)
	}
	if speech := ours.carrier.(*genericCarrier).values(one)["speech"]; strings.Contains(speech, "rem") && strings.Contains(speech, "tasto") || one.recording != "" {
		t.Errorf("said %q", speech)
	}
}
