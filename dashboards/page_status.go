package dashboards

import (
	"context"
	"net/http"
	"time"

	"martinella/broadcast"
)

// statusPage tells the public whether the service works.
type statusPage struct {
	Store    string // in words
	Good     bool
	Replicas string // in words; "" where none is wanted
	Last     instant
	Now      instant
}

func (p *pages) state(w http.ResponseWriter, r *http.Request) {
	p.serve(w, r, leaf{name: "status", make: func(l *locale, v *broadcast.View, now time.Time) (view, error) {
		page := statusPage{Now: l.At(now, now)}
		d, err := p.s.status.now(context.Background())
		switch {
		case err != nil:
			page.Store = l.must("store_down")
		case d.Memory:
			page.Store = l.must("store_memory")
		case !d.Durable:
			page.Store = l.must("store_weak")
		default:
			page.Good, page.Store = true, l.must("store_good")
		}
		if err == nil && d.Wanted > 0 {
			page.Replicas = l.must("replicas_few")
			if d.Replicated() {
				page.Replicas = l.must("replicas_good")
			}
		}
		var last time.Time
		for _, h := range v.Now(now) { // newest first
			last = h.Record.Published
			break
		}
		page.Last = l.At(last, now)
		return view{name: "status", title: l.must("status_title"), content: page}, nil
	}})
}
