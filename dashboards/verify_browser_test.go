package dashboards

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"martinella/alerts"
)

// tampered changes the bodies that the gateway sends from some paths, as
// somebody in between would.
func tampered(next http.Handler, path string, change func(string) string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasPrefix(r.URL.Path, path) {
			next.ServeHTTP(w, r)
			return
		}
		r.Header.Del("Accept-Encoding")
		got := httptest.NewRecorder()
		next.ServeHTTP(got, r)
		for name, values := range got.Header() {
			if name != "Content-Length" {
				w.Header()[name] = values
			}
		}
		w.WriteHeader(got.Code)
		_, _ = w.Write([]byte(change(got.Body.String())))
	})
}

func TestTheSignatureIsCheckedInABrowser(t *testing.T) {
	onlyInE2E(t)
	b := openBrowser(t)
	g := openVerify(t)
	id := g.issue(message("signed", "description", "Il torrente supera gli argini.\n\n  L'acqua  entra in cantina &amp; garage.", "severity", "Severe"))["id"].(string)
	other := openVerify(t)
	g.issue(message("old", "headline", "Un altro avviso"))
	signed := "Firma verificata"
	for sentence, tt := range map[string]struct {
		path   string
		change func(string) string
		want   string
		class  string
	}{
		"as it is": {"/nothing", nil, signed, "good"},
		"another hour in the statement": {"/verify/", func(body string) string {
			var s jws
			_ = json.Unmarshal([]byte(body), &s)
			b, _ := base64.RawURLEncoding.DecodeString(s.Payload)
			s.Payload = base64.RawURLEncoding.EncodeToString([]byte(strings.Replace(string(b), "piani alti", "piani bassi", 1)))
			out, _ := json.Marshal(s)
			return string(out)
		}, "Firma alterata: la firma non corrisponde", "wrong"},
		"another text on the page": {"/verify", func(body string) string {
			return strings.Replace(body, "Salite ai piani alti", "Scendete in cantina", 1)
		}, "Firma alterata: è firmato un testo diverso", "wrong"},
		"another telephone in what went out": {"/verify", func(body string) string {
			return strings.Replace(body, "data-sent>PC Valdemo", "data-sent>PC Va1demo", 1)
		}, "Firma alterata: è firmato un testo diverso", "wrong"},
		"a line more on the page": {"/verify", func(body string) string {
			return strings.Replace(body, `<li data-said`, `<li data-said="instruction">Chiamate il 899</li><li data-said`, 1)
		}, "Firma alterata: è firmato un testo diverso", "wrong"},
		"the key of somebody else":          {keyPath, func(string) string { return string(other.server.statements.pem) }, "La chiave non ha l'impronta", "wrong"},
		"the statement of another revision": {"/verify/", func(string) string { return g.get("/verify/" + string(g.memory.records[1].ID) + ".json").body }, "Firma alterata: è firmato un testo diverso", "wrong"},
		"no statement":                      {"/verify/", func(string) string { return "{" }, "La firma non si è potuta leggere", "unknown"},
		"a statement that names another method": {"/verify/", func(body string) string {
			return strings.Replace(body, g.server.statements.header, base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none"}`)), 1)
		}, "Firma alterata: la firma non corrisponde", "wrong"},
	} {
		site := httptest.NewServer(tampered(g.server.Public(), tt.path, tt.change))
		b.open(site.URL + "/verify?lang=it")
		b.eval(`document.getElementById('code').value = '` + strings.ToLower(alerts.CodeOf(alerts.ID(id))) + `'; document.querySelector('.ask button').click(); 1`)
		b.arrives(`document.querySelector('.sign.` + tt.class + ` [role=status]')`)
		if got, _ := b.eval(`document.querySelector('.sign [role=status]').textContent`).(string); !strings.HasPrefix(got, tt.want) {
			t.Errorf("%s: %q, want %q", sentence, got, tt.want)
		}
		if sentence == "as it is" {
			b.quiet()
		}
		site.Close()
	}
	b.open(g.URL + "/verify?lang=it")
	b.eval(`document.getElementById('text').value = ` + quoteJS(strings.Replace(smsOf(g.recordOf(id)), "cantin", "soffitt", 1)+" Chiamate il 899 123123") + `; document.querySelectorAll('.ask button')[1].click(); 1`)
	b.arrives(`document.querySelector('.diff ins')`)
	b.quiet()

	// Without scripts the page is complete.
	b.call("Emulation.setScriptExecutionDisabled", map[string]any{"value": true}, nil)
	b.open(g.URL + "/verify?lang=it")
	b.eval(`document.getElementById('code').value = '` + alerts.CodeOf(alerts.ID(id)) + `'; 1`)
	b.press(".ask button")
	b.becomes(`document.querySelector('h1').textContent === 'Questo codice è di un nostro messaggio' && document.querySelector('.sign [role=status]').textContent.includes('quando JavaScript è attivo')`)
}

func quoteJS(text string) string {
	b, _ := json.Marshal(text)
	return string(b)
}

func TestVerifyLooksInABrowser(t *testing.T) {
	onlyInE2E(t)
	b := openBrowser(t)
	g := openVerify(t)
	id := g.issue(message("looks", "severity", "Extreme", "areaDesc", strings.Repeat("Donaudampfschifffahrtsgesellschaft", 4)))["id"].(string)
	drill := g.issue(message("drill", "status", "Exercise", "severity", "Severe"))["id"].(string)
	// An altered text comes by POST alone: here it has an address.
	altered := strings.Replace(smsOf(g.recordOf(id)), "Salite", "Scendete", 1) + " Offerte su " + strings.Repeat("va1demo", 12) + ".example"
	doors := g.server.Public()
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text := map[string]string{"/altered": altered, "/foreign": itAlert, "/empty": " "}[r.URL.Path]
		if text == "" {
			doors.ServeHTTP(w, r)
			return
		}
		ask := httptest.NewRequestWithContext(r.Context(), "POST", "/verify?lang=it", strings.NewReader(url.Values{"text": {text}}.Encode()))
		ask.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		doors.ServeHTTP(w, ask)
	}))
	t.Cleanup(site.Close)
	b.looks(site.URL, map[string]string{"verify": "/verify?lang=it", "verify-code": "/verify?lang=it&code=" + alerts.CodeOf(alerts.ID(id)), "verify-drill": "/verify?lang=en&code=" + alerts.CodeOf(alerts.ID(drill)),
		"verify-altered": "/altered", "verify-foreign": "/foreign", "verify-empty": "/empty", "verify-unknown": "/verify?code=00000"})
}
