package dashboards

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"go.uber.org/zap"

	"martinella/alerts"
	"martinella/broadcast"
	"martinella/broadcast/callout"
)

// pages renders what citizens read. A page is rendered once for each language
// and change (and minute, because it says when it was made), kept compressed,
// and served from memory.
type pages struct {
	s         *Server
	locales   *locales // of the public pages
	staff     *locales // of the console
	assets    *assets
	atlas     *atlas
	archive   *archive
	templates *templateSet
	shelf     *shelf
	links     *buckets // links of calls that open nothing, by address
	walls     *wallReads
}

func newPages(s *Server) (*pages, error) {
	p := &pages{s: s, shelf: newShelf(), links: wrongLinks(), atlas: newAtlas(s.Areas)}
	p.walls = newWallReads(func(ctx context.Context, token string) (*callout.View, error) { return s.Callouts.Board(ctx, token) })
	p.archive = &archive{s: s, atlas: p.atlas}
	tokens, err := brandTokens(s.Brand)
	if err != nil {
		return nil, err
	}
	if p.assets, err = loadAssets(tokens); err != nil {
		return nil, err
	}
	if p.locales, err = loadLocales(s.Zone); err != nil {
		return nil, err
	}
	p.staff = p.locales.only(staffLanguages)
	if p.templates, err = loadTemplates(p.locales, p.assets); err != nil {
		return nil, err
	}
	return p, nil
}

// leaf is how one page is made. basis tells, where it is set, what the page
// shows of the view: while that stays the same, changes elsewhere do not make
// the page anew. Either error of the two may be alerts.ErrNotFound.
type leaf struct {
	name, id string // together they name the page
	basis    func(v *broadcast.View, now time.Time) (string, error)
	make     func(l *locale, v *broadcast.View, now time.Time) (view, error)
}

// serve answers with a page, rendering it when it changed.
func (p *pages) serve(w http.ResponseWriter, r *http.Request, one leaf) {
	q := askedOf(r)
	l := p.locales.of(r, q.lang)
	if q.part && !p.caughtUp(w, r, q.cursor) {
		return
	}
	if a, ok := w.(*recording); ok {
		p.once(a, r, l, one)
		return
	}
	at := place{one.name, one.id, l.Tag, q.part, q.keeps(l.Tag)}
	c := p.shelf.at(at)
	ready := c.ready.Load()
	if ready == nil || ready.version != p.version(r.Context(), p.s.Board.Snapshot().Cursor, time.Now()) {
		var err error
		if ready, err = p.bring(r, at, c, l, one); err != nil {
			if errors.Is(err, alerts.ErrNotFound) {
				p.shelf.drop(at)
				p.missing(w, r)
				return
			}
			p.unable(w, r, err)
			return
		}
	}
	h := w.Header()
	h["Cache-Control"] = shortly
	if seconds := refresh(q.refresh); seconds > 0 {
		h.Set("Refresh", itoa(seconds))
	}
	if q.part {
		spare(h)
	}
	ready.send(w, r, l)
}

// once makes a page for a copier, which does not ask for it again.
func (p *pages) once(a *recording, r *http.Request, l *locale, one leaf) {
	board := p.s.Board.Snapshot()
	now, _ := r.Context().Value(copying{}).(time.Time)
	l = l.forCopy()
	err := func() error {
		if one.basis != nil {
			if _, err := one.basis(board, now); err != nil {
				return err
			}
		}
		v, err := one.make(l, board, now)
		if err != nil {
			return err
		}
		a.header["Content-Type"] = htmlText
		page, err := p.templates.in(l.Tag, v.name)
		if err != nil {
			return err
		}
		return page.ExecuteTemplate(a, "layout.html", p.frame(r, l, r.URL.Path, v, board.Cursor, now))
	}()
	switch {
	case errors.Is(err, alerts.ErrNotFound):
		a.WriteHeader(http.StatusNotFound)
	case err != nil:
		p.s.Logger.Warn("a page could not be copied", zap.String("page", one.name), zap.Error(err))
		a.code = http.StatusServiceUnavailable
	}
}

// bring renders the page for all who wait for it, with what is known by then.
func (p *pages) bring(r *http.Request, at place, c *copies, l *locale, one leaf) (*ready, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	began := time.Now()
	board := p.s.Board.Snapshot() // newer than that of who came before us
	version := p.version(r.Context(), board.Cursor, began)
	before := c.ready.Load()
	if before != nil && before.version == version {
		return before, nil
	}
	if began.Sub(c.failed) < failedFor {
		return nil, c.err
	}
	made, err := p.renew(r, before, l, one, at.part, board, version, began)
	if err != nil {
		if !errors.Is(err, alerts.ErrNotFound) {
			c.failed, c.err = time.Now(), err
		}
		return nil, err
	}
	c.ready.Store(made)
	p.shelf.weigh(at, c, made)
	return made, nil
}

