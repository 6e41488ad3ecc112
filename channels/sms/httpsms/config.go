package httpsms

import (
	"fmt"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"martinella/alerts"
	"martinella/channels"
	"martinella/channels/provider"
	"martinella/channels/sms"
)

// Config is a channel's entry in the configuration: one provider in its own
// fields, or several in a list.
type Config struct {
	ProviderConfig `yaml:",inline"`
	Providers      []ProviderConfig `yaml:"providers"` // in the order in which they are tried

	Window     int              `yaml:"window"` // messages in flight; default 16
	sms.Config `yaml:",inline"` // max_parts, transliterate, price
}

// ProviderConfig is one contract.
type ProviderConfig struct {
	Name     string   `yaml:"name"`     // within providers; part of stored ids: never change it. Default: the provider
	Provider string   `yaml:"provider"` // twilio, skebby, generic
	Prefixes []string `yaml:"prefixes"` // of the numbers that it serves, like "+39"; none: all

	// Source is the sender that people see: an alias (in Italy registered with
	// AGCOM through the provider) or a number. Twilio takes a messaging service
	// instead.
	Source      string  `yaml:"source"`
	ReplyNumber string  `yaml:"reply_number"` // takes answers, where source is an alias
	Rate        float64 `yaml:"rate"`         // parts a second by contract; 0: not limited

	// Twilio
	AccountSID          string `yaml:"account_sid"`           // AC...
	AuthTokenFile       string `yaml:"auth_token_file"`       // proves us, and Twilio's requests to us
	APIKeySID           string `yaml:"api_key_sid"`           // SK..., instead of the token for sending
	APIKeySecretFile    string `yaml:"api_key_secret_file"`   //
	MessagingServiceSID string `yaml:"messaging_service_sid"` // MG..., instead of source

	// Skebby, with username and password_file
	MessageType   string `yaml:"message_type"`    // GP (default), TI, SI
	HookTokenFile string `yaml:"hook_token_file"` // of the address that Skebby's panel is given for receipts

	// Generic; url, username and password_file are of all
	provider.Description `yaml:",inline"`
}

// The providers.
const (
	kindTwilio  = "twilio"
	kindSkebby  = "skebby"
	kindGeneric = "generic"
)

const defaultWindow = 16

// mistakes collects what is wrong.
type mistakes struct {
	at  string // before every field: "providers[1]."
	all alerts.Problems
}

func (m *mistakes) wrong(field, problem, hint string) {
	m.all = append(m.all, alerts.Problem{Field: m.at + field, Problem: problem, Hint: hint, Level: alerts.LevelError})
}

// secret reads a file; "" after a mistake.
func (m *mistakes) secret(field, file string) string {
	if file == "" {
		m.wrong(field, "is missing", "put it into a file that only the gateway may read")
		return ""
	}
	s, err := channels.ReadSecret(field, file)
	if err == nil && strings.ContainsAny(s, "\r\n\x00") {
		err = fmt.Errorf("it has more than one line")
	}
	if err != nil {
		m.wrong(field, "cannot be used: "+strings.TrimPrefix(err.Error(), field+": "), "it holds the secret on one line and is readable by the gateway alone")
		return ""
	}
	return s
}

// open judges the configuration and makes the providers of it. The files are
// read, so that a missing one is known before the emergency.
func (c *Config) open(name string, s channels.Settings) ([]*route, alerts.Problems) {
	m := &mistakes{}
	if channels.CheckName(name) != nil {
		m.wrong("name", "is "+strconv.Quote(name), "use 2 to 32 of a-z, 0-9 and hyphens between them")
	}
	if c.Window < 0 || c.Window > 1000 {
		m.wrong("window", "is out of range", "1 to 1000; 16 when it is left out")
	}
	m.all = append(m.all, c.Config.Problems()...)
	list := c.Providers
	if len(list) == 0 {
		list = []ProviderConfig{c.ProviderConfig}
	} else if c.Provider != "" || c.URL != "" || c.Source != "" {
		m.wrong("providers", "is given beside a provider", "move provider, url and source into the list")
	}
	var routes []*route
	names := map[string]bool{}
	for i, p := range list {
		if len(c.Providers) > 0 {
			m.at = fmt.Sprintf("providers[%d].", i)
		}
		if p.Name == "" || len(c.Providers) == 0 {
			p.Name = p.Provider
		}
		if names[p.Name] && p.Provider != "" {
			m.wrong("name", "is "+strconv.Quote(p.Name)+", which another provider has", "give every provider its own name")
		}
		names[p.Name] = true
		routes = append(routes, p.open(m, name, s))
	}
	return routes, m.all
}

