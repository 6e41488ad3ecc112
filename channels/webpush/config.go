package webpush

import (
	"errors"
	"fmt"
	"net/mail"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"martinella/channels"
)

// Config is a channel's entry in the configuration.
type Config struct {
	VAPIDKeyFile string  `yaml:"vapid_key_file"` // martinella keys vapid --out FILE makes one
	Contact      string  `yaml:"contact"`        // whom push services write to: a mail address, or an https page
	PerSecond    float64 `yaml:"per_second"`     // default 250
	// Services are further push services that are known to be such, by host
	// ("push.example.org") or domain (".example.org"), with allow_private also
	// localhost or an address ("127.0.0.1"): browsers subscribe with them, and
	// what they answer is believed of the whole channel, as it is of the
	// browsers' own.
	Services []string `yaml:"services"`
	// AllowPrivate lets endpoints be on this machine and in private networks,
	// and without TLS on this machine: for tests on one's own machine, never
	// where strangers can subscribe.
	AllowPrivate bool `yaml:"allow_private"`
}

const defaultPerSecond = 250

var hostForm = regexp.MustCompile(`^\.?([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,}$`)

// check names every mistake at once, fills in what is not said and gives the key.
func (c *Config) check(name string) (Key, error) {
	errs := []error{channels.CheckName(name), checkContact(c.Contact)}
	if c.PerSecond < 0 {
		errs = append(errs, errors.New("per_second is negative"))
	}
	if c.PerSecond == 0 {
		c.PerSecond = defaultPerSecond
	}
	for _, s := range c.Services {
		_, err := netip.ParseAddr(s)
		switch own := s == "localhost" || err == nil; {
		case own && !c.AllowPrivate:
			errs = append(errs, fmt.Errorf("services: %q is reached with allow_private only, which is for tests", s))
		case !own && !hostForm.MatchString(s):
			errs = append(errs, fmt.Errorf("services: %q is not a host like push.example.org or a domain like .example.org", s))
		}
	}
	key, err := ReadKey(c.VAPIDKeyFile)
	errs = append(errs, err)
	if err := errors.Join(errs...); err != nil {
		return Key{}, fmt.Errorf("webpush %s: %w", name, err)
	}
	return key, nil
}

// checkContact judges the subject of the signature. Apple refuses one at
// .local or localhost, and all refuse "mailto:mailto:", which a contact with
// its scheme would become.
func checkContact(contact string) error {
	host := ""
	switch {
	case contact == "":
		return errors.New("contact is missing: give a mail address at which the push services reach you")
	case strings.HasPrefix(strings.ToLower(contact), "mailto:"):
		return errors.New("contact: write the mail address alone, without mailto")
	case strings.HasPrefix(contact, "https:"):
		u, err := url.Parse(contact)
		if err == nil && u.User == nil {
			host = u.Hostname()
		}
	default:
		a, err := mail.ParseAddress(contact)
		if err == nil && a.Address == contact {
			host = contact[strings.LastIndexByte(contact, '@')+1:]
		}
	}
	host = strings.ToLower(host)
	if !hostForm.MatchString(host) || strings.HasPrefix(host, ".") {
		return errors.New("contact is not a mail address like allerte@comune.example.it, nor an https page")
	}
	if slices.Contains([]string{"local", "localhost", "invalid", "internal"}, host[strings.LastIndexByte(host, '.')+1:]) {
		return errors.New("contact is at a domain that exists on one machine only: push services refuse it")
	}
	return nil
}
