package imagecard

import (
	"image/color"

	"martinella/alerts"
)

// sign is a level's shape, which tells it without colour: the same shapes as on
// the public pages.
type sign struct {
	ground, glyph color.RGBA
	shape         [][]corner // of the ground
	inner         [][]corner // of the glyph
}

// corner is a place in a square of 24 by 24.
type corner struct{ x, y float32 }

// The colours of a card. Every pair of text and ground has a contrast of at
// least 4.5 (WCAG 2.2, success criterion 1.4.3).
var (
	paper  = color.RGBA{0xff, 0xff, 0xff, 0xff}
	ink    = color.RGBA{0x17, 0x32, 0x4d, 0xff}
	quiet  = color.RGBA{0x3f, 0x54, 0x69, 0xff} // of what is less important
	navy   = color.RGBA{0x1b, 0x49, 0x65, 0xff}
	black  = color.RGBA{0x00, 0x00, 0x00, 0xff}
	red    = color.RGBA{0xb3, 0x09, 0x2f, 0xff}
	orange = color.RGBA{0xf0, 0x8c, 0x1e, 0xff}
	yellow = color.RGBA{0xf2, 0xc2, 0x00, 0xff}
	grey   = color.RGBA{0x52, 0x66, 0x7a, 0xff}
	green  = color.RGBA{0x00, 0x6b, 0x4f, 0xff}
)

var (
	octagon  = [][]corner{{{8, 2}, {16, 2}, {22, 8}, {22, 16}, {16, 22}, {8, 22}, {2, 16}, {2, 8}}}
	triangle = [][]corner{{{12, 2}, {23, 21}, {1, 21}}}
	diamond  = [][]corner{{{12, 1}, {23, 12}, {12, 23}, {1, 12}}}
	square   = [][]corner{{{3, 3}, {21, 3}, {21, 21}, {3, 21}}}
	disc     = [][]corner{round(12, 12, 10)}

	exclaims = [][]corner{bar(6, 8), bar(16, 2)}
	lower    = [][]corner{bar(9, 6), bar(17, 2)} // an exclamation mark in a triangle
	middle   = [][]corner{bar(6, 7), bar(15, 2)}
	letterI  = [][]corner{bar(6, 2), bar(10, 8)}
	crossed  = [][]corner{{{7, 8.5}, {8.5, 7}, {12, 10.5}, {15.5, 7}, {17, 8.5}, {13.5, 12}, {17, 15.5}, {15.5, 17}, {12, 13.5}, {8.5, 17}, {7, 15.5}, {10.5, 12}}}
	ticked   = [][]corner{{{10.5, 17}, {5.5, 12.1}, {7.1, 10.5}, {10.5, 13.8}, {16.9, 7.4}, {18.5, 9}}}
)

// signOf is the sign of a severity, or of what became of the alert.
func signOf(severity alerts.Severity, change alerts.Change) sign {
	switch {
	case change == alerts.ChangeCancelled:
		return sign{grey, paper, square, crossed}
	case change == alerts.ChangeEnded:
		return sign{green, paper, disc, ticked}
	case severity == alerts.SeverityExtreme:
		return sign{red, paper, octagon, exclaims}
	case severity == alerts.SeveritySevere:
		return sign{orange, black, triangle, lower}
	case severity == alerts.SeverityModerate:
		return sign{yellow, black, diamond, middle}
	}
	return sign{grey, paper, square, letterI}
}

// bar is an upright part of a glyph, in the middle and two wide.
func bar(y, tall float32) []corner {
	return []corner{{11, y}, {13, y}, {13, y + tall}, {11, y + tall}}
}

// round is a circle as a polygon of 48 corners.
func round(x, y, radius float32) []corner {
	// cos and sin of the angles from 0 to 45 degrees in steps of 7.5.
	steps := [...]corner{{1, 0}, {.99144, .13053}, {.96593, .25882}, {.92388, .38268}, {.86603, .5}, {.79335, .60876}, {.70711, .70711}}
	var quarter []corner
	quarter = append(quarter, steps[:]...)
	for i := len(steps) - 2; i > 0; i-- {
		quarter = append(quarter, corner{steps[i].y, steps[i].x})
	}
	var out []corner
	for turn := range 4 {
		for _, c := range quarter {
			for range turn {
				c = corner{-c.y, c.x}
			}
			out = append(out, corner{x + c.x*radius, y + c.y*radius})
		}
	}
	return out
}
