package broadcasttest

import (
	"testing"
	"time"

	"martinella/alerts"
	"martinella/alerts/volunteers"
	"martinella/broadcast"
	"martinella/broadcast/callout"
	"martinella/channels"
)

// CalloutsNode is one node's view of a store of calls, and of a worker that
// tries its pages: Begin plans what waits, takes the job and tells what may be
// done with each. Acts are those of an event.
type CalloutsNode struct {
	Calls callout.Store
	Begin func(record alerts.ID, channel string, ordinals ...uint32) []broadcast.Turn
	Acts  func(event alerts.ID) []alerts.Act
}

// Calling gives the store of calls in memory to its contract.
func (s *Callouts) Calling() *CalloutsNode {
	return &CalloutsNode{Calls: s, Begin: s.Begin, Acts: func(event alerts.ID) (of []alerts.Act) {
		for _, a := range s.Acts() {
			if a.Event == event {
				of = append(of, a)
			}
		}
		return of
	}}
}

// pagers are the channels of the contract's pages.
var pagers = []string{"webpush", "sms"}

// Calling gives a node's store of calls to its contract, with workers of the
// channels webpush and sms.
func (n *Node) Calling(t *testing.T) *CalloutsNode {
	t.Helper()
	queues, jobs := map[string]carrier{}, map[pageKey]broadcast.Job{}
	for _, channel := range pagers {
		queues[channel] = n.queue(t, channel)
	}
	begin := func(record alerts.ID, channel string, ordinals ...uint32) []broadcast.Turn {
		t.Helper()
		q := queues[channel]
		for jobs[pageKey{record: record, channel: channel}].Alert == "" {
			p := q.entry()
			task, err := q.Task(t.Context(), broadcast.Job{Alert: p.Record.ID})
			if err != nil {
				t.Fatal(err)
			}
			if len(task.Spans) == 0 { // another channel's
				if _, err := q.Plan(t.Context(), p, 0, nil, true); err != nil {
					t.Fatal(err)
				}
				continue
			}
			job := broadcast.Job{V: 1, Alert: p.Record.ID, To: task.Spans[len(task.Spans)-1].To, Urgent: p.Record.Urgent()}
			if _, err := q.Plan(t.Context(), p, 0, []broadcast.Job{job}, true); err != nil {
				t.Fatal(err)
			}
			jobs[pageKey{record: job.Alert, channel: channel}] = q.job()
		}
		return q.begin(jobs[pageKey{record: record, channel: channel}], ordinals...)
	}
	return &CalloutsNode{Calls: n.Callouts, Begin: begin, Acts: func(event alerts.ID) []alerts.Act {
		acts, err := n.Store.Acts(t.Context(), event)
		if err != nil {
			t.Fatal(err)
		}
		return acts
	}}
}

// NewCall is an open call of three hours for ten people with sandbags, made at
// now.
func NewCall(now time.Time) *volunteers.Call {
	now = now.UTC().Truncate(time.Millisecond)
	return &volunteers.Call{
		V: volunteers.Version, ID: NewID(now), Urgent: true, What: "Sacchi di sabbia in via del Ponte", Where: "Magazzino comunale",
		Point: &alerts.Point{Lat: 45.65, Lon: 13.77}, Meet: now.Add(30 * time.Minute), Until: now.Add(3 * time.Hour), Bring: "Stivali",
		Needs: []volunteers.Need{{People: 10}}, Referent: volunteers.Referent{Name: "Marta Referente", Phone: "+390400000000"},
		State: volunteers.StateOpen, Opened: now, By: operator, Waves: []volunteers.Wave{{At: now, People: 10, By: operator}},
	}
}

// LegsOf are the legs of people who are tried by push first, then by SMS, all
// due at once.
func LegsOf(now time.Time, wave int, people ...uint32) []volunteers.Leg {
	now = now.UTC().Truncate(time.Millisecond)
	legs := make([]volunteers.Leg, len(people))
	for i, n := range people {
		legs[i] = volunteers.Leg{Number: n, Wave: wave, Kinds: []string{"webpush", "phone"}, Due: now, Begun: now}
	}
	return legs
}

// CallAct is what somebody did to a call.
func CallAct(c *volunteers.Call, verb string, at time.Time) alerts.Act {
	return alerts.Act{V: 1, At: at.UTC().Truncate(time.Millisecond), By: operator, Verb: verb, Event: c.ID, Via: "console"}
}

// PageOf is a page of a call to people by a channel, made at now.
func PageOf(c *volunteers.Call, now time.Time, channel string, people ...uint32) *callout.Page {
	rec := NewRecord(alerts.SeveritySevere, channel)
	rec.ID = NewID(now)
	rec.Event, rec.Call, rec.State = rec.ID, c.ID, alerts.StateIssued
	rec.Published, rec.Approver = now.UTC().Truncate(time.Millisecond), operator
	rec.Alert.Scope, rec.Alert.Identifier = alerts.ScopeRestricted, string(rec.ID)
	rec.Alert.Infos[0].Expires = c.Until
	p := &callout.Page{Record: rec, Act: CallAct(c, "called", now)}
	p.Act.Alert = rec.ID
	p.Messages = []channels.Message{{Channel: channel, Audience: channels.AudienceVolunteers, Language: "it", Text: "Chiamata {person.link}",
		Alert: rec.ID, Event: c.ID, Change: alerts.ChangeIssued, Severity: alerts.SeveritySevere, Expires: c.Until}}
	p.Spans = []broadcast.Span{{Channel: channel, To: uint32(len(people)), People: people}}
	return p
}
