package mqtt

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"strings"
	"time"
	"unicode/utf8"

	"martinella/alerts"
	"martinella/channels"
)

// Config is a broker's entry in the configuration. Url is required.
type Config struct {
	URL          string `yaml:"url"`           // mqtts://broker.example:8883; mqtt:// is not encrypted
	Username     string `yaml:"username"`      // "" where the broker asks for none
	PasswordFile string `yaml:"password_file"` // read at every connection, so that a mended file needs no restart
	CAFile       string `yaml:"ca_file"`       // PEM; default: the system's authorities

	Topic         string `yaml:"topic"`          // the prefix of real alerts; default "alerts"
	ExerciseTopic string `yaml:"exercise_topic"` // the prefix of exercises; default "exercise/" and the one above
	AckTopic      string `yaml:"ack_topic"`      // devices answer on ACK_TOPIC/DEVICE; default "ack"

	// Areas limits the topics to places that have devices: "ISTAT=047017". An
	// alert goes to those of its areas that are listed. Empty: to all its areas.
	Areas []string `yaml:"areas"`

	QoS *int `yaml:"qos"` // 1 (default) or 2; 0 would leave us without an answer

	// ClientID must differ between nodes. Default: a new one at every start.
	ClientID string `yaml:"client_id"`
	// SessionExpiry is how long the broker keeps devices' acknowledgements while
	// we are away; it needs a ClientID. Default 1h with one, else 0.
	SessionExpiry time.Duration `yaml:"session_expiry"`

	PerSecond float64 `yaml:"per_second"` // alerts a second; default 20
}

// Broker's ports by IANA.
const (
	plainPort  = "1883"
	securePort = "8883"
)

// parsed is a checked configuration.
type parsed struct {
	address  string // host:port
	host     string
	secure   bool
	qos      byte
	real     tree
	exercise tree
	areas    map[alerts.Value]bool // the names in lower case; nil: all
}

// check fills in the defaults and names every mistake at once. The password's
// file is read, so that a missing one is known before the emergency.
func (c *Config) check(name string) (p parsed, err error) {
	if c.Topic == "" {
		c.Topic = "alerts"
	}
	if c.ExerciseTopic == "" {
		c.ExerciseTopic = "exercise/" + c.Topic
	}
	if c.AckTopic == "" {
		c.AckTopic = "ack"
	}
	if c.PerSecond == 0 {
		c.PerSecond = 20
	}
	if c.SessionExpiry == 0 && c.ClientID != "" {
		c.SessionExpiry = time.Hour
	}
	p = parsed{qos: 1, real: tree(c.Topic), exercise: tree(c.ExerciseTopic)}
	errs := []error{channels.CheckName(name), p.server(c.URL),
		checkPrefix("topic", c.Topic), checkPrefix("exercise_topic", c.ExerciseTopic), checkPrefix("ack_topic", c.AckTopic)}
	for _, pair := range [][4]string{{"exercise_topic", c.ExerciseTopic, "topic", c.Topic}, {"ack_topic", c.AckTopic, "topic", c.Topic}, {"ack_topic", c.AckTopic, "exercise_topic", c.ExerciseTopic}} {
		if err := apart(pair[1], pair[3]); err != nil {
			errs = append(errs, fmt.Errorf("%s %q and %s %q: one %w", pair[0], pair[1], pair[2], pair[3], err))
		}
	}
	if c.QoS != nil {
		if *c.QoS != 1 && *c.QoS != 2 {
			errs = append(errs, fmt.Errorf("qos is %d: use 1 or 2, which the broker acknowledges", *c.QoS))
		}
		p.qos = byte(*c.QoS)
	}
	for i, text := range c.Areas {
		v, err := areaOf(text)
		if err != nil {
			errs = append(errs, fmt.Errorf("areas[%d] %w", i, err))
			continue
		}
		if p.areas == nil {
			p.areas = map[alerts.Value]bool{}
		}
		p.areas[v] = true
	}
	switch {
	case !isName(c.Username) || !isName(c.ClientID):
		errs = append(errs, errors.New("username or client_id holds control characters or is longer than 256 bytes"))
	case c.PasswordFile != "" && c.Username == "":
		errs = append(errs, errors.New("password_file is given without username"))
	case c.PasswordFile != "":
		_, err := c.password()
		errs = append(errs, err)
	}
	if c.PerSecond < 0 {
		errs = append(errs, errors.New("per_second is negative"))
	}
	if c.SessionExpiry < 0 || c.SessionExpiry > 30*24*time.Hour {
		errs = append(errs, errors.New("session_expiry is out of range: up to 720h"))
	} else if c.SessionExpiry > 0 && c.ClientID == "" {
		errs = append(errs, errors.New("session_expiry needs a client_id by which the broker knows us again"))
	}
	if _, err := c.authorities(); err != nil {
		errs = append(errs, fmt.Errorf("ca_file: %w", err))
	} else if c.CAFile != "" && !p.secure {
		errs = append(errs, errors.New("ca_file is given, but url is not mqtts://"))
	}
	if err := errors.Join(errs...); err != nil {
		return p, fmt.Errorf("mqtt %s: %w", name, err)
	}
	return p, nil
}

