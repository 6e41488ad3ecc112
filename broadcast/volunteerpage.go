package broadcast

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"martinella/alerts"
	"martinella/alerts/lexicon"
	"martinella/alerts/volunteers"
	"martinella/channels"
)

// VolunteerPages opens the own pages of volunteers, whose links the office sends
// them: whoever has a link decides when and how that volunteer is called. Its
// methods may be called from many goroutines and block until the store, or the
// provider, answered.
type VolunteerPages struct {
	VolunteerPagesConfig
	lines []ringLine
	sent  *allowance
}

// VolunteerPagesConfig is what own pages of volunteers need. Without Routes no
// link can be sent.
type VolunteerPagesConfig struct {
	Roll                 Roll
	Routes               []Route
	PublicURL, Authority string
	Language             string // the authority's
	// Forget removes a person from everything besides the roll, before they are
	// erased from it; nil: there is nothing else.
	Forget func(ctx context.Context, number uint32) error
}

// linksADay is how many links are sent to one volunteer within a day.
const linksADay = 5

// NewVolunteerPages finds the channels that can write to one person.
func NewVolunteerPages(c VolunteerPagesConfig) *VolunteerPages {
	c.PublicURL = strings.TrimSuffix(c.PublicURL, "/")
	p := &VolunteerPages{VolunteerPagesConfig: c, sent: newAllowance(linksADay, 24*time.Hour)}
	p.lines = slices.DeleteFunc(linesOf(c.Routes), func(l ringLine) bool { return l.kind == "" })
	return p
}

func (p *VolunteerPages) door() ownDoor { return ownDoor{p.Roll, "volunteer page "} }

// Token is the key to a volunteer's own page, for a link to this contact. It ends
// like [SignUps.OwnToken], and opens nothing else. Never log it.
func (p *VolunteerPages) Token(number uint32, kind, address string, at time.Time) string {
	return p.door().token(number, kind, address, at)
}

// Own gives the volunteer of a token and the kind of contact to which it was
// sent; [ErrToken] where it opens nothing.
func (p *VolunteerPages) Own(ctx context.Context, token string, now time.Time) (*Member, string, error) {
	m, kind, err := p.door().own(ctx, token, now)
	if err == nil && m.Audience != AudienceVolunteers {
		return nil, "", ErrToken
	}
	return m, kind, err
}

// VolunteerChoices are what volunteers decide themselves.
type VolunteerChoices struct {
	Weekly     []volunteers.Shift
	Exceptions []volunteers.Exception
	Channels   []string
	Quiet      *Hours
	Language   string
}

// ChoicesOf are those of a volunteer now.
func ChoicesOf(s *Subscriber) VolunteerChoices {
	c := VolunteerChoices{Channels: s.Channels, Quiet: s.Quiet, Language: s.Language}
	if s.Volunteer != nil {
		c.Weekly, c.Exceptions = s.Volunteer.Weekly, s.Volunteer.Exceptions
	}
	return c
}

// To writes the choices into a subscriber and reports whether that changed
// anything.
func (c VolunteerChoices) To(s *Subscriber) bool {
	was := *s
	profile := volunteers.Profile{}
	if s.Volunteer != nil {
		profile = *s.Volunteer
	}
	profile.Weekly, profile.Exceptions = c.Weekly, c.Exceptions
	s.Volunteer, s.Channels, s.Quiet, s.Language = nil, c.Channels, c.Quiet, c.Language
	if !profile.Empty() {
		s.Volunteer = &profile
	}
	return !reflect.DeepEqual(was, *s)
}

// Decide changes what the volunteer of a token decides; [ErrToken] where it opens
// nothing. edit gets what is stored, again if somebody else changed it meanwhile.
func (p *VolunteerPages) Decide(ctx context.Context, token string, now time.Time, edit func(*VolunteerChoices)) error {
	return p.door().change(ctx, token, ActVolunteerChanged, "", now, func(m *Member) bool {
		c := ChoicesOf(&m.Subscriber)
		c.Weekly, c.Exceptions, c.Channels = slices.Clone(c.Weekly), slices.Clone(c.Exceptions), slices.Clone(c.Channels)
		edit(&c)
		return c.To(&m.Subscriber)
	})
}

// Wish carries STOP or START out for every contact of the volunteer of a token:
// who does not want to be called any more is not to be called by another way.
func (p *VolunteerPages) Wish(ctx context.Context, token string, wish Wish, now time.Time) error {
	m, _, err := p.Own(ctx, token, now)
	if err != nil {
		return err
	}
	verb := "stopped"
	if wish == WishStart {
		verb = "resumed"
	}
	return p.door().change(ctx, token, verb, strings.Join(m.Kinds(), " "), now, func(m *Member) bool {
		before := len(m.Stopped)
		if wish == WishStart {
			m.Stopped = nil
			return before > 0
		}
		for _, kind := range m.Kinds() {
			if _, already := m.Stopped[kind]; !already {
				m.stop(kind, now.UTC().Truncate(time.Second))
			}
		}
		return len(m.Stopped) != before
	})
}

