package dashboards

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// strayEnds are signs that a sentence puts behind an address, and that programs
// take for a part of it. No address of ours ends with one.
const strayEnds = ".,;:!?)]}>'\"`*»”’…"

// astray answers a reader who asks for an address of ours as it is elsewhere
// (a web server with a copy writes /a/ID/, and /en/a/ID for the English one) or
// as somebody wrote it down (in small letters, with the end of a sentence), with
// the way to the right one. It leads only to patterns of the public pages,
// always to a path of this host, and leaves everything else to next.
func astray(mux *http.ServeMux, pages []route, next http.Handler) http.Handler {
	known := map[string]bool{}
	for _, r := range pages {
		if r.Method == http.MethodGet && !strings.HasPrefix(r.Path, "/hooks/") {
			known[r.Method+" "+r.Path] = true
		}
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet || r.Method == http.MethodHead {
			if path, lang := mended(r.URL); path != "" {
				to := &url.URL{Path: path, RawQuery: r.URL.RawQuery}
				_, pattern := mux.Handler(&http.Request{Method: http.MethodGet, URL: to, Host: r.Host})
				if known[pattern] {
					if lang != "" && !to.Query().Has("lang") {
						to.RawQuery = strings.TrimPrefix(to.RawQuery+"&lang="+lang, "&")
					}
					w.Header()["Cache-Control"] = never
					w.Header().Set("Location", to.String())
					w.WriteHeader(http.StatusMovedPermanently)
					return
				}
			}
		}
		next.ServeHTTP(w, r)
	})
}

// mended gives the path that was meant, and the language that its folder says;
// "" where there is nothing to mend. It begins with exactly one slash, so that it
// is never the name of another host.
func mended(u *url.URL) (path, lang string) {
	if len(u.Path) < 2 || u.Path[0] != '/' || strings.Contains(u.Path, "//") || strings.Contains(u.Path, `\`) {
		return "", "" // an escaped slash, too, stands here as it is
	}
	path = strings.TrimSuffix(u.Path, "/index.html")
	path = "/" + strings.Trim(strings.TrimRight(path, "/"+strayEnds), "/")
	first, rest, _ := strings.Cut(path[1:], "/")
	if slices.Contains(pageLanguages, first) {
		lang, path = first, "/"+rest
	}
	if id, found := strings.CutPrefix(path, "/a/"); found {
		id, rest, more := strings.Cut(id, "/")
		path = "/a/" + strings.ToUpper(id)
		if more {
			path += "/" + rest
		}
	}
	if path == u.Path {
		return "", ""
	}
	return path, lang
}
