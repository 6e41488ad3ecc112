package dashboards

import (
	"cmp"
	"context"
	"fmt"
	"html/template"
	"slices"
	"strings"
	"time"

	"martinella/alerts"
	"martinella/broadcast"
)

// momentLine is one line of the board's timeline.
type momentLine struct {
	ISO, Clock string
	Words      string
	Reason     string
	at         time.Time
}

// mostMoments bounds the timeline; the newest are shown.
const mostMoments = 200

// findingsRead opens what an approval says of the findings on its text.
const findingsRead = "(findings read: "

// moments are the acts of the event and the moments of the delivery, oldest
// first.
func (c *console) moments(v *visit, r *alerts.Record, acts []alerts.Act, d *deliveryPart) []momentLine {
	var all []momentLine
	add := func(at time.Time, words, reason string) {
		all = append(all, momentLine{at.In(v.l.zone).Format(time.RFC3339), v.l.moment(at, v.now), words, reason, at})
	}
	if len(acts) > mostMoments {
		acts = acts[len(acts)-mostMoments:]
	}
	for _, a := range acts {
		words, told := actWords(v.l, a)
		reason := ""
		if !told {
			reason, _, _ = strings.Cut(tidy(a.Reason), findingsRead) // their codes stand in the ledger
			reason = strings.TrimSpace(reason)
		}
		add(a.At, words, reason)
	}
	if d != nil && !r.Published.IsZero() {
		c.deliveryMoments(v, r, d, add)
	}
	slices.SortStableFunc(all, func(a, b momentLine) int { return a.at.Compare(b.at) })
	return all
}

// deliveryMoments are queued, first, half and last, of all channels together.
func (c *console) deliveryMoments(v *visit, r *alerts.Record, d *deliveryPart, add func(time.Time, string, string)) {
	if len(d.all) == 0 {
		return
	}
	add(r.Published, v.l.must("board_moment_queued", "Channels", v.l.channels(len(d.all))), "")
	first, last := int64(-1), int64(-1)
	total, accepted := 0, 0
	largest := broadcast.Delivery{}
	for _, one := range d.all {
		total, accepted = total+one.Total, accepted+one.Accepted
		if one.FirstMS != nil && (first < 0 || *one.FirstMS < first) {
			first = *one.FirstMS
		}
		if one.LastMS != nil {
			last = max(last, *one.LastMS)
		}
		if one.Total > largest.Total {
			largest = one
		}
	}
	after := func(ms int64) time.Time { return r.Published.Add(time.Duration(ms) * time.Millisecond) }
	if first >= 0 {
		add(after(first), v.l.must("board_moment_first", "Took", v.l.took(&first)), "")
	}
	if largest.Total > 1 && largest.P50MS != nil && largest.Accepted == largest.Total {
		name, _ := c.channelName(largest.Channel)
		add(after(*largest.P50MS), v.l.must("board_moment_half", "Channel", name, "Took", v.l.took(largest.P50MS)), "")
	}
	switch {
	case d.Over && last >= 0:
		add(after(last), v.l.must("board_moment_last", "Took", v.l.took(&last), "N", thousands(accepted), "All", thousands(total)), "")
	case accepted > 0 && total > 0:
		add(v.now, v.l.must("board_moment_now", "Percent", accepted*100/total), "")
	}
}

// actWords says in plain words what somebody did; told: its reason is in them.
func actWords(l *locale, a alerts.Act) (words string, told bool) {
	name := tidy(a.By.Name)
	switch a.Verb {
	case "submitted":
		return l.must("act_submitted", "Name", name), false
	case "opened":
		return l.must("act_opened", "Name", name), false
	case "approved":
		return l.must("act_approved", "Name", name), false
	case "ticked":
		return l.must("act_ticked", "Name", name), true
	case "reported":
		return l.must("act_reported", "Name", name), true
	case "report-withdrawn":
		_, why, _ := strings.Cut(tidy(a.Reason), ": ")
		return l.must("act_unreported", "Name", name, "Reason", why), true
	case "issued":
		return l.must("act_issued", "Name", name), false
	case "issued-alone":
		return l.must("act_alone", "Name", name), false
	case "reviewed":
		return l.must("act_reviewed", "Name", name), false
	case "returned":
		return l.must("act_returned", "Name", name), false
	case "recalled":
		return l.must("act_recalled", "Name", name), false
	case "rejected":
		return l.must("act_rejected", "Name", name), false
	case "extended":
		return l.must("act_extended", "Name", name), false
	case "resumed":
		return l.must("act_resumed", "Name", name), false
	case "cancelled":
		return l.must("act_cancelled", "Name", name), false
	case "suspended":
		return l.must("act_suspended"), true
	case "ended":
		if a.Via == alerts.ViaGateway || a.By.ID == "gateway" {
			return l.must("act_over"), true
		}
		return l.must("act_ended", "Name", name), false
	case "lapsed":
		return l.must("act_lapsed"), true
	case "rendered":
		return l.must("act_rendered"), true
	case "resent":
		return l.must("act_resent", "Name", name, "Channel", strings.TrimPrefix(tidy(a.Reason), "channel ")), true
	case "posted":
		return l.must("act_posted", "Name", name, "Channel", strings.TrimPrefix(tidy(a.Reason), "channel ")), true
	case "rung":
		return rungWords(l, a.Reason), true
	}
	return l.must("act_other", "Name", name, "Verb", a.Verb), false
}

