package dashboards

import (
	"cmp"
	"context"
	"html/template"
	"slices"
	"strconv"
	"strings"
	"time"

	"martinella/alerts"
	"martinella/broadcast"
)

// deliveryPart is how the revision goes out: what the board's script renews.
type deliveryPart struct {
	Word     string // the state of all in a word, for the title
	Sum      string
	At       instant
	Channels []channelLine
	Over     bool
	// Following says how many public pages are open; "" where nobody counts.
	Following string
	Trend     *trend
	all       []broadcast.Delivery
}

// channelLine is one row of the board.
type channelLine struct {
	Name, Place     string
	Key             string // the configured name
	Tone, Mark      string // of the state
	State           string
	Accepted, Total string
	Percent         int
	Delivered       string
	Failed          string
	Uncertain       string
	Times           string   // p50 and p99
	More            []string // under the name: speed and end, note, second provider
	Cause, Raw      string   // in plain words; as the platform said it
	Renewal         string   // how to renew refused credentials
	URL             string   // of the public post
	Fix             *remedy
	List            string // of failures, where the remedy is another one
}

// remedy is the one thing to do about a channel.
type remedy struct{ Name, URL string }

// speedFrom is from how many recipients on a speed says anything.
const speedFrom = 5

// deliveryOf reads the deliveries of a published revision.
func (c *console) deliveryOf(ctx context.Context, v *visit, r *alerts.Record) (*deliveryPart, error) {
	all, err := c.s.Work.Deliveries(ctx, r.ID)
	if err != nil {
		return nil, err
	}
	var troubles []broadcast.Trouble
	if c.s.Troubles != nil {
		troubles = c.s.Troubles()
	}
	part := &deliveryPart{At: v.l.At(v.now, v.now), all: all, Over: true}
	part.At.Clock = v.l.moment(v.now, v.now)
	counts := map[string]int{}
	for _, d := range all {
		state := stateOf(r, d)
		counts[state]++
		part.Over = part.Over && (d.Over() || state == stateHalted)
		i := slices.IndexFunc(troubles, func(t broadcast.Trouble) bool { return t.Channel == d.Channel })
		var trouble *broadcast.Trouble
		if i >= 0 {
			trouble = &troubles[i]
		}
		part.Channels = append(part.Channels, c.channelLine(v, r, d, state, trouble))
	}
	part.Sum = v.l.channels(len(all))
	var words []string
	for _, state := range boardStates {
		if n := counts[state]; n > 0 {
			words = append(words, countWord(v.l, state, n))
		}
	}
	if len(words) > 0 {
		part.Sum += ": " + strings.Join(words, ", ")
	}
	part.Word = v.l.must("board_under_way", "N", counts["done"], "All", len(all))
	switch {
	case len(all) == 0, counts["done"]+counts[stateHalted] == len(all):
		part.Word = v.l.must("board_delivered")
	case part.Over:
		part.Word = v.l.must("board_needs_you")
	}
	if c.s.Following != nil && broadcast.Public(r) {
		part.Following = v.l.following(c.s.Following())
	}
	part.Trend = trendOf(v.l, all)
	return part, nil
}

// stateHalted is a channel that stopped because another revision took its place.
const stateHalted = "halted"

// boardStates is the order in which states are counted, the good ones first.
var boardStates = []string{"done", "sending", "queued", "retrying", "uncertain", "partly_failed", "failed", "expired", stateHalted}

func stateOf(r *alerts.Record, d broadcast.Delivery) string {
	if r.State != alerts.StateIssued && r.State != alerts.StateLapsed && (!d.Over() || (d.State == "done" && d.Suppressed > 0 && d.Accepted < d.Total)) {
		return stateHalted
	}
	return d.State
}

func (l *locale) channels(n int) string {
	if n == 1 {
		return l.must("board_channel")
	}
	return l.must("board_channels", "N", n)
}

// following is how many follow the public pages, in words.
func (l *locale) following(n int) string {
	if n == 1 {
		return l.must("board_following_one")
	}
	return l.must("board_following", "N", thousands(n))
}

func countWord(l *locale, state string, n int) string {
	if word, _, _ := stateWord(l, state); n == 1 && state != "retrying" {
		return "1 " + word
	}
	switch state {
	case "done":
		return l.must("board_n_done", "N", n)
	case "sending":
		return l.must("board_n_sending", "N", n)
	case "queued":
		return l.must("board_n_queued", "N", n)
	case "retrying":
		return l.must("board_n_retrying", "N", n)
	case "uncertain":
		return l.must("board_n_uncertain", "N", n)
	case "partly_failed":
		return l.must("board_n_partly", "N", n)
	case "failed":
		return l.must("board_n_failed", "N", n)
	case "expired":
		return l.must("board_n_expired", "N", n)
	}
	return l.must("board_n_halted", "N", n)
}

