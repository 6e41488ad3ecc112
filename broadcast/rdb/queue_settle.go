package rdb

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"martinella/alerts"
	"martinella/broadcast"
	"martinella/channels"
)

// widest is how many recipients one call of a script handles.
const widest = 2000

func itoa(n int64) string { return strconv.FormatInt(n, 10) }

// Begin implements [broadcast.Queue]. It gives [broadcast.ErrLost] also where
// this node has not refreshed its lease lately: others may take the job at any
// moment.
func (q *Queue) Begin(ctx context.Context, j broadcast.Job, ordinals []uint32) ([]broadcast.Turn, error) {
	op := q.op("begin", j.Alert)
	if err := q.r.fenced(ctx); err != nil {
		return nil, fail(op, err)
	}
	t, err := q.task(ctx, j.Alert)
	if err != nil {
		return nil, fail(op, err)
	}
	lane, entry := q.entry(j)
	keys := []string{lane, q.r.keys.states(j.Alert, q.channel), q.r.keys.tally(j.Alert, q.channel), q.r.keys.reasons(j.Alert, q.channel)}
	turns := make([]broadcast.Turn, 0, len(ordinals))
	for some := range slices.Chunk(ordinals, widest) {
		args := []any{laneGroup, entry, q.r.node, milliseconds(keptFor(t.Record)), slices.Min(some), slices.Max(some), j.Again, j.Second, flag(j.Over == broadcast.ViaSecond)}
		for _, o := range some {
			args = append(args, o)
		}
		out, err := q.r.assure(ctx, q.r.scripts.begin, keys, args...).Int64Slice()
		if err != nil {
			return nil, fail(op, err)
		}
		if len(out) != len(some) {
			return nil, fail(op, broadcast.ErrLost)
		}
		for _, turn := range out {
			turns = append(turns, broadcast.Turn(turn))
		}
	}
	return turns, nil
}

// Again implements [broadcast.Queue].
func (q *Queue) Again(ctx context.Context, j broadcast.Job, ordinal uint32, before ...broadcast.Via) (broadcast.Turn, error) {
	op := q.op("again", j.Alert)
	if err := q.r.fenced(ctx); err != nil {
		return 0, fail(op, err)
	}
	t, err := q.task(ctx, j.Alert)
	if err != nil {
		return 0, fail(op, err)
	}
	lane, entry := q.entry(j)
	turn, err := q.r.assure(ctx, q.r.scripts.again,
		[]string{lane, q.r.keys.states(j.Alert, q.channel), q.r.keys.tally(j.Alert, q.channel), q.r.keys.reasons(j.Alert, q.channel)},
		laneGroup, entry, q.r.node, milliseconds(keptFor(t.Record)), ordinal, j.Again, j.Second, flag(j.Over == broadcast.ViaSecond), int(broadcast.NewTrail(j.Over, before...).State())).Int()
	if err == nil && turn < 0 {
		err = broadcast.ErrLost
	}
	if err != nil {
		return 0, fail(op, err)
	}
	return broadcast.Turn(turn), nil
}

// Finish implements [broadcast.Queue]. What happened is recorded also where
// the job is another worker's by now; the error is [broadcast.ErrLost] then.
func (q *Queue) Finish(ctx context.Context, j broadcast.Job, results []broadcast.Result, last bool) (broadcast.Changed, error) {
	op := q.op("finish", j.Alert)
	var changed broadcast.Changed
	t, err := q.task(ctx, j.Alert)
	if err != nil {
		return changed, fail(op, err)
	}
	chunks := slices.Collect(slices.Chunk(results, widest))
	if len(chunks) == 0 {
		chunks = [][]broadcast.Result{nil}
	}
	for i, some := range chunks {
		mine, early, err := q.finish(ctx, j, t, some, last && i == len(chunks)-1)
		changed.Delivered += early.Delivered
		changed.Failed += early.Failed
		if err == nil && !mine {
			err = broadcast.ErrLost
		}
		if err != nil {
			return changed, fail(op, err)
		}
	}
	return changed, nil
}

