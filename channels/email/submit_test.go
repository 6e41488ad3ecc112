package email

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"

	gosmtp "github.com/emersion/go-smtp"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"martinella/channels"
	"martinella/channels/channeltest"
)

func TestContract(t *testing.T) {
	channeltest.Run(t, channeltest.Suite{
		To: testTo, Secrets: []string{testPassword, testKey},
		New: func(t testing.TB, _ string) channels.Channel {
			return newChannel(t, startOffice(t, nil).addr, withAccount(t))
		},
	})
}

var suite = channeltest.Suite{To: testTo, Secrets: []string{testPassword, testKey, testUser, "anna.bianchi"}}

// Every answer at every stage; each server repeats the address and the account,
// as real ones do.
func TestVerdicts(t *testing.T) {
	type row struct {
		stage, answer string
		want          channels.Verdict
	}
	const retry, permanent, unauthorized, uncertain = channels.VerdictRetry, channels.VerdictPermanent, channels.VerdictUnauthorized, channels.VerdictUncertain
	for name, c := range map[string]row{
		"all well":                              {"END", "250 2.0.0 Ok: queued as 4XyZ", channels.VerdictAccepted},
		"forwarded":                             {"RCPT", "251 User not local; will forward", channels.VerdictAccepted},
		"busy when greeting":                    {"GREETING", "421 4.3.2 Service not available", retry},
		"this machine is not wanted":            {"GREETING", "554 5.7.1 No SMTP service here", unauthorized},
		"closed instead of greeting":            {"GREETING", "", retry},
		"nonsense instead of greeting":          {"GREETING", "HTTP/1.1 400 Bad Request", retry},
		"the hello is refused":                  {"EHLO", "550 5.7.1 bad hello", unauthorized}, // HELO gets no answer
		"wrong password":                        {"AUTH", "535 5.7.8 Authentication failed for " + testUser, unauthorized},
		"mechanism too weak":                    {"AUTH", "534 5.7.9 mechanism too weak", unauthorized},
		"sign-in is down":                       {"AUTH", "454 4.7.0 Temporary authentication failure", retry},
		"busy at sign-in":                       {"AUTH", "421 4.7.0 Too many attempts", retry},
		"closed at sign-in":                     {"AUTH", "", retry},
		"no sign-in at all":                     {"EHLO", "250 mx.example", unauthorized},
		"busy at MAIL":                          {"MAIL", "421 4.7.0 Try again later", retry},
		"local error at MAIL":                   {"MAIL", "451 4.3.0 Local error", retry},
		"the sender is not ours":                {"MAIL", "550 5.7.60 Sender denied", unauthorized},
		"the sender is not the account's":       {"MAIL", "553 5.7.1 Sender address rejected: not owned by user " + testUser, unauthorized},
		"sign-in is needed":                     {"MAIL", "530 5.7.0 Authentication required", unauthorized},
		"535 at MAIL":                           {"MAIL", "535 5.7.8 bad credentials", unauthorized},
		"too large":                             {"MAIL", "552 5.3.4 Message too big", permanent},
		"closed at MAIL":                        {"MAIL", "", retry},
		"busy at RCPT":                          {"RCPT", "421 4.7.0 Try again later", retry},
		"greylisted without a word":             {"RCPT", "450 4.2.0 <" + testTo + ">: Recipient address rejected: try later", retry},
		"local error at RCPT":                   {"RCPT", "451 4.3.0 Local error", retry},
		"too many recipients":                   {"RCPT", "452 4.5.3 Too many recipients", retry},
		"nobody of that name":                   {"RCPT", "550 5.1.1 <" + testTo + ">: Recipient address rejected: User unknown", permanent},
		"a full mailbox":                        {"RCPT", "552 5.2.2 Mailbox full", permanent},
		"a name that cannot be":                 {"RCPT", "553 5.1.3 bad address " + testTo, permanent},
		"535 at RCPT":                           {"RCPT", "535 5.7.8 bad credentials", unauthorized},
		"530 at RCPT":                           {"RCPT", "530 5.7.1 Client was not authenticated", unauthorized},
		"no relaying for us":                    {"RCPT", "554 5.7.1 <" + testTo + ">: Relay access denied", unauthorized},
		"closed at RCPT":                        {"RCPT", "", retry},
		"busy at DATA":                          {"DATA", "421 4.3.0 bye", retry},
		"local error at DATA":                   {"DATA", "451 4.3.0 Local error", retry},
		"refused at DATA":                       {"DATA", "554 5.5.1 no valid recipients", permanent},
		"535 at DATA":                           {"DATA", "535 5.7.8 bad credentials", unauthorized},
		"closed at DATA":                        {"DATA", "", retry},
		"busy after the mail":                   {"END", "421 4.3.0 bye", retry},
		"local error after the mail":            {"END", "451 4.3.0 queue file write error", retry},
		"over quota after the mail":             {"END", "452 4.3.1 Insufficient system storage", retry},
		"content refused":                       {"END", "550 5.7.1 Message content rejected", permanent},
		"content refused otherwise":             {"END", "554 5.6.0 Message for " + testTo + " contains a virus", permanent},
		"535 after the mail":                    {"END", "535 5.7.8 bad credentials", unauthorized},
		"an answer that does not belong there":  {"END", "354 go on", uncertain},
		"closed after the mail":                 {"END", "", uncertain},
		"nonsense after the mail":               {"END", "<html>", uncertain},
		"an answer without an end":              {"END", strings.Repeat("250-x\r\n", 20_000) + "250 x", uncertain},
		"an answer without an end before":       {"RCPT", strings.Repeat("250-x\r\n", 20_000) + "250 x", retry},
		"a refusal that repeats itself at RCPT": {"RCPT", "550 " + strings.Repeat(testTo+" ", 300), permanent},
	} {
		t.Run(name, func(t *testing.T) {
			own := script{c.stage: c.answer}
			if c.stage == "EHLO" {
				own["HELO"] = c.answer
			}
			addr, _ := startScript(t, own)
			ch := newChannel(t, addr, withAccount(t))
			_, err := ch.Send(t.Context(), message(t, ch, channeltest.Actual, "a/1/mail/7"))
			suite.Refuses(t, name, err, c.want)
		})
	}
}

