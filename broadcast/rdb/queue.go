package rdb

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"martinella/alerts"
	"martinella/broadcast"
	"martinella/channels"
)

// Queue is the work of one channel, as this node sees it.
type Queue struct {
	r       *Redis
	channel string

	mu    sync.Mutex
	spare []broadcast.Job           // taken beyond what was asked for, all from lane n
	tasks map[alerts.ID]*cachedTask // what was published never changes
	swept map[string]time.Time      // stream: when its forgotten entries were last looked for

	receipts openReceipts // of this channel as a provider, as last read
}

type cachedTask struct {
	broadcast.Task
	public bool // posts: no snapshot
}

var _ broadcast.Queue = (*Queue)(nil)

// cachedTasks bounds what a queue remembers of alerts that it carries.
const cachedTasks = 32

// The lanes of a channel: urgent jobs and the rest.
const (
	laneUrgent = "x"
	laneNormal = "n"
)

// Queue implements [broadcast.Work]. The same channel gives the same queue.
func (r *Redis) Queue(ctx context.Context, channel string) (broadcast.Queue, error) {
	if !slug.MatchString(channel) {
		return nil, fmt.Errorf("queue: the channel %q is not of the form [a-z0-9-]{2,32}", channel)
	}
	fresh := &Queue{r: r, channel: channel, tasks: map[alerts.ID]*cachedTask{}, swept: map[string]time.Time{}}
	if err := fresh.join(ctx, ""); err != nil {
		return nil, err
	}
	q, _ := r.opened.LoadOrStore(channel, fresh)
	return q.(*Queue), nil
}

// join makes the groups that are missing. start is where a channel begins that
// the store does not know; "" is the end of the log.
func (q *Queue) join(ctx context.Context, start string) error {
	k := q.r.keys
	err := q.r.repeat(ctx, q.r.scripts.join, []string{k.log(), k.starts(), k.seen(), k.lane(q.channel, laneUrgent), k.lane(q.channel, laneNormal)},
		q.channel, logGroup(q.channel), laneGroup, time.Now().UnixMilli(), start).Err()
	return fail("queue "+q.channel, err)
}

// rejoin makes the groups again where a read found none: the store was
// emptied. The log that is there now holds only what came after.
func (q *Queue) rejoin(ctx context.Context, err error) error {
	if groupLost(err) {
		return errors.Join(err, q.join(ctx, "0-0"))
	}
	return err
}

func (q *Queue) lane(letter string) string { return q.r.keys.lane(q.channel, letter) }

func laneOf(j broadcast.Job) string {
	if j.Urgent {
		return laneUrgent
	}
	return laneNormal
}

// entry gives the lane's key and the entry's id in it. Outside this package
// an EntryID carries the lane, so that it is unique in the channel.
func (q *Queue) entry(j broadcast.Job) (lane, id string) {
	letter, id, _ := strings.Cut(j.EntryID, ":")
	return q.lane(letter), id
}

func (q *Queue) op(what string, alert alerts.ID) string {
	return what + " " + string(alert) + " on " + q.channel
}

// Task implements [broadcast.Queue]. Do not change what it gives: it is shared.
func (q *Queue) Task(ctx context.Context, j broadcast.Job) (*broadcast.Task, error) {
	t, err := q.task(ctx, j.Alert)
	if err != nil {
		return nil, fail(q.op("task", j.Alert), err)
	}
	return &t.Task, nil
}

func (q *Queue) task(ctx context.Context, alert alerts.ID) (*cachedTask, error) {
	q.mu.Lock()
	t := q.tasks[alert]
	q.mu.Unlock()
	if t != nil {
		return t, nil
	}
	rec, err := q.r.record(ctx, alert)
	if err != nil {
		return nil, err
	}
	var out []any
	var people int64
	err = again(ctx, func(ctx context.Context) error {
		pipe := q.r.commands.Pipeline()
		fields := pipe.HMGet(ctx, q.r.keys.out(alert), "v", "m:"+q.channel, "s:"+q.channel, "f:"+q.channel)
		length := pipe.StrLen(ctx, q.r.keys.snapshot(alert, q.channel))
		_, err := pipe.Exec(ctx)
		out, people = fields.Val(), length.Val()
		return err
	})
	if err != nil {
		return nil, err
	}
	if out[0] == nil {
		return nil, alerts.ErrNotFound // never published
	}
	asPublished(rec)
	t = &cachedTask{Task: broadcast.Task{Record: rec}, public: people == 0}
	if m, _ := out[1].(string); m != "" {
		if err := json.Unmarshal([]byte(m), &t.Messages); err != nil {
			return nil, err
		}
	}
	if s, _ := out[2].(string); s != "" {
		if err := json.Unmarshal([]byte(s), &t.Spans); err != nil {
			return nil, err
		}
	}
	t.Failure, _ = out[3].(string)
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.tasks) >= cachedTasks {
		clear(q.tasks)
	}
	q.tasks[alert] = t
	return t, nil
}

