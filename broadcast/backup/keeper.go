package backup

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
)

const (
	// Every is how often a backup is made where nothing is configured.
	Every = time.Hour
	// lookEvery is how often a node looks whether one is due, and whether somebody
	// was erased.
	lookEvery = time.Minute
	showEvery = 5 * time.Second
	// againAfter is how soon one that failed is tried again.
	againAfter = 5 * time.Minute
	// turnFor is how long a node that makes one may be silent before another does.
	turnFor = 3 * time.Minute
	// unfinishedFor is how old a half file must be to be nobody's any more.
	unfinishedFor = 24 * time.Hour
	// longest bounds making one backup and reading it back.
	longest = 3 * time.Hour
)

// State is how one place fares.
type State struct {
	Place  string    `json:"place"`
	Good   time.Time `json:"good,omitzero"` // moment of the newest copy that was made and read back
	Name   string    `json:"name,omitempty"`
	Size   int64     `json:"size,omitempty"` // bytes of its parts
	How    string    `json:"how,omitempty"`  // [Loaded] or [Summed]
	Tried  time.Time `json:"tried,omitzero"` // when the last one was begun
	Error  string    `json:"error,omitempty"`
	Erased int       `json:"erased"` // how many erasures are in the list beside it
	Took   float64   `json:"took,omitempty"`
	Kept   int       `json:"kept,omitempty"` // backups in the place
}

// Old reports whether the last good one is older than it should be: three times
// as old as one is made, or there is none.
func (s State) Old(now time.Time, every time.Duration) bool {
	return s.Good.IsZero() || now.Sub(s.Good) > 3*every
}

// Records keeps what is known of the places, for all nodes.
type Records interface {
	// TakeBackupTurn gives this node the turn for a time, unless another has it.
	TakeBackupTurn(ctx context.Context, place string, d time.Duration) (bool, error)
	// HoldBackupTurn keeps it; 0 gives it back.
	HoldBackupTurn(ctx context.Context, place string, d time.Duration) error
	BackupState(ctx context.Context, place string) (State, error)
	PutBackupState(ctx context.Context, place string, s State) error
}

// Source is what is kept.
type Source interface {
	Facts(ctx context.Context) (Facts, error)
	// Copy gives the store at one moment; Close it.
	Copy(ctx context.Context) (io.ReadCloser, error)
	// Files gives the configuration and what it names, but for the key file.
	Files() ([]File, error)
	Erased(ctx context.Context) ([]uint32, error)
}

// Spot is a place with its settings.
type Spot struct {
	Name  string
	Place Place
	Every time.Duration // 0: [Every]
	Keep  Keep
}

// Config is what a [Keeper] needs.
type Config struct {
	Authority, Name, Program string
	File                     string // of the configuration, as Source.Files names it
	Key                      *Key
	Source                   Source
	Prover                   Prover
	Records                  Records
	Spots                    []Spot
	Log                      *zap.Logger
}

// Keeper makes backups, each place at its own pace, so that one that is full or
// lost holds up no other. Of several nodes one makes each.
type Keeper struct {
	Config
	mu     sync.Mutex
	states map[string]State // as last read
	age    *prometheus.GaugeVec
	ok     *prometheus.GaugeVec
}

// NewKeeper makes a keeper. It does nothing until Run.
func NewKeeper(c Config, registry prometheus.Registerer) (*Keeper, error) {
	k := &Keeper{Config: c, states: map[string]State{}}
	k.age = prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "martinella_backup_age_seconds", Help: "Age of the newest backup in a place that was read back; since the start where there is none."}, []string{"place"})
	k.ok = prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "martinella_backup_ok", Help: "1 where the last backup to a place was made and read back, else 0."}, []string{"place"})
	if registry != nil {
		if err := errors.Join(registry.Register(k.age), registry.Register(k.ok)); err != nil {
			return nil, err
		}
	}
	now := time.Now()
	for _, s := range c.Spots {
		k.show(s, now, now)
	}
	return k, nil
}

// Run makes backups until ctx ends.
func (k *Keeper) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	began := time.Now()
	for _, s := range k.Spots {
		wg.Go(func() { k.tend(ctx, s) })
	}
	wg.Go(func() { k.watch(ctx, began) })
	wg.Wait()
	return nil
}

