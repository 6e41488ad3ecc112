package dashboards

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"
)

// embedPage is the strip that other sites show in a frame: what holds, or
// nothing.
type embedPage struct {
	Lang, Title, Label string
	Now                instant
	Strips             []strip
	Calm               string // what it says where there is nothing; "": nothing
	Home               string // where a strip leads
	Down               string // words of the script
}

// strip is one event in a line.
type strip struct {
	Tone, URL, Lead string
	Path            string // of the shape, and of the sign in it
	Sign            string
	Headline        words
}

// shapePaths are the outlines of parts.html, for a page and an element that show
// one or two of them: shape and sign in it.
var shapePaths = map[string][2]string{
	"red": {"M8 2h8l6 6v8l-6 6H8l-6-6V8z", "M11 6h2v8h-2zm0 10h2v2h-2z"},
	"org": {"M12 2 23 21H1z", "M11 9h2v6h-2zm0 8h2v2h-2z"},
	"yel": {"M12 1 23 12 12 23 1 12z", "M11 6h2v7h-2zm0 9h2v2h-2z"},
	"mut": {"M3 3h18v18H3z", "M11 6h2v2h-2zm0 4h2v8h-2z"},
	"grn": {"M12 2a10 10 0 1 0 0 20 10 10 0 0 0 0-20z", "m10.5 17-5-4.9 1.6-1.6 3.4 3.3 6.4-6.4 1.6 1.6z"},
}

// maxStrips bounds what stands on somebody else's page.
const maxStrips = 5

// embed is the page for frames of other sites: strips of what holds, in the
// order of the first page, exercises last. It is a page without scripts too.
func (p *pages) embed(w http.ResponseWriter, r *http.Request) {
	q, err := feedAskedOf(r)
	if err != nil {
		p.s.fail(w, r, err)
		return
	}
	calm := plainValue(r.URL.RawQuery, "calm") == "1"
	asked := askedOf(r)
	l := p.locales.of(r, asked.lang)
	h := w.Header()
	h["Content-Security-Policy"] = p.s.framed
	ready, err := p.embedded(r.Context(), l, q, calm)
	if errors.Is(err, errNoArea) && wantsPage(r) {
		p.say(w, r, http.StatusNotFound, l, l.must("no_area_title"), l.must("no_area_text"))
		return
	}
	if err != nil {
		p.s.noFeed(w, r, err)
		return
	}
	h["Cache-Control"] = shortly
	if seconds := refresh(asked.refresh); seconds > 0 {
		h.Set("Refresh", itoa(seconds))
	}
	ready.send(w, r, l)
}

func embedPlace(l *locale, q feedAsked, calm bool) place {
	return place{name: "/embed", id: q.area + " " + string(q.level), lang: l.Tag, part: calm}
}

// embedded gives the page, made anew where it changed.
func (p *pages) embedded(ctx context.Context, l *locale, q feedAsked, calm bool) (*ready, error) {
	now := time.Now()
	current := func(made *ready) bool { return made.version == p.version(ctx, p.s.Board.Snapshot().Cursor, now) }
	return p.s.brought(ctx, embedPlace(l, q, calm), q != feedAsked{}, current, func(*ready) (*ready, error) {
		board := p.s.Board.Snapshot()
		f, err := p.s.newFeed(ctx, board, now, q, l, "/embed")
		if err != nil {
			return nil, err
		}
		made, err := p.execute(l, "embed", "embed.html", p.embedOf(f, calm))
		if err != nil {
			return nil, err
		}
		made.version = p.version(ctx, board.Cursor, now)
		return made, nil
	})
}

func (p *pages) embedOf(f *feed, calm bool) embedPage {
	l := f.l
	e := embedPage{Lang: l.Tag, Title: f.title, Label: l.must("feeds_label", "Name", f.title), Now: l.At(f.now, f.now), Home: p.s.home(f), Down: l.must("feeds_stopped")}
	items := slices.DeleteFunc(slices.Clone(f.items), func(i feedItem) bool {
		return i.Card.Over() || i.Record.Alert.Practice() && !i.Record.Alert.Expires().After(f.now)
	})
	slices.SortStableFunc(items, func(a, b feedItem) int {
		if a.Card.Exercise != b.Card.Exercise {
			if a.Card.Exercise {
				return 1
			}
			return -1
		}
		return b.Card.Severity.Rank() - a.Card.Severity.Rank()
	})
	for n, i := range items {
		if n == maxStrips {
			more := shapePaths["mut"]
			e.Strips = append(e.Strips, strip{Tone: "mut", URL: e.Home, Path: more[0], Sign: more[1], Lead: l.must("feeds_more", "N", len(items)-maxStrips)})
			break
		}
		lead := i.Card.Level
		if i.Card.Exercise {
			lead = l.lex.Exercise + " - " + lead
		}
		if i.Card.Lapsed() {
			lead += " (" + i.Card.Gone + ")"
		}
		shape := shapePaths[i.Card.Tone]
		e.Strips = append(e.Strips, strip{Tone: i.Card.Tone, URL: i.Link + "?lang=" + l.Tag, Lead: lead, Path: shape[0], Sign: shape[1], Headline: i.Card.Headline})
	}
	if calm && f.asked.level == "" && !slices.ContainsFunc(items, func(i feedItem) bool { return !i.Card.Exercise }) {
		e.Calm = l.must("feeds_calm", "Time", e.Now.Clock)
	}
	if _, ill := p.s.Board.Health(); ill != nil {
		shape := shapePaths["mut"]
		e.Calm, e.Strips = "", append(e.Strips, strip{Tone: "mut", URL: e.Home, Path: shape[0], Sign: shape[1], Lead: l.must("store_down")})
	}
	return e
}

// Shape is that of the calm strip.
func (e embedPage) Shape() [2]string { return shapePaths["grn"] }

// framedBy is the content security policy of /embed: the one of every page, but
// for who may frame it.
func framedBy(origins []string) []string {
	return []string{strings.Replace(policy, "frame-ancestors 'none'", strings.Join(append([]string{"frame-ancestors 'self'"}, origins...), " "), 1)}
}
