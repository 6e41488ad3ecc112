package dashboards

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"martinella/broadcast/callout"
)

// slowStore is a store of boards whose every read takes a while; each read gives
// its number.
type slowStore struct {
	mu    sync.Mutex
	takes time.Duration
	reads []time.Time // when each began
}

func (s *slowStore) read(ctx context.Context, token string) (*callout.View, error) {
	s.mu.Lock()
	s.reads = append(s.reads, time.Now())
	n := len(s.reads)
	s.mu.Unlock()
	if token == "panic" {
		panic("a mistake")
	}
	wait := time.NewTimer(s.takes)
	defer wait.Stop()
	select {
	case <-wait.C:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if token == "" {
		return nil, callout.ErrToken
	}
	return &callout.View{Cursor: fmt.Sprint(n)}, nil
}

// Many screens cost as much as one; and nobody gets what was read before they
// asked.
func TestABoardIsReadOnceForAllWhoAskMeanwhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &slowStore{takes: 30 * time.Millisecond}
		w := newWallReads(s.read)
		var wg sync.WaitGroup
		for screen := range 20 {
			wg.Go(func() {
				time.Sleep(time.Duration(screen) * 35 * time.Millisecond)
				for range 10 {
					asked := time.Now()
					v, err := w.view(t.Context(), "board")
					if err != nil {
						t.Error(err)
						return
					}
					var n int
					if _, err := fmt.Sscan(v.Cursor, &n); err != nil {
						t.Error(err)
						return
					}
					s.mu.Lock()
					began := s.reads[n-1]
					s.mu.Unlock()
					if began.Before(asked) || time.Since(asked) > wallPause+s.takes {
						t.Errorf("asked at %v, read at %v, answered after %v", asked, began, time.Since(asked))
					}
					time.Sleep(500 * time.Millisecond)
				}
			})
		}
		began := time.Now()
		wg.Wait()
		if most := int(time.Since(began)/wallPause) + 1; len(s.reads) > most || len(s.reads) < 20 {
			t.Errorf("%d reads for 200 questions in %v, want at most %d", len(s.reads), time.Since(began), most)
		}
		for i := 1; i < len(s.reads); i++ {
			if pause := s.reads[i].Sub(s.reads[i-1]); pause < wallPause {
				t.Errorf("a read began %v after the one before", pause)
			}
		}
		if len(w.next) > 0 || len(w.begun) > 1 {
			t.Errorf("%d reads and %d boards are kept", len(w.next), len(w.begun))
		}
	})
}

func TestReadingABoardGoesWrong(t *testing.T) {
	for name, check := range map[string]func(*testing.T, *slowStore, *wallReads){
		"who asked first leaves, the others are answered": func(t *testing.T, s *slowStore, w *wallReads) {
			ctx, leave := context.WithTimeout(t.Context(), time.Millisecond)
			defer leave()
			var first sync.WaitGroup
			first.Go(func() {
				if _, err := w.view(ctx, "board"); !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("who left got %v", err)
				}
			})
			synctest.Wait()
			if v, err := w.view(t.Context(), "board"); err != nil || v == nil {
				t.Errorf("who stayed got %v, %v", v, err)
			}
			first.Wait()
			time.Sleep(time.Second) // whatever was begun for nobody ends
		},
		"a link that opens nothing is not remembered, and does not wait": func(t *testing.T, s *slowStore, w *wallReads) {
			for range 3 {
				if _, err := w.view(t.Context(), ""); !errors.Is(err, callout.ErrToken) {
					t.Errorf("got %v", err)
				}
			}
			if len(w.begun)+len(w.next) > 0 {
				t.Errorf("%v is remembered", w.begun)
			}
			if took := s.reads[2].Sub(s.reads[0]); took != 2*s.takes {
				t.Errorf("three took %v", took)
			}
		},
		"the program fails": func(t *testing.T, s *slowStore, w *wallReads) {
			if _, err := w.view(t.Context(), "panic"); err == nil || !strings.Contains(err.Error(), "a mistake") {
				t.Errorf("got %v", err)
			}
			if _, err := w.view(t.Context(), "board"); err != nil {
				t.Errorf("afterwards %v", err)
			}
		},
		"the store does not answer": func(t *testing.T, s *slowStore, w *wallReads) {
			s.takes = time.Hour
			began := time.Now()
			if _, err := w.view(t.Context(), "board"); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != wallTime {
				t.Errorf("after %v: %v", time.Since(began), err)
			}
		},
		"too many boards are read": func(t *testing.T, s *slowStore, w *wallReads) {
			s.takes = wallWait + time.Second
			var wg sync.WaitGroup
			for i := range wallsAtOnce {
				wg.Go(func() {
					if _, err := w.view(t.Context(), fmt.Sprint("board ", i)); err != nil {
						t.Error(err)
					}
				})
			}
			synctest.Wait()
			if _, err := w.view(t.Context(), "another"); !errors.Is(err, errCrowded) {
				t.Errorf("got %v", err)
			}
			wg.Wait()
			s.takes = 0
			if _, err := w.view(t.Context(), "another"); err != nil {
				t.Errorf("afterwards %v", err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &slowStore{takes: 30 * time.Millisecond}
				check(t, s, newWallReads(s.read))
			})
		})
	}
}
