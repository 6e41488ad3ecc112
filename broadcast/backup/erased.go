package backup

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"
)

// Erasures are the numbers of the people who were erased, kept beside the
// backups, sealed like them, and renewed at once: a copy of the hour before would
// bring people back who asked to be forgotten since.
type Erasures struct {
	Format    int       `json:"format"`
	Authority string    `json:"authority"`
	At        time.Time `json:"at"`
	Numbers   []uint32  `json:"numbers"` // of no name, and given to nobody else
}

// mostErasures bounds the list that is read.
const mostErasures = 256 << 20

// PutErased writes the list to a place, over the one before. Who stands in that
// one stays in it, whatever the store says by now.
func PutErased(ctx context.Context, p Place, key *Key, authority string, numbers []uint32, at time.Time) error {
	before, err := GetErased(ctx, p, key, authority)
	if err != nil && !errors.Is(err, ErrAbsent) && !errors.Is(err, ErrBroken) { // a broken one is of no more use
		return err
	}
	all := append(slices.Clone(numbers), before.Numbers...)
	slices.Sort(all)
	doc, err := json.Marshal(Erasures{Format: Format, Authority: authority, At: at, Numbers: slices.Compact(all)})
	if err != nil {
		return err
	}
	return p.Put(ctx, ErasedName(authority), true, func(w io.Writer) error {
		sealed, err := key.seal(w)
		if err != nil {
			return err
		}
		if _, err := sealed.Write(doc); err != nil {
			return err
		}
		return sealed.Close()
	})
}

// GetErased reads the list of a place; [ErrAbsent] where there is none yet.
func GetErased(ctx context.Context, p Place, key *Key, authority string) (Erasures, error) {
	r, err := p.Get(ctx, ErasedName(authority))
	if err != nil {
		return Erasures{}, err
	}
	defer r.Close()
	return ReadErased(r, key, authority)
}

// ReadErased reads a list.
func ReadErased(r io.Reader, key *Key, authority string) (e Erasures, err error) {
	plain, err := key.open(r)
	if err != nil {
		return e, err
	}
	doc, err := io.ReadAll(io.LimitReader(plain, mostErasures))
	if err == nil {
		err = json.Unmarshal(doc, &e)
	}
	switch {
	case err != nil:
		return Erasures{}, fmt.Errorf("%w: the list of who was erased: %w", ErrBroken, err)
	case e.Format > Format:
		return Erasures{}, fmt.Errorf("the list of who was erased: %w", ErrNewer)
	case e.Authority != authority:
		return Erasures{}, fmt.Errorf("the list of who was erased: %w", ErrForeign)
	}
	return e, nil
}