// Leave erases the volunteer of a token for good; [ErrToken] where it opens
// nothing: doing it again is that.
func (p *VolunteerPages) Leave(ctx context.Context, token string, now time.Time) error {
	m, _, err := p.Own(ctx, token, now)
	if err != nil {
		return err
	}
	if err := p.forget(ctx, m.Number); err != nil {
		return err
	}
	return p.door().leave(ctx, token, ActVolunteerErased, now)
}

// Erase removes volunteers for good, each with an act of who did it and by which
// way, and gives how many were there. only, unless nil, is asked at the moment
// of erasing.
func (p *VolunteerPages) Erase(ctx context.Context, by alerts.By, via string, numbers []uint32, now time.Time, only func(*Member) bool) (int, error) {
	n := 0
	act := &alerts.Act{V: 1, At: now.UTC(), By: by, Verb: ActVolunteerErased, Via: via}
	for _, number := range numbers {
		if only != nil {
			if m, err := p.Roll.Member(ctx, number); errors.Is(err, alerts.ErrNotFound) || err == nil && !only(m) {
				continue
			} else if err != nil {
				return n, fmt.Errorf("erase volunteers: %w", err)
			}
		}
		if err := p.forget(ctx, number); err != nil {
			return n, err
		}
		erased, err := p.Roll.EraseAll(ctx, []uint32{number}, act, only)
		if n += erased; err != nil {
			return n, fmt.Errorf("erase volunteers: %w", err)
		}
	}
	return n, nil
}

func (p *VolunteerPages) forget(ctx context.Context, number uint32) error {
	if p.Forget == nil {
		return nil
	}
	if err := p.Forget(ctx, number); err != nil && !errors.Is(err, alerts.ErrNotFound) {
		return fmt.Errorf("erase a volunteer from calls: %w", err)
	}
	return nil
}

// ErrNoWay is the error for a volunteer to whom nothing can be sent: no contact
// of theirs, that they did not stop, is of a kind that a channel writes to.
var ErrNoWay = errors.New("there is no contact that a channel writes to")

// Send sends a volunteer the link to the own page, in their order of contacts,
// and gives the kind of contact that took it. [ErrNoWay], [ErrBusy] where it was
// sent too often today, [alerts.ErrNotFound] where there is no such volunteer.
// The provider's own errors name no address.
func (p *VolunteerPages) Send(ctx context.Context, number uint32, now time.Time) (string, error) {
	m, err := p.Roll.Member(ctx, number)
	if err != nil {
		return "", fmt.Errorf("send a link: %w", err)
	}
	if m.Audience != AudienceVolunteers {
		return "", fmt.Errorf("send a link: %w", alerts.ErrNotFound)
	}
	if !slices.ContainsFunc(m.Kinds(), func(kind string) bool { return m.Reachable(kind) != "" && p.writes(kind) }) {
		return "", ErrNoWay
	}
	if !p.sent.take(fmt.Sprint(number), now) {
		return "", ErrBusy
	}
	err = ErrNoWay
	kinds := slices.Clone(m.Channels)
	for _, kind := range append(kinds, m.Kinds()...) {
		address := m.Reachable(kind)
		if address == "" {
			continue
		}
		link := p.PublicURL + "/v/" + p.Token(number, kind, address, now)
		subject, text := lexicon.OwnLink(m.Language, kind, p.Authority, link)
		for _, l := range p.lines {
			if l.kind != kind {
				continue
			}
			limited, cancel := context.WithTimeout(ctx, ringTime)
			err = guard(func() error { return l.call(limited, address, subject, text) })
			cancel()
			if verdict, _ := channels.VerdictOf(err); verdict == channels.VerdictAccepted || verdict == channels.VerdictUncertain {
				return kind, nil // in doubt it may be there
			}
		}
	}
	return "", fmt.Errorf("send a link: %w", err)
}

// CanSend reports whether [VolunteerPages.Send] has any channel here.
func (p *VolunteerPages) CanSend() bool { return len(p.lines) > 0 }

// writes reports whether a channel here can write to this kind of contact.
func (p *VolunteerPages) writes(kind string) bool {
	return slices.ContainsFunc(p.lines, func(l ringLine) bool { return l.kind == kind })
}
