package roster

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"io"

	"martinella/broadcast"
)

// batchRows is how many rows are stored at once: what an import that ends
// early has to do again.
const batchRows = 200

// Totals says how far an import is. What it counts is durable, unless the run
// is dry.
type Totals struct {
	Rows      int `json:"rows"`
	Added     int `json:"added"`
	Changed   int `json:"changed"`
	Unchanged int `json:"unchanged"`
	Refused   int `json:"refused"` // rows
	Line      int `json:"line"`    // the last one that is dealt with
}

// Import brings the rows of a list into the roll.
type Import struct {
	Roll   broadcast.Roll
	Dry    bool          // says what would happen and stores nothing
	Refuse func(Refusal) // each problem of a refused row, in order of lines within a batch
	Done   func(Totals)  // after each batch

	totals Totals
	rows   []Row
	seen   map[uint64]int // hash of a contact to its line
	seed   maphash.Seed
}

// Run reads and stores until the end of the list, an error of the store or the
// end of ctx. It may be run again on the same list: what is there already is
// unchanged.
func (im *Import) Run(ctx context.Context, list *Reader) (Totals, error) {
	im.seen, im.seed = map[uint64]int{}, maphash.MakeSeed()
	for {
		if err := ctx.Err(); err != nil {
			return im.totals, err
		}
		row, err := list.Next()
		if err == nil {
			if len(row.Refusals) == 0 {
				im.once(&row)
			}
			im.rows = append(im.rows, row)
			if len(im.rows) < batchRows {
				continue
			}
		} else if !errors.Is(err, io.EOF) {
			return im.totals, fmt.Errorf("read the list: %w", err)
		}
		if stored := im.store(ctx); stored != nil || err != nil {
			return im.totals, stored
		}
	}
}

// once refuses a row with a contact that an earlier one has.
func (im *Import) once(row *Row) {
	contacts := row.Listing.Subscriber.Contacts
	for kind, address := range contacts {
		if line, twice := im.seen[im.hash(kind, address)]; twice {
			row.refuse(kind, fmt.Sprintf("it is that of line %d: %s", line, Mask(address)), "keep one row for each person")
		}
	}
	if len(row.Refusals) > 0 {
		return
	}
	for kind, address := range contacts {
		im.seen[im.hash(kind, address)] = row.Line
	}
}

func (im *Import) hash(kind, address string) uint64 {
	return maphash.String(im.seed, kind+"\x00"+address)
}

// store brings the batch into the roll and reports it.
func (im *Import) store(ctx context.Context) error {
	var good []broadcast.Listing
	for i := range im.rows {
		if len(im.rows[i].Refusals) == 0 {
			good = append(good, im.rows[i].Listing)
		}
	}
	entered, err := im.Roll.Enter(ctx, good, im.Dry)
	if err != nil {
		return err
	}
	next := im.totals
	for i := range im.rows {
		row := &im.rows[i]
		next.Rows++
		next.Line = row.Line
		if len(row.Refusals) == 0 {
			switch entered[0].Outcome {
			case broadcast.EntryAdded:
				next.Added++
			case broadcast.EntryChanged:
				next.Changed++
			case broadcast.EntryUnchanged:
				next.Unchanged++
			default:
				row.refuse("row", "its contacts belong to several people of the store", "give each person a row of their own, or erase one of them")
			}
			entered = entered[1:]
		}
		if len(row.Refusals) > 0 {
			next.Refused++
			for _, why := range row.Refusals {
				if im.Refuse != nil {
					im.Refuse(why)
				}
			}
		}
	}
	im.totals, im.rows = next, im.rows[:0]
	if im.Done != nil {
		im.Done(next)
	}
	return nil
}
