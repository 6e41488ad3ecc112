package dashboards

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"martinella/alerts"
	"martinella/broadcast"
)

const mediaEvents = "text/event-stream"

const (
	progressHeartbeat = 15 * time.Second
	// progressLongest is how long one stream lasts; the client comes back, and
	// its key is looked at again.
	progressLongest = time.Hour
)

// progressEnd is the id of the last event: who comes back with it is told that
// there is no more (a 204 ends an EventSource).
const progressEnd = "end"

// step is what an event of the progress says: all channels in a state and at
// the end, those that changed in a change.
type step struct {
	ID       alerts.ID            `json:"id"`
	Event    alerts.ID            `json:"event"`
	Revision int                  `json:"revision"`
	State    alerts.State         `json:"state"`
	At       time.Time            `json:"at"`
	Ended    bool                 `json:"ended"`
	Channels []broadcast.Delivery `json:"channels"`
}

// away is what an event says while the store does not answer.
type away struct {
	Since   time.Time `json:"since"`
	Problem string    `json:"problem"`
}

// progress streams how the deliveries go (server-sent events, HTML standard
// section 9.2): first the whole state, then what changes, at most four times a
// second, until every channel has come to its end.
func (s *Server) progress(w http.ResponseWriter, r *http.Request) {
	if _, ok := negotiate(r, offer{mediaEvents, []string{mediaJSON}}); !ok {
		s.fail(w, r, refuse(errNotAcceptable, "Accept", "names no form of a stream", "ask for "+mediaEvents))
		return
	}
	record, err := s.readable(r, alerts.Published)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	if r.Header.Get("Last-Event-ID") == progressEnd {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	s.stream(w, r, callerOf(r).ID, record)
}

// stream sends the progress of a record to one person until it ends.
func (s *Server) stream(w http.ResponseWriter, r *http.Request, person string, record *alerts.Record) {
	watched, leave, full := s.watchers.follow(person, record)
	if full {
		s.tooMany(w, defaultRetry, "too many streams are open, of this key or of all")
		return
	}
	defer leave()
	h := w.Header()
	h.Set("Content-Type", mediaEvents)
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no") // nginx would keep it back
	out := &eventStream{w: w, control: http.NewResponseController(w)}
	if r.Method == http.MethodHead {
		return
	}
	longest, beat := time.NewTimer(progressLongest), time.NewTicker(progressHeartbeat)
	defer longest.Stop()
	defer beat.Stop()
	_ = out.send("retry: 3000\n\n")
	var told sight // what the client knows
	for {
		now, moved := watched.now()
		if !now.at.IsZero() && s.tell(out, told, now) != nil || now.ended {
			return
		}
		if !now.at.IsZero() {
			told = now
		}
		select {
		case <-moved:
		case <-beat.C:
			if out.send(": still here\n\n") != nil {
				return
			}
		case <-r.Context().Done():
			return
		case <-s.watchers.farewell:
			return
		case <-longest.C:
			return
		}
	}
}

// tell sends what is new since told.
func (s *Server) tell(out *eventStream, told, now sight) error {
	say := step{now.record.ID, now.record.Event, now.record.Revision, now.record.State, now.at.UTC().Truncate(time.Millisecond), now.ended, append([]broadcast.Delivery{}, now.channels...)}
	switch {
	case !now.away.IsZero():
		if told.away.Equal(now.away) {
			return nil
		}
		return out.event("away", "", away{now.away.UTC().Truncate(time.Millisecond), "the store does not answer; what was told last may be old"})
	case now.ended:
		return out.event("end", progressEnd, say)
	case told.at.IsZero() || !told.away.IsZero() || told.record.State != now.record.State || len(told.channels) != len(now.channels):
		return out.event("state", "", say)
	}
	if say.Channels = changed(told.channels, now.channels); len(say.Channels) == 0 {
		return nil
	}
	return out.event("change", "", say)
}

// eventStream writes server-sent events to a client that must keep up.
type eventStream struct {
	w       http.ResponseWriter
	control *http.ResponseController
}

func (e *eventStream) event(name, id string, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		panic("dashboards: an event always marshals: " + err.Error())
	}
	if id != "" {
		id = "id: " + id + "\n"
	}
	return e.send(fmt.Sprintf("event: %s\n%sdata: %s\n\n", name, id, b))
}

func (e *eventStream) send(text string) error {
	// A writer without deadlines is not a connection: nobody can hold it.
	_ = e.control.SetWriteDeadline(time.Now().Add(slowReader))
	if _, err := e.w.Write([]byte(text)); err != nil {
		return err
	}
	return e.control.Flush()
}
