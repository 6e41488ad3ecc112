package smpp

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"

	"martinella/alerts"
	"martinella/channels"
	"martinella/channels/sms"
)

// Config is what an SMS contract says. Addr, SystemID, PasswordFile and Source
// are required.
type Config struct {
	Addr         string   `yaml:"addr"`  // host:port of the SMSC
	Addrs        []string `yaml:"addrs"` // of the same contract, tried in turn when Addr does not answer
	SystemID     string   `yaml:"system_id"`
	PasswordFile string   `yaml:"password_file"` // read at every bind, so that a mended file needs no restart
	SystemType   string   `yaml:"system_type"`   // only where the operator asks for one

	// Source is the sender that people see: an alias of at most 11 characters,
	// not all digits (in Italy registered with AGCOM through the provider), or
	// a number.
	Source string `yaml:"source"`
	// SourceTON and SourceNPI replace what follows from Source: 5/0 for an
	// alias, 1/1 for a number (SMPP 3.4 sections 5.2.5 and 5.2.6).
	SourceTON *int `yaml:"source_ton"`
	SourceNPI *int `yaml:"source_npi"`
	// ReplyNumber is the number that takes answers; an alias takes none.
	ReplyNumber string `yaml:"reply_number"`

	Bind   string  `yaml:"bind"`   // transceiver (default), or pair: a transmitter and a receiver
	Binds  int     `yaml:"binds"`  // how many of them at once, as the contract allows; default 1
	Window int     `yaml:"window"` // requests without an answer, on each bind; default 10
	Rate   float64 `yaml:"rate"`   // parts a second by contract; 0: not limited
	TLS    bool    `yaml:"tls"`
	CAFile string  `yaml:"ca_file"` // PEM; default: the system's authorities

	sms.Config `yaml:",inline"` // max_parts, transliterate, price

	// Flash names the severity from which a text is also shown at once, as a
	// class 0 message, where the phone does that: extreme or severe. It is a
	// further copy, paid for like the first; "" is none.
	Flash    string `yaml:"flash"`
	Validity string `yaml:"validity"` // absolute (default) or relative: how the expiry is written
}

const (
	defaultWindow = 10
	mostBinds     = 32
	mostAddrs     = 8

	bindPair     = "pair"
	flashExtreme = "extreme"
	flashSevere  = "severe"
)

