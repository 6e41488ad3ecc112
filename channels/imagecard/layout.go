package imagecard

import (
	"image"
	"image/color"
	"image/draw"
	"strings"

	"martinella/channels/areamap"
)

// Where things stand, in pixels.
const (
	stripe   = 26 // of the level's colour, at the left
	left     = stripe + 44
	right    = Width - 44
	band     = 92 // of an exercise, at the top
	foot     = 92 // of the issuer, at the bottom
	signSize = 92
	mapWidth = 440
	mapGap   = 36

	smallest = 34 // of any text: a phone shows the card at a third
)

// draw puts everything in its place.
func (f *face) draw(s *setter) *canvas {
	c := newCanvas()
	top := 0
	end := c.foot(s, f)
	c.box(0, 0, stripe, end, f.sign.ground)
	if f.exercise != "" {
		c.tape(0, band, stripe, end-band)
		c.exercise(s, f.exercise)
		top = band
	}
	head := top + 30
	c.head(s, f, head)
	body := head + signSize + 26
	end -= 26
	wide := right - left
	if len(f.areas) > 0 {
		if picture, metres, ok := areamap.Paint(f.areas, mapWidth, end-body); ok {
			at := image.Rect(right-mapWidth, body, right, end)
			draw.Draw(c.image, at, picture, picture.Bounds().Min, draw.Src)
			c.scale(s, metres, right-mapWidth+8, end-8)
			wide -= mapWidth + mapGap
		}
	}
	c.body(s, f, body, end, wide)
	return c
}

// scale puts a bar of a round length into the lower left corner of the map.
func (c *canvas) scale(s *setter, metres float64, x, y int) {
	const tall = 46
	wide, text := areamap.Scale(metres, mapWidth/3)
	face := s.face(true, smallest)
	c.box(x, y-tall, wide+measure(face, text)+38, tall, paper)
	c.box(x+12, y-tall/2-2, wide, 5, ink)
	c.box(x+12, y-tall/2-9, 5, 19, ink)
	c.box(x+12+wide-5, y-tall/2-9, 5, 19, ink)
	c.write(text, face, x+12+wide+14, y-12, ink)
}

// head says level and event beside the sign, and that it is an update.
func (c *canvas) head(s *setter, f *face, y int) {
	c.outlined(f.sign, left-4, y, signSize)
	x := left + signSize + 20
	lines, size := s.fitted(s.settable(f.level), true, right-x, 1, 50, 46, 42, 38, smallest)
	mark, event := s.settable(f.mark), s.settable(f.event)
	if mark == "" && event == "" {
		c.lines(s, lines, true, size, x, y+(signSize-size)/2, ink)
		return
	}
	c.lines(s, lines, true, size, x, y+38-size*86/100, ink)
	base := y + 88
	if mark != "" {
		face := s.face(true, smallest)
		wide := measure(face, mark)
		c.box(x, base-smallest*95/100, wide+24, smallest*13/10, ink)
		c.write(mark, face, x+12, base-1, paper)
		x += wide + 24 + 18
	}
	if lines, size := s.fitted(event, false, right-x, 1, 42, 38, smallest); len(lines) > 0 {
		c.write(lines[0], s.face(false, size), x, base, quiet)
	}
}

// exercise puts the word across the card, between tape that nobody takes for
// an alert.
func (c *canvas) exercise(s *setter, word string) {
	c.tape(0, 0, Width, band)
	lines, size := s.fitted(s.settable(word), true, Width-280, 1, 76, 68, 60, 52, 44, smallest)
	if len(lines) == 0 {
		return
	}
	face := s.face(true, size)
	wide := measure(face, lines[0])
	c.box((Width-wide)/2-36, 0, wide+72, band, black)
	c.write(lines[0], face, (Width-wide)/2, band/2+size*36/100, paper)
}

// tape fills a rectangle with slanting stripes.
func (c *canvas) tape(x, y, wide, tall int) {
	const step = 28
	c.box(x, y, wide, tall, black)
	for row := y; row < y+tall; row++ {
		for from := x - (x+row)%(2*step); from < x+wide; from += 2 * step {
			if low, high := max(from, x), min(from+step, x+wide); low < high {
				c.box(low, row, high-low, 1, yellow)
			}
		}
	}
}