// server reads the address of the broker.
func (p *parsed) server(address string) error {
	if address == "" {
		return errors.New("url is missing")
	}
	u, err := url.Parse(address)
	if err != nil || u.Hostname() == "" || u.Opaque != "" || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" {
		return errors.New("url is not an address like mqtts://broker.example:8883")
	}
	if u.User != nil {
		return errors.New("url holds a user or password: use username and password_file")
	}
	port := plainPort
	switch u.Scheme {
	case "mqtt", "tcp":
	case "mqtts", "ssl", "tls":
		p.secure, port = true, securePort
	default:
		return errors.New("url does not begin with mqtt:// or mqtts://")
	}
	if u.Port() != "" {
		port = u.Port()
	}
	p.host, p.address = u.Hostname(), net.JoinHostPort(u.Hostname(), port)
	return nil
}

// areaOf reads "ISTAT=047017".
func areaOf(text string) (alerts.Value, error) {
	name, value, found := strings.Cut(text, "=")
	v := alerts.Value{Name: strings.ToLower(strings.TrimSpace(name)), Value: strings.TrimSpace(value)}
	if _, ok := areaLevels(v); !found || !ok {
		return v, errors.New("is not a code like ISTAT=047017")
	}
	return v, nil
}

// isName judges what goes into a CONNECT as a text (MQTT 5, section 1.5.4).
func isName(s string) bool {
	return len(s) <= 256 && utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f })
}

// password is "" where there is none.
func (c *Config) password() (string, error) {
	if c.PasswordFile == "" {
		return "", nil
	}
	return channels.ReadSecret("password_file", c.PasswordFile)
}

// authorities is nil for the system's own.
func (c *Config) authorities() (*x509.CertPool, error) {
	if c.CAFile == "" {
		return nil, nil
	}
	pem, err := os.ReadFile(c.CAFile)
	if err != nil {
		return nil, errors.New("cannot be read")
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, errors.New("holds no certificate")
	}
	return pool, nil
}

func (c *Config) tls(host string) (*tls.Config, error) {
	roots, err := c.authorities()
	if err != nil {
		return nil, fmt.Errorf("ca_file: %w", err)
	}
	return &tls.Config{ServerName: host, RootCAs: roots, MinVersion: tls.VersionTLS12}, nil
}

// Notes are worth saying when a configuration is checked, and no mistakes.
func (c *Channel) Notes() []string {
	var notes []string
	if ip := net.ParseIP(c.parsed.host); !c.parsed.secure && c.parsed.host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		notes = append(notes, "url is not encrypted: who is on the way can read the password and sound the sirens; use mqtts://")
	}
	if c.config.Username == "" {
		notes = append(notes, "no username: the broker takes alerts from anybody who reaches it")
	}
	return notes
}
