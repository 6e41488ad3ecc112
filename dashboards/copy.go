package dashboards

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"

	"martinella/alerts"
	"martinella/broadcast"
	"martinella/dashboards/mirror"
)

// A copy of the public pages is plain files: PATH/index.html for each page, in
// the authority's language at the root and in each other one below its tag
// (/en/a/01J.../index.html). So /a/{event} of the SMS opens on any web server
// without configuration.

// still is how the answers of a route stand in a copy.
type still int

const (
	stillPage still = iota // a page in every language
	stillFeed              // a file in every language
	stillFile              // one file
)

// stills are the routes of which a copy holds what is linked from its pages. A
// new public page that is the same for all readers is one line here; what needs
// the gateway, like a form, is in notCopied of copy_test.go with its reason.
var stills = map[string]still{
	"/{$}":                      stillPage,
	"/a/{id}":                   stillPage,
	"/a/{id}/card.png":          stillFile,
	"/past":                     stillPage,
	"/past/{month}":             stillPage,
	"/what-to-do":               stillPage,
	"/what-to-do/{hazard}":      stillPage,
	"/areas":                    stillPage,
	"/area/{code}":              stillPage,
	"/area/{code}/past":         stillPage,
	"/area/{code}/past/{month}": stillPage,
	"/policy":                   stillPage,
	"/feedback":                 stillPage,
	"/status":                   stillPage,
	"/accounts":                 stillPage,
	"/accessibility":            stillPage,
	"/privacy":                  stillPage,
	"/guide":                    stillPage,
	"/guide/{page}":             stillPage,
	"/feed.atom":                stillFeed,
	"/feed.rss":                 stillFeed,
	"/feed.json":                stillFeed,
	"/calendar.ics":             stillFeed,
	"/cap.atom":                 stillFeed,
	"/cap.rss":                  stillFeed,
	"/accounts.json":            stillFile,
	"/verify/{file}":            stillFile,
	keyPath:                     stillFile,
	"/cap/{file}":               stillFile,
	"/static/{file}":            stillFile,
	"/photo/{file}":             stillFile,
	"/robots.txt":               stillFile,
	"/favicon.ico":              stillFile,
	"/.well-known/atproto-did":  stillFile,
}

// freshStills are the pages that say how things are now: a copy renews them also
// where nothing but the time changed, as it does those of events that go on.
var freshStills = []string{"/{$}", "/status"}

// maxCopied bounds a copy; older events keep their pages at the gateway alone.
const (
	maxCopied       = 20_000 // files
	maxCopiedEvents = 1000
	maxFreshAreas   = 400 // whose pages are made anew at each change
)

// copyPolicy is the policy of a copy's pages: they run no script and send
// nothing. It stands in the page, since the web server is anybody's.
const copyPolicy = "default-src 'none'; style-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'"

// Copier makes copies of the public pages; it is a mirror.Source. Not for more
// than one goroutine at a time.
type Copier struct {
	s     *Server
	mux   *http.ServeMux
	langs []string        // the first one stands at the root
	known map[string]bool // the files of the last whole copy
	bad   map[spot]int    // how often running what could not be made failed
}

// mostFailures is how often a page may hold back what is urgent: after that, a
// copy of what goes on leaves it out until it can be made. The first page is
// never left out. After mostFailed of them a copy is given up at once.
const (
	mostFailures = 3
	mostFailed   = 20
)

var _ mirror.Source = (*Copier)(nil)

// Copier prepares to make copies.
func (s *Server) Copier() *Copier {
	c := &Copier{s: s, mux: http.NewServeMux(), langs: slices.Clone(s.pages.locales.tags), bad: map[spot]int{}}
	if own := alerts.PrimaryLanguage(s.Authority.Language); slices.Contains(c.langs, own) {
		c.langs = append([]string{own}, slices.DeleteFunc(c.langs, func(l string) bool { return l == own })...)
	}
	for _, r := range s.public() {
		if _, copied := stills[r.Path]; copied && r.Method == http.MethodGet {
			c.mux.HandleFunc(r.Path, r.Serve)
		}
	}
	return c
}

// spot is one thing to be copied.
type spot struct {
	path, query string
	lang        string // "" of what is the same in all
}

// taken is an answer as it goes into a copy, before its links are known to lead
// somewhere.
type taken struct {
	at    spot
	file  string
	media string
	body  []byte
	page  bool // HTML
	fresh bool
}

