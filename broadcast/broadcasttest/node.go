package broadcasttest

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"martinella/alerts"
	"martinella/broadcast"
	"martinella/broadcast/callout"
	"martinella/channels"
)

// Node is one node's view of a store.
type Node struct {
	Store     alerts.Store
	Keys      alerts.Keys
	Publisher broadcast.Publisher
	Log       broadcast.Log
	Work      broadcast.Work
	People    broadcast.People
	Staff     broadcast.Staff
	Papers    broadcast.Papers
	Callouts  callout.Store
}

// Open makes an empty store for one test and gives a node of it.
type Open func(t *testing.T) *Node

var serial atomic.Int64

// NewID makes an id that sorts by time, then by order of calls. It has the
// form of a ULID: 26 characters of Crockford's base 32.
func NewID(now time.Time) alerts.ID {
	const digits = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
	out := make([]byte, 26)
	put := func(to []byte, n uint64) {
		for i := len(to) - 1; i >= 0; i-- {
			to[i] = digits[n%32]
			n /= 32
		}
	}
	put(out[:10], uint64(now.UnixMilli()))
	put(out[10:18], uint64(serial.Add(1)))
	put(out[18:], rand.Uint64())
	return alerts.ID(out)
}

var operator = alerts.By{ID: "key:operator", Name: "Sala operativa"}

// NewRecord is a submitted alert, valid for six hours, that an operator of
// Valdemo sends to these channels.
func NewRecord(severity alerts.Severity, chans ...string) *alerts.Record {
	now := time.Now()
	id := NewID(now)
	rome := time.FixedZone("", 3600)
	sent := now.In(rome).Truncate(time.Second)
	return &alerts.Record{
		V: alerts.RecordVersion, ID: id, Event: id, Revision: 1, State: alerts.StateSubmitted, Change: alerts.ChangeIssued,
		Alert: &alerts.Alert{
			Identifier: "valdemo-" + strings.ToLower(string(id)), Sender: "protezione.civile@comune.valdemo.example", Sent: sent,
			Status: alerts.StatusExercise, MsgType: alerts.MsgAlert, Scope: alerts.ScopePublic,
			Infos: []alerts.Info{{
				Language: "it-IT", Categories: []alerts.Category{"Met"}, Event: "Temporali", Urgency: "Expected", Severity: severity, Certainty: "Likely",
				Expires: sent.Add(6 * time.Hour), Headline: "Temporali forti nel pomeriggio", Instruction: "Restate lontani dai torrenti.",
				Areas: []alerts.Area{{Description: "Valdemo", Geocodes: []alerts.Value{{Name: "ISTAT", Value: "048099"}}}},
			}},
		},
		Content: alerts.Digest(fmt.Sprintf("%064x", serial.Add(1))), Approved: alerts.Digest(fmt.Sprintf("%064x", serial.Add(1))),
		Channels: chans, Author: operator, Via: "api", Received: now.Truncate(time.Millisecond),
	}
}

// Revise is a submitted change of r.
func Revise(r *alerts.Record, change alerts.Change) *alerts.Record {
	next := NewRecord(r.Alert.Severity(), r.Channels...)
	next.Event, next.Revision, next.Supersedes, next.Change = r.Event, r.Revision+1, r.ID, change
	next.Alert.MsgType = alerts.MsgUpdate
	if change == alerts.ChangeCancelled {
		next.Alert.MsgType = alerts.MsgCancel
	}
	next.Alert.References = []alerts.Reference{{Sender: r.Alert.Sender, Identifier: r.Alert.Identifier, Sent: r.Alert.Sent}}
	return next
}

// NewAct is what somebody did to r.
func NewAct(r *alerts.Record, verb string) alerts.Act {
	return alerts.Act{V: 1, At: time.Now().UTC().Truncate(time.Millisecond), By: operator, Verb: verb, Alert: r.ID, Event: r.Event, Digest: r.Approved, Via: "api"}
}

// PublicationOf renders r: a public post on each of its channels, or one
// message for these people where people names the channel.
func PublicationOf(r *alerts.Record, people map[string][]uint32) *broadcast.Publication {
	issued := r.Clone()
	issued.State, issued.Published, issued.Approver = alerts.StateIssued, time.Now().UTC().Truncate(time.Millisecond), operator
	p := &broadcast.Publication{Record: issued, Act: NewAct(r, "issued")}
	for _, name := range r.Channels {
		p.Messages = append(p.Messages, channels.Message{Channel: name, Audience: "public", Language: "it", Text: "Temporali forti " + string(r.ID),
			Alert: r.ID, Event: r.Event, Revision: r.Revision, Change: r.Change, Severity: r.Alert.Severity(), Expires: r.Expires()})
		span := broadcast.Span{Channel: name, Message: len(p.Messages) - 1, To: 1}
		if some, addressed := people[name]; addressed {
			span.To, span.People = uint32(len(some)), some
		}
		p.Spans = append(p.Spans, span)
	}
	return p
}

// take stores r.
func (n *Node) take(t *testing.T, r *alerts.Record) *alerts.Record {
	t.Helper()
	stored, fresh, err := n.Store.Intake(t.Context(), r, []byte("<alert/>"), NewAct(r, "submitted"))
	if err != nil || !fresh {
		t.Fatalf("intake of %s: fresh %v, error %v", r.ID, fresh, err)
	}
	return stored
}

// issue stores and publishes r and gives it as published.
func (n *Node) issue(t *testing.T, r *alerts.Record, people map[string][]uint32) *alerts.Record {
	t.Helper()
	p := PublicationOf(n.take(t, r), people)
	if err := n.Publisher.Publish(t.Context(), p); err != nil {
		t.Fatalf("publish %s: %v", r.ID, err)
	}
	return p.Record
}
