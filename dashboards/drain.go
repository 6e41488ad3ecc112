package dashboards

import (
	"io"
	"net/http"
)

// drainLimit is how much of a body that nobody reads is taken in; net/http
// itself takes 256 KiB.
const drainLimit = 2 << 20

// drained takes in the rest of a body that was refused before its end. A client
// that sends all of it before it reads would otherwise meet a broken connection
// instead of the answer. The time is bounded by [Server.hurried]. Who asks
// before sending (RFC 9110 section 10.1.1) sends nothing once refused.
func drained(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body := r.Body
		next.ServeHTTP(w, r)
		if r.Method == http.MethodPost && r.ContentLength != 0 && r.Header.Get("Expect") == "" {
			_, _ = io.CopyN(io.Discard, body, drainLimit) // the answer is what counts
		}
	})
}
