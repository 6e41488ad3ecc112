package dashboards

import (
	"strings"

	"martinella/alerts"
	"martinella/channels"
)

// Account is one official account of the authority: what newsrooms and
// neighbours look up before they believe a post.
type Account struct {
	Platform string // of the register: "mastodon"
	Name     string // as people know it there: "@comunevaldemo"
	URL      string // of the profile
	Channel  string // the configured one that posts there, or ""
	Verified string // address of the platform's own proof, or ""
	DID      string // of a Bluesky account whose handle is our domain, or ""
	AtOnce   bool   // the channel posts there by itself when an alert is issued; else people do
}

// platformNames are the platforms as they write themselves; others get a
// capital letter.
var platformNames = map[string]string{
	"linkedin": "LinkedIn", "tiktok": "TikTok", "whatsapp": "WhatsApp", "youtube": "YouTube", "x": "X", "rss": "RSS",
}

func platformName(platform string) string {
	if name, known := platformNames[platform]; known {
		return name
	}
	if platform == "" {
		return ""
	}
	return strings.ToUpper(platform[:1]) + platform[1:]
}

// accountLine is an account on a page.
type accountLine struct {
	Account
	Place   string // the platform in words
	Stopped bool   // not updated at the moment
}

func (s *Server) accountLines() []accountLine {
	all := s.accountsNow()
	lines := make([]accountLine, len(all))
	for i, a := range all {
		lines[i] = accountLine{a, platformName(a.Platform), s.isStopped(a)}
	}
	return lines
}

func (s *Server) isStopped(a Account) bool {
	return a.Channel != "" && s.Stopped != nil && s.Stopped(a.Channel)
}

// stopped tells which accounts are stopped, one bit for each, for as long as
// there are enough: pages are made anew when it changes, and every minute.
func (s *Server) stopped() (bits uint64) {
	for i, a := range s.Accounts[:min(len(s.Accounts), 64)] {
		if s.isStopped(a) {
			bits |= 1 << i
		}
	}
	return bits
}

// awayNotice says that accounts are not updated at the moment, and where to
// look instead. It never says why: that is for the operator.
type awayNotice struct {
	Stopped []accountLine
	Instead []accountLine // that are posted to at once, and are well
}

// away is nil while all is well.
func (s *Server) away() *awayNotice {
	var n awayNotice
	for _, a := range s.accountLines() {
		switch {
		case a.Stopped:
			n.Stopped = append(n.Stopped, a)
		case a.AtOnce:
			n.Instead = append(n.Instead, a)
		}
	}
	if len(n.Stopped) == 0 {
		return nil
	}
	return &n
}

// did is the identifier behind the handle of our domain on Bluesky
// (atproto.com/specs/handle, "HTTPS well-known method"); "" without one.
func (c *Config) did() string {
	for _, a := range c.Accounts {
		if a.DID != "" {
			return a.DID
		}
	}
	return ""
}

// hashtagsOf gives the hashtags of an event in all its languages, each once.
func (s *Server) hashtagsOf(r *alerts.Record) []string {
	tags := []string{}
	seen := map[string]bool{}
	for _, info := range r.Infos() {
		language := info.Language
		if language == "" {
			language = s.Authority.Language
		}
		for _, tag := range s.tagsNow().For(info, language) {
			if key := strings.ToLower(tag); !seen[key] {
				seen[key] = true
				tags = append(tags, tag)
			}
		}
	}
	return tags
}

// signed gives the tags of an entry of the register with their sign.
func signed(e channels.HashtagEntry) []string {
	tags := make([]string, 0, len(e.Tags))
	for _, word := range e.Tags {
		tags = append(tags, "#"+strings.TrimLeft(strings.TrimSpace(word), "#"))
	}
	return tags
}

// pressContact is where newsrooms write: the authority's contact where it is an
// address on the network, else the one for problems of the pages.
func (s *Server) pressContact() (text, link string) {
	shown := s.face()
	for _, one := range []string{shown.Contact, shown.Feedback} {
		one = strings.TrimSpace(one)
		switch {
		case strings.HasPrefix(one, "https://"), strings.HasPrefix(one, "http://"):
			return one, one
		case strings.Contains(one, "@") && !strings.ContainsAny(one, " \t,;<>\""):
			return one, "mailto:" + one
		}
	}
	return "", ""
}
