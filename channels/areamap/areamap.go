package areamap

import (
	"bytes"
	"image"
	"image/color"
	"image/png"

	"martinella/alerts"
)

// Area is what one name of an alert stands for.
type Area struct {
	Polygons []alerts.Polygon
	Circles  []alerts.Circle
	Severity alerts.Severity
}

// The size of a picture in pixels, and what is drawn at most; the rest of an
// alert is left out of the picture, never out of its words.
const (
	Width     = 600
	minHeight = 240
	maxHeight = 400
	margin    = 44

	MaxAreas   = 24
	maxRings   = 64   // of all areas
	maxCorners = 1200 // of one outline; more are thinned out
	allCorners = 6000 // of all

	// MaxBytes bounds the PNG. A picture that is larger is none: shapes as wild
	// as that tell nobody anything.
	MaxBytes = 64 << 10
)

// Picture is a drawn map.
type Picture struct {
	PNG           []byte
	Width, Height int
	Areas         []int // which of the given areas are on it, in their order
	Numbered      bool  // they carry the numbers 1, 2, ... in the order of Areas
}

// The colours are those of the public page's light scheme.
var (
	ground  = color.RGBA{0xf0, 0xf4, 0xf8, 0xff}
	ink     = color.RGBA{0x17, 0x32, 0x4d, 0xff}
	border  = color.RGBA{0x8e, 0xa3, 0xb8, 0xff}
	white   = color.RGBA{0xff, 0xff, 0xff, 0xff}
	black   = color.RGBA{0x00, 0x00, 0x00, 0xff}
	red     = color.RGBA{0xb3, 0x09, 0x2f, 0xff}
	orange  = color.RGBA{0xf0, 0x8c, 0x1e, 0xff}
	yellow  = color.RGBA{0xf2, 0xc2, 0x00, 0xff}
	neutral = color.RGBA{0x9a, 0xad, 0xc0, 0xff}
)

// Draw makes the picture of the areas, the gravest on top. around are borders
// for orientation, drawn thin; they do not widen the picture. ok is false where
// there is nothing to draw: no shape, or none that lies on the earth.
func Draw(areas []Area, around []alerts.Polygon) (p Picture, ok bool) {
	c, flat, metres := lay(areas, around, small)
	if len(flat) == 0 {
		return Picture{}, false
	}
	c.scaleBar(metres)
	c.frame()
	p = Picture{Width: c.width, Height: c.height, Numbered: len(flat) > 1}
	for i := range flat {
		p.Areas = append(p.Areas, flat[i].index)
		if p.Numbered {
			c.number(flat[i].middle, i+1)
		}
	}
	var b bytes.Buffer
	if err := png.Encode(&b, c.few()); err != nil || b.Len() > MaxBytes {
		return Picture{}, false
	}
	p.PNG = b.Bytes()
	return p, true
}

// Paint is Draw as a part of another picture: of exactly this size in pixels,
// without numbers and scale, whose letters are that picture's. Lines and patterns
// are twice as large, because such pictures are shown at a third of their size.
// Its colours are few; metres is the size of one pixel. ok is false as for
// [Shown].
func Paint(areas []Area, width, height int) (picture image.Image, metres float64, ok bool) {
	if _, ok := Shown(areas); !ok {
		return nil, 0, false
	}
	c, _, metres := lay(areas, nil, large(width, height))
	c.frame()
	return c.image, metres, true
}

// Shown tells which of the areas have a shape that [Paint] draws. ok is false
// where none has, and where they are too many: a map that shows a part of them
// would tell the people of the others that they are safe.
func Shown(areas []Area) (on []int, ok bool) {
	all, whole := choose(areas, large(Width, maxHeight))
	for i := range all {
		on = append(on, all[i].index)
	}
	return on, whole && len(on) > 0
}

// lay draws the areas, and tells how many metres a pixel has; nothing where
// there is none.
func lay(areas []Area, around []alerts.Polygon, size frame) (*canvas, []flatArea, float64) {
	flat, view := project(areas, size)
	if len(flat) == 0 {
		return nil, nil, 0
	}
	c := newCanvas(view.width, view.height)
	c.zoom = size.zoom
	for _, ring := range around {
		if sound(ring) {
			c.stroke(thin(view.ring(ring), maxCorners/max(len(around), 1)), c.zoom*unit)
			c.paint(func(int, int) color.RGBA { return border })
		}
	}
	for _, severity := range []alerts.Severity{alerts.SeverityUnknown, alerts.SeverityMinor, alerts.SeverityModerate, alerts.SeveritySevere, alerts.SeverityExtreme} {
		for i := range flat {
			if known(flat[i].severity) == severity {
				c.area(&flat[i])
			}
		}
	}
	return c, flat, view.metres
}

func known(s alerts.Severity) alerts.Severity {
	switch s {
	case alerts.SeverityExtreme, alerts.SeveritySevere, alerts.SeverityModerate, alerts.SeverityMinor:
		return s
	}
	return alerts.SeverityUnknown
}

// area fills a shape with the colour and pattern of its severity, and draws its
// outline.
func (c *canvas) area(a *flatArea) {
	for _, ring := range a.rings {
		c.fill(ring)
	}
	a.middle = c.inside()
	look := c.shade(a.severity)
	c.paint(look)
	for _, ring := range a.rings {
		c.stroke(ring, c.zoom*5*unit/2)
	}
	c.paint(func(int, int) color.RGBA { return ink })
}

// shade is colour and pattern of a severity: never colour alone.
func (c *canvas) shade(s alerts.Severity) func(x, y int) color.RGBA {
	z := c.zoom
	switch s {
	case alerts.SeverityExtreme: // diagonal white lines
		return func(x, y int) color.RGBA {
			if (x+y)%(14*z) < 3*z {
				return white
			}
			return red
		}
	case alerts.SeveritySevere: // black dots
		return func(x, y int) color.RGBA {
			dx, dy := x%(12*z)-6*z, y%(12*z)-6*z
			if dx*dx+dy*dy <= 4*z*z {
				return black
			}
			return orange
		}
	case alerts.SeverityModerate: // horizontal black lines
		return func(_, y int) color.RGBA {
			if y%(10*z) < 2*z {
				return black
			}
			return yellow
		}
	}
	return func(int, int) color.RGBA { return neutral }
}

func (c *canvas) frame() {
	b := c.image.Bounds()
	for x := b.Min.X; x < b.Max.X; x++ {
		c.image.SetRGBA(x, b.Min.Y, border)
		c.image.SetRGBA(x, b.Max.Y-1, border)
	}
	for y := b.Min.Y; y < b.Max.Y; y++ {
		c.image.SetRGBA(b.Min.X, y, border)
		c.image.SetRGBA(b.Max.X-1, y, border)
	}
}
