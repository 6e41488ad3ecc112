package dashboards

import (
	"net/http"
	"time"
)

// Outbox holds what channels wrote instead of sending it. Entries may be called
// from many goroutines; newest first.
type Outbox interface {
	Entries() []OutboxEntry
}

// OutboxEntry is one message that was written instead of sent.
type OutboxEntry struct {
	At      time.Time
	Channel string
	To      string // masked; "" for a public post
	Title   string
	Text    string
	Alert   string
}

type outboxPage struct{ Entries []outboxLine }

type outboxLine struct {
	At instant
	OutboxEntry
	Lines []string
}

// maxOutbox bounds the page.
const maxOutbox = 200

// outbox is never cached: it is for who tries the gateway, or administers it.
// On the administration port the other pages are elsewhere.
func (p *pages) outbox(w http.ResponseWriter, r *http.Request) {
	l, now := p.locales.of(r, askedOf(r).lang), time.Now()
	var page outboxPage
	for _, e := range p.s.Outbox.Entries() {
		if len(page.Entries) == maxOutbox {
			break
		}
		page.Entries = append(page.Entries, outboxLine{l.At(e.At, now), e, paragraphs(e.Text)})
	}
	v := view{name: "outbox", title: l.must("outbox_title"), content: page}
	f := p.frame(r, l, "/outbox", v, "", now)
	if !p.s.Desk.Policy.Practice {
		f.Base = p.s.PublicURL
		if f.Accessibility == ownAccessibility {
			f.Accessibility = f.Base + ownAccessibility
		}
	}
	made, err := p.render(l, v, f, false)
	if err != nil {
		p.s.internal(w, r, err, nil)
		return
	}
	w.Header()["Cache-Control"] = never
	made.write(w, r, http.StatusOK, l)
}
