package backup

import (
	"bytes"
	"context"
	"errors"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
)

// shelf is a place in memory, and what is wrong with it.
type shelf struct {
	mu    sync.Mutex
	files map[string][]byte
	full  bool // it takes half of a file
	rots  bool // what it gives is not what it took
	gone  bool
}

var errFull, errGone = errors.New("no space left on the shelf"), errors.New("the shelf does not answer")

func (s *shelf) Put(_ context.Context, name string, over bool, fill func(io.Writer) error) error {
	var b bytes.Buffer
	s.mu.Lock()
	gone := s.gone
	s.mu.Unlock()
	if gone {
		return errGone
	}
	if err := fill(&b); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.full {
		return errFull
	}
	if s.files[name] != nil && !over {
		return ErrThere
	}
	s.files[name] = b.Bytes()
	return nil
}

func (s *shelf) Get(_ context.Context, name string) (io.ReadCloser, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b, ok := s.files[name]
	switch {
	case s.gone:
		return nil, errGone
	case !ok:
		return nil, ErrAbsent
	case s.rots && strings.HasSuffix(name, ".backup"):
		b = slices.Clone(b)
		b[len(b)/2] ^= 1
	}
	return io.NopCloser(bytes.NewReader(b)), nil
}

func (s *shelf) List(_ context.Context, prefix string) ([]string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	names := slices.Sorted(maps.Keys(s.files))
	return slices.DeleteFunc(names, func(n string) bool { return !strings.HasPrefix(n, prefix) }), nil
}

func (s *shelf) Remove(_ context.Context, name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.files, name)
	return nil
}

func (s *shelf) Tidy(context.Context, time.Time) error { return nil }

func (s *shelf) backups() (n int) {
	names, _ := s.List(context.Background(), "martinella-valdemo-2")
	return len(names)
}

// town is a store with its records, which two nodes share.
type town struct {
	mu     sync.Mutex
	states map[string]State
	turns  map[string]time.Time
	erased []uint32
	copies int
}

func (s *town) Facts(context.Context) (Facts, error) { return Facts{Schema: 1}, nil }
func (s *town) Files() ([]File, error)               { return nil, nil }

func (s *town) Copy(context.Context) (io.ReadCloser, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.copies++
	return io.NopCloser(bytes.NewReader(rdbFile(3000))), nil
}

func (s *town) Erased(context.Context) ([]uint32, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.erased), nil
}

func (s *town) TakeBackupTurn(_ context.Context, place string, d time.Duration) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if time.Now().Before(s.turns[place]) {
		return false, nil
	}
	s.turns[place] = time.Now().Add(d)
	return true, nil
}

func (s *town) HoldBackupTurn(_ context.Context, place string, d time.Duration) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.turns[place] = time.Now().Add(d)
	return nil
}

func (s *town) BackupState(_ context.Context, place string) (State, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.states[place], nil
}

func (s *town) PutBackupState(_ context.Context, place string, state State) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.states[place] = state
	return nil
}

func node(t *testing.T, s *town, registry prometheus.Registerer, spots ...Spot) *Keeper {
	t.Helper()
	k, err := NewKeeper(Config{Authority: "valdemo", Key: testKey(t, 1), Source: s, Records: s, Spots: spots, Log: zap.NewNop()}, registry)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func newTown() *town { return &town{states: map[string]State{}, turns: map[string]time.Time{}} }

func gauge(t *testing.T, r *prometheus.Registry, name, place string) float64 {
	t.Helper()
	families, err := r.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if f.GetName() == name && m.GetLabel()[0].GetValue() == place {
				return m.GetGauge().GetValue()
			}
		}
	}
	t.Fatalf("there is no %s of %s", name, place)
	return 0
}