var (
	providerName = regexp.MustCompile(`^[a-z0-9-]{1,32}$`)
	prefixForm   = regexp.MustCompile(`^\+[0-9]{1,14}$`)
)

func (p *ProviderConfig) open(m *mistakes, name string, s channels.Settings) *route {
	r := &route{name: p.Name, prefixes: p.Prefixes, source: p.Source, reply: p.ReplyNumber}
	if p.Name != "" && !providerName.MatchString(p.Name) {
		m.wrong("name", "is "+strconv.Quote(p.Name), "use a-z, 0-9 and -")
	}
	for i, prefix := range p.Prefixes {
		if !prefixForm.MatchString(prefix) {
			m.wrong(fmt.Sprintf("prefixes[%d]", i), "is "+strconv.Quote(prefix), "write it like \"+39\", in quotes")
		}
	}
	if p.Source != "" {
		if problem := sms.SourceProblem(p.Source); problem != "" {
			m.wrong("source", problem, sms.SourceHint)
		}
	}
	if p.ReplyNumber != "" && !sms.IsNumber(p.ReplyNumber) {
		m.wrong("reply_number", "is not a number", "write it like +390577000000, or a short code in digits")
	}
	if p.Rate < 0 || p.Rate > 100000 {
		m.wrong("rate", "is out of range", "SMS a second as the contract says; 0 is not limited")
	}
	hook := hookURL(s.PublicURL, name, p.Name)
	switch p.Provider {
	case kindTwilio:
		r.carrier = p.twilio(m, hook)
	case kindSkebby:
		r.carrier = p.skebby(m)
	case kindGeneric:
		r.carrier = p.generic(m, hook)
	default:
		problem := "is " + strconv.Quote(p.Provider)
		if p.Provider == "" {
			problem = "is missing"
		}
		m.wrong("provider", problem, "use twilio, skebby, or generic for one that you describe")
	}
	if p.Provider != kindGeneric {
		p.foreign(m)
	}
	return r
}

// foreign names what only a described provider has.
func (p *ProviderConfig) foreign(m *mistakes) {
	d := p.Description
	for field, given := range map[string]bool{
		"request": d.Request.Path != "" || d.Request.JSON != "" || len(d.Request.Form) > 0, "answer": d.Answer.ID != "" || len(d.Answer.Verdicts) > 0,
		"hook": d.Hook.Reports.ID != "" || d.Hook.TokenFile != "", "probe": d.Probe.ID != "", "check": d.Check.Path != "", "secrets": len(d.Secrets) > 0,
	} {
		if given && p.Provider != "" {
			m.wrong(field, "is not for "+p.Provider, "leave it out, or use provider: generic")
		}
	}
}

// base is the address of the provider's interface.
func (p *ProviderConfig) base(m *mistakes, usual string) string {
	if p.URL == "" {
		return usual
	}
	if err := channels.CheckURL("url", p.URL); err != nil {
		m.wrong("url", strings.TrimPrefix(err.Error(), "url "), "leave it out for "+usual)
	}
	return strings.TrimRight(p.URL, "/")
}

// hookURL is where the provider reports to; "" where nobody outside could reach
// it.
func hookURL(public, channel, provider string) string {
	u, err := url.Parse(public)
	if err != nil || u.Host == "" {
		return ""
	}
	host := u.Hostname()
	if ip := net.ParseIP(host); host == "localhost" || ip != nil && (ip.IsLoopback() || ip.IsPrivate() || ip.IsUnspecified()) {
		return ""
	}
	return strings.TrimRight(public, "/") + "/hooks/" + channel + "?provider=" + url.QueryEscape(provider)
}

// Notes are worth saying when a configuration is checked, and no mistakes.
func (c *Channel) Notes() []string {
	var notes []string
	for _, r := range c.routes {
		if r.source != "" && !sms.IsNumber(r.source) && r.reply == "" {
			notes = append(notes, r.name+": source "+strconv.Quote(r.source)+" is an alias, to which nobody can answer: STOP and other replies need reply_number, and volunteers are not told that they can answer SI or NO")
		}
		if !r.carrier.finds() {
			notes = append(notes, r.name+": cannot be asked what became of a message whose answer was lost; urgent ones are sent once more and marked, others stay uncertain")
		}
		if !r.carrier.checks() {
			notes = append(notes, r.name+": no check is described: credentials that broke are found out by the first message")
		}
		if note := r.carrier.hookNote(); note != "" {
			notes = append(notes, r.name+": "+note)
		}
	}
	if !slices.ContainsFunc(c.routes, func(r *route) bool { return len(r.prefixes) == 0 }) {
		notes = append(notes, "every provider has prefixes: a number with none of them is never served")
	}
	return notes
}
