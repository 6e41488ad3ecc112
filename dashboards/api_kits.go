package dashboards

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"go.uber.org/zap"

	"martinella/alerts"
	"martinella/broadcast"
	"martinella/channels"
)

// Kits are what people post by hand. Its methods may be called from many
// goroutines; *broadcast.Kits is one.
type Kits interface {
	Of(ctx context.Context, r *alerts.Record) ([]broadcast.Kit, error)
	Posted(ctx context.Context, r *alerts.Record, t broadcast.Tick) (broadcast.Ticked, error)
}

var _ Kits = (*broadcast.Kits)(nil)

// kits answers with what people are to post of the event's published revision,
// ready to copy.
func (s *Server) kits(w http.ResponseWriter, r *http.Request) {
	record, err := s.readable(r, alerts.Published)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	list := []broadcast.Kit{}
	if s.Kits != nil && record.State.Published() {
		if list, err = s.Kits.Of(r.Context(), record); err != nil {
			s.fail(w, r, err)
			return
		}
	}
	type kit struct {
		broadcast.Kit
		Card string `json:"card,omitempty"` // where the picture is, "{language}" in it
	}
	all := make([]kit, len(list))
	for i, one := range list {
		all[i].Kit = one
		for _, p := range one.Posts {
			if p.Alt != "" && s.Cards != nil {
				all[i].Card = s.PublicURL + "/api/v1/alerts/" + string(record.ID) + "/card.png?language={language}"
			}
		}
	}
	writeJSON(w, http.StatusOK, struct {
		ID       alerts.ID     `json:"id"`
		Event    alerts.ID     `json:"event"`
		Revision int           `json:"revision"`
		State    alerts.State  `json:"state"`
		Digest   alerts.Digest `json:"digest"`
		Kits     []kit         `json:"kits"`
	}{record.ID, record.Event, record.Revision, record.State, record.Approved, all})
}

// card answers with the picture of the alert, as posts carry it.
func (s *Server) cardPNG(w http.ResponseWriter, r *http.Request) {
	record, err := s.readable(r, alerts.Published)
	if err == nil && s.Cards == nil {
		err = refuse(alerts.ErrNotFound, "card", "is not drawn by this gateway", "")
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	wish := r.URL.Query().Get("language")
	if wish == "" {
		wish = s.Authority.Language
	}
	language := channels.Closest(channels.Languages(record, channels.Settings{Language: s.Authority.Language}), wish)
	b, err := s.Cards.Card(record, language)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	h := w.Header()
	h.Set("Content-Type", mediaPNG)
	h.Set("Content-Language", language)
	h.Set("Cache-Control", "private, max-age=60")
	h.Set("Content-Disposition", `inline; filename="`+string(record.ID)+"-"+alerts.PrimaryLanguage(language)+`.png"`)
	h.Set("Content-Length", itoa(len(b)))
	_, _ = w.Write(b) //nolint:gosec // a picture that we drew
}

const mediaPNG = "image/png"

// tick is the body of a request that says that somebody posted a kit.
type tick struct {
	Digest   alerts.Digest `json:"digest"`             // of the alert, as read
	Language string        `json:"language,omitempty"` // of the text; "": all of the kit
	URL      string        `json:"url,omitempty"`      // of the post
	Reason   string        `json:"reason,omitempty"`   // for the record
}

// maxPostURL bounds the address of a post, in bytes.
const maxPostURL = 500

// postURL reports whether the text can be the address of a post.
func postURL(text string) bool {
	u, err := url.Parse(text)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" && u.User == nil && len(text) <= maxPostURL && tidy(text) == text
}

// posted writes down that the caller posted a kit.
func (s *Server) posted(w http.ResponseWriter, r *http.Request) {
	by, channel := callerOf(r), r.PathValue("channel")
	var body tick
	if err := s.decode(w, r, &body); err != nil {
		s.fail(w, r, err)
		return
	}
	if body.URL != "" {
		if !postURL(body.URL) {
			s.fail(w, r, refuse(errBadRequest, "url", "is not the address of a post", "copy it from the browser, or leave it out"))
			return
		}
	}
	ctx, cancel := actContext(r)
	defer cancel()
	record, act, err := s.Desk.Posted(ctx, by.Person, alerts.ID(r.PathValue("id")), channel, alerts.Decision{Digest: body.Digest, Reason: body.Reason}, time.Now())
	if err == nil && s.Kits == nil {
		err = refuse(alerts.ErrNotFound, "channel", "is no copy kit", "the alert's kits name those that people post")
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	act.Via = "api"
	done, err := s.Kits.Posted(ctx, record, broadcast.Tick{Channel: channel, Language: body.Language, URL: body.URL, Act: act})
	if err != nil {
		s.fail(w, r, err)
		return
	}
	if done.New > 0 {
		s.Logger.Info("posted by hand", zap.String("alert", string(record.ID)), zap.String("channel", channel), zap.Int("texts", done.New), zap.String("by", by.ID))
	}
	posts := make([]broadcast.KitPost, 0, len(done.Posts))
	writeJSON(w, http.StatusOK, struct {
		ID         alerts.ID           `json:"id"`
		Event      alerts.ID           `json:"event"`
		Revision   int                 `json:"revision"`
		Channel    string              `json:"channel"`
		New        int                 `json:"new"` // of the texts that nobody had ticked before
		Posts      []broadcast.KitPost `json:"posts"`
		Replicated *bool               `json:"replicated,omitempty"`
	}{record.ID, record.Event, record.Revision, channel, done.New, append(posts, done.Posts...), done.Replicated})
}
