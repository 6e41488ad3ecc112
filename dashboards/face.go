package dashboards

import (
	"cmp"
	"context"
	"net/url"
	"slices"
	"sync"
	"time"

	"go.uber.org/zap"

	"martinella/alerts/areas"
	"martinella/alerts/lint"
	"martinella/channels"
	"martinella/dashboards/settings"
)

// Outline is a file of areas that is loaded.
type Outline struct {
	File   string
	System string // of the codes; "": found by themselves
	Areas  int    // that all files give together; 0 but on the first one
}

// StartedAreas is what a node knows of areas since its start, beside what is
// stored now.
type StartedAreas struct {
	Configured *areas.Gazetteer  // of the configured files; nil: none
	Sets       map[string]string // the digest of each set that staff loaded, by name
	// Credits are whom the outlines are from, with licence and date where they
	// are known, each once: they stand below every map that shows them.
	Credits []string
}

// face is what the pages show of the institution: what staff set, else what the
// configuration says.
type face struct {
	Contact, Site, Accessibility, Feedback, Licence, Brand string
}

func (s *Server) face() face {
	i := s.Settings.Now().Identity
	return face{
		Contact: cmp.Or(i.Contact, s.Authority.Contact), Site: cmp.Or(i.Site, s.Site), Accessibility: cmp.Or(i.Accessibility, s.Accessibility),
		Feedback: cmp.Or(i.Feedback, s.Feedback), Licence: cmp.Or(i.Licence, s.Licence), Brand: cmp.Or(i.Brand, s.Brand),
	}
}

// words is what the linter knows of the authority's words now.
func (s *Server) words() lint.Context {
	now, known := s.Settings.Now(), s.Words
	known.Phones, known.Links, known.Domains = slices.Clone(known.Phones), slices.Clone(known.Links), slices.Clone(known.Domains)
	for _, p := range now.Phones {
		known.Phones = append(known.Phones, p.Number)
	}
	for _, l := range now.Links {
		known.Links = append(known.Links, l.URL)
	}
	for _, a := range now.Accounts {
		known.Links = append(known.Links, a.URL)
	}
	if u, err := url.Parse(now.Identity.Site); err == nil && u.Hostname() != "" {
		known.Domains = append(known.Domains, u.Hostname())
	}
	return known
}

// accountsNow is the register of official accounts.
func (s *Server) accountsNow() []Account {
	all := slices.Clip(s.Accounts)
	for _, a := range s.Settings.Now().Accounts {
		all = append(all, Account{Platform: a.Platform, Name: a.Name, URL: a.URL})
	}
	return all
}

// tagsNow is the register of hashtags.
func (s *Server) tagsNow() channels.Hashtags { return WithTags(s.Hashtags, s.Settings.Now()) }

// WithTags gives the hashtags of a configuration with those that staff added.
func WithTags(configured channels.Hashtags, now *settings.Now) channels.Hashtags {
	all := slices.Clip(configured)
	for _, t := range now.Hashtags {
		all = append(all, channels.HashtagEntry{Event: t.Event, Language: t.Language, Tags: t.Tags})
	}
	return all
}

// dressed is which settings the style sheet and the logo show.
type dressed struct {
	mu      sync.Mutex
	version int
	brand   string
	logo    string
	asked   time.Time // when a file that is not there was last looked for in the store
}

// dress gives the style sheet and the logo what is set now, and the version of
// the settings.
func (s *Server) dress() int {
	now := s.Settings.Now()
	d := &s.dressed
	d.mu.Lock()
	defer d.mu.Unlock()
	if now.Version <= d.version {
		return d.version
	}
	d.version = now.Version
	if brand, logo := s.face().Brand, string(now.Identity.Logo); brand != cmp.Or(d.brand, s.Brand) || logo != d.logo {
		tokens, err := brandTokens(brand)
		if err != nil {
			s.Logger.Error("the colour that was set is none: the style sheet stays as it is", zap.Error(err))
			return d.version
		}
		s.pages.assets.dress(tokens, now.Identity.Logo)
		d.brand, d.logo = brand, logo
	}
	return d.version
}

// catchUp reads the settings anew, at most once a second: a browser asks for a
// file that this node does not have yet.
func (s *Server) catchUp(ctx context.Context) {
	if s.Settings == nil {
		return
	}
	s.dressed.mu.Lock()
	soon := time.Since(s.dressed.asked) < time.Second
	if !soon {
		s.dressed.asked = time.Now()
	}
	s.dressed.mu.Unlock()
	if soon {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	if err := s.Settings.Load(ctx); err != nil {
		s.Logger.Warn("the settings cannot be read", zap.Error(err))
		return
	}
	s.dress()
}
