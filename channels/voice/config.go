package voice

import (
	"net"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"martinella/alerts"
	"martinella/channels"
	"martinella/channels/provider"
)

// Config is a contract's entry in the configuration. Provider is required.
type Config struct {
	Provider string  `yaml:"provider"` // twilio, generic
	Source   string  `yaml:"source"`   // the number that people see: +390577000000
	Rate     float64 `yaml:"rate"`     // calls begun in a second by contract; default 1, as Twilio's
	Window   int     `yaml:"window"`   // requests in flight; default 8

	Ring     time.Duration `yaml:"ring"`      // how long a phone rings; default 30s, 10s to 60s
	MaxChars int           `yaml:"max_chars"` // of what is said once; default 600, about 45 seconds
	Confirm  *bool         `yaml:"confirm"`   // asks to press 1; default true
	Machines *bool         `yaml:"machines"`  // Twilio: finds out whether a machine answers; default true
	Voices   []Voice       `yaml:"voices"`    // other voices than the provider's own

	// Redial is how often who was busy, not there, or a machine is called once
	// more, and RedialAfter how much later, while the alert goes on.
	Redial      *int          `yaml:"redial"`       // default 2, at most 10
	RedialAfter time.Duration `yaml:"redial_after"` // default 3m

	// Twilio
	AccountSID       string `yaml:"account_sid"`         // AC...
	AuthTokenFile    string `yaml:"auth_token_file"`     // proves us, and Twilio's requests to us
	APIKeySID        string `yaml:"api_key_sid"`         // SK..., instead of the token for calling
	APIKeySecretFile string `yaml:"api_key_secret_file"` //

	// Generic; url is of both
	provider.Description `yaml:",inline"`
}

// Voice is how a language is spoken.
type Voice struct {
	Language string `yaml:"language"` // it, sl
	Locale   string `yaml:"locale"`   // it-IT, sl-SI
	Name     string `yaml:"name"`     // the provider's own: Polly.Bianca
}

// The providers.
const (
	kindTwilio  = "twilio"
	kindGeneric = "generic"
)

// The bounds of a text. What is said twice, with its frame, must fit into the
// 4,000 characters of Twilio's parameter Twiml.
const (
	usualChars = 600
	leastChars = 200
	mostChars  = 1200
)

var (
	accountSID = regexp.MustCompile(`^AC[0-9a-fA-F]{32}$`)
	keySID     = regexp.MustCompile(`^SK[0-9a-fA-F]{32}$`)
	numberForm = regexp.MustCompile(`^\+[0-9]{6,15}$`)
	localeForm = regexp.MustCompile(`^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$`)
	voiceForm  = regexp.MustCompile(`^[A-Za-z0-9._-]{0,64}$`)
)

// mistakes collects what is wrong.
type mistakes struct{ all alerts.Problems }

func (m *mistakes) wrong(field, problem, hint string) {
	m.all = append(m.all, alerts.Problem{Field: field, Problem: problem, Hint: hint, Level: alerts.LevelError})
}

// secret reads a file; "" after a mistake.
func (m *mistakes) secret(field, file string) string {
	if file == "" {
		m.wrong(field, "is missing", "put it into a file that only the gateway may read")
		return ""
	}
	s, err := channels.ReadSecret(field, file)
	if err != nil {
		m.wrong(field, "cannot be used: "+strings.TrimPrefix(err.Error(), field+": "), "it holds the secret and is readable by the gateway alone")
	}
	return s
}

// open fills in the defaults, judges the configuration and makes the provider of
// it. The files are read, so that a missing one is known before the emergency.
func (c *Config) open(name string, s channels.Settings) (carrier, alerts.Problems) {
	m := &mistakes{}
	if channels.CheckName(name) != nil {
		m.wrong("name", "is "+strconv.Quote(name), "use 2 to 32 of a-z, 0-9 and hyphens between them")
	}
	if c.Rate == 0 {
		c.Rate = 1
	}
	if c.Window == 0 {
		c.Window = 8
	}
	if c.Ring == 0 {
		c.Ring = 30 * time.Second
	}
	if c.MaxChars == 0 {
		c.MaxChars = usualChars
	}
	if c.Rate < 0 || c.Rate > 1000 {
		m.wrong("rate", "is out of range", "calls a second as the contract says; Twilio begins 1 unless agreed otherwise")
	}
	if c.Window < 0 || c.Window > 1000 {
		m.wrong("window", "is out of range", "1 to 1000; 8 when it is left out")
	}
	if c.Ring < 10*time.Second || c.Ring > time.Minute {
		m.wrong("ring", "is out of range", "10s to 60s")
	}
	if c.RedialAfter == 0 {
		c.RedialAfter = 3 * time.Minute
	}
	if n := c.redial(); n < 0 || n > 10 || c.RedialAfter < time.Minute || c.RedialAfter > time.Hour {
		m.wrong("redial", "or redial_after is out of range", "0 to 10 times, 1m to 1h apart")
	}
	if c.MaxChars < leastChars || c.MaxChars > mostChars {
		m.wrong("max_chars", "is out of range", "200 to 1200; nobody listens for two minutes")
	}
	for i, v := range c.Voices {
		if v.Language == "" || !localeForm.MatchString(v.Language) || v.Locale != "" && !localeForm.MatchString(v.Locale) || !voiceForm.MatchString(v.Name) {
			m.wrong("voices["+strconv.Itoa(i)+"]", "cannot be read", "write it like {language: it, locale: it-IT, name: Polly.Bianca}")
		}
	}
	hook := hookURL(s.PublicURL, name)
	switch c.Provider {
	case kindTwilio:
		return c.twilio(m, hook), m.all
	case kindGeneric:
		return c.generic(m, hook), m.all
	case "":
		m.wrong("provider", "is missing", "use twilio, or generic for one that you describe")
	default:
		m.wrong("provider", "is "+strconv.Quote(c.Provider), "use twilio, or generic for one that you describe")
	}
	return nil, m.all
}

// confirm reports whether people are asked to press 1.
func (c *Config) confirm() bool { return c.Confirm == nil || *c.Confirm }

// redial is how often somebody is called once more.
func (c *Config) redial() int {
	if c.Redial == nil {
		return 2
	}
	return *c.Redial
}

func (c *Config) machines() bool { return c.Machines == nil || *c.Machines }

// voice gives how a language is spoken, by the tag or its first part.
func (c *Config) voice(language string) Voice {
	w, own := wordsFor(language)
	v := Voice{Language: language, Locale: language}
	if own {
		v.Locale = w.Locale
	}
	for _, configured := range c.Voices {
		if strings.EqualFold(configured.Language, language) || strings.EqualFold(configured.Language, alerts.PrimaryLanguage(language)) {
			v.Name = configured.Name
			if configured.Locale != "" {
				v.Locale = configured.Locale
			}
			break
		}
	}
	return v
}

// hookURL is where the provider reports to; "" where nobody outside could reach
// it.
func hookURL(public, channel string) string {
	u, err := url.Parse(public)
	if err != nil || u.Host == "" {
		return ""
	}
	host := u.Hostname()
	if ip := net.ParseIP(host); host == "localhost" || ip != nil && (ip.IsLoopback() || ip.IsPrivate() || ip.IsUnspecified()) {
		return ""
	}
	return strings.TrimRight(public, "/") + "/hooks/" + channel
}
