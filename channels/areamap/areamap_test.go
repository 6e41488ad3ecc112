package areamap

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"martinella/alerts"
)

func ring(pairs ...float64) alerts.Polygon {
	var p alerts.Polygon
	for i := 0; i+1 < len(pairs); i += 2 {
		p = append(p, alerts.Point{Lat: pairs[i], Lon: pairs[i+1]})
	}
	return append(p, p[0])
}

var square = ring(43.9, 10.9, 43.9, 10.95, 43.95, 10.95, 43.95, 10.9)

func draw(t testing.TB, areas ...Area) (Picture, image.Image) {
	t.Helper()
	p, ok := Draw(areas, nil)
	if !ok {
		t.Fatal("nothing was drawn")
	}
	img, err := png.Decode(bytes.NewReader(p.PNG))
	if err != nil {
		t.Fatal(err)
	}
	if img.Bounds() != image.Rect(0, 0, p.Width, p.Height) || p.Width != Width || p.Height < minHeight || p.Height > maxHeight {
		t.Errorf("the picture is %v, it says %d x %d", img.Bounds(), p.Width, p.Height)
	}
	if dir := os.Getenv("AREAMAP_OUT"); dir != "" { // to look at
		_ = os.WriteFile(filepath.Join(dir, filepath.Base(t.Name())+".png"), p.PNG, 0o600)
	}
	return p, img
}

// share is how much of a picture has a colour.
func share(img image.Image, want color.RGBA) float64 {
	n, b := 0, img.Bounds()
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			if r, g, bl, _ := img.At(x, y).RGBA(); uint8(r>>8) == want.R && uint8(g>>8) == want.G && uint8(bl>>8) == want.B {
				n++
			}
		}
	}
	return float64(n) / float64(b.Dx()*b.Dy())
}

func TestSeverityIsColourAndPattern(t *testing.T) {
	for name, c := range map[string]struct {
		severity      alerts.Severity
		fill, pattern color.RGBA
	}{
		"extreme has diagonal white lines":  {alerts.SeverityExtreme, red, white},
		"severe has black dots":             {alerts.SeveritySevere, orange, black},
		"moderate has black lines":          {alerts.SeverityModerate, yellow, black},
		"minor is plain":                    {alerts.SeverityMinor, neutral, neutral},
		"what nobody knows is plain":        {"", neutral, neutral},
		"a word of somebody else's is also": {"Terrible", neutral, neutral},
	} {
		t.Run(name, func(t *testing.T) {
			_, img := draw(t, Area{Polygons: []alerts.Polygon{square}, Severity: c.severity})
			if got := share(img, c.fill); got < 0.15 {
				t.Errorf("%.3f of the picture has the colour of the level", got)
			}
			if got := share(img, c.pattern); got < 0.01 {
				t.Errorf("%.3f of the picture has the colour of the pattern", got)
			}
		})
	}
}

// A picture must show where, not only that: known places are in and out.
func TestInsideAndOutside(t *testing.T) {
	// An L whose upper right quarter is outside.
	l := ring(43.90, 10.90, 43.90, 10.98, 43.93, 10.98, 43.93, 10.94, 43.96, 10.94, 43.96, 10.90)
	areas := []Area{{Polygons: []alerts.Polygon{l}, Severity: alerts.SeverityMinor}}
	_, v := project(areas, small)
	_, img := draw(t, areas...)
	at := func(lat, lon float64) color.Color {
		p := v.ring(alerts.Polygon{{Lat: lat, Lon: lon}})[0]
		return img.At(p.x/unit, p.y/unit)
	}
	for place, inside := range map[alerts.Point]bool{{Lat: 43.91, Lon: 10.91}: true, {Lat: 43.95, Lon: 10.92}: true, {Lat: 43.915, Lon: 10.97}: true, {Lat: 43.95, Lon: 10.96}: false, {Lat: 43.962, Lon: 10.92}: false} {
		r, g, b, _ := at(place.Lat, place.Lon).RGBA()
		got := color.RGBA{uint8(r >> 8), uint8(g >> 8), uint8(b >> 8), 0xff}
		if want := map[bool]color.RGBA{true: neutral, false: ground}[inside]; got != want {
			t.Errorf("%v: got %v, want %v", place, got, want)
		}
	}
}

