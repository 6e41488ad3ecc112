package dashboards

import (
	_ "embed"
	"net/http"
)

// openAPI describes the API (OpenAPI 3.1). It is written by hand; tests hold it
// against the routes and against real answers.
//
//go:embed openapi.json
var openAPI []byte

func (s *Server) openapi(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "max-age=3600")
	h.Set("Access-Control-Allow-Origin", "*")
	h["Vary"] = byEncoding
	s.pages.assets.openAPI.write(w, r, http.StatusOK)
}