// language gives the language of the message that an ordinal gets.
func (t *cachedTask) message(ordinal uint32) (m channels.Message) {
	for _, s := range t.Spans {
		if ordinal >= s.From && ordinal < s.To && s.Message < len(t.Messages) {
			return t.Messages[s.Message]
		}
	}
	return m
}

// Recipients implements [broadcast.Queue].
func (q *Queue) Recipients(ctx context.Context, alert alerts.ID, from, to uint32) ([]uint32, error) {
	if to <= from {
		return nil, nil
	}
	var packed []byte
	err := again(ctx, func(ctx context.Context) (err error) {
		packed, err = q.r.commands.GetRange(ctx, q.r.keys.snapshot(alert, q.channel), 4*int64(from), 4*int64(to)-1).Bytes()
		return err
	})
	if err != nil || len(packed) == 0 {
		return nil, fail(q.op("recipients of", alert), err)
	}
	if len(packed) != int(4*(to-from)) {
		return nil, fmt.Errorf("%s: the snapshot ends before ordinal %d", q.op("recipients of", alert), to)
	}
	people := make([]uint32, 0, to-from)
	for ; len(packed) > 0; packed = packed[4:] {
		people = append(people, binary.LittleEndian.Uint32(packed))
	}
	return people, nil
}

// Posts implements [broadcast.Queue].
func (q *Queue) Posts(ctx context.Context, event alerts.ID, language string) (p broadcast.Posts, err error) {
	var fields map[string]string
	err = again(ctx, func(ctx context.Context) (err error) {
		fields, err = q.r.commands.HGetAll(ctx, q.r.keys.posts(q.channel, event)).Result()
		return err
	})
	if err != nil {
		return p, fail(q.op("posts of", event), err)
	}
	for field, value := range fields {
		of, revision, numbered := strings.Cut(field, " ")
		n, _ := strconv.Atoi(revision)
		switch {
		case of == amendedField && revision == language:
			p.Amended, _ = strconv.Atoi(value)
		case of == language && numbered && n > 0:
			id, url, _ := strings.Cut(value, "\n")
			p.Of = append(p.Of, broadcast.Post{Revision: n, ID: id, URL: url})
		}
	}
	return p, nil
}

// amendedField begins the name of the field that says which revision had the
// earlier posts changed; the language follows. No language is spelt like it.
const amendedField = "amended:"

// Trying implements [broadcast.Queue].
func (q *Queue) Trying(ctx context.Context, alert alerts.ID) (n int, err error) {
	err = again(ctx, func(ctx context.Context) (err error) {
		n, err = q.r.commands.HGet(ctx, q.r.keys.tally(alert, q.channel), "s"+strconv.Itoa(int(broadcast.Trying))).Int()
		return err
	})
	if errors.Is(err, redis.Nil) {
		return 0, nil
	}
	return n, fail(q.op("trying", alert), err)
}

// Listening implements [broadcast.Queue].
func (q *Queue) Listening(ctx context.Context, d time.Duration) (bool, error) {
	n, err := q.r.repeat(ctx, q.r.scripts.turn, []string{q.r.keys.listenTurn(q.channel)}, q.r.node, max(d.Milliseconds(), 0)).Int()
	return n == 1, fail("turn to listen to "+q.channel, err)
}

// Depth implements [broadcast.Queue].
func (q *Queue) Depth(ctx context.Context) (broadcast.Depth, error) {
	var d broadcast.Depth
	var lengths [2]*redis.IntCmd
	var oldest [2]*redis.XMessageSliceCmd
	var delayed, dead *redis.IntCmd
	var first *redis.XMessageSliceCmd
	err := again(ctx, func(ctx context.Context) error {
		pipe := q.r.commands.Pipeline()
		for i, letter := range []string{laneUrgent, laneNormal} {
			lengths[i] = pipe.XLen(ctx, q.lane(letter))
			oldest[i] = pipe.XRangeN(ctx, q.lane(letter), "-", "+", 1)
		}
		delayed, dead = pipe.ZCard(ctx, q.r.keys.delayed(q.channel)), pipe.XLen(ctx, q.r.keys.dead(q.channel))
		first = pipe.XRangeN(ctx, q.r.keys.dead(q.channel), "-", "+", 1)
		_, err := pipe.Exec(ctx)
		return err
	})
	if err != nil {
		return d, fail("depth of "+q.channel, err)
	}
	for i, lane := range []*broadcast.Lane{&d.Urgent, &d.Normal} {
		lane.Jobs = int(lengths[i].Val())
		if entries := oldest[i].Val(); len(entries) > 0 {
			lane.Oldest = q.r.age(entries[0].ID)
		}
	}
	d.Delayed, d.Dead = int(delayed.Val()), int(dead.Val())
	if letters := first.Val(); len(letters) > 0 {
		d.DeadOldest = q.r.age(letters[0].ID)
	}
	return d, nil
}

// age is how long ago an entry was written, by this node's clock.
func (r *Redis) age(id string) time.Duration {
	p, ok := readPlace(id)
	if !ok {
		return 0
	}
	return max(0, time.Since(time.UnixMilli(int64(p.ms))))
}
