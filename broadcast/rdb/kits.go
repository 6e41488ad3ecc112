package rdb

import (
	"context"
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"martinella/alerts"
	"martinella/broadcast"
)

var _ broadcast.KitStore = (*Redis)(nil)

// postedField begins the fields of a tally that say who posted a text, by its
// ordinal.
const postedField = "posted:"

// tick is the value of such a field.
type tick struct {
	By  alerts.By `json:"by"`
	At  int64     `json:"at"` // ms
	URL string    `json:"url,omitempty"`
}

// readTicks finds who posted what in the fields of a tally.
func readTicks(tally map[string]string) map[uint32]*broadcast.Posted {
	var all map[uint32]*broadcast.Posted
	for field, text := range tally {
		digits, found := strings.CutPrefix(field, postedField)
		if !found {
			continue
		}
		var t tick
		n, err := strconv.ParseUint(digits, 10, 32)
		if err != nil || json.Unmarshal([]byte(text), &t) != nil {
			continue // a later version's; the count says that it was posted
		}
		if all == nil {
			all = map[uint32]*broadcast.Posted{}
		}
		all[uint32(n)] = &broadcast.Posted{By: t.By, At: time.UnixMilli(t.At).UTC(), URL: t.URL}
	}
	return all
}

// Kit implements [broadcast.KitStore].
func (r *Redis) Kit(ctx context.Context, alert alerts.ID, channel string) ([]broadcast.KitPost, string, error) {
	op := "kit of " + string(alert) + " on " + channel
	_, t, err := r.carried(ctx, alert, channel)
	if err == nil && !t.public {
		err = alerts.ErrNotFound // it reaches people one by one
	}
	if err != nil {
		return nil, "", fail(op, err)
	}
	posts, err := r.kit(ctx, t, alert, channel)
	return posts, t.Failure, fail(op, err)
}

func (r *Redis) kit(ctx context.Context, t *cachedTask, alert alerts.ID, channel string) ([]broadcast.KitPost, error) {
	posts := []broadcast.KitPost{}
	var end uint32
	for _, s := range t.Spans {
		end = max(end, s.To)
	}
	if end == 0 {
		return posts, nil
	}
	states, err := r.states(ctx, alert, channel, 0, end)
	if err != nil {
		return nil, err
	}
	var tally map[string]string
	err = again(ctx, func(ctx context.Context) (err error) {
		tally, err = r.commands.HGetAll(ctx, r.keys.tally(alert, channel)).Result()
		return err
	})
	if err != nil {
		return nil, err
	}
	ticks := readTicks(tally)
	filled := broadcast.Filled(t.Record)
	for _, s := range t.Spans {
		if s.Message >= len(t.Messages) {
			continue
		}
		for o := s.From; o < s.To; o++ {
			m := t.Messages[s.Message].For(filled)
			p := broadcast.KitPost{Ordinal: o, Language: m.Language, Title: m.Title, Text: m.Text, Link: m.URL, State: states[o].String(), Posted: ticks[o]}
			if m.Image != nil {
				p.Alt = m.Image.Alt
			}
			posts = append(posts, p)
		}
	}
	return posts, nil
}

// Posted implements [broadcast.KitStore].
func (r *Redis) Posted(ctx context.Context, want broadcast.Tick) (done broadcast.Ticked, err error) {
	op := "tick " + string(want.Alert) + " on " + want.Channel
	refuse := func(kind error, field, problem, hint string) (broadcast.Ticked, error) {
		return done, &alerts.Refusal{Kind: kind, Problems: alerts.Problems{{Field: field, Problem: problem, Hint: hint}}}
	}
	_, t, err := r.carried(ctx, want.Alert, want.Channel)
	if err == nil && !t.public {
		err = alerts.ErrNotFound
	}
	if err != nil {
		return done, fail(op, err)
	}
	if t.Failure != "" {
		return refuse(alerts.ErrNotSendable, "channel", "has nothing to post: "+t.Failure, "send an update that the channel can carry")
	}
	if _, err := r.remembered(ctx, want.Alert, want.Channel); err != nil {
		return done, fail(op, err)
	}
	posts, err := r.kit(ctx, t, want.Alert, want.Channel)
	if err != nil {
		return done, fail(op, err)
	}
	var ordinals []any
	var lo, hi uint32
	wanted := map[uint32]bool{}
	for _, p := range posts {
		if want.Language != "" && !strings.EqualFold(p.Language, want.Language) && !strings.EqualFold(alerts.PrimaryLanguage(p.Language), want.Language) {
			continue
		}
		if len(ordinals) == 0 {
			lo = p.Ordinal
		}
		lo, hi = min(lo, p.Ordinal), max(hi, p.Ordinal)
		ordinals, wanted[p.Ordinal] = append(ordinals, p.Ordinal), true
	}
	if len(ordinals) == 0 {
		return refuse(alerts.ErrNotFound, "language", "is not one of this alert on this channel: "+want.Language, "the kit names its languages")
	}
	act, err := json.Marshal(want.Act)
	if err != nil {
		return done, fail(op, err)
	}
	who, err := json.Marshal(tick{want.Act.By, want.Act.At.UnixMilli(), want.URL})
	if err != nil {
		return done, fail(op, err)
	}
	k := r.keys
	cmd, replicated := r.keep(ctx, r.scripts.posted,
		[]string{k.tally(want.Alert, want.Channel), k.states(want.Alert, want.Channel), k.acts(), k.actSeq(), k.actsOf(t.Record.Event), k.record(want.Alert)},
		append([]any{milliseconds(keptFor(t.Record)), act, who, lo, hi}, ordinals...)...)
	out, err := cmd.Int64Slice()
	switch {
	case err != nil:
		return done, fail(op, err)
	case len(out) != 3:
		return refuse(alerts.ErrNotSendable, "state", "is over: another revision took its place on this channel", "read the alert again, and post what is ready now")
	case out[0]+out[1] == 0:
		return refuse(alerts.ErrNotSendable, "channel", "is not ready: nothing may be posted yet, or nothing any more", "look at the alert's deliveries")
	}
	done.Replicated = replicated
	if posts, err = r.kit(ctx, t, want.Alert, want.Channel); err != nil {
		return done, fail(op, err)
	}
	for _, p := range posts {
		if !wanted[p.Ordinal] {
			continue
		}
		done.Posts = append(done.Posts, p)
		// By what is stored, so that an answer that was lost and asked for again counts.
		if p.Posted != nil && p.Posted.By == want.Act.By && p.Posted.At.Equal(want.Act.At.Truncate(time.Millisecond)) {
			done.New++
		}
	}
	return done, nil
}
