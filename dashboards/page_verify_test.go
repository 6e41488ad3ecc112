package dashboards

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"martinella/alerts"
	"martinella/channels"
)

// smsOf is what a text message says of a record, as Written gives it.
func smsOf(r *alerts.Record) string {
	in := r.Infos()[0]
	text, _ := channels.Transliterate("PC Valdemo: " + in.Headline + ". " + in.Instruction + " valdemo.example/a/" + string(r.Event) + " " + alerts.CodeOf(r.ID))
	return text
}

func openVerify(t testing.TB, change ...func(*Config)) *gateway {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return open(t, append([]func(*Config){func(c *Config) {
		c.Statements = key
		c.Written = func(_ context.Context, r *alerts.Record) ([]WrittenText, error) {
			return []WrittenText{{"it-IT", smsOf(r), false}, {"it-IT", "Allerta\n" + smsOf(r), true}, {"it-IT", smsOf(r), false}}, nil
		}
	}}, change...)...)
}

func (g *gateway) ask(code, text string) reply {
	g.t.Helper()
	return g.do("POST", "/verify?lang=it", url.Values{"code": {code}, "text": {text}}.Encode(), "Content-Type", "application/x-www-form-urlencoded")
}

func (g *gateway) recordOf(id any) *alerts.Record {
	g.t.Helper()
	r, err := g.memory.Get(g.t.Context(), alerts.ID(id.(string)), alerts.Exactly)
	if err != nil {
		g.t.Fatal(err)
	}
	return r
}

const itAlert = "IT-alert. Protezione Civile: allarme per pericolo alluvione. Allontanati dai corsi d'acqua, sali ai piani alti e segui le indicazioni delle autorità locali."