func TestGreylistingIsGivenTime(t *testing.T) {
	for _, answer := range []string{"451 4.7.1 Greylisting in action, please come back later", "450 4.2.0 <x>: Recipient address rejected: Greylisted"} {
		addr, _ := startScript(t, script{"RCPT": answer})
		c := newChannel(t, addr, nil)
		_, err := c.Send(t.Context(), message(t, c, channeltest.Actual, "a/1/mail/7"))
		if wait := suite.Refuses(t, answer, err, channels.VerdictRetry); wait != greylisted {
			t.Errorf("%s: wait %v", answer, wait)
		}
	}
}

func TestNobodyThere(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	l.Close()
	c := newChannel(t, addr, withAccount(t))
	_, err = c.Send(t.Context(), message(t, c, channeltest.Actual, "a/1/mail/7"))
	suite.Refuses(t, "nobody listens", err, channels.VerdictRetry)
	suite.Refuses(t, "check", c.Check(t.Context()), channels.VerdictRetry)

	c.dial = func(context.Context, string, string) (net.Conn, error) {
		return nil, &net.DNSError{Err: "no such host", Name: "smtp.example", IsNotFound: true}
	}
	_, err = c.Send(t.Context(), message(t, c, channeltest.Actual, "a/1/mail/7"))
	suite.Refuses(t, "no such name", err, channels.VerdictRetry)
}

func TestContextEnds(t *testing.T) {
	office := startOffice(t, nil)
	proxy := channeltest.StartProxy(t, office.addr)
	c := newChannel(t, proxy.Addr(), nil)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := c.Send(ctx, message(t, c, channeltest.Actual, "a/1/mail/1"))
	suite.Refuses(t, "cancelled before", err, channels.VerdictRetry)
	if !errors.Is(err, context.Canceled) || office.connections() != 0 {
		t.Errorf("%v, %d connections", err, office.connections())
	}

	// The server has the mail and its answer never comes.
	ctx, cancel = context.WithCancel(t.Context())
	office.mu.Lock()
	office.onEnd = func() {
		proxy.Break(channeltest.Mute(), -1)
		cancel()
	}
	office.mu.Unlock()
	_, err = c.Send(ctx, message(t, c, channeltest.Actual, "a/1/mail/2"))
	suite.Refuses(t, "cancelled while waiting for the last answer", err, channels.VerdictUncertain)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("%v is not context.Canceled", err)
	}
	if n := len(office.all()); n != 1 {
		t.Errorf("%d mails", n)
	}
}

