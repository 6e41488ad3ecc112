package email

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	gosmtp "github.com/emersion/go-smtp"
	"go.uber.org/zap"

	"martinella/channels"
	"martinella/channels/channeltest"
)

const (
	testUser     = "gateway-account"
	testPassword = "corretto cavallo"
	testKey      = "k3y-of-the-mails-k3y-of-the-mails"
	testFrom     = "Allerta Pistoia <allerta@comune.pistoia.example>"
	testTo       = "anna.bianchi@posta.example"
)

func secretFile(t testing.TB, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(path, []byte(text+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// settings are those of a gateway.
func newChannel(t testing.TB, addr string, change func(*Config)) *Channel {
	t.Helper()
	config := Config{SMTP: addr, TLS: tlsNone, From: testFrom, KeyFile: secretFile(t, testKey)}
	if change != nil {
		change(&config)
	}
	c, err := New("mail", config, channeltest.Settings(), zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func withAccount(t testing.TB) func(*Config) {
	return func(c *Config) { c.Username, c.PasswordFile = testUser, secretFile(t, testPassword) }
}

// message is a rendered sample on its way to somebody. Channels that differ in
// their settings render the same, so each kind is rendered once.
func message(t testing.TB, c *Channel, kind channeltest.Kind, key string) channels.Message {
	t.Helper()
	made, ok := rendered.Load(kind)
	if !ok {
		made = channeltest.Suite{To: testTo}.Rendered(t, c, kind, key)
		rendered.Store(kind, made)
	}
	m := made.(channels.Message)
	m.Key = key
	return m
}

var rendered sync.Map

// taken is a mail that the server took.
type taken struct {
	from, to string
	utf8     bool
	ret      gosmtp.DSNReturn
	notify   []gosmtp.DSNNotify
	source   string
}

// postOffice is a server of emersion/go-smtp that does what it is told.
type postOffice struct {
	addr string

	mu       sync.Mutex
	answers  map[string]error // by MAIL, RCPT, AUTH, END
	mails    []taken
	conns    int
	now, top int    // connections
	onEnd    func() // before a mail is answered
}

func (p *postOffice) answer(command string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.answers[command]
}

func (p *postOffice) say(command string, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.answers == nil {
		p.answers = map[string]error{}
	}
	p.answers[command] = err
}

func (p *postOffice) all() []taken {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]taken(nil), p.mails...)
}

func (p *postOffice) connections() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.conns
}

func (p *postOffice) NewSession(*gosmtp.Conn) (gosmtp.Session, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.conns++
	p.now++
	p.top = max(p.top, p.now)
	return &counter{office: p}, nil
}

// counter is one connection.
type counter struct {
	office *postOffice
	mail   taken
}

func (c *counter) AuthMechanisms() []string { return []string{"PLAIN", "LOGIN"} }

func (c *counter) Auth(string) (sasl.Server, error) {
	if err := c.office.answer("AUTH"); err != nil {
		return nil, err
	}
	return sasl.NewPlainServer(func(_, user, password string) error {
		if user != testUser || password != testPassword {
			return gosmtp.ErrAuthFailed
		}
		return nil
	}), nil
}

func (c *counter) Reset() { c.mail = taken{} }
func (c *counter) Logout() error {
	c.office.mu.Lock()
	defer c.office.mu.Unlock()
	c.office.now--
	return nil
}

func (c *counter) Mail(from string, o *gosmtp.MailOptions) error {
	c.mail.from, c.mail.utf8, c.mail.ret = from, o.UTF8, o.Return
	return c.office.answer("MAIL")
}

func (c *counter) Rcpt(to string, o *gosmtp.RcptOptions) error {
	c.mail.to, c.mail.notify = to, o.Notify
	return c.office.answer("RCPT")
}

func (c *counter) Data(r io.Reader) error {
	b, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	c.mail.source = string(b)
	p := c.office
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.onEnd != nil {
		p.onEnd()
	}
	if err := p.answers["END"]; err != nil {
		return err
	}
	p.mails = append(p.mails, c.mail)
	return nil
}

// startOffice serves on loopback until the test ends.
func startOffice(t testing.TB, change func(*gosmtp.Server)) *postOffice {
	t.Helper()
	p := &postOffice{}
	server := gosmtp.NewServer(p)
	server.Domain, server.AllowInsecureAuth, server.EnableDSN = "mx.example", true, true
	server.ErrorLog = log.New(io.Discard, "", 0)
	implicit := false
	if change != nil {
		change(server)
		implicit = server.Addr == tlsImplicit
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p.addr = l.Addr().String()
	if implicit {
		l = tls.NewListener(l, server.TLSConfig)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = server.Serve(l)
	}()
	t.Cleanup(func() {
		_ = server.Close()
		_ = l.Close() // a server that had not begun does not know it yet
		<-ended
	})
	return p
}

// certificate makes an authority's certificate for loopback.
func newCertificate(t testing.TB) (*tls.Config, string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	shape := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "mx.example"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature}
	der, err := x509.CreateCertificate(rand.Reader, shape, shape, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, MinVersion: tls.VersionTLS12}, path
}

// script answers commands by their first word with whole lines; "" closes the
// connection. Greeting and END have names of their own.
type script map[string]string

var wellBehaved = script{"GREETING": "220 mx.example ESMTP", "EHLO": "250-mx.example\r\n250-AUTH PLAIN\r\n250 8BITMIME", "AUTH": "235 2.7.0 ok",
	"MAIL": "250 2.1.0 ok", "RCPT": "250 2.1.5 ok", "DATA": "354 go on", "END": "250 2.0.0 Ok: queued as 4XyZ", "RSET": "250 2.0.0 ok", "NOOP": "250 ok", "QUIT": "221 bye"}

// startScript is a server that says exactly what it is told, at every stage.
func startScript(t testing.TB, own script) (addr string, heard func() []string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var lines []string
	var wait sync.WaitGroup
	answer := func(word string) string {
		if text, ok := own[word]; ok {
			return text
		}
		return wellBehaved[word]
	}
	serve := func(conn net.Conn) {
		defer conn.Close()
		say := func(word string) bool {
			text := answer(word)
			if text == "" {
				return false
			}
			_, err := fmt.Fprintf(conn, "%s\r\n", text)
			return err == nil
		}
		if !say("GREETING") {
			return
		}
		r := bufio.NewReader(conn)
		inMail := false
		for {
			line, err := r.ReadString('\n')
			if err != nil {
				return
			}
			line = strings.TrimRight(line, "\r\n")
			if inMail {
				if line != "." {
					continue
				}
				line = "END"
			}
			word := strings.ToUpper(strings.Fields(line + " ?")[0])
			mu.Lock()
			lines = append(lines, line)
			mu.Unlock()
			if !say(word) {
				return
			}
			inMail = word == "DATA" && strings.HasPrefix(answer("DATA"), "354")
		}
	}
	wait.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			t.Cleanup(func() { conn.Close() })
			wait.Go(func() { serve(conn) })
		}
	})
	t.Cleanup(func() { l.Close() })
	return l.Addr().String(), func() []string {
		mu.Lock()
		defer mu.Unlock()
		return append([]string(nil), lines...)
	}
}