// tend looks after one place.
func (k *Keeper) tend(ctx context.Context, s Spot) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		if err := k.look(ctx, s); err != nil && ctx.Err() == nil {
			k.Log.Warn("backups cannot be looked after now", zap.String("place", s.Name), zap.Error(err))
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// watch keeps the metrics true, also while a place does not answer.
func (k *Keeper) watch(ctx context.Context, began time.Time) {
	tick := time.NewTicker(showEvery)
	defer tick.Stop()
	for {
		for _, s := range k.Spots {
			k.show(s, began, time.Now())
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// look makes a backup if one is due, and renews the list of who was erased.
func (k *Keeper) look(ctx context.Context, s Spot) error {
	state, err := k.read(ctx, s.Name)
	if err != nil {
		return err
	}
	now := time.Now()
	erased, err := k.Source.Erased(ctx)
	if err != nil {
		return err
	}
	if !s.due(state, now) && len(erased) == state.Erased {
		return nil
	}
	mine, err := k.Records.TakeBackupTurn(ctx, s.Name, turnFor)
	if err != nil || !mine {
		return err
	}
	held, release := k.hold(ctx, s.Name)
	defer release()
	if state, err = k.read(ctx, s.Name); err != nil { // another node may have ended its turn since
		return err
	}
	if len(erased) != state.Erased {
		if err := PutErased(held, s.Place, k.Key, k.Authority, erased, now); err != nil {
			k.Log.Error("the list of who was erased did not reach its place", zap.String("place", s.Name), zap.Error(err))
		} else {
			state.Erased = len(erased)
			if err := k.put(ctx, state); err != nil {
				return err
			}
		}
	}
	if s.due(state, now) {
		_, err = k.make(held, s, state)
	}
	return err
}

// due reports whether a backup is to be made.
func (s Spot) due(state State, now time.Time) bool {
	return now.Sub(state.Good) >= s.every() && now.Sub(state.Tried) >= min(againAfter, s.every())
}

// hold keeps the turn while something is written; release gives it back.
func (k *Keeper) hold(ctx context.Context, place string) (held context.Context, release func()) {
	held, cancel := context.WithTimeout(ctx, longest)
	done := make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(turnFor / 3)
		defer tick.Stop()
		for {
			select {
			case <-held.Done():
				return
			case <-tick.C:
				_ = k.Records.HoldBackupTurn(held, place, turnFor) // where it fails, another node may make one as well
			}
		}
	}()
	return held, func() {
		cancel()
		<-done
		end, stop := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer stop()
		_ = k.Records.HoldBackupTurn(end, place, 0)
	}
}

// Now makes a backup to a place at once, whoever's turn it is.
func (k *Keeper) Now(ctx context.Context, s Spot) (State, error) {
	state, err := k.read(ctx, s.Name)
	if err != nil {
		return state, err
	}
	erased, err := k.Source.Erased(ctx)
	if err != nil {
		return state, err
	}
	if err := PutErased(ctx, s.Place, k.Key, k.Authority, erased, time.Now()); err != nil {
		return state, fmt.Errorf("the list of who was erased: %w", err)
	}
	state.Erased = len(erased)
	return k.make(ctx, s, state)
}

// make makes one, reads it back, and only then counts it as good. What does not
// come back right is taken away again.
func (k *Keeper) make(ctx context.Context, s Spot, state State) (State, error) {
	began := time.Now()
	state.Tried = began.UTC()
	if err := k.put(ctx, state); err != nil { // a program that dies in the middle is not begun again at once by the next
		return state, err
	}
	proof, name, err := k.write(ctx, s, began)
	if errors.Is(err, ErrThere) { // made in the same second by another program: the next one has another name
		select {
		case <-ctx.Done():
		case <-time.After(time.Until(began.Truncate(time.Second).Add(time.Second))):
			proof, name, err = k.write(ctx, s, time.Now())
		}
	}
	if err == nil {
		state.Good, state.Name, state.Size, state.How, state.Error = proof.Manifest.At.UTC(), name, proof.Sums.Size(), proof.How, ""
		state.Took = time.Since(began).Seconds()
		if state.Kept, err = k.thin(ctx, s, state.Good); err != nil {
			k.Log.Warn("old backups were not taken away", zap.String("place", s.Name), zap.Error(err))
		}
		err = nil
		k.Log.Info("a backup was made and read back", zap.String("place", s.Name), zap.String("file", name), zap.String("how", state.How),
			zap.Int64("bytes", state.Size), zap.Duration("took", time.Since(began)))
	} else {
		state.Error = brief(err)
		k.Log.Error("a backup failed", zap.String("place", s.Name), zap.Error(err))
	}
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	return state, errors.Join(err, k.put(end, state))
}

// write makes the file and proves it.
func (k *Keeper) write(ctx context.Context, s Spot, at time.Time) (proof Proof, name string, err error) {
	at = at.UTC().Truncate(time.Second)
	name = Name(k.Authority, at)
	facts, err := k.Source.Facts(ctx)
	if err != nil {
		return proof, name, err
	}
	files, err := k.Source.Files()
	if err != nil {
		return proof, name, fmt.Errorf("the configuration: %w", err)
	}
	m := Manifest{Authority: k.Authority, Name: k.Name, Program: k.Program, At: at, Config: k.File, Facts: facts}
	err = s.Place.Put(ctx, name, false, func(w io.Writer) error {
		copied, err := k.Source.Copy(ctx)
		if err != nil {
			return err
		}
		defer copied.Close()
		_, err = Write(ctx, w, k.Key, m, files, copied)
		return err
	})
	if err != nil {
		return proof, name, fmt.Errorf("write: %w", err)
	}
	back, err := s.Place.Get(ctx, name)
	if err == nil {
		proof, err = Verify(ctx, back, k.Key, k.Authority, k.Prover)
		err = errors.Join(err, back.Close())
	}
	if err != nil {
		end, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
		defer cancel()
		return proof, name, errors.Join(fmt.Errorf("read back: %w", err), s.Place.Remove(end, name))
	}
	return proof, name, nil
}

// thin takes away what need not stay, and gives how many are left.
func (k *Keeper) thin(ctx context.Context, s Spot, good time.Time) (int, error) {
	names, err := s.Place.List(ctx, Prefix(k.Authority))
	if err != nil {
		return 0, err
	}
	keep := s.Keep
	if keep == (Keep{}) {
		keep = DefaultKeep
	}
	old := keep.Old(names, k.Authority, good)
	for _, name := range old {
		if err := s.Place.Remove(ctx, name); err != nil {
			return 0, err
		}
	}
	left := slices.DeleteFunc(names, func(n string) bool {
		_, _, ok := ReadName(n)
		return !ok || slices.Contains(old, n)
	})
	return len(left), s.Place.Tidy(ctx, time.Now().Add(-unfinishedFor))
}

func (s Spot) every() time.Duration {
	if s.Every > 0 {
		return s.Every
	}
	return Every
}

func (k *Keeper) read(ctx context.Context, place string) (State, error) {
	state, err := k.Records.BackupState(ctx, place)
	if err != nil {
		return state, err
	}
	state.Place = place
	k.remember(state)
	return state, nil
}

func (k *Keeper) put(ctx context.Context, state State) error {
	k.remember(state)
	return k.Records.PutBackupState(ctx, state.Place, state)
}

func (k *Keeper) remember(state State) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.states[state.Place] = state
}

// Status is how a place fares, with what it should.
type Status struct {
	State
	Every time.Duration
}

// States tells how all places fare, in the order of the configuration.
func (k *Keeper) States() []Status {
	k.mu.Lock()
	defer k.mu.Unlock()
	all := make([]Status, len(k.Spots))
	for i, s := range k.Spots {
		all[i] = Status{k.states[s.Name], s.every()}
		all[i].Place = s.Name
	}
	return all
}

// show sets the metrics.
func (k *Keeper) show(s Spot, began, now time.Time) {
	k.mu.Lock()
	state := k.states[s.Name]
	k.mu.Unlock()
	since := state.Good
	if since.IsZero() {
		since = began
	}
	ok := 0.0
	if !state.Good.IsZero() && state.Error == "" {
		ok = 1
	}
	k.age.WithLabelValues(s.Name).Set(max(0, now.Sub(since).Seconds()))
	k.ok.WithLabelValues(s.Name).Set(ok)
}

// brief is an error in one line, for a page.
func brief(err error) string {
	text := err.Error()
	for i, r := range text {
		if r == '\n' || i >= 300 {
			return text[:i]
		}
	}
	return text
}
