package mirror

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"
)

// pages are a source: quick editions have two files, whole ones four.
type pages struct {
	mu     sync.Mutex
	text   string
	wholes int
	err    error
}

func (p *pages) Copy(_ context.Context, now time.Time, whole bool) (*Edition, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.err != nil {
		return nil, p.err
	}
	names := []string{"a/X/index.html", "index.html"}
	if whole {
		p.wholes++
		names = append([]string{"static/app.css", "past/index.html"}, names...)
	}
	return edition(now, whole, p.text, names...), nil
}

func (p *pages) set(text string, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.text, p.err = text, err
}

// shelfOf is a target in memory with moods.
type shelfOf struct {
	mu    sync.Mutex
	files map[string]string // path to text
	at    time.Time
	taken []bool // whole or not
	mood  func(ctx context.Context, e *Edition) error
}

func (s *shelfOf) Take(ctx context.Context, e *Edition) (Report, error) {
	s.mu.Lock()
	mood := s.mood
	s.mu.Unlock()
	if mood != nil {
		if err := mood(ctx, e); err != nil {
			return Report{}, err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range e.Files {
		s.files[f.Path] = f.Sum
	}
	s.at, s.taken = e.At, append(s.taken, e.Whole)
	return Report{Written: len(e.Files)}, nil
}

func (s *shelfOf) turns() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.taken)
}

func (s *shelfOf) text(name string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.files[name]
}

func (s *shelfOf) become(mood func(ctx context.Context, e *Edition) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mood = mood
}

// keep runs a keeper in a bubble until the test's end.
func keep(t *testing.T, p *pages, targets map[string]Target) (*Keeper, *prometheus.Registry, *observer.ObservedLogs) {
	t.Helper()
	registry := prometheus.NewRegistry()
	core, logs := observer.New(zapcore.WarnLevel)
	k, err := NewKeeper(p, targets, registry, zap.New(core))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); _ = k.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
	synctest.Wait()
	return k, registry, logs
}

func TestEveryChangeReachesEveryTarget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, one, two := &pages{text: "a"}, &shelfOf{files: map[string]string{}}, &shelfOf{files: map[string]string{}}
		k, registry, _ := keep(t, p, map[string]Target{"one": one, "two": two})
		for _, s := range []*shelfOf{one, two} {
			if s.text("past/index.html") != "a" || s.text("index.html") != "a" {
				t.Errorf("at the start: %v", s.files)
			}
		}
		p.set("b", nil)
		for range 50 { // a burst is one edition
			k.Stir()
		}
		before := one.turns()
		time.Sleep(time.Second)
		synctest.Wait()
		if one.text("index.html") != "b" || two.text("a/X/index.html") != "b" || one.text("past/index.html") != "a" {
			t.Errorf("after a change: %v", one.files)
		}
		if n := one.turns() - before; n != 1 && n != 2 {
			t.Errorf("a burst made %d editions", n)
		}
		time.Sleep(time.Minute)
		families, err := registry.Gather()
		if err != nil || len(families) != 1 || families[0].GetName() != "martinella_mirror_age_seconds" {
			t.Fatalf("metrics %v, %v", families, err)
		}
		for _, m := range families[0].GetMetric() {
			if age := m.GetGauge().GetValue(); age < 59 || age > 61 || m.GetLabel()[0].GetName() != "mirror" {
				t.Errorf("after a minute: %v", m)
			}
		}
		// Without any change the time on the pages stays near.
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		if age := time.Since(k.States()[1].Good); age > refresh+time.Second {
			t.Errorf("nothing changed, and the copy is %v old", age)
		}
		time.Sleep(renewal)
		synctest.Wait()
		if one.text("past/index.html") != "b" {
			t.Error("the whole copy was not renewed")
		}
	})
}

func TestATargetThatFailsIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, bad, good := &pages{text: "a"}, &shelfOf{files: map[string]string{}}, &shelfOf{files: map[string]string{}}
		attempts := 0
		bad.mood = func(context.Context, *Edition) error { attempts++; return errors.New("500") }
		k, _, logs := keep(t, p, map[string]Target{"bad": bad, "good": good})
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		if attempts < 20 || attempts > 700 {
			t.Errorf("%d attempts in ten minutes", attempts)
		}
		if good.text("index.html") != "a" {
			t.Error("one target holds back the other")
		}
		i := slices.IndexFunc(k.States(), func(s State) bool { return s.Name == "bad" })
		if s := k.States()[i]; s.Err == nil || !s.Good.IsZero() || s.Old(time.Now()) || !s.Old(time.Now().Add(time.Second)) {
			t.Errorf("it fares %+v", s)
		}
		if s := k.States()[1]; s.Name != "good" || s.Old(time.Now()) {
			t.Errorf("the other fares %+v", s)
		}
		if logs.Len() != attempts {
			t.Errorf("%d lines for %d attempts", logs.Len(), attempts)
		}
		p.set("b", nil)
		k.Stir()
		time.Sleep(time.Second)
		bad.become(nil)
		time.Sleep(2*retryLast + time.Second)
		synctest.Wait()
		if bad.text("index.html") != "b" || bad.text("past/index.html") == "" {
			t.Errorf("after it came back: %v", bad.files)
		}
		if s := k.States()[i]; s.Err != nil || s.Good.IsZero() {
			t.Errorf("it fares %+v", s)
		}
	})
}

// A change does not wait for a slow whole copy, which never brings back older
// pages.
func TestAChangeOvertakesAWholeCopy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, slow := &pages{text: "a"}, &shelfOf{files: map[string]string{}}
		slow.mood = func(ctx context.Context, e *Edition) error {
			if !e.Whole {
				return nil
			}
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(10 * time.Minute / 4):
				return nil
			}
		}
		k, _, _ := keep(t, p, map[string]Target{"slow": slow})
		time.Sleep(10 * time.Second)
		p.set("b", nil)
		k.Stir()
		time.Sleep(gather + time.Second)
		synctest.Wait()
		if slow.text("index.html") != "b" {
			t.Fatal("the change waits for the whole copy")
		}
		time.Sleep(remake + 4*time.Minute)
		synctest.Wait()
		if slow.text("past/index.html") != "b" || slow.text("index.html") != "b" {
			t.Errorf("then: %v", slow.files)
		}
	})
}

func TestPagesThatCannotBeMadeAreTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, s := &pages{text: "a", err: errors.New("the store is away")}, &shelfOf{files: map[string]string{}}
		_, _, logs := keep(t, p, map[string]Target{"one": s})
		time.Sleep(time.Minute)
		if s.turns() > 0 || logs.Len() == 0 {
			t.Errorf("%d %d", s.turns(), logs.Len())
		}
		p.set("a", nil)
		time.Sleep(retryLast + time.Second)
		synctest.Wait()
		if s.text("past/index.html") != "a" {
			t.Error("the pages did not come")
		}
	})
}

// What an edition that did not get there had alone is in the next one.
func TestEditionsAreJoined(t *testing.T) {
	older, e := edition(noon, false, "old", "cap/1.xml", "index.html"), edition(noon.Add(time.Minute), false, "new", "cap/2.xml", "index.html")
	both := newer(e, older)
	var got []string
	for _, f := range both.Files {
		got = append(got, f.Path+" "+f.Sum)
	}
	if want := []string{"cap/1.xml old", "cap/2.xml new", "index.html new"}; !slices.Equal(got, want) || !both.At.Equal(e.At) {
		t.Errorf("%v", got)
	}
}

// wholeFails is a source that can make what goes on, and never the whole.
type wholeFails struct {
	pages
	tries []time.Time
}

