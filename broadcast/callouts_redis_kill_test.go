package broadcast_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"sync"
	"testing"
	"time"

	"martinella/alerts"
	"martinella/alerts/volunteers"
	"martinella/broadcast/broadcasttest"
	"martinella/broadcast/callout"
)

// acked is what a volunteer of a test was told that it is written down.
type acked struct {
	answer volunteers.Answer // the last one
	at     time.Time         // when they knew of the first one
	many   int               // answers that differed
}

// TestKilledRedisUnderAnswersKeepsEachOne kills Redis again and again while
// volunteers answer, change their minds and are paged: every answer that was
// acknowledged is there, in one act; every step fires once; and nothing leaves to
// anybody after their answer but what it counted as on its way, within a second.
func TestKilledRedisUnderAnswersKeepsEachOne(t *testing.T) {
	beside(t)
	people, kills, perSecond := 600, 3, 400
	if chaotic() {
		people, kills, perSecond = 4000, 25, 800
	}
	p := newPlant(t, os.Args[0], perSecond, true)
	p.node()
	p.node()
	calls, call := p.store.Callouts(), broadcasttest.NewCall(time.Now())
	numbers := make([]uint32, people)
	for i := range numbers {
		numbers[i] = uint32(i + 1)
	}
	if _, err := calls.Open(t.Context(), call, broadcasttest.LegsOf(time.Now(), 0, numbers...), broadcasttest.CallAct(call, "called", call.Opened)); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	var working sync.WaitGroup
	defer working.Wait()
	defer stop()
	for range 2 { // as two gateways do
		working.Go(func() { pageOn(ctx, t, calls) })
	}
	said := answerAll(ctx, t, calls, call, people/2, &working)
	for i := range kills {
		goal := people * (i + 1) / (kills + 1)
		p.until("pages leave", func() bool { return p.provider.count("issued") >= goal })
		p.killRedis()
		<-time.After(rand.N(300 * time.Millisecond))
		p.startRedis()
	}
	answers := said()
	p.calledTo(call, people, answers)
}

// pageOn carries rounds until ctx ends, as long as the store may be away.
func pageOn(ctx context.Context, t *testing.T, calls callout.Store) {
	for ctx.Err() == nil {
		if err := callRound(ctx, calls); err != nil && !errors.Is(err, alerts.ErrUnavailable) && ctx.Err() == nil {
			t.Errorf("a round: %v", err)
			return
		}
		<-time.After(5 * time.Millisecond)
	}
}

// answerAll has the first so many people answer, each at some time of the next
// seconds; every third one changes their mind. They insist until they are told
// that it is written down. The function that it gives waits for all of them.
func answerAll(ctx context.Context, t *testing.T, calls callout.Store, call *volunteers.Call, many int, working *sync.WaitGroup) func() map[uint32]*acked {
	t.Helper()
	var mu sync.Mutex
	all := map[uint32]*acked{}
	const hands = 8
	var done sync.WaitGroup
	for part := range hands {
		working.Add(1)
		done.Go(func() {
			defer working.Done()
			for n := part + 1; n <= many; n += hands {
				<-time.After(rand.N(80 * time.Millisecond))
				minds := []volunteers.Answer{{Kind: volunteers.Coming, Minutes: 20, Via: "page"}}
				if n%3 == 0 {
					minds = append(minds, volunteers.Answer{Kind: volunteers.Cannot, Via: "sms", Note: "al lavoro"})
				}
				for _, a := range minds {
					a.At = time.Now().UTC().Truncate(time.Millisecond)
					if !insistOn(ctx, t, calls, call, uint32(n), a) {
						return
					}
					mu.Lock()
					if all[uint32(n)] == nil {
						all[uint32(n)] = &acked{at: time.Now()}
					}
					all[uint32(n)].answer = a
					all[uint32(n)].many++
					mu.Unlock()
				}
			}
		})
	}
	return func() map[uint32]*acked {
		done.Wait()
		return all
	}
}

