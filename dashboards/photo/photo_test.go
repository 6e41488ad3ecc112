package photo

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"math/rand/v2"
	"runtime"
	"testing"
	"time"
)

// corners is a picture whose four quarters tell which way it lies: red and green
// above, blue and white below.
func corners(w, h int) *image.RGBA {
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			c := [2][2]color.RGBA{{{255, 0, 0, 255}, {0, 255, 0, 255}}, {{0, 0, 255, 255}, {255, 255, 255, 255}}}[2*y/h][2*x/w]
			img.SetRGBA(x, y, c)
		}
	}
	return img
}

func asJPEG(t testing.TB, img image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, nil); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

const secret = "GPS 43.9332 N 10.9177 E, ACME Phone 7, serial 0042"

// withEXIF puts an orientation, a place and a maker into a JPEG, as phones do.
func withEXIF(b []byte, orientation int, order binary.AppendByteOrder) []byte {
	tiff := []byte("MM\x00\x2a\x00\x00\x00\x08")
	if order == binary.AppendByteOrder(binary.LittleEndian) {
		tiff = []byte("II\x2a\x00\x08\x00\x00\x00")
	}
	short, ascii := uint16(3), uint16(2)
	tiff = order.AppendUint16(tiff, 3)
	const values = 8 + 2 + 3*12 + 4
	tiff = order.AppendUint32(order.AppendUint16(order.AppendUint16(tiff, 0x010F), ascii), uint32(len(secret))) // Make
	tiff = order.AppendUint32(tiff, values)
	tiff = order.AppendUint32(order.AppendUint16(order.AppendUint16(tiff, 0x0112), short), 1)
	tiff = order.AppendUint16(order.AppendUint16(tiff, uint16(orientation)), 0)
	tiff = order.AppendUint32(order.AppendUint16(order.AppendUint16(tiff, 0x8825), 4), 1) // a directory of GPS tags
	tiff = order.AppendUint32(tiff, values+uint32(len(secret)))
	tiff = order.AppendUint32(tiff, 0)
	tiff = append(tiff, secret...)
	tiff = order.AppendUint16(tiff, 1)
	tiff = order.AppendUint32(order.AppendUint16(order.AppendUint16(tiff, 1), ascii), 2) // GPSLatitudeRef
	tiff = append(append(tiff, 'N', 0, 0, 0), 0, 0, 0, 0)
	part := append([]byte("Exif\x00\x00"), tiff...)
	out := append([]byte{0xFF, 0xD8, 0xFF, 0xE1}, byte((len(part)+2)>>8), byte(len(part)+2))
	out = append(append(out, part...), 0xFF, 0xFE, 0, byte(2+len(secret))) // and once more as a comment
	return append(append(out, secret...), b[2:]...)
}

func read(t *testing.T, b []byte) Photo {
	t.Helper()
	p, err := NewReader().Read(t.Context(), b)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// near reports whether a pixel at a share of width and height has a colour.
func near(img image.Image, x, y float64, want color.RGBA) bool {
	b := img.Bounds()
	r, g, bl, _ := img.At(b.Min.X+int(x*float64(b.Dx())), b.Min.Y+int(y*float64(b.Dy()))).RGBA()
	off := func(got uint32, want uint8) int { return max(int(got>>8)-int(want), int(want)-int(got>>8)) }
	return off(r, want.R) < 30 && off(g, want.G) < 30 && off(bl, want.B) < 30
}

func TestMetadataGoesAndThePictureStands(t *testing.T) {
	red, green, blue, white := color.RGBA{255, 0, 0, 255}, color.RGBA{0, 255, 0, 255}, color.RGBA{0, 0, 255, 255}, color.RGBA{255, 255, 255, 255}
	// By orientation: what stands top left, top right, bottom left.
	want := [9][3]color.RGBA{1: {red, green, blue}, {green, red, white}, {white, blue, green}, {blue, white, red}, {red, blue, green}, {blue, red, white}, {white, green, blue}, {green, white, red}}
	for o := 1; o <= 8; o++ {
		for _, order := range []binary.AppendByteOrder{binary.BigEndian, binary.LittleEndian} {
			b := withEXIF(asJPEG(t, corners(64, 32)), o, order)
			if !bytes.Contains(b, []byte("43.9332")) || orientation(b) != o {
				t.Fatal("the picture of the test says nothing")
			}
			p := read(t, b)
			for _, part := range []string{"Exif", "43.9332", "ACME", "serial"} {
				if bytes.Contains(p.JPEG, []byte(part)) {
					t.Errorf("%s is still in it", part)
				}
			}
			for marker, part := range segments(p.JPEG) {
				if marker >= 0xE0 && marker <= 0xEF || marker == 0xFE {
					t.Errorf("a part %x of metadata is in it: %q", marker, part)
				}
			}
			img, err := jpeg.Decode(bytes.NewReader(p.JPEG))
			if err != nil {
				t.Fatal(err)
			}
			w, h := 64, 32
			if o >= 5 {
				w, h = 32, 64
			}
			if img.Bounds().Dx() != w || img.Bounds().Dy() != h || p.Width != w || p.Height != h {
				t.Errorf("orientation %d: %v, says %d x %d", o, img.Bounds(), p.Width, p.Height)
			}
			for i, at := range [][2]float64{{0.2, 0.2}, {0.8, 0.2}, {0.2, 0.8}} {
				if !near(img, at[0], at[1], want[o][i]) {
					t.Errorf("orientation %d: corner %d is %v", o, i, img.At(int(at[0]*float64(w)), int(at[1]*float64(h))))
				}
			}
		}
	}
}

func TestLargePicturesBecomeSmall(t *testing.T) {
	noise := image.NewRGBA(image.Rect(0, 0, 2000, 1500)) // the hardest picture for JPEG
	random := rand.New(rand.NewPCG(1, 2))
	for i := range noise.Pix {
		noise.Pix[i] = uint8(random.Uint32()) | uint8(i%4/3*255)
	}
	for name, b := range map[string][]byte{"noise": asJPEG(t, noise), "plain": asJPEG(t, corners(2000, 1500)), "tall": asJPEG(t, corners(20, 9000))} {
		p := read(t, b)
		if len(p.JPEG) > MaxJPEG || max(p.Width, p.Height) > MaxSide {
			t.Errorf("%s: %d bytes, %d x %d", name, len(p.JPEG), p.Width, p.Height)
		}
		if name == "plain" && (p.Width != 1600 || p.Height != 1200) {
			t.Errorf("%d x %d", p.Width, p.Height)
		}
	}
	var clear bytes.Buffer
	if err := png.Encode(&clear, image.NewNRGBA(image.Rect(0, 0, 30, 20))); err != nil {
		t.Fatal(err)
	}
	p := read(t, clear.Bytes())
	if img, _ := jpeg.Decode(bytes.NewReader(p.JPEG)); !near(img, 0.5, 0.5, color.RGBA{255, 255, 255, 255}) {
		t.Error("what is transparent is not white")
	}
}

// bomb is a PNG that says that it is so large, and is not.
func bomb(w, h uint32) []byte {
	head := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32([]byte("IHDR"), w), h)
	head = append(head, 8, 6, 0, 0, 0)
	b := append([]byte("\x89PNG\r\n\x1a\n\x00\x00\x00\x0d"), head...)
	return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(head))
}