func (w *wholeFails) Copy(ctx context.Context, now time.Time, whole bool) (*Edition, error) {
	if whole {
		w.mu.Lock()
		w.tries = append(w.tries, now)
		w.mu.Unlock()
		return nil, errors.New("one old page cannot be made")
	}
	return w.pages.Copy(ctx, now, whole)
}

func TestAChangeGoesOutWhereTheWholeCopyKeepsFailing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, s := &wholeFails{pages: pages{text: "a"}}, &shelfOf{files: map[string]string{}}
		k, err := NewKeeper(p, map[string]Target{"one": s}, prometheus.NewRegistry(), zap.NewNop())
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { defer close(done); _ = k.Run(ctx) }()
		defer func() { cancel(); <-done }()
		for _, text := range []string{"b", "c", "d"} {
			time.Sleep(7 * time.Minute)
			p.set(text, nil)
			k.Stir()
			time.Sleep(gather + time.Second)
			synctest.Wait()
			if s.text("index.html") != text {
				t.Fatalf("the copy says %q after the change to %q", s.text("index.html"), text)
			}
		}
		time.Sleep(2 * time.Hour)
		synctest.Wait()
		p.mu.Lock()
		defer p.mu.Unlock()
		if n := len(p.tries); n < 15 || n > 40 {
			t.Errorf("%d whole copies were tried in two hours and a half", n)
		}
		for i := 2; i < len(p.tries); i++ {
			if gap := p.tries[i].Sub(p.tries[i-1]); gap < remake || gap > wholeLast+time.Minute {
				t.Errorf("try %d comes after %v", i, gap)
			}
		}
	})
}

// A host that refuses one old file takes changes at once, without the pauses
// between its whole copies.
func TestAHostThatRefusesTheWholeCopyTakesChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, s := &pages{text: "a"}, &shelfOf{files: map[string]string{}}
		wholes := 0
		s.mood = func(_ context.Context, e *Edition) error {
			if e.Whole {
				wholes++
				return errors.New("413")
			}
			return nil
		}
		k, _, _ := keep(t, p, map[string]Target{"one": s})
		for n := range 30 {
			text := string(rune('b' + n))
			time.Sleep(97 * time.Second)
			p.set(text, nil)
			k.Stir()
			time.Sleep(gather + 100*time.Millisecond)
			synctest.Wait()
			if s.text("index.html") != text {
				t.Fatalf("change %d is not there after %v", n, gather+100*time.Millisecond)
			}
		}
		if wholes < 5 || wholes > 30 {
			t.Errorf("%d whole copies were tried in 48 minutes", wholes)
		}
		s.become(nil)
		time.Sleep(2*wholeLast + 2*remake)
		synctest.Wait()
		if s.text("past/index.html") == "" {
			t.Error("the whole copy does not come when it can")
		}
	})
}

// slowWhole takes a quarter of an hour to make the whole, unless it is given up.
type slowWhole struct{ pages }

func (w *slowWhole) Copy(ctx context.Context, now time.Time, whole bool) (*Edition, error) {
	if whole {
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(15 * time.Minute):
		}
	}
	return w.pages.Copy(ctx, now, whole)
}

func TestAChangeInterruptsTheMakingOfTheWholeCopy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, s := &slowWhole{pages{text: "a"}}, &shelfOf{files: map[string]string{}}
		k, err := NewKeeper(p, map[string]Target{"one": s}, prometheus.NewRegistry(), zap.NewNop())
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { defer close(done); _ = k.Run(ctx) }()
		defer func() { cancel(); <-done }()
		time.Sleep(time.Minute)
		p.set("b", nil)
		k.Stir()
		time.Sleep(gather + time.Second)
		synctest.Wait()
		if s.text("index.html") != "b" {
			t.Error("the change waits until the whole copy is made")
		}
		time.Sleep(remake + 16*time.Minute)
		synctest.Wait()
		if s.text("past/index.html") != "b" {
			t.Error("the whole copy is not made afterwards")
		}
	})
}
