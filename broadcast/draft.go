package broadcast

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"go.uber.org/zap"

	"martinella/alerts"
	"martinella/channels"
)

// draft is everything that publishing a record would send: the same record on
// the same configuration gives the same digest, however many subscribe in
// between.
type draft struct {
	channels  []string
	place     place
	zones     []Zone
	kinds     []string // of contact that the plan serves
	areas     []alerts.Value
	messages  []channels.Message
	spans     []Span
	audiences map[string]audience // by addressed channel
	failures  map[string]string   // by channel
	warnings  alerts.Problems
	reach     int
	digest    alerts.Digest
}

// audience is the definition of who is addressed, as approved.
type audience struct {
	Selection
	Told alerts.ID `json:"told,omitempty"` // whoever was addressed by this revision is addressed again
	Only bool      `json:"only,omitempty"` // nobody else is
}

func (p *Planner) draft(ctx context.Context, r *alerts.Record) (*draft, error) {
	promise, err := p.Work.Durability(ctx)
	if err != nil {
		return nil, fmt.Errorf("durability: %w", err)
	}
	if promise.Memory && r.Alert.Status == alerts.StatusActual {
		return nil, &alerts.Refusal{Kind: alerts.ErrNotDurable, Problems: alerts.Problems{{Field: "status",
			Problem: "is Actual, and this gateway keeps nothing", Hint: "start it with a Redis; in memory it takes Exercise and Test only"}}}
	}
	past, err := p.earlier(ctx, r)
	if err != nil {
		return nil, err
	}
	routes, warnings := p.plan(r, past, promise.Memory)
	d := &draft{channels: make([]string, len(routes)), place: p.place(r, past), audiences: map[string]audience{}, failures: map[string]string{}, warnings: warnings}
	d.areas = d.place.Codes
	for i, route := range routes {
		d.channels[i] = route.Name()
	}
	text := template(r, d)
	said := make([][]channels.Message, len(routes)) // by route; none where it cannot
	for i, route := range routes {
		if said[i], err = p.render(route, text); err != nil {
			name := route.Name()
			d.failures[name] = err.Error()
			d.warnings = append(d.warnings, warning("channels["+name+"]", "cannot carry this alert: "+err.Error(), "the other channels are not affected; change the text or the channel's settings"))
			continue
		}
		var more alerts.Problems
		said[i], more = p.steps(route, said[i], text, past)
		d.warnings = append(d.warnings, more...)
		if kind := route.addressKind(); kind != "" && !slices.Contains(d.kinds, kind) {
			d.kinds = append(d.kinds, kind)
		}
	}
	d.warnings = append(d.warnings, d.place.warnings(len(d.kinds) > 0)...)
	if len(d.kinds) > 0 {
		d.zones = p.zones(d.place)
	}
	var everybody crowd
	for i, route := range routes {
		people, err := p.add(ctx, d, route, said[i], r, past)
		if err != nil {
			return nil, err
		}
		everybody.join(people)
		d.warnings = append(d.warnings, p.estimates(route, text, d)...)
	}
	d.reach = everybody.count()
	d.digest = d.sum(r)
	return d, nil
}

// template is the record as channels render it: without what its further life
// changes, so that the same text comes out before and after approval.
func template(r *alerts.Record, d *draft) *alerts.Record {
	t := r.Clone()
	t.State, t.Approver, t.Approved, t.Published, t.Cursor, t.Closed = alerts.StateIssued, alerts.By{}, "", time.Time{}, "", ""
	t.Warnings, t.Reach, t.Received = nil, 0, time.Time{}
	t.Channels, t.Areas = d.channels, d.areas
	return t
}

