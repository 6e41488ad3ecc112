package email

import (
	"bytes"
	"fmt"
	"mime"
	"net/mail"
	"net/textproto"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"martinella/alerts"
	"martinella/channels"
	"martinella/channels/channeltest"
)

// received is a mail as a mail program reads it.
type received struct {
	header        mail.Header
	subject       string
	text, page    string
	picture       []byte
	pictureHeader textproto.MIMEHeader
}

// read writes a mail and reads it back with the standard library.
func read(t testing.TB, c *Channel, m channels.Message) received {
	t.Helper()
	l, err := c.write(m)
	if err != nil {
		t.Fatal(err)
	}
	return parsed(t, l.source)
}

func parsed(t testing.TB, source []byte) received {
	t.Helper()
	msg, err := mail.ReadMessage(bytes.NewReader(source))
	if err != nil {
		t.Fatal(err)
	}
	for i, line := range strings.SplitAfter(string(source), "\n") {
		if line != "" && !strings.HasSuffix(line, "\r\n") || len(line) > 998+2 {
			t.Fatalf("line %d has %d bytes: %.60q", i+1, len(line), line)
		}
	}
	var body bytes.Buffer
	body.ReadFrom(msg.Body)
	out := received{header: msg.Header}
	if out.subject, err = new(mime.WordDecoder).DecodeHeader(msg.Header.Get("Subject")); err != nil {
		t.Fatal(err)
	}
	for _, p := range partsOf(textproto.MIMEHeader(msg.Header), body.Bytes()) {
		switch p.media {
		case "text/plain":
			out.text += strings.ReplaceAll(string(p.body), "\r\n", "\n")
		case "text/html":
			out.page += strings.ReplaceAll(string(p.body), "\r\n", "\n")
		case "image/png":
			out.picture, out.pictureHeader = append(out.picture, p.body...), p.header
		default:
			t.Errorf("a part %s", p.media)
		}
	}
	return out
}

func TestHeaders(t *testing.T) {
	c := newChannel(t, "127.0.0.1:25", func(c *Config) {
		c.StopAddress, c.Receipts = "stop@comune.pistoia.example", Receipts{IMAP: "127.0.0.1:143", TLS: tlsNone, Username: "x", PasswordFile: secretFile(t, testPassword)}
	})
	m := message(t, c, channeltest.Actual, "01KAK3Z8G0FLD1RST0000000A1/1/mail/7")
	got := read(t, c, m)
	for name, want := range map[string]string{
		"From":                  `"Allerta Pistoia" <allerta@comune.pistoia.example>`,
		"To":                    "<" + testTo + ">",
		"Reply-To":              "<stop@comune.pistoia.example>",
		"Date":                  "Sat, 21 Nov 2026 11:00:00 +0100",
		"Auto-Submitted":        "auto-generated",
		"Importance":            "high",
		"X-Priority":            "1",
		"List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
		"In-Reply-To":           "",
		"Precedence":            "",
		"Mime-Version":          "1.0",
	} {
		if got.header.Get(name) != want {
			t.Errorf("%s: got %q, want %q", name, got.header.Get(name), want)
		}
	}
	id := got.header.Get("Message-Id")
	if !regexp.MustCompile(`^<[a-z2-7]{26}\.[a-z2-7]{16}@comune\.pistoia\.example>$`).MatchString(id) {
		t.Errorf("Message-ID %q", id)
	}
	links := got.header.Get("List-Unsubscribe")
	if !regexp.MustCompile(`^<https://allerta\.comune\.pistoia\.example/hooks/mail\?u=[\w-]+>, <mailto:stop@comune\.pistoia\.example\?subject=STOP%20[\w-]+>$`).MatchString(links) {
		t.Errorf("List-Unsubscribe %q", links)
	}
	if strings.Contains(links, "anna") || strings.Contains(links, "posta.example") {
		t.Error("the address stands in the link")
	}
	if !strings.Contains(got.text, "Emesso: 11:00") || !strings.Contains(got.page, "K7Q2P") || !strings.Contains(got.page, `href="mailto:stop@`) || !strings.Contains(got.text, "STOP") {
		t.Errorf("the closing lines are not all there:\n%s", got.text)
	}
	if got.pictureHeader.Get("Content-Id") == "" || !strings.Contains(got.page, "cid:"+strings.Trim(got.pictureHeader.Get("Content-Id"), "<>")) {
		t.Errorf("the page does not show the picture %q", got.pictureHeader.Get("Content-Id"))
	}
}

