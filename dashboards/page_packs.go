package dashboards

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"time"

	"go.uber.org/zap"

	"martinella/alerts/templates"
	"martinella/dashboards/settings"
)

// packs writes a pack, or reads one.
func (c *console) packs(v *visit) {
	if !c.readForm(v) {
		return
	}
	switch v.r.PostForm.Get("do") {
	case "export":
		c.exportPack(v)
	case "import", "take":
		c.importPack(v)
	default:
		c.say(v, http.StatusBadRequest, v.l.must("console_unread"))
	}
}

func (c *console) exportPack(v *visit) {
	own, err := c.own().Own(v.r.Context())
	if err != nil {
		c.fail(v, err)
		return
	}
	switch {
	case len(own) == 0:
		c.ownTemplatesForm(v, http.StatusUnprocessableEntity, "", v.l.must("otemplates_no_own"), nil)
		return
	case c.s.PackKey == nil:
		c.ownTemplatesForm(v, http.StatusUnprocessableEntity, "", v.l.must("otemplates_no_key"), nil)
		return
	}
	key, err := c.s.PackKey()
	if err != nil {
		c.fail(v, err)
		return
	}
	b, err := templates.Seal(templates.Pack{Name: c.s.Authority.Name, Made: v.now.UTC().Truncate(time.Second), Templates: settings.Plain(own)}, c.s.Authority.Name, key)
	if err != nil {
		c.fail(v, err)
		return
	}
	c.log("pack of templates written", v.member, zap.Int("templates", len(own)))
	h := v.w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Content-Disposition", `attachment; filename="`+c.s.Authority.Slug+`-templates.json"`)
	_, _ = v.w.Write(b) // the browser went away
}

// importPack reports what a pack would do, and does it once that was agreed to.
func (c *console) importPack(v *visit) {
	ctx, cancel := actContext(v.r)
	defer cancel()
	form := v.r.PostForm
	text := []byte(form.Get("pack"))
	if file, _, err := v.r.FormFile("file"); err == nil {
		text, _ = io.ReadAll(io.LimitReader(file, templates.MaxPack+1)) // what cannot be read is no pack
		_ = file.Close()
	}
	refuse := func(key string, report *packReport) {
		c.ownTemplatesForm(v, http.StatusUnprocessableEntity, "", v.l.must(key), report)
	}
	if len(text) == 0 {
		refuse("otemplates_no_file", nil)
		return
	}
	p, by, err := templates.Open(text)
	if errors.Is(err, templates.ErrSignature) {
		refuse("otemplates_forged", nil)
		return
	}
	if err != nil {
		refuse("otemplates_no_pack", nil)
		return
	}
	own, err := c.own().Own(ctx)
	if err != nil {
		c.fail(v, err)
		return
	}
	signers, _, err := c.own().Signers(ctx)
	if err != nil {
		c.fail(v, err)
		return
	}
	report, after := templates.Compare(settings.Plain(own), p)
	shown := reported(report, p, by, text)
	shown.Known = settings.Knows(signers, by)
	switch {
	case form.Get("do") == "import":
		c.ownTemplatesForm(v, 0, v.l.must("otemplates_reported"), "", shown)
		return
	case form.Get("digest") != shown.Digest:
		refuse("otemplates_moved", shown)
		return
	case !shown.Known && form.Get("agree") == "":
		refuse("otemplates_disagreed", shown)
		return
	}
	if by != nil && !shown.Known {
		if err := c.own().Trust(ctx, *by, v.by(), v.now); err != nil {
			c.fail(v, err)
			return
		}
	}
	n, err := c.own().Take(ctx, own, report, after, v.by(), v.now)
	if words := c.stale(v, err); words != "" {
		c.ownTemplatesForm(v, http.StatusConflict, "", words, nil)
		return
	}
	if err != nil {
		c.fail(v, err)
		return
	}
	c.log("pack of templates taken", v.member, zap.Int("templates", n), zap.Bool("signed", by != nil))
	c.ownTemplatesForm(v, 0, v.l.must("otemplates_taken", "N", n), "", nil)
}

func reported(r templates.Report, p templates.Pack, by *templates.Signer, text []byte) *packReport {
	shown := &packReport{Report: r, Name: p.Name, Pack: string(text), Empty: len(r.New)+len(r.Changed) == 0}
	for _, one := range r.Refused {
		line := refusedLine{ID: one.ID}
		line.Problems = one.Problems
		shown.Refused = append(shown.Refused, line)
	}
	if by != nil {
		shown.Signer = &signerLine{by.Name, by.Fingerprint()}
	}
	b, _ := json.Marshal(r) // plain data
	sum := sha256.Sum256(append(b, text...))
	shown.Digest = hex.EncodeToString(sum[:])
	return shown
}
