package rdb

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"go.uber.org/zap"

	"martinella/alerts"
	"martinella/broadcast"
)

const (
	// forgotten is how long an entry of this very node lies before it counts as
	// handed out in an answer that got lost.
	forgotten = 10 * time.Second
	// abandoned is how long one of a node that seems to live may lie (backstop).
	abandoned = 30 * time.Second
	// sweepEvery is how often both are looked for.
	sweepEvery = 5 * time.Second
)

// Entries implements [broadcast.Queue].
func (q *Queue) Entries(ctx context.Context, most int) ([]broadcast.Planned, error) {
	op := "entries for " + q.channel
	found, _, err := q.orphans(ctx, q.r.keys.log(), logGroup(q.channel), most, nil)
	if err != nil {
		return nil, fail(op, q.rejoin(ctx, err))
	}
	if len(found) == 0 {
		reading, cancel := context.WithTimeout(ctx, blocked+time.Second)
		defer cancel()
		streams, err := q.r.reader.XReadGroup(reading, &redis.XReadGroupArgs{
			Group: logGroup(q.channel), Consumer: q.r.node, Streams: []string{q.r.keys.log(), ">"}, Count: int64(most), Block: blocked,
		}).Result()
		if err != nil && !errors.Is(err, redis.Nil) {
			return nil, fail(op, q.rejoin(ctx, err))
		}
		if len(streams) > 0 {
			found = streams[0].Messages
		}
	}
	epoch := ""
	if p := q.r.epoch.Load(); p != nil {
		epoch = *p
	}
	var planned []broadcast.Planned
	for _, m := range found {
		entries, err := q.r.entries(ctx, epoch, []redis.XMessage{m})
		if err != nil && len(planned) > 0 {
			break // what was read is planned; the rest counts as forgotten soon
		}
		if err != nil {
			return nil, fail(op, err)
		}
		if len(entries) == 1 && entries[0].Sitrep != nil { // it goes to no channel
			_ = q.r.commands.XAck(ctx, q.r.keys.log(), logGroup(q.channel), m.ID).Err()
			continue
		}
		if len(entries) == 0 {
			id, _ := m.Values["id"].(string)
			if _, err := q.r.record(ctx, alerts.ID(id)); errors.Is(fail(op, err), alerts.ErrUnavailable) {
				continue // a newer program's: left to one that understands it
			}
			// It names nothing that can be read: nobody can ever plan it.
			_ = q.r.commands.XAck(ctx, q.r.keys.log(), logGroup(q.channel), m.ID).Err()
			continue
		}
		planned = append(planned, broadcast.Planned{Entry: entries[0], ID: m.ID})
	}
	return planned, nil
}

// Plan implements [broadcast.Queue].
func (q *Queue) Plan(ctx context.Context, p broadcast.Planned, first int, jobs []broadcast.Job, last bool) (int, error) {
	alert := p.Record.ID
	lane, ack := laneNormal, ""
	args := []any{first, logGroup(q.channel), ""}
	for _, j := range jobs {
		text, err := json.Marshal(j)
		if err != nil {
			return 0, fail(q.op("plan", alert), err)
		}
		lane = laneOf(j)
		args = append(args, text)
	}
	if last {
		ack = p.ID
	}
	args[2] = ack
	n, err := q.r.repeat(ctx, q.r.scripts.plan, []string{q.lane(lane), q.r.keys.tally(alert, q.channel), q.r.keys.log()}, args...).Int()
	return n, fail(q.op("plan", alert), err)
}

// TakeUrgent implements [broadcast.Queue].
func (q *Queue) TakeUrgent(ctx context.Context, most int) ([]broadcast.Job, error) {
	jobs, err := q.read(ctx, []string{q.lane(laneUrgent), ">"}, most, blocked)
	return jobs, fail("take urgent ones from "+q.channel, err)
}

// Take implements [broadcast.Queue].
func (q *Queue) Take(ctx context.Context, most int) ([]broadcast.Job, error) {
	q.mu.Lock()
	waiting := len(q.spare) > 0
	q.mu.Unlock()
	streams, wait := []string{q.lane(laneUrgent), q.lane(laneNormal), ">", ">"}, blocked
	if waiting { // something is in hand: only look whether an urgent one came
		streams, wait = []string{q.lane(laneUrgent), ">"}, -1
	}
	jobs, err := q.read(ctx, streams, most, wait)
	if err != nil {
		return nil, fail("take from "+q.channel, err)
	}
	slices.SortStableFunc(jobs, func(a, b broadcast.Job) int { return strings.Compare(b.Lane, a.Lane) }) // x before n
	q.mu.Lock()
	defer q.mu.Unlock()
	jobs = append(jobs, q.spare...)
	cut := min(most, len(jobs))
	q.spare = slices.Clone(jobs[cut:])
	return jobs[:cut:cut], nil
}

