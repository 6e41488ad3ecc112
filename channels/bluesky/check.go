package bluesky

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"martinella/channels"
)

// Check asks the server whether it is there, whether our session is that of an
// account that may post, and whether the handle still leads to it. It posts
// nothing. App passwords have no end that could be read.
func (c *Channel) Check(ctx context.Context) error {
	var about struct {
		DID string `json:"did"`
	}
	if err := c.server.read(ctx, request{method: "com.atproto.server.describeServer", query: url.Values{}}, &about); err != nil {
		return err
	}
	if about.DID == "" {
		return errors.New("bluesky: the server does not describe itself")
	}
	var who struct {
		DID    string `json:"did"`
		Handle string `json:"handle"`
		Active *bool  `json:"active"` // older servers leave it out
		Status string `json:"status"`
	}
	res, err := c.session.signed(ctx, request{method: "com.atproto.server.getSession", query: url.Values{}})
	if err == nil {
		if err = res.verdict(); err == nil {
			err = res.Decode(platform, &who)
		}
	}
	if err != nil {
		return harmless(err)
	}
	if who.Active != nil && !*who.Active {
		return channels.Unauthorized(fmt.Errorf("bluesky %s: the account is not active: %.40q", c.name, who.Status))
	}
	if strings.HasPrefix(c.config.Handle, "did:") {
		if who.DID != c.config.Handle {
			return channels.Unauthorized(fmt.Errorf("bluesky %s: the session is of another account, %.60q", c.name, who.DID))
		}
		return nil
	}
	did, err := c.server.resolve(ctx, c.config.Handle)
	switch v, _ := channels.VerdictOf(err); {
	case v == channels.VerdictPermanent:
		return channels.Permanent(fmt.Errorf("bluesky %s: nobody finds the account under %s any more (the server calls it %.100q): mend the handle's domain, or set handle: %w", c.name, c.config.Handle, who.Handle, err))
	case err != nil:
		return err
	case did != who.DID:
		return channels.Permanent(fmt.Errorf("bluesky %s: %s leads to another account than the one that we sign in to (%.100q)", c.name, c.config.Handle, who.Handle))
	}
	return nil
}

// resolve gives the account that a handle leads to. The error is Permanent
// where there is none.
func (s *server) resolve(ctx context.Context, handle string) (did string, err error) {
	var in struct {
		DID string `json:"did"`
	}
	if err := s.read(ctx, request{method: "com.atproto.identity.resolveHandle", query: url.Values{"handle": {handle}}}, &in); err != nil {
		return "", err
	}
	if !didPattern.MatchString(in.DID) {
		return "", errors.New("bluesky: the handle was resolved to what is no account")
	}
	return in.DID, nil
}
