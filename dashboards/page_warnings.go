package dashboards

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"go.uber.org/zap"

	"martinella/alerts"
	"martinella/alerts/lexicon"
	"martinella/alerts/templates"
	"martinella/broadcast"
)

func (c *console) warningsRoutes() []consoleRoute {
	if c.s.Warnings == nil {
		return nil
	}
	return []consoleRoute{
		{"GET", "/console/warnings", forStaff, c.warningsPage},
		{"GET", "/console/warnings/{key}", forStaff, c.warningPage},
		{"POST", "/console/warnings/{key}", forStaff, c.answerWarning},
	}
}

// inbound gives the official warning of this key, for who writes an alert that
// refers to it; alerts.ErrNotFound.
func (c *console) inbound(ctx context.Context, key string) (*alerts.Alert, error) {
	if c.s.Warnings == nil || !plausible(alerts.ID(key)) {
		return nil, alerts.ErrNotFound
	}
	w, err := c.s.Warnings.Warning(ctx, key)
	if err != nil {
		return nil, err
	}
	return w.Alert, nil
}

// warningLine is an official warning in a list.
type warningLine struct {
	Key, Issuer  string
	Headline     words
	Level        string
	Tone, Shape  string
	State        string
	Open         bool // it waits for an answer
	Exercise     bool
	Unknown      bool
	Received     instant
	Until        instant
	Answered, By string // why, by whom

	rank int
}

// gravestFirst has what waits come first, then what is grave.
func gravestFirst(a, b warningLine) int {
	waits := map[bool]int{true: 1}
	return cmp.Or(waits[b.Open]-waits[a.Open], b.rank-a.rank)
}

type warningsPage struct {
	Warnings []warningLine
	Feeds    []feedLine
}

// feedLine is a source of official warnings.
type feedLine struct {
	Name    string
	Read    instant
	Late    bool // not read for long
	Problem string
}

type warningPage struct {
	warningLine
	Sent      instant
	Infos     []warningInfo
	Later     string
	Answers   bool // it takes an answer
	Templates []templateChoice
	Reason    string // that was typed
	NoReason  bool
	Rings     []ringLine
}

// warningInfo is one wording of an official warning, as its issuer wrote it.
type warningInfo struct {
	Lang                               string
	Level, Tone, Shape, Event          string
	Headline, Description, Instruction string
	Where                              []string
	Until                              instant
	Web                                string
}

type templateChoice struct {
	ID, Name string
	Best     bool
}

const (
	warningsShown = 30 * 24 * time.Hour
	mostWarnings  = 200
	// feedLate is after how many readings that should have been a feed is late.
	feedLate = 10
)

func (c *console) warningLine(l *locale, w *broadcast.Warning, now time.Time) warningLine {
	line := warningLine{Key: w.Key, Issuer: w.Alert.Sender, Headline: words{Text: tidy(w.Headline(l.Tag))}, Level: l.lex.Level(w.Severity), State: l.must("warnings_state_" + string(w.State)),
		Open: w.Stands(now), Exercise: w.Alert.Practice(), Unknown: w.Unknown, Received: l.At(w.Received, now), Until: l.At(w.Until, now), rank: w.Severity.Rank()}
	if in := w.Info(l.Tag); in != nil {
		line.Issuer = cmp.Or(tidy(in.SenderName), line.Issuer)
		if tag := alerts.PrimaryLanguage(in.Language); tag != l.Tag {
			line.Headline.Lang = in.Language
		}
	}
	line.Tone, line.Shape = warningTone(w.Severity)
	if w.State == broadcast.WarningOpen && !line.Open {
		line.State = l.must("warnings_over")
	}
	if w.Answer != nil {
		line.By, line.Answered = w.Answer.By.Name, w.Answer.Reason
	}
	return line
}

// warningTone is the colour and the shape of a severity.
func warningTone(s alerts.Severity) (tone, shape string) {
	switch s {
	case alerts.SeverityExtreme:
		return "red", "s-red"
	case alerts.SeveritySevere:
		return "org", "s-org"
	case alerts.SeverityModerate:
		return "yel", "s-yel"
	}
	return "mut", "s-mut"
}

