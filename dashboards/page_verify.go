package dashboards

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"martinella/alerts"
	"martinella/alerts/compose"
	"martinella/broadcast"
	"martinella/dashboards/verify"
)

// verifyPage tells of a code or a text whether it is ours. It never says that
// something is genuine: it shows what we wrote, to be compared (DECISIONS 9).
type verifyPage struct {
	Code, Text string // as typed
	Wrong      string // that nothing can be checked with it, in words
	Answer     answer
	Heading    string
	Explained  string
	Tone       string
	Shape      string
	Found      []foundMessage
	Authority  string
	Accounts   bool
	Signs      bool
	Print      []string // of the key, in groups
}

// answer is what came of a check.
type answer string

// The values of [answer]; each has its words, verify_<value> and
// verify_<value>_text, in the catalogue.
const (
	answerNone    answer = ""
	answerCode    answer = "code"    // the code is of one of ours
	answerCodes   answer = "codes"   // of several
	answerUnknown answer = "unknown" // of none
	answerWhole   answer = "whole"   // the text is ours
	answerPart    answer = "part"
	answerAdded   answer = "added"
	answerAltered answer = "altered" // it names one of ours and says something else
	answerSimilar answer = "similar"
	answerForeign answer = "foreign"
	answerShort   answer = "short" // too few words to tell
)

// foundMessage is one of our messages as the page shows it.
type foundMessage struct {
	ID       alerts.ID
	Code     string
	Level    string
	Tone     string
	Shape    string
	Exercise bool
	Issued   instant
	By       words
	State    string // whether it still holds, in words
	Holds    bool
	Until    instant
	Now      string // page of what holds now; "": there is none
	Texts    []saidText
	Sent     []string // as it went out, in the language of the texts
	Tag      string   // of the texts
	Foreign  string
	In       []textIn
	Pieces   []piece // how the pasted text differs
}

// piece is a stretch of text: as ours, not there, or not ours.
type piece struct {
	Text           string
	Removed, Added bool
}

// maxVerify bounds what comes with one question.
const maxVerify = 64 << 10

// verifyTimeout is how long a check may read the store.
const verifyTimeout = 3 * time.Second

// verify is the page, and the answer to ?code=, which may stand on paper.
func (p *pages) verify(w http.ResponseWriter, r *http.Request) {
	if r.URL.Query().Has("code") {
		p.check(w, r, r.URL.Query().Get("code"), "")
		return
	}
	p.serve(w, r, leaf{name: "verify", make: func(l *locale, _ *broadcast.View, _ time.Time) (view, error) {
		return p.verifyView(l, verifyPage{}), nil
	}})
}

// verifyPosted answers a form. What was pasted stands in no address and no log.
func (p *pages) verifyPosted(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxVerify)
	if err := r.ParseForm(); err != nil {
		l := p.locales.of(r, askedOf(r).lang)
		code, key := http.StatusBadRequest, "verify_unread"
		if over := new(http.MaxBytesError); errors.As(err, &over) {
			code, key = http.StatusRequestEntityTooLarge, "verify_long"
		}
		p.say(w, r, code, l, l.must("verify_title"), l.must(key))
		return
	}
	p.check(w, r, r.PostForm.Get("code"), r.PostForm.Get("text"))
}

// check answers one question.
func (p *pages) check(w http.ResponseWriter, r *http.Request, code, text string) {
	l := p.locales.of(r, askedOf(r).lang)
	if wait := p.s.verifying.take(p.s, r); wait > 0 {
		p.s.metrics.refused("rate_limited")
		w.Header().Set("Retry-After", seconds(wait))
		p.say(w, r, http.StatusTooManyRequests, l, l.must("verify_title"), l.must("verify_wait", "Seconds", seconds(wait)))
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), verifyTimeout)
	defer cancel()
	now, board := time.Now(), p.s.Board.Snapshot()
	page, err := p.judge(ctx, l, board, code, text, now)
	if errors.Is(err, errCrowded) {
		p.s.metrics.refused("unavailable")
		w.Header().Set("Retry-After", seconds(judgeWait))
		p.say(w, r, http.StatusServiceUnavailable, l, l.must("verify_title"), l.must("verify_wait", "Seconds", seconds(judgeWait)))
		return
	}
	if err != nil {
		p.unable(w, r, err)
		return
	}
	v := p.verifyView(l, page)
	made, err := p.render(l, v, p.frame(r, l, "/verify", v, board.Cursor, now), false)
	if err != nil {
		p.s.internal(w, r, err, nil)
		return
	}
	w.Header()["Cache-Control"] = never
	status := http.StatusOK
	if page.Wrong != "" {
		status = http.StatusUnprocessableEntity
	}
	made.write(w, r, status, l)
}

