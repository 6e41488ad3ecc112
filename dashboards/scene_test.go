package dashboards

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"hash/crc32"
	"image"
	"image/color"
	"image/jpeg"
	"io"
	"maps"
	"mime/multipart"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"martinella/alerts"
	"martinella/broadcast"
	"martinella/dashboards/signin"
)

// snapshot is a picture as a phone takes it: lying on its side, with the place in
// its metadata.
func snapshot(t testing.TB) []byte {
	t.Helper()
	img := image.NewRGBA(image.Rect(0, 0, 60, 40))
	for i := range img.Pix {
		img.Pix[i] = 200
	}
	img.SetRGBA(1, 1, color.RGBA{255, 0, 0, 255})
	exif := "Exif\x00\x00MM\x00\x2a\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01\x00\x06\x00\x00\x00\x00\x00\x00GPS 43.9332 N"
	return append(append([]byte{0xFF, 0xD8, 0xFF, 0xE1, 0, byte(len(exif) + 2)}, exif...), jpegOf(t, img)[2:]...)
}

func jpegOf(t testing.TB, img image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, nil); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// send posts a form with a photo.
func (p *person) send(path string, fields map[string]string, photo []byte) reply {
	p.t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for name, value := range fields {
		_ = w.WriteField(name, value)
	}
	part, _ := w.CreateFormFile("photo", "IMG_0042.jpg")
	_, _ = part.Write(photo)
	_ = w.Close()
	r, err := http.NewRequestWithContext(p.t.Context(), "POST", p.g.site+path, &b)
	if err != nil {
		p.t.Fatal(err)
	}
	r.Header.Set("Content-Type", w.FormDataContentType())
	res, err := p.http.Do(r)
	if err != nil {
		p.t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	return reply{res, string(body)}
}

var (
	formID    = regexp.MustCompile(`name="id" value="([0-9A-Z]{26})"`)
	photoPath = regexp.MustCompile(`/photo/[0-9a-f]{64}\.jpg`)
)

// typed is a form as somebody at the scene fills it in.
func (p *person) typed(path string) map[string]string {
	p.t.Helper()
	page := p.get(path)
	id := formID.FindStringSubmatch(page.body)
	if id == nil {
		p.t.Fatalf("no form: %d %s", page.StatusCode, page.body)
	}
	rome, _ := time.LoadLocation("Europe/Rome")
	return map[string]string{"id": id[1], "alt": "Il ponte, con l'acqua sotto l'arco", "text": "L'acqua è a 20 cm dal ponte.", "place": "Ponte di via Roma", "source": "Anna Rossi",
		"observed": time.Now().In(rome).Format(localTime), "language": "it"}
}

func TestAnUpdateFromTheScene(t *testing.T) {
	g := openConsole(t)
	p, _ := g.first()
	event := g.issue(message("vella", "severity", "Severe"))["event"].(string)
	path := "/console/a/" + event + "/scene"
	if r := p.get("/console?lang=en"); !strings.Contains(r.body, path) {
		t.Error("the first page does not lead there")
	}
	page := p.get(path + "?lang=en")
	for _, want := range []string{`capture="environment"`, `accept="image/`, `name="source" maxlength="100" required value="Anna Rossi"`, `type="datetime-local" required value="20`} {
		if !strings.Contains(page.body, want) {
			t.Errorf("the form lacks %s", want)
		}
	}
	before := g.get("/a/" + event)
	form := p.typed(path)
	done := p.send(path, form, snapshot(t))
	if done.StatusCode != 200 || !strings.Contains(done.Request.URL.RawQuery, "done="+form["id"]) || !strings.Contains(done.body, "Ecco che cosa vede il pubblico") {
		t.Fatalf("%d %s %s", done.StatusCode, done.Request.URL, done.body)
	}
	if again := p.send(path, form, snapshot(t)); again.Request.URL.String() != done.Request.URL.String() { // bad signal, two taps
		t.Errorf("the same again: %d %s", again.StatusCode, again.Request.URL)
	}
	g.settle()
	shown := g.get("/a/" + event)
	picture := photoPath.FindString(shown.body)
	for _, want := range []string{"Dal posto", "Ponte di via Roma", "20 cm dal ponte", "Anna Rossi", `alt="Il ponte, con l&#39;acqua sotto l&#39;arco"`, `width="40" height="60"`, `loading="lazy"`} {
		if !strings.Contains(shown.body, want) || strings.Contains(before.body, want) {
			t.Errorf("the public page lacks %s", want)
		}
	}
	if n := strings.Count(shown.body, "data-seen"); n != 1 {
		t.Errorf("%d live updates, want 1", n)
	}
	if part := g.get("/a/" + event + "?part=live"); !strings.Contains(part.body, picture) {
		t.Error("open pages do not get it")
	}
	img := g.get(picture)
	if img.StatusCode != 200 || img.Header.Get("Content-Type") != "image/jpeg" || img.Header.Get("Cross-Origin-Resource-Policy") != "same-origin" || img.Header.Get("Content-Security-Policy") == "" || !strings.Contains(img.Header.Get("Cache-Control"), "immutable") {
		t.Errorf("the photo: %d %v", img.StatusCode, img.Header)
	}
	if strings.Contains(img.body, "GPS") || strings.Contains(img.body, "Exif") {
		t.Error("the photo says where it was taken")
	}
	if conf, err := jpeg.DecodeConfig(strings.NewReader(img.body)); err != nil || conf.Width != 40 || conf.Height != 60 {
		t.Errorf("%+v, %v", conf, err)
	}
	if r := g.get(picture, "If-None-Match", img.Header.Get("ETag")); r.StatusCode != 304 {
		t.Errorf("again: %d", r.StatusCode)
	}
	// Nothing of the alert has changed.
	if v := g.get("/api/v1/alerts/"+event, "Authorization", "Bearer "+issuer).json(t); v["revision"] != 1.0 || v["state"] != "issued" {
		t.Errorf("the alert: %v %v", v["revision"], v["state"])
	}
	// Corrected, with the same photo; then taken back.
	correct := p.get(path + "?correct=" + form["id"])
	for _, want := range []string{`name="replaces" value="` + form["id"], `name="keep_photo" value="true" checked`, "L&#39;acqua è a 20 cm dal ponte."} {
		if !strings.Contains(correct.body, want) {
			t.Errorf("the correction lacks %s", want)
		}
	}
	second := p.typed(path)
	second["replaces"], second["keep_photo"], second["text"] = form["id"], "true", "L'acqua è a 40 cm dal ponte."
	if r := p.send(path, second, nil); !strings.Contains(r.Request.URL.RawQuery, "done="+second["id"]) {
		t.Fatalf("%d %s", r.StatusCode, r.body)
	}
	g.settle()
	if shown = g.get("/a/" + event); !strings.Contains(shown.body, "40 cm") || strings.Contains(shown.body, "20 cm") || !strings.Contains(shown.body, "corretto") || !strings.Contains(shown.body, picture) {
		t.Errorf("corrected: %s", shown.body)
	}
	if r := p.do("POST", path+"/"+second["id"]+"/withdraw", map[string][]string{"reason": {""}}); r.StatusCode != 422 {
		t.Errorf("taken back without a reason: %d", r.StatusCode)
	}
	if r := p.do("POST", path+"/"+second["id"]+"/withdraw", map[string][]string{"reason": {"La foto non si può mostrare"}}); r.StatusCode != 200 || !strings.Contains(r.body, "Ritirato.") {
		t.Fatalf("%d %s", r.StatusCode, r.body)
	}
	g.settle()
	if shown = g.get("/a/" + event); strings.Contains(shown.body, "40 cm") || strings.Contains(shown.body, picture) || !strings.Contains(shown.body, "ritirato") || !strings.Contains(shown.body, "La foto non si può mostrare") {
		t.Errorf("taken back: %s", shown.body)
	}
	if r := g.get(picture); r.StatusCode != 404 {
		t.Errorf("the photo that was taken back: %d", r.StatusCode)
	}
	verbs := map[string]int{}
	for _, a := range g.memory.acts {
		verbs[a.Verb]++
		if a.Verb == "reported" && (len(a.Digest) != 64 || !strings.HasPrefix(a.By.ID, "staff:")) {
			t.Errorf("the act: %+v", a)
		}
	}
	if verbs["reported"] != 1 || verbs["report-corrected"] != 1 || verbs["report-withdrawn"] != 1 {
		t.Errorf("acts: %v", verbs)
	}
}

func TestWhatTheSceneRefuses(t *testing.T) {
	g := openConsole(t)
	p, _ := g.first()
	event := g.issue(message("vella", "severity", "Severe"))["event"].(string)
	path := "/console/a/" + event + "/scene"
	head := "IHDR\x00\x00\x27\x10\x00\x00\x27\x10\x08\x06\x00\x00\x00" // 10,000 by 10,000
	bomb := binary.BigEndian.AppendUint32([]byte("\x89PNG\r\n\x1a\n\x00\x00\x00\r"+head), crc32.ChecksumIEEE([]byte(head)))
	for name, c := range map[string]struct {
		change map[string]string
		photo  []byte
		want   string // the field that the summary leads to
		say    string
	}{
		"an instruction":           {map[string]string{"text": "Via Roma è allagata: evitate la zona."}, nil, "text", "dice alle persone che cosa fare"},
		"a time limit":             {map[string]string{"text": "Via Roma è chiusa fino alle 18:00."}, nil, "text", "limite di tempo"},
		"an instruction in words":  {map[string]string{"alt": "Un cartello: non bere"}, snapshot(t), "alt", "dice alle persone che cosa fare"},
		"a photo without words":    {map[string]string{"alt": " "}, snapshot(t), "alt", "Scrivi che cosa mostra la foto"},
		"no place":                 {map[string]string{"place": ""}, nil, "place", "Scrivi il luogo"},
		"neither text nor photo":   {map[string]string{"text": ""}, nil, "text", "metti una foto"},
		"the day before yesterday": {map[string]string{"observed": time.Now().Add(-50 * time.Hour).Format(localTime)}, nil, "observed", "24 ore fa"},
		"tomorrow":                 {map[string]string{"observed": time.Now().Add(30 * time.Hour).Format(localTime)}, nil, "observed", "24 ore fa"},
		"no time":                  {map[string]string{"observed": "presto"}, nil, "observed", "24 ore fa"},
		"too long":                 {map[string]string{"text": strings.Repeat("acqua ", 100)}, nil, "text", "al massimo 500"},
		"HEIC":                     {nil, []byte("\x00\x00\x00\x18ftypheic\x00\x00\x00\x00"), "photo", "HEIC"},
		"a page":                   {nil, []byte("<svg onload=alert(1)>"), "photo", "JPEG, PNG o WebP"},
		"a hundred megapixels":     {nil, bomb, "photo", "troppo grande"},
		"more than 15 MB":          {nil, make([]byte, 15<<20+1), "photo", "troppo grande"},
	} {
		t.Run(name, func(t *testing.T) {
			form := p.typed(path)
			maps.Copy(form, c.change)
			r := p.send(path, form, c.photo)
			if r.StatusCode != 422 || !strings.Contains(r.body, `<a href="#`+c.want+`">`) || !strings.Contains(r.body, c.say) || !strings.Contains(r.body, `value="Anna Rossi"`) {
				t.Errorf("%d %s", r.StatusCode, r.body)
			}
		})
	}
	if len(g.memory.seen) != 0 || len(g.memory.photos) != 0 {
		t.Errorf("something was stored: %+v", g.memory.seen)
	}
	// Another text under the same name is no repetition.
	form := p.typed(path)
	if r := p.send(path, form, nil); r.StatusCode != 200 {
		t.Fatalf("%d %s", r.StatusCode, r.body)
	}
	form["text"] = "L'acqua è a 10 cm dal ponte."
	if r := p.send(path, form, nil); r.StatusCode != 409 || !strings.Contains(r.body, "10 cm") || formID.FindStringSubmatch(r.body)[1] == form["id"] {
		t.Errorf("another text under the same id: %d %s", r.StatusCode, r.body)
	}
	// Who may not handle the alert may not report on it, and is told why.
	anna, _, err := g.office.Who(t.Context(), p.cookieOf("martinella"))
	if err != nil {
		t.Fatal(err)
	}
	token, err := g.office.NewInvitation(t.Context(), signin.Invitation{Login: "bruno", Name: "Bruno", Grant: signin.Grant{Roles: []string{"author"}}, By: anna.Person().By()}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	other := g.person()
	other.join(token, "bruno", "Bruno")
	if r := other.get(path + "?lang=en"); r.StatusCode != 403 || !strings.Contains(r.body, "Actual is not allowed") || strings.Contains(r.body, `name="photo"`) {
		t.Errorf("who practises: %d %s", r.StatusCode, r.body)
	}
	if r := other.send(path, form, nil); r.StatusCode != 403 {
		t.Errorf("who practises sends: %d", r.StatusCode)
	}
	if r := p.get("/console/a/01ARZ3NDEKTSV4RRFFQ69G5FAV/scene"); r.StatusCode != 404 {
		t.Errorf("no such event: %d", r.StatusCode)
	}
	if r := g.person().get(path); r.Request.URL.Path != "/console/sign-in" {
		t.Errorf("a stranger: %s", r.Request.URL)
	}
	// What is over, and what is not for everybody.
	if r := g.do("POST", "/api/v1/alerts/"+event+"/cancel", `{"digest":"`+g.get("/api/v1/alerts/"+event, "Authorization", "Bearer "+issuer).json(t)["digest"].(string)+`","reason":"errore"}`, "Authorization", "Bearer "+issuer, "Content-Type", "application/json"); r.StatusCode > 201 {
		t.Fatalf("%d %s", r.StatusCode, r.body)
	}
	if r := p.get(path); !strings.Contains(r.body, "Questo evento è chiuso") || strings.Contains(r.body, `name="photo"`) {
		t.Errorf("over: %d %s", r.StatusCode, r.body)
	}
}

func TestUpdatesByTheAPI(t *testing.T) {
	g := open(t)
	event := g.issue(message("drill", "severity", "Severe", "status", "Exercise"))["event"].(string)
	path := "/api/v1/alerts/" + event + "/updates"
	send := func(token string, change map[string]any) reply {
		t.Helper()
		body := map[string]any{"text": "L'acqua è a 20 cm dal ponte.", "place": "Ponte di via Roma", "source": "Vigili del Fuoco", "observed": time.Now().Format(time.RFC3339)}
		maps.Copy(body, change)
		b, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		return g.do("POST", path, string(b), "Authorization", "Bearer "+token, "Content-Type", "application/json")
	}
	id := "01ARZ3NDEKTSV4RRFFQ69G5FAV"
	r := send(author, map[string]any{"id": id, "photo": base64.StdEncoding.EncodeToString(snapshot(t)), "alt": "Il ponte"})
	v := r.json(t)
	if r.StatusCode != 201 || v["id"] != id || v["status"] != "Exercise" || v["author"].(map[string]any)["id"] != "key:author" || v["photo"].(map[string]any)["width"] != 40.0 {
		t.Fatalf("%d %s", r.StatusCode, r.body)
	}
	g.settle()
	if shown := g.get("/a/" + event); !strings.Contains(shown.body, `Dal posto</strong> · <strong class="ex">`) {
		t.Errorf("the page does not say that it is an exercise: %s", shown.body)
	}
	observed := v["observed"].(string)
	again := send(author, map[string]any{"id": id, "photo": base64.StdEncoding.EncodeToString(snapshot(t)), "alt": "Il ponte", "observed": strings.Replace(observed, "-00:00", "Z", 1)})
	if again.StatusCode != 200 {
		t.Errorf("the same again: %d %s", again.StatusCode, again.body)
	}
	for want, r := range map[int]reply{
		409: send(author, map[string]any{"id": id}),
		403: send(approver, nil),
		401: send("mk_no", nil),
		400: send(author, map[string]any{"severity": "Extreme"}),
		415: g.do("POST", path, "x", "Authorization", "Bearer "+author, "Content-Type", "text/plain"),
	} {
		if r.StatusCode != want {
			t.Errorf("%d, want %d: %s", r.StatusCode, want, r.body)
		}
	}
	if r := send(author, map[string]any{"text": "Evitate la zona."}); r.StatusCode != 422 || !strings.Contains(r.body, "send an update of the alert") {
		t.Errorf("an instruction: %d %s", r.StatusCode, r.body)
	}
	list := g.get(path, "Authorization", "Bearer "+approver).json(t)
	if n := len(list["updates"].([]any)); n != 1 || list["event"] != event {
		t.Errorf("%v", list)
	}
	if r := g.do("POST", path+"/"+id+"/withdraw", `{"reason":"luogo sbagliato"}`, "Authorization", "Bearer "+author, "Content-Type", "application/json"); r.StatusCode != 200 || !strings.Contains(r.body, `"reason":"luogo sbagliato"`) || strings.Contains(r.body, "20 cm") {
		t.Errorf("%d %s", r.StatusCode, r.body)
	}
	if r := g.do("POST", path+"/01ARZ3NDEKTSV4RRFFQ69G5FAW/withdraw", `{"reason":"x"}`, "Authorization", "Bearer "+author, "Content-Type", "application/json"); r.StatusCode != 404 {
		t.Errorf("of nothing: %d", r.StatusCode)
	}
	// What changed since a cursor names the event.
	cursor := g.get("/api/v1/alerts", "Authorization", "Bearer "+issuer).json(t)["cursor"].(string)
	if r := send(author, nil); r.StatusCode != 201 {
		t.Fatalf("%d %s", r.StatusCode, r.body)
	}
	if r := g.get("/api/v1/alerts?since="+cursor, "Authorization", "Bearer "+issuer); !strings.Contains(r.body, event) {
		t.Errorf("since: %s", r.body)
	}
}

// slowBody gives its bytes after a while, as a poor line does.
type slowBody struct {
	io.Reader
	wait time.Duration
}

func (b *slowBody) Read(p []byte) (int, error) {
	if b.wait > 0 {
		<-time.After(b.wait)
		b.wait = 0
	}
	return b.Reader.Read(p)
}

func TestAPhotoMayComeSlowly(t *testing.T) {
	g := open(t)
	event := g.issue(message("vella", "severity", "Moderate"))["event"].(string)
	g.server.bodyTime = 20 * time.Millisecond
	send := func(path string) int {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), "POST", g.URL+path, &slowBody{strings.NewReader(`{"text":"L'acqua sale.","place":"Ponte","source":"Sala","observed":"` + time.Now().Format(time.RFC3339) + `"}`), 200 * time.Millisecond})
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+author)
		r.Header.Set("Content-Type", "application/json")
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		return res.StatusCode
	}
	if got := send("/api/v1/alerts/" + event + "/updates"); got != 201 {
		t.Errorf("an update: %d", got)
	}
	if got := send("/api/v1/alerts/" + event + "/all-clear"); got != 400 {
		t.Errorf("anything else: %d", got)
	}
	for range uploadsAtOnce {
		g.server.uploads <- struct{}{}
	}
	if r := g.act(author, event, "updates", `{}`); r.StatusCode != 503 || r.Header.Get("Retry-After") == "" {
		t.Errorf("too many at once: %d %s", r.StatusCode, r.body)
	}
}