func TestWhatVerifyAnswers(t *testing.T) {
	g := openVerify(t)
	first := g.issue(message("first", "instruction", "Salite ai piani alti e non scendete in cantina. È pericoloso. Informazioni 0573 371111, chiamate solo se serve."))
	old := g.recordOf(first["id"])
	g.issue(message("second", "msgType", "Update", "headline", "La piena passa alle 21:30", "</scope>", "</scope><note>Orario</note><references>protezione.civile@comune.valdemo.example,first,"+alerts.FormatTime(old.Alert.Sent)+"</references>"))
	var update *alerts.Record
	for _, r := range g.memory.records {
		if r.Alert.Identifier == "second" {
			update = r.Clone()
		}
	}
	if update == nil || update.Event != old.Event {
		t.Fatalf("the update is not one: %+v", update)
	}
	wrong := g.issue(message("wrong", "headline", "Chiusa la scuola di via Roma per una fuga di gas"))
	if r := g.act(alone, wrong["id"].(string), "cancel", `{"digest":"`+wrong["digest"].(string)+`","reason":"di prova"}`); r.StatusCode != 200 && r.StatusCode != 201 {
		t.Fatalf("cancel: %d %s", r.StatusCode, r.body)
	}
	over := g.issue(message("over", "headline", "Vento forte sul crinale: chiudete le imposte e restate in casa"))
	if r := g.act(alone, over["id"].(string), "all-clear", `{"digest":"`+over["digest"].(string)+`","text":"Il vento è calato."}`); r.StatusCode != 201 {
		t.Fatalf("all-clear: %d %s", r.StatusCode, r.body)
	}
	drill := g.recordOf(g.issue(message("drill", "status", "Exercise", "headline", "Prova di evacuazione della scuola elementare"))["id"])
	secret := g.recordOf(g.issue(strings.Replace(message("secret", "headline", "Turni riservati della sala operativa di stanotte", "instruction", "Il secondo gruppo si presenta alle ventidue al magazzino nord con la divisa."), "<scope>Public</scope>", "<scope>Restricted</scope><restriction>personale</restriction>", 1))["id"])
	draft := g.recordOf(g.post(author, "/api/v1/alerts", message("waits", "headline", "Bozza che nessuno ha approvato ancora", "instruction", "Qui si scrive ancora, e manca tutto il resto delle indicazioni.")).json(t)["id"])
	g.settle()
	sms := smsOf(old)
	codeOf := func(r *alerts.Record) string { return alerts.CodeOf(r.ID) }
	spaced := strings.ToLower(codeOf(old)[:2] + " " + codeOf(old)[2:4] + "-" + codeOf(old)[4:])

	for sentence, tt := range map[string]struct {
		code, text string
		heading    string
		says       []string
		never      []string
	}{
		"the code of the newest":           {codeOf(update), "", "Questo codice è di un nostro messaggio", []string{"La piena passa alle 21:30", "Vale ancora.", "da solo non prova nulla"}, nil},
		"a code shows what went out, once": {codeOf(update), "", "Questo codice è di un nostro messaggio", []string{`data-sent>` + smsOf(update)}, []string{"Allerta\nPC"}},
		"an old revision": {codeOf(old), "", "Questo codice è di un nostro messaggio",
			[]string{"Piena in arrivo: salite ai piani alti subito", "è stato aggiornato", `href="/a/` + string(old.Event) + `?lang=it"`, "Leggi che cosa vale adesso"}, []string{"Vale ancora."}},
		"small letters with spaces":            {spaced, "", "Questo codice è di un nostro messaggio", []string{"Piena in arrivo"}, nil},
		"one that was taken back":              {codeOf(g.recordOf(wrong["id"])), "", "Questo codice è di un nostro messaggio", []string{"era stato inviato per errore"}, []string{"Vale ancora."}},
		"one that was ended":                   {codeOf(g.recordOf(over["id"])), "", "Questo codice è di un nostro messaggio", []string{"cessato allarme"}, []string{"Vale ancora."}},
		"an exercise":                          {codeOf(drill), "", "Questo codice è di un nostro messaggio", []string{`<strong class="ex">ESERCITAZIONE</strong>`, "Esercitazione in corso"}, nil},
		"the code in the field for the text":   {"", " " + codeOf(old) + "\n", "Questo codice è di un nostro messaggio", nil, nil},
		"restricted":                           {codeOf(secret), "", "Nessun nostro messaggio ha questo codice", []string{"tel:112"}, []string{"Turni riservati", string(secret.ID)}},
		"a draft":                              {codeOf(draft), "", "Nessun nostro messaggio ha questo codice", nil, []string{"Bozza che nessuno", string(draft.ID)}},
		"an unknown code":                      {"00000", "", "Nessun nostro messaggio ha questo codice", []string{"può essere IT-alert o della Regione, e allora seguilo", `href="/accounts?lang=it"`}, []string{"falso"}},
		"ours":                                 {"", sms, "Sono parole nostre", []string{"è stato aggiornato"}, []string{"<del>", "<ins>"}},
		"ours without its accent, in one line": {"", strings.ReplaceAll(strings.ToUpper(sms[:strings.Index(sms, " valdemo")]), "\n", " "), "È una parte di un nostro messaggio", nil, nil},
		"ours with its accent":                 {"", strings.ReplaceAll(sms, "E'", "È"), "Sono parole nostre", nil, nil},
		"cut off by the phone":                 {"", sms[:60] + "…", "È una parte di un nostro messaggio", []string{"non scendete in cantina"}, nil},
		"altered by one number": {"", strings.Replace(sms, "371111", "371119", 1), "Il testo è diverso dal nostro",
			[]string{`<del><span class="sr">manca: </span>371111, </del>`, `<ins><span class="sr">aggiunto: </span>371119, </ins>`}, []string{"Sono parole nostre"}},
		"altered, without code and address": {"", strings.Replace(sms[:strings.Index(sms, " valdemo")], "non scendete", "scendete", 1), "Somiglia a un nostro messaggio, ma è diverso",
			[]string{`<del><span class="sr">manca: </span>non </del>`, "di un altro ente"}, nil},
		"another address": {"", strings.Replace(sms, "valdemo.example", "vald3mo.example", 1), "Il testo è diverso dal nostro", []string{"vald3mo.example"}, nil},
		"words added":     {"", sms + " Inviate 20 euro per la sabbia.", "Al nostro messaggio sono state aggiunte parole", []string{"<ins>"}, []string{"<del>"}},
		"our code under another text": {"", "Evacuate subito tutte le case del paese e andate al campo sportivo. " + codeOf(update), "Il testo è diverso dal nostro",
			[]string{"La piena passa alle 21:30"}, nil},
		"not ours":                   {"", "Buongiorno, la riunione di condominio è spostata a domani sera in municipio.", "Non emesso da noi", []string{"tel:112"}, []string{"falso", "fals"}},
		"an IT-alert":                {"", itAlert, "Non emesso da noi", []string{"IT-alert o della Regione: in quel caso seguilo"}, nil},
		"the text of a restricted":   {"", smsOf(secret)[:50], "Non emesso da noi", nil, []string{string(secret.ID)}},
		"a restricted one, its code": {"", smsOf(secret), "Non emesso da noi", nil, []string{string(secret.ID) + `.json`}},
		"the text of a draft":        {"", smsOf(draft), "Non emesso da noi", nil, []string{string(draft.ID) + `.json`}},
		"our headline with a link added": {"", old.Infos()[0].Headline + "! pagate su http://evil.example", "Somiglia a un nostro messaggio, ma è diverso",
			[]string{"http://evil.example</ins>"}, []string{"Non emesso da noi", "Sono parole nostre"}},
		"three words":             {"", "ai piani alti", "Servono più parole", nil, nil},
		"a text of strange signs": {"", "<script>alert() \u202e \x00 " + strings.Repeat("🌊", 50), "Servono più parole", nil, []string{"<script>alert"}},
	} {
		r := g.ask(tt.code, tt.text)
		if r.StatusCode != 200 || r.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %d, %s", sentence, r.StatusCode, r.Header.Get("Cache-Control"))
		}
		root, err := html.Parse(strings.NewReader(r.body))
		if err != nil {
			t.Fatal(err)
		}
		page{t: t, root: root}.says("h1", tt.heading)
		shown := html2text(r.body)
		for _, want := range tt.says {
			if !strings.Contains(shown, want) {
				t.Errorf("%s: lacks %q in\n%s", sentence, want, shown)
			}
		}
		for _, not := range tt.never {
			if strings.Contains(strings.Split(shown, `<form`)[0], not) {
				t.Errorf("%s: says %q", sentence, not)
			}
		}
	}
	for _, l := range g.logs.All() {
		if line := fmt.Sprint(l.Message, l.ContextMap()); strings.Contains(line, "371119") || strings.Contains(line, "20 euro") {
			t.Errorf("the log holds what was pasted: %v", l)
		}
	}
}

