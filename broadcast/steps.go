package broadcast

import (
	"slices"
	"strings"

	"martinella/alerts"
	"martinella/channels"
)

// steps decides what becomes of the event's earlier posts on a channel that
// posts to everybody (DECISIONS 7): a correction changes them in place, where
// readers see that; anything else is a post of its own, and the earlier ones say
// what took their place. What was sent by mistake is put right, and only taken
// back where the configuration wants that.
//
// What counts is what the channel's readers were told last, not what others were.
func (p *Planner) steps(route Route, messages []channels.Message, text *alerts.Record, past []*alerts.Record) ([]channels.Message, alerts.Problems) {
	name := route.Name()
	told := slices.DeleteFunc(slices.Clone(past), func(r *alerts.Record) bool { return !slices.Contains(r.Channels, name) })
	if route.addressKind() != "" || len(messages) == 0 || len(told) == 0 {
		return messages, nil
	}
	amender, amends := route.Channel.(channels.Amender)
	_, withdraws := route.Channel.(channels.Withdrawer)
	corrects := amends && text.Corrects(told[0])
	switch {
	case corrects:
		for i := range messages {
			messages[i].Step = channels.StepCorrect
		}
	case withdraws && route.Withdraw && text.Change == alerts.ChangeCancelled:
		return append(messages, p.takenBack(route, told, text)...), nil
	case !amends:
		return messages, nil
	}
	amended, err := p.eachLanguage(told, func(before *alerts.Record) ([]channels.Message, error) {
		return p.guarded(route, text, func() ([]channels.Message, error) {
			return amender.RenderAmended(asTold(before), text.Clone())
		})
	})
	if corrects && !slices.ContainsFunc(told, func(r *alerts.Record) bool { return !text.Corrects(r) }) {
		// Whichever of them readers have before them is changed in place; what is
		// left are the languages that nothing is said in any more.
		amended = slices.DeleteFunc(amended, func(m channels.Message) bool {
			return slices.ContainsFunc(messages, func(said channels.Message) bool { return said.Language == m.Language })
		})
		if len(amended) == 0 {
			return messages, nil
		}
	}
	for i := range amended {
		amended[i].Step, amended[i].Image = channels.StepPoint, nil
	}
	messages = append(messages, amended...)
	if err != nil { // the new post is what counts
		return messages, alerts.Problems{warning("channels["+name+"]", "cannot mark its earlier posts: "+err.Error(), "the new post goes out all the same; mark the earlier ones by hand")}
	}
	return messages, nil
}

// takenBack are the earlier posts as the approver sees that they are taken back:
// with the words that they had.
func (p *Planner) takenBack(route Route, told []*alerts.Record, text *alerts.Record) []channels.Message {
	back, _ := p.eachLanguage(told, func(before *alerts.Record) ([]channels.Message, error) {
		got, err := p.guarded(route, text, func() ([]channels.Message, error) { return route.Channel.Render(asTold(before)) })
		if err != nil { // it has no words; it is taken back all the same
			got = nil
			for _, lang := range p.languages(before) {
				got = append(got, channels.Message{Audience: "public", Language: lang})
			}
		}
		return got, nil
	})
	for i := range back {
		back[i].Step, back[i].Image = channels.StepWithdraw, nil
		p.facts(route, &back[i], text)
	}
	return back
}

// eachLanguage asks for the messages of the earlier revisions, the newest first,
// and takes of each the languages that no newer one has: a language that was
// dropped may still have a post. Revisions of the same languages are asked for
// once. The error is the first; what could be had is given all the same.
func (p *Planner) eachLanguage(told []*alerts.Record, ask func(before *alerts.Record) ([]channels.Message, error)) (messages []channels.Message, err error) {
	var asked []string
	for _, before := range told {
		languages := strings.Join(p.languages(before), " ")
		if slices.Contains(asked, languages) {
			continue
		}
		asked = append(asked, languages)
		got, failed := ask(before)
		if err == nil {
			err = failed
		}
		for _, m := range got {
			if !slices.ContainsFunc(messages, func(have channels.Message) bool { return have.Language == m.Language }) {
				messages = append(messages, m)
			}
		}
	}
	return messages, err
}

func (p *Planner) languages(r *alerts.Record) []string {
	return channels.Languages(r, channels.Settings{Language: p.Language})
}

// asTold is an earlier revision as the channels rendered it.
func asTold(r *alerts.Record) *alerts.Record {
	return template(r, &draft{channels: r.Channels, areas: r.Areas})
}
