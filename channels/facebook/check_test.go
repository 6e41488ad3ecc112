package facebook

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"martinella/channels"
	"martinella/channels/channeltest"
)

func TestCheck(t *testing.T) {
	day := 24 * time.Hour
	alone := func(c *Config) { c.AppID, c.AppSecretFile = "", "" }
	for name, c := range map[string]struct {
		change func(*fakeGraph, *inspection)
		config func(t *testing.T, c *Config)
		want   channels.Verdict
		says   string
	}{
		"all is well":            {want: channels.VerdictAccepted},
		"a token that ends late": {change: func(_ *fakeGraph, i *inspection) { i.Expires = time.Now().Add(15 * day).Unix() }, want: channels.VerdictAccepted},
		"a token that ends soon": {change: func(_ *fakeGraph, i *inspection) { i.Expires = time.Now().Add(13 * day).Unix() }, want: channels.VerdictPermanent, says: "the token ends on"},
		"data access that ends":  {change: func(_ *fakeGraph, i *inspection) { i.DataAccessEnds = time.Now().Add(13 * day).Unix() }, want: channels.VerdictPermanent, says: "access to the data"},
		"the nearer end is told": {change: func(_ *fakeGraph, i *inspection) {
			i.Expires, i.DataAccessEnds = time.Now().Add(90*day).Unix(), time.Now().Add(3*day).Unix()
		}, want: channels.VerdictPermanent, says: "access to the data"},
		"no right to post": {change: func(_ *fakeGraph, i *inspection) { i.Scopes = []string{"pages_read_engagement"} }, want: channels.VerdictUnauthorized, says: "lacks pages_manage_posts"},
		"no right to read": {change: func(_ *fakeGraph, i *inspection) { i.Scopes = []string{"pages_manage_posts"} }, want: channels.VerdictUnauthorized, says: "lacks pages_read_engagement"},
		"rights for another page": {change: func(_ *fakeGraph, i *inspection) {
			i.GranularScopes = []grant{{"pages_manage_posts", []string{otherPage}}}
		}, want: channels.VerdictUnauthorized, says: "lacks pages_manage_posts"},
		"rights for this page": {change: func(_ *fakeGraph, i *inspection) {
			i.GranularScopes = []grant{{"pages_manage_posts", []string{otherPage, pageID}}}
		}, want: channels.VerdictAccepted},
		"rights for every page":    {change: func(_ *fakeGraph, i *inspection) { i.GranularScopes = []grant{{"pages_manage_posts", nil}} }, want: channels.VerdictAccepted},
		"no list of rights":        {change: func(_ *fakeGraph, i *inspection) { i.Scopes = nil }, want: channels.VerdictAccepted},
		"a token that has ended":   {change: func(_ *fakeGraph, i *inspection) { i.Valid = false }, want: channels.VerdictUnauthorized, says: "has ended"},
		"the token of a person":    {config: func(t *testing.T, c *Config) { c.TokenFile = secretFile(t, userToken) }, want: channels.VerdictUnauthorized, says: "Anna Rossi"},
		"the token of another":     {config: func(t *testing.T, c *Config) { c.TokenFile = secretFile(t, otherToken) }, want: channels.VerdictUnauthorized, says: otherPage},
		"a token that is unknown":  {config: func(t *testing.T, c *Config) { c.TokenFile = secretFile(t, "EAABwrong") }, want: channels.VerdictUnauthorized, says: "ended"},
		"a wrong secret":           {config: func(t *testing.T, c *Config) { c.AppSecretFile = secretFile(t, "ffff") }, want: channels.VerdictUnauthorized, says: "app_secret_file"},
		"a secret that is missing": {change: func(f *fakeGraph, _ *inspection) { f.proof = true }, config: func(_ *testing.T, c *Config) { alone(c) }, want: channels.VerdictUnauthorized, says: "app_secret_file"},
		"a wrong app":              {config: func(_ *testing.T, c *Config) { c.AppID = "123456" }, want: channels.VerdictPermanent, says: "app_id"},
		"without the app":          {config: func(_ *testing.T, c *Config) { alone(c) }, want: channels.VerdictAccepted},
		"a secret without the app": {config: func(_ *testing.T, c *Config) { c.AppID = "" }, want: channels.VerdictAccepted},
		"without the app, nothing is told of the token": {change: func(f *fakeGraph, _ *inspection) {
			f.on(http.MethodGet, "/debug_token", refuse(400, 100, 0, "You must provide an app access token"))
		}, config: func(_ *testing.T, c *Config) { alone(c) }, want: channels.VerdictAccepted},
		"too many calls":    {change: func(f *fakeGraph, _ *inspection) { f.on(http.MethodGet, "/debug_token", refuse(400, 4, 0, "limit")) }, want: channels.VerdictRetry},
		"a page for answer": {change: func(f *fakeGraph, _ *inspection) { f.on(http.MethodGet, "/debug_token", channeltest.HTML(502)) }, want: channels.VerdictRetry},
		"nothing is told":   {change: func(f *fakeGraph, _ *inspection) { f.on(http.MethodGet, "/debug_token", channeltest.Status(200, `{}`)) }, want: channels.VerdictRetry, says: "tells nothing"},
		"revoked, it says so": {change: func(f *fakeGraph, _ *inspection) {
			f.on(http.MethodGet, "/debug_token", channeltest.Status(200, `{"data":{"is_valid":false,"error":{"code":190,"subcode":460,"message":"x"}}}`))
		}, want: channels.VerdictUnauthorized, says: "password"},
		"a person's, it says": {change: func(f *fakeGraph, _ *inspection) {
			f.on(http.MethodGet, "/debug_token", channeltest.Status(200, `{"data":{"is_valid":true,"type":"USER"}}`))
		}, want: channels.VerdictUnauthorized, says: "of a person"},
	} {
		t.Run(name, func(t *testing.T) {
			f, ch := start(t, func(config *Config) {
				if c.config != nil {
					c.config(t, config)
				}
			})
			if c.change != nil {
				i := f.tokens[pageToken]
				c.change(f, &i)
				f.tokens[pageToken] = i
			}
			err := ch.Check(t.Context())
			suite.Refuses(t, name, err, c.want)
			if err != nil && !strings.Contains(err.Error(), c.says) {
				t.Errorf("%q does not say %q", err, c.says)
			}
			if len(f.posts)+len(f.photos)+len(f.deleted) > 0 {
				t.Error("the check changed something")
			}
		})
	}
}

