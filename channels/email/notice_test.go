package email

import (
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"martinella/channels"
	"martinella/channels/channeltest"
)

var testNow = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

// written is a mail of ours as it went out: its id, Message-ID and sender.
type written struct{ id, messageID, sender string }

func outgoing(t testing.TB, c *Channel, key string) written {
	t.Helper()
	l, err := c.write(message(t, c, channeltest.Actual, key))
	if err != nil {
		t.Fatal(err)
	}
	return written{l.id, parsed(t, l.source).header.Get("Message-Id"), l.from}
}

func listening(t testing.TB) *Channel {
	t.Helper()
	return newChannel(t, "127.0.0.1:25", func(c *Config) {
		c.BounceAddress = "bounce+{token}@comune.pistoia.example"
		c.StopAddress = "stop@comune.pistoia.example"
		c.Receipts = Receipts{IMAP: "127.0.0.1:143", TLS: tlsNone, Username: "x", PasswordFile: secretFile(t, testPassword)}
	})
}

// fixture reads a mail of testdata and puts in what belongs to ours: MESSAGE-ID
// and BOUNCE.
func fixture(t testing.TB, name string, w written) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", "notices", name+".eml"))
	if err != nil {
		t.Fatal(err)
	}
	text := strings.ReplaceAll(string(b), "\n", "\r\n")
	return []byte(strings.NewReplacer("MESSAGE-ID", w.messageID, "ESCAPED", strings.NewReplacer("<", "&lt;", ">", "&gt;").Replace(w.messageID), "BOUNCE", w.sender).Replace(text))
}

func TestNotices(t *testing.T) {
	c := listening(t)
	w := outgoing(t, c, "a/1/mail/7")
	for name, want := range map[string]struct {
		state channels.ReportState
		code  string
	}{
		"dsn-postfix-failed":       {channels.ReportFailed, "5.1.1"},
		"dsn-postfix-delayed":      {channels.ReportEnroute, "4.4.1"},
		"dsn-exchange-expired":     {channels.ReportFailed, "4.4.7"},
		"dsn-relayed":              {channels.ReportEnroute, "2.0.0"},
		"dsn-delivered":            {channels.ReportDelivered, "2.1.5"},
		"dsn-headers-only":         {channels.ReportFailed, "5.7.1"},
		"dsn-without-action":       {channels.ReportFailed, "5.2.2"},
		"exim-failed":              {channels.ReportFailed, "bounce"},
		"pec-accettazione":         {channels.ReportEnroute, "accettazione"},
		"pec-avvenuta-consegna":    {channels.ReportDelivered, "avvenuta-consegna"},
		"pec-mancata-consegna":     {channels.ReportFailed, "errore-consegna no-dest"},
		"pec-preavviso":            {channels.ReportEnroute, "preavviso-errore-consegna"},
		"pec-non-accettazione":     {channels.ReportFailed, "non-accettazione altro"},
		"pec-virus":                {channels.ReportFailed, "rilevazione-virus virus"},
		"pec-only-daticert":        {channels.ReportDelivered, "avvenuta-consegna"},
		"pec-anomaly-holds-bounce": {channels.ReportFailed, "5.1.1"},
	} {
		t.Run(name, func(t *testing.T) {
			n := c.read(fixture(t, name, w), testNow)
			if len(n.reports) != 1 || len(n.replies) != 0 {
				t.Fatalf("%+v", n)
			}
			if r := n.reports[0]; r.MessageID != w.id || r.State != want.state || r.Code != want.code || r.At.IsZero() || r.At.After(testNow) {
				t.Errorf("got %+v, want %+v", r, want)
			}
			if strings.Contains(n.reports[0].Code, "@") {
				t.Error("the code holds an address")
			}
			// The same notice of somebody else's mail is for people.
			foreign := written{id: strings.Repeat("a", tokenLength), messageID: "<" + strings.Repeat("a", tokenLength) + ".x@other.example>", sender: "bounce+" + strings.Repeat("a", tokenLength) + "@comune.pistoia.example"}
			if n := c.read(fixture(t, name, foreign), testNow); !n.empty() {
				t.Errorf("believed of a mail that is not ours: %+v", n)
			}
		})
	}
	if n := c.read(fixture(t, "pec-avvenuta-consegna", w), testNow); !n.reports[0].At.Equal(time.Date(2026, 11, 21, 10, 0, 7, 0, time.UTC)) {
		t.Errorf("delivered at %v", n.reports[0].At)
	}
}

// Kind and XML of a receipt must say the same.
func TestAReceiptThatContradictsItself(t *testing.T) {
	c := listening(t)
	w := outgoing(t, c, "a/1/mail/7")
	source := strings.Replace(string(fixture(t, "pec-mancata-consegna", w)), "X-Ricevuta: errore-consegna", "X-Ricevuta: avvenuta-consegna", 1)
	if n := c.read([]byte(source), testNow); !n.empty() {
		t.Errorf("believed: %+v", n)
	}
}