// openWarnings are those that wait for an answer, for the first page.
func (c *console) openWarnings(v *visit) ([]warningLine, error) {
	if c.s.Warnings == nil {
		return nil, nil
	}
	all, err := c.s.Warnings.LatestWarnings(v.r.Context(), v.now.Add(-warningsShown), mostWarnings)
	if err != nil {
		return nil, err
	}
	var lines []warningLine
	for _, w := range all {
		if w.Stands(v.now) {
			lines = append(lines, c.warningLine(v.l, w, v.now))
		}
	}
	slices.SortStableFunc(lines, gravestFirst)
	return lines, nil
}

func (c *console) warningsPage(v *visit) {
	all, err := c.s.Warnings.LatestWarnings(v.r.Context(), v.now.Add(-warningsShown), mostWarnings)
	if err != nil {
		c.fail(v, err)
		return
	}
	var page warningsPage
	for _, w := range all {
		if !w.Quiet {
			page.Warnings = append(page.Warnings, c.warningLine(v.l, w, v.now))
		}
	}
	slices.SortStableFunc(page.Warnings, gravestFirst)
	for _, f := range c.s.Feeds {
		state, err := c.s.Warnings.FeedState(v.r.Context(), f.Name)
		if err != nil {
			c.fail(v, err)
			return
		}
		page.Feeds = append(page.Feeds, feedLine{f.Name, v.l.At(state.Read, v.now), v.now.Sub(state.Read) > feedLate*f.Every, state.Problem})
	}
	c.show(v, sheet{name: "warnings", title: v.l.must("warnings_title"), said: c.warningsSaid(v), content: page})
}

func (c *console) warningsSaid(v *visit) string {
	if v.r.URL.Query().Get("said") == "answered" {
		return v.l.must("warnings_said")
	}
	return ""
}

func (c *console) warningPage(v *visit) { c.warningForm(v, 0, "", "", "") }

func (c *console) warningForm(v *visit, code int, wrong, field, reason string) {
	if !plausible(alerts.ID(v.r.PathValue("key"))) {
		c.say(v, http.StatusNotFound, v.l.must("warnings_missing"))
		return
	}
	w, err := c.s.Warnings.Warning(v.r.Context(), v.r.PathValue("key"))
	if errors.Is(err, alerts.ErrNotFound) {
		c.say(v, http.StatusNotFound, v.l.must("warnings_missing"))
		return
	}
	if err != nil {
		c.fail(v, err)
		return
	}
	page := warningPage{warningLine: c.warningLine(v.l, w, v.now), Sent: v.l.At(w.Alert.Sent, v.now), Later: w.Later, Reason: reason, NoReason: field != "",
		Answers: !w.Quiet && (w.State == broadcast.WarningOpen || w.State == broadcast.WarningDrafted)}
	for i := range w.Alert.Infos {
		page.Infos = append(page.Infos, c.warningInfo(v.l, &w.Alert.Infos[i], v.now))
	}
	if page.Templates, err = c.choices(v.l, w); err != nil {
		c.fail(v, err)
		return
	}
	if c.s.Rung != nil {
		rings, err := c.s.Rung.Rings(v.r.Context(), alerts.ID(w.Key))
		if err != nil {
			c.fail(v, err)
			return
		}
		page.Rings = ringLines(v.l, rings, v.now)
	}
	c.show(v, sheet{name: "warning", title: v.l.must("warnings_one"), code: code, wrong: wrong, field: field, said: c.warningsSaid(v), content: page})
}

func (c *console) warningInfo(l *locale, in *alerts.Info, now time.Time) warningInfo {
	out := warningInfo{Level: l.lex.Level(in.Severity), Event: in.Event, Headline: in.Headline, Description: in.Description, Instruction: in.Instruction, Until: l.At(in.Expires, now)}
	if alerts.PrimaryLanguage(in.Language) != l.Tag {
		out.Lang = in.Language
	}
	out.Tone, out.Shape = warningTone(in.Severity)
	for i := range in.Areas {
		out.Where = append(out.Where, in.Areas[i].Description)
	}
	if u, err := url.Parse(in.Web); err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.User == nil {
		out.Web = in.Web
	}
	return out
}

