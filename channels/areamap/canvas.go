package areamap

import (
	"image"
	"image/color"
	"math"
	"slices"
)

// canvas is a picture with a mask: shapes are drawn into the mask, and painting
// brings it onto the picture and empties it.
type canvas struct {
	image         *image.RGBA
	width, height int
	zoom          int             // of signs, lines and patterns: 1 or 2
	mask          []uint8         // how much of each pixel is covered, 0 to 255
	line          []int           // of one row, in 1/(lines*unit) of a pixel
	from, to      int             // of line: what is not nothing
	touched       image.Rectangle // of the mask
}

// lines is how many lines of a pixel are looked at.
const lines = 4

// step is between two shades of an edge.
const step = 51

func newCanvas(width, height int) *canvas {
	c := &canvas{image: image.NewRGBA(image.Rect(0, 0, width, height)), width: width, height: height, zoom: 1,
		mask: make([]uint8, width*height), line: make([]int, width)}
	for y := range height {
		for x := range width {
			c.image.SetRGBA(x, y, ground)
		}
	}
	return c
}

// crossing is where an outline crosses a line.
type crossing struct{ x, turn int }

// fill adds the inside of an outline to the mask: everything that it goes
// around, whichever way. It need not be closed.
func (c *canvas) fill(ring []point) {
	if len(ring) < 3 {
		return
	}
	low, high := ring[0], ring[0]
	for _, p := range ring {
		low, high = point{min(low.x, p.x), min(low.y, p.y)}, point{max(high.x, p.x), max(high.y, p.y)}
	}
	box := image.Rectangle{
		Min: image.Point{X: max(low.x/unit, 0), Y: max(low.y/unit, 0)},
		Max: image.Point{X: min(high.x/unit+1, c.width), Y: min(high.y/unit+1, c.height)},
	}
	if box.Empty() {
		return
	}
	c.touched = c.touched.Union(box)
	var cuts []crossing
	for y := box.Min.Y; y < box.Max.Y; y++ {
		c.from, c.to = c.width, 0
		for sub := range lines {
			at := y*unit + unit*(2*sub+1)/(2*lines)
			cuts = crossings(cuts[:0], ring, at)
			for i, turns := 0, 0; i+1 < len(cuts); i++ {
				if turns += cuts[i].turn; turns != 0 {
					c.span(cuts[i].x, cuts[i+1].x)
				}
			}
		}
		row := c.mask[y*c.width : (y+1)*c.width]
		for x := c.from; x < c.to; x++ {
			row[x] = max(row[x], uint8(min(c.line[x]*255/(lines*unit), 255)))
			c.line[x] = 0
		}
	}
}

// crossings of the outline with a line, from left to right.
func crossings(out []crossing, ring []point, y int) []crossing {
	for i, a := range ring {
		b := ring[(i+1)%len(ring)]
		if (a.y <= y) == (b.y <= y) {
			continue
		}
		turn := 1
		if a.y > b.y {
			turn = -1
		}
		out = append(out, crossing{a.x + (b.x-a.x)*(y-a.y)/(b.y-a.y), turn})
	}
	slices.SortFunc(out, func(a, b crossing) int { return a.x - b.x })
	return out
}

// span covers a piece of a line.
func (c *canvas) span(from, to int) {
	from, to = max(from, 0), min(to, c.width*unit)
	if from >= to {
		return
	}
	first, last := from/unit, (to-1)/unit
	c.from, c.to = min(c.from, first), max(c.to, last+1)
	for x := first; x <= last; x++ {
		c.line[x] += min(to, (x+1)*unit) - max(from, x*unit)
	}
}

// stroke adds a line along an outline to the mask, so many units wide.
func (c *canvas) stroke(ring []point, wide int) {
	half := float64(wide) / 2
	for i, a := range ring {
		b := ring[(i+1)%len(ring)]
		c.dot(a, wide/2)
		dx, dy := float64(b.x-a.x), float64(b.y-a.y)
		length := math.Sqrt(dx*dx + dy*dy)
		if length < 1 {
			continue
		}
		nx, ny := int(math.Round(-dy/length*half)), int(math.Round(dx/length*half))
		c.fill([]point{{a.x + nx, a.y + ny}, {b.x + nx, b.y + ny}, {b.x - nx, b.y - ny}, {a.x - nx, a.y - ny}})
	}
}

// dot adds a disc to the mask: a polygon of sixteen corners.
func (c *canvas) dot(at point, radius int) {
	// cos and sin of 0, 22.5, 45 and 67.5 degrees in 1/1024.
	steps := [...][2]int{{1024, 0}, {946, 392}, {724, 724}, {392, 946}}
	ring := make([]point, 0, 16)
	for quarter := range 4 {
		for _, s := range steps {
			dx, dy := s[0]*radius/1024, s[1]*radius/1024
			for range quarter {
				dx, dy = -dy, dx
			}
			ring = append(ring, point{at.x + dx, at.y + dy})
		}
	}
	c.fill(ring)
}

// paint brings the mask onto the picture.
func (c *canvas) paint(look func(x, y int) color.RGBA) {
	for y := c.touched.Min.Y; y < c.touched.Max.Y; y++ {
		for x := c.touched.Min.X; x < c.touched.Max.X; x++ {
			share := int(c.mask[y*c.width+x])
			if share == 0 {
				continue
			}
			c.mask[y*c.width+x] = 0
			share = (share + step/2) / step * step // few shades make small files
			under, over := c.image.RGBAAt(x, y), look(x, y)
			mix := func(a, b uint8) uint8 { return uint8((int(a)*(255-share) + int(b)*share + 127) / 255) }
			c.image.SetRGBA(x, y, color.RGBA{mix(under.R, over.R), mix(under.G, over.G), mix(under.B, over.B), 0xff})
		}
	}
	c.touched = image.Rectangle{}
}

// inside finds a pixel well within what the mask covers: the middle of the
// longest run in the rows about its middle.
func (c *canvas) inside() point {
	best, at := 0, point{(c.touched.Min.X + c.touched.Max.X) / 2, (c.touched.Min.Y + c.touched.Max.Y) / 2}
	quarter := c.touched.Dy() / 4
	for y := c.touched.Min.Y + quarter; y < c.touched.Max.Y-quarter; y++ {
		run := 0
		for x := c.touched.Min.X; x <= c.touched.Max.X; x++ {
			if x < c.touched.Max.X && c.mask[y*c.width+x] > 127 {
				run++
				continue
			}
			// Among runs that are nearly as long the one nearest to the middle row.
			off := abs(y - (c.touched.Min.Y+c.touched.Max.Y)/2)
			if worth := 4*run - off; run > 0 && worth > best {
				best, at = worth, point{x - run/2, y}
			}
			run = 0
		}
	}
	return at
}

// few is the picture with a palette where it has few enough colours.
func (c *canvas) few() image.Image {
	bounds := c.image.Bounds()
	out := image.NewPaletted(bounds, nil)
	index := map[color.RGBA]uint8{}
	var last color.RGBA
	var at uint8
	for y := bounds.Min.Y; y < bounds.Max.Y; y++ {
		for x := bounds.Min.X; x < bounds.Max.X; x++ {
			if colour := c.image.RGBAAt(x, y); colour != last { // most pixels are as the one before
				i, known := index[colour]
				if !known {
					if len(out.Palette) == 256 {
						return c.image
					}
					i = uint8(len(out.Palette))
					index[colour], out.Palette = i, append(out.Palette, colour)
				}
				last, at = colour, i
			}
			out.Pix[y*out.Stride+x] = at
		}
	}
	return out
}