// body sets the headline as large as it goes above place and end.
func (c *canvas) body(s *setter, f *face, top, end, wide int) {
	const gap = 18
	facts, sizes := []int{38, smallest}, []int{78, 70, 62, 56}
	if wide == right-left {
		facts, sizes = []int{42, 38, smallest}, append([]int{104, 90}, sizes...)
	}
	text := s.settable(f.headline)
	if text == "" {
		text = s.settable(f.instead)
	}
	off, offSize := s.fitted(s.settable(f.offMap), false, wide, 1, smallest)
	var until, place, headline []string
	var untilSize, placeSize, size, below int
	for _, try := range []struct { // a long headline before the weekday, and before a long list of places
		until string
		rows  int
		sizes []int
	}{
		{f.until, 2, sizes},
		{f.untilFew, 2, append(sizes, 50, 44)},
		{f.untilFew, 1, append(sizes, 50, 44, 40, smallest)},
	} {
		until, untilSize = s.fitted(s.settable(bare(try.until)), true, wide, 2, facts...)
		place, placeSize = s.fitted(s.settable(bare(f.place)), false, wide, try.rows, facts...)
		if below = tall(until, untilSize) + tall(place, placeSize) + tall(off, offSize); below > 0 {
			below += gap
		}
		headline, size = s.filling(text, true, wide, end-top-below, try.sizes...)
		if unbroken(headline, text) {
			break
		}
	}
	y := c.lines(s, headline, true, size, left, top, ink)
	if len(headline) > 0 {
		y += gap
	}
	if room := end - y - below; f.note != "" && room >= smallest*lineHeight/100+gap {
		note, size := s.filling(s.settable(f.note), false, wide, room-gap, 42, 38, smallest)
		if y = c.lines(s, note, false, size, left, y, ink); len(note) > 0 {
			y += gap
		}
	}
	y = c.lines(s, place, false, placeSize, left, y, ink)
	y = c.lines(s, off, false, offSize, left, y, quiet)
	c.lines(s, until, true, untilSize, left, y, ink)
}

// bare is a line without its full stop.
func bare(text string) string { return strings.TrimSuffix(text, ".") }

// lineHeight is from one base to the next, in hundredths of the size.
const lineHeight = 118

// tall is how much room lines take.
func tall(lines []string, size int) int { return len(lines) * size * lineHeight / 100 }

// lines writes lines below y and gives where they end.
func (c *canvas) lines(s *setter, lines []string, bold bool, size, x, y int, colour color.RGBA) int {
	for _, line := range lines {
		c.write(line, s.face(bold, size), x, y+size*86/100, colour)
		y += size * lineHeight / 100
	}
	return y
}

// foot says who speaks, and where to read on; it gives its upper edge. The
// address has a line of its own where there is no room beside the issuer, and
// is left out where it is longer than a line: half an address leads nowhere.
func (c *canvas) foot(s *setter, f *face) int {
	const gap, row = 40, 46
	room := right - left
	issuer, address := s.settable(f.issuer), s.settable(f.address)
	wide := func(text string, bold bool, size int) int { return measure(s.face(bold, size), text) }
	if address != f.address || wide(address, false, smallest) > room {
		address = ""
	}
	beside := func(size int) bool { return wide(issuer, true, size)+gap+wide(address, false, size) <= room }
	size := smallest
	if beside(38) {
		size = 38
	}
	top := Height - foot
	base := Height - foot/2 + 13
	if address != "" && issuer != "" && !beside(size) {
		top -= row
		c.ground(f, top)
		c.write(address, s.face(false, size), left, base+6, paper)
		base -= row - 6
		if lines, size := s.fitted(issuer, true, room, 1, 38, smallest); len(lines) > 0 {
			c.write(lines[0], s.face(true, size), left, base, paper)
		}
		return top
	}
	c.ground(f, top)
	c.write(address, s.face(false, size), right-wide(address, false, size), base, paper)
	if lines, size := s.fitted(issuer, true, room, 1, size, smallest); len(lines) > 0 {
		c.write(lines[0], s.face(true, size), left, base, paper)
	}
	return top
}

// ground is that of the foot: black under an exercise, as its band.
func (c *canvas) ground(f *face, top int) {
	colour := navy
	if f.exercise != "" {
		colour = black
	}
	c.box(0, top, Width, Height-top, colour)
}