// What breaks in the middle of an answer, on a connection that has been used.
func TestLostAnswers(t *testing.T) {
	for name, fault := range map[string]channeltest.Fault{"dropped": channeltest.Drop(), "reset": channeltest.Reset(), "cut short": channeltest.Truncate(2)} {
		t.Run(name, func(t *testing.T) {
			office := startOffice(t, nil)
			proxy := channeltest.StartProxy(t, office.addr)
			c := newChannel(t, proxy.Addr(), nil)
			if _, err := c.Send(t.Context(), message(t, c, channeltest.Actual, "a/1/mail/1")); err != nil {
				t.Fatal(err)
			}
			office.mu.Lock()
			office.onEnd = func() { proxy.Break(fault, 1) }
			office.mu.Unlock()
			_, err := c.Send(t.Context(), message(t, c, channeltest.Actual, "a/1/mail/2"))
			suite.Refuses(t, name, err, channels.VerdictUncertain)
			if n := len(office.all()); n != 2 {
				t.Errorf("%d mails for two Sends", n)
			}
			// The next one is well again, on a new connection.
			office.mu.Lock()
			office.onEnd = nil
			office.mu.Unlock()
			if _, err := c.Send(t.Context(), message(t, c, channeltest.Actual, "a/1/mail/3")); err != nil || office.connections() != 2 {
				t.Errorf("%v, %d connections", err, office.connections())
			}
		})
	}
}

// A connection that ended while it rested is replaced: nothing of the mail was
// said on it.
func TestAConnectionThatEndedAtRest(t *testing.T) {
	office := startOffice(t, nil)
	proxy := channeltest.StartProxy(t, office.addr)
	c := newChannel(t, proxy.Addr(), nil)
	for i := range 3 {
		if _, err := c.Send(t.Context(), message(t, c, channeltest.Actual, fmt.Sprint("a/1/mail/", i))); err != nil {
			t.Fatal(err)
		}
		proxy.Cut()
	}
	if office.connections() != 3 || len(office.all()) != 3 {
		t.Errorf("%d connections, %d mails", office.connections(), len(office.all()))
	}
}

