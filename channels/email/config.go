package email

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/mail"
	"os"
	"strconv"
	"strings"

	"martinella/alerts"
	"martinella/channels"
)

// Config is one mail account. SMTP and From are required.
type Config struct {
	SMTP         string `yaml:"smtp"`          // host:port of the submission server
	TLS          string `yaml:"tls"`           // starttls, implicit or none; default: implicit on port 465, else starttls
	CAFile       string `yaml:"ca_file"`       // PEM; default: the system's authorities
	From         string `yaml:"from"`          // "Comune di Esempio <allerta@comune.example>"
	Username     string `yaml:"username"`      // none: the server takes our mail without
	PasswordFile string `yaml:"password_file"` // read at every connection, so that a mended file needs no restart
	Hello        string `yaml:"hello"`         // the name given to the server; default: the domain of From
	Connections  int    `yaml:"connections"`   // at once; default 4

	// PEC: the account is a certified mailbox. The server wants its own address
	// as sender; it is asked for short receipts.
	PEC bool `yaml:"pec"`

	ReplyTo       string `yaml:"reply_to"`
	BounceAddress string `yaml:"bounce_address"` // where failures go: bounce+{token}@comune.example; default: From
	StopAddress   string `yaml:"stop_address"`   // where a mail with STOP goes; it must arrive in the mailbox of Receipts

	// KeyFile holds what ids and unsubscribe links are made with: at least 32
	// characters of chance a line. The first line makes new ones, the others
	// are still taken.
	KeyFile string `yaml:"key_file"`

	DKIMDomain   string `yaml:"dkim_domain"` // default: the domain of From
	DKIMSelector string `yaml:"dkim_selector"`
	DKIMKeyFile  string `yaml:"dkim_key_file"` // PEM of an RSA or Ed25519 key; none: the server signs, or nobody

	Receipts Receipts `yaml:"receipts"`
}

// Receipts is the mailbox that notices and replies come to.
type Receipts struct {
	IMAP         string `yaml:"imap"` // host:port
	TLS          string `yaml:"tls"`  // implicit (default), starttls or none
	Username     string `yaml:"username"`
	PasswordFile string `yaml:"password_file"`
	Folder       string `yaml:"folder"`      // default INBOX
	DoneFolder   string `yaml:"done_folder"` // where what was taken goes; default: it stays and is marked as read
}

// The values of the tls fields.
const (
	tlsStart    = "starttls"
	tlsImplicit = "implicit"
	tlsNone     = "none"
)

const (
	defaultConnections = 4
	maxConnections     = 64
	minKey             = 32 // characters
	placeOfToken       = "{token}"
)

// problems lists every mistake at once. The files are read, so that a missing
// one is known before the emergency.
func (c *Config) problems(name string) alerts.Problems {
	var ps alerts.Problems
	wrong := func(field, problem, hint string) {
		ps = append(ps, alerts.Problem{Field: field, Problem: problem, Hint: hint, Level: alerts.LevelError})
	}
	secret := func(field, path string) {
		if _, err := channels.ReadSecret(field, path); err != nil {
			wrong(field, "cannot be used: "+strings.TrimPrefix(err.Error(), field+": "), "it holds the password on one line and is readable by the gateway alone")
		}
	}
	if err := channels.CheckName(name); err != nil {
		wrong("name", "is "+strconv.Quote(name), "use 2 to 32 of a-z, 0-9 and hyphens between them")
	}
	if !isAddr(c.SMTP) {
		wrong("smtp", "is not host:port", "write it like smtp.example:587")
	}
	switch c.TLS {
	case "", tlsStart, tlsImplicit:
	case tlsNone:
		if c.Username != "" && !onThisMachine(c.SMTP) {
			wrong("tls", "is none, and the password would be readable on its way", "leave tls out, or username")
		}
	default:
		wrong("tls", "is "+strconv.Quote(c.TLS), "use starttls or implicit; none only within the machine room")
	}
	if _, err := authorities(c.CAFile); err != nil {
		wrong("ca_file", "cannot be used: "+err.Error(), "give a PEM file of certificates")
	}
	if _, err := parseFrom(c.From); err != nil {
		wrong("from", "is not an address", `write it like "Comune di Esempio <allerta@comune.example>"`)
	}
	switch {
	case c.Username == "" && c.PasswordFile != "":
		wrong("username", "is missing", "it belongs to password_file")
	case strings.ContainsAny(c.Username, "\x00\r\n"):
		wrong("username", "has a character that it cannot have", "")
	case c.Username != "":
		secret("password_file", c.PasswordFile)
	}
	if c.Hello != "" && !isDomain(c.Hello) {
		wrong("hello", "is not a host name", "leave it out, or name this machine as the world knows it")
	}
	if c.Connections < 0 || c.Connections > maxConnections {
		wrong("connections", "is out of range", "1 to "+strconv.Itoa(maxConnections)+"; 4 when the provider says nothing")
	}
	for field, address := range map[string]string{"reply_to": c.ReplyTo, "stop_address": c.StopAddress} {
		if address != "" && !isPlainAddress(address) {
			wrong(field, "is not an address", "write it like avvisi@comune.example")
		}
	}
	if b := c.BounceAddress; b != "" {
		if !isPlainAddress(strings.Replace(b, placeOfToken, strings.Repeat("x", tokenLength), 1)) {
			wrong("bounce_address", "is not an address, or is too long with a token", "write it like bounce+{token}@comune.example")
		}
		if c.PEC {
			wrong("bounce_address", "does not go with pec", "a certified server takes its own address only; it tells failures by its receipts")
		}
	}
	if c.KeyFile == "" {
		if c.Receipts.given() || c.StopAddress != "" || strings.Contains(c.BounceAddress, placeOfToken) {
			wrong("key_file", "is missing", "receipts, stop_address and {token} need it: openssl rand -base64 32 > mail.key; chmod 600 mail.key")
		}
	} else if _, err := readKeys(c.KeyFile); err != nil {
		wrong("key_file", "cannot be used: "+strings.TrimPrefix(err.Error(), "key_file: "), "openssl rand -base64 32 > mail.key; chmod 600 mail.key")
	}
	if c.StopAddress != "" && !c.Receipts.given() {
		wrong("stop_address", "is given without receipts", "nobody would read what comes there: name its mailbox in receipts")
	}
	c.dkimProblems(wrong)
	c.Receipts.problems(wrong)
	return ps
}

