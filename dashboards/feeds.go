package dashboards

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"martinella/alerts"
	"martinella/broadcast"
)

// feedForm is one form in which programs read the alerts: its path, its media
// type, and how it is written.
type feedForm struct {
	path, media string
	print       func(s *Server, f *feed) []byte
}

// The media types of the feeds. Browsers show those of Atom and RSS as they
// are, without their style sheet; see [feedForm.mediaFor].
const (
	mediaRSS      = "application/rss+xml"
	mediaFeedJSON = "application/feed+json"
	mediaCalendar = "text/calendar"
	mediaXML      = "application/xml"
)

// feedForms are all feeds, each at its own path.
func feedForms() []feedForm {
	return []feedForm{
		{"/feed.atom", mediaAtom, (*Server).printAtom},
		{"/feed.rss", mediaRSS, (*Server).printRSS},
		{"/feed.json", mediaFeedJSON, (*Server).printJSON},
		{"/calendar.ics", mediaCalendar, (*Server).printCalendar},
		{"/cap.atom", mediaAtom, (*Server).printIndexAtom},
		{"/cap.rss", mediaRSS, (*Server).printIndexRSS},
	}
}

// feedRoutes are the paths of the feeds.
func (s *Server) feedRoutes() []route {
	var all []route
	for _, form := range feedForms() {
		all = append(all, route{"GET", form.path, anybody, func(w http.ResponseWriter, r *http.Request) { s.feed(w, r, form) }})
	}
	return all
}

// feedAsked is what a reader of feeds wants to have: "" is everything.
type feedAsked struct {
	area  string
	level alerts.Severity // the least
}

// maxAreaCode bounds the code of an area in an address.
const maxAreaCode = 64

// feedAskedOf reads the query. It fails with a refusal for what is no level.
func feedAskedOf(r *http.Request) (feedAsked, error) {
	raw := r.URL.RawQuery
	if raw == "" {
		return feedAsked{}, nil
	}
	get := func(name string) string { return plainValue(raw, name) }
	if strings.ContainsAny(raw, "%+;") || len(raw) > 1000 {
		get = r.URL.Query().Get
	}
	q := feedAsked{area: get("area")}
	level := get("level")
	if level == "" {
		return q, nil
	}
	for _, known := range alerts.Severities {
		if strings.EqualFold(level, string(known)) {
			q.level = known
			return q, nil
		}
	}
	return q, refuse(errBadRequest, "level", "is not a level", "one of extreme, severe, moderate, minor, unknown: the feed has that and what is graver")
}

// query is the filter as a part of an address, with the language where one is
// given; "" of none.
func (q feedAsked) query(lang string) string {
	v := url.Values{}
	if lang != "" {
		v.Set("lang", lang)
	}
	if q.area != "" {
		v.Set("area", q.area)
	}
	if q.level != "" {
		v.Set("level", strings.ToLower(string(q.level)))
	}
	if len(v) == 0 {
		return ""
	}
	return "?" + v.Encode()
}

// errNoArea says that nobody here knows a code.
var errNoArea = errors.New("no such area")

// feed answers with a feed: rendered once for each form, filter, language and
// change, and kept compressed.
func (s *Server) feed(w http.ResponseWriter, r *http.Request, form feedForm) {
	h := w.Header()
	h["Access-Control-Allow-Origin"] = everyOrigin
	q, err := feedAskedOf(r)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	l := s.pages.locales.of(r, askedOf(r).lang)
	at := place{name: form.path, id: q.area + " " + string(q.level), lang: l.Tag, part: isCopy(r.Context())}
	ready, err := s.printed(r.Context(), at, q, l, form)
	if err != nil {
		s.noFeed(w, r, err)
		return
	}
	h["Vary"] = byFeedReader
	h["Cache-Control"] = shortly
	h["Etag"], h["Last-Modified"] = ready.etag, ready.modified
	h["Content-Language"] = l.header
	if ready.seenBy(r) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	h.Set("Content-Type", form.mediaFor(r))
	ready.body.write(w, r, http.StatusOK)
}

// everyOrigin lets pages of every site read what is public.
var everyOrigin = []string{"*"}

// byFeedReader is what an answer of a feed depends on.
var byFeedReader = []string{"Accept-Language", "Accept-Encoding", "Accept"}

// mediaFor is the media type for a reader. A browser that is asked to show Atom
// or RSS under its own type shows the source of it (Chromium 156) or wants to
// save it: it gets the same bytes as XML, and shows them with their style sheet.
func (f feedForm) mediaFor(r *http.Request) string {
	media := f.media
	if strings.HasSuffix(media, "+xml") && strings.HasPrefix(r.Header.Get("Accept"), "text/html") {
		media = mediaXML
	}
	if media == mediaFeedJSON {
		return media // always UTF-8 (RFC 8259 section 8.1)
	}
	return media + "; charset=utf-8"
}

// noFeed answers where there is none.
func (s *Server) noFeed(w http.ResponseWriter, r *http.Request, err error) {
	switch {
	case errors.Is(err, errNoArea):
		s.noArea(w)
	case errors.Is(err, errCrowded):
		s.crowded(w)
	default:
		s.fail(w, r, err)
	}
}