func TestReplies(t *testing.T) {
	c := listening(t)
	w := outgoing(t, c, "a/1/mail/7")
	ticket := c.seal.ticket(testTo)
	for name, r := range map[string]struct {
		header, body string
		from, text   string // of the reply; "" for none
	}{
		"a STOP by the link":                {"From: x@elsewhere.example\r\nSubject: STOP " + ticket, "", testTo, "STOP"},
		"a STOP by the link, folded":        {"From: x@elsewhere.example\r\nSubject: =?utf-8?Q?STOP?=\r\n " + ticket, "", testTo, "STOP"},
		"an answer":                         {"From: Anna <Anna.Bianchi@posta.example>\r\nSubject: R: Avviso\r\nIn-Reply-To: " + w.messageID, "stop\r\n\r\n> Avviso\r\n", "Anna.Bianchi@posta.example", "stop"},
		"an answer by references":           {"From: " + testTo + "\r\nSubject: Re: x\r\nReferences: <a@b.example>\r\n " + w.messageID, "  Si, vengo \r\ngrazie", testTo, "Si, vengo"},
		"an answer in HTML alone":           {"From: " + testTo + "\r\nIn-Reply-To: " + w.messageID + "\r\nContent-Type: text/html", "<html><head><style>p{}</style></head><body><div>STOP<br>Anna</div></body></html>", testTo, "STOP"},
		"an answer in base 64":              {"From: " + testTo + "\r\nIn-Reply-To: " + w.messageID + "\r\nContent-Type: text/plain\r\nContent-Transfer-Encoding: base64", base64.StdEncoding.EncodeToString([]byte("STOP\r\n")), testTo, "STOP"},
		"only the subject says it":          {"From: " + testTo + "\r\nSubject: STOP\r\nIn-Reply-To: " + w.messageID, "\r\n> Avviso", testTo, "STOP"},
		"somebody stops somebody else":      {"From: b@posta.example\r\nSubject: STOP\r\nIn-Reply-To: " + w.messageID, "STOP", "", ""},
		"somebody who never had a mail":     {"From: " + testTo + "\r\nSubject: STOP", "STOP", "", ""},
		"a forged ticket":                   {"From: " + testTo + "\r\nSubject: STOP " + seals(t, "mail", otherKey).ticket(testTo), "STOP", "", ""},
		"a note of absence":                 {"From: " + testTo + "\r\nAuto-Submitted: auto-replied\r\nSubject: STOP " + ticket + "\r\nIn-Reply-To: " + w.messageID, "STOP", "", ""},
		"a mail that says it is by a human": {"From: " + testTo + "\r\nAuto-Submitted: no\r\nIn-Reply-To: " + w.messageID, "STOP", testTo, "STOP"},
		"nothing at all":                    {"From: " + testTo + "\r\nIn-Reply-To: " + w.messageID, "", "", ""},
		"no mail":                           {"STOP", "", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			n := c.read([]byte(r.header+"\r\n\r\n"+r.body), testNow)
			if (len(n.replies) == 1) != (r.from != "") || len(n.reports) != 0 {
				t.Fatalf("got %+v", n)
			}
			if r.from != "" && (n.replies[0].From != r.from || n.replies[0].Text != r.text) {
				t.Errorf("got %+v", n.replies[0])
			}
		})
	}
}

// FuzzMailbox: whatever comes into the mailbox is read in bounds, and nothing
// is believed that names no id of ours.
func FuzzMailbox(f *testing.F) {
	c := listening(f)
	w := outgoing(f, c, "a/1/mail/7")
	names, err := filepath.Glob(filepath.Join("testdata", "notices", "*.eml"))
	if err != nil || len(names) == 0 {
		f.Fatal("no notices in testdata")
	}
	for _, name := range names {
		f.Add(fixture(f, strings.TrimSuffix(filepath.Base(name), ".eml"), w))
	}
	f.Add([]byte("Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n" + strings.Repeat("--b\r\n\r\n", 500)))
	deep := "x"
	for i := range 200 {
		deep = fmt.Sprintf("Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n%s\r\n--b%d--\r\n", i, i, deep, i)
	}
	f.Add([]byte(deep))
	f.Fuzz(func(t *testing.T, source []byte) {
		n := c.read(source, testNow)
		if len(n.reports)+len(n.replies) > 1 {
			t.Errorf("%+v", n)
		}
		lower := strings.ToLower(string(source))
		for _, r := range n.reports {
			if !c.seal.knows(r.MessageID) || len(r.Code) > 60 || strings.ContainsAny(r.Code, "@\r\n") || r.At.After(testNow) {
				t.Errorf("%+v", r)
			}
		}
		for _, r := range n.replies {
			if len(r.Text) > maxReply || r.Text == "" {
				t.Errorf("%+v", r)
			}
			if r.From != testTo && !strings.Contains(lower, w.id) {
				t.Errorf("a reply of %q without proof", r.From)
			}
		}
	})
}

func TestBlocks(t *testing.T) {
	got := blocks([]byte("Reporting-MTA: dns; mx\r\n\r\n\r\nFinal-Recipient: rfc822; a@b\r\nAction: failed\r\nStatus: 5.0.0\r\n"))
	if len(got) != 2 || got[1].Get("Action") != "failed" {
		t.Errorf("%v", got)
	}
	if got := blocks(slices.Repeat([]byte("Action: failed\r\n\r\n"), 1000)); len(got) > 20 {
		t.Errorf("%d blocks", len(got))
	}
}
