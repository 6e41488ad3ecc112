package live

import (
	"testing"
	"testing/synctest"
)

// What is said to pages about when to fetch their fragment follows the number
// of open clients, whether a change comes live or is replayed.
func TestTheSpreadIsThatOfTheOpenClients(t *testing.T) {
	for name, c := range map[string]struct {
		ring  int    // 1 has the older change replayed out of the log
		query string // of who comes afterwards
		open  int
		want  int64 // ms
	}{
		"few, out of the ring":        {8, "since=e1-0-0", 10, 150},
		"many, out of the ring":       {8, "since=e1-0-0", 10_000, 2400},
		"many, out of the log":        {1, "since=e1-0-0", 10_000, 2400},
		"many, with all that is said": {8, "since=e1-0-0&view=full&lang=en", 10_000, 2400},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStand(t, newBook(0), func(cfg *Config) { cfg.Ring = c.ring })
				p, stop := s.servePipes(t)
				defer stop()
				s.mu.Lock()
				s.entered = c.open
				s.mu.Unlock()
				there := p.listen(t, "")
				defer there.Close()
				there.wants("hello 0")
				s.publish(record())
				s.publish(record())
				came := p.listen(t, c.query)
				defer came.Close()
				came.wants("hello 0")
				for who, l := range map[string]*listener{"live": there, "replayed": came} {
					for range 2 {
						if m, err := l.next(); err != nil || m.Spread != c.want {
							t.Errorf("%s: got %+v, %v, want spread_ms %d", who, m, err, c.want)
						}
					}
				}
			})
		})
	}
}
