package rdb

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"martinella/alerts"
	"martinella/alerts/volunteers"
	"martinella/broadcast"
	"martinella/broadcast/callout"
	"martinella/broadcast/crash"
)

// Take implements [callout.Store].
func (s *Callouts) Take(ctx context.Context, now time.Time, lease time.Duration) (*callout.Round, error) {
	k := s.r.keys
	// Not asked again where the answer was lost: the lease gives it back.
	out, err := s.r.run(ctx, s.r.scripts.takecall, []string{k.callsDue()}, now.UnixMilli(), now.Add(lease).UnixMilli(), nonce(), k.call(""), callout.RoundSize).Slice()
	if errors.Is(err, redis.Nil) || err == nil && len(out) != 7 {
		return nil, fmt.Errorf("take a call: %w", alerts.ErrNotFound)
	}
	if err != nil {
		return nil, fail("take a call", err)
	}
	id, _ := out[0].(string)
	r, err := s.readRound(alerts.ID(id), out)
	if err != nil {
		return nil, fail("take call "+id, err)
	}
	return r, nil
}

func (s *Callouts) readRound(id alerts.ID, out []any) (*callout.Round, error) {
	fields, _ := out[2].([]any)
	c, err := s.readCall(id, fields)
	if err != nil {
		return nil, err
	}
	r := &callout.Round{Call: c, Answers: map[uint32]volunteers.Answer{}, Here: map[uint32]volunteers.Presence{}}
	r.Token, _ = out[1].(string)
	due, _ := out[3].([]any)
	legs, _ := out[4].([]any)
	answers, _ := out[5].([]any)
	if len(due) != 2*len(legs) {
		return nil, errors.New("the legs that are due are incomplete")
	}
	for i := range legs {
		number, at, text := asText(due[2*i]), asText(due[2*i+1]), asText(legs[i])
		n, err := strconv.ParseUint(number, 10, 32)
		if err != nil {
			return nil, err
		}
		ms, err := strconv.ParseFloat(at, 64)
		if err != nil {
			return nil, err
		}
		l, err := readLeg(uint32(n), text, time.UnixMilli(int64(ms)).UTC())
		if err != nil {
			return nil, err
		}
		r.Legs = append(r.Legs, l)
	}
	for i := 0; i+1 < len(answers); i += 2 {
		n, err := strconv.ParseUint(asText(answers[i]), 10, 32)
		if err != nil {
			return nil, err
		}
		_, a, err := s.readAnswer(id, uint32(n), asText(answers[i+1]))
		if err != nil {
			return nil, err
		}
		r.Answers[uint32(n)] = *a
	}
	present, _ := out[6].([]any)
	for i := 0; i+1 < len(present); i += 2 {
		n, err := strconv.ParseUint(asText(present[i]), 10, 32)
		if err != nil {
			return nil, err
		}
		if _, r.Here[uint32(n)], err = s.readPresence(id, uint32(n), asText(present[i+1])); err != nil {
			return nil, err
		}
	}
	return r, nil
}

func asText(v any) string {
	s, _ := v.(string)
	return s
}

// errRound is the error for a page that is none of its round.
var errRound = errors.New("the page does not fit its round")

