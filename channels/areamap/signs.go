package areamap

import (
	"image/color"
	"math"
	"strconv"
)

// glyphs are the few signs that a map needs, five by seven, a row a string.
var glyphs = map[rune][7]string{
	'0': {".###.", "#...#", "#..##", "#.#.#", "##..#", "#...#", ".###."},
	'1': {"..#..", ".##..", "..#..", "..#..", "..#..", "..#..", ".###."},
	'2': {".###.", "#...#", "....#", "..##.", ".#...", "#....", "#####"},
	'3': {".###.", "#...#", "....#", "..##.", "....#", "#...#", ".###."},
	'4': {"...#.", "..##.", ".#.#.", "#..#.", "#####", "...#.", "...#."},
	'5': {"#####", "#....", "####.", "....#", "....#", "#...#", ".###."},
	'6': {"..##.", ".#...", "#....", "####.", "#...#", "#...#", ".###."},
	'7': {"#####", "....#", "...#.", "..#..", "..#..", "..#..", "..#.."},
	'8': {".###.", "#...#", "#...#", ".###.", "#...#", "#...#", ".###."},
	'9': {".###.", "#...#", "#...#", ".####", "....#", "...#.", ".##.."},
	'k': {"#....", "#....", "#..#.", "#.#..", "##...", "#.#..", "#..#."},
	'm': {".....", ".....", "##.#.", "#.#.#", "#.#.#", "#.#.#", "#.#.#"},
	' ': {},
}

// write puts a text with its upper left corner at x, y, each dot size pixels
// wide.
func (c *canvas) write(text string, x, y, size int) {
	for _, r := range text {
		for row, dots := range glyphs[r] {
			for col, dot := range dots {
				if dot == '#' {
					c.box(x+col*size, y+row*size, size, size, ink)
				}
			}
		}
		x += 6 * size
	}
}

func textWidth(text string, size int) int { return len(text)*6*size - size }

func (c *canvas) box(x, y, wide, tall int, colour color.RGBA) {
	for py := max(y, 0); py < min(y+tall, c.height); py++ {
		for px := max(x, 0); px < min(x+wide, c.width); px++ {
			c.image.SetRGBA(px, py, colour)
		}
	}
}

// number draws a figure in a white disc.
func (c *canvas) number(at point, n int) {
	const radius = 14
	x, y := min(max(at.x, radius+2), c.width-radius-2), min(max(at.y, radius+2), c.height-radius-2)
	disc := func(r int, colour color.RGBA) {
		c.dot(point{x*unit + unit/2, y*unit + unit/2}, r*unit)
		c.paint(func(int, int) color.RGBA { return colour })
	}
	disc(radius, ink)
	disc(radius-2, white)
	text := strconv.Itoa(n)
	c.write(text, x-textWidth(text, 2)/2, y-6, 2)
}

// scaleBar draws a bar of a round length, with its length.
func (c *canvas) scaleBar(metresPerPixel float64) {
	const longest, x, lift = 150, 14, 16
	wide, text := Scale(metresPerPixel, longest)
	y := c.height - lift
	c.box(x-6, y-8, wide+18+textWidth(text, 2)+8, 22, white)
	c.box(x, y, wide, 3, ink)
	c.box(x, y-4, 3, 11, ink)
	c.box(x+wide-3, y-4, 3, 11, ink)
	c.write(text, x+wide+8, y-5, 2)
}

// Scale gives a round length that is at most longest pixels: its pixels, and its
// words.
func Scale(metresPerPixel float64, longest int) (pixels int, text string) {
	most := metresPerPixel * float64(longest)
	length := math.Pow(10, math.Floor(math.Log10(most)))
	for _, more := range []float64{5, 2} {
		if length*more <= most {
			length *= more
			break
		}
	}
	text = strconv.Itoa(int(math.Round(length))) + " m"
	if length >= 1000 {
		text = strconv.Itoa(int(math.Round(length/1000))) + " km"
	}
	return int(math.Round(length / metresPerPixel)), text
}