// read takes jobs that nobody had yet from lanes, at most so many from each.
func (q *Queue) read(ctx context.Context, lanes []string, most int, wait time.Duration) (jobs []broadcast.Job, err error) {
	// A node that may begin nothing must take nothing either: what it took
	// would lie there as forgotten.
	if err := q.r.fenced(ctx); err != nil {
		return nil, err
	}
	reading, cancel := context.WithTimeout(ctx, blocked+time.Second)
	defer cancel()
	got, err := q.r.reader.XReadGroup(reading, &redis.XReadGroupArgs{Group: laneGroup, Consumer: q.r.node, Streams: lanes, Count: int64(most), Block: wait}).Result()
	if err != nil && !errors.Is(err, redis.Nil) {
		return nil, q.rejoin(ctx, err)
	}
	for _, s := range got {
		for _, m := range s.Messages {
			if j, ok := q.job(ctx, s.Stream, m, 1); ok {
				jobs = append(jobs, j)
			}
		}
	}
	return jobs, nil
}

// job reads a lane's entry. One that cannot be read is taken out: nobody could
// ever send it.
func (q *Queue) job(ctx context.Context, lane string, m redis.XMessage, taken int) (j broadcast.Job, ok bool) {
	text, _ := m.Values["j"].(string)
	if err := json.Unmarshal([]byte(text), &j); err != nil || j.V > 1 {
		if j.V > 1 { // a newer node's: leave it to one that understands it
			return j, false
		}
		q.r.log.Error("a job cannot be read", zap.String("channel", q.channel), zap.String("entry", m.ID), zap.Error(err))
		_ = q.r.commands.XAck(ctx, lane, laneGroup, m.ID).Err()
		_ = q.r.commands.XDel(ctx, lane, m.ID).Err()
		return j, false
	}
	j.Lane = laneNormal
	if lane == q.lane(laneUrgent) {
		j.Lane = laneUrgent
	}
	j.EntryID, j.Taken, j.Waited = j.Lane+":"+m.ID, taken, q.r.age(m.ID)
	return j, true
}

// Recover implements [broadcast.Queue].
func (q *Queue) Recover(ctx context.Context, busy []string) ([]broadcast.Job, error) {
	const most = 10
	q.mu.Lock()
	for _, j := range q.spare {
		busy = append(busy, j.EntryID)
	}
	q.mu.Unlock()
	var jobs []broadcast.Job
	for _, letter := range []string{laneUrgent, laneNormal} {
		var mine []string
		for _, id := range busy {
			if id, ok := strings.CutPrefix(id, letter+":"); ok {
				mine = append(mine, id)
			}
		}
		found, taken, err := q.orphans(ctx, q.lane(letter), laneGroup, most, mine)
		if err != nil {
			return jobs, fail("recover "+q.channel, q.rejoin(ctx, err))
		}
		for i, m := range found {
			if j, ok := q.job(ctx, q.lane(letter), m, taken[i]); ok {
				jobs = append(jobs, j)
			}
		}
	}
	return jobs, nil
}