func (q *Queue) finish(ctx context.Context, j broadcast.Job, t *cachedTask, results []broadcast.Result, last bool) (mine bool, early broadcast.Changed, err error) {
	k := q.r.keys
	lane, entry := q.entry(j)
	keys := []string{lane, k.states(j.Alert, q.channel), k.tally(j.Alert, q.channel), k.reasons(j.Alert, q.channel), k.parts(j.Alert, q.channel), k.posts(q.channel, t.Record.Event)}
	lo, hi, buckets := j.From, j.From, bucketsOf(t.recipients())
	var url, note string
	var rest []any
	for i, res := range results {
		if i == 0 {
			lo, hi = res.Ordinal, res.Ordinal
		}
		lo, hi = min(lo, res.Ordinal), max(hi, res.Ordinal)
		ms, bucket, post, language := "", "", "", ""
		if res.State == broadcast.Accepted {
			m := t.message(res.Ordinal)
			if m.Step.Posts() {
				ms, bucket = itoa(max(0, res.Latency.Milliseconds())), strconv.Itoa(bucketOf(res.Latency))
			}
			switch {
			case t.public && m.Step.Posts() && res.Receipt.ID != "":
				language, post = m.Language, res.Receipt.ID+"\n"+res.Receipt.URL
			case t.public && !m.Step.Posts():
				language = m.Language
			}
			if t.public && m.Step.Posts() && res.Receipt.URL != "" {
				url = res.Receipt.URL
			}
			if res.Receipt.Note != "" {
				note = shown(res.Receipt.Note)
			} else if t.public && note == "" {
				note = "-" // this time nothing was amiss
			}
		}
		ids, provider, channel := messageIDs(res.Receipt), q.channel, ""
		if res.Via == broadcast.ViaSecond && j.Second != "" { // its ids are its own
			provider, channel = j.Second, q.channel
		}
		rest = append(rest, res.Ordinal, int(res.State), ms, bucket, res.Reason, len(ids), post, language, channel)
		for _, id := range ids {
			field, number := receiptField(id)
			keys = append(keys, k.receipts(provider), k.receipt(provider, receiptsOf(j.Alert, channel), number%buckets), k.parked(provider, id))
			rest = append(rest, field)
		}
	}
	args := append([]any{laneGroup, entry, q.r.node, flag(last), milliseconds(keptFor(t.Record)), milliseconds(reportsFor(t.Record)), string(j.Alert), lo, hi,
		t.Record.Revision, url, j.Again, len(results), buckets, note}, rest...)
	out, err := q.r.repeat(ctx, q.r.scripts.finish, keys, args...).Int64Slice()
	if err != nil || len(out) != 3 {
		return false, early, err
	}
	return out[0] == 1, broadcast.Changed{Delivered: int(out[1]), Failed: int(out[2])}, nil
}

// longestNote bounds what a channel adds to its yes, in bytes.
const longestNote = 300

// shown is a note as it is kept.
func shown(note string) string {
	if len(note) > longestNote {
		note = note[:longestNote] + "..."
	}
	return strings.ToValidUTF8(note, "")
}

// messageIDs are the ids by which a platform will report: those of the parts,
// else that of the whole.
func messageIDs(r channels.Receipt) []string {
	var ids []string
	for _, p := range r.Parts {
		if p.ID != "" {
			ids = append(ids, p.ID)
		}
	}
	if len(ids) == 0 && r.ID != "" {
		ids = append(ids, r.ID)
	}
	return ids
}

// Retry implements [broadcast.Queue].
func (q *Queue) Retry(ctx context.Context, j broadcast.Job, delay time.Duration, unsent []uint32, reason string) error {
	op := q.op("retry", j.Alert)
	t, err := q.task(ctx, j.Alert)
	if err != nil {
		return fail(op, err)
	}
	text, err := json.Marshal(j)
	if err != nil {
		return fail(op, err)
	}
	k := q.r.keys
	lane, entry := q.entry(j)
	lo, hi := j.From, j.From
	if len(unsent) > 0 {
		lo, hi = slices.Min(unsent), slices.Max(unsent)
	}
	args := []any{laneGroup, entry, q.r.node, max(0, delay.Milliseconds()), delayedMember(laneOf(j), j.Alert, text), reason, milliseconds(keptFor(t.Record)), lo, hi, j.Attempt}
	for _, o := range unsent {
		args = append(args, o)
	}
	n, err := q.r.run(ctx, q.r.scripts.retry, []string{lane, k.delayed(q.channel), k.states(j.Alert, q.channel), k.tally(j.Alert, q.channel)}, args...).Int()
	if err == nil && n == 0 {
		err = broadcast.ErrLost
	}
	return fail(op, err)
}

// Bury implements [broadcast.Queue].
func (q *Queue) Bury(ctx context.Context, j broadcast.Job, reason string) (changed broadcast.Changed, err error) {
	op := q.op("bury", j.Alert)
	kept := keepDeliveries
	if t, err := q.task(ctx, j.Alert); err == nil { // a job whose record is gone or unreadable is buried as well
		kept = keptFor(t.Record)
	} else if !errors.Is(err, alerts.ErrNotFound) && !errors.Is(err, broadcast.ErrUnreadable) {
		return changed, fail(op, err)
	}
	text, err := json.Marshal(j)
	if err != nil {
		return changed, fail(op, err)
	}
	k := q.r.keys
	lane, entry := q.entry(j)
	out, err := q.r.run(ctx, q.r.scripts.bury,
		[]string{lane, k.dead(q.channel), k.states(j.Alert, q.channel), k.tally(j.Alert, q.channel), k.reasons(j.Alert, q.channel)},
		laneGroup, entry, q.r.node, text, string(j.Alert), reason, j.Taken, milliseconds(kept), j.From, j.To, j.Again).Int64Slice()
	if err == nil && len(out) != 3 {
		err = broadcast.ErrLost
	}
	if err != nil {
		return changed, fail(op, err)
	}
	return broadcast.Changed{Failed: int(out[1]), Uncertain: int(out[2])}, nil
}

