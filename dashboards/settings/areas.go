package settings

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"time"

	"martinella/alerts"
	"martinella/alerts/areas"
	"martinella/broadcast"
)

const kindAreas = "areas"

// The bounds of stored sets of areas.
const (
	maxOutlines = 64 << 20 // bytes of a set once it is unpacked
	areaChanges = 20       // that are told of a set
)

// ErrAreasTooLarge is the error for outlines that do not fit into one paper.
var ErrAreasTooLarge = errors.New("the outlines are too large for the store")

// AreaSetName is what a set may be called.
var AreaSetName = regexp.MustCompile(`^[a-z0-9-]{1,40}$`)

// AreaSet is outlines that staff loaded in the console.
type AreaSet struct {
	Name    string       `json:"name"`
	Source  string       `json:"source"`  // who made the outlines
	Licence string       `json:"licence"` // under which they are used
	Date    string       `json:"date"`    // of the outlines, in words
	Areas   int          `json:"areas"`
	Packed  []byte       `json:"packed"` // GeoJSON as areas.GeoJSON writes it, in gzip
	Changes []AreaChange `json:"changes,omitempty"`

	Paper   broadcast.Paper  `json:"-"` // as it is stored
	Outline *areas.Gazetteer `json:"-"` // nil where Trouble says why
	Trouble error            `json:"-"`
}

// Credit is what stands below a map: "ISTAT (CC BY 4.0), 2026".
func (s AreaSet) Credit() string { return s.Source + " (" + s.Licence + "), " + s.Date }

// AreaChange is an earlier state of a set: who stored it and when.
type AreaChange struct {
	By    string    `json:"by"`
	At    time.Time `json:"at"`
	Areas int       `json:"areas"`
}

// Pack puts the outlines into the set, rounded to about a metre, and reads them
// again as every node will: the error joins an [areas.Mistake] for each area that
// does not survive this. [ErrAreasTooLarge] where they do not fit.
func (s *AreaSet) Pack(g *areas.Gazetteer) error {
	var b bytes.Buffer
	w, _ := gzip.NewWriterLevel(&b, gzip.BestCompression) // the level exists
	_, _ = w.Write(g.GeoJSON())                           // a buffer takes everything
	_ = w.Close()
	s.Packed, s.Areas = b.Bytes(), g.Len()
	if doc, err := json.Marshal(s); err != nil || len(doc) > broadcast.MaxPaper-areaChanges*200 {
		return errors.Join(ErrAreasTooLarge, err)
	}
	return s.Unpack()
}

// Unpack reads the outlines of the set. The error joins an [areas.Mistake] for
// each thing that is wrong with them.
func (s *AreaSet) Unpack() error {
	r, err := gzip.NewReader(bytes.NewReader(s.Packed))
	if err != nil {
		return fmt.Errorf("areas %s: %w", s.Name, err)
	}
	s.Outline, err = areas.Read(io.LimitReader(r, maxOutlines), areas.Source{File: s.Name})
	return err
}

// Base64 gives Packed for a form; [AreaSet.Take] takes it back.
func (s AreaSet) Base64() string { return base64.StdEncoding.EncodeToString(s.Packed) }

// Take fills the set with Packed in base64, as it was given to a reader. The error
// says that it is not what [AreaSet.Pack] makes.
func (s *AreaSet) Take(packed string) error {
	b, err := base64.StdEncoding.DecodeString(packed)
	if err != nil {
		return fmt.Errorf("areas %s: %w", s.Name, err)
	}
	s.Packed = b
	if err := s.Unpack(); err != nil {
		return err
	}
	return s.Pack(s.Outline)
}

// Digest is over everything of the set but its past, to tell whether a node runs
// with it.
func (s AreaSet) Digest() string {
	s.Changes = nil
	b, _ := json.Marshal(s) // plain data
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// AreaSets keeps the sets in papers. Its methods block until the store answered
// and may be called from many goroutines and nodes.
type AreaSets struct{ Papers broadcast.Papers }

// All reads the sets, by name. One that this program cannot read has its
// Trouble and no Outline; the others are there.
func (a AreaSets) All(ctx context.Context) ([]AreaSet, error) {
	papers, err := a.Papers.Papers(ctx, kindAreas)
	if err != nil {
		return nil, fmt.Errorf("sets of areas: %w", err)
	}
	all := make([]AreaSet, 0, len(papers))
	for _, p := range papers {
		var one AreaSet
		err := json.Unmarshal(p.Doc, &one)
		if err == nil {
			err = one.Unpack()
		}
		one.Name, one.Paper, one.Trouble = p.ID, p, err
		all = append(all, one)
	}
	slices.SortFunc(all, func(x, y AreaSet) int { return strings.Compare(x.Name, y.Name) })
	return all, nil
}

// Put writes a set over the revision that its writer saw; 0 for a new one.
// before is the set that was there, nil for none. alerts.ErrStale where somebody
// else wrote it since.
func (a AreaSets) Put(ctx context.Context, one AreaSet, before *AreaSet, by alerts.By, now time.Time) error {
	p := broadcast.Paper{Kind: kindAreas, ID: one.Name, By: by, At: now}
	one.Changes = nil
	if before != nil {
		p.Revision = before.Paper.Revision
		one.Changes = append([]AreaChange{{short(before.Paper.By.Name), before.Paper.At, before.Areas}}, before.Changes...)
		one.Changes = one.Changes[:min(len(one.Changes), areaChanges)]
	}
	doc, err := json.Marshal(one)
	if err != nil {
		return fmt.Errorf("areas %s: %w", one.Name, err)
	}
	p.Doc = doc
	_, err = a.Papers.PutPaper(ctx, p)
	return err
}

// short keeps a name from filling the paper.
func short(name string) string {
	if len(name) > 80 {
		return strings.ToValidUTF8(name[:80], "") + "…"
	}
	return name
}

// Drop removes a set if revision is still the newest; alerts.ErrStale otherwise.
func (a AreaSets) Drop(ctx context.Context, name string, revision int64) error {
	return a.Papers.DropPaper(ctx, kindAreas, name, revision)
}