func TestOneAreaOverTheOther(t *testing.T) {
	extreme := Area{Polygons: []alerts.Polygon{square}, Severity: alerts.SeverityExtreme}
	moderate := Area{Polygons: []alerts.Polygon{square}, Severity: alerts.SeverityModerate}
	for name, areas := range map[string][]Area{"given first": {extreme, moderate}, "given last": {moderate, extreme}} {
		t.Run(name, func(t *testing.T) {
			p, img := draw(t, areas...)
			if share(img, yellow) > 0.001 || share(img, red) < 0.15 {
				t.Error("the graver one is not on top")
			}
			if !p.Numbered || !slices.Equal(p.Areas, []int{0, 1}) {
				t.Errorf("numbered %v, areas %v", p.Numbered, p.Areas)
			}
		})
	}
}

func TestSameBytes(t *testing.T) {
	areas := []Area{{Polygons: []alerts.Polygon{square}, Severity: alerts.SeveritySevere}, {Circles: []alerts.Circle{{Centre: alerts.Point{Lat: 43.93, Lon: 10.99}, Radius: 2}}}}
	one, _ := draw(t, areas...)
	two, _ := draw(t, areas...)
	if !bytes.Equal(one.PNG, two.PNG) {
		t.Error("drawing twice gives two pictures")
	}
	if len(one.PNG) > 16<<10 {
		t.Errorf("a simple map has %d bytes", len(one.PNG))
	}
}

func TestWhatCannotBeDrawn(t *testing.T) {
	for name, a := range map[string]Area{
		"nothing":                   {},
		"two corners":               {Polygons: []alerts.Polygon{{{Lat: 1, Lon: 1}, {Lat: 2, Lon: 2}}}},
		"not on the earth":          {Polygons: []alerts.Polygon{ring(91, 1, 2, 2, 3, 1)}},
		"no number":                 {Polygons: []alerts.Polygon{ring(math.NaN(), 1, 2, 2, 3, 1)}},
		"a radius below nothing":    {Circles: []alerts.Circle{{Radius: -1}}},
		"a circle without a radius": {Circles: []alerts.Circle{{Radius: math.NaN()}}},
	} {
		if _, ok := Draw([]Area{a}, nil); ok {
			t.Errorf("%s: drawn", name)
		}
	}
	p, _ := draw(t, Area{}, Area{Polygons: []alerts.Polygon{square}})
	if !slices.Equal(p.Areas, []int{1}) || p.Numbered {
		t.Errorf("areas %v", p.Areas)
	}
}

func TestShapesOfAllSizes(t *testing.T) {
	var knot alerts.Polygon
	for i := range 20_000 {
		a := float64(i)
		knot = append(knot, alerts.Point{Lat: 44 + math.Sin(a*7)/3, Lon: 11 + math.Cos(a*11)/3})
	}
	many := make([]Area, 300)
	for i := range many {
		many[i] = Area{Polygons: []alerts.Polygon{ring(43+float64(i)/100, 11, 43+float64(i)/100, 11.1, 43.1+float64(i)/100, 11.1)}, Severity: alerts.SeverityExtreme}
	}
	for name, areas := range map[string][]Area{
		"a point":                  {{Circles: []alerts.Circle{{Centre: alerts.Point{Lat: 44, Lon: 11}}}}},
		"a line":                   {{Polygons: []alerts.Polygon{ring(44, 11, 44, 12, 44, 11.5)}}},
		"the whole earth":          {{Polygons: []alerts.Polygon{ring(-90, -180, -90, 180, 90, 180, 90, -180)}}},
		"the pole":                 {{Circles: []alerts.Circle{{Centre: alerts.Point{Lat: 90, Lon: 11}, Radius: 20_000}}}},
		"a knot of 20,000 corners": {{Polygons: []alerts.Polygon{knot}, Severity: alerts.SeverityExtreme}},
		"three hundred":            many,
	} {
		t.Run(name, func(t *testing.T) {
			p, ok := Draw(areas, []alerts.Polygon{square, knot})
			if !ok && name != "a knot of 20,000 corners" {
				t.Fatal("not drawn")
			}
			if len(p.PNG) > MaxBytes || len(p.Areas) > MaxAreas {
				t.Errorf("%d bytes, %d areas", len(p.PNG), len(p.Areas))
			}
		})
	}
}

