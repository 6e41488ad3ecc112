package photo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	_ "image/png" // one of the formats

	"golang.org/x/image/draw"
	_ "golang.org/x/image/webp" // one of the formats
)

// The bounds of what is read and written.
const (
	MaxBytes = 15 << 20 // of an upload: what a phone's camera writes
	MaxSide  = 1600     // pixels of what is written
	MaxJPEG  = 200_000  // bytes of what is written (DECISIONS 27)

	// maxMemory bounds what decoding takes: a plain JPEG of 50 million pixels, more
	// than phones send.
	maxMemory = 200 << 20
	atOnce    = 1 // pictures that are decoded at a time
)

// The errors of [Read]; each has its remedy in words elsewhere.
var (
	ErrFormat   = errors.New("the picture is no JPEG, PNG or WebP")
	ErrHEIC     = errors.New("the picture is in HEIC format")
	ErrTooLarge = errors.New("the picture has too many bytes or pixels")
	ErrBroken   = errors.New("the picture cannot be read to its end")
)

// Photo is a picture that is ready: a JPEG without metadata.
type Photo struct {
	JPEG          []byte
	Width, Height int // pixels
}

// Reader makes pictures ready, one at a time. It may be used from many goroutines.
type Reader struct{ turn chan struct{} }

// NewReader makes a reader.
func NewReader() *Reader { return &Reader{make(chan struct{}, atOnce)} }

// Read makes a picture ready. It waits for its turn until ctx ends, takes up to some
// seconds of one processor, and at most some 250 MB of memory: what a picture
// says of its size is judged before it is decoded. The errors are those of this package
// and that of ctx.
func (r *Reader) Read(ctx context.Context, b []byte) (Photo, error) {
	if len(b) > MaxBytes {
		return Photo{}, ErrTooLarge
	}
	if heic(b) {
		return Photo{}, ErrHEIC
	}
	conf, format, err := image.DecodeConfig(bytes.NewReader(b))
	switch {
	case err != nil:
		return Photo{}, fmt.Errorf("%w: %w", ErrFormat, err)
	case conf.Width <= 0 || conf.Height <= 0:
		return Photo{}, ErrFormat
	case conf.Width > maxMemory/perPixel(b, format, conf.ColorModel)/conf.Height:
		return Photo{}, ErrTooLarge
	}
	select {
	case r.turn <- struct{}{}:
		defer func() { <-r.turn }()
	case <-ctx.Done():
		return Photo{}, ctx.Err()
	}
	img, _, err := image.Decode(bytes.NewReader(b))
	if err != nil {
		return Photo{}, fmt.Errorf("%w: %w", ErrBroken, err)
	}
	turned := 1
	if format == "jpeg" {
		turned = orientation(b)
	}
	return write(turn(small(img), turned))
}

// heic reports whether it is what phones of one maker write unless asked for JPEG:
// a box ftyp with a brand of ISO/IEC 23008-12.
func heic(b []byte) bool {
	if len(b) < 12 || string(b[4:8]) != "ftyp" {
		return false
	}
	switch string(b[8:12]) {
	case "heic", "heix", "hevc", "heim", "heis", "hevm", "hevs", "mif1", "msf1", "avif", "avis":
		return true
	}
	return false
}

// perPixel is how many bytes decoding takes for each pixel at the most, by how the
// decoders of the standard library and of x/image work.
func perPixel(b []byte, format string, model color.Model) int {
	switch {
	case format == "jpeg" && progressive(b):
		return 20 // coefficients of up to 4 components, 4 bytes each, beside the picture
	case format == "jpeg":
		return 4
	case format == "webp":
		return 12 // the lossless form keeps its transforms beside the picture
	case model == color.RGBA64Model || model == color.NRGBA64Model:
		return 16 // an interlaced one is decoded twice
	}
	return 8
}

// small scales a picture down to [MaxSide], on white where it is transparent. The
// averages of squares come first, a few rows at a time, so that fine patterns do
// not turn into others.
func small(img image.Image) *image.RGBA {
	b := img.Bounds()
	w, h := b.Dx(), b.Dy()
	long := max(w, h)
	out := averaged(img, max(1, long/MaxSide))
	if long <= MaxSide {
		return out
	}
	to := image.NewRGBA(image.Rect(0, 0, max(1, w*MaxSide/long), max(1, h*MaxSide/long)))
	draw.ApproxBiLinear.Scale(to, to.Bounds(), out, out.Bounds(), draw.Src, nil)
	return to
}

// averaged makes one pixel of each square of n by n.
func averaged(img image.Image, n int) *image.RGBA {
	b := img.Bounds()
	out := image.NewRGBA(image.Rect(0, 0, max(1, b.Dx()/n), max(1, b.Dy()/n)))
	rows := image.NewRGBA(image.Rect(0, 0, b.Dx(), n))
	white := image.NewUniform(color.White)
	for y := range out.Rect.Dy() {
		draw.Draw(rows, rows.Rect, white, image.Point{}, draw.Src)
		draw.Draw(rows, rows.Rect, img, b.Min.Add(image.Pt(0, y*n)), draw.Over)
		for x := range out.Rect.Dx() {
			var sum [3]int
			count := 0
			for dy := range min(n, b.Dy()-y*n) {
				for dx := range min(n, b.Dx()-x*n) {
					at := rows.PixOffset(x*n+dx, dy)
					for c := range sum {
						sum[c] += int(rows.Pix[at+c])
					}
					count++
				}
			}
			out.SetRGBA(x, y, color.RGBA{uint8(sum[0] / count), uint8(sum[1] / count), uint8(sum[2] / count), 255})
		}
	}
	return out
}

// turn shows a picture the way that the orientation (EXIF 2.3, tag 0x0112) says.
func turn(img *image.RGBA, orientation int) *image.RGBA {
	if orientation < 2 || orientation > 8 {
		return img
	}
	w, h := img.Rect.Dx(), img.Rect.Dy()
	size := image.Rect(0, 0, w, h)
	if orientation >= 5 {
		size = image.Rect(0, 0, h, w)
	}
	out := image.NewRGBA(size)
	for y := range h {
		for x := range w {
			tx, ty := x, y
			switch orientation {
			case 2:
				tx = w - 1 - x
			case 3:
				tx, ty = w-1-x, h-1-y
			case 4:
				ty = h - 1 - y
			case 5:
				tx, ty = y, x
			case 6:
				tx, ty = h-1-y, x
			case 7:
				tx, ty = h-1-y, w-1-x
			case 8:
				tx, ty = y, w-1-x
			}
			out.SetRGBA(tx, ty, img.RGBAAt(x, y))
		}
	}
	return out
}

// write makes a JPEG of at most [MaxJPEG] bytes: with less quality first, then with
// fewer pixels.
func write(img *image.RGBA) (Photo, error) {
	for {
		w, h := img.Rect.Dx(), img.Rect.Dy()
		for _, quality := range []int{82, 70, 58, 46} {
			var b bytes.Buffer
			if err := jpeg.Encode(&b, img, &jpeg.Options{Quality: quality}); err != nil {
				return Photo{}, fmt.Errorf("%w: %w", ErrBroken, err)
			}
			if b.Len() <= MaxJPEG {
				return Photo{b.Bytes(), w, h}, nil
			}
		}
		next := image.NewRGBA(image.Rect(0, 0, max(1, w*3/4), max(1, h*3/4)))
		draw.ApproxBiLinear.Scale(next, next.Bounds(), img, img.Bounds(), draw.Src, nil)
		img = next
	}
}
