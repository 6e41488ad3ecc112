package settings

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/png"
	"net/mail"
	"strings"
	"unicode/utf8"
)

// Identity is how the authority shows itself. What is "" is as the
// configuration says. The name is that of the next start of each node: messages
// that are being sent keep theirs.
type Identity struct {
	Name          string `json:"name,omitempty"`
	Contact       string `json:"contact,omitempty"`
	Brand         string `json:"brand,omitempty"`         // "#rrggbb"
	Site          string `json:"site,omitempty"`          // the institution's own page
	Accessibility string `json:"accessibility,omitempty"` // address of its statement
	Feedback      string `json:"feedback,omitempty"`      // e-mail address
	Licence       string `json:"licence,omitempty"`
	Logo          []byte `json:"logo,omitempty"` // PNG as [MakeLogo] writes it
}

// The faults of an identity.
const (
	FaultMail Fault = "mail"
	FaultLong Fault = "long"
)

// Faults says what is wrong with each field, by the name of the field. The
// colour is the pages' business.
func (i Identity) Faults() map[string]Fault {
	all := map[string]Fault{}
	for field, text := range map[string]string{"name": i.Name, "contact": i.Contact, "licence": i.Licence} {
		if utf8.RuneCountInString(text) > MaxNote || Unprintable(text) {
			all[field] = FaultLong
		}
	}
	for field, address := range map[string]string{"site": i.Site, "accessibility": i.Accessibility} {
		if address != "" && (len(address) > 2000 || !CheckAddress(address)) {
			all[field] = FaultAddress
		}
	}
	if i.Feedback != "" {
		if at, err := mail.ParseAddress(i.Feedback); err != nil || at.Address != i.Feedback || strings.ContainsAny(i.Feedback, " ?&") {
			all["feedback"] = FaultMail
		}
	}
	return all
}

// The bounds of a logo. It is shown 2.2 rem high; more than that is only
// carried around.
const (
	MaxLogoUpload = 1 << 20  // bytes of what is sent
	MaxLogo       = 64 << 10 // bytes of what is kept
	maxLogoSide   = 1200     // pixels
)

// ErrLogo is the error of a picture that is not taken.
var ErrLogo = errors.New("the picture is no PNG, or too large")

// MakeLogo reads a PNG and writes it anew: only the pixels are kept, nothing
// that somebody has hidden beside them. SVG is refused, since it can hold
// programs. The error wraps [ErrLogo].
func MakeLogo(file []byte) ([]byte, error) {
	if len(file) > MaxLogoUpload {
		return nil, fmt.Errorf("%w: %d bytes", ErrLogo, len(file))
	}
	size, err := png.DecodeConfig(bytes.NewReader(file))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrLogo, err)
	}
	if size.Width < 1 || size.Height < 1 || size.Width > maxLogoSide || size.Height > maxLogoSide {
		return nil, fmt.Errorf("%w: %d x %d pixels", ErrLogo, size.Width, size.Height)
	}
	img, err := png.Decode(bytes.NewReader(file))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrLogo, err)
	}
	flat := image.NewNRGBA(img.Bounds())
	for y := flat.Rect.Min.Y; y < flat.Rect.Max.Y; y++ {
		for x := flat.Rect.Min.X; x < flat.Rect.Max.X; x++ {
			flat.Set(x, y, img.At(x, y))
		}
	}
	var b bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&b, flat); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrLogo, err)
	}
	if b.Len() > MaxLogo {
		return nil, fmt.Errorf("%w: %d bytes once written anew", ErrLogo, b.Len())
	}
	return b.Bytes(), nil
}