// printed gives the feed, made anew where it changed.
func (s *Server) printed(ctx context.Context, at place, q feedAsked, l *locale, form feedForm) (*ready, error) {
	now := time.Now()
	current := func(made *ready) bool { return made.version == s.pages.version(ctx, s.Board.Snapshot().Cursor, now) }
	if copied, ok := ctx.Value(copying{}).(time.Time); ok {
		l, now = l.forCopy(), copied
	}
	return s.brought(ctx, at, q != feedAsked{}, current, func(before *ready) (*ready, error) {
		board := s.Board.Snapshot()
		f, err := s.newFeed(ctx, board, now, q, l, form.path)
		if err != nil {
			return nil, err
		}
		f.copied = at.part
		made := newReady(form.print(s, f))
		made.version = s.pages.version(ctx, board.Cursor, now)
		made.changed = now.UTC().Truncate(time.Second)
		if before != nil && before.etag[0] == made.etag[0] {
			made.changed = before.changed
		}
		made.modified = []string{made.changed.Format(http.TimeFormat)}
		return made, nil
	})
}

// seenBy reports whether the reader has it (RFC 9110 sections 13.1.2 and
// 13.1.3: a tag, where one is given, decides alone).
func (p *ready) seenBy(r *http.Request) bool {
	if has := r.Header.Get("If-None-Match"); has != "" {
		return matches(has, p.etag[0])
	}
	since := r.Header.Get("If-Modified-Since")
	if since == "" {
		return false
	}
	at, err := http.ParseTime(since)
	return err == nil && !p.changed.After(at)
}

// noArea answers for a code that nobody here knows: a feed that stays empty for
// ever would look like a quiet place.
func (s *Server) noArea(w http.ResponseWriter) {
	const open = "leave area out to follow everything"
	wrong := alerts.Problem{Field: "area", Problem: "is not known here", Hint: open}
	if first := s.Areas.All(); len(first) > 0 {
		wrong.Hint = "take a code that is known here, like area=" + first[0].Code.Value + ", or " + open
	}
	writeProblem(w, problem{Title: "no such area", Status: http.StatusNotFound, Detail: "no area with this code is known here",
		Problems: alerts.Problems{wrong}})
}

// feed holds what a feed says, before it gets a form.
type feed struct {
	l       *locale
	now     time.Time
	asked   feedAsked
	path    string
	title   string
	updated time.Time
	items   []feedItem
	copied  bool // it goes into a copy, where it grows old
}

// maxFeedItems bounds a feed; the gravest that hold come first.
const maxFeedItems = 200

// newFeed gives the events that hold, and what ended within two days, newest
// first. It fails with errNoArea for a code that nobody here knows, and with the
// store's error where it cannot be told for whom an event was: a feed without an
// alert would look like a quiet place.
func (s *Server) newFeed(ctx context.Context, board *broadcast.View, now time.Time, q feedAsked, l *locale, path string) (*feed, error) {
	f := &feed{l: l, now: now, asked: q, path: path, title: s.Authority.Name}
	all := happenings(board, now)
	var near func(r *alerts.Record) bool
	var part touching
	if q.area != "" {
		name, known := s.knownArea(q.area, all)
		if !known {
			return nil, errNoArea
		}
		f.title += " – " + name
		near = s.concerns(q.area)
		part = s.touchingArea(q.area, near)
	}
	for _, h := range all {
		if len(f.items) == maxFeedItems || !h.over() && !h.shown(now) {
			continue
		}
		switch meant, err := s.meant(ctx, h, near, part, q.level); {
		case err != nil:
			return nil, err
		case !meant:
			continue
		}
		f.items = append(f.items, s.feedItem(l, h, now, part))
	}
	sortNewest(f.items)
	f.updated = now.UTC().Truncate(time.Hour)
	if len(f.items) > 0 {
		f.updated = f.items[0].Updated
	}
	return f, nil
}

// self is the address of the feed itself.
func (s *Server) self(f *feed) string { return s.PublicURL + f.path + f.asked.query(f.l.Tag) }

// feedID names the feed for ever, whatever its language.
func (s *Server) feedID(f *feed) string { return s.PublicURL + "/" + f.asked.query("") }

// home is the page for readers of the feed: that of its area where there is one.
func (s *Server) home(f *feed) string {
	at := "/"
	if one := s.pages.atlas.find(f.asked.area); one != nil && f.asked.area != "" {
		at = one.URL()
	}
	return s.PublicURL + at + "?lang=" + f.l.Tag
}

// sendFeed answers with a file that anybody may read from anywhere.
func (s *Server) sendFeed(w http.ResponseWriter, r *http.Request, media string, b []byte) {
	h := w.Header()
	if strings.HasSuffix(media, "xml") {
		media += "; charset=utf-8"
	}
	h.Set("Content-Type", media)
	h["Access-Control-Allow-Origin"] = everyOrigin
	h["Cache-Control"] = shortly
	h["Vary"] = byReader
	etag := etagOf(b)
	h.Set("ETag", etag)
	if matches(r.Header.Get("If-None-Match"), etag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	made := newBody(b, brotliNever) // made for this reader alone
	made.write(w, r, http.StatusOK)
}
