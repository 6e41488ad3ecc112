package channels

import (
	"strings"
	"time"

	"martinella/alerts"
)

// Settings is what every channel of an authority shares.
type Settings struct {
	Authority string         // its name, shown as the source where the alert names none
	PublicURL string         // of the authority's pages, without a slash at the end
	Zone      *time.Location // in which times are said; nil is Europe/Rome
	Language  string         // of infos that name none, and of a Cancel without words; "" is Italian
	Hashtags  Hashtags       // the register of official ones
	// Tags gives the register as it is now, where it changes while the program
	// runs; nil: it is Hashtags. It does not block.
	Tags func() Hashtags
}

// Register is the register of official hashtags as it is now.
func (s Settings) Register() Hashtags {
	if s.Tags != nil {
		return s.Tags()
	}
	return s.Hashtags
}

// Link is the page of an event: the same over all its revisions.
func (s Settings) Link(event alerts.ID) string {
	if s.PublicURL == "" {
		return ""
	}
	return strings.TrimRight(s.PublicURL, "/") + "/a/" + string(event)
}

// Local is t in the authority's zone.
func (s Settings) Local(t time.Time) time.Time {
	if s.Zone != nil {
		return t.In(s.Zone)
	}
	rome, err := time.LoadLocation("Europe/Rome")
	if err != nil {
		return t.UTC() // a machine without zone data; the command embeds it
	}
	return t.In(rome)
}

func (s Settings) language() string {
	if s.Language == "" {
		return "it"
	}
	return s.Language
}
