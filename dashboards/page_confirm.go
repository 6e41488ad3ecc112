package dashboards

import (
	"errors"
	"net/http"
	"time"

	"go.uber.org/zap"

	"martinella/channels"
)

// confirmPage asks a person who followed a link of a message whether it is
// meant, or says that it is done. Opening the link changes nothing: programs
// that look for harm open every link of a mail.
type confirmPage struct {
	Title, Text string
	Button      string            // "" once it is done
	Mark        string            // the field that says that a person's browser posts
	Fields      map[string]string // what the channel wants to be posted
}

// byBrowser is the field by which a post of our own page is known: its sender
// wants to read an answer.
const byBrowser = "page"

// confirm is what a browser shows at the address of a hook.
func (s *Server) confirm(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("channel")
	asks, ok := s.Hooks[name].(channels.Confirmer)
	if !ok {
		s.pages.missing(w, r)
		return
	}
	fields, err := asks.Confirm(r)
	if err != nil {
		if !errors.Is(err, channels.ErrForged) {
			s.Logger.Warn("a link was not read", zap.String("channel", name), zap.Error(err))
		}
		s.pages.missing(w, r)
		return
	}
	s.pages.confirm(w, r, fields, false)
}

// confirm renders the page. It is for one person, so it is never kept, and its
// address, which is a key to their wish, stands in no link of it.
func (p *pages) confirm(w http.ResponseWriter, r *http.Request, fields map[string]string, done bool) {
	l, now := p.locales.of(r, askedOf(r).lang), time.Now()
	page := confirmPage{Title: l.must("stop_title"), Text: l.must("stop_text"), Button: l.must("stop_button"), Mark: byBrowser, Fields: fields}
	if done {
		page = confirmPage{Title: l.must("stopped_title"), Text: l.must("stopped_text")}
	}
	v := view{name: "confirm", title: page.Title, content: page}
	made, err := p.render(l, v, p.frame(r, l, "/", v, "", now), false)
	if err != nil {
		p.s.internal(w, r, err, nil)
		return
	}
	w.Header()["Cache-Control"] = never
	made.write(w, r, http.StatusOK, l)
}
