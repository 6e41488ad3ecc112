package dashboards

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"time"

	"go.uber.org/zap"

	"martinella/alerts"
	"martinella/alerts/volunteers"
	"martinella/broadcast"
	"martinella/broadcast/callout"
)

// dispatchPath is where a volunteer's own page of a call is; a token follows.
const dispatchPath = "/d/"

// wrongLinks limits how many links that open nothing one address may try: 20 at
// once, then one in three seconds, as with keys of the API. What opens something
// is never limited: many volunteers share the address of their mobile network.
func wrongLinks() *buckets { return newBuckets(1.0/3, 20) }

// secretAddress keeps a page whose address is a key out of every memory. Its
// forms say from which site they come, and no link says from which page.
func secretAddress(w http.ResponseWriter) {
	h := w.Header()
	h["Cache-Control"] = never
	h["Referrer-Policy"] = originAlone
	h.Set("X-Robots-Tag", "noindex, nofollow")
}

// originAlone names the site and never the page. Unlike no-referrer it lets
// browsers that do not know Sec-Fetch-Site tell with a form where it comes from
// (Fetch, "append a request Origin header").
var originAlone = []string{"strict-origin"}

// dispatch shows a volunteer's own page of a call. Opening it changes nothing:
// programs that look for harm open every link of a message.
func (p *pages) dispatch(w http.ResponseWriter, r *http.Request) {
	secretAddress(w)
	l := p.locales.of(r, askedOf(r).lang)
	own, err := p.s.Callouts.Own(r.Context(), r.PathValue("token"))
	if err != nil {
		p.noDispatch(w, r, l, err)
		return
	}
	p.showDispatch(w, r, http.StatusOK, own, "")
}

// answerDispatch writes down what a volunteer tapped, and leads back to the page:
// loading that again sends nothing twice.
func (p *pages) answerDispatch(w http.ResponseWriter, r *http.Request) {
	secretAddress(w)
	token, asked := r.PathValue("token"), askedOf(r).lang
	l := p.locales.of(r, asked)
	if p.s.ownPosts.Check(r) != nil {
		p.sayPrivate(w, r, http.StatusForbidden, l, l.must("dispatch_foreign_title"), l.must("dispatch_foreign_text"))
		return
	}
	form, ok := p.formOf(w, r, l)
	if !ok {
		return
	}
	ctx, cancel := actContext(r)
	defer cancel()
	said := ""
	var err error
	if form.Get("own") == "send" && p.sendsOwnLinks() {
		said, err = p.sendOwnLink(ctx, token)
	} else {
		err = p.tapped(ctx, token, form)
	}
	switch {
	case err == nil:
	case errors.Is(err, callout.ErrOver):
		p.againDispatch(ctx, w, r, http.StatusConflict, token, "dispatch_over")
		return
	case errors.Is(err, alerts.ErrInvalid):
		p.againDispatch(ctx, w, r, http.StatusUnprocessableEntity, token, "dispatch_unclear")
		return
	default:
		p.noDispatch(w, r, l, err)
		return
	}
	to, query := dispatchPath+url.PathEscape(token), url.Values{}
	if asked != "" {
		query.Set("lang", l.Tag)
	}
	place := "#said"
	if said != "" {
		query.Set("own", said)
		place = "#own"
	}
	if len(query) > 0 {
		to += "?" + query.Encode()
	}
	w.Header().Set("Location", to+place)
	w.WriteHeader(http.StatusSeeOther)
}

// tapped does what a button says: an answer, or a mark of who is there.
func (p *pages) tapped(ctx context.Context, token string, form url.Values) error {
	if a, known := dispatchAnswers[form.Get("answer")]; known {
		_, err := p.s.Callouts.Answer(ctx, token, volunteers.Answer{Kind: a.kind, Minutes: a.minutes})
		return err
	}
	mark, known := dispatchMarks[form.Get("mark")]
	if !known || form.Has("answer") {
		return alerts.ErrInvalid
	}
	_, err := p.s.Callouts.Attend(ctx, token, mark)
	if errors.Is(err, volunteers.ErrOrder) {
		return nil // the page that was tapped is an old one: it is shown as it stands now
	}
	return err
}

// againDispatch shows the page with why nothing was written down.
func (p *pages) againDispatch(ctx context.Context, w http.ResponseWriter, r *http.Request, code int, token, why string) {
	own, err := p.s.Callouts.Own(ctx, token)
	if err != nil {
		p.noDispatch(w, r, p.locales.of(r, askedOf(r).lang), err)
		return
	}
	p.showDispatch(w, r, code, own, why)
}

