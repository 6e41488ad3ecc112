package rdb

import (
	"context"
	"fmt"
	"strconv"

	"martinella/alerts"
	"martinella/channels"
)

// redial gives a recipient whom the platform did not reach back to the queue, as
// the report wishes. false: it is as often as that already, the alert does not go
// on here, or the report is of an older sending; then it is a report like others.
func (q *Queue) redial(ctx context.Context, alert alerts.ID, ordinal, of string, rep channels.DeliveryReport) (bool, error) {
	n, err := strconv.ParseUint(ordinal, 10, 32)
	if err != nil {
		return false, err
	}
	t, err := q.task(ctx, alert)
	if err != nil {
		return false, err
	}
	urgent, err := q.urgent(ctx, t)
	if err != nil {
		return false, err
	}
	letter := laneNormal
	if urgent {
		letter = laneUrgent
	}
	job := fmt.Sprintf(`{"v":1,"alert":%q,"n":%d,"from":%d,"to":%d,"attempt":1,"urgent":%t,"again":%%d,"key":%%d}`, alert, n/resendChunk, n, n+1, urgent)
	k := q.r.keys
	again, err := q.r.repeat(ctx, q.r.scripts.redial,
		[]string{k.states(alert, q.channel), k.tally(alert, q.channel), k.reasons(alert, q.channel), k.parts(alert, q.channel), k.delayed(q.channel), k.record(alert)},
		n, of, rep.Again, max(0, rep.After.Milliseconds()), rep.Code, milliseconds(keptFor(t.Record)), delayedMember(letter, alert, []byte(job))).Int()
	return again == 1, err
}