// insistOn answers until the store says that it is written down.
func insistOn(ctx context.Context, t *testing.T, calls callout.Store, call *volunteers.Call, number uint32, a volunteers.Answer) bool {
	for ctx.Err() == nil {
		_, err := calls.Answer(ctx, call.ID, number, a, broadcasttest.CallAct(call, "answered", a.At))
		if err == nil {
			return true
		}
		if !errors.Is(err, alerts.ErrUnavailable) && ctx.Err() == nil {
			t.Errorf("person %d answers: %v", number, err)
			return false
		}
	}
	return false
}

// calledTo waits until a call has come to its end, and compares what stands in
// the store with what volunteers were told and what the provider took.
func (p *plant) calledTo(call *volunteers.Call, people int, answers map[uint32]*acked) {
	p.t.Helper()
	var sheet []callout.Entry
	p.until("everybody was tried or has answered", func() bool {
		var err error
		sheet, err = p.store.Callouts().Sheet(p.t.Context(), call.ID)
		for _, e := range sheet {
			if err == nil && (e.Leg == nil || !e.Leg.Due.IsZero()) {
				return false
			}
		}
		return err == nil && len(sheet) == people
	})
	records, changes := map[alerts.ID]bool{}, 0
	for _, e := range sheet {
		for _, page := range e.Pages {
			records[page.Record] = true
		}
	}
	for id := range records {
		p.over(id)
	}
	p.until("all reports are kept", p.provider.quiet)
	p.provider.mu.Lock()
	defer p.provider.mu.Unlock()
	sent, saved, leaving, latest := 0, 0, 0, time.Duration(0)
	for _, e := range sheet {
		a := answers[e.Number]
		switch {
		case a == nil && e.Answer != nil, a != nil && (e.Answer == nil || *e.Answer != a.answer):
			p.t.Errorf("person %d said %+v, and %+v stands in the store", e.Number, a, e.Answer)
		case a == nil && (len(e.Pages) != len(e.Leg.Kinds) || e.Leg.Step != len(e.Leg.Kinds)), len(e.Pages) > len(e.Leg.Kinds):
			p.t.Errorf("person %d, answered %v: %d pages, step %d", e.Number, a != nil, len(e.Pages), e.Leg.Step)
		}
		seen := map[alerts.ID]bool{}
		for _, page := range e.Pages {
			key := fmt.Sprintf("%s/1/sms/%d", page.Record, page.Ordinal)
			n := p.provider.taken[key]
			if seen[page.Record] || n > 1 || n == 0 && a == nil && !refused(key) {
				p.t.Errorf("person %d, answered %v: page %v was taken %d times", e.Number, a != nil, page, n)
			}
			seen[page.Record] = true
			sent += n
			if n == 0 {
				saved++
			}
			began, tried := p.provider.began[key]
			if a == nil || !tried || !began.After(a.at) {
				continue
			}
			leaving++
			after := began.Sub(a.at)
			latest = max(latest, after)
			if e.Unavoidable == 0 {
				p.t.Errorf("person %d was paged %v after the answer, which counted nothing as unavoidable", e.Number, after)
			}
			if after > 5*time.Second { // the bar is one second
				p.t.Errorf("person %d was paged %v after the answer", e.Number, after)
			}
		}
		if a != nil {
			changes += a.many
		}
	}
	if verbs := callVerbs(p.t, p.store, call.ID); verbs["called"] != 1+len(records) || verbs["answered"] != changes {
		p.t.Errorf("acts %v, with %d pages and %d answers", verbs, len(records), changes)
	}
	if sent == 0 || saved == 0 || changes <= len(answers) {
		p.t.Errorf("%d sent, %d not, %d answers of %d people: the test proves nothing", sent, saved, changes, len(answers))
	}
	p.t.Logf("%d people, %d answers acknowledged, %d rounds with pages, %d sent, %d saved; %d left after an answer, all counted as unavoidable, the last %v after it",
		people, changes, len(records), sent, saved, leaving, latest.Round(time.Millisecond))
}
