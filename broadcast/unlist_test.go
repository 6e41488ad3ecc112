package broadcast_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"martinella/alerts"
	"martinella/broadcast"
	"martinella/broadcast/broadcasttest"
	"martinella/channels"
)

// browsers is a push channel some of whose recipients are gone, and some of
// whose push services are never there.
type browsers struct {
	mu    sync.Mutex
	sends map[string]int
}

func (b *browsers) Name() string        { return "push" }
func (b *browsers) AddressKind() string { return "push" }

func (b *browsers) Render(r *alerts.Record) ([]channels.Message, error) {
	return []channels.Message{{Channel: "push", Audience: "subscribers", Language: "it", Text: r.Alert.Infos[0].Headline, Alert: r.ID, Event: r.Event,
		Revision: r.Revision, Change: r.Change, Severity: r.Severity(), Exercise: r.Alert.Practice(), Expires: r.Expires()}}, nil
}

func (b *browsers) Send(_ context.Context, m channels.Message) (channels.Receipt, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.sends[m.To]++
	switch {
	case strings.Contains(m.To, "gone"):
		return channels.Receipt{}, channels.Gone(errors.New("410"))
	case strings.Contains(m.To, "refused"):
		return channels.Receipt{}, channels.Permanent(errors.New("413"))
	case strings.Contains(m.To, "stranger") && b.sends[m.To] < 3:
		return channels.Receipt{}, channels.Apart(errors.New("nobody listens"))
	}
	return channels.Receipt{}, nil
}

func (b *browsers) sent(to string) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.sends[to]
}

// An address that the platform says is no more has failed for this alert, is off
// the roll before the next one, and nobody else is; what a stranger's push
// service does holds nobody back.
func TestAnAddressThatIsNoMoreIsWrittenToOnce(t *testing.T) {
	store, log, text := openStore(t)
	roll := store.People()
	numbers := map[string]uint32{}
	add := func(address string, contacts map[string]string) {
		t.Helper()
		contacts["push"] = address
		n, _, err := roll.Add(t.Context(), broadcast.Subscriber{V: 1, Contacts: contacts, Language: "it", Areas: []string{"*"}, Audience: "citizens", Purpose: "emergency"})
		if err != nil {
			t.Fatal(err)
		}
		numbers[address] = n
	}
	add("https://push.example/gone-alone", map[string]string{})
	add("https://push.example/gone-phone", map[string]string{"phone": "+393331234567"})
	add("https://push.example/refused", map[string]string{})
	for i := range 30 { // many in a row, which would open a breaker
		add(fmt.Sprintf("https://stranger.example/%d", i), map[string]string{})
	}
	add("https://push.example/good", map[string]string{})

	ch := &browsers{sends: map[string]int{}}
	route := broadcast.Route{Channel: ch, Exercise: true, Memory: true}
	queues, registry := broadcast.NewQueues(store), prometheus.NewRegistry()
	metrics := broadcast.NewMetrics(registry, []string{"push"})
	g := &gateway{store: store, planner: &broadcast.Planner{Routes: []broadcast.Route{route}, Records: store.Store(), People: roll, Store: store, Work: store, Queues: queues, Language: "it", Log: log}}
	d := &broadcast.Dispatcher{Route: route, Queues: queues, People: roll, Metrics: metrics, Log: log, Sink: &broadcast.Sink{Queues: queues, Metrics: metrics, Log: log}}
	if _, err := queues.Open(t.Context(), "push"); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	var working sync.WaitGroup
	working.Go(func() { _ = store.Run(ctx) })
	working.Go(func() { _ = d.Run(ctx) })
	t.Cleanup(func() { stop(); working.Wait() })

	for round, want := range []broadcast.Delivery{{Total: 34, Accepted: 31, Failed: 3}, {Total: 32, Accepted: 31, Failed: 1}} {
		got := g.follow(t, g.issue(t, broadcasttest.NewRecord(alerts.SeveritySevere, "push")).ID, time.Minute)
		if got.Total != want.Total || got.Accepted != want.Accepted || got.Failed != want.Failed {
			t.Errorf("alert %d: %+v", round+1, got)
		}
	}
	if one, two := ch.sent("https://push.example/gone-alone"), ch.sent("https://push.example/gone-phone"); one != 1 || two != 1 {
		t.Errorf("who is gone was written to %d and %d times", one, two)
	}
	if _, err := roll.Member(t.Context(), numbers["https://push.example/gone-alone"]); !errors.Is(err, alerts.ErrNotFound) {
		t.Errorf("who had nothing else: %v", err)
	}
	if m, err := roll.Member(t.Context(), numbers["https://push.example/gone-phone"]); err != nil || len(m.Contacts) != 1 {
		t.Errorf("who has a telephone: %v, %v", m, err)
	}
	for _, address := range []string{"https://push.example/refused", "https://push.example/good"} {
		if n, err := roll.Lookup(t.Context(), "push", address); err != nil || n != numbers[address] {
			t.Errorf("%s: %d, %v", address, n, err)
		}
	}
	stop()
	working.Wait()
	if said := text.String(); strings.Contains(said, "push.example") || strings.Contains(said, "the platform keeps failing") || strings.Count(said, "taken off the roll") != 2 {
		t.Errorf("the log says %s", said)
	}
}
