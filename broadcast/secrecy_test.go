package broadcast_test

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"martinella/alerts"
	"martinella/broadcast"
	"martinella/broadcast/broadcasttest"
	"martinella/broadcast/rdb"
	"martinella/broadcast/roster"
	"martinella/channels"
)

// TestNoContactIsToldAnywhere imports a list, sends an alert to everybody in it,
// takes a STOP and an erasure in between, and looks for their contacts in every
// file of the store, in the log and in the metrics.
func TestNoContactIsToldAnywhere(t *testing.T) {
	if _, err := exec.LookPath("redis-server"); err != nil {
		t.Skip("SKIPPED, nothing was proved: redis-server is not installed")
	}
	dir := t.TempDir()
	var text bytes.Buffer
	log := zap.New(zapcore.NewCore(zapcore.NewJSONEncoder(zap.NewProductionEncoderConfig()), zapcore.Lock(zapcore.AddSync(&text)), zapcore.DebugLevel))
	store, err := rdb.Open(t.Context(), rdb.Config{Redis: rdb.Embedded, Authority: "valdemo", DataDir: dir}, log)
	if err != nil {
		t.Fatal(err)
	}
	registry := prometheus.NewRegistry()
	metrics := broadcast.NewMetrics(registry, []string{"sms"})
	book := &phoneBook{name: "sms", taken: map[string]int{}}
	route := broadcast.Route{Channel: book, Exercise: true}
	queues := broadcast.NewQueues(store)
	roll := store.People()
	sink := &broadcast.Sink{Queues: queues, Metrics: metrics, Log: log, Roll: roll}
	g := &gateway{store: store, book: book}
	g.planner = &broadcast.Planner{Routes: []broadcast.Route{route}, Records: store.Store(), People: roll, Store: store, Work: store, Queues: queues, Language: "it", Log: log}
	d := &broadcast.Dispatcher{Route: route, Queues: queues, People: roll, Metrics: metrics, Log: log, Sink: sink}
	ctx, stop := context.WithCancel(t.Context())
	var loops sync.WaitGroup
	loops.Go(func() { _ = store.Run(ctx) })
	if _, err := queues.Open(ctx, "sms"); err != nil {
		t.Fatal(err)
	}

	const people = 600
	var list strings.Builder
	list.WriteString("telefono;email;codice istat\n")
	for i := range people {
		fmt.Fprintf(&list, "333 77%05d;segreta.%d@example.org;048099\n", i, i)
	}
	list.WriteString("333 7700000;;048099\n12345;;048099\n")
	rows, err := roster.NewReader(strings.NewReader(list.String()), roster.Defaults{})
	if err != nil {
		t.Fatal(err)
	}
	total, err := (&roster.Import{Roll: roll, Refuse: func(r roster.Refusal) { fmt.Fprintln(&text, r) }}).Run(ctx, rows)
	if err != nil || total.Added != people || total.Refused != 2 {
		t.Fatalf("imported %+v, %v", total, err)
	}
	r := broadcasttest.NewRecord(alerts.SeveritySevere, "sms")
	stored := g.issue(t, r)
	// Before anybody sends: the snapshot has both, the address is asked last.
	if err := sink.Reply(ctx, "sms", channels.Reply{From: "393337700005", Text: "STOP"}); err != nil {
		t.Fatal(err)
	}
	number, err := roll.Lookup(ctx, "phone", "+393337700007")
	if err != nil {
		t.Fatal(err)
	}
	if err := roll.Erase(ctx, number); err != nil {
		t.Fatal(err)
	}
	loops.Go(func() { _ = d.Run(ctx) })
	deadline, tick := time.Now().Add(20*time.Second), time.NewTicker(10*time.Millisecond)
	defer tick.Stop()
	for {
		book.mu.Lock()
		n := len(book.taken)
		book.mu.Unlock()
		if n >= people-2 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("sent %d of %d for %s", n, people-2, stored.ID)
		}
		<-tick.C
	}
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	stop()
	loops.Wait()
	if err := store.Close(); err != nil {
		t.Error(err)
	}
	book.mu.Lock()
	if len(book.taken) != people-2 {
		t.Errorf("sent to %d, want %d: one stopped, one was erased", len(book.taken), people-2)
	}
	book.mu.Unlock()

	all := map[string][]byte{"log": text.Bytes(), "metrics": []byte(fmt.Sprint(families))}
	err = filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		all[path], err = os.ReadFile(path)
		return err
	})
	if err != nil || len(all) < 4 {
		t.Fatalf("looked at %d places, %v", len(all), err)
	}
	size := 0
	for place, b := range all {
		size += len(b)
		// So long that no hash of a contact holds it by chance.
		for _, secret := range []string{"33377000", "333 77000", "segreta"} {
			if at := bytes.Index(b, []byte(secret)); at >= 0 {
				t.Errorf("%s holds %q", place, b[max(0, at-40):min(len(b), at+40)])
			}
		}
	}
	if size < people*200 {
		t.Errorf("only %d bytes were looked at", size)
	}
}