// problems lists every mistake at once. The files are read, so that a missing
// one is known before the emergency.
func (c *Config) problems(name string) alerts.Problems {
	var ps alerts.Problems
	wrong := func(field, problem, hint string) {
		ps = append(ps, alerts.Problem{Field: field, Problem: problem, Hint: hint, Level: alerts.LevelError})
	}
	if err := channels.CheckName(name); err != nil {
		wrong("name", "is "+strconv.Quote(name), "use 2 to 32 of a-z, 0-9 and hyphens between them")
	}
	if !isAddr(c.Addr) {
		wrong("addr", "is not host:port", "write it like smsc.example:2775")
	}
	for i, addr := range c.Addrs {
		if !isAddr(addr) {
			wrong(fmt.Sprintf("addrs[%d]", i), "is not host:port", "write it like smsc.example:2775")
		}
	}
	if len(c.Addrs) > mostAddrs {
		wrong("addrs", "are too many", "the addresses that the provider's letter names, at most 8")
	}
	if c.Bind != "" && c.Bind != "transceiver" && c.Bind != bindPair {
		wrong("bind", "is neither transceiver nor pair", "leave it out unless the provider wants a transmitter and a receiver")
	}
	if c.Binds < 0 || c.Binds > mostBinds {
		wrong("binds", "is out of range", "1 to 32, as the contract allows; 1 when it says nothing")
	}
	if c.Flash != "" && c.Flash != flashExtreme && c.Flash != flashSevere {
		wrong("flash", "is neither extreme nor severe", "the severity from which a copy is shown at once; leave it out for none")
	}
	if c.SystemID == "" || strings.ContainsRune(c.SystemID, 0) {
		wrong("system_id", "is missing", "the provider's letter names it")
	}
	if c.PasswordFile == "" {
		wrong("password_file", "is missing", "put the password into a file that only the gateway may read")
	} else if _, err := readPassword(c.PasswordFile); err != nil {
		wrong("password_file", "cannot be used: "+strings.TrimPrefix(err.Error(), "password_file: "), "it holds the password on one line and is readable by the gateway alone")
	}
	if problem := sms.SourceProblem(c.Source); problem != "" {
		wrong("source", problem, sms.SourceHint)
	}
	for field, v := range map[string]*int{"source_ton": c.SourceTON, "source_npi": c.SourceNPI} {
		if v != nil && (*v < 0 || *v > 18) {
			wrong(field, "is out of range", "leave it out unless the provider names one")
		}
	}
	if c.ReplyNumber != "" && !sms.IsNumber(c.ReplyNumber) {
		wrong("reply_number", "is not a number", "write it like +390577000000, or a short code in digits")
	}
	if c.Window < 0 || c.Window > 10000 {
		wrong("window", "is out of range", "1 to 10000, as the contract says; 10 when it says nothing")
	}
	if c.Rate < 0 || c.Rate > 100000 {
		wrong("rate", "is out of range", "SMS a second as the contract says; 0 is not limited")
	}
	if c.Validity != "" && c.Validity != "absolute" && c.Validity != "relative" {
		wrong("validity", "is neither absolute nor relative", "leave it out unless the provider refuses one of them")
	}
	if c.CAFile != "" && !c.TLS {
		wrong("ca_file", "is given without tls", "add tls: true")
	} else if _, err := c.authorities(); err != nil {
		wrong("ca_file", "cannot be used: "+err.Error(), "give a PEM file of certificates")
	}
	return append(ps, c.Config.Problems()...)
}

// Notes are worth saying when a configuration is checked, and no mistakes.
func (c *Channel) Notes() []string {
	var notes []string
	if c.config.ReplyNumber == "" && !sms.IsNumber(c.config.Source) {
		notes = append(notes, "source "+strconv.Quote(c.config.Source)+" is an alias, to which nobody can answer: STOP and other replies need reply_number, and volunteers are not told that they can answer SI or NO")
	}
	if c.config.Flash != "" {
		notes = append(notes, "flash sends a second copy of each such text: it is paid for, and takes half of the contract's speed")
	}
	return notes
}

func isAddr(s string) bool {
	host, port, err := net.SplitHostPort(s)
	if err != nil || host == "" {
		return false
	}
	n, err := strconv.Atoi(port)
	return err == nil && n > 0 && n < 1<<16
}

// addrs are all addresses, the first one first.
func (c *Config) addrs() []string { return append([]string{c.Addr}, c.Addrs...) }

// authorities is nil for the system's own.
func (c *Config) authorities() (*x509.CertPool, error) {
	if c.CAFile == "" {
		return nil, nil
	}
	pem, err := os.ReadFile(c.CAFile)
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
	if !c.TLS {
		return nil, nil
	}
	roots, err := c.authorities()
	if err != nil {
		return nil, err
	}
	host, _, err := net.SplitHostPort(addr)
	return &tls.Config{ServerName: host, RootCAs: roots, MinVersion: tls.VersionTLS12}, err
}

// sourceAddress is the sender with its type and plan.
func (c *Config) sourceAddress() address {
	a := senderAddress(c.Source)
	if c.SourceTON != nil {
		a.ton = byte(*c.SourceTON)
	}
	if c.SourceNPI != nil {
		a.npi = byte(*c.SourceNPI)
	}
	return a
}

func readPassword(file string) (string, error) {
	password, err := channels.ReadSecret("password_file", file)
	if err == nil && strings.ContainsAny(password, "\x00\r\n") {
		err = fmt.Errorf("password_file: %s has more than one line", file)
	}
	return password, err
}
