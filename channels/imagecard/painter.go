package imagecard

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"image/png"
	"math"
	"sync"

	"golang.org/x/image/font"

	"martinella/alerts"
	"martinella/channels"
)

// The size of a card in pixels: what Facebook asks of pictures of links, and
// Open Graph's readers expect (developers.facebook.com/docs/sharing/webmasters/images).
const (
	Width  = 1200
	Height = 630

	// MaxBytes bounds the file (DECISIONS 27).
	MaxBytes = 200 << 10
)

// kept is how many cards are remembered: of some alerts in some languages.
const kept = 32

// Painter draws cards and remembers the latest. It may be used from many
// goroutines; one card is drawn once, however many ask for it at a time.
type Painter struct {
	settings channels.Settings
	faces    func() (typefaces, error)

	mu    sync.Mutex
	cards map[[sha256.Size]byte]*card
	order [][sha256.Size]byte // the oldest first
}

// card is one that is drawn, or being drawn.
type card struct {
	done chan struct{} // closed when it is
	png  []byte
	err  error
}

// New makes a painter of an authority's cards.
func New(s channels.Settings) *Painter {
	return &Painter{settings: s, faces: sync.OnceValues(loadTypefaces), cards: map[[sha256.Size]byte]*card{}}
}

// Card gives the card of a record in a language, a PNG of at most [MaxBytes]:
// the same bytes for the same words. It blocks while it is drawn, some tens of
// milliseconds. The caller does not change the bytes.
func (p *Painter) Card(r *alerts.Record, language string) ([]byte, error) {
	f := faceOf(r, language, p.settings)
	return p.once(f.digest(), func() ([]byte, error) { return p.paint(&f) })
}

// once draws what is not remembered; whoever asks meanwhile for the same waits,
// and nobody else does.
func (p *Painter) once(key [sha256.Size]byte, draw func() ([]byte, error)) ([]byte, error) {
	p.mu.Lock()
	one, known := p.cards[key]
	if !known {
		one = &card{done: make(chan struct{})}
		p.cards[key] = one
		if p.order = append(p.order, key); len(p.order) > kept {
			delete(p.cards, p.order[0])
			p.order = p.order[1:]
		}
	}
	p.mu.Unlock()
	if known {
		<-one.done
		return one.png, one.err
	}
	one.png, one.err = draw()
	close(one.done)
	return one.png, one.err
}

// paint draws. A fault of the drawing, or of what reads the typefaces, costs the
// picture and never the alert.
func (p *Painter) paint(f *face) (card []byte, err error) {
	defer func() {
		if fault := recover(); fault != nil {
			card, err = nil, fmt.Errorf("imagecard: the drawing failed: %v", fault)
		}
	}()
	faces, err := p.faces()
	if err != nil {
		return nil, err
	}
	s := &setter{typefaces: faces, faces: map[faceKey]font.Face{}}
	c := f.draw(s)
	var b bytes.Buffer
	if err := png.Encode(&b, c.few()); err != nil {
		return nil, fmt.Errorf("imagecard: %w", err)
	}
	if b.Len() > MaxBytes {
		return nil, fmt.Errorf("imagecard: the card has %d bytes, more than %d", b.Len(), MaxBytes)
	}
	return b.Bytes(), nil
}

// digest tells cards apart by what stands on them.
func (f *face) digest() (key [sha256.Size]byte) {
	h := sha256.New() // it takes everything without an error
	words := *f
	words.areas = nil
	fmt.Fprintf(h, "%#v", words) // plain data, without maps and pointers
	var b []byte
	for i := range f.areas {
		a := &f.areas[i]
		b = fmt.Appendf(b[:0], "area %q %d %d", a.Severity, len(a.Polygons), len(a.Circles))
		for _, ring := range a.Polygons {
			b = binary.LittleEndian.AppendUint64(b, uint64(len(ring)))
			for _, at := range ring {
				b = number(number(b, at.Lat), at.Lon)
			}
		}
		for _, c := range a.Circles {
			b = number(number(number(b, c.Centre.Lat), c.Centre.Lon), c.Radius)
		}
		h.Write(b)
	}
	h.Sum(key[:0])
	return key
}

func number(b []byte, f float64) []byte {
	return binary.LittleEndian.AppendUint64(b, math.Float64bits(f))
}

// measure is the width of a line in pixels.
func measure(face font.Face, line string) int { return font.MeasureString(face, line).Ceil() }
