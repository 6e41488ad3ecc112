package mastodon

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"martinella/channels"
)

// account is whom the token belongs to.
type account struct {
	ID     string `json:"id"`
	Acct   string `json:"acct"`
	Source struct {
		Privacy string `json:"privacy"` // how it posts where nothing is said
	} `json:"source"`
}

// instance is what a server says of itself: /api/v2/instance, and
// /api/v1/instance of older ones, with the same names.
type instance struct {
	Title         string `json:"title"`
	MaxTootChars  int    `json:"max_toot_chars"` // Pleroma, Akkoma, older GoToSocial
	Configuration struct {
		Statuses struct {
			MaxCharacters      int `json:"max_characters"`
			CharactersReserved int `json:"characters_reserved_per_url"`
		} `json:"statuses"`
		Media struct {
			Types     []string `json:"supported_mime_types"`
			ImageSize int      `json:"image_size_limit"` // bytes
		} `json:"media_attachments"`
	} `json:"configuration"`
}

// maxChars is how long a post may be; 0 where the server does not say.
func (in instance) maxChars() int {
	return max(in.Configuration.Statuses.MaxCharacters, in.MaxTootChars)
}

// imageMost is the size in bytes that a card may have.
const imageMost = 200 << 10

// refusesImage says why the server would take no card; "" where it would.
func (in instance) refusesImage() string {
	media := in.Configuration.Media
	switch {
	case len(media.Types) > 0 && !slices.Contains(media.Types, "image/png"):
		return "takes no pictures of type image/png"
	case media.ImageSize > 0 && media.ImageSize < imageMost:
		return fmt.Sprintf("takes pictures of at most %d bytes", media.ImageSize)
	}
	return ""
}

// Check proves the token and compares what is configured with what the server
// says of itself. It posts nothing. Mastodon tells nobody when a token ends:
// its own never do.
func (c *Channel) Check(ctx context.Context) error {
	if _, err := c.account(ctx); err != nil {
		return err
	}
	in, err := c.instance(ctx)
	if err != nil {
		return err
	}
	var errs []error
	if most := in.maxChars(); most > 0 && most < c.config.MaxChars {
		errs = append(errs, fmt.Errorf("the server takes posts of %d characters, max_chars is %d: set it to %d", most, c.config.MaxChars, most))
	}
	if each := in.Configuration.Statuses.CharactersReserved; each > c.config.LinkChars {
		errs = append(errs, fmt.Errorf("a link counts %d characters, link_chars is %d: set it to %d", each, c.config.LinkChars, each))
	}
	if why := in.refusesImage(); why != "" && !c.config.NoImage {
		errs = append(errs, fmt.Errorf("the server %s: set no_image to true", why))
	}
	if err := errors.Join(errs...); err != nil {
		return channels.Permanent(fmt.Errorf("mastodon %s: %w", c.name, err))
	}
	return nil
}

func (c *Channel) account(ctx context.Context) (account, error) {
	var who account
	err := c.read(ctx, "/api/v1/accounts/verify_credentials", &who)
	if err == nil && who.ID == "" {
		err = errors.New("mastodon names no account for the token")
	}
	return who, err
}

func (c *Channel) instance(ctx context.Context) (instance, error) {
	return readInstance(ctx, c.call, c.config.URL, c.header)
}

// readInstance asks in the newer way first.
func readInstance(ctx context.Context, call *channels.Caller, address string, header http.Header) (instance, error) {
	var in instance
	err := read(ctx, call, address+"/api/v2/instance", header, &in)
	if errors.Is(err, errNotThere) {
		err = read(ctx, call, address+"/api/v1/instance", header, &in)
	}
	return in, err
}

func (c *Channel) read(ctx context.Context, path string, into any) error {
	return read(ctx, c.call, c.config.URL+path, c.header, into)
}

// errNotThere is what the error of a read wraps where the server has no such
// thing.
var errNotThere = errors.New("the server has no such thing")

// read gets JSON. A read changes nothing, so its errors are never uncertain.
func read(ctx context.Context, call *channels.Caller, address string, header http.Header, into any) error {
	answer, err := call.Do(ctx, http.MethodGet, address, header, nil)
	if err != nil {
		return err
	}
	err = call.Verdict(answer, time.Now())
	if gone(answer) {
		return channels.Permanent(errors.Join(errNotThere, err))
	}
	if err == nil {
		err = answer.Decode(platform, into)
	}
	return certain(err)
}
