package dashboards

import (
	"mime"
	"net/http"
	"time"

	"go.uber.org/zap"

	"martinella/alerts"
	"martinella/broadcast"
)

// updateView is a live update for who may read alerts: what everybody sees, and who
// wrote and withdrew it.
type updateView struct {
	*broadcast.SitrepView
	Author      alerts.By  `json:"author"`
	WithdrawnBy *alerts.By `json:"withdrawn_by,omitempty"`
	Replicated  *bool      `json:"replicated,omitempty"`
}

func (s *Server) updateView(one *alerts.Sitrep) updateView {
	v := updateView{SitrepView: broadcast.PublicSitrep(one, s.PublicURL), Author: one.Author, Replicated: one.Replicated}
	if one.Withdrawn != nil {
		v.WithdrawnBy = &one.Withdrawn.By
	}
	return v
}

// updates answers with the live updates of an event, in the order in which they
// came.
func (s *Server) updates(w http.ResponseWriter, r *http.Request) {
	record, err := s.readable(r, alerts.Published)
	list := []updateView{}
	if err == nil && s.Desk.Sitreps != nil {
		var all []*alerts.Sitrep
		all, err = s.Desk.Sitreps.Sitreps(r.Context(), record.Event)
		for _, one := range all {
			list = append(list, s.updateView(one))
		}
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	writeJSON(w, http.StatusOK, struct {
		Event   alerts.ID    `json:"event"`
		URL     string       `json:"url"`
		Updates []updateView `json:"updates"`
	}{record.Event, s.pageURL(record), list})
}

// liveUpdate is the body of a live update, in JSON or as the fields of a form.
type liveUpdate struct {
	ID       alerts.ID `json:"id,omitempty"` // makes a repetition harmless
	Text     string    `json:"text,omitempty"`
	Place    string    `json:"place"`
	Source   string    `json:"source"`
	Observed string    `json:"observed"` // RFC 3339
	Language string    `json:"language,omitempty"`
	Alt      string    `json:"alt,omitempty"`
	Photo    []byte    `json:"photo,omitempty"` // base64
	Replaces alerts.ID `json:"replaces,omitempty"`
	Keep     bool      `json:"keep_photo,omitempty"` // of what it replaces
}

// liveUpdateOf reads a live update in either form.
func (s *Server) liveUpdateOf(w http.ResponseWriter, r *http.Request) (u liveUpdate, err error) {
	if media, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); media != "multipart/form-data" {
		return u, s.decodeMost(w, r, &u, maxUpload)
	}
	fields, file, err := s.uploaded(w, r)
	if err != nil {
		return u, err
	}
	return liveUpdate{
		ID: alerts.ID(fields["id"]), Text: fields["text"], Place: fields["place"], Source: fields["source"], Observed: fields["observed"], Language: fields["language"],
		Alt: fields["alt"], Photo: file, Replaces: alerts.ID(fields["replaces"]), Keep: fields["keep_photo"] == "true",
	}, nil
}

// report publishes what was seen at an event.
func (s *Server) report(w http.ResponseWriter, r *http.Request) {
	by := callerOf(r)
	stored, fresh, err := s.reported(w, r, by)
	if err != nil {
		s.fail(w, r, photoProblem(err))
		return
	}
	status := http.StatusOK
	if fresh {
		status = http.StatusCreated
	}
	writeJSON(w, status, s.updateView(stored))
}

func (s *Server) reported(w http.ResponseWriter, r *http.Request, by *caller) (*alerts.Sitrep, bool, error) {
	done, err := s.uploading(w)
	if err != nil {
		return nil, false, err
	}
	defer done()
	u, err := s.liveUpdateOf(w, r)
	if err != nil {
		return nil, false, err
	}
	observed, err := time.Parse(time.RFC3339, u.Observed)
	if err != nil {
		return nil, false, refuse(alerts.ErrInvalid, "observed", "is not a time", "write it as in 2026-11-21T18:30:00+01:00")
	}
	picture, err := s.photoOf(r.Context(), u.Photo, u.Alt)
	if err != nil {
		return nil, false, err
	}
	if picture == nil && u.Keep {
		picture = &alerts.Photo{Alt: u.Alt}
	}
	return s.publishUpdate(r, by, alerts.Sitrep{ID: u.ID, Text: u.Text, Place: u.Place, Source: u.Source, Observed: observed, Language: u.Language, Photo: picture, Replaces: u.Replaces, Via: viaAPI})
}

// publishUpdate has the desk publish a live update.
func (s *Server) publishUpdate(r *http.Request, by *caller, one alerts.Sitrep) (*alerts.Sitrep, bool, error) {
	ctx, cancel := actContext(r)
	defer cancel()
	stored, fresh, err := s.Desk.Report(ctx, by.Person, alerts.ID(r.PathValue("id")), one, time.Now())
	if fresh {
		s.Logger.Info("live update published", zap.String("event", string(stored.Event)), zap.String("update", string(stored.ID)), zap.Bool("photo", stored.Photo != nil), zap.String("by", by.ID))
	}
	return stored, fresh, err
}

// withdrawUpdate takes a live update back.
func (s *Server) withdrawUpdate(w http.ResponseWriter, r *http.Request) {
	var with struct {
		Reason string `json:"reason"`
	}
	by := callerOf(r)
	err := s.decode(w, r, &with)
	var stored *alerts.Sitrep
	if err == nil {
		stored, err = s.takeBack(r, by, with.Reason, viaAPI)
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	writeJSON(w, http.StatusOK, s.updateView(stored))
}

// takeBack has the desk withdraw the live update that the path names.
func (s *Server) takeBack(r *http.Request, by *caller, reason, via string) (*alerts.Sitrep, error) {
	ctx, cancel := actContext(r)
	defer cancel()
	stored, fresh, err := s.Desk.Withdraw(ctx, by.Person, alerts.ID(r.PathValue("id")), alerts.ID(r.PathValue("uid")), reason, via, time.Now())
	if fresh {
		if stored.Photo != nil {
			s.photos.drop(stored.Photo.Digest)
		}
		s.Logger.Info("live update withdrawn", zap.String("event", string(stored.Event)), zap.String("update", string(stored.ID)), zap.String("by", by.ID))
	}
	return stored, err
}