func (p *pages) renew(r *http.Request, before *ready, l *locale, one leaf, part bool, board *broadcast.View, version version, now time.Time) (*ready, error) {
	var basis string
	if one.basis != nil {
		var err error
		if basis, err = one.basis(board, now); err != nil {
			return nil, err
		}
		if before != nil && before.basis == basis && before.version.but(board.Cursor) == version && board.Cursor.Reached(before.version.cursor) {
			again := *before
			again.version = version
			return &again, nil
		}
	}
	v, err := one.make(l, board, now)
	if err != nil {
		return nil, err
	}
	made, err := p.render(l, v, p.frame(r, l, r.URL.Path, v, board.Cursor, now), part)
	if err != nil {
		return nil, err
	}
	made.version, made.basis = version, basis
	p.s.metrics.rendering.Observe(time.Since(now).Seconds())
	return made, nil
}

// render makes the bytes of a page or of its live part.
func (p *pages) render(l *locale, v view, f frame, part bool) (*ready, error) {
	block := "layout.html"
	if part {
		block = "live"
	}
	b, err := p.written(l, v.name, block, f)
	if err != nil {
		return nil, err
	}
	if f.Keeps {
		b = keepLanguage(b, l.Tag)
	}
	return newReady(b), nil
}

// execute runs one block of a page's templates.
func (p *pages) execute(l *locale, name, block string, content any) (*ready, error) {
	b, err := p.written(l, name, block, content)
	if err != nil {
		return nil, err
	}
	return newReady(b), nil
}

func (p *pages) written(l *locale, name, block string, content any) ([]byte, error) {
	page, err := p.templates.in(l.Tag, name)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if err := page.ExecuteTemplate(&b, block, content); err != nil {
		return nil, fmt.Errorf("render %s: %w", name, err)
	}
	return b.Bytes(), nil
}

// version is that of a page made of the view at cursor, at now.
func (p *pages) version(ctx context.Context, cursor broadcast.Cursor, now time.Time) version {
	d, err := p.s.status.now(ctx)
	_, ill := p.s.Board.Health()
	return version{cursor, now.Unix() / 60, d.Durable, d.Memory, err != nil, ill != nil, p.s.stopped(), p.s.dress()}
}

// caughtUp waits until this node knows what the reader knows already. It
// answers 503 when that takes too long, and at once 410 to a cursor of an epoch
// that is not known here: the page starts afresh (DECISIONS 22).
func (p *pages) caughtUp(w http.ResponseWriter, r *http.Request, cursor string) bool {
	if cursor == "" || len(cursor) > 100 || string(p.s.Board.Snapshot().Cursor) == cursor {
		return true
	}
	_, err := p.s.Board.Wait(r.Context(), broadcast.Cursor(cursor), broadcast.WaitLimit)
	if err == nil {
		return true
	}
	w.Header().Set("Cache-Control", "no-store")
	if errors.Is(err, broadcast.ErrGone) {
		http.Error(w, "gone", http.StatusGone)
		return false
	}
	w.Header().Set("Retry-After", "2")
	http.Error(w, "behind", http.StatusServiceUnavailable)
	return false
}

// missing is the answer to a path that is not there.
func (p *pages) missing(w http.ResponseWriter, r *http.Request) {
	l := p.locales.of(r, askedOf(r).lang)
	p.say(w, r, http.StatusNotFound, l, l.must("missing_title"), l.must("missing_text"))
}

// say answers with a page of one sentence.
func (p *pages) say(w http.ResponseWriter, r *http.Request, code int, l *locale, title, text string) {
	v := view{name: "text", title: title, content: textPage{Title: title, Paragraphs: []string{text}}}
	made, err := p.render(l, v, p.frame(r, l, "/", v, "", time.Now()), false)
	if err != nil {
		p.s.internal(w, r, err, nil)
		return
	}
	w.Header()["Cache-Control"] = never
	made.write(w, r, code, l)
}

// unable answers when a page cannot be made: the store is away (503), or a
// defect (500).
func (p *pages) unable(w http.ResponseWriter, r *http.Request, err error) {
	if !errors.Is(err, alerts.ErrUnavailable) && !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, context.Canceled) {
		p.s.internal(w, r, err, nil)
		return
	}
	l := p.locales.of(r, askedOf(r).lang)
	w.Header().Set("Retry-After", seconds(defaultRetry))
	p.say(w, r, http.StatusServiceUnavailable, l, l.must("unable_title"), l.must("store_down"))
}

// dict makes a map of names and values, for templates that need more than one
// value.
func dict(pairs ...any) (map[string]any, error) {
	m := map[string]any{}
	for i := 0; i+1 < len(pairs); i += 2 {
		name, ok := pairs[i].(string)
		if !ok {
			return nil, errors.New("dict: a name is not a string")
		}
		m[name] = pairs[i+1]
	}
	return m, nil
}

func itoa(n int) string { return strconv.Itoa(n) }