// Copy makes the files of all public pages, or, where whole is false, of those
// that a change can concern: the first page, what goes on, feeds, and what is
// linked from them for the first time. It takes the pages from the gateway's own
// handlers; an error of one, beside "not found", ends it, but where whole is false
// only mostFailures times running.
func (c *Copier) Copy(ctx context.Context, now time.Time, whole bool) (*mirror.Edition, error) {
	seeds, going, err := c.seeds(ctx, now, whole)
	if err != nil {
		return nil, err
	}
	has, tried := map[string]bool{}, map[string]bool{}
	var all []taken
	var failed []error
	for len(seeds) > 0 {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		at := seeds[0]
		seeds = seeds[1:]
		file, kind, ok := c.fileOf(at)
		if !ok || tried[file] {
			continue
		}
		if len(has) >= maxCopied {
			break // the first pages, what goes on and the newest came first
		}
		tried[file] = true
		t, found, err := c.take(ctx, at, now)
		if err != nil {
			err = fmt.Errorf("copy %s: %w", at.path, err)
			if failed = c.failing(failed, at, err); whole || at.path == "/" || ctx.Err() != nil || len(failed) > mostFailed {
				return nil, err
			}
			continue
		}
		delete(c.bad, at)
		if !found {
			continue
		}
		t.file, t.page = file, kind == stillPage
		t.fresh = t.page && (slices.ContainsFunc(freshStills, func(p string) bool { return c.pattern(at.path) == p }) || going[path.Base(at.path)])
		has[file] = true
		all = append(all, t)
		if !t.page {
			continue
		}
		for _, to := range c.links(t) {
			if f, _, ok := c.fileOf(to); ok && !tried[f] && (whole || !c.known[f] || c.pattern(to.path) == "/a/{id}/card.png") {
				seeds = append(seeds, to)
			}
		}
	}
	if len(failed) > 0 {
		return nil, failed[0]
	}
	lost, err := c.lost(ctx, now)
	if err != nil {
		return nil, err
	}
	all = append(all, lost)
	there := has
	if whole || c.known == nil {
		c.known = has
	} else {
		for f := range has {
			c.known[f] = true
		}
		there = c.known
	}
	e := &mirror.Edition{At: now, Whole: whole}
	for _, t := range all {
		e.Files = append(e.Files, c.file(t, there))
	}
	slices.SortStableFunc(e.Files, func(a, b mirror.File) int {
		if d := rankOfFile(a.Path) - rankOfFile(b.Path); d != 0 {
			return d
		}
		return strings.Compare(a.Path, b.Path)
	})
	return e, nil
}

// failing counts a failure, and adds it to those for which what is urgent waits.
// Where it no longer does, links lead to what was copied before, or nowhere.
func (c *Copier) failing(failed []error, at spot, err error) []error {
	if c.bad[at]++; c.bad[at] > mostFailures {
		return failed
	}
	return append(failed, err)
}

// rankOfFile has what others link to written before them, and the first pages
// last.
func rankOfFile(file string) int {
	switch depth := strings.Count(file, "/"); {
	case !strings.HasSuffix(file, ".html"):
		return 0
	case depth == 0 || depth == 1 && len(path.Dir(file)) == 2:
		return 2
	}
	return 1
}

// seeds are where copying begins; going are the events that are not over.
func (c *Copier) seeds(ctx context.Context, now time.Time, whole bool) (seeds []spot, going map[string]bool, err error) {
	add := func(p string) {
		switch stills[c.pattern(p)] {
		case stillFile:
			seeds = append(seeds, spot{path: p})
		default:
			for _, l := range c.langs {
				seeds = append(seeds, spot{path: p, lang: l})
			}
		}
	}
	for _, r := range c.s.public() {
		_, copied := stills[r.Path]
		if p := strings.TrimSuffix(r.Path, "{$}"); copied && !strings.Contains(p, "{") {
			if whole || r.Path == "/past" || slices.Contains(freshStills, r.Path) || stills[r.Path] == stillFeed {
				add(p)
			}
		}
	}
	if !whole { // those of areas tell what holds there, as the first page does
		for i := range min(len(c.s.pages.atlas.all), maxFreshAreas) {
			add(c.s.pages.atlas.all[i].URL())
		}
	}
	going = map[string]bool{}
	board := map[alerts.ID]bool{}
	for _, h := range happenings(c.s.Board.Snapshot(), now) {
		going[string(h.Event)] = !h.over()
		board[h.Event] = true
		add("/a/" + string(h.Event))
	}
	if !whole {
		return seeds, going, nil
	}
	states := []alerts.State{alerts.StateIssued, alerts.StateCancelled, alerts.StateLapsed, alerts.StateEnded}
	for r, err := range c.s.Desk.Store.All(ctx, alerts.Filter{States: states}) {
		if err != nil {
			return nil, nil, err
		}
		if !broadcast.Public(r) {
			continue
		}
		if len(board) < maxCopiedEvents || board[r.Event] {
			add("/cap/" + string(r.ID) + ".xml") // feeds that were read earlier lead to it
		}
		if board[r.Event] {
			continue
		}
		if len(board) >= maxCopiedEvents {
			continue
		}
		board[r.Event] = true
		add("/a/" + string(r.Event))
	}
	return seeds, going, nil
}

// pattern is the route that answers a path of a copy; "" for none.
func (c *Copier) pattern(p string) string {
	_, pattern := c.mux.Handler(&http.Request{Method: http.MethodGet, URL: &url.URL{Path: p}, Host: "copy"})
	return pattern
}

