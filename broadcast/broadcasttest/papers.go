package broadcasttest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"martinella/alerts"
	"martinella/broadcast"
)

// TestPapers is the contract of broadcast.Papers.
func TestPapers(t *testing.T, open Open) {
	for name, check := range map[string]func(*testing.T, broadcast.Papers){
		"a paper is read as written, with its past":             paperKept,
		"of two who write the same revision one is told":        paperStale,
		"a dropped paper is gone and cannot be written again":   paperDropped,
		"papers of a kind come with the last changed one first": papersSorted,
		"of many earlier revisions the newest are kept":         paperPast,
		"what is no document is refused":                        paperRefused,
	} {
		t.Run(name, func(t *testing.T) { check(t, open(t).Papers) })
	}
}

func paperOf(id string, revision int64, n int) broadcast.Paper {
	return broadcast.Paper{Kind: "draft", ID: id, Revision: revision, Doc: fmt.Appendf(nil, `{"n":%d}`, n), By: operator, At: time.Unix(int64(1_800_000_000+n), 0).UTC()}
}

func paperKept(t *testing.T, s broadcast.Papers) {
	ctx := t.Context()
	if _, err := s.Paper(ctx, "draft", "a"); !errors.Is(err, alerts.ErrNotFound) {
		t.Errorf("one that is not there: %v", err)
	}
	first, err := s.PutPaper(ctx, paperOf("a", 0, 1))
	if err != nil || first.Revision != 1 {
		t.Fatalf("revision %d, %v", first.Revision, err)
	}
	if _, err := s.PutPaper(ctx, paperOf("a", 1, 2)); err != nil {
		t.Fatal(err)
	}
	got, err := s.Paper(ctx, "draft", "a")
	if err != nil || string(got.Doc) != `{"n":2}` || got.Revision != 2 || got.By != operator || !got.At.Equal(time.Unix(1_800_000_002, 0)) {
		t.Errorf("read %+v, %v", got, err)
	}
	past, err := s.PastPapers(ctx, "draft", "a")
	if err != nil || len(past) != 2 || past[0].Revision != 2 || string(past[1].Doc) != `{"n":1}` {
		t.Errorf("past %+v, %v", past, err)
	}
	if _, err := s.Paper(ctx, "template", "a"); !errors.Is(err, alerts.ErrNotFound) {
		t.Errorf("another kind: %v", err)
	}
}

func paperStale(t *testing.T, s broadcast.Papers) {
	var written atomic.Int64
	var wait sync.WaitGroup
	for n := range 8 {
		wait.Go(func() {
			switch _, err := s.PutPaper(context.WithoutCancel(t.Context()), paperOf("a", 0, n)); {
			case err == nil:
				written.Add(1)
			case !errors.Is(err, alerts.ErrStale):
				t.Errorf("got %v", err)
			}
		})
	}
	wait.Wait()
	if written.Load() != 1 {
		t.Errorf("%d wrote the first revision", written.Load())
	}
}

func paperDropped(t *testing.T, s broadcast.Papers) {
	ctx := t.Context()
	p, err := s.PutPaper(ctx, paperOf("a", 0, 1))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.DropPaper(ctx, "draft", "a", p.Revision+1); !errors.Is(err, alerts.ErrStale) {
		t.Errorf("another revision: %v", err)
	}
	for range 2 {
		if err := s.DropPaper(ctx, "draft", "a", p.Revision); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.PutPaper(ctx, paperOf("a", p.Revision, 2)); !errors.Is(err, alerts.ErrStale) {
		t.Errorf("written after it was dropped: %v", err)
	}
	if _, err := s.PastPapers(ctx, "draft", "a"); !errors.Is(err, alerts.ErrNotFound) {
		t.Errorf("its past: %v", err)
	}
}

func papersSorted(t *testing.T, s broadcast.Papers) {
	ctx := t.Context()
	for n, id := range []string{"b", "c", "a"} {
		if _, err := s.PutPaper(ctx, paperOf(id, 0, n)); err != nil {
			t.Fatal(err)
		}
	}
	all, err := s.Papers(ctx, "draft")
	if err != nil || len(all) != 3 || all[0].ID != "a" || all[2].ID != "b" {
		t.Errorf("got %+v, %v", all, err)
	}
}

func paperPast(t *testing.T, s broadcast.Papers) {
	ctx := t.Context()
	for n := range broadcast.PaperPast + 10 {
		if _, err := s.PutPaper(ctx, paperOf("a", int64(n), n)); err != nil {
			t.Fatal(err)
		}
	}
	past, err := s.PastPapers(ctx, "draft", "a")
	if err != nil || len(past) != broadcast.PaperPast+1 || past[0].Revision != broadcast.PaperPast+10 {
		t.Errorf("%d revisions, %v", len(past), err)
	}
}

func paperRefused(t *testing.T, s broadcast.Papers) {
	p := paperOf("a", 0, 1)
	for what, doc := range map[string][]byte{"no JSON": []byte("{"), "nothing": nil, "too much": fmt.Appendf(nil, "%q", make([]byte, broadcast.MaxPaper))} {
		p.Doc = doc
		if _, err := s.PutPaper(t.Context(), p); err == nil {
			t.Errorf("%s was written", what)
		}
	}
}