// html2text undoes escapes, so that sentences can be searched for.
func html2text(body string) string {
	return strings.NewReplacer("&#39;", "'", "&amp;", "&", "&#34;", `"`).Replace(body)
}

func TestVerifyByItsAddressAndWithoutAnything(t *testing.T) {
	g := openVerify(t)
	id := g.issue(message("qr"))["id"].(string)
	g.page("/verify?code="+alerts.CodeOf(alerts.ID(id))).says("h1", "Questo codice è di un nostro messaggio")
	g.page("/verify").says("h1", "Verifica un messaggio")
	g.page("/verify?lang=de").says("h1", "Eine Nachricht prüfen")
	if r := g.ask("", "  "); r.StatusCode != 422 || !strings.Contains(r.body, "Scrivi il codice o incolla il testo.") {
		t.Errorf("nothing: %d", r.StatusCode)
	}
	if r := g.ask("", strings.Repeat("x", 2*maxVerify)); r.StatusCode != 413 {
		t.Errorf("too much: %d", r.StatusCode)
	}
	if r := g.do("POST", "/verify", "%zz", "Content-Type", "application/x-www-form-urlencoded"); r.StatusCode != 400 {
		t.Errorf("not a form: %d", r.StatusCode)
	}
	again := reopen(t, g)
	again.page("/verify?code="+alerts.CodeOf(alerts.ID(id))).says("h1", "Questo codice è di un nostro messaggio")
}

