package backup

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"
)

const (
	// pieceSize is how much of Redis' copy is in memory at once.
	pieceSize = 1 << 20
	// mostFile bounds a configuration, a secret or an outline of areas.
	mostFile = 64 << 20
)

// Where a file belongs.
const (
	InConfig = "config" // below the folder of the configuration
	InData   = "data"   // below the folder of the gateway's data
	InRoot   = "root"   // anywhere: the path is absolute
)

// File is one that the configuration names, or the configuration itself.
type File struct {
	In   string `json:"in"`
	Path string `json:"path"`
	Data []byte `json:"-"`
}

// Write writes a backup to w as a stream: copied is Redis' copy. It holds one
// piece of it in memory and nothing on disk. The backup is whole only if there
// was no error.
func Write(ctx context.Context, w io.Writer, key *Key, m Manifest, files []File, copied io.Reader) (Sums, error) {
	var sums Sums
	sealed, err := key.seal(w)
	if err != nil {
		return sums, err
	}
	// Redis has compressed its long strings already: more than the fastest level is not worth its time.
	packed, err := gzip.NewWriterLevel(sealed, gzip.BestSpeed)
	if err != nil {
		return sums, err
	}
	out := &writer{tar: tar.NewWriter(packed), at: m.At}
	m.Format = Format
	head, err := json.Marshal(m)
	if err != nil {
		return sums, err
	}
	if err := out.part(manifestName, head); err != nil {
		return sums, err
	}
	for _, f := range files {
		if len(f.Data) > mostFile {
			return sums, fmt.Errorf("%s is larger than %d MB", f.Path, mostFile>>20)
		}
		name, err := json.Marshal(f)
		if err != nil {
			return sums, err
		}
		if err := out.part(filesUnder+hex.EncodeToString(name), f.Data); err != nil {
			return sums, err
		}
	}
	if err := out.redis(ctx, copied); err != nil {
		return sums, err
	}
	tail, err := json.Marshal(out.sums)
	if err != nil {
		return sums, err
	}
	if err := out.entry(sumsName, tail); err != nil {
		return sums, err
	}
	return out.sums, errors.Join(out.tar.Close(), packed.Close(), sealed.Close())
}

// writer writes the parts and counts them.
type writer struct {
	tar  *tar.Writer
	at   time.Time
	sums Sums
}

func (w *writer) entry(name string, data []byte) error {
	head := &tar.Header{Name: name, Typeflag: tar.TypeReg, Mode: 0o600, Size: int64(len(data)), ModTime: w.at, Format: tar.FormatPAX}
	if err := w.tar.WriteHeader(head); err != nil {
		return err
	}
	_, err := w.tar.Write(data)
	return err
}

func (w *writer) part(name string, data []byte) error {
	sum := sha256.Sum256(data)
	w.sums.Parts = append(w.sums.Parts, Sum{Name: name, Size: int64(len(data)), SHA256: hex.EncodeToString(sum[:])})
	return w.entry(name, data)
}

// redis writes the copy in pieces.
func (w *writer) redis(ctx context.Context, copied io.Reader) error {
	all, size, piece := sha256.New(), int64(0), make([]byte, pieceSize)
	for n := 1; ; n++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		got, end, err := fill(copied, piece)
		if err != nil {
			return fmt.Errorf("copy of the store: %w", err)
		}
		if got > 0 {
			all.Write(piece[:got])
			size += int64(got)
			if err := w.entry(fmt.Sprintf("%s%08d", redisUnder, n), piece[:got]); err != nil {
				return err
			}
		}
		if end {
			break
		}
	}
	if size == 0 {
		return errors.New("copy of the store: it is empty")
	}
	w.sums.Parts = append(w.sums.Parts, Sum{Name: redisUnder, Size: size, SHA256: hex.EncodeToString(all.Sum(nil))})
	return nil
}

// fill reads until b is full or the source ends. Unlike io.ReadFull it tells the
// end from a source that was cut off.
func fill(r io.Reader, b []byte) (n int, end bool, err error) {
	for n < len(b) {
		got, err := r.Read(b[n:])
		n += got
		if errors.Is(err, io.EOF) {
			return n, true, nil
		}
		if err != nil {
			return n, false, err
		}
	}
	return n, false, nil
}
