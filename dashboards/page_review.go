package dashboards

import (
	"net/http"
	"net/url"
	"strings"

	"martinella/alerts"
)

func (c *console) reviewRoutes() []consoleRoute {
	return []consoleRoute{
		{"GET", "/console/a/{id}/review", forStaff, c.reviewPage},
		{"POST", "/console/a/{id}/review", forStaff, c.review},
	}
}

// reviewPage is what was issued alone, for the second person who looks at it
// within a day (DECISIONS 4).
type reviewPage struct {
	ID      alerts.ID
	Digest  alerts.Digest
	Refused *refusal
	Wrongs  []fieldWrong
	Texts   []langText
	Facts   card
	Alone   []aloneLine
	Done    []aloneLine
	Due     instant // zero where nothing is due
	Late    bool
	WhyNot  *refusal
	Form    url.Values
}

// aloneLine is one act: that somebody issued alone, or looked at it.
type aloneLine struct {
	Name, Reason string
	At           instant
}

func (c *console) reviewPage(v *visit) { c.showReview(v, outcome{}) }

func (c *console) showReview(v *visit, came outcome) {
	ctx, cancel := actContext(v.r)
	defer cancel()
	r, err := c.recordOf(ctx, v, alerts.Published)
	if err != nil {
		c.failDeed(v, err)
		return
	}
	due, err := c.s.Desk.ReviewDue(ctx, r)
	if err != nil {
		c.fail(v, err)
		return
	}
	acts, err := c.s.Desk.Store.Acts(ctx, r.Event)
	if err != nil {
		c.fail(v, err)
		return
	}
	page := reviewPage{ID: r.ID, Digest: r.Approved, Refused: came.refused, Wrongs: came.wrongs, Texts: c.langTexts(v.l, r, v.now),
		Facts: c.s.card(v.l, happening{r, standing(r, v.now)}, v.now), Due: v.l.At(due, v.now), Late: !due.IsZero() && v.now.After(due), Form: v.r.PostForm}
	if page.Form == nil {
		page.Form = url.Values{}
	}
	for _, a := range acts {
		line := aloneLine{a.By.Name, a.Reason, v.l.At(a.At, v.now)}
		switch a.Verb {
		case "issued-alone":
			page.Alone = append(page.Alone, line)
		case "reviewed":
			page.Done = append(page.Done, line)
		}
	}
	if err := c.s.Desk.ReviewRefusal(ctx, v.caller().Person, r); err != nil {
		no, is := c.refused(v, err)
		if !is {
			c.fail(v, err)
			return
		}
		page.WhyNot = whyNot(v.l, no, err, v.l.must("approve_why_reviewer"))
	}
	c.show(v, sheet{name: "review", title: v.l.must("review_title"), code: came.code, heading: true, mode: modeOf(r), content: page})
}

func (c *console) review(v *visit) {
	if !c.posted(v) {
		return
	}
	if strings.TrimSpace(v.r.PostForm.Get("reason")) == "" {
		c.showReview(v, outcome{wrongs: []fieldWrong{{"reason", v.l.must("review_reason_missing")}}, code: http.StatusUnprocessableEntity})
		return
	}
	r, _, err := c.decide(v, "review", settled(c.s.Desk.Review))
	if err != nil {
		no, is := c.refused(v, err)
		if !is {
			c.fail(v, err)
			return
		}
		c.showReview(v, outcome{refused: &no, code: no.Code})
		return
	}
	c.to(v, deedPath(r.ID, "review"))
}