func TestTwoMessagesWithOneCodeAreBothShown(t *testing.T) {
	g := openVerify(t)
	a := g.recordOf(g.issue(message("a", "headline", "Primo messaggio con questo codice"))["id"])
	// Finding two ids with the same code by trying takes some seconds; the list
	// of a view is asked instead, and what the page makes of two.
	b := g.recordOf(g.issue(message("b", "headline", "Secondo messaggio con questo codice"))["id"])
	p := g.server.pages
	l := p.locales.all["it"]
	page := verifyPage{Answer: answerCodes}
	for _, r := range []*alerts.Record{a, b} {
		m, err := p.found(t.Context(), l, g.board.Snapshot(), nearest{record: r}, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		page.Found = append(page.Found, m)
	}
	v := p.verifyView(l, page)
	made, err := p.render(l, v, p.frame(httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil), l, "/verify", v, "", time.Now()), false)
	if err != nil {
		t.Fatal(err)
	}
	body := string(made.body.plain)
	for _, want := range []string{"Questo codice è di 2 nostri messaggi", "Primo messaggio", "Secondo messaggio"} {
		if !strings.Contains(body, want) {
			t.Errorf("lacks %q", want)
		}
	}
}

func TestVerifySaysNothingWhereItCannotKnow(t *testing.T) {
	g := openVerify(t)
	id := g.issue(message("away"))["id"].(string)
	g.memory.fail(alerts.ErrUnavailable)
	for name, r := range map[string]reply{"a code": g.ask(alerts.CodeOf(alerts.ID(id)), ""), "a text": g.ask("", "un testo qualunque di più di quattro parole")} {
		if r.StatusCode != 503 || r.Header.Get("Retry-After") == "" || strings.Contains(r.body, "Non emesso da noi") {
			t.Errorf("%s while the store is away: %d", name, r.StatusCode)
		}
	}
	fail := openVerify(t, func(c *Config) {
		c.Written = func(context.Context, *alerts.Record) ([]WrittenText, error) {
			return nil, errors.Join(alerts.ErrUnavailable)
		}
	})
	sms := smsOf(fail.recordOf(fail.issue(message("texts"))["id"]))
	if r := fail.ask("", sms); r.StatusCode != 503 {
		t.Errorf("without what was sent, a text is judged: %d", r.StatusCode)
	}
}

func TestVerifyIsLimited(t *testing.T) {
	g := openVerify(t, func(c *Config) { c.Direct = true })
	limited := 0
	for range verifyBurst + 5 {
		if r := g.ask("00000", ""); r.StatusCode == http.StatusTooManyRequests {
			limited++
			if r.Header.Get("Retry-After") == "" || !strings.Contains(r.body, "chiama il 112 senza aspettare") {
				t.Errorf("limited without a word: %s", r.Header.Get("Retry-After"))
			}
		}
	}
	if limited == 0 || limited > 5 {
		t.Errorf("%d of %d were limited", limited, verifyBurst+5)
	}
	if r := g.get("/verify"); r.StatusCode != 200 {
		t.Errorf("the form itself: %d", r.StatusCode)
	}
	many := openVerify(t)
	many.server.verifying.all = newBuckets(1, 3)
	for range 3 {
		many.ask("00000", "")
	}
	if r := many.ask("00000", ""); r.StatusCode != http.StatusTooManyRequests {
		t.Errorf("all together, where no address is known: %d", r.StatusCode)
	}
}

