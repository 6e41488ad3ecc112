package settings

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"martinella/alerts"
	"martinella/alerts/templates"
	"martinella/broadcast"
)

// OwnTemplate is a template of the authority's own, with who wrote it when.
type OwnTemplate struct {
	templates.Template
	Paper broadcast.Paper
}

// Templates keeps the authority's own templates in papers. Its methods block
// until the store answered and may be called from many goroutines and nodes.
type Templates struct{ Papers broadcast.Papers }

// Own reads them, by id. One that this program cannot read is an error: a
// warning that is missing in the emergency must be known before.
func (t Templates) Own(ctx context.Context) ([]OwnTemplate, error) {
	papers, err := t.Papers.Papers(ctx, kindTemplate)
	if err != nil {
		return nil, fmt.Errorf("own templates: %w", err)
	}
	all := make([]OwnTemplate, 0, len(papers))
	for _, p := range papers {
		one, err := templates.Read(p.Doc)
		if err != nil || one.ID != p.ID {
			return nil, fmt.Errorf("own template %s, revision %d, cannot be read by this program: %w", p.ID, p.Revision, err)
		}
		all = append(all, OwnTemplate{one, p})
	}
	slices.SortFunc(all, func(a, b OwnTemplate) int { return strings.Compare(a.ID, b.ID) })
	return all, nil
}

// Plain gives the templates alone.
func Plain(own []OwnTemplate) []templates.Template {
	all := make([]templates.Template, len(own))
	for i := range own {
		all[i] = own[i].Template
	}
	return all
}

// Merged gives the templates in use: the shipped ones, and in their place or
// beside them the own ones.
func (t Templates) Merged(ctx context.Context) ([]templates.Template, error) {
	own, err := t.Own(ctx)
	return templates.Merge(Plain(own)), err
}

// Put writes a template over the revision that the writer saw; 0 for a new one.
// It is judged before. alerts.ErrStale where somebody else wrote it since, or
// one with its id is there already.
func (t Templates) Put(ctx context.Context, one templates.Template, revision int64, by alerts.By, now time.Time) error {
	one.Shipped = false
	doc, err := json.Marshal(one)
	if err != nil {
		return fmt.Errorf("own template %s: %w", one.ID, err)
	}
	_, err = t.Papers.PutPaper(ctx, broadcast.Paper{Kind: kindTemplate, ID: one.ID, Revision: revision, Doc: doc, By: by, At: now})
	return err
}

// Drop removes an own template: the shipped one with its id, if there is one,
// holds again. alerts.ErrStale where it was changed since.
func (t Templates) Drop(ctx context.Context, id string, revision int64) error {
	return t.Papers.DropPaper(ctx, kindTemplate, id, revision)
}

// Take writes what a pack changes, one template after the other, and gives how
// many. After an error those before it are written: taking the pack again goes
// on where it ended.
func (t Templates) Take(ctx context.Context, own []OwnTemplate, report templates.Report, after []templates.Template, by alerts.By, now time.Time) (n int, err error) {
	for _, one := range after {
		if !slices.Contains(report.New, one.ID) && !slices.Contains(report.Changed, one.ID) {
			continue
		}
		var revision int64
		if i := slices.IndexFunc(own, func(o OwnTemplate) bool { return o.ID == one.ID }); i >= 0 {
			revision = own[i].Paper.Revision
		}
		if err := t.Put(ctx, one, revision, by, now); err != nil {
			return n, fmt.Errorf("take %s: %w", one.ID, err)
		}
		n++
	}
	return n, nil
}

// Signers reads whose packs are taken without asking, and the revision of the
// list.
func (t Templates) Signers(ctx context.Context) (all []templates.Signer, revision int64, err error) {
	p, err := t.Papers.Paper(ctx, kindSetting, idSigners)
	if errors.Is(err, alerts.ErrNotFound) {
		return nil, 0, nil
	}
	if err == nil {
		err = json.Unmarshal(p.Doc, &all)
	}
	if err != nil {
		return nil, 0, fmt.Errorf("known signers: %w", err)
	}
	return all, p.Revision, nil
}

// Knows reports whether the signer is among them; its key decides, not its name.
func Knows(all []templates.Signer, s *templates.Signer) bool {
	return s != nil && slices.ContainsFunc(all, func(k templates.Signer) bool { return bytes.Equal(k.Key, s.Key) })
}

// Trust adds a signer, whose fingerprint people have compared.
func (t Templates) Trust(ctx context.Context, s templates.Signer, by alerts.By, now time.Time) error {
	all, revision, err := t.Signers(ctx)
	if err != nil || Knows(all, &s) {
		return err
	}
	doc, err := json.Marshal(append(all, s))
	if err != nil {
		return fmt.Errorf("known signers: %w", err)
	}
	_, err = t.Papers.PutPaper(ctx, broadcast.Paper{Kind: kindSetting, ID: idSigners, Revision: revision, Doc: doc, By: by, At: now})
	return err
}