// Page implements [callout.Store].
func (s *Callouts) Page(ctx context.Context, r *callout.Round, p *callout.Page, legs []volunteers.Leg, next time.Time) error {
	id := r.Call.ID
	op := "page for call " + string(id)
	steps := make(map[uint32]int, len(r.Legs))
	for _, l := range r.Legs {
		steps[l.Number] = l.Step
	}
	var moved []any
	for _, l := range legs {
		step, taken := steps[l.Number]
		if !taken {
			return fmt.Errorf("%s: a leg was not in it: %w", op, alerts.ErrStale)
		}
		moved = append(moved, l.Number, step, writeLeg(l), millis(l.Due))
	}
	halted := make([]string, len(r.Halt))
	for i, number := range r.Halt {
		halted[i] = utoa(number)
	}
	k := s.r.keys
	keys := []string{k.nothing(), k.call(id), k.callLegs(id), k.callDue(id), k.callAnswers(id), k.callPages(id), k.callPaged(id), k.callsDue(), k.acts(), k.actSeq(), k.actsOf(id),
		k.log(), k.epoch()}
	out, err := s.pageOut(r, p)
	if err != nil {
		return fmt.Errorf("%s: %w", op, err)
	}
	keys = append(keys, out.keys...)
	args := []any{string(id), nonce(), r.Token, millis(next), keptCall(r.Call), len(legs), out.channels, len(out.people) / 3,
		out.id, out.act, out.ttl, out.names, out.at, len(out.record), strings.Join(halted, " "), k.tag}
	args = append(args, moved...)
	args = append(args, out.each...)
	args = append(args, out.people...)
	args = append(args, out.record...)
	args = append(args, out.fields...)
	crash.At(crash.BeforePage)
	cmd, replicated := s.r.keep(ctx, s.r.scripts.pagecall, keys, args...)
	got, err := cmd.Slice()
	if err != nil {
		return fail(op, err)
	}
	switch code, _ := got[0].(int64); code {
	case 1:
	case -1:
		return fmt.Errorf("%s: %w", op, alerts.ErrNotFound)
	default:
		return fmt.Errorf("%s: %w", op, alerts.ErrStale)
	}
	crash.At(crash.AfterPage)
	if p == nil {
		return nil
	}
	p.Record.State, p.Record.Cursor, p.Record.Replicated = alerts.StateIssued, asText(got[1]), replicated
	if _, at, ok := readCursor(broadcast.Cursor(p.Record.Cursor)); ok {
		s.r.saw(at.String())
	}
	return nil
}

// pageOut is a page as its script takes it.
type pageOut struct {
	id, names    string
	act          []byte
	ttl, at      int64
	channels     int
	keys         []string
	each, people []any
	record       []any // fields of the record
	fields       []any // of what goes out
}

func (s *Callouts) pageOut(r *callout.Round, p *callout.Page) (o pageOut, err error) {
	k := s.r.keys
	if p == nil {
		o.keys = []string{k.nothing(), k.nothing()}
		return o, nil
	}
	rec := p.Record
	if rec.Call != r.Call.ID || rec.Alert == nil || rec.Alert.Scope != alerts.ScopeRestricted || rec.Supersedes != "" {
		return o, errRound
	}
	outs, err := split(p)
	if err != nil {
		return o, err
	}
	stored := rec.Clone()
	stored.State, stored.Cursor, stored.Closed = alerts.StateIssued, "", ""
	j, act, err := encode(stored, p.Act)
	if err != nil {
		return o, err
	}
	o.id, o.act, o.at, o.channels = string(rec.ID), act, rec.Published.UnixMilli(), len(outs)
	o.ttl = max(milliseconds(keptFor(rec)), keptCall(r.Call))
	o.record = []any{"v", rec.V, "j", j, "state", string(alerts.StateIssued), "content", string(rec.Content), "approved", string(rec.Approved),
		"event", string(rec.Event), "supersedes", "", "call", string(rec.Call)}
	o.keys = []string{k.record(rec.ID), k.out(rec.ID)}
	names, number := make([]string, len(outs)), map[string]int{}
	o.fields = []any{"v", 1}
	for i, out := range outs {
		names[i], number[out.name] = out.name, i+1
		o.keys = append(o.keys, k.tally(rec.ID, out.name), k.snapshot(rec.ID, out.name), k.reasons(rec.ID, out.name))
		o.each = append(o.each, out.name, out.total, out.people, out.failure)
		m, err := json.Marshal(out.messages)
		if err != nil {
			return o, err
		}
		spans, err := json.Marshal(out.spans)
		if err != nil {
			return o, err
		}
		o.fields = append(o.fields, "m:"+out.name, m, "s:"+out.name, spans)
		if out.failure != "" {
			o.fields = append(o.fields, "f:"+out.name, out.failure)
		}
	}
	o.names = strings.Join(names, " ")
	o.fields = append(o.fields, "plan", o.names)
	for _, span := range p.Spans {
		if span.People == nil && span.To > span.From {
			return o, errRound // a page is for somebody
		}
		for i, person := range span.People {
			o.people = append(o.people, person, number[span.Channel], span.From+uint32(i))
		}
	}
	return o, nil
}