func TestRenewalNamesTheFile(t *testing.T) {
	c := channel(t, "https://graph.example", nil)
	if got := c.Renewal(); !strings.Contains(got, c.config.TokenFile) || strings.Contains(got, pageToken) {
		t.Errorf("got %q", got)
	}
}

// A rehearsal is seen by nobody outside, and leaves nothing.
func TestRehearse(t *testing.T) {
	f, c := start(t, nil)
	most := 0
	f.script = func(_ http.ResponseWriter, r *http.Request) bool {
		for _, p := range f.posts {
			if p.published {
				most++
			}
		}
		return false
	}
	where, err := c.Rehearse(t.Context(), "PROVA")
	if err != nil || !strings.Contains(where, "deleted again") || len(f.deleted) != 1 || len(f.posts) != 0 || most != 0 {
		t.Errorf("%q, %v; %d deleted, %d left, public %d times", where, err, len(f.deleted), len(f.posts), most)
	}
	f.script = nil
	f.on(http.MethodDelete, "", channeltest.HTML(502))
	where, err = c.Rehearse(t.Context(), "PROVA")
	if err != nil || !strings.Contains(where, "still there") || f.public() != 0 || len(f.posts) != 1 {
		t.Errorf("%q, %v; %d posts", where, err, len(f.posts))
	}
}

func TestTheEndOfTheTokenIsKnown(t *testing.T) {
	end := time.Now().Add(13 * 24 * time.Hour).Truncate(time.Second)
	for name, c := range map[string]struct {
		ends int64
		want bool
	}{
		"a token that ends":         {end.Unix(), true},
		"a token that does not end": {0, false},
	} {
		t.Run(name, func(t *testing.T) {
			f, ch := start(t, nil)
			i := f.tokens[pageToken]
			i.Expires = c.ends
			f.tokens[pageToken] = i
			if _, known := ch.Ends(); known {
				t.Error("an end is known before anybody asked")
			}
			_ = ch.Check(t.Context()) // that it ends soon is its complaint
			if at, known := ch.Ends(); known != c.want || known && !at.Equal(end) {
				t.Errorf("got %v %v, want %v %v", at, known, end, c.want)
			}
		})
	}
}