// rungWords says who was rung and why.
func rungWords(l *locale, reason string) string {
	who, why, _ := strings.Cut(reason, ": ")
	people := l.must("rung_duty")
	switch alerts.Call(who) {
	case alerts.CallOffice:
		people = l.must("rung_office")
	case alerts.CallEveryone:
		people = l.must("rung_everyone")
	case alerts.CallCallers:
		people = l.must("rung_callers")
	case alerts.CallOperators:
		people = l.must("rung_operators")
	}
	cause := why
	switch alerts.Why(why) {
	case alerts.WhyExpires60:
		cause = l.must("rung_60")
	case alerts.WhyExpires15:
		cause = l.must("rung_15")
	case alerts.WhyLapsed:
		cause = l.must("rung_lapsed")
	case alerts.WhyAlone:
		cause = l.must("rung_alone")
	case alerts.WhyUnreviewed:
		cause = l.must("rung_unreviewed")
	case alerts.WhyCancelled:
		cause = l.must("rung_cancelled")
	case alerts.WhySuspended:
		cause = l.must("rung_suspended")
	case alerts.WhyApproval:
		cause = l.must("rung_approval")
	case alerts.WhyWarning:
		cause = l.must("rung_warning")
	case alerts.WhyWarningAgain, alerts.WhyWarningEscalated:
		cause = l.must("rung_warning_again")
	case alerts.WhyShort:
		cause = l.must("rung_short")
	case alerts.WhySent:
		cause = l.must("rung_sent")
	}
	return l.must("act_rung", "People", people, "Cause", cause)
}

// The drawing of the trend in its own units.
const (
	trendWidth  = 600
	trendHeight = 80
)

// trendOf draws how many of all recipients had been accepted by which time
// after issuing; nil where there is nothing to draw.
func trendOf(l *locale, all []broadcast.Delivery) *trend {
	var points []broadcast.Reached
	total, accepted := 0, 0
	for _, d := range all {
		total += d.Total
		before := 0
		for _, p := range d.Reached {
			points = append(points, broadcast.Reached{MS: p.MS, N: p.N - before})
			before = p.N
		}
		accepted += before
	}
	slices.SortFunc(points, func(a, b broadcast.Reached) int { return cmp.Compare(a.MS, b.MS) })
	if len(points) < 2 || accepted < 2 || total == 0 {
		return nil
	}
	end := max(points[len(points)-1].MS, 1)
	var line strings.Builder
	fmt.Fprintf(&line, "M0 %d", trendHeight)
	sum, half := 0, int64(-1)
	for _, p := range points {
		sum += p.N
		if half < 0 && sum*2 >= total {
			half = p.MS
		}
		fmt.Fprintf(&line, "L%d %d", int(p.MS*trendWidth/end), trendHeight-sum*trendHeight/total)
	}
	t := &trend{Width: trendWidth, Height: trendHeight, Line: template.HTMLAttr(`d="` + line.String() + `"`)} //nolint:gosec // numbers that we wrote
	t.Words = l.must("board_trend", "N", thousands(accepted), "All", thousands(total), "Took", l.took(&end))
	if half >= 0 {
		t.Words += " " + l.must("board_trend_half", "Took", l.took(&half))
	}
	return t
}

// kitPart is what people post by hand.
type kitPart struct {
	Channel, Name string
	Failure       string
	Posts         []kitPost
	Earlier       int
	To            string
	Digest        alerts.Digest
}

type kitPost struct {
	Language, Words string // its language; what it is called in the reader's
	Text, Link, Alt string
	ID              string
	Done            string // who posted it, and when
	Ready           bool
	Lines           int
}

// kitsOf are the texts that people post by hand, ready to copy.
func (c *console) kitsOf(ctx context.Context, v *visit, r *alerts.Record) ([]kitPart, error) {
	if c.s.Kits == nil {
		return nil, nil
	}
	list, err := c.s.Kits.Of(ctx, r)
	if err != nil {
		return nil, err
	}
	var parts []kitPart
	for _, k := range list {
		part := kitPart{Channel: k.Channel, Failure: tidy(k.Failure), Earlier: len(k.Earlier), To: "/console/a/" + string(r.ID) + "/kits/" + k.Channel + langQuery(v), Digest: r.Approved}
		part.Name, _ = c.channelName(k.Channel)
		if part.Name == k.Channel && k.Platform != "" {
			part.Name = platformName(k.Platform)
		}
		for i, p := range k.Posts {
			one := kitPost{Language: p.Language, Words: v.l.language(p.Language), Text: strings.TrimSpace(p.Title + "\n" + p.Text), Link: p.Link, Alt: p.Alt, ID: "kit-" + k.Channel + "-" + itoa(i), Ready: r.State == alerts.StateIssued && p.State == "accepted"}
			one.Lines = min(14, 2+strings.Count(one.Text, "\n")+len(one.Text)/70)
			if p.Posted != nil {
				one.Done = "✓ " + v.l.must("board_posted_by", "Name", tidy(p.Posted.By.Name), "Clock", v.l.moment(p.Posted.At, v.now))
			}
			part.Posts = append(part.Posts, one)
		}
		parts = append(parts, part)
	}
	return parts, nil
}
