package dashboards

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"time"

	"martinella/alerts"
	"martinella/alerts/compose"
	"martinella/alerts/templates"
	"martinella/broadcast"
)

// draftKind is the kind of the papers that alerts are written on; usedKind of
// those that say when a template was used last.
const (
	draftKind = "draft"
	usedKind  = "template-used"
)

// draftVersion is the stored format of [draftDoc].
const draftVersion = 1

// draftDoc is what the paper of a draft holds.
type draftDoc struct {
	V      int          `json:"v"`
	Form   compose.Form `json:"form"`
	Shapes string       `json:"shapes,omitempty"` // drawn areas as they were typed, also where they cannot be read
	Holder alerts.By    `json:"holder"`           // who works on it
	Begun  time.Time    `json:"begun"`
	// Writers are all who changed something in it, or wrote what it was made
	// from: none of them approves it where a second person is needed.
	Writers []alerts.By `json:"writers,omitempty"`
}

// wrote adds people to the writers, each once.
func (d *draftDoc) wrote(who ...alerts.By) {
	for _, one := range who {
		if !slices.ContainsFunc(d.Writers, func(w alerts.By) bool { return w.ID == one.ID }) {
			d.Writers = append(slices.Clip(d.Writers), one)
		}
	}
}

// draft is a paper with what it holds.
type draft struct {
	broadcast.Paper
	draftDoc
}

// draftIDForm is a key that the page was given, and the template.
var draftIDForm = regexp.MustCompile(`^[0-9A-HJKMNP-TV-Z]{26}(-[a-z0-9-]{1,40})?$`)

// longestHeadline is how much of one stands in a list, in characters.
const longestHeadline = 100

// headline is what a draft is called in lists.
func (d *draft) headline() string {
	for _, t := range d.Form.Texts {
		for _, s := range []string{t.Headline, t.Event, t.Description} {
			if s = tidy(s); s == "" {
				continue
			}
			if r := []rune(s); len(r) > longestHeadline {
				s = string(r[:longestHeadline-1]) + "…"
			}
			return s
		}
	}
	return ""
}

func readDraft(p broadcast.Paper) (*draft, error) {
	d := &draft{Paper: p}
	if err := json.Unmarshal(p.Doc, &d.draftDoc); err != nil {
		return nil, fmt.Errorf("draft %s: %w", p.ID, err)
	}
	if d.V > draftVersion {
		return nil, fmt.Errorf("draft %s has format %d, this program reads %d", p.ID, d.V, draftVersion)
	}
	return d, nil
}

func (c *console) draft(ctx context.Context, id string) (*draft, error) {
	if !draftIDForm.MatchString(id) {
		return nil, alerts.ErrNotFound
	}
	p, err := c.s.Papers.Paper(ctx, draftKind, id)
	if err != nil {
		return nil, err
	}
	return readDraft(p)
}

// errDraftSize is the error for a draft that no paper holds.
var errDraftSize = errors.New("the draft is larger than a paper may be")

// write keeps d.Form as the revision after d.Revision; alerts.ErrStale where
// somebody else wrote it meanwhile.
func (c *console) write(ctx context.Context, v *visit, d draft) (*draft, error) {
	d.V = draftVersion
	doc, err := json.Marshal(d.draftDoc)
	if err != nil {
		return nil, fmt.Errorf("draft: %w", err)
	}
	if len(doc) > broadcast.MaxPaper {
		return nil, errDraftSize
	}
	d.Kind, d.Doc, d.By, d.At = draftKind, doc, v.caller().By(), v.now
	kept, err := c.s.Papers.PutPaper(ctx, d.Paper)
	if err != nil {
		return nil, err
	}
	d.Paper = kept
	return &d, nil
}

// drafts lists those that are open, the one that was changed last first.
func (c *console) drafts(ctx context.Context) ([]*draft, error) {
	papers, err := c.s.Papers.Papers(ctx, draftKind)
	if err != nil {
		return nil, err
	}
	var all []*draft
	for _, p := range papers {
		d, err := readDraft(p)
		if err != nil {
			return nil, err
		}
		all = append(all, d)
	}
	return all, nil
}

// submitted finds the record that a draft has become.
func (c *console) submitted(ctx context.Context, id string) (*alerts.Record, error) {
	if !draftIDForm.MatchString(id) {
		return nil, alerts.ErrNotFound
	}
	return c.s.Desk.Store.Find(ctx, c.s.Authority.Sender, id)
}

// used notes that a template was taken. It is a comfort: a failure is not told.
func (c *console) used(ctx context.Context, v *visit, template string) {
	p, err := c.s.Papers.Paper(ctx, usedKind, template)
	if err != nil && !errors.Is(err, alerts.ErrNotFound) {
		return
	}
	_, _ = c.s.Papers.PutPaper(ctx, broadcast.Paper{Kind: usedKind, ID: template, Revision: p.Revision, Doc: []byte(`{"v":1}`), By: v.caller().By(), At: v.now})
}

// prepared gives the warnings written in advance: the authority's own and those
// that came with the program.
func (c *console) prepared() ([]templates.Template, error) {
	if c.s.Templates != nil {
		return c.s.Templates()
	}
	return templates.Shipped(), nil
}

// knowing is what the form is judged by.
func (c *console) knowing(ctx context.Context, v *visit, f *compose.Form) (compose.Context, error) {
	k := compose.Context{Authority: c.s.Authority, Zone: c.s.Zone, Languages: c.s.Words.Languages, Now: v.now, Areas: c.places, Words: c.s.words()}
	var err error
	if k.Templates, err = c.prepared(); err != nil {
		return k, err
	}
	for _, one := range []struct {
		id alerts.ID
		to **alerts.Record
	}{{f.Changes, &k.Previous}, {f.Corrects, &k.Earlier}} {
		if one.id == "" {
			continue
		}
		if *one.to, err = c.s.Desk.Store.Get(ctx, one.id, alerts.Exactly); err != nil && !errors.Is(err, alerts.ErrNotFound) {
			return k, err
		}
	}
	if f.Warning != "" && c.s.Warnings != nil {
		if k.Warning, err = c.inbound(ctx, f.Warning); err != nil && !errors.Is(err, alerts.ErrNotFound) {
			return k, err
		}
	}
	return k, nil
}
