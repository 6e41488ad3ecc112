package rdb

import (
	"context"
	"io"
	"net"
	"sync"
	"time"

	"github.com/alicebob/miniredis/v2"
)

// memoryTimeout is how long a command may take of a Redis in this process.
const memoryTimeout = 30 * time.Second

// Shared is a Redis in this process, reached over in-memory pipes: it works in
// a testing/synctest bubble and several nodes may share it. Nothing of it is
// kept.
type Shared struct {
	mini *miniredis.Miniredis
	once sync.Once
}

// NewShared makes an empty one. Its times to live follow the clock.
func NewShared() *Shared {
	m := miniredis.NewMiniRedis()
	m.ClockTTL(true)
	return &Shared{mini: m}
}

// Close ends it with all its connections.
func (s *Shared) Close() { s.once.Do(s.mini.Close) }

// Break makes every command fail with this reply of Redis ("OOM command not
// allowed", "LOADING ..."); "" mends it.
func (s *Shared) Break(reply string) { s.mini.SetError(reply) }

// dial makes a connection whose answers are buffered without bound: over a bare
// pipe, a long pipeline and its answers would wait for one another.
func (s *Shared) dial(context.Context, string, string) (net.Conn, error) {
	server, err := s.mini.Dial()
	if err != nil {
		return nil, err
	}
	client, far := net.Pipe()
	go func() {
		_, _ = io.Copy(server, far)
		_ = server.Close()
	}()
	a := &answers{wake: make(chan struct{}, 1)}
	go a.collect(server)
	go func() {
		a.pass(far)
		_ = far.Close()
	}()
	return client, nil
}

// answers is what a server said and a client did not read yet.
type answers struct {
	mu    sync.Mutex
	bytes []byte
	ended bool
	wake  chan struct{}
}

func (a *answers) collect(from io.Reader) {
	b := make([]byte, 16<<10)
	for {
		n, err := from.Read(b)
		a.mu.Lock()
		a.bytes = append(a.bytes, b[:n]...)
		a.ended = err != nil
		a.mu.Unlock()
		select {
		case a.wake <- struct{}{}:
		default:
		}
		if err != nil {
			return
		}
	}
}

func (a *answers) pass(to io.Writer) {
	for range a.wake {
		a.mu.Lock()
		some, ended := a.bytes, a.ended
		a.bytes = nil
		a.mu.Unlock()
		if _, err := to.Write(some); err != nil || ended {
			return
		}
	}
}