func TestBombsTakeNoMemory(t *testing.T) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for _, b := range [][]byte{bomb(10_000, 10_000), bomb(1<<31-1, 1<<31-1), bomb(1, 1<<31-1)} {
		if _, err := NewReader().Read(t.Context(), b); !errors.Is(err, ErrTooLarge) && !errors.Is(err, ErrFormat) {
			t.Errorf("%v", err)
		}
	}
	runtime.ReadMemStats(&after)
	if took := after.TotalAlloc - before.TotalAlloc; took > 1<<20 {
		t.Errorf("it took %d bytes", took)
	}
	if _, err := NewReader().Read(t.Context(), bomb(10_000, 10_000)); !errors.Is(err, ErrTooLarge) {
		t.Errorf("100 megapixels: %v", err)
	}
}

func TestWhatIsNoPicture(t *testing.T) {
	whole := asJPEG(t, corners(640, 640))
	for want, b := range map[error][]byte{
		ErrHEIC:     []byte("\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic"),
		ErrFormat:   []byte("<svg onload=alert(1)>"),
		ErrTooLarge: make([]byte, MaxBytes+1),
		ErrBroken:   whole[:len(whole)-200],
	} {
		if _, err := NewReader().Read(t.Context(), b); !errors.Is(err, want) {
			t.Errorf("%v, want %v", err, want)
		}
	}
	if _, err := NewReader().Read(t.Context(), nil); !errors.Is(err, ErrFormat) {
		t.Error(err)
	}
}

func TestOneAtATime(t *testing.T) {
	r := NewReader()
	r.turn <- struct{}{}
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if _, err := r.Read(ctx, asJPEG(t, corners(8, 8))); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("while another one is read: %v", err)
	}
	<-r.turn
	if _, err := r.Read(t.Context(), asJPEG(t, corners(8, 8))); err != nil {
		t.Error(err)
	}
}

func FuzzRead(f *testing.F) {
	small := asJPEG(f, corners(16, 8))
	f.Add(small)
	f.Add(withEXIF(small, 6, binary.LittleEndian))
	f.Add(withEXIF(small, 3, binary.BigEndian))
	f.Add(bomb(10_000, 10_000))
	var b bytes.Buffer
	_ = png.Encode(&b, corners(5, 5))
	f.Add(b.Bytes())
	f.Add([]byte("RIFF\x1a\x00\x00\x00WEBPVP8L\x0d\x00\x00\x00\x2f\x00\x00\x00\x10\x07\x10\x11\x11\x88\x88\xfe\x07\x00"))
	reader := NewReader()
	f.Fuzz(func(t *testing.T, in []byte) {
		if conf, _, err := image.DecodeConfig(bytes.NewReader(in)); err == nil && conf.Width > 0 && conf.Height > 1_000_000/conf.Width {
			t.Skip() // large ones are slow, and no different
		}
		p, err := reader.Read(t.Context(), in)
		if err != nil {
			return
		}
		conf, format, err := image.DecodeConfig(bytes.NewReader(p.JPEG))
		if err != nil || format != "jpeg" || conf.Width != p.Width || conf.Height != p.Height || len(p.JPEG) > MaxJPEG {
			t.Errorf("%+v, %s, %v", conf, format, err)
		}
	})
}
