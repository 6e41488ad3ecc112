package live

import (
	"errors"
	"testing"
)

// Where the kernel gives fewer pollers than there are processors, it is done
// without any, and those that were made are closed.
func TestAPollerThatTheKernelRefuses(t *testing.T) {
	for path, wrong := range map[Path]bool{"": false, PathEpoll: true} {
		t.Run("path "+string(path), func(t *testing.T) {
			s := newStand(t, newBook(0), func(c *Config) { c.Path = PathGoroutines })
			for len(s.shards) < 3 { // also on one processor
				s.shards = append(s.shards, &shard{hub: s.Hub, number: len(s.shards), wake: make(chan struct{}, 1), audience: newAudience()})
			}
			s.cfg.Path = path
			refused := errors.New("no descriptor left")
			var made []*poller
			err := s.poll(func() (*poller, error) {
				if len(made) == 2 {
					return nil, refused
				}
				p, err := newPoller()
				if err != nil {
					t.Fatal(err)
				}
				made = append(made, p)
				return p, nil
			})
			if wrong != errors.Is(err, refused) || s.pollers != nil {
				t.Errorf("got %v with %d pollers, want none, and an error only where the path is asked for", err, len(s.pollers))
			}
			for i, p := range made {
				select {
				case <-p.ended:
				default:
					t.Errorf("poller %d is still there", i)
					p.close()
				}
			}
			if wrong {
				return
			}
			srv := s.serve(t)
			var there []*listener
			for range 2 * len(s.shards) {
				l := listen(t, srv.URL, "")
				l.wants("hello 0")
				there = append(there, l)
			}
			s.publish(record())
			for _, l := range there {
				l.wants("alert 1")
			}
		})
	}
}
