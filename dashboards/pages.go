package dashboards

import (
	"bytes"
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"martinella/alerts"
	"martinella/broadcast"
)

//go:embed templates/*.html
var templateFiles embed.FS

// pages renders what citizens read. A page is rendered once for each language
// and change (and minute, because it says when it was made), kept compressed,
// and served from memory.
type pages struct {
	s         *Server
	locales   *locales
	assets    *assets
	templates map[string]map[string]*template.Template // by language, by page

	mu    sync.Mutex
	cache map[string]*entry
}

// entry is one rendered page; its lock makes everyone wait for one rendering.
type entry struct {
	mu        sync.Mutex
	version   string
	etag      string
	plain, gz []byte
	failed    time.Time // when it could not be made; not tried again at once
	err       error
}

// failedFor is how long a page that could not be made is not tried again, so
// that its readers do not queue up behind a store that is away.
const failedFor = 2 * time.Second

// maxPages bounds the memory; a country's events fit in it.
const maxPages = 2000

// pageNames are the templates that must exist, each beside layout and parts.
var pageNames = []string{"home", "alert", "past", "text", "status", "outbox"}

func newPages(s *Server) (*pages, error) {
	p := &pages{s: s, cache: map[string]*entry{}, templates: map[string]map[string]*template.Template{}}
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
	for tag, l := range p.locales.all {
		p.templates[tag] = map[string]*template.Template{}
		funcs := template.FuncMap{"T": l.T, "asset": p.assets.url, "upper": upper, "dict": dict}
		for _, name := range pageNames {
			t, err := template.New("layout.html").Funcs(funcs).Option("missingkey=error").
				ParseFS(templateFiles, "templates/layout.html", "templates/parts.html", "templates/"+name+".html")
			if err != nil {
				return nil, fmt.Errorf("template %s: %w", name, err)
			}
			p.templates[tag][name] = t
		}
	}
	return p, nil
}

// version changes whenever a page could look different.
func (p *pages) version(ctx context.Context, cursor broadcast.Cursor, now time.Time) string {
	d, err := p.s.status.now(ctx)
	_, ill := p.s.Board.Health()
	return fmt.Sprintf("%s %d %v %v %v %v", cursor, now.Unix()/60, d.Durable, d.Memory, err != nil, ill != nil)
}

// serve answers with a page, rendering it when it changed. key names the page
// without its language.
func (p *pages) serve(w http.ResponseWriter, r *http.Request, key string, make func(l *locale, v *broadcast.View, now time.Time) (view, error)) {
	l := p.locales.of(r)
	part := r.URL.Query().Get("part") == "live"
	if part && !p.caughtUp(w, r) {
		return
	}
	now := time.Now()
	board := p.s.Board.Snapshot()
	version := p.version(r.Context(), board.Cursor, now)
	e := p.entry(fmt.Sprintf("%s %s %v", key, l.Tag, part))
	e.mu.Lock()
	if e.version != version && time.Since(e.failed) < failedFor {
		err := e.err
		e.mu.Unlock()
		p.unable(w, r, err)
		return
	}
	if e.version != version {
		began := time.Now()
		v, err := make(l, board, now)
		if err == nil {
			err = p.render(e, l, v, p.frame(r.Context(), l, r.URL.Path, v, board.Cursor, now), part)
		}
		if err != nil {
			e.failed, e.err = time.Now(), err
			e.mu.Unlock()
			p.unable(w, r, err)
			return
		}
		e.version = version
		p.s.metrics.rendering.Observe(time.Since(began).Seconds())
	}
	etag, plain, gz := e.etag, e.plain, e.gz
	e.mu.Unlock()

	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Language", l.Tag)
	h.Add("Vary", "Accept-Language")
	h.Set("Cache-Control", "max-age=5, stale-while-revalidate=30")
	h.Set("ETag", etag)
	if seconds := refresh(r); seconds > 0 {
		h.Set("Refresh", itoa(seconds))
	}
	if matches(r.Header.Get("If-None-Match"), etag) {
		h.Add("Vary", "Accept-Encoding")
		w.WriteHeader(http.StatusNotModified)
		return
	}
	send(w, r, http.StatusOK, plain, gz)
}

// entry gives the cache's place for a page.
func (p *pages) entry(key string) *entry {
	p.mu.Lock()
	defer p.mu.Unlock()
	e, known := p.cache[key]
	if !known {
		if len(p.cache) >= maxPages {
			clear(p.cache)
		}
		e = &entry{}
		p.cache[key] = e
	}
	return e
}

func (p *pages) render(e *entry, l *locale, v view, f frame, part bool) error {
	var b bytes.Buffer
	block := "layout.html"
	if part {
		block = "live"
	}
	if err := p.templates[l.Tag][v.name].ExecuteTemplate(&b, block, f); err != nil {
		return fmt.Errorf("render %s: %w", v.name, err)
	}
	e.etag = etagOf(b.Bytes())
	e.plain, e.gz = b.Bytes(), zip(b.Bytes())
	return nil
}

// caughtUp waits until this node knows what the reader knows already. It
// answers 503 when that takes too long, and at once 410 to a cursor of an epoch
// that is not known here: the page starts afresh (DECISIONS 22).
func (p *pages) caughtUp(w http.ResponseWriter, r *http.Request) bool {
	c := r.URL.Query().Get("v")
	if c == "" || len(c) > 100 {
		return true
	}
	_, err := p.s.Board.Wait(r.Context(), broadcast.Cursor(c), broadcast.WaitLimit)
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
	l := p.locales.of(r)
	p.say(w, r, http.StatusNotFound, l, l.must("missing_title"), l.must("missing_text"))
}

// say answers with a page of one sentence.
func (p *pages) say(w http.ResponseWriter, r *http.Request, code int, l *locale, title, text string) {
	v := view{name: "text", title: title, content: textPage{Title: title, Paragraphs: []string{text}}}
	e := &entry{}
	if err := p.render(e, l, v, p.frame(r.Context(), l, "/", v, "", time.Now()), false); err != nil {
		p.s.internal(w, r, err, nil)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Add("Vary", "Accept-Language")
	h.Set("Cache-Control", "no-store")
	send(w, r, code, e.plain, e.gz)
}

// unable answers when a page cannot be made: the store is away (503), or a
// defect (500).
func (p *pages) unable(w http.ResponseWriter, r *http.Request, err error) {
	if !errors.Is(err, alerts.ErrUnavailable) && !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, context.Canceled) {
		p.s.internal(w, r, err, nil)
		return
	}
	l := p.locales.of(r)
	w.Header().Set("Retry-After", seconds(defaultRetry))
	p.say(w, r, http.StatusServiceUnavailable, l, l.must("unable_title"), l.must("store_down"))
}

// refresh reads ?refresh=60, for who wants the page to load itself again
// without JavaScript.
func refresh(r *http.Request) int {
	n, err := strconv.Atoi(r.URL.Query().Get("refresh"))
	if err != nil || n < 30 || n > 3600 {
		return 0
	}
	return n
}

// etagOf is weak, because the same page goes out compressed and not.
func etagOf(b []byte) string {
	sum := sha256.Sum256(b)
	return `W/"` + hex.EncodeToString(sum[:9]) + `"`
}

// matches reads If-None-Match (RFC 9110 section 13.1.2).
func matches(header, etag string) bool {
	for candidate := range strings.SplitSeq(header, ",") {
		if candidate = strings.TrimSpace(candidate); candidate == "*" || strings.TrimPrefix(candidate, "W/") == strings.TrimPrefix(etag, "W/") {
			return true
		}
	}
	return false
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
