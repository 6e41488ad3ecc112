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
	"hash"
	"io"
	"path/filepath"
	"strings"
)

// Taker gets the parts of a backup, in this order: the manifest once, the files,
// Redis' copy once. An error of it ends the reading and is given as it is.
type Taker interface {
	Manifest(m Manifest) error
	File(f File) error
	// Redis must read up to io.EOF. Any other error is of the backup.
	Redis(copied io.Reader) error
}

// mostManifest bounds the manifest and the sums.
const mostManifest = 4 << 20

// Read takes a backup apart. What it gives to t may be kept only once Read
// itself has ended without an error: a file that was cut off is known by its
// end. Errors are [ErrOtherKey], [ErrBroken], [ErrNewer] and t's own.
func Read(ctx context.Context, r io.Reader, key *Key, t Taker) (Manifest, Sums, error) {
	in := &reader{source: &source{ctx: ctx, r: r}}
	m, sums, err := in.read(key, t)
	switch {
	case in.source.err != nil: // the place does not give it: nothing is wrong with the backup itself
		err = in.source.err
	case err == nil, errors.Is(err, ErrOtherKey), errors.Is(err, ErrNewer), errors.Is(err, ErrBroken), in.foreign:
	default:
		err = fmt.Errorf("%w: %w", ErrBroken, err)
	}
	return m, sums, err
}

// source remembers the errors of the place.
type source struct {
	ctx context.Context
	r   io.Reader
	err error
}

func (s *source) Read(b []byte) (int, error) {
	if err := s.ctx.Err(); err != nil {
		s.err = err
		return 0, err
	}
	n, err := s.r.Read(b)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		s.err = err
	}
	return n, err
}

type reader struct {
	source  *source
	tar     *tar.Reader
	sums    Sums
	foreign bool // the error is the taker's
	next    *tar.Header
}

func (r *reader) read(key *Key, t Taker) (m Manifest, sums Sums, err error) {
	plain, err := key.open(r.source)
	if err != nil {
		return m, sums, err
	}
	packed, err := gzip.NewReader(plain)
	if err != nil {
		return m, sums, err
	}
	packed.Multistream(false)
	r.tar = tar.NewReader(packed)
	head, err := r.part(manifestName, mostManifest)
	if err != nil {
		return m, sums, err
	}
	var format struct {
		Format int `json:"format"`
	}
	if err := json.Unmarshal(head, &format); err != nil {
		return m, sums, err
	}
	if format.Format > Format {
		return m, sums, fmt.Errorf("%w: its format is %d, this one knows %d", ErrNewer, format.Format, Format)
	}
	if err := json.Unmarshal(head, &m); err != nil {
		return m, sums, err
	}
	if err := r.give(t.Manifest(m)); err != nil {
		return m, sums, err
	}
	if err := r.files(t); err != nil {
		return m, sums, err
	}
	if err := r.redis(t); err != nil {
		return m, sums, err
	}
	if r.next == nil || r.next.Name != sumsName {
		return m, sums, errors.New("the sums are missing")
	}
	tail, err := io.ReadAll(io.LimitReader(r.tar, mostManifest))
	if err != nil {
		return m, sums, err
	}
	if err := json.Unmarshal(tail, &sums); err != nil {
		return m, sums, err
	}
	if err := r.compare(sums); err != nil {
		return m, sums, err
	}
	if err := r.advance(); err != nil || r.next != nil {
		return m, sums, errors.Join(err, errors.New("something follows the sums"))
	}
	if _, err := io.Copy(io.Discard, packed); err != nil { //nolint:gosec // G110: it goes nowhere, and whoever holds the key wrote it
		return m, sums, err
	}
	if n, err := io.Copy(io.Discard, plain); err != nil || n > 0 { // up to the end that was sealed
		return m, sums, errors.Join(err, errors.New("its end is not where it was"))
	}
	return m, sums, nil
}

// give notes that an error is the taker's.
func (r *reader) give(err error) error {
	r.foreign = err != nil
	return err
}

// advance goes to the next entry; r.next is nil behind the last.
func (r *reader) advance() (err error) {
	r.next, err = r.tar.Next()
	if errors.Is(err, io.EOF) {
		r.next, err = nil, nil
	}
	return err
}

func (r *reader) part(name string, most int64) ([]byte, error) {
	if err := r.advance(); err != nil {
		return nil, err
	}
	if r.next == nil || r.next.Name != name {
		return nil, fmt.Errorf("%s is missing", name)
	}
	return r.whole(most)
}

// whole reads the entry and counts it.
func (r *reader) whole(most int64) ([]byte, error) {
	if r.next.Size > most {
		return nil, fmt.Errorf("%s is too long", r.next.Name)
	}
	data, err := io.ReadAll(r.tar)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(data)
	r.sums.Parts = append(r.sums.Parts, Sum{Name: r.next.Name, Size: int64(len(data)), SHA256: hex.EncodeToString(sum[:])})
	return data, nil
}

func (r *reader) files(t Taker) error {
	for {
		if err := r.advance(); err != nil {
			return err
		}
		if r.next == nil {
			return errors.New("the copy of the store is missing")
		}
		coded, ok := strings.CutPrefix(r.next.Name, filesUnder)
		if !ok {
			return nil
		}
		name, err := hex.DecodeString(coded)
		if err != nil {
			return err
		}
		var f File
		if err := json.Unmarshal(name, &f); err != nil {
			return err
		}
		if f.Data, err = r.whole(mostFile); err != nil {
			return err
		}
		if ok := f.In == InConfig || f.In == InData; (!ok || !filepath.IsLocal(f.Path)) && (f.In != InRoot || !filepath.IsAbs(f.Path)) {
			return fmt.Errorf("a file of it has the path %q", f.Path)
		}
		if err := r.give(t.File(f)); err != nil {
			return err
		}
	}
}

// redis gives the pieces as one stream.
func (r *reader) redis(t Taker) error {
	p := &pieces{r: r, sum: sha256.New(), n: 1}
	if err := t.Redis(p); err != nil {
		if p.err != nil {
			return p.err
		}
		return r.give(err)
	}
	if _, err := io.Copy(io.Discard, p); err != nil {
		return err
	}
	r.sums.Parts = append(r.sums.Parts, Sum{Name: redisUnder, Size: p.size, SHA256: hex.EncodeToString(p.sum.Sum(nil))})
	return nil
}

// pieces reads the entries of Redis' copy one behind the other.
type pieces struct {
	r    *reader
	sum  hash.Hash
	size int64
	n    int // number of the piece that is read
	err  error
}

// Read implements io.Reader.
func (p *pieces) Read(b []byte) (int, error) {
	for p.err == nil {
		if p.r.next == nil || p.r.next.Name != fmt.Sprintf("%s%08d", redisUnder, p.n) {
			return 0, io.EOF
		}
		n, err := p.r.tar.Read(b)
		p.sum.Write(b[:n])
		p.size += int64(n)
		if errors.Is(err, io.EOF) {
			p.n++
			err = p.r.advance()
		}
		if p.err = err; n > 0 || err != nil {
			return n, err
		}
	}
	return 0, p.err
}

// compare holds what was read against the sums.
func (r *reader) compare(sums Sums) error {
	if len(sums.Parts) != len(r.sums.Parts) {
		return fmt.Errorf("it has %d parts, its sums name %d", len(r.sums.Parts), len(sums.Parts))
	}
	for i, want := range sums.Parts {
		if r.sums.Parts[i] != want {
			return fmt.Errorf("%s is not as its sum says", want.Name)
		}
	}
	return nil
}
