package dashboards

import (
	"fmt"
	"math"
	"strconv"
)

// An authority's colour becomes tokens of the style sheet. The contrasts are
// those of WCAG 2.2, success criterion 1.4.3.

// minContrast of text on its ground (WCAG 2.2 AA).
const minContrast = 4.5

type rgb [3]uint8

func parseColour(s string) (rgb, error) {
	n, err := strconv.ParseUint(trimHash(s), 16, 32)
	if err != nil || len(s) != 7 {
		return rgb{}, fmt.Errorf("brand: %q is not a colour like #1b4965", s)
	}
	return rgb{uint8(n >> 16), uint8(n >> 8), uint8(n)}, nil
}

func trimHash(s string) string {
	if len(s) > 0 && s[0] == '#' {
		return s[1:]
	}
	return "x"
}

func (c rgb) String() string { return fmt.Sprintf("#%02x%02x%02x", c[0], c[1], c[2]) }

// luminance is the relative luminance of WCAG 2.2.
func (c rgb) luminance() float64 {
	linear := func(v uint8) float64 {
		f := float64(v) / 255
		if f <= 0.04045 {
			return f / 12.92
		}
		return math.Pow((f+0.055)/1.055, 2.4)
	}
	return 0.2126*linear(c[0]) + 0.7152*linear(c[1]) + 0.0722*linear(c[2])
}

// contrast is the ratio of two colours, from 1 to 21.
func contrast(a, b rgb) float64 {
	la, lb := a.luminance(), b.luminance()
	return (max(la, lb) + 0.05) / (min(la, lb) + 0.05)
}

var white, black = rgb{255, 255, 255}, rgb{}

// brandTokens gives the rule that puts the authority's colour over the default
// one: the colour, black or white on it, and links of it, darkened until they
// can be read on white.
func brandTokens(brand string) (string, error) {
	if brand == "" {
		return "", nil
	}
	c, err := parseColour(brand)
	if err != nil {
		return "", err
	}
	on := white
	if contrast(c, white) < minContrast {
		on = black
	}
	link := c
	for contrast(link, white) < minContrast {
		for j := range link {
			link[j] = uint8(float64(link[j]) * 0.93)
		}
	}
	return fmt.Sprintf("\n:root{--brand:%s;--on-brand:%s}@media(prefers-color-scheme:light){:root{--link:%s}}", c, on, link), nil
}

// verdict is what is said of an authority's colour before it is used.
type verdict struct {
	Colour string  // as it would be shown: "#1b4965"
	On     string  // black or white on it
	Ratio  float64 // the contrast of the two
	Bad    bool    // it is no colour, or neither black nor white can be read on it
	State  bool    // so near to the colour of the State's own bodies that people would take it for theirs
}

// stateColour is reserved to central State bodies (LOOK.md section 3).
var stateColour = rgb{0x00, 0x66, 0xcc}

// nearState is how far off a colour is at least that nobody takes for the
// State's: the distance in RGB (assumed).
const nearState = 48

// judgeColour judges a colour like "#1b4965".
func judgeColour(brand string) verdict {
	c, err := parseColour(brand)
	if err != nil {
		return verdict{Colour: brand, Bad: true}
	}
	on := white
	if contrast(c, black) > contrast(c, white) && contrast(c, white) < minContrast {
		on = black
	}
	v := verdict{Colour: c.String(), On: on.String(), Ratio: contrast(c, on)}
	v.Bad = v.Ratio < minContrast
	far := 0.0
	for i := range c {
		d := float64(c[i]) - float64(stateColour[i])
		far += d * d
	}
	v.State = math.Sqrt(far) < nearState
	return v
}
