package rdb

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"martinella/alerts"
	"martinella/alerts/ledger"
	"martinella/broadcast/broadcasttest"
)

// book opens the ledger of a node.
func book(t testing.TB, r *Redis) *Ledger {
	t.Helper()
	l, err := r.Ledger()
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// happen appends acts, one for each record.
func happen(t testing.TB, r *Redis, many int) {
	t.Helper()
	for range many {
		rec := broadcasttest.NewRecord(alerts.SeverityExtreme, "a")
		if _, _, err := r.Store().Intake(t.Context(), rec, nil, broadcasttest.NewAct(rec, "submitted")); err != nil {
			t.Fatal(err)
		}
	}
}

// fill writes the acts from..to as the scripts do, many at once.
func fill(t testing.TB, r *Redis, from, to int) {
	t.Helper()
	text, err := json.Marshal(broadcasttest.NewAct(broadcasttest.NewRecord(alerts.SeverityExtreme, "a"), "submitted"))
	if err != nil {
		t.Fatal(err)
	}
	for ; from <= to; from += growBy {
		pipe := r.commands.Pipeline()
		last := min(from+growBy-1, to)
		for n := from; n <= last; n++ {
			pipe.Do(t.Context(), "XADD", r.keys.acts(), fmt.Sprintf("%d-0", n), "j", text)
		}
		pipe.Set(t.Context(), r.keys.actSeq(), last, 0)
		if _, err := pipe.Exec(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

// asked is the head as of this moment.
func asked(t testing.TB, l *Ledger) ledger.Signed {
	t.Helper()
	l.last = ledger.Signed{}
	head, err := l.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return head
}

func exported(t testing.TB, l *Ledger) string {
	t.Helper()
	var out strings.Builder
	head := asked(t, l)
	if err := ledger.Write(&out, l.Key(), head, l.Entries(t.Context(), head.Size)); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// findings verifies an export with the ledger's key.
func findings(t testing.TB, l *Ledger, export string, earlier []byte) string {
	t.Helper()
	key := l.Key()
	a := ledger.Against{Key: &key}
	if earlier != nil {
		a.Earlier = bytes.NewReader(earlier)
	}
	r, err := ledger.Verify(strings.NewReader(export), a)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, f := range r.Findings {
		all = append(all, f.String())
	}
	return strings.Join(all, "\n")
}

func TestTheLedgerFollowsTheActs(t *testing.T) {
	both(t, func(t *testing.T, r *Redis) {
		l := book(t, r)
		var heads []ledger.Signed
		for _, more := range []int{0, 1, 1, 5, growBy + 3} {
			if more < growBy {
				happen(t, r, more)
			} else { // one by one they would take their time
				fill(t, r, 8, 7+more)
			}
			heads = append(heads, asked(t, l))
		}
		const all = growBy + 10
		last := heads[len(heads)-1]
		if last.Size != all {
			t.Fatalf("the head counts %d, want %d", last.Size, all)
		}
		export := exported(t, l)
		for _, h := range []ledger.Signed{heads[0], heads[3]} {
			if got := findings(t, l, export, h.Note); got != "" {
				t.Errorf("after the head of %d: %s", h.Size, got)
			}
		}
		n := 0
		for line := range strings.Lines(export) {
			var e struct {
				N   int64
				Act alerts.Act
			}
			if err := json.Unmarshal([]byte(line), &e); err != nil || n > 0 && (e.N != int64(n) || e.Act.Verb != "submitted" || e.Act.By.ID == "" || e.Act.At.IsZero() || e.Act.Digest == "") {
				t.Fatalf("line %d: %v %s", n, err, line)
			}
			n++
		}
		for _, n := range []int64{1, 2, 200, growBy, all} {
			p, err := l.Prove(t.Context(), n)
			if err != nil || p.Check() != nil || p.Entry.N != n {
				t.Errorf("proof of %d: %+v %v", n, p, err)
			}
		}
		for _, n := range []int64{0, -1, all + 1} {
			if _, err := l.Prove(t.Context(), n); !errors.Is(err, alerts.ErrNotFound) {
				t.Errorf("proof of %d: %v", n, err)
			}
		}
		if again := asked(t, l); !bytes.Equal(again.Note, last.Note) {
			t.Errorf("nothing happened, and another head was signed:\n%s", again.Note)
		}
	})
}

func TestTheKeyIsThatOfTheKeyFile(t *testing.T) {
	dir := t.TempDir()
	key := func(authority, dir string) string {
		r := open(t, Config{Redis: Memory, Authority: authority, DataDir: dir})
		return book(t, r).Key().String()
	}
	first := key("valdemo", dir)
	if key("valdemo", dir) != first {
		t.Error("another key after a restart")
	}
	if key("valdemo", t.TempDir()) == first {
		t.Error("two key files, one key")
	}
}

// TestTwoNodesGrowOneTree lets nodes grow and sign while acts come in.
func TestTwoNodesGrowOneTree(t *testing.T) {
	shared, dir := NewShared(), t.TempDir()
	var nodes []*Redis
	for range 3 {
		nodes = append(nodes, open(t, Config{Redis: Memory, Authority: "valdemo", Shared: shared, DataDir: dir}))
	}
	var wg sync.WaitGroup
	const each = 40
	var mu sync.Mutex
	var heads [][]byte
	for _, r := range nodes {
		l := book(t, r)
		wg.Go(func() { happen(t, r, each) })
		wg.Go(func() {
			for {
				l.last = ledger.Signed{}
				h, err := l.Head(t.Context())
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				heads = append(heads, h.Note)
				mu.Unlock()
				if h.Size == int64(each*len(nodes)) {
					return
				}
			}
		})
	}
	wg.Wait()
	l := book(t, nodes[0])
	export := exported(t, l)
	if l.last.Size != each*3 {
		t.Errorf("the head counts %d, want %d", l.last.Size, each*3)
	}
	for i := 0; i < len(heads); i += 1 + len(heads)/6 {
		if got := findings(t, l, export, heads[i]); got != "" {
			t.Errorf("after a head that a node signed meanwhile: %s\n%s", got, heads[i])
		}
	}
}

// TestTheTreeCatchesUp: the gateway may die at any moment after an act and
// while its tree grows; whoever comes next goes on.
func TestTheTreeCatchesUp(t *testing.T) {
	both(t, func(t *testing.T, r *Redis) {
		l := book(t, r)
		happen(t, r, 3)
		asked(t, l)
		happen(t, r, 4)
		if size, err := l.grow(t.Context()); size != 7 || err != nil { // and here it died: the tree has grown, no head was signed
			t.Fatalf("%d %v", size, err)
		}
		happen(t, r, 2) // here it died before the tree knew
		next := book(t, r)
		if head := asked(t, next); head.Size != 9 {
			t.Errorf("the head counts %d, want 9", head.Size)
		}
		if got := findings(t, next, exported(t, next), nil); got != "" {
			t.Error(got)
		}
		// What a slower node wants to store of the same acts changes nothing.
		if size, err := l.store(t.Context(), 3, 5, slices.Repeat([]ledger.Hash{{1}}, 3)); size != 9 || err != nil {
			t.Errorf("the slower node: %d %v", size, err)
		}
		if got := findings(t, next, exported(t, next), nil); got != "" {
			t.Error(got)
		}
	})
}

// TestMeddlingInTheStoreIsNamedByNumber changes what Redis holds, past the
// program (fault 65).
func TestMeddlingInTheStoreIsNamedByNumber(t *testing.T) {
	const edited = "does not fit its signature: it was edited, or is another entry"
	// put writes another text under a number; a stream takes no number again.
	put := func(ctx context.Context, t *testing.T, r *Redis, change func(n int, text string) string) {
		t.Helper()
		k := r.keys.acts()
		entries, err := r.commands.XRange(ctx, k, "-", "+").Result()
		if err != nil {
			t.Fatal(err)
		}
		r.commands.Del(ctx, k)
		for i, e := range entries {
			text, _ := e.Values["j"].(string)
			if text = change(i+1, text); text == "" {
				continue
			}
			if err := r.commands.Do(ctx, "XADD", k, e.ID, "j", text).Err(); err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, c := range map[string]struct {
		meddle func(ctx context.Context, t *testing.T, r *Redis, l *Ledger)
		want   string
	}{
		"an act is edited": {func(ctx context.Context, t *testing.T, r *Redis, _ *Ledger) {
			put(ctx, t, r, func(n int, text string) string {
				if n == 4 {
					return strings.Replace(text, "submitted", "approved", 1)
				}
				return text
			})
		}, "entry 4: " + edited},
		"an act is removed": {func(ctx context.Context, _ *testing.T, r *Redis, _ *Ledger) {
			r.commands.XDel(ctx, r.keys.acts(), "4-0")
		}, "entry 4: is gone from the store"},
		"two acts are exchanged": {func(ctx context.Context, t *testing.T, r *Redis, _ *Ledger) {
			var texts []string
			put(ctx, t, r, func(_ int, text string) string { texts = append(texts, text); return text })
			put(ctx, t, r, func(n int, text string) string {
				if n == 4 || n == 5 {
					return texts[8-n]
				}
				return text
			})
		}, "entries 4 to 5: " + edited},
		"the newest are cut off": {func(ctx context.Context, _ *testing.T, r *Redis, _ *Ledger) {
			r.commands.XDel(ctx, r.keys.acts(), "8-0", "9-0")
		}, "entries 8 to 9: is gone from the store"},
		"an act is removed before the tree has it": {func(ctx context.Context, t *testing.T, r *Redis, _ *Ledger) {
			happen(t, r, 3)
			r.commands.XDel(ctx, r.keys.acts(), "11-0", "12-0")
			happen(t, r, 1)
		}, "entries 11 to 12: was removed from the store before the tree reached it"},
		"the tree is made anew over edited acts": {func(ctx context.Context, t *testing.T, r *Redis, _ *Ledger) {
			put(ctx, t, r, func(n int, text string) string {
				return strings.Replace(text, "submitted", fmt.Sprintf("approved%d", n), 1)
			})
			r.commands.Del(ctx, r.keys.ledgerTree(0), r.keys.ledgerSize(), r.keys.ledgerHead())
		}, "entries 1 to 9: is not what the earlier head of "},
	} {
		t.Run(name, func(t *testing.T) {
			both(t, func(t *testing.T, r *Redis) {
				l := book(t, r)
				happen(t, r, 9)
				kept := asked(t, l)
				c.meddle(t.Context(), t, r, l)
				if got := findings(t, book(t, r), exported(t, book(t, r)), kept.Note); got != c.want && (!strings.HasSuffix(c.want, " of ") || !strings.HasPrefix(got, c.want)) {
					t.Errorf("got\n%s\nwant\n%s", got, c.want)
				}
			})
		})
	}
}

func TestNothingIsSignedThatContradictsAHead(t *testing.T) {
	for name, meddle := range map[string]func(ctx context.Context, t *testing.T, r *Redis, l *Ledger){
		"a hash of the tree": func(ctx context.Context, _ *testing.T, r *Redis, _ *Ledger) {
			r.commands.SetRange(ctx, r.keys.ledgerTree(0), 14*hashSize, "x") // the part of 8 leaves
		},
		"the tree is gone": func(ctx context.Context, _ *testing.T, r *Redis, _ *Ledger) {
			r.commands.Del(ctx, r.keys.ledgerTree(0))
		},
		"the tree is made anew": func(ctx context.Context, t *testing.T, r *Redis, _ *Ledger) {
			r.commands.XDel(ctx, r.keys.acts(), "3-0")
			r.commands.Del(ctx, r.keys.ledgerTree(0), r.keys.ledgerSize())
		},
		"the count is taken back": func(ctx context.Context, _ *testing.T, r *Redis, _ *Ledger) {
			r.commands.Set(ctx, r.keys.actSeq(), 4, 0)
		},
		"tree and count are taken back": func(ctx context.Context, _ *testing.T, r *Redis, _ *Ledger) {
			r.commands.Set(ctx, r.keys.actSeq(), 4, 0)
			r.commands.Set(ctx, r.keys.ledgerSize(), 4, 0)
		},
		"the count is far ahead": func(ctx context.Context, _ *testing.T, r *Redis, _ *Ledger) {
			r.commands.Set(ctx, r.keys.actSeq(), 1<<40, 0)
		},
		"a head of another key": func(ctx context.Context, t *testing.T, r *Redis, _ *Ledger) {
			s, err := ledger.NewSigner("valdemo", bytes.Repeat([]byte{1}, 32))
			if err != nil {
				t.Fatal(err)
			}
			h, err := s.Head(9, ledger.Hash{}, time.Now())
			if err != nil {
				t.Fatal(err)
			}
			r.commands.HSet(ctx, r.keys.ledgerHead(), "note", h.Note)
		},
	} {
		t.Run(name, func(t *testing.T) {
			both(t, func(t *testing.T, r *Redis) {
				l := book(t, r)
				happen(t, r, 9)
				asked(t, l)
				meddle(t.Context(), t, r, l)
				if h, err := book(t, r).Head(t.Context()); !errors.Is(err, ledger.ErrBroken) {
					t.Errorf("head %+v, %v", h.Head, err)
				}
			})
		})
	}
}

// TestAFullStoreHoldsTheLedgerUpOnly: an Extreme alert is taken, the tree waits
// and has everything afterwards (fault 12).
func TestAFullStoreHoldsTheLedgerUpOnly(t *testing.T) {
	r := openServer(t)
	l := book(t, r)
	happen(t, r, 2)
	asked(t, l)
	if err := r.commands.ConfigSet(t.Context(), "maxmemory", "1").Err(); err != nil {
		t.Fatal(err)
	}
	happen(t, r, 3) // Extreme
	l.last = ledger.Signed{}
	if _, err := l.Head(t.Context()); !errors.Is(err, alerts.ErrUnavailable) {
		t.Errorf("the head of a full store: %v, want alerts.ErrUnavailable", err)
	}
	if err := r.commands.ConfigSet(t.Context(), "maxmemory", "0").Err(); err != nil {
		t.Fatal(err)
	}
	if h := asked(t, l); h.Size != 5 {
		t.Errorf("the head counts %d, want 5", h.Size)
	}
	if got := findings(t, l, exported(t, l), nil); got != "" {
		t.Error(got)
	}
}

// BenchmarkLedger grows a tree over many acts, exports and verifies it. Run it
// with -benchtime 1000000x for a million.
func BenchmarkLedger(b *testing.B) {
	r := openServer(b)
	l := book(b, r)
	fill(b, r, 1, b.N)
	b.ResetTimer()
	lap := func(what string, began time.Time) {
		b.ReportMetric(float64(b.N)/time.Since(began).Seconds(), what+"/s")
	}
	began := time.Now()
	head := asked(b, l)
	lap("grown", began)

	file, err := os.Create(filepath.Join(b.TempDir(), "ledger.jsonl"))
	if err != nil {
		b.Fatal(err)
	}
	defer file.Close()
	began = time.Now()
	if err := ledger.Write(file, l.Key(), head, l.Entries(b.Context(), head.Size)); err != nil {
		b.Fatal(err)
	}
	lap("exported", began)

	if _, err := file.Seek(0, io.SeekStart); err != nil {
		b.Fatal(err)
	}
	began = time.Now()
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	report, err := ledger.Verify(file, ledger.Against{})
	if err != nil || !report.OK() || report.Entries != int64(b.N) {
		b.Fatalf("%+v %v", report, err)
	}
	lap("verified", began)
	runtime.ReadMemStats(&after)
	b.ReportMetric((float64(after.HeapSys)-float64(before.HeapSys))/(1<<20), "MiB-more")

	began = time.Now()
	for range 100 {
		if p, err := l.Prove(b.Context(), head.Size/2+1); err != nil || p.Check() != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(time.Since(began).Microseconds())/100, "µs/proof")
}