func TestConnectionsAreKeptAndBounded(t *testing.T) {
	office := startOffice(t, nil)
	c := newChannel(t, office.addr, func(c *Config) { c.Connections = 3 })
	const n = 60
	failed := make(chan error, n)
	for i := range n {
		m := message(t, c, channeltest.Actual, fmt.Sprint("a/1/mail/", i))
		go func() {
			_, err := c.Send(t.Context(), m)
			failed <- err
		}()
	}
	for range n {
		if err := <-failed; err != nil {
			t.Error(err)
		}
	}
	office.mu.Lock()
	top, conns := office.top, office.conns
	office.mu.Unlock()
	if top > 3 || conns > 3 || len(office.all()) != n {
		t.Errorf("%d connections, %d at once, %d mails", conns, top, len(office.all()))
	}
	if c.Limit().Window != 3 {
		t.Errorf("limit %+v", c.Limit())
	}
	// After so many mails a connection is given back to the server.
	m := message(t, c, channeltest.Actual, "b/1/mail/0")
	for range 3 * mailsEach {
		if _, err := c.Send(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	if office.connections() <= conns {
		t.Errorf("%d connections for %d mails", office.connections(), n+3*mailsEach)
	}
	// A refused recipient does not cost the connection.
	before := office.connections()
	office.say("RCPT", &gosmtp.SMTPError{Code: 550, EnhancedCode: gosmtp.EnhancedCode{5, 1, 1}, Message: "unknown"})
	_, err := c.Send(t.Context(), message(t, c, channeltest.Actual, "c/1/mail/1"))
	suite.Refuses(t, "refused", err, channels.VerdictPermanent)
	office.say("RCPT", nil)
	if _, err := c.Send(t.Context(), message(t, c, channeltest.Actual, "c/1/mail/2")); err != nil || office.connections() > before+1 {
		t.Errorf("%v, %d connections, before %d", err, office.connections(), before)
	}
}

func TestTLS(t *testing.T) {
	secure, ca := newCertificate(t)
	_, otherCA := newCertificate(t)
	for name, c := range map[string]struct {
		server func(*gosmtp.Server)
		policy string
		ca     string
		want   channels.Verdict
	}{
		"starttls":                            {func(s *gosmtp.Server) { s.TLSConfig = secure }, "", ca, channels.VerdictAccepted},
		"implicit":                            {func(s *gosmtp.Server) { s.TLSConfig, s.Addr = secure, tlsImplicit }, tlsImplicit, ca, channels.VerdictAccepted},
		"starttls is not offered":             {nil, "", ca, channels.VerdictRetry},
		"somebody else's certificate":         {func(s *gosmtp.Server) { s.TLSConfig = secure }, tlsStart, otherCA, channels.VerdictRetry},
		"somebody else's certificate at once": {func(s *gosmtp.Server) { s.TLSConfig, s.Addr = secure, tlsImplicit }, tlsImplicit, otherCA, channels.VerdictRetry},
	} {
		t.Run(name, func(t *testing.T) {
			office := startOffice(t, c.server)
			ch := newChannel(t, office.addr, func(conf *Config) {
				withAccount(t)(conf)
				conf.TLS, conf.CAFile = c.policy, c.ca
			})
			_, err := ch.Send(t.Context(), message(t, ch, channeltest.Actual, "a/1/mail/1"))
			suite.Refuses(t, name, err, c.want)
			if sent := len(office.all()); (sent == 1) != (c.want == channels.VerdictAccepted) {
				t.Errorf("%d mails", sent)
			}
		})
	}
}

func TestAddressesOutsideASCII(t *testing.T) {
	for name, c := range map[string]struct {
		to, want  string
		able      bool
		utf8      bool
		permanent bool
	}{
		"a domain becomes what DNS has":      {"anna@città.example", "anna@xn--citt-3na.example", false, false, false},
		"a name needs a server that can":     {"pelé@posta.example", "pelé@posta.example", true, true, false},
		"a name, and a server that cannot":   {"pelé@posta.example", "", false, false, true},
		"an ordinary address asks for none":  {testTo, testTo, true, false, false},
		"an address with a command inside":   {"x@y.example>\r\nRCPT TO:<z@y.example", "", true, false, true},
		"an address with a header inside":    {"x@y.example\nBcc: z@y.example", "", true, false, true},
		"a quoted name":                      {`"a b"@y.example`, "", true, false, true},
		"two addresses":                      {"x@y.example,z@y.example", "", true, false, true},
		"no address":                         {"anna", "", true, false, true},
		"nothing":                            {"", "", true, false, true},
		"a name that is too long":            {strings.Repeat("x", 65) + "@y.example", "", true, false, true},
		"a list with a name":                 {"Anna <x@y.example>", "", true, false, true},
		"a domain that is an address number": {"x@[127.0.0.1]", "", true, false, true},
	} {
		t.Run(name, func(t *testing.T) {
			office := startOffice(t, func(s *gosmtp.Server) { s.EnableSMTPUTF8 = c.able })
			ch := newChannel(t, office.addr, nil)
			m := message(t, ch, channeltest.Actual, "a/1/mail/1")
			m.To = c.to
			_, err := ch.Send(t.Context(), m)
			got := office.all()
			if c.permanent {
				suite.Refuses(t, name, err, channels.VerdictPermanent)
				if len(got) != 0 {
					t.Error("sent")
				}
				if c.to != "" && strings.Contains(err.Error(), c.to) {
					t.Errorf("the error holds the address: %v", err)
				}
				return
			}
			if err != nil || len(got) != 1 || got[0].to != c.want || got[0].utf8 != c.utf8 {
				t.Fatalf("%v, %+v", err, got)
			}
			if !strings.Contains(got[0].source, "To: <"+c.want+">\r\n") {
				t.Error("the header names somebody else")
			}
		})
	}
}

func TestNoticesAreAskedFor(t *testing.T) {
	office := startOffice(t, nil)
	c := newChannel(t, office.addr, func(c *Config) {
		c.BounceAddress = "bounce+{token}@comune.pistoia.example"
		c.Receipts = Receipts{IMAP: "127.0.0.1:143", TLS: tlsNone, Username: "x", PasswordFile: secretFile(t, testPassword)}
	})
	receipt, err := c.Send(t.Context(), message(t, c, channeltest.Actual, "a/1/mail/7"))
	if err != nil {
		t.Fatal(err)
	}
	got := office.all()[0]
	if got.from != "bounce+"+receipt.ID+"@comune.pistoia.example" || got.ret != gosmtp.DSNReturnHeaders || len(got.notify) != 2 {
		t.Errorf("envelope %+v", got)
	}
	if !strings.Contains(got.source, "Message-ID: <"+receipt.ID+".") {
		t.Error("the Message-ID does not begin with the receipt's id")
	}
}

func TestCheckSendsNothing(t *testing.T) {
	addr, heard := startScript(t, nil)
	c := newChannel(t, addr, withAccount(t))
	if err := c.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, line := range heard() {
		if word := strings.Fields(line)[0]; word == "RCPT" || word == "DATA" {
			t.Errorf("the check said %q", word)
		}
	}
	for answer, stage := range map[string]string{"535 5.7.8 no": "AUTH", "553 5.7.1 sender not owned": "MAIL", "554 5.7.1 go away": "GREETING"} {
		addr, _ := startScript(t, script{stage: answer})
		c := newChannel(t, addr, withAccount(t))
		suite.Refuses(t, answer, c.Check(t.Context()), channels.VerdictUnauthorized)
	}
}

// A mailbox that cannot be read fails the check, but does not keep a channel
// stopped whose account works again.
func TestTheMailboxDoesNotStopSending(t *testing.T) {
	office := startOffice(t, nil)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed := l.Addr().String()
	l.Close()
	c := newChannel(t, office.addr, func(c *Config) {
		withAccount(t)(c)
		c.Receipts = Receipts{IMAP: closed, TLS: tlsNone, Username: "x", PasswordFile: secretFile(t, testPassword)}
	})
	if err := c.Check(t.Context()); err == nil {
		t.Error("the mailbox is not there, and the check passes")
	}
	office.say("AUTH", gosmtp.ErrAuthFailed)
	_, err = c.Send(t.Context(), message(t, c, channeltest.Actual, "a/1/mail/1"))
	suite.Refuses(t, "refused", err, channels.VerdictUnauthorized)
	if err := c.Check(t.Context()); err == nil {
		t.Error("the account is refused, and the check passes")
	}
	office.say("AUTH", nil)
	if err := c.Check(t.Context()); err != nil {
		t.Errorf("the account works again: %v", err)
	}
	if err := c.Check(t.Context()); err == nil {
		t.Error("later the mailbox counts again")
	}
}

func TestAnswer(t *testing.T) {
	office := startOffice(t, nil)
	c := newChannel(t, office.addr, nil)
	if err := c.Answer(t.Context(), testTo, "Non riceverai più i nostri avvisi."); err != nil {
		t.Fatal(err)
	}
	got := office.all()[0]
	for _, want := range []string{"Auto-Submitted: auto-replied\r\n", "To: <" + testTo + ">\r\n", "Non riceverai pi=C3=B9"} {
		if !strings.Contains(got.source, want) {
			t.Errorf("no %q in\n%s", want, got.source)
		}
	}
	suite.Refuses(t, "nobody", c.Answer(t.Context(), "nobody", "x"), channels.VerdictPermanent)
}

// Nothing secret is in the log, at the most talkative level.
func TestSecrecy(t *testing.T) {
	core, logs := observer.New(zap.DebugLevel)
	addr, _ := startScript(t, script{"END": "250 2.0.0 Ok <" + testTo + "> queued by " + testUser, "RSET": "250 ok"})
	c := newChannel(t, addr, withAccount(t))
	c.log = zap.New(core)
	if _, err := c.Send(t.Context(), message(t, c, channeltest.Actual, "a/1/mail/7")); err != nil {
		t.Fatal(err)
	}
	if logs.Len() == 0 {
		t.Error("nothing was logged: the test sees nothing")
	}
	for _, entry := range logs.All() {
		line := fmt.Sprint(entry.Message, entry.ContextMap())
		for _, secret := range []string{testPassword, testKey, testTo, "anna.bianchi"} {
			if strings.Contains(line, secret) {
				t.Errorf("the log says %q", strings.ReplaceAll(line, secret, "<SECRET>"))
			}
		}
	}
}