func FuzzDraw(f *testing.F) {
	f.Add("43.9,10.9 43.9,10.95 43.95,10.9 43.9,10.9", "43.9,10.9 2", "Extreme")
	f.Add("90,180 -90,-180 0,0 90,180", "0,0 20000", "")
	f.Add("1e-9,0 0,1e-9 0,0", "90,0 0", "Severe")
	f.Fuzz(func(t *testing.T, polygon, circle, severity string) {
		var p alerts.Polygon
		var c alerts.Circle
		_ = p.UnmarshalText([]byte(polygon))
		_ = c.UnmarshalText([]byte(circle))
		areas := []Area{{Polygons: []alerts.Polygon{p}, Severity: alerts.Severity(severity)}, {Circles: []alerts.Circle{c}}}
		one, ok := Draw(areas, []alerts.Polygon{p})
		if !ok {
			return
		}
		if len(one.PNG) > MaxBytes {
			t.Errorf("%d bytes", len(one.PNG))
		}
		if _, err := png.Decode(bytes.NewReader(one.PNG)); err != nil {
			t.Error(err)
		}
	})
}

func TestAPartOfAnotherPicture(t *testing.T) {
	one := Area{Polygons: []alerts.Polygon{square}, Severity: alerts.SeveritySevere}
	for name, c := range map[string]struct {
		areas []Area
		on    []int
		ok    bool
	}{
		"a shape":                       {[]Area{one}, []int{0}, true},
		"beside one without":            {[]Area{{}, one}, []int{1}, true},
		"as many as a region has":       {slices.Repeat([]Area{one}, 400), nil, true},
		"more than that":                {slices.Repeat([]Area{one}, 401), nil, false},
		"more outlines than that":       {[]Area{{Polygons: slices.Repeat([]alerts.Polygon{square}, 501)}}, nil, false},
		"none":                          {[]Area{{}}, nil, false},
		"one that is not on this earth": {[]Area{{Circles: []alerts.Circle{{Centre: alerts.Point{Lat: 91}, Radius: 1}}}}, nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			on, ok := Shown(c.areas)
			if ok != c.ok || (c.on != nil && !slices.Equal(on, c.on)) {
				t.Errorf("%v are shown, %v", on, ok)
			}
			if ok && len(c.areas) > 2 {
				return // one upon the other, they take long
			}
			picture, metres, ok := Paint(c.areas, 300, 200)
			if ok != c.ok {
				t.Fatalf("painted: %v", ok)
			}
			if ok && (picture.Bounds() != image.Rect(0, 0, 300, 200) || metres <= 0 || share(picture, orange) < 0.1) {
				t.Errorf("%v, %v metres a pixel, %.2f orange", picture.Bounds(), metres, share(picture, orange))
			}
		})
	}
}

func BenchmarkDraw(b *testing.B) {
	var big alerts.Polygon
	for i := range 2000 {
		a := 2 * math.Pi * float64(i) / 2000
		r := 0.1 + 0.02*math.Sin(a*40)
		big = append(big, alerts.Point{Lat: 44 + r*math.Sin(a), Lon: 11 + r*math.Cos(a)})
	}
	for b.Loop() {
		p, ok := Draw([]Area{{Polygons: []alerts.Polygon{big}, Severity: alerts.SeverityExtreme}}, nil)
		if !ok {
			b.Fatal("not drawn")
		}
		b.ReportMetric(float64(len(p.PNG)), "bytes")
	}
}

func ExampleDraw() {
	p, ok := Draw([]Area{{Polygons: []alerts.Polygon{square}, Severity: alerts.SeveritySevere}}, nil)
	fmt.Println(ok, p.Width, p.Height, len(p.PNG) < MaxBytes)
	// Output: true 600 400 true
}
