package imagecard

import (
	"image"
	"image/color"
	"image/draw"

	"martinella/channels/areamap"
)

// Where things stand, in pixels.
const (
	stripe     = 26 // of the level's colour, at the left
	left       = stripe + 44
	right      = Width - 44
	band       = 92 // of an exercise, at the top
	foot       = 92 // of the issuer, at the bottom
	signSize   = 92
	mapWidth   = 440
	mapGap     = 36
	bodyHeight = 360

	smallest = 34 // of any text: a phone shows the card at a third
)

// drawn is the map, where there is anything to draw.
func (f *face) drawn(width, height int) (image.Image, bool) {
	var areas []areamap.Area
	for _, a := range f.areas {
		areas = append(areas, areamap.Area{Polygons: a.polygons, Circles: a.circles, Severity: a.severity})
	}
	return areamap.Paint(areas, width, height)
}

// draw puts everything in its place.
func (f *face) draw(s *setter) *canvas {
	c := newCanvas()
	top := 0
	if f.exercise != "" {
		c.exercise(s, f.exercise)
		top = band
	}
	c.box(0, top, stripe, Height-foot-top, f.sign.ground)
	c.foot(s, f)

	head := top + 30
	c.shape(f.sign.shape, left-8, head, signSize, f.sign.ground)
	c.shape(f.sign.inner, left-8, head, signSize, f.sign.glyph)
	beside := left + signSize + 16
	level, size := s.fitted(s.settable(f.level), true, right-beside, 1, 50, 46, 42, 38, smallest)
	above := s.settable(joinMark(f.mark, f.event))
	switch {
	case len(level) == 0:
	case above == "":
		c.write(level[0], s.face(true, size), beside, head+signSize/2+size*35/100, ink)
	default:
		c.write(level[0], s.face(true, size), beside, head+38, ink)
		if lines, size := s.fitted(above, false, right-beside, 1, 42, 38, smallest); len(lines) > 0 {
			c.write(lines[0], s.face(false, size), beside, head+88, quiet)
		}
	}

	body := head + signSize + 26
	end := Height - foot - 26
	wide := right - left
	if picture, ok := f.drawn(mapWidth, end-body); ok {
		at := image.Rect(right-mapWidth, body, right, end)
		draw.Draw(c.image, at, picture, picture.Bounds().Min, draw.Src)
		wide -= mapWidth + mapGap
	}
	c.body(s, f, body, end, wide)
	return c
}

func joinMark(mark, event string) string {
	if mark != "" && event != "" {
		return mark + ": " + event
	}
	return mark + event
}

// exercise puts the word across the card, and stripes beside it that nobody
// takes for an alert.
func (c *canvas) exercise(s *setter, word string) {
	c.box(0, 0, Width, band, black)
	lines, size := s.fitted(s.settable(word), true, Width-440, 1, 64, 56, 48, 40, smallest)
	if len(lines) == 0 {
		return
	}
	face := s.face(true, size)
	wide := measure(face, lines[0])
	c.write(lines[0], face, (Width-wide)/2, band/2+size*35/100, paper)
	for x := -band; x < Width; x += 2 * band / 3 {
		if x+band*4/3 > (Width-wide)/2-20 && x < (Width+wide)/2+20 {
			continue
		}
		c.slant(x, yellow)
	}
}

// slant is a stripe of the exercise's band.
func (c *canvas) slant(x int, colour color.RGBA) {
	for y := range band {
		from := x + band - y
		c.box(max(from, 0), y, max(min(from+band/4, Width)-max(from, 0), 0), 1, colour)
	}
}

// body sets the headline as large as it goes above place and end.
func (c *canvas) body(s *setter, f *face, top, end, wide int) {
	const gap = 18
	until, untilSize := s.fitted(s.settable(f.until), true, wide, 2, 38, smallest)
	place, placeSize := s.fitted(s.settable(f.place), false, wide, 2, 38, smallest)
	below := tall(until, untilSize) + tall(place, placeSize)
	if below > 0 {
		below += gap
	}
	var headline []string
	size := 0
	text := s.settable(f.headline)
	for _, size = range []int{78, 70, 62, 56, 50, 44, 40} {
		most := max((end-top-below)/(size*118/100), 1)
		var whole bool
		if headline, whole = wrap(text, s.face(true, size), wide, most); whole {
			break
		}
	}
	y := top
	y = c.lines(s, headline, true, size, left, y, ink)
	if len(headline) > 0 {
		y += gap
	}
	y = c.lines(s, place, false, placeSize, left, y, ink)
	c.lines(s, until, true, untilSize, left, y, ink)
}

// tall is how much room lines take.
func tall(lines []string, size int) int { return len(lines) * size * 118 / 100 }

// lines writes lines below y and gives where they end.
func (c *canvas) lines(s *setter, lines []string, bold bool, size, x, y int, colour color.RGBA) int {
	for _, line := range lines {
		c.write(line, s.face(bold, size), x, y+size*86/100, colour)
		y += size * 118 / 100
	}
	return y
}

// foot says who speaks, and where to read on.
func (c *canvas) foot(s *setter, f *face) {
	c.box(0, Height-foot, Width, foot, navy)
	base := Height - foot/2 + 13
	room := right - left
	if address := s.settable(f.address); address != "" {
		if lines, size := s.fitted(address, false, room*6/10, 1, 38, smallest); len(lines) > 0 {
			face := s.face(false, size)
			wide := measure(face, lines[0])
			c.write(lines[0], face, right-wide, base, paper)
			room -= wide + 40
		}
	}
	if lines, size := s.fitted(s.settable(f.issuer), true, room, 1, 38, smallest); len(lines) > 0 {
		c.write(lines[0], s.face(true, size), left, base, paper)
	}
}