// orphans claims entries of a stream that nobody works on: those of dead nodes
// at once, this node's forgotten ones and abandoned ones now and then.
func (q *Queue) orphans(ctx context.Context, stream, group string, most int, busy []string) (found []redis.XMessage, taken []int, err error) {
	for _, dead := range q.r.deadNodes() {
		more, times, err := q.claim(ctx, stream, group, dead, 0, most-len(found), busy)
		if err != nil {
			return found, taken, err
		}
		found, taken = append(found, more...), append(taken, times...)
		if len(more) == 0 {
			if err := q.r.run(ctx, q.r.scripts.forget, []string{stream}, group, dead).Err(); err != nil {
				return found, taken, err
			}
		}
		if len(found) >= most {
			return found, taken, nil
		}
	}
	q.mu.Lock()
	due := time.Since(q.swept[stream]) >= sweepEvery
	if due {
		q.swept[stream] = time.Now()
	}
	q.mu.Unlock()
	if !due {
		return found, taken, nil
	}
	if len(busy) > 0 { // what is in hand here is neither forgotten nor abandoned
		args := []any{group, q.r.node}
		for _, id := range busy {
			args = append(args, id)
		}
		if err := q.r.run(ctx, q.r.scripts.touch, []string{stream}, args...).Err(); err != nil {
			return found, taken, err
		}
	}
	for _, s := range []struct {
		consumer string
		idle     time.Duration
	}{{q.r.node, forgotten}, {"", abandoned}} {
		if len(found) >= most {
			break
		}
		more, times, err := q.claim(ctx, stream, group, s.consumer, s.idle, most-len(found), busy)
		if err != nil {
			return found, taken, err
		}
		found, taken = append(found, more...), append(taken, times...)
	}
	if len(found) >= most { // there are more: the next look is not now and then
		q.mu.Lock()
		delete(q.swept, stream)
		q.mu.Unlock()
	}
	return found, taken, nil
}

// claim takes over entries of a consumer ("" is anybody) that lay idle.
func (q *Queue) claim(ctx context.Context, stream, group, consumer string, idle time.Duration, most int, busy []string) (found []redis.XMessage, taken []int, err error) {
	args := []any{group, consumer, q.r.node, idle.Milliseconds(), most + len(busy)}
	for _, id := range busy {
		args = append(args, id)
	}
	out, err := q.r.run(ctx, q.r.scripts.takeover, []string{stream}, args...).Slice()
	if err != nil {
		return nil, nil, err
	}
	wanted, _ := out[0].(int64)
	entries, _ := out[1].([]any)
	times, _ := out[2].([]any)
	for i, e := range entries {
		m, ok := message(e)
		if !ok {
			continue
		}
		n := int64(1)
		if i < len(times) {
			n, _ = times[i].(int64)
		}
		found, taken = append(found, m), append(taken, int(n))
	}
	if lost := int(wanted) - len(found); lost > 0 && stream == q.r.keys.log() {
		q.r.missing(stream, lost)
	}
	return found, taken, nil
}

// message reads one stream entry as a script gives it.
func message(e any) (m redis.XMessage, ok bool) {
	pair, _ := e.([]any)
	if len(pair) != 2 {
		return m, false
	}
	m.ID, _ = pair[0].(string)
	fields, _ := pair[1].([]any)
	if len(fields) == 0 {
		return m, false // deleted while it was pending
	}
	m.Values = map[string]any{}
	for i := 0; i+1 < len(fields); i += 2 {
		name, _ := fields[i].(string)
		m.Values[name] = fields[i+1]
	}
	return m, m.ID != ""
}

// Move implements [broadcast.Queue].
func (q *Queue) Move(ctx context.Context, most int) (int, error) {
	op := "move due jobs of " + q.channel
	k := q.r.keys
	now, err := q.r.commands.Time(ctx).Result()
	if err != nil {
		return 0, fail(op, err)
	}
	members, err := q.r.commands.ZRangeByScore(ctx, k.delayed(q.channel), &redis.ZRangeBy{Min: "-inf", Max: itoa(now.UnixMilli()), Count: int64(most)}).Result()
	if err != nil {
		return 0, fail(op, err)
	}
	moved := 0
	for _, member := range members {
		letter, alert, job, ok := readDelayed(member)
		if !ok {
			q.r.log.Error("a delayed job cannot be read", zap.String("channel", q.channel))
			_ = q.r.commands.ZRem(ctx, k.delayed(q.channel), member).Err()
			continue
		}
		n, err := q.r.run(ctx, q.r.scripts.due, []string{k.delayed(q.channel), q.lane(letter), k.tally(alert, q.channel)}, member, job).Int()
		if err != nil {
			return moved, fail(op, err)
		}
		moved += n
	}
	return moved, nil
}

// delayedMember is a delayed job as the sorted set holds it: lane, alert, job.
func delayedMember(letter string, alert alerts.ID, job []byte) string {
	return letter + " " + string(alert) + " " + string(job)
}

func readDelayed(member string) (letter string, alert alerts.ID, job string, ok bool) {
	parts := strings.SplitN(member, " ", 3)
	if len(parts) != 3 || (parts[0] != laneUrgent && parts[0] != laneNormal) {
		return "", "", "", false
	}
	return parts[0], alerts.ID(parts[1]), parts[2], true
}
