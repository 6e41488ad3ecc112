package dashboards

import (
	"net/url"
	"slices"
	"strings"
	"time"

	"martinella/alerts"
	"martinella/broadcast"
	"martinella/channels"
)

type langText struct {
	Language, Name string
	Card           card
	Event          string
}

// channelText is what leaves on one channel, or on several that say the same.
type channelText struct {
	Name, Failure, Reach string
	Messages             []messageText
	Same                 []channelText // others with these very messages
}

// First is the message in the first language; the others are folded.
func (c channelText) First() []messageText { return c.Messages[:min(1, len(c.Messages))] }

// Others are the messages in the other languages.
func (c channelText) Others() []messageText { return c.Messages[min(1, len(c.Messages)):] }

// Folded reports whether a channel has more than one message, of which all but the
// first are folded.
func (a approvePage) Folded() bool {
	return slices.ContainsFunc(a.Channels, func(c channelText) bool { return len(c.Messages) > 1 })
}

type messageText struct {
	Language, Name, Title, Text, Payload, Reach, Step, Cost string
	Alt, Image                                              string
}

type closingText struct {
	Title    string
	Channels []channelText
}

// langTexts is the public card in every language of the record.
func (c *console) langTexts(l *locale, r *alerts.Record, now time.Time) []langText {
	var out []langText
	for _, in := range r.Infos() {
		tag := in.Language
		if tag == "" {
			tag = c.s.Authority.Language
		}
		if slices.ContainsFunc(out, func(t langText) bool { return t.Language == tag }) {
			continue
		}
		theirs := *l
		theirs.Tag = alerts.PrimaryLanguage(tag)
		out = append(out, langText{tag, l.language(tag), c.s.card(&theirs, happening{Record: r, Standing: broadcast.StandingActive}, now), in.Event})
	}
	return out
}

// channelTexts is what each channel says; the picture is drawn of what is stored.
func (c *console) channelTexts(l *locale, r *alerts.Record, previews []broadcast.Preview, stored bool) []channelText {
	out := make([]channelText, 0, len(previews))
	for _, one := range previews {
		ch, total := channelText{Name: one.Channel, Failure: one.Failure}, 0
		for i, m := range one.Messages {
			total += one.Reach[i]
			line := messageText{Language: m.Language, Name: l.language(m.Language), Title: tidy(m.Title), Text: m.Text}
			if m.Text == "" && len(m.Payload) > 0 {
				line.Payload = clipped(m.Payload)
			}
			if one.Address != "" {
				line.Reach = crowd(l, one.Reach[i], one.Address)
			}
			if m.Step != channels.StepPost {
				line.Step = stepWords(l, m.Step)
			}
			if m.Image != nil && c.s.Cards != nil && stored {
				line.Alt, line.Image = m.Image.Alt, deedPath(r.ID, "card.png")+"?language="+url.QueryEscape(m.Language)
			}
			if i < len(one.Estimates) {
				line.Cost = costWords(l, one.Estimates[i], one.Reach[i])
			}
			ch.Messages = append(ch.Messages, line)
		}
		switch {
		case one.Failure != "":
		case one.Address == "":
			ch.Reach = l.must("approve_public")
		default:
			ch.Reach = crowd(l, total, one.Address)
		}
		if i := slices.IndexFunc(out, ch.says); i >= 0 {
			out[i].Same = append(out[i].Same, ch)
			continue
		}
		out = append(out, ch)
	}
	return out
}

// says reports whether another channel says to the letter the same: it is read
// once.
func (c channelText) says(other channelText) bool {
	return c.Failure == "" && other.Failure == "" && len(c.Messages) > 0 && slices.Equal(c.Messages, other.Messages)
}

// clipped is the beginning of a body for machines.
func clipped(b []byte) string {
	const most = 2000
	text := strings.ToValidUTF8(string(b), "\ufffd")
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "") + " …"
	}
	return text
}

func costWords(l *locale, e channels.Estimate, reach int) string {
	words := l.must("approve_parts", "N", e.Parts)
	if cost, known := e.Cost(reach); known {
		words += " · " + l.must("approve_cost", "Cost", cost.String())
	}
	return words
}

// areaNames are the places of the record, each once.
func areaNames(r *alerts.Record) []string {
	var names []string
	for _, in := range r.Infos() {
		for i := range in.Areas {
			if name := tidy(in.Areas[i].Description); name != "" && !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	return names
}