// stateWord is a state as people read it: word, mark and tone together.
func stateWord(l *locale, state string) (word, mark, tone string) {
	switch state {
	case "done":
		return l.must("board_done"), "✓", "good"
	case "sending":
		return l.must("board_sending"), "▶", ""
	case "queued":
		return l.must("board_queued"), "…", ""
	case "retrying":
		return l.must("board_retrying"), "↻", "warn"
	case "uncertain":
		return l.must("board_uncertain"), "?", "warn"
	case "partly_failed":
		return l.must("board_partly"), "!", "warn"
	case "failed":
		return l.must("board_failed"), "✕", "bad"
	case "expired":
		return l.must("board_expired"), "⏱", "warn"
	}
	return l.must("board_halted"), "■", ""
}

func (c *console) channelLine(v *visit, r *alerts.Record, d broadcast.Delivery, state string, trouble *broadcast.Trouble) channelLine {
	line := channelLine{Key: d.Channel, Total: thousands(d.Total), Accepted: thousands(d.Accepted), Failed: thousands(d.Failed), Uncertain: thousands(d.Uncertain),
		Delivered: "—", Times: v.l.took(d.P50MS) + " / " + v.l.took(d.P99MS), URL: publicURL(d.URL)}
	line.Name, line.Place = c.channelName(d.Channel)
	line.State, line.Mark, line.Tone = stateWord(v.l, state)
	if d.Total > 0 {
		line.Percent = min(100, d.Accepted*100/d.Total)
	}
	if d.Delivered > 0 {
		line.Delivered = thousands(d.Delivered)
	}
	if rate, end, ok := pace(d, v.now); ok && state == "sending" {
		line.More = append(line.More, v.l.must("board_pace", "Rate", thousands(rate), "Clock", v.l.moment(end, v.now)))
	}
	if state == "retrying" && d.NextAttempt != nil {
		if wait := d.NextAttempt.Sub(v.now); wait > 0 {
			line.More = append(line.More, v.l.must("board_next", "Wait", v.l.wait(wait), "Clock", v.l.moment(*d.NextAttempt, v.now)))
		} else {
			line.More = append(line.More, v.l.must("board_next_now"))
		}
	}
	if state == "retrying" && d.Attempts > 0 {
		line.More = append(line.More, v.l.must("board_attempts", "N", d.Attempts, "Clock", v.l.moment(r.Alert.Expires(), v.now)))
	}
	if d.Second != "" {
		line.More = append(line.More, v.l.must("board_second", "Name", d.Second, "N", thousands(d.SecondAccepted)))
	}
	if d.Expired > 0 && state != "expired" {
		line.More = append(line.More, v.l.must("board_expired_n", "N", thousands(d.Expired)))
	}
	if d.By != nil && d.At != nil {
		line.More = append(line.More, v.l.must("board_posted_by", "Name", tidy(d.By.Name), "Clock", v.l.moment(*d.At, v.now)))
	}
	if d.Note != "" {
		line.More = append(line.More, v.l.must("board_note"))
		line.Raw = tidy(d.Note)
	}
	c.explain(v, r, d, state, trouble, &line)
	return line
}

// explain says why a channel is not well, and the one thing to do about it.
func (c *console) explain(v *visit, r *alerts.Record, d broadcast.Delivery, state string, trouble *broadcast.Trouble, line *channelLine) {
	raw := tidy(d.Error)
	list := "/console/a/" + string(r.ID) + "/failures/" + d.Channel + langQuery(v)
	if d.Failed+d.Uncertain+d.Expired > 0 {
		line.List = list
	}
	if state == "done" || state == stateHalted {
		if state == stateHalted {
			line.Cause = v.l.must("board_cause_replaced")
		}
		return
	}
	if trouble != nil && !d.Over() && raw == "" {
		raw = tidy(trouble.Reason)
	}
	refused := trouble != nil && trouble.Refused
	why := causeOf(raw)
	if refused {
		why = causeAccess
	}
	if raw != "" || refused || state == "uncertain" || state == "expired" {
		line.Cause, line.Raw = causeWord(v.l, why, state), cmp.Or(raw, line.Raw)
	}
	current := r.State == alerts.StateIssued && broadcast.Resendable(r, v.now) == nil
	switch {
	case why == causeAccess && state != "uncertain":
		line.Renewal = v.l.must("board_renew_where")
		if refused && trouble.Renewal != "" {
			line.Renewal = v.l.said(trouble.Renewal).Text
		}
		if d.Over() && current && !refused {
			line.Fix = &remedy{v.l.must("board_fix_retry"), list + "#again"}
		}
	case state == "uncertain":
		line.Fix = &remedy{v.l.must("board_fix_check"), list}
	case (state == "failed" || state == "partly_failed") && current && d.Failed > 0:
		line.Fix = &remedy{v.l.must("board_fix_retry"), list + "#again"}
	case line.List != "":
		line.Fix = &remedy{v.l.must("board_fix_see"), list}
	}
	if line.Fix != nil && strings.HasPrefix(line.Fix.URL, line.List) {
		line.List = ""
	}
}

// cause is why something was not delivered, as far as people need it.
type cause int

const (
	causeOther cause = iota
	causeAccess
	causeBusy
	causeSilent
	causeBroken
	causeExpired
	causeReplaced
	causeDoubt
	causeGone
	causeTooLong
	causeHeld
	causeTooLate
)