// judge finds the answer. The error wraps alerts.ErrUnavailable where nothing
// can be said: a message that is ours must not be called foreign because the
// store is away. It is errCrowded where too many texts are being compared.
func (p *pages) judge(ctx context.Context, l *locale, board *broadcast.View, code, text string, now time.Time) (verifyPage, error) {
	page := verifyPage{Code: cutText(code, 60), Text: cutText(text, verify.MostCharacters)}
	text = strings.TrimSpace(text)
	if text == "" {
		text = strings.TrimSpace(code) // who pastes it all into the first field is answered, too
	}
	if text == "" {
		page.Wrong = l.must("verify_empty")
		return page, nil
	}
	var found []nearest
	var err error
	if only, ok := alerts.ReadCode(text); ok {
		page.Code = only
		if found, err = p.s.byCode(ctx, board, only); err != nil {
			return page, err
		}
		switch len(found) {
		case 0:
			page.Answer = answerUnknown
		case 1:
			page.Answer = answerCode
		default:
			page.Answer = answerCodes
		}
	} else {
		if err = p.s.verifying.turns.take(ctx, judgeWait); err != nil {
			return page, err
		}
		defer p.s.verifying.turns.give()
		if page.Answer, found, err = p.s.byText(ctx, board, text, now); err != nil {
			return page, err
		}
	}
	if len(found) == 0 {
		if _, ill := p.s.Board.Health(); ill != nil { // perhaps it is known elsewhere by now
			return page, alerts.ErrUnavailable
		}
	}
	for _, one := range found {
		m, err := p.found(ctx, l, board, one, now)
		if err != nil {
			return page, err
		}
		page.Found = append(page.Found, m)
	}
	return page, nil
}

// verifyView dresses a page.
func (p *pages) verifyView(l *locale, page verifyPage) view {
	page.Authority = p.s.Authority.Name
	if key := p.s.statements; key != nil {
		page.Signs, page.Print = true, key.groups()
	}
	v := view{name: "verify", title: l.must("verify_title")}
	if page.Answer != answerNone {
		page.Heading = l.must("verify_"+string(page.Answer), "N", len(page.Found))
		page.Explained = l.must("verify_" + string(page.Answer) + "_text")
		page.Tone, page.Shape = "mut", "s-mut"
		if page.Answer == answerAltered || page.Answer == answerAdded || page.Answer == answerSimilar {
			page.Tone, page.Shape = "org", "s-org"
		}
		v.title = page.Heading
	} else if page.Wrong != "" {
		v.title = page.Wrong
	}
	for _, m := range page.Found {
		v.exercise = v.exercise || m.Exercise
	}
	v.content = page
	return v
}

// found shows one of ours as it was written, and whether it still holds.
func (p *pages) found(ctx context.Context, l *locale, board *broadcast.View, one nearest, now time.Time) (foundMessage, error) {
	r := one.record
	c := p.s.card(l, happening{r, asWritten(r)}, now)
	m := foundMessage{ID: r.ID, Code: alerts.CodeOf(r.ID), Level: c.Level, Tone: c.Tone, Shape: c.Shape, Exercise: c.Exercise, Issued: c.Issued, By: c.By,
		Until: l.At(r.Expires(), now), Tag: c.Tag, Foreign: c.Foreign, In: c.In}
	for _, t := range p.s.said(r) {
		if t.Language == c.Tag {
			m.Texts = append(m.Texts, t)
		}
	}
	sent, err := p.s.sent(ctx, r)
	if err != nil {
		return m, err
	}
	for _, t := range sent {
		if t.Language == c.Tag {
			m.Sent = append(m.Sent, t.Text)
		}
	}
	place, err := p.s.placed(ctx, board, r, now)
	if err != nil {
		return m, err
	}
	m.Holds = place.Standing == standsHolds
	switch {
	case m.Holds && r.Change == alerts.ChangeCancelled:
		m.State = cancelled(l, r)
	case m.Holds && r.Change == alerts.ChangeEnded:
		m.State = l.must("all_clear_text")
	case place.Standing == standsLapsed:
		m.State = l.lapsed(r.Alert.Expires(), now)
	case place.Standing == standsCancelled && r.Alert.Practice():
		m.State = l.must("drill_stopped_text")
	default:
		m.State = l.must("verify_stands_" + string(place.Standing))
	}
	if place.Newest != "" {
		m.Now = "/a/" + string(r.Event)
	}
	for _, d := range one.pieces {
		m.Pieces = append(m.Pieces, piece{d.Text, d.Kind == compose.Removed, d.Kind == compose.Added})
	}
	return m, nil
}

// cutText bounds what is shown again.
func cutText(text string, most int) string {
	runes := []rune(strings.ToValidUTF8(text, ""))
	return string(runes[:min(most, len(runes))])
}
