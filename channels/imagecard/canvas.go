package imagecard

import (
	"image"
	"image/color"
	"image/draw"

	"golang.org/x/image/font"
	"golang.org/x/image/math/fixed"
	"golang.org/x/image/vector"
)

// canvas is a card being drawn. Edges have few shades, which keeps the file
// small and the palette within 256 colours.
type canvas struct {
	image *image.RGBA
	mask  *image.Alpha
}

func newCanvas() *canvas {
	c := &canvas{image: image.NewRGBA(image.Rect(0, 0, Width, Height)), mask: image.NewAlpha(image.Rect(0, 0, Width, Height))}
	draw.Draw(c.image, c.image.Bounds(), image.NewUniform(paper), image.Point{}, draw.Src)
	return c
}

// box fills a rectangle.
func (c *canvas) box(x, y, wide, tall int, colour color.RGBA) {
	draw.Draw(c.image, image.Rect(x, y, x+wide, y+tall), image.NewUniform(colour), image.Point{}, draw.Src)
}

// shape fills polygons of a square of 24, drawn size pixels wide.
func (c *canvas) shape(polygons [][]corner, x, y, size int, colour color.RGBA) {
	c.grown(polygons, corner{12, 12}, 1, x, y, size, colour)
}

// outlined is shape with a line of ink around it: yellow on paper is no edge.
func (c *canvas) outlined(s sign, x, y, size int) {
	// The circle that touches every side from within: a shape that grows about
	// its middle moves all of its sides by the same.
	middle, radius := corner{12, 12}, float32(9)
	if len(s.shape[0]) == 3 {
		middle, radius = corner{12, 14.66}, 6.34
	}
	c.grown(s.shape, middle, 1+.7/radius, x, y, size, ink)
	c.grown(s.shape, middle, 1-.3/radius, x, y, size, s.ground)
	c.shape(s.inner, x, y, size, s.glyph)
}

func (c *canvas) grown(polygons [][]corner, middle corner, by float32, x, y, size int, colour color.RGBA) {
	const edge = 8 // pixels around the square, for what grows out of it
	r := vector.NewRasterizer(size+2*edge, size+2*edge)
	scale := float32(size) / 24
	for _, p := range polygons {
		for i, at := range p {
			px, py := (middle.x+(at.x-middle.x)*by)*scale+edge, (middle.y+(at.y-middle.y)*by)*scale+edge
			if i == 0 {
				r.MoveTo(px, py)
			} else {
				r.LineTo(px, py)
			}
		}
		r.ClosePath()
	}
	at := image.Rect(x-edge, y-edge, x+size+edge, y+size+edge)
	r.Draw(c.mask, at, image.Opaque, image.Point{})
	c.paint(at, colour)
}

// write puts a line of text with its base at y.
func (c *canvas) write(text string, face font.Face, x, y int, colour color.RGBA) {
	d := font.Drawer{Dst: c.mask, Src: image.Opaque, Face: face, Dot: fixed.P(x, y)}
	d.DrawString(text)
	m := face.Metrics()
	c.paint(image.Rect(x-m.Height.Ceil(), y-m.Height.Ceil(), d.Dot.X.Ceil()+m.Height.Ceil(), y+m.Height.Ceil()), colour)
}

// shades is how many steps an edge has.
const shades = 5

// paint brings the mask onto the picture and empties it.
func (c *canvas) paint(at image.Rectangle, over color.RGBA) {
	at = at.Intersect(c.image.Bounds())
	for y := at.Min.Y; y < at.Max.Y; y++ {
		row := c.mask.Pix[c.mask.PixOffset(at.Min.X, y):c.mask.PixOffset(at.Max.X, y)]
		for i, covered := range row {
			if covered == 0 {
				continue
			}
			row[i] = 0
			share := (int(covered)*shades + 127) / 255 * 255 / shades
			under := c.image.RGBAAt(at.Min.X+i, y)
			mix := func(a, b uint8) uint8 { return uint8((int(a)*(255-share) + int(b)*share + 127) / 255) }
			c.image.SetRGBA(at.Min.X+i, y, color.RGBA{mix(under.R, over.R), mix(under.G, over.G), mix(under.B, over.B), 0xff})
		}
	}
}

// few is the picture with a palette where it has few enough colours.
func (c *canvas) few() image.Image {
	out := image.NewPaletted(c.image.Bounds(), make(color.Palette, 0, 256))
	index := map[color.RGBA]uint8{}
	var last color.RGBA // no pixel is clear
	var at uint8
	for i := 0; i < len(c.image.Pix); i += 4 {
		if p := (color.RGBA{c.image.Pix[i], c.image.Pix[i+1], c.image.Pix[i+2], c.image.Pix[i+3]}); p != last {
			var known bool
			if at, known = index[p]; !known {
				if len(out.Palette) == 256 {
					return c.image
				}
				at = uint8(len(out.Palette))
				index[p], out.Palette = at, append(out.Palette, p)
			}
			last = p
		}
		out.Pix[i/4] = at
	}
	return out
}
