package placetest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"testing"
	"time"

	"martinella/broadcast/backup"
)

const prefix = "martinella-valdemo-"

// Test proves that open gives a place that keeps the contract. Each call opens an
// empty one; again opens it once more, as another program would.
func Test(t *testing.T, open opener) {
	t.Run("writing", func(t *testing.T) { writing(t, open) })
	t.Run("keeping", func(t *testing.T) { keeping(t, open) })
}

var (
	first, second = backup.Name("valdemo", time.Unix(1_760_000_000, 0)), backup.Name("valdemo", time.Unix(1_760_003_600, 0))
	large         = bytes.Repeat([]byte("Valdemo sul Lambro. "), 1<<20) // 20 MB: more than any piece
)

func write(data []byte) func(io.Writer) error {
	return func(w io.Writer) error {
		_, err := io.Copy(w, bytes.NewReader(data))
		return err
	}
}

// list compares what the place lists.
func list(t *testing.T, p backup.Place, want ...string) {
	t.Helper()
	got, err := p.List(t.Context(), prefix)
	slices.Sort(got)
	if err != nil || !slices.Equal(got, want) {
		t.Fatalf("it lists %q, %v; not %q", got, err, want)
	}
}

// read compares what the place gives.
func read(t *testing.T, p backup.Place, name string, want []byte) {
	t.Helper()
	r, err := p.Get(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	got, err := io.ReadAll(r)
	if err != nil || !bytes.Equal(got, want) {
		t.Fatalf("%s comes back as %d bytes, %v; not %d", name, len(got), err, len(want))
	}
}

// opener opens an empty place.
type opener = func(t *testing.T) (place backup.Place, again func() backup.Place)

func writing(t *testing.T, open opener) {
	t.Run("what is put is there for another program", func(t *testing.T) {
		p, again := open(t)
		list(t, p)
		for name, data := range map[string][]byte{first: large, second: []byte("short")} {
			if err := p.Put(t.Context(), name, false, write(data)); err != nil {
				t.Fatal(err)
			}
		}
		other := again()
		list(t, other, first, second)
		read(t, other, first, large)
		read(t, other, second, []byte("short"))
	})
	t.Run("what fails while it is written is not there", func(t *testing.T) {
		p, _ := open(t)
		broken := errors.New("the store is gone")
		err := p.Put(t.Context(), first, false, func(w io.Writer) error {
			if _, err := w.Write(large); err != nil {
				return err
			}
			return broken
		})
		if !errors.Is(err, broken) {
			t.Fatalf("it says %v", err)
		}
		list(t, p)
		if _, err := p.Get(t.Context(), first); !errors.Is(err, backup.ErrAbsent) {
			t.Fatalf("it gives %v", err)
		}
	})
	t.Run("what was told to end ends, and is not there", func(t *testing.T) {
		p, _ := open(t)
		ctx, cancel := context.WithCancel(t.Context())
		err := p.Put(ctx, first, false, func(w io.Writer) error {
			cancel()
			_, err := w.Write(large)
			return err
		})
		if err == nil {
			t.Fatal("it went on")
		}
		list(t, p)
	})
}

func keeping(t *testing.T, open opener) {
	t.Run("a file is replaced only where that was asked for", func(t *testing.T) {
		p, _ := open(t)
		name := backup.ErasedName("valdemo")
		for _, data := range []string{"one", "two"} {
			if err := p.Put(t.Context(), name, true, write([]byte(data))); err != nil {
				t.Fatal(err)
			}
		}
		read(t, p, name, []byte("two"))
		if err := p.Put(t.Context(), first, false, write([]byte("one"))); err != nil {
			t.Fatal(err)
		}
		if err := p.Put(t.Context(), first, false, write([]byte("two"))); !errors.Is(err, backup.ErrThere) {
			t.Fatalf("it says %v", err)
		}
		read(t, p, first, []byte("one"))
	})
	t.Run("what is removed is gone, and may be removed again", func(t *testing.T) {
		p, _ := open(t)
		if err := p.Put(t.Context(), first, false, write([]byte("one"))); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if err := p.Remove(t.Context(), first); err != nil {
				t.Fatal(err)
			}
		}
		list(t, p)
	})
	t.Run("tidying takes nothing that is whole", func(t *testing.T) {
		p, _ := open(t)
		if err := p.Put(t.Context(), first, false, write([]byte("one"))); err != nil {
			t.Fatal(err)
		}
		if err := p.Tidy(t.Context(), time.Now().Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
		list(t, p, first)
	})
}