func TestPhotosOutliveTheStore(t *testing.T) {
	g := open(t)
	digest := alerts.Digest(strings.Repeat("ab", 32))
	g.memory.photos[digest] = []byte("a picture")
	if r := g.get(broadcast.PhotoPath(digest)); r.body != "a picture" {
		t.Fatalf("%d %s", r.StatusCode, r.body)
	}
	g.memory.fail(errors.Join(alerts.ErrUnavailable))
	later := time.Now().Add(time.Hour)
	if b, err := g.server.bringPhoto(t.Context(), digest, later); err != nil || string(b) != "a picture" {
		t.Errorf("while the store is away: %q, %v", b, err)
	}
	g.memory.fail(nil)
	delete(g.memory.photos, digest)
	if _, err := g.server.bringPhoto(t.Context(), digest, later); !errors.Is(err, alerts.ErrNotFound) {
		t.Errorf("withdrawn: %v", err)
	}
	for i := range 2 * photoKept {
		d := alerts.Digest(strings.Repeat("0", 62) + string("0123456789abcdef"[i/16%16]) + string("0123456789abcdef"[i%16]))
		g.memory.photos[d] = []byte("x")
		if _, err := g.server.bringPhoto(t.Context(), d, later.Add(time.Duration(i))); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(g.server.photos.kept); n > photoKept {
		t.Errorf("%d photos in memory", n)
	}
	for _, path := range []string{"/photo/x.jpg", "/photo/" + strings.Repeat("g", 64) + ".jpg", "/photo/" + strings.Repeat("a", 64) + ".png"} {
		if r := g.get(path); r.StatusCode != 404 {
			t.Errorf("%s: %d", path, r.StatusCode)
		}
	}
}
