package mqtt

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/eclipse/paho.golang/paho"
	"go.uber.org/zap"

	"martinella/alerts"
	"martinella/channels"
)

// unlimited is how long the broker keeps, for a device that is away, what has no
// end of its own: a Cancel, an all-clear.
const unlimited = 24 * time.Hour

var (
	errExpired = errors.New("the alert has expired: no siren acts on it any more")
	errOld     = errors.New("a later revision of the event has been sent already")
)

// receiptID names a revision of an event: by it devices acknowledge.
func receiptID(event alerts.ID, revision int) string {
	return string(event) + "/" + strconv.Itoa(revision)
}

// Send says m on the event topic of each of its areas, then brings the state
// topics up to date: placed, or cleared where the event is over or has left the
// area. All of it may be repeated. What was taken in part is Uncertain.
func (c *Channel) Send(ctx context.Context, m channels.Message) (channels.Receipt, error) {
	if err := channels.WithinArea(c, m); err != nil {
		return channels.Receipt{}, err
	}
	now := c.now()
	if !m.Expires.IsZero() && !now.Before(m.Expires) {
		return channels.Receipt{}, channels.Permanent(fmt.Errorf("mqtt %s: %w", c.name, errExpired))
	}
	say, err := c.said(m, now)
	if err != nil {
		return channels.Receipt{}, channels.Permanent(fmt.Errorf("mqtt %s: %w", c.name, err))
	}
	done, err := c.placed.turn(ctx, m.Event)
	if err != nil {
		return channels.Receipt{}, worded(err, "mqtt "+c.name)
	}
	defer done()
	s, err := c.sender.session(ctx, false)
	if err != nil {
		return channels.Receipt{}, worded(err, "mqtt "+c.name)
	}
	if !c.placed.begin(m) { // a siren that was told to stop must not start again
		return channels.Receipt{}, channels.Permanent(fmt.Errorf("mqtt %s: %w", c.name, errOld))
	}
	events := make([]*paho.Publish, len(say.areas))
	for i, a := range say.areas {
		events[i] = say.publish(say.tree.event(a.levels), say.payload, false)
	}
	results := publishAll(ctx, s, events)
	notes := deaf(events, results)
	if err := c.judge(m, results); err != nil {
		return channels.Receipt{}, err
	}
	more, note, err := c.settle(ctx, s, m, say)
	if err == nil {
		err = c.judge(m, append(results, more...))
	}
	if err != nil {
		return channels.Receipt{}, worded(err, "the state of boards")
	}
	receipt := channels.Receipt{ID: receiptID(m.Event, m.Revision), Note: strings.Join(append(notes, note...), "; ")}
	if receipt.Note != "" {
		c.log.Warn("the alert was taken, but not all is well", zap.String("alert", string(m.Alert)), zap.String("note", receipt.Note))
	}
	return receipt, nil
}

// said is what is published of one message.
type said struct {
	tree    tree
	event   string // the level of its event
	areas   []place
	payload []byte
	qos     byte
	props   paho.PublishProperties
}

func (c *Channel) said(m channels.Message, now time.Time) (said, error) {
	event, ok := level(string(m.Event))
	if !ok {
		return said{}, errors.New("the event has no id that a topic can hold")
	}
	out := said{tree: c.tree(m), event: event, areas: c.areas(m.Areas), qos: c.parsed.qos}
	var err error
	if out.payload, err = body(m, c.Covers(m)); err != nil {
		return said{}, err
	}
	utf8 := byte(1)
	out.props = paho.PublishProperties{
		ContentType: "application/json", PayloadFormat: &utf8, MessageExpiry: keptFor(m, now), CorrelationData: []byte(receiptID(m.Event, m.Revision)),
		User: paho.UserProperties{
			{Key: "event", Value: string(m.Event)}, {Key: "revision", Value: strconv.Itoa(m.Revision)}, {Key: "change", Value: string(m.Change)},
			{Key: "level", Value: levelOf(m)}, {Key: "exercise", Value: strconv.FormatBool(m.Exercise)},
		},
	}
	return out, nil
}

// keptFor is the message expiry in seconds: until the alert's end, at least one.
func keptFor(m channels.Message, now time.Time) *uint32 {
	left := unlimited
	if !m.Expires.IsZero() {
		left = m.Expires.Sub(now)
	}
	seconds := uint32(min(max(1, math.Ceil(left.Seconds())), math.MaxUint32))
	return &seconds
}

func (s said) publish(topic string, payload []byte, retain bool) *paho.Publish {
	props := s.props
	if len(payload) == 0 { // nothing is kept of it, so nothing expires
		props = paho.PublishProperties{User: s.props.User, CorrelationData: s.props.CorrelationData}
	}
	return &paho.Publish{QoS: s.qos, Retain: retain, Topic: topic, Payload: payload, Properties: &props}
}

// result is the broker's word on one publication.
type result struct {
	code reason
	err  error
}

// publishAll says all of them, some at a time, and waits for every answer.
func publishAll(ctx context.Context, s *session, all []*paho.Publish) []result {
	results := make([]result, len(all))
	var next atomic.Int64
	var wg sync.WaitGroup
	for range min(len(all), cap(s.slots)) {
		wg.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= len(all) {
					return
				}
				results[i].code, results[i].err = s.publish(ctx, all[i])
			}
		})
	}
	wg.Wait()
	return results
}

// judge makes one verdict of many. A missing right halts the channel, but not
// where it is missing for exercises only: real alerts go on. What was taken in
// part, or perhaps, is Uncertain.
func (c *Channel) judge(m channels.Message, results []result) error {
	count := map[channels.Verdict]int{}
	first := map[channels.Verdict]error{}
	for _, r := range results {
		v, _ := channels.VerdictOf(r.err)
		if count[v]++; first[v] == nil {
			first[v] = r.err
		}
	}
	say := func(v channels.Verdict) error {
		return fmt.Errorf("mqtt %s: %d of %d publications: %w", c.name, len(results)-count[channels.VerdictAccepted], len(results), first[v])
	}
	switch {
	case count[channels.VerdictAccepted] == len(results):
		return nil
	case count[channels.VerdictUnauthorized] > 0 && m.Exercise:
		return channels.Permanent(fmt.Errorf("%w: give the gateway's user the right to write %s/#", say(channels.VerdictUnauthorized), c.parsed.exercise))
	case count[channels.VerdictUnauthorized] > 0:
		return channels.Unauthorized(say(channels.VerdictUnauthorized))
	case count[channels.VerdictUncertain] > 0:
		return channels.Uncertain(say(channels.VerdictUncertain))
	case count[channels.VerdictRetry] > 0 && count[channels.VerdictAccepted] > 0:
		return channels.Uncertain(say(channels.VerdictRetry))
	case count[channels.VerdictRetry] > 0:
		_, wait := channels.VerdictOf(first[channels.VerdictRetry])
		return channels.RetryAfter(say(channels.VerdictRetry), wait)
	}
	return channels.Permanent(say(channels.VerdictPermanent))
}

// deaf tells of areas where the broker knows nobody who listens.
func deaf(events []*paho.Publish, results []result) []string {
	var topics []string
	for i, r := range results {
		if r.err == nil && r.code == noSubscribers {
			topics = append(topics, events[i].Topic)
		}
	}
	if len(topics) == 0 {
		return nil
	}
	text := strings.Join(topics[:min(3, len(topics))], ", ")
	if len(topics) > 3 {
		text += ", ..."
	}
	return []string{fmt.Sprintf("nobody listens on %d of %d event topics (%s): a siren may be offline", len(topics), len(events), text)}
}
