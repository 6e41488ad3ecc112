package dashboards

import (
	"net/http"
)

// policy is the content security policy of every page: our own files and
// nothing inline.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
	"frame-ancestors 'none'; base-uri 'none'; form-action 'self'; manifest-src 'self'; worker-src 'self'"

// guards are what every answer of the public port carries.
var guards = []struct {
	name  string
	value []string
}{
	{"Content-Security-Policy", []string{policy}},
	{"X-Content-Type-Options", []string{"nosniff"}},
	{"Referrer-Policy", []string{"no-referrer"}},
	{"Permissions-Policy", []string{"camera=(), geolocation=(), microphone=(), payment=(), usb=()"}},
	{"Cross-Origin-Opener-Policy", sameOrigin},
}

// headers sets the guards.
func (s *Server) headers(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		for _, g := range guards {
			h[g.name] = g.value
		}
		if r.TLS != nil { // only where TLS is ours: behind a proxy it is the proxy's promise
			h["Strict-Transport-Security"] = oneYear
		}
		next.ServeHTTP(w, r)
	})
}

// oneYear is for how long a browser comes by https alone (RFC 6797), to this
// host and not to those below it, which are not ours.
var oneYear = []string{"max-age=31536000"}

// spare leaves out what only a whole document needs: a fragment is read by our
// own script, which puts it into one. The policy stays, for who opens it alone.
func spare(h http.Header) {
	delete(h, "Referrer-Policy")
	delete(h, "Permissions-Policy")
	delete(h, "Cross-Origin-Opener-Policy")
}