func (c *Config) dkimProblems(wrong func(field, problem, hint string)) {
	if c.DKIMKeyFile == "" {
		if c.DKIMSelector != "" || c.DKIMDomain != "" {
			wrong("dkim_key_file", "is missing", "it belongs to dkim_selector; leave both out where the server signs")
		}
		return
	}
	if !isDomain(c.DKIMSelector) {
		wrong("dkim_selector", "is missing or not a name", "the name before ._domainkey in your DNS")
	}
	if c.DKIMDomain != "" && !isDomain(c.DKIMDomain) {
		wrong("dkim_domain", "is not a domain", "leave it out: it is the domain of from")
	}
	if _, err := readSigner(c.DKIMKeyFile); err != nil {
		wrong("dkim_key_file", "cannot be used: "+strings.TrimPrefix(err.Error(), "dkim_key_file: "), "openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out dkim.key; chmod 600 dkim.key")
	}
}

func (r Receipts) problems(wrong func(field, problem, hint string)) {
	if !r.given() {
		return
	}
	if !isAddr(r.IMAP) {
		wrong("receipts.imap", "is not host:port", "write it like imap.example:993")
	}
	switch r.TLS {
	case "", tlsStart, tlsImplicit:
	case tlsNone:
		if !onThisMachine(r.IMAP) {
			wrong("receipts.tls", "is none, and the password would be readable on its way", "leave it out")
		}
	default:
		wrong("receipts.tls", "is "+strconv.Quote(r.TLS), "use implicit or starttls")
	}
	if r.Username == "" {
		wrong("receipts.username", "is missing", "")
	}
	if _, err := channels.ReadSecret("receipts.password_file", r.PasswordFile); err != nil {
		wrong("receipts.password_file", "cannot be used: "+strings.TrimPrefix(err.Error(), "receipts.password_file: "), "it holds the password on one line and is readable by the gateway alone")
	}
	if r.DoneFolder != "" && r.DoneFolder == r.folder() {
		wrong("receipts.done_folder", "is the folder itself", "name another one, or leave it out")
	}
}

// given reports whether there is a mailbox at all.
func (r Receipts) given() bool { return r != Receipts{} }

func (r Receipts) folder() string {
	if r.Folder == "" {
		return "INBOX"
	}
	return r.Folder
}

// policy is how the connection is protected.
func (c *Config) policy() string {
	if c.TLS != "" {
		return c.TLS
	}
	if _, port, _ := net.SplitHostPort(c.SMTP); port == "465" { // RFC 8314: submissions
		return tlsImplicit
	}
	return tlsStart
}

// Notes are worth saying when a configuration is checked, and no mistakes.
func (c *Channel) Notes() []string {
	var notes []string
	switch {
	case c.seal == nil:
		notes = append(notes, "without key_file there is no one-click unsubscribe, which large mailbox providers ask of senders (RFC 8058)")
	case c.oneClick == "" && c.config.StopAddress == "":
		notes = append(notes, "public_url is not https: mail has no one-click unsubscribe (RFC 8058); set stop_address, or serve the pages over https")
	}
	if !c.config.Receipts.given() {
		notes = append(notes, "without receipts nobody reads failures and answers: accepted is then the last that is known of a mail")
	}
	if c.config.DKIMKeyFile == "" && !c.config.PEC {
		notes = append(notes, "without dkim_key_file the server has to sign: unsigned mail of many recipients is refused by large providers")
	}
	return notes
}

func isAddr(s string) bool {
	host, port, err := net.SplitHostPort(s)
	n, err2 := strconv.Atoi(port)
	return err == nil && err2 == nil && host != "" && n > 0 && n < 1<<16 && !strings.ContainsAny(host, " \r\n\x00/@")
}

func onThisMachine(addr string) bool {
	host, _, _ := net.SplitHostPort(addr)
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// authorities is nil for the system's own.
func authorities(file string) (*x509.CertPool, error) {
	if file == "" {
		return nil, nil
	}
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, errors.New("it holds no certificate")
	}
	return pool, nil
}

func (c *Config) tlsConfig(addr string) (*tls.Config, error) {
	roots, err := authorities(c.CAFile)
	if err != nil {
		return nil, err
	}
	host, _, err := net.SplitHostPort(addr)
	return &tls.Config{ServerName: host, RootCAs: roots, MinVersion: tls.VersionTLS12}, err
}

func parseFrom(s string) (*mail.Address, error) {
	a, err := mail.ParseAddress(s)
	if err != nil {
		return nil, err
	}
	if !isPlainAddress(a.Address) {
		return nil, errors.New("not an address")
	}
	return a, nil
}