// fileOf names the file of a spot; false for what a copy does not hold.
func (c *Copier) fileOf(at spot) (file string, kind still, ok bool) {
	if path.Clean(at.path) != at.path {
		return "", 0, false
	}
	pattern := c.pattern(at.path)
	kind, ok = stills[pattern]
	if !ok {
		return "", 0, false
	}
	if kind != stillFile && at.lang != c.langs[0] {
		file = at.lang
	}
	file = path.Join(file, strings.TrimPrefix(at.path, "/"))
	if kind == stillPage {
		if at.query != "" { // one choice, like month=2026-10, is a folder
			name, value, _ := strings.Cut(at.query, "=")
			if strings.Trim(name, "abcdefghijklmnopqrstuvwxyz") != "" || value == "" || strings.Trim(value, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
				return "", 0, false
			}
			file = path.Join(file, name+"-"+value)
		}
		file = path.Join(file, "index.html")
	}
	return file, kind, mirror.Valid(file)
}

// spotOf reads the address of a link on a page in lang. fragment is what is
// behind #.
func (c *Copier) spotOf(address, lang string) (at spot, fragment string, inside bool) {
	address = strings.TrimSpace(address)
	if rest, own := strings.CutPrefix(address, c.s.PublicURL); own && (rest == "" || rest[0] == '/') {
		address = "/" + strings.TrimPrefix(rest, "/")
	}
	if !strings.HasPrefix(address, "/") || strings.HasPrefix(address, "//") || strings.HasPrefix(address, `/\`) {
		return at, "", false
	}
	u, err := url.Parse(address)
	if err != nil || u.Host != "" {
		return at, "", false
	}
	at = spot{path: u.Path, lang: lang}
	q := u.Query()
	if l := q.Get("lang"); slices.Contains(c.langs, l) {
		at.lang = l
	}
	for _, own := range []string{"lang", "refresh", "part", "v"} {
		q.Del(own)
	}
	at.query = q.Encode()
	if kind, ok := stills[c.pattern(at.path)]; ok && kind == stillFile {
		at.lang, at.query = "", ""
	}
	return at, u.Fragment, true
}

// copying is in the context of requests that a copier makes, with the time of
// the copy.
type copying struct{}

func isCopy(ctx context.Context) bool { return ctx.Value(copying{}) != nil }

// recording keeps what a handler answers to a copier.
type recording struct {
	header http.Header
	code   int
	body   bytes.Buffer
}

func (a *recording) Header() http.Header { return a.header }

func (a *recording) WriteHeader(code int) {
	if a.code == 0 {
		a.code = code
	}
}

func (a *recording) Write(b []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	return a.body.Write(b)
}

// ask has a handler answer within the process. A defect of it is an error.
func (c *Copier) ask(ctx context.Context, h http.Handler, at spot, now time.Time) (a *recording, err error) {
	r, err := http.NewRequestWithContext(context.WithValue(ctx, copying{}, now), http.MethodGet, c.s.PublicURL+at.path, nil)
	if err != nil {
		return nil, err
	}
	r.URL.RawQuery = at.query
	if at.lang != "" {
		q := r.URL.Query()
		q.Set("lang", at.lang)
		r.URL.RawQuery = q.Encode()
	}
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	a = &recording{header: http.Header{}}
	h.ServeHTTP(a, r)
	return a, nil
}

func (c *Copier) take(ctx context.Context, at spot, now time.Time) (t taken, found bool, err error) {
	a, err := c.ask(ctx, c.mux, at, now)
	switch {
	case err != nil:
		return t, false, err
	case a.code == http.StatusNotFound || a.code/100 == 3:
		return t, false, nil
	case a.code != http.StatusOK:
		return t, false, fmt.Errorf("it answered %d", a.code)
	}
	return taken{at: at, media: a.header.Get("Content-Type"), body: a.body.Bytes()}, true, nil
}

// lost is the page for paths that are not there.
func (c *Copier) lost(ctx context.Context, now time.Time) (taken, error) {
	at := spot{path: "/", lang: c.langs[0]}
	a, err := c.ask(ctx, http.HandlerFunc(c.s.pages.missing), at, now)
	if err == nil && a.code != http.StatusNotFound {
		err = fmt.Errorf("the page of what is missing answered %d", a.code)
	}
	if err != nil {
		return taken{}, err
	}
	return taken{at: at, file: "404.html", media: a.header.Get("Content-Type"), body: a.body.Bytes(), page: true}, nil
}

// file finishes an answer; there are the files that links may lead to.
func (c *Copier) file(t taken, there map[string]bool) mirror.File {
	f := mirror.File{Path: t.file, Media: t.media, Lasting: !t.fresh}
	before, after := t.body, []byte(nil)
	if t.page {
		before, after = c.rewrite(t, there)
	}
	sum := sha256.New()
	sum.Write(before)
	sum.Write([]byte{0})
	sum.Write(after)
	f.Sum = hex.EncodeToString(sum.Sum(nil))
	if after == nil {
		f.Bytes = func(time.Time) []byte { return before }
		return f
	}
	l := c.s.pages.locales.all[t.at.lang]
	f.Bytes = func(at time.Time) []byte {
		i := l.At(at, time.Time{}) // with the year: nobody knows how long a copy lives
		stamp := `<time datetime="` + i.ISO + `">` + html.EscapeString(i.Text) + `</time>`
		return slices.Concat(before, []byte(stamp), after)
	}
	return f
}
