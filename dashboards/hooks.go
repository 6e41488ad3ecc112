package dashboards

import (
	"errors"
	"net/http"

	"go.uber.org/zap"

	"martinella/alerts"
	"martinella/channels"
)

// maxHook bounds what a platform sends at once.
const maxHook = 1 << 20

// hook takes reports and replies of a platform. It is answered only once they
// are durable; after an error the platform sends them again.
func (s *Server) hook(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("channel")
	inbound, known := s.Hooks[name]
	if !known || s.Sink == nil {
		writeProblem(w, problem{Title: "no such channel", Status: http.StatusNotFound, Problems: alerts.Problems{}})
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxHook)
	reports, replies, err := inbound.Inbound(r)
	if errors.Is(err, channels.ErrForged) {
		s.Logger.Warn("hook refused: not signed by the platform", zap.String("channel", name))
		writeProblem(w, problem{Title: "not signed by the platform", Status: http.StatusForbidden, Problems: alerts.Problems{}})
		return
	}
	if err != nil {
		s.Logger.Warn("hook not read", zap.String("channel", name), zap.Error(err))
		writeProblem(w, problem{Title: "the request cannot be read", Status: http.StatusBadRequest, Problems: alerts.Problems{}})
		return
	}
	ctx, cancel := actContext(r)
	defer cancel()
	for _, report := range reports {
		if err = s.Sink.Report(ctx, name, report); err != nil {
			break
		}
	}
	for _, reply := range replies {
		if err != nil {
			break
		}
		err = s.Sink.Reply(ctx, name, reply)
	}
	if err != nil {
		s.Logger.Error("what a hook brought is not stored", zap.String("channel", name), zap.Error(err))
		w.Header().Set("Retry-After", seconds(defaultRetry))
		writeProblem(w, problem{Title: "not stored, send it again", Status: http.StatusServiceUnavailable, Problems: alerts.Problems{}})
		return
	}
	if waited, ok := inbound.(channels.HookAnswerer); ok {
		if contentType, body := waited.HookAnswer(r); body != nil {
			w.Header().Set("Content-Type", contentType)
			_, _ = w.Write(body) // whoever went away does not hear it
			return
		}
	}
	if _, asks := inbound.(channels.Confirmer); asks && r.PostForm.Get(byBrowser) != "" {
		s.pages.confirm(w, r, nil, true)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}