// Replay implements [broadcast.Queue].
func (q *Queue) Replay(ctx context.Context, alert alerts.ID) (int, error) {
	op := q.op("replay", alert)
	k := q.r.keys
	t, err := q.task(ctx, alert)
	if err != nil {
		return 0, fail(op, err)
	}
	moved, start := 0, "-"
	for {
		entries, err := q.r.commands.XRangeN(ctx, k.dead(q.channel), start, "+", page).Result()
		if err != nil {
			return moved, fail(op, err)
		}
		if len(entries) == 0 {
			return moved, nil
		}
		for _, e := range entries {
			p, _ := readPlace(e.ID)
			start = place{p.ms, p.seq + 1}.String()
			if of, _ := e.Values["alert"].(string); of != string(alert) {
				continue
			}
			var j broadcast.Job
			text, _ := e.Values["j"].(string)
			if err := json.Unmarshal([]byte(text), &j); err != nil {
				return moved, fail(op, err)
			}
			j.Attempt = 1 // somebody touched it: see broadcast.Job
			fresh, err := json.Marshal(j)
			if err != nil {
				return moved, fail(op, err)
			}
			failed, doubt := ordinals(e.Values["failed"]), ordinals(e.Values["doubt"])
			args := append(append([]any{e.ID, fresh, milliseconds(keptFor(t.Record)), j.From, j.To, j.Again, len(failed)}, failed...), doubt...)
			n, err := q.r.run(ctx, q.r.scripts.replay,
				[]string{k.dead(q.channel), q.lane(laneOf(j)), k.states(alert, q.channel), k.tally(alert, q.channel), k.reasons(alert, q.channel)}, args...).Int()
			if err != nil {
				return moved, fail(op, err)
			}
			moved += n
		}
	}
}

// ordinals reads a list that bury wrote.
func ordinals(value any) (list []any) {
	text, _ := value.(string)
	for o := range strings.FieldsFuncSeq(text, func(c rune) bool { return c == ',' }) {
		list = append(list, o)
	}
	return list
}

// parkedFor is how long a report waits for its message id to become known.
const parkedFor = 72 * time.Hour

// spelled gives the id under which the index knows the report's message: its
// own, or where that is unknown the first of its other spellings that is known.
// What is known under none keeps its own.
func (q *Queue) spelled(ctx context.Context, rep channels.DeliveryReport) (string, error) {
	if len(rep.Alternatives) == 0 {
		return rep.MessageID, nil
	}
	for _, id := range append([]string{rep.MessageID}, rep.Alternatives...) {
		where, err := q.locate(ctx, channels.DeliveryReport{MessageID: id}, "")
		if err != nil {
			return "", err
		}
		if where != "" {
			return id, nil
		}
	}
	return rep.MessageID, nil
}

// Report implements [broadcast.Queue].
func (q *Queue) Report(ctx context.Context, rep channels.DeliveryReport) (known bool, changed broadcast.Changed, err error) {
	op := "report to " + q.channel
	k := q.r.keys
	if rep.MessageID == "" {
		return false, changed, nil
	}
	if rep.MessageID, err = q.spelled(ctx, rep); err != nil {
		return false, changed, fail(op, err)
	}
	park := ""
	switch rep.State {
	case channels.ReportDelivered, channels.ReportFailed:
		park = string(rep.State) + " " + rep.Code
	default: // on its way: changes nothing
	}
	where, err := q.locate(ctx, rep, park)
	if park == "" {
		return where != "", changed, fail(op, err)
	}
	if err != nil || where == "" {
		return false, changed, fail(op, err)
	}
	at := strings.Fields(where) // alert, ordinal, part, parts, which sending again it was, and the channel where it is another one's
	if len(at) == 4 {
		at = append(at, "0")
	}
	channel := q.channel
	if len(at) == 6 {
		channel, at = at[5], at[:5]
	}
	if len(at) != 5 {
		return false, changed, fail(op, errors.New("the receipt index cannot be read"))
	}
	alert := alerts.ID(at[0])
	if rep.State == channels.ReportFailed && rep.Again > 0 && channel == q.channel {
		if again, err := q.redial(ctx, alert, at[1], at[4], rep); err != nil || again {
			return err == nil, changed, fail(op, err)
		}
	}
	out, err := q.r.repeat(ctx, q.r.scripts.report,
		[]string{k.states(alert, channel), k.tally(alert, channel), k.reasons(alert, channel), k.parts(alert, channel)},
		at[1], at[2], at[3], string(rep.State), rep.Code, keepDeliveries.Milliseconds(), at[4]).Int64Slice()
	if err == nil && len(out) == 2 {
		changed = broadcast.Changed{Delivered: int(out[0]), Failed: int(out[1])}
		if channel != q.channel {
			changed.Channel = channel
		}
	}
	return err == nil, changed, fail(op, err)
}
