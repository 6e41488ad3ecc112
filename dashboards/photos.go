package dashboards

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"time"

	"martinella/alerts"
)

const (
	// photoKept is how many photos a node has in memory, of at most
	// alerts.SitrepPhoto bytes each.
	photoKept = 64
	// photoFresh is how soon a node notices that a photo was withdrawn.
	photoFresh = 30 * time.Second
)

// photoHours is how long browsers keep a photo: it never changes under its name,
// but it can be withdrawn.
var photoHours = []string{"public, max-age=3600, immutable"}

// photoShelf keeps the photos that were asked for last. It may be used from many
// goroutines; one photo is read from the store once at a time.
type photoShelf struct {
	mu   sync.Mutex
	kept map[alerts.Digest]*shelfPhoto
}

type shelfPhoto struct {
	mu   sync.Mutex
	jpeg []byte
	read time.Time
	used time.Time // under the shelf's lock
}

// at gives the place of a photo; the one that nobody has asked for the longest
// makes room.
func (s *photoShelf) at(digest alerts.Digest, now time.Time) *shelfPhoto {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.kept[digest]
	if p == nil {
		if len(s.kept) >= photoKept {
			var oldest alerts.Digest
			for d, one := range s.kept {
				if oldest == "" || one.used.Before(s.kept[oldest].used) {
					oldest = d
				}
			}
			delete(s.kept, oldest)
		}
		if s.kept == nil {
			s.kept = map[alerts.Digest]*shelfPhoto{}
		}
		p = &shelfPhoto{}
		s.kept[digest] = p
	}
	p.used = now
	return p
}

func (s *photoShelf) drop(digest alerts.Digest) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.kept, digest)
}

// bring gives a photo; what was read a moment ago is not asked for again, and goes
// on being shown while the store does not answer.
func (s *Server) bringPhoto(ctx context.Context, digest alerts.Digest, now time.Time) ([]byte, error) {
	p := s.photos.at(digest, now)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.jpeg != nil && now.Sub(p.read) < photoFresh {
		return p.jpeg, nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), statusTimeout)
	defer cancel()
	jpeg, err := s.Photos.Photo(ctx, digest)
	switch {
	case err == nil:
		p.jpeg, p.read = jpeg, now
	case errors.Is(err, alerts.ErrNotFound):
		p.jpeg = nil
		s.photos.drop(digest)
		return nil, err
	case p.jpeg == nil:
		s.photos.drop(digest)
		return nil, err
	}
	return p.jpeg, nil
}

// photo serves the picture of a live update.
func (s *Server) photo(w http.ResponseWriter, r *http.Request) {
	digest, found := strings.CutSuffix(r.PathValue("file"), ".jpg")
	if !found || len(digest) != 64 || strings.Trim(digest, "0123456789abcdef") != "" {
		http.NotFound(w, r)
		return
	}
	b, err := s.bringPhoto(r.Context(), alerts.Digest(digest), time.Now())
	switch {
	case errors.Is(err, alerts.ErrNotFound):
		http.NotFound(w, r)
		return
	case err != nil:
		s.pages.unable(w, r, err)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "image/jpeg")
	h["Cache-Control"] = photoHours
	h["Cross-Origin-Resource-Policy"] = sameOrigin
	h.Set("ETag", `"`+digest+`"`)
	h.Set("Content-Length", itoa(len(b)))
	if r.Header.Get("If-None-Match") == `"`+digest+`"` {
		h.Del("Content-Length")
		w.WriteHeader(http.StatusNotModified)
		return
	}
	_, _ = w.Write(b)
}
