package dashboards

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"martinella/broadcast"
)

// volunteerDoors are the pages that a token opens, and what their forms do.
var volunteerDoors = map[string]url.Values{
	"GET /d/{token}":           nil,
	"POST /d/{token}":          {"answer": {"coming-10"}},
	"GET /board/{token}":       nil,
	"GET /v/{token}":           nil,
	"POST /v/{token}":          {"do": {"stop"}},
	"GET /v/{token}/data.json": nil,
	"GET /v/{token}/hours.csv": nil,
}

// openVolunteerDoors is a gateway on which Marta and Bruno are called, and stand
// on the roster, with the parts of addresses that open their pages.
func openVolunteerDoors(t *testing.T) (g *gateway, roll broadcast.Roll, tokens map[string][]string, logs *observer.ObservedLogs) {
	t.Helper()
	g, _, _, links, board := realCall(t, "Marta Rossi", "Bruno Neri")
	core, logs := observer.New(zap.DebugLevel)
	r := openRoster(t, func(c *Config) { c.Callouts, c.Logger = g.server.Callouts, zap.New(core) })
	bruno := anna()
	bruno.Contacts = map[string]string{"phone": "+393337654321"}
	entered, err := r.roll.Enter(t.Context(), []broadcast.Listing{{Subscriber: bruno}}, false)
	if err != nil {
		t.Fatal(err)
	}
	tokens = map[string][]string{
		"/d/":     {strings.TrimPrefix(links[0], "/d/"), strings.TrimPrefix(links[1], "/d/")},
		"/board/": {strings.TrimPrefix(board, "/board/")},
		"/v/":     {strings.TrimPrefix(r.link(), "/v/"), r.pages.Token(entered[0].Number, "phone", "+393337654321", time.Now())},
	}
	return r.gateway, r.roll, tokens, logs
}

// Every page of volunteers x tokens that are not its own x posts of other sites:
// nothing opens, nothing is done, nobody is named, and no token is written down.
func TestEveryDoorOfVolunteers(t *testing.T) {
	g, roll, tokens, logs := openVolunteerDoors(t)
	g.Client().CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	seen := map[string]bool{}
	for _, route := range g.server.public() {
		if strings.HasPrefix(route.Path, "/d/") || strings.HasPrefix(route.Path, "/v/") || strings.HasPrefix(route.Path, "/board/") {
			seen[route.Method+" "+route.Path] = true
		}
	}
	changed := func() string {
		var out strings.Builder
		for m, err := range roll.All(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			if len(m.Stopped) > 0 {
				out.WriteString(m.Volunteer.Name)
			}
		}
		for _, token := range tokens["/d/"] {
			own, err := g.server.Callouts.Own(t.Context(), token)
			if err != nil {
				t.Fatal(err)
			}
			if own.Answer != nil {
				out.WriteString(own.Name)
			}
		}
		return out.String()
	}
	for name, form := range volunteerDoors {
		if !seen[name] {
			t.Errorf("%s is no route", name)
		}
		delete(seen, name)
		method, path, _ := strings.Cut(name, " ")
		own, _, _ := strings.Cut(path, "{token}")
		send := func(token string, headers ...string) reply {
			body := ""
			if form != nil {
				body = form.Encode()
				headers = append(headers, "Content-Type", "application/x-www-form-urlencoded")
			}
			return g.do(method, strings.Replace(path, "{token}", token, 1), body, headers...)
		}
		wrong := []string{"x", strings.Repeat("A", 24), strings.Repeat("A", 32), "%2e%2e"}
		for at, others := range tokens {
			for i, token := range others {
				if at != own {
					wrong = append(wrong, token)
					continue
				}
				// The number of one person with the proof of another, and each bit of the head.
				b, err := base64.RawURLEncoding.DecodeString(token)
				if err != nil {
					t.Fatal(err)
				}
				for bit := range 32 {
					forged := slices.Clone(b)
					forged[bit/8] ^= 1 << (bit % 8)
					wrong = append(wrong, base64.RawURLEncoding.EncodeToString(forged))
				}
				if other := others[(i+1)%len(others)]; other != token {
					o, _ := base64.RawURLEncoding.DecodeString(other)
					wrong = append(wrong, base64.RawURLEncoding.EncodeToString(append(slices.Clone(o[:4]), b[4:]...)))
				}
			}
		}
		for _, token := range wrong {
			r := send(token, "Sec-Fetch-Site", "same-origin")
			if r.StatusCode != 404 && r.StatusCode != 429 {
				t.Errorf("%s with a token that is not its own: %d", name, r.StatusCode)
			}
			for _, word := range []string{"Marta", "Bruno Neri", "Anna Prato", "333"} {
				if strings.Contains(r.body, word) {
					t.Errorf("%s names %q to somebody else", name, word)
				}
			}
		}
		if form == nil {
			continue
		}
		for _, foreign := range [][]string{{"Sec-Fetch-Site", "cross-site"}, {"Origin", "https://evil.example"}} {
			if r := send(tokens[own][0], foreign...); r.StatusCode != http.StatusForbidden {
				t.Errorf("%s from another site (%s): %d", name, foreign, r.StatusCode)
			}
		}
	}
	for name := range seen {
		t.Errorf("%s has no line here", name)
	}
	if who := changed(); who != "" {
		t.Errorf("something was done to %s", who)
	}
	// The right ones open, and say of others how many, never who.
	for at, of := range map[string]struct{ mine, theirs string }{"/d/": {"Marta", "Bruno"}, "/v/": {"Anna", annasPhone[1:]}} {
		for _, suffix := range []string{"", "?lang=en"} {
			r := g.get(at + tokens[at][0] + suffix)
			if r.StatusCode != 200 || !strings.Contains(r.body, of.mine) || strings.Contains(r.body, of.theirs) || strings.Contains(r.body, "7654321") || strings.Contains(r.body, "+39333") {
				t.Errorf("%s of one's own: %d %s", at, r.StatusCode, r.body)
			}
			if p := r.Header.Get("Referrer-Policy"); p != "no-referrer" && p != "strict-origin" {
				t.Errorf("%s tells other sites its address: %q", at, p)
			}
		}
	}
	if r := g.get("/board/" + tokens["/board/"][0]); r.StatusCode != 200 || strings.Contains(r.body, "333") || strings.Contains(r.body, "tel:") {
		t.Errorf("the board: %d", r.StatusCode)
	}
	// At least 80 bits of each token are a code that only this authority can make.
	for at, head := range map[string]int{"/d/": 8, "/board/": 4, "/v/": 8} {
		if b, _ := base64.RawURLEncoding.DecodeString(tokens[at][0]); 8*(len(b)-head) < 80 {
			t.Errorf("%s: %d bits to guess", at, 8*(len(b)-head))
		}
	}
	written := g.metrics(t)
	for _, e := range logs.All() {
		written += e.Message + contextOf(e)
	}
	for at, all := range tokens {
		for _, token := range all {
			if strings.Contains(written, token) {
				t.Errorf("a token of %s is in the log or the metrics", at)
			}
		}
	}
	if len(written) < 1000 {
		t.Errorf("only %d bytes of log and metrics were looked at", len(written))
	}
}

// metrics are all of the gateway, as text.
func (g *gateway) metrics(t *testing.T) string {
	t.Helper()
	families, err := g.server.Registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	for _, f := range families {
		out.WriteString(f.String())
	}
	return out.String()
}