// causes finds a cause in what a platform or the gateway said, the first that
// fits. The words are those of broadcast and of the channels, and the status
// codes of HTTP (RFC 9110 section 15).
var causes = []struct {
	is    cause
	words []string
}{
	{causeReplaced, []string{"replaced by a newer revision"}},
	{causeExpired, []string{"the alert expired", "has expired"}},
	{causeTooLate, []string{"for three days", "trying ended"}},
	{causeDoubt, []string{"nobody knows", "possible duplicate", "cut off", "answer was lost"}},
	{causeGone, []string{"erased", "without such a contact", "410", "404", "not found", "blocked by the user", "unsubscribed"}},
	{causeAccess, []string{"401", "403", "token", "credential", "unauthorized", "access", "password", "login"}},
	{causeBusy, []string{"429", "too many", "rate limit", "quota", "flood"}},
	{causeTooLong, []string{"413", "422", "too long", "character limit", "max chars", "validation failed"}},
	{causeHeld, []string{"holds back", "keeps failing"}},
	{causeBroken, []string{"500", "502", "503", "504", "server error", "unavailable", "bad gateway"}},
	{causeSilent, []string{"timeout", "deadline", "refused", "no such host", "unreachable", "reset", "eof", "no answer", "closed", "not connected", "nobody listens"}},
}

func causeOf(raw string) cause {
	low := strings.ToLower(raw)
	for _, c := range causes {
		if slices.ContainsFunc(c.words, func(word string) bool { return strings.Contains(low, word) }) {
			return c.is
		}
	}
	return causeOther
}

func causeWord(l *locale, c cause, state string) string {
	if state == "uncertain" {
		return l.must("board_cause_doubt")
	}
	if state == "expired" {
		return l.must("board_cause_expired")
	}
	switch c {
	case causeAccess:
		return l.must("board_cause_access")
	case causeBusy:
		return l.must("board_cause_busy")
	case causeSilent:
		return l.must("board_cause_silent")
	case causeBroken:
		return l.must("board_cause_broken")
	case causeExpired:
		return l.must("board_cause_expired")
	case causeReplaced:
		return l.must("board_cause_replaced")
	case causeDoubt:
		return l.must("board_cause_doubt")
	case causeGone:
		return l.must("board_cause_gone")
	case causeTooLong:
		return l.must("board_cause_long")
	case causeHeld:
		return l.must("board_cause_held")
	case causeTooLate:
		return l.must("board_cause_late")
	}
	return l.must("board_cause_other")
}

// channelName is the channel as the authority knows it: the platform and the
// account, where the register has them.
func (c *console) channelName(channel string) (name, place string) {
	for _, a := range c.s.accountsNow() {
		if a.Channel == channel {
			return platformName(a.Platform), strings.Join([]string{tidy(a.Name), channel}, " · ")
		}
	}
	return channel, ""
}

// pace is how many recipients a second a channel takes, and when it ends if
// that stays so.
func pace(d broadcast.Delivery, now time.Time) (rate int, end time.Time, ok bool) {
	open := d.Total - d.Accepted - d.Failed - d.Expired - d.Suppressed - d.Uncertain
	if d.Accepted < speedFrom || d.FirstMS == nil || d.LastMS == nil || *d.LastMS <= *d.FirstMS || open <= 0 {
		return 0, time.Time{}, false
	}
	each := float64(*d.LastMS-*d.FirstMS) / float64(d.Accepted-1)
	return max(1, int(1000/each)), now.Add(time.Duration(each*float64(open)) * time.Millisecond), true
}

// took is a time of delivery: "38 ms", "1,2 s", "4 min".
func (l *locale) took(ms *int64) string {
	switch {
	case ms == nil:
		return "—"
	case *ms < 1000:
		return strconv.FormatInt(*ms, 10) + " ms"
	case *ms < 60_000:
		return strings.Replace(strconv.FormatFloat(float64(*ms)/1000, 'f', 1, 64), ".", l.must("board_point"), 1) + " s"
	}
	return l.wait(time.Duration(*ms) * time.Millisecond)
}

// wait is a time to come or gone by, to the second below two minutes.
func (l *locale) wait(d time.Duration) string {
	if d < 2*time.Minute {
		return strconv.Itoa(int((d+time.Second-1)/time.Second)) + " s"
	}
	return left(l, d)
}

// thousands writes a number with narrow spaces between its groups.
func thousands(n int) string {
	text := strconv.Itoa(n)
	for i := len(text) - 3; i > 0 && text[i-1] != '-'; i -= 3 {
		text = text[:i] + "\u202f" + text[i:]
	}
	return text
}

// publicURL is an address that a platform gave, if it is one of the web.
func publicURL(address string) string {
	if strings.HasPrefix(address, "https://") {
		return address
	}
	return ""
}

// trend is how the acceptances came in, as a line and in words.
type trend struct {
	Width, Height int
	Line          template.HTMLAttr // d="..." of whole numbers
	Words         string
}