// choices are the templates of which a draft can be made, the one that fits
// first.
func (c *console) choices(l *locale, w *broadcast.Warning) ([]templateChoice, error) {
	all := templates.Shipped()
	if c.s.Templates != nil {
		var err error
		if all, err = c.s.Templates(); err != nil {
			return nil, err
		}
	}
	best := hazardOf(w.Alert)
	found := false
	var out []templateChoice
	for _, t := range all {
		text, ok := t.Texts[l.Tag]
		if !ok {
			for _, text = range t.Texts {
				break
			}
		}
		fits := !found && best != "" && t.Hazard == best
		found = found || fits
		out = append(out, templateChoice{t.ID, cmp.Or(text.Name, t.ID), fits})
	}
	return out, nil
}

// awareness are the hazards by the numbers of MeteoAlarm's awareness_type.
var awareness = map[string]string{"1": "storm", "2": "snow", "3": "storm", "5": "heat", "7": "storm", "8": "wildfire", "10": "flood", "12": "flood", "13": "flood"}

// hazardOf finds the danger that a warning is about, as templates name it; ""
// where nothing tells. The longest name that its event holds decides.
func hazardOf(a *alerts.Alert) string {
	best, length := "", 0
	for i := range a.Infos {
		in := &a.Infos[i]
		for _, p := range in.Parameters {
			number, _, _ := strings.Cut(p.Value, ";")
			if hazard := awareness[strings.TrimSpace(number)]; p.Name == "awareness_type" && hazard != "" {
				return hazard
			}
		}
		said := " " + strings.ToLower(in.Event) + " "
		for key, names := range lexicon.Hazards {
			for _, h := range names {
				for _, name := range append([]string{h.Name}, h.Also...) {
					if n := len(name); strings.Contains(said, strings.ToLower(name)) && (n > length || n == length && key < best) {
						best, length = key, n
					}
				}
			}
		}
	}
	return best
}

// longestReason bounds why somebody answered as they did, in bytes.
const longestReason = 500

// answerWarning writes what somebody has decided. Who opens a draft is its
// author from then on (DECISIONS 4).
func (c *console) answerWarning(v *visit) {
	if err := v.r.ParseForm(); err != nil {
		c.say(v, http.StatusBadRequest, v.l.must("console_unread"))
		return
	}
	ctx, cancel := actContext(v.r)
	defer cancel()
	key, form := v.r.PathValue("key"), v.r.PostForm
	reason := strings.TrimSpace(form.Get("reason"))
	var state broadcast.WarningState
	switch form.Get("do") {
	case "handled":
		state = broadcast.WarningHandled
	case "not-for-us":
		state = broadcast.WarningForeign
	case "draft":
		state, reason = broadcast.WarningDrafted, "template "+form.Get("template")
	default:
		c.say(v, http.StatusBadRequest, v.l.must("console_unread"))
		return
	}
	if person := v.member.Person(); !person.Can(alerts.VerbSubmit) && !person.Can(alerts.VerbApprove) {
		c.say(v, http.StatusForbidden, v.l.must("warnings_not_yours"))
		return
	}
	if reason == "" || len(reason) > longestReason {
		c.warningForm(v, http.StatusUnprocessableEntity, v.l.must("warnings_no_reason"), "reason", reason)
		return
	}
	act := alerts.Act{V: 1, At: v.now.UTC(), By: v.member.Person().By(), Verb: "warning-" + string(state), Alert: alerts.ID(key), Event: alerts.ID(key), Reason: reason, Via: "console"}
	switch err := c.s.Warnings.AnswerWarning(ctx, key, state, act); {
	case errors.Is(err, alerts.ErrStale):
		c.warningForm(v, http.StatusConflict, v.l.must("warnings_stale"), "", reason)
		return
	case errors.Is(err, alerts.ErrNotFound):
		c.say(v, http.StatusNotFound, v.l.must("warnings_missing"))
		return
	case err != nil:
		c.fail(v, err)
		return
	}
	c.log("official warning answered", v.member, zap.String("warning", key), zap.String("state", string(state)))
	if state == broadcast.WarningDrafted {
		c.to(v, "/console/new?template="+url.QueryEscape(form.Get("template"))+"&warning="+url.QueryEscape(key))
		return
	}
	c.to(v, "/console/warnings/"+key+"?said=answered")
}
