package broadcast

import (
	"slices"

	"martinella/alerts"
	"martinella/channels"
)

// steps decides what becomes of the event's earlier posts on a channel that
// posts to everybody (DECISIONS 7): a correction changes them in place, where
// readers see that; anything else is a post of its own, and the earlier ones say
// what took their place. What was sent by mistake is put right, and only taken
// back where the configuration wants that.
func (p *Planner) steps(route Route, messages []channels.Message, text *alerts.Record, past []*alerts.Record) ([]channels.Message, alerts.Problems) {
	name := route.Name()
	carried := func(r *alerts.Record) bool { return slices.Contains(r.Channels, name) }
	if route.addressKind() != "" || len(messages) == 0 || !slices.ContainsFunc(past, carried) {
		return messages, nil
	}
	before := past[0]
	amender, amends := route.Channel.(channels.Amender)
	_, withdraws := route.Channel.(channels.Withdrawer)
	switch {
	case amends && carried(before) && text.Corrects(before):
		for i := range messages {
			messages[i].Step = channels.StepCorrect
		}
		return messages, nil
	case withdraws && route.Withdraw && text.Change == alerts.ChangeCancelled:
		return append(messages, p.takenBack(route, before, text)...), nil
	case !amends:
		return messages, nil
	}
	amended, err := p.guarded(route, text, func() ([]channels.Message, error) {
		return amender.RenderAmended(template(before, &draft{channels: before.Channels, areas: before.Areas}), text.Clone())
	})
	if err != nil { // the new post is what counts
		return messages, alerts.Problems{warning("channels["+name+"]", "cannot mark its earlier posts: "+err.Error(), "the new post goes out all the same; mark the earlier ones by hand")}
	}
	for i := range amended {
		amended[i].Step, amended[i].Image = channels.StepPoint, nil
	}
	return append(messages, amended...), nil
}

// takenBack are the earlier posts as the approver sees that they are taken back:
// with the words that they had.
func (p *Planner) takenBack(route Route, before, text *alerts.Record) []channels.Message {
	back, err := p.guarded(route, text, func() ([]channels.Message, error) {
		return route.Channel.Render(template(before, &draft{channels: before.Channels, areas: before.Areas}))
	})
	if err != nil { // it has no words; it is taken back all the same
		for _, lang := range channels.Languages(before, channels.Settings{Language: p.Language}) {
			back = append(back, channels.Message{Audience: "public", Language: lang})
		}
	}
	for i := range back {
		back[i].Step, back[i].Image = channels.StepWithdraw, nil
		p.facts(route, &back[i], text)
	}
	return back
}