func TestTheSignedStatement(t *testing.T) {
	g := openVerify(t)
	id := g.issue(message("signed", "description", "Prima riga.\nSeconda riga."))["id"].(string)
	block, _ := pem.Decode([]byte(g.get("/.well-known/martinella-key.pem").body))
	if block == nil {
		t.Fatal("no PEM")
	}
	sum := sha256.Sum256(block.Bytes)
	public, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	if want := strings.Join((&statementKey{print: hex.EncodeToString(sum[:])}).groups(), " "); !strings.Contains(g.get("/verify").body, want) {
		t.Error("the page does not show the fingerprint of the key")
	}
	r := g.get("/verify/" + id + ".json")
	var s jws
	if err := json.Unmarshal([]byte(r.body), &s); err != nil {
		t.Fatal(err)
	}
	raw, err := base64.RawURLEncoding.DecodeString(s.Signature)
	if err != nil || len(raw) != 64 {
		t.Fatalf("signature of %d bytes, %v", len(raw), err)
	}
	valid := func(s jws) bool {
		digest := sha256.Sum256([]byte(s.Protected + "." + s.Payload))
		return ecdsa.Verify(public.(*ecdsa.PublicKey), digest[:], new(big.Int).SetBytes(raw[:32]), new(big.Int).SetBytes(raw[32:]))
	}
	if !valid(s) {
		t.Error("the signature does not hold")
	}
	if s.Payload = "e30"; valid(s) {
		t.Error("another payload passes")
	}
	_ = json.Unmarshal([]byte(r.body), &s)
	b, _ := base64.RawURLEncoding.DecodeString(s.Payload)
	var said statement
	if err := json.Unmarshal(b, &said); err != nil {
		t.Fatal(err)
	}
	if said.Code != alerts.CodeOf(alerts.ID(id)) || said.Standing != standsHolds || len(said.Texts) != 1 || len(said.Texts[0].Description) != 2 || len(said.Messages) != 1 || said.Messages[0].Text != smsOf(g.recordOf(id)) || said.Texts[0].Headline != "Piena in arrivo: salite ai piani alti subito" {
		t.Errorf("%+v", said)
	}
	header, _ := base64.RawURLEncoding.DecodeString(s.Protected)
	if string(header) != `{"alg":"ES256","kid":"`+hex.EncodeToString(sum[:])+`"}` {
		t.Errorf("header %s", header)
	}

	secret := g.issue(strings.Replace(message("hidden"), "<scope>Public</scope>", "<scope>Restricted</scope><restriction>personale</restriction>", 1))["id"].(string)
	for _, path := range []string{"/verify/" + secret + ".json", "/verify/01JAAAAAAAAAAAAAAAAAAAAAAA.json", "/verify/" + id, "/verify/x.json"} {
		if r := g.get(path); r.StatusCode != 404 {
			t.Errorf("%s: %d", path, r.StatusCode)
		}
	}
	none := open(t)
	none.page("/verify").says("main", "non è configurata una chiave di firma")
	for _, path := range []string{"/verify/" + id + ".json", keyPath} {
		if r := none.get(path); r.StatusCode != 404 {
			t.Errorf("without a key %s: %d", path, r.StatusCode)
		}
	}
	if _, err := newStatementKey(&ecdsa.PrivateKey{PublicKey: ecdsa.PublicKey{Curve: elliptic.P384()}}); err == nil {
		t.Error("a key of another curve is taken")
	}
}

func FuzzVerify(f *testing.F) {
	g := openVerify(f)
	sms := smsOf(g.recordOf(g.issue(message("fuzz"))["id"]))
	g.server.verifying.all = newBuckets(1e9, 1<<30)
	doors := g.server.Public()
	for _, s := range []string{"", "K7Q2P", sms, sms[:40], "<b>&\"'", "\xff\x00", strings.Repeat("a ", 5000)} {
		f.Add(s, "")
		f.Add("", s)
	}
	f.Fuzz(func(t *testing.T, code, text string) {
		r := httptest.NewRequestWithContext(t.Context(), "POST", "/verify", strings.NewReader(url.Values{"code": {code}, "text": {text}}.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		w := httptest.NewRecorder()
		doors.ServeHTTP(w, r)
		if w.Code != 200 && w.Code != 422 && w.Code != 413 {
			t.Errorf("%q %q: %d", code, text, w.Code)
		}
		if body := w.Body.String(); strings.Count(body, "<script") > 1 || strings.Count(body, "</main>") > 1 {
			t.Errorf("%q %q breaks out of the page", code, text)
		}
	})
}