// Two nodes, three places, ten hours: one backup an hour in the good place. One
// that is full and one whose files rot hold up nobody, and never have a good one.
func TestOneNodeMakesOneAnHourAndBadPlacesHoldUpNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTown()
		good, full, rots := &shelf{files: map[string][]byte{}}, &shelf{files: map[string][]byte{}, full: true}, &shelf{files: map[string][]byte{}, rots: true}
		spots := []Spot{{Name: "good", Place: good}, {Name: "full", Place: full}, {Name: "rots", Place: rots}}
		registry := prometheus.NewRegistry()
		one, two := node(t, s, registry, spots...), node(t, s, nil, spots...)
		ctx, stop := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() { _ = one.Run(ctx) })
		wg.Go(func() { _ = two.Run(ctx) })
		time.Sleep(9*time.Hour + 30*time.Minute)
		synctest.Wait()
		if n := good.backups(); n != 10 {
			t.Errorf("the good place has %d backups after nine and a half hours", n)
		}
		if full.backups() != 0 || rots.backups() != 0 {
			t.Errorf("the full place has %d, the one that rots %d", full.backups(), rots.backups())
		}
		for name, want := range map[string]string{"full": "no space left", "rots": "read back: the backup is damaged"} {
			if state, _ := s.BackupState(ctx, name); !state.Good.IsZero() || !strings.Contains(state.Error, want) {
				t.Errorf("%s: %+v", name, state)
			}
			if ok, age := gauge(t, registry, "martinella_backup_ok", name), gauge(t, registry, "martinella_backup_age_seconds", name); ok != 0 || age < 9*3600 {
				t.Errorf("%s: ok %v, age %v s", name, ok, age)
			}
		}
		if ok, age := gauge(t, registry, "martinella_backup_ok", "good"), gauge(t, registry, "martinella_backup_age_seconds", "good"); ok != 1 || age > 3600+60 {
			t.Errorf("good: ok %v, age %v s", ok, age)
		}
		good.mu.Lock()
		good.gone = true
		good.mu.Unlock()
		time.Sleep(4 * time.Hour)
		synctest.Wait()
		if state, _ := s.BackupState(ctx, "good"); !state.Old(time.Now(), Every) || good.backups() != 10 || !strings.Contains(state.Error, "does not answer") {
			t.Errorf("the place is gone: %+v", state)
		}
		stop()
		wg.Wait()
	})
}

// Who is erased stands in the list beside the backups within two minutes, and
// stays in it also where the store was brought back from before.
func TestWhoIsErasedIsInTheListAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, place := newTown(), &shelf{files: map[string][]byte{}}
		k := node(t, s, nil, Spot{Name: "good", Place: place})
		ctx, stop := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() { _ = k.Run(ctx) })
		time.Sleep(10 * time.Minute)
		s.mu.Lock()
		s.erased = []uint32{7, 5}
		s.mu.Unlock()
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		list, err := GetErased(t.Context(), place, testKey(t, 1), "valdemo")
		if err != nil || !slices.Equal(list.Numbers, []uint32{5, 7}) {
			t.Errorf("%+v, %v", list, err)
		}
		s.mu.Lock()
		s.erased = []uint32{9}
		s.mu.Unlock()
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		if list, err = GetErased(t.Context(), place, testKey(t, 1), "valdemo"); err != nil || !slices.Equal(list.Numbers, []uint32{5, 7, 9}) {
			t.Errorf("%+v, %v", list, err)
		}
		if _, err := GetErased(t.Context(), place, testKey(t, 1), "altrove"); !errors.Is(err, ErrAbsent) {
			t.Errorf("another authority reads %v", err)
		}
		if bytes.Contains(place.files[ErasedName("valdemo")], []byte("numbers")) {
			t.Error("the list is not encrypted")
		}
		stop()
		wg.Wait()
	})
}

// overtaken is a store in which the other node ends its turn between this one's
// look and its turn.
type overtaken struct{ *town }

func (s overtaken) TakeBackupTurn(ctx context.Context, place string, d time.Duration) (bool, error) {
	now := time.Now()
	if err := s.PutBackupState(ctx, place, State{Place: place, Good: now, Tried: now}); err != nil {
		return false, err
	}
	return s.town.TakeBackupTurn(ctx, place, d)
}

func TestANodeThatComesLateMakesNoSecondBackup(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTown()
		place := &shelf{files: map[string][]byte{}}
		k := node(t, s, nil, Spot{Name: "nas", Place: place})
		k.Records = overtaken{s}
		if err := k.look(t.Context(), k.Spots[0]); err != nil {
			t.Fatal(err)
		}
		if n := place.backups(); n != 0 {
			t.Errorf("%d backups were made a moment after another node's", n)
		}
	})
}