func (p *pages) showDispatch(w http.ResponseWriter, r *http.Request, code int, own *callout.OwnCall, failed string) {
	now, asked := time.Now(), askedOf(r).lang
	if asked == "" {
		asked = own.Language
	}
	l := p.locales.of(r, asked)
	page := p.dispatchOf(l, own, now)
	page.Mine = p.sendsOwnLinks()
	if said := ownLinkSaid[r.URL.Query().Get("own")]; said != "" && page.Mine {
		page.MineSaid = l.must(said)
	}
	title := page.title
	if failed != "" {
		page.Failed = l.must(failed)
		title = page.Failed
	}
	p.sendPrivate(w, r, code, l, view{name: "dispatch", title: title, content: page}, "dispatch.html", now)
}

// ownLinkSaid are the words of what came of asking for the link to the own page.
var ownLinkSaid = map[string]string{"sent": "dispatch_mine_sent", "often": "dispatch_mine_often", "none": "dispatch_mine_none", "failed": "dispatch_mine_failed"}

// sendOwnLink sends the volunteer of a token the link to their own page. The link
// of a call opens that call alone: whoever found it in a forwarded message reads
// no contacts, and changes nothing for the next call.
func (p *pages) sendOwnLink(ctx context.Context, token string) (said string, err error) {
	own, err := p.s.Callouts.Own(ctx, token)
	if err != nil {
		return "", err
	}
	switch _, err = p.s.Volunteers.Pages.Send(ctx, own.Number, time.Now()); {
	case err == nil:
		return "sent", nil
	case errors.Is(err, broadcast.ErrBusy):
		return "often", nil
	case errors.Is(err, broadcast.ErrNoWay), errors.Is(err, alerts.ErrNotFound):
		return "none", nil
	case errors.Is(err, alerts.ErrUnavailable):
		return "", err
	}
	p.s.Logger.Warn("the link to a volunteer's own page could not be sent", zap.Uint32("number", own.Number), zap.Error(err))
	return "failed", nil
}

// sendsOwnLinks reports whether volunteers can ask for the link to their page.
func (p *pages) sendsOwnLinks() bool { return p.s.Volunteers != nil && p.s.Volunteers.Pages.CanSend() }

// sendPrivate answers with one block of a page that is for those who know its
// address: what is around it holds no link with that.
func (p *pages) sendPrivate(w http.ResponseWriter, r *http.Request, code int, l *locale, v view, block string, now time.Time) {
	made, err := p.execute(l, v.name, block, p.frame(r, l, "", v, "", now))
	if err != nil {
		p.s.internal(w, r, err, nil)
		return
	}
	made.write(w, r, code, l)
}

// sayPrivate is say of such a page.
func (p *pages) sayPrivate(w http.ResponseWriter, r *http.Request, code int, l *locale, title, text string) {
	v := view{name: "text", title: title, content: textPage{Title: title, Paragraphs: []string{text}}}
	p.sendPrivate(w, r, code, l, v, "layout.html", time.Now())
}

// noDispatch answers where a link opens nothing, never with why; or where the
// store does not answer, which must not look as if an answer was taken.
func (p *pages) noDispatch(w http.ResponseWriter, r *http.Request, l *locale, err error) {
	switch {
	case errors.Is(err, callout.ErrToken), errors.Is(err, alerts.ErrNotFound):
		if at, known := p.s.address(r); known {
			if wait := p.links.take(at.String()); wait > 0 {
				w.Header().Set("Retry-After", seconds(wait))
				p.sayPrivate(w, r, http.StatusTooManyRequests, l, l.must("dispatch_many_title"), l.must("dispatch_many_text"))
				return
			}
		}
		p.sayPrivate(w, r, http.StatusNotFound, l, l.must("dispatch_ended_title"), l.must("dispatch_ended_text"))
		return
	case !errors.Is(err, alerts.ErrUnavailable):
		p.s.Logger.Warn("the page of a call could not be served", zap.String("route", r.Pattern), zap.Error(err))
	}
	title := l.must("dispatch_away_read")
	if r.Method == http.MethodPost {
		title = l.must("dispatch_away_title")
	}
	w.Header().Set("Retry-After", seconds(defaultRetry))
	p.sayPrivate(w, r, http.StatusServiceUnavailable, l, title, l.must("dispatch_away_text"))
}