// add puts what one route says into the draft and gives the people it addresses.
func (p *Planner) add(ctx context.Context, d *draft, route Route, messages []channels.Message, r *alerts.Record, past []*alerts.Record) (crowd, error) {
	name := route.Name()
	if len(messages) == 0 {
		return nil, nil
	}
	first := len(d.messages)
	d.messages = append(d.messages, messages...)
	kind := route.addressKind()
	if kind == "" {
		for i := range messages {
			d.spans = append(d.spans, Span{Channel: name, Message: first + i, From: uint32(i), To: uint32(i + 1)})
		}
		return nil, nil
	}
	def, chosen, told, err := p.address(ctx, route, kind, r, d, past)
	if err != nil {
		return nil, err
	}
	d.audiences[name] = def
	message := func(language string) int { return wording(messages, language, p.Language) }
	var line lineup
	line.choose(chosen, message)
	line.follow(told, message)
	for _, s := range line.done() {
		s.Channel, s.Message = name, first+s.Message
		d.spans = append(d.spans, s)
	}
	d.warnings = append(d.warnings, p.held(name, kind, def.Selection, d.place, len(line.people))...)
	return line.crowd, nil
}

// render asks the channel for its messages.
func (p *Planner) render(route Route, text *alerts.Record) ([]channels.Message, error) {
	return p.guarded(route, text, func() ([]channels.Message, error) { return route.Channel.Render(text.Clone()) })
}

// guarded asks the channel for messages of the record. A panic or no message at
// all is a failure like any other, with a reason that is the same each time.
func (p *Planner) guarded(route Route, text *alerts.Record, ask func() ([]channels.Message, error)) (messages []channels.Message, err error) {
	defer func() {
		if v := recover(); v != nil {
			p.Log.Error("render panicked", zap.String("channel", route.Name()), zap.String("alert", string(text.ID)), zap.Any("panic", v), zap.ByteString("stack", debug.Stack()))
			messages, err = nil, errors.New("the channel's program failed")
		}
	}()
	messages, err = ask()
	if err != nil {
		return nil, err
	}
	if len(messages) == 0 {
		return nil, errors.New("the channel has nothing to say of it")
	}
	for i := range messages {
		m := &messages[i]
		p.facts(route, m, text)
		if bound, ok := route.Channel.(channels.AreaBound); ok {
			if err := channels.WithinArea(bound, *m); err != nil {
				return nil, err
			}
		}
	}
	return messages, nil
}

// facts fills in who the message is and when it ends, which is the record's word,
// not a text's.
func (p *Planner) facts(route Route, m *channels.Message, text *alerts.Record) {
	m.Channel, m.Alert, m.Event, m.Revision, m.Change = route.Name(), text.ID, text.Event, text.Revision, text.Change
	m.Severity, m.Exercise, m.Expires = text.Alert.Severity(), text.Alert.Practice(), text.Expires()
	m.Areas, m.Readers = text.Areas, route.readers()
}

// wording is the index of the message for a language: the same tag, the same
// primary language, the authority's, the first.
func wording(messages []channels.Message, languages ...string) int {
	for _, want := range languages {
		for i := range messages {
			if strings.EqualFold(messages[i].Language, want) {
				return i
			}
		}
		for i := range messages {
			if alerts.PrimaryLanguage(messages[i].Language) == alerts.PrimaryLanguage(want) {
				return i
			}
		}
	}
	return 0
}

// sum is the digest of what the second person says yes to (DECISIONS 18):
// content, audience, plan, texts, and what cannot be said where.
func (d *draft) sum(r *alerts.Record) alerts.Digest {
	b, err := json.Marshal(struct {
		V         int                 `json:"v"`
		Content   alerts.Digest       `json:"content"`
		Channels  []string            `json:"channels"`
		Areas     []alerts.Value      `json:"areas"`
		Audiences map[string]audience `json:"audiences"`
		Messages  []channels.Message  `json:"messages"`
		Failures  map[string]string   `json:"failures"`
	}{1, r.Content, d.channels, d.areas, d.audiences, d.messages, d.failures})
	if err != nil {
		panic("broadcast: a draft always marshals: " + err.Error())
	}
	sum := sha256.Sum256(b)
	return alerts.Digest(hex.EncodeToString(sum[:]))
}

// enter writes the plan into the record. Warnings of an earlier preparation
// give way to the present ones.
func (d *draft) enter(r *alerts.Record) {
	r.Channels, r.Areas, r.Reach = d.channels, d.areas, d.reach
	r.Warnings = slices.DeleteFunc(r.Warnings, func(w alerts.Problem) bool {
		return w.Field == "channels" || strings.HasPrefix(w.Field, "channels[") || w.Field == "areas"
	})
	r.Warnings = append(r.Warnings, d.warnings...)
}
