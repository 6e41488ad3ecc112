package dashboards

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"martinella/alerts"
	"martinella/broadcast"
)

// frame is what every page shows around its content.
type frame struct {
	Lang, Title   string
	Path          string // of this page, for links to other languages
	Languages     []string
	Authority     string
	Site          string
	Logo          string // its address; "": none
	SiteName      string
	Accessibility string
	Feedback      string
	Now           instant
	Cursor        string
	Live          bool // the page follows the feed
	Exercise      bool // an exercise is shown: banner
	Weak          string
	Levels        string // words of the levels of the live feed, JSON for the script
	Outbox        bool   // its page is public
	Practice      bool   // the gateway warns nobody
	Accounts      []Account
	Areas         bool        // there are pages of areas
	Away          *awayNotice // accounts that are not updated at the moment
	Copy          string      // the policy of a page that goes into a copy; "" elsewhere
	FeedTitle     string
	FeedQuery     string // of the page's area, for the links to the feeds; "": everything
	Base          string // before the paths of the public pages, where they are on another port
	Style         string // a further style sheet; "": none
	Keeps         bool   // its links lead to pages in the same language
	Graph         *graph // for other sites; nil: none
	Content       any
}

// ownAccessibility is our own page, where no other statement is configured.
const ownAccessibility = "/accessibility"

// view is what a page's own code gives for one rendering.
type view struct {
	name     string // of the template
	title    string
	live     bool
	exercise bool
	area     string // the code of the one that the page is about: its feeds are that area's
	place    string // its name
	accounts bool   // those that are not updated at the moment are named
	style    string // a style sheet that only this page needs
	graph    *graph
	content  any
}

// frame fills in what is the same for all.
func (p *pages) frame(r *http.Request, l *locale, path string, v view, cursor broadcast.Cursor, now time.Time) frame {
	ctx, face := r.Context(), p.s.face()
	f := frame{
		Lang: l.Tag, Title: v.title, Path: path, Languages: p.locales.others(), Authority: p.s.Authority.Name, Site: face.Site,
		SiteName:      strings.TrimSuffix(strings.TrimPrefix(strings.TrimPrefix(face.Site, "https://"), "http://"), "/"),
		Accessibility: face.Accessibility, Feedback: face.Feedback, Now: l.At(now, now), Cursor: string(cursor), Live: v.live && p.s.Live != nil, Exercise: v.exercise,
		Outbox: p.s.Outbox != nil && p.s.Desk.Policy.Practice, Practice: p.s.Desk.Policy.Practice, Accounts: p.s.accountsNow(), Content: v.content, Style: v.style, Graph: v.graph, Logo: p.assets.logo(), Areas: len(p.atlas.all) > 0,
		Keeps: askedOf(r).keeps(l.Tag),
	}
	if v.accounts {
		f.Away = p.s.away()
	}
	f.FeedTitle, f.FeedQuery = f.Authority, feedAsked{area: v.area}.query("")
	if v.place != "" {
		f.FeedTitle += " – " + v.place
	}
	if f.Accessibility == "" {
		f.Accessibility = ownAccessibility
	}
	f.Weak = p.weak(ctx, l)
	if isCopy(ctx) {
		f.Copy, f.Live, f.Keeps = copyPolicy, false, false
	}
	f.Levels = levels(l)
	return f
}

// levels are the words for the levels of the live feed.
func levels(l *locale) string {
	words := map[string]string{}
	for _, s := range alerts.Severities {
		words[strings.ToLower(string(s))] = l.lex.Level(s)
	}
	b, _ := json.Marshal(words)
	return string(b)
}

// weak says in red what the store does not promise; "" when all is well.
func (p *pages) weak(ctx context.Context, l *locale) string {
	d, err := p.s.status.now(ctx)
	_, ill := p.s.Board.Health()
	switch {
	case err != nil, ill != nil:
		return l.must("store_down")
	case d.Memory:
		return l.must("store_memory")
	case !d.Durable:
		return l.must("store_weak")
	}
	return ""
}
