package dashboards

import (
	"net/http"

	"martinella/alerts/templates"
)

// templates answers with the warnings written in advance: the shipped ones, and
// in their place or beside them the authority's own.
func (s *Server) templates(w http.ResponseWriter, r *http.Request) {
	all := templates.Shipped()
	if s.Templates != nil {
		var err error
		if all, err = s.Templates(); err != nil {
			s.fail(w, r, err)
			return
		}
	}
	writeJSON(w, http.StatusOK, struct {
		Templates []templates.Template `json:"templates"`
	}{all})
}