// One message has one Message-ID and one body over all attempts; another has
// another.
func TestAttemptsAreOneMail(t *testing.T) {
	c := newChannel(t, "127.0.0.1:25", nil)
	m := message(t, c, channeltest.Actual, "a/1/mail/7")
	write := func(c *Channel, m channels.Message) letter {
		l, err := c.write(m)
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	one, two := write(c, m), write(newChannel(t, "127.0.0.1:25", nil), m)
	if one.id != two.id || !bytes.Equal(one.source, two.source) {
		t.Error("a second attempt, of another node, is another mail")
	}
	seen := map[string]string{one.id: "the first"}
	for name, change := range map[string]func(*channels.Message){
		"another recipient": func(m *channels.Message) { m.Key = "a/1/mail/8" },
		"another revision":  func(m *channels.Message) { m.Key = "a/2/mail/7" },
		"another language":  func(m *channels.Message) { m.Language = "en" },
	} {
		other := m
		change(&other)
		id := write(c, other).id
		if before, ok := seen[id]; ok {
			t.Errorf("%s has the id of %s", name, before)
		}
		seen[id] = name
	}
}

// The mails of an event hang together for each recipient.
func TestUpdatesHangOnTheirAlert(t *testing.T) {
	c := newChannel(t, "127.0.0.1:25", nil)
	sent := func(r *alerts.Record, person int) received {
		messages, err := c.Render(r)
		if err != nil {
			t.Fatal(err)
		}
		m := messages[0].For(nil)
		m.Key, m.To, m.Sent = fmt.Sprintf("%s/%d/mail/%d", r.ID, r.Revision, person), testTo, channeltest.SampleSent
		return read(t, c, m)
	}
	first, second := channeltest.Sample(channeltest.Actual, "it"), channeltest.Sample(channeltest.Update, "it")
	third := channeltest.Sample(channeltest.AllClear, "it")
	third.ID, third.Supersedes, third.Revision = "01KAK5Z8G0FLD1RST0000000A3", second.ID, 3
	a, b, z := sent(first, 7), sent(second, 7), sent(third, 7)
	idOf := func(r received) string { return r.header.Get("Message-Id") }
	if a.header.Get("References") != "" {
		t.Errorf("the first refers to %q", a.header.Get("References"))
	}
	if b.header.Get("In-Reply-To") != idOf(a) || b.header.Get("References") != idOf(a) {
		t.Errorf("the second refers to %q, the first is %q", b.header.Get("References"), idOf(a))
	}
	if got := strings.Fields(z.header.Get("References")); z.header.Get("In-Reply-To") != idOf(b) || !slices.Equal(got, []string{idOf(a), idOf(b)}) {
		t.Errorf("the third refers to %q", got)
	}
	if other := sent(second, 8); strings.Contains(other.header.Get("References"), idOf(a)) {
		t.Error("somebody else's mail hangs on this one's")
	}
}

func TestPriorityBySeverity(t *testing.T) {
	c := newChannel(t, "127.0.0.1:25", nil)
	for kind, want := range map[channeltest.Kind]string{channeltest.Actual: "high", channeltest.Update: "high", channeltest.Cancel: "high", channeltest.AllClear: "", channeltest.Moderate: ""} {
		if got := read(t, c, message(t, c, kind, "a/1/mail/7")).header.Get("Importance"); got != want {
			t.Errorf("%s: %q", kind, got)
		}
	}
}

func TestWithoutAKey(t *testing.T) {
	c := newChannel(t, "127.0.0.1:25", func(c *Config) { c.KeyFile = "" })
	got := read(t, c, message(t, c, channeltest.Actual, "a/1/mail/7"))
	if got.header.Get("List-Unsubscribe") != "" || !strings.HasPrefix(got.header.Get("Message-Id"), "<") {
		t.Errorf("%q, %q", got.header.Get("List-Unsubscribe"), got.header.Get("Message-Id"))
	}
}

func TestCertifiedMail(t *testing.T) {
	c := newChannel(t, "127.0.0.1:25", func(c *Config) { c.PEC = true })
	m := message(t, c, channeltest.Actual, "a/1/mail/7")
	l, err := c.write(m)
	if err != nil || l.from != "allerta@comune.pistoia.example" {
		t.Errorf("sender %q, %v", l.from, err)
	}
	if got := parsed(t, l.source).header.Get("X-Tiporicevuta"); got != "sintetica" {
		t.Errorf("X-TipoRicevuta %q", got)
	}
}

// once are the fields that must stand exactly once, and nothing else may be
// there but these and those that may.
var (
	once  = []string{"From", "To", "Date", "Message-Id", "Subject", "Auto-Submitted", "X-Auto-Response-Suppress", "Mime-Version", "Content-Type"}
	maybe = []string{"Reply-To", "Importance", "X-Priority", "In-Reply-To", "References", "List-Unsubscribe", "List-Unsubscribe-Post"}
)

// FuzzHeaders: neither a sender's words nor an address nor a key can add a
// field, end the head, or show in the wrong place.
func FuzzHeaders(f *testing.F) {
	f.Add("Alluvione", "Pistoia sud", "Comune", "anna@posta.example", "a/1/mail/7", "it")
	f.Add("x\r\nBcc: evil@evil.example\r\n\r\nbody", "=?utf-8?Q?=0D=0ABcc:_x?=", "\x00\x7f", "x@y.example\r\nBcc: z@y.example", "a\r\nX-Evil: 1", "it\r\nX: y")
	f.Add("\u2028\u2029\u0085", "{sent}{unsubscribe}", strings.Repeat("à", 500), "pelé@città.example", "", "ar")
	f.Add("=?utf-8?B?QmNjOiB4?=", ".", "From ", `"a b"@y.example`, "/", "de")
	c := newChannel(f, "127.0.0.1:25", nil)
	f.Fuzz(func(t *testing.T, event, place, source, to, key, lang string) {
		r := channeltest.Sample(channeltest.Update, "it")
		in := &r.Alert.Infos[0]
		in.Event, in.SenderName, in.Headline, in.Instruction, in.Language = event, source, place, event, lang
		in.Areas[0].Description, in.Areas[0].Polygons = place, nil
		messages, err := c.Render(r)
		if err != nil {
			return
		}
		m := messages[0].For(map[string]string{"{code}": "K7", "{sent}": "11:00"})
		m.Key, m.To, m.Sent = key, to, time.Unix(1_795_000_000, 0)
		l, err := c.write(m)
		if err != nil {
			return
		}
		head, _, ok := bytes.Cut(l.source, []byte("\r\n\r\n"))
		if !ok {
			t.Fatal("no end of the head")
		}
		if bytes.ContainsAny(bytes.ReplaceAll(head, []byte("\r\n"), nil), "\r\n\x00") {
			t.Errorf("a bare line break in %q", head)
		}
		msg, err := mail.ReadMessage(bytes.NewReader(l.source))
		if err != nil {
			t.Fatal(err)
		}
		for name, values := range msg.Header {
			if len(values) != 1 || !slices.Contains(once, name) && !slices.Contains(maybe, name) {
				t.Errorf("%s stands %d times: %q", name, len(values), values)
			}
		}
		for _, name := range once {
			if msg.Header.Get(name) == "" {
				t.Errorf("no %s", name)
			}
		}
		parties, err := msg.Header.AddressList("To")
		if err != nil || len(parties) != 1 || parties[0].Address != l.to.address {
			t.Errorf("To %q: %v, %v", msg.Header.Get("To"), parties, err)
		}
		if got := parsed(t, l.source); strings.ContainsAny(got.subject, "\r\n") || got.text == "" || got.page == "" {
			t.Errorf("subject %q, text %d, page %d", got.subject, len(got.text), len(got.page))
		}
		checkHarmless(t, "fuzz", parsed(t, l.source).page)
	})
}
