package rdb

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"martinella/alerts"
	"martinella/broadcast"
)

// Papers keeps what staff write besides alerts.
type Papers struct{ r *Redis }

var _ broadcast.Papers = (*Papers)(nil)

// Papers gives the store of drafts, own templates and settings.
func (r *Redis) Papers() *Papers { return &Papers{r} }

// paperVersion is the stored format of a paper.
const paperVersion = 1

// storedPaper is one revision as it is kept, behind its number.
type storedPaper struct {
	V   int             `json:"v"`
	By  alerts.By       `json:"by"`
	At  time.Time       `json:"at"`
	Doc json.RawMessage `json:"doc"`
}

// readPaper reads "revision nonce document".
func readPaper(kind, id, kept string) (broadcast.Paper, error) {
	fields := strings.SplitN(kept, " ", 3)
	p := broadcast.Paper{Kind: kind, ID: id}
	if len(fields) != 3 {
		return p, fmt.Errorf("paper %s %s: cannot be read", kind, id)
	}
	var one storedPaper
	if _, err := fmt.Sscanf(fields[0], "%d", &p.Revision); err != nil {
		return p, fmt.Errorf("paper %s %s: revision: %w", kind, id, err)
	}
	if err := json.Unmarshal([]byte(fields[2]), &one); err != nil {
		return p, fmt.Errorf("paper %s %s: %w", kind, id, err)
	}
	if one.V > paperVersion {
		return p, fmt.Errorf("paper %s %s has format %d, this program reads %d", kind, id, one.V, paperVersion)
	}
	p.Doc, p.By, p.At = one.Doc, one.By, one.At
	return p, nil
}

// Paper implements [broadcast.Papers].
func (s *Papers) Paper(ctx context.Context, kind, id string) (broadcast.Paper, error) {
	var kept string
	err := again(ctx, func(ctx context.Context) (err error) {
		kept, err = s.r.commands.HGet(ctx, s.r.keys.papers(kind), id).Result()
		return err
	})
	if errors.Is(err, redis.Nil) {
		err = alerts.ErrNotFound
	}
	if err != nil {
		return broadcast.Paper{}, fail("paper", err)
	}
	return readPaper(kind, id, kept)
}

// Papers implements [broadcast.Papers].
func (s *Papers) Papers(ctx context.Context, kind string) ([]broadcast.Paper, error) {
	var kept map[string]string
	err := again(ctx, func(ctx context.Context) (err error) {
		kept, err = s.r.commands.HGetAll(ctx, s.r.keys.papers(kind)).Result()
		return err
	})
	if err != nil {
		return nil, fail("papers", err)
	}
	all := make([]broadcast.Paper, 0, len(kept))
	for id, value := range kept {
		p, err := readPaper(kind, id, value)
		if err != nil {
			return nil, err
		}
		all = append(all, p)
	}
	slices.SortFunc(all, func(a, b broadcast.Paper) int {
		return cmp.Or(b.At.Compare(a.At), strings.Compare(a.ID, b.ID))
	})
	return all, nil
}

// PutPaper implements [broadcast.Papers].
func (s *Papers) PutPaper(ctx context.Context, p broadcast.Paper) (broadcast.Paper, error) {
	if len(p.Doc) > broadcast.MaxPaper || !json.Valid(p.Doc) {
		return p, fmt.Errorf("put paper %s %s: the document is no JSON of at most %d bytes", p.Kind, p.ID, broadcast.MaxPaper)
	}
	p.At = p.At.UTC().Round(0)
	value, err := json.Marshal(storedPaper{paperVersion, p.By, p.At, p.Doc})
	if err != nil {
		return p, fmt.Errorf("put paper: %w", err)
	}
	n, err := s.write(ctx, p.Kind, p.ID, p.Revision, string(value))
	p.Revision = n
	return p, fail("put paper", err)
}

// DropPaper implements [broadcast.Papers].
func (s *Papers) DropPaper(ctx context.Context, kind, id string, revision int64) error {
	_, err := s.write(ctx, kind, id, revision, "")
	return fail("drop paper", err)
}

func (s *Papers) write(ctx context.Context, kind, id string, revision int64, value string) (int64, error) {
	k := s.r.keys
	n, err := s.r.repeat(ctx, s.r.scripts.paper, []string{k.papers(kind), k.paperPast(kind, id)},
		id, revision, nonce(), value, broadcast.MostPapers, broadcast.PaperPast).Int64()
	switch {
	case err != nil:
		return 0, err
	case n == -1:
		return 0, alerts.ErrStale
	case n == -2:
		return 0, broadcast.ErrManyPapers
	}
	return n, nil
}

// PastPapers implements [broadcast.Papers].
func (s *Papers) PastPapers(ctx context.Context, kind, id string) ([]broadcast.Paper, error) {
	var kept []string
	err := again(ctx, func(ctx context.Context) (err error) {
		kept, err = s.r.commands.LRange(ctx, s.r.keys.paperPast(kind, id), 0, broadcast.PaperPast).Result()
		return err
	})
	if err == nil && len(kept) == 0 {
		err = alerts.ErrNotFound
	}
	if err != nil {
		return nil, fail("past of a paper", err)
	}
	all := make([]broadcast.Paper, len(kept))
	for i, value := range kept {
		if all[i], err = readPaper(kind, id, value); err != nil {
			return nil, err
		}
	}
	return all, nil
}
