package email

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"martinella/channels"
	"martinella/channels/channeltest"
)

// calling is a page on its way to somebody, its link filled.
func calling(t testing.TB, c *Channel, p channels.Page) channels.Message {
	t.Helper()
	m, err := c.RenderPage(p)
	if err != nil {
		t.Fatal(err)
	}
	m = m.For(map[string]string{channels.PersonLink: "AAAAKgAAAaHkQ0Zb3n1xWq_-"})
	m.Channel, m.Audience, m.Key, m.To, m.Sent = "mail", channels.AudienceVolunteers, "call/1/mail/7", testTo, testNow
	return m
}

func TestPagesToVolunteers(t *testing.T) {
	channeltest.Pages(t, channeltest.PagerSuite{
		New: func(t testing.TB) channels.Pager { return newChannel(t, "127.0.0.1:25", nil) },
		Fits: func(t testing.TB, name string, m channels.Message) {
			c := newChannel(t, "127.0.0.1:25", nil)
			m.Key, m.To, m.Sent = "call/1/mail/7", testTo, testNow
			got := read(t, c, m) // also that no line is too long
			if got.subject != m.Title || channels.UnitChars.Count(m.Title) > maxSubject || !strings.HasPrefix(got.text, m.Text) {
				t.Errorf("%s: %q, %q", name, got.subject, got.text)
			}
			for _, name := range []string{"Bcc", "Cc"} {
				if got.header.Get(name) != "" {
					t.Errorf("the mail has a header %s of somebody's words", name)
				}
			}
			if n := len(elements(t, got.page, "script")); n != 0 {
				t.Errorf("%s: %d scripts in %s", name, n, got.page)
			}
			links := elements(t, got.page, "a")
			if len(links) > 1 || len(links) == 1 && attr(links[0], "href") != "https://valdemo.example/d/"+strings.Repeat("W", channels.LongestToken) {
				t.Errorf("%s: links of others in %s", name, got.page)
			}
		},
		LinkInText: true, LinkInPayload: true,
	})
}

// The golden files hold what people read, as the others do.
func TestGoldenPagesToVolunteers(t *testing.T) {
	c := listening(t)
	for _, kind := range channeltest.PageKinds {
		var b strings.Builder
		for _, lang := range []string{"it", "en"} {
			p := channeltest.SamplePage(kind, lang)
			p.Exercise = lang == "en"
			m := calling(t, c, p)
			got := read(t, c, m)
			b.WriteString("== " + lang + ": " + got.subject + "\n" + got.text + got.page)
		}
		path := filepath.Join("testdata", "page-"+string(kind)+".golden")
		if f := flag.Lookup("update"); f != nil && f.Value.String() == "true" {
			if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatalf("%v (go test -update writes it)", err)
		}
		if b.String() != string(want) {
			t.Errorf("%s differs (go test -update, then look at the difference):\n%s", path, b.String())
		}
	}
}

func TestHeadersOfACall(t *testing.T) {
	c := listening(t)
	p := channeltest.SamplePage(channels.PageCall, "it")
	calm := read(t, c, calling(t, c, p))
	for _, name := range []string{"List-Unsubscribe", "List-Unsubscribe-Post", "Precedence", "Importance", "In-Reply-To"} {
		if got := calm.header.Get(name); got != "" {
			t.Errorf("%s: %s", name, got)
		}
	}
	if calm.header.Get("Auto-Submitted") != "auto-generated" || calm.header.Get("Reply-To") != "<stop@comune.pistoia.example>" {
		t.Errorf("%v", calm.header)
	}
	if strings.Contains(calm.text, "112") || strings.Contains(calm.text, "STOP") || !strings.Contains(calm.page, ">Rispondi</a>") {
		t.Errorf("%s\n%s", calm.text, calm.page)
	}
	p.Urgent = true
	if got := read(t, c, calling(t, c, p)).header.Get("Importance"); got != "high" {
		t.Errorf("an urgent call has the importance %q", got)
	}
}

// A volunteer who answers the mail is heard; where nobody reads the mailbox the
// mail does not say so.
func TestACallIsAnsweredByMail(t *testing.T) {
	const says = "rispondere a questo messaggio: SI 20"
	c := listening(t)
	m := calling(t, c, channeltest.SamplePage(channels.PageCall, "it"))
	got := read(t, c, m)
	if !strings.Contains(got.text, says) || !strings.Contains(got.page, says) {
		t.Errorf("%s\n%s", got.text, got.page)
	}
	answer := "From: " + testTo + "\r\nSubject: R: " + m.Title + "\r\nIn-Reply-To: " + got.header.Get("Message-Id") + "\r\n\r\nSI 20\r\n\r\n> Puoi venire?\r\n"
	n := c.read([]byte(answer), testNow.Add(time.Minute))
	if len(n.replies) != 1 || n.replies[0].From != testTo || n.replies[0].Text != "SI 20" {
		t.Errorf("heard %+v", n)
	}
	deaf := newChannel(t, "127.0.0.1:25", nil)
	if quiet, err := deaf.RenderPage(channeltest.SamplePage(channels.PageCall, "it")); err != nil || strings.Contains(quiet.Text, says) {
		t.Errorf("%v: %s", err, quiet.Text)
	}
}

// A draft that was stored before there were pages is a mail of an alert.
func TestADraftIsNoPageOfItself(t *testing.T) {
	var d draft
	if err := json.Unmarshal([]byte(`{"subject":"x","html":"","closing":null}`), &d); err != nil || d.Page || d.Urgent {
		t.Errorf("%+v, %v", d, err)
	}
}
