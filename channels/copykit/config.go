package copykit

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"martinella/channels"
)

// Config is an account's entry in the configuration.
type Config struct {
	Platform string `yaml:"platform"` // where people post it: instagram, youtube, whatsapp, paper, ...
	Language string `yaml:"language"` // the account's only language; "" makes a text for every language of an alert
	Max      int    `yaml:"max"`      // of a text, in the unit; 0: what is known of the platform, else no limit
	Unit     string `yaml:"unit"`     // chars (default), graphemes, weighted, utf16, bytes
	NoImage  bool   `yaml:"no_image"` // words alone
}

// limits are what platforms say of the length of a text, in characters:
// Instagram of a caption (developers.facebook.com/docs/instagram-platform,
// "caption"), YouTube of the description of a video (developers.google.com/
// youtube/v3/docs/videos counts bytes: 5,000).
var limits = map[string]struct {
	max  int
	unit channels.Unit
}{
	"instagram": {2200, channels.UnitChars},
	"youtube":   {5000, channels.UnitBytes},
}

// leastMax has room for a mark, a few words of what to do and a link.
const leastMax = 100

var (
	platformForm = regexp.MustCompile(`^[a-z0-9-]{1,32}$`)
	units        = []channels.Unit{channels.UnitChars, channels.UnitGraphemes, channels.UnitWeighted, channels.UnitUTF16, channels.UnitBytes}
)

// check fills in the defaults and names every mistake at once.
func (c *Config) check(name string) error {
	errs := []error{channels.CheckName(name)}
	switch {
	case c.Platform == "":
		errs = append(errs, errors.New("platform is missing: name where people post it, like instagram, youtube, whatsapp or paper"))
	case !platformForm.MatchString(c.Platform):
		errs = append(errs, fmt.Errorf("platform %q: 1 to 32 of a-z, 0-9 and -, like instagram", c.Platform))
	}
	if c.Max != 0 && c.Max < leastMax {
		errs = append(errs, fmt.Errorf("max is %d, less than %d leaves no room for an alert", c.Max, leastMax))
	}
	if c.Unit != "" && !slices.Contains(units, channels.Unit(c.Unit)) {
		errs = append(errs, fmt.Errorf("unit %q: use chars, graphemes, weighted, utf16 or bytes", c.Unit))
	}
	if strings.ContainsFunc(c.Language, func(r rune) bool { return r <= ' ' }) {
		errs = append(errs, fmt.Errorf("language %q: write it like it-IT", c.Language))
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("copykit %s: %w", name, err)
	}
	known := limits[c.Platform]
	if c.Max == 0 && c.Unit == "" {
		c.Max, c.Unit = known.max, string(known.unit)
	}
	if c.Unit == "" {
		c.Unit = string(channels.UnitChars)
	}
	return nil
}
