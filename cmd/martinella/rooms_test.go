package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"golang.org/x/mod/modfile"
)

// rooms from the outermost to the innermost: a room imports those behind it,
// never one before.
var rooms = []string{"cmd", "dashboards", "broadcast", "channels", "alerts"}

// dependencies are the modules that this project names in its code, each with
// its reason. A module that is not here does not come in.
var dependencies = map[string]string{
	"filippo.io/age":                           "broadcast/backup: encryption of backups, which the age program can open as well",
	"filippo.io/edwards25519":                  "alerts/ledger: many signatures of one key verified at once",
	"github.com/BurntSushi/toml":               "dashboards: catalogues of words",
	"github.com/SherClockHolmes/webpush-go":    "channels/webpush: encryption (RFC 8291) and signature (RFC 8292) of push messages",
	"github.com/alicebob/miniredis/v2":         "broadcast/rdb: a Redis in memory, for tests and for practice without redis-server",
	"github.com/andybalholm/brotli":            "dashboards: pages a seventh smaller than with gzip, where zstd saves nothing",
	"github.com/arran4/golang-ical":            "tests: a foreign reader of our calendar",
	"github.com/beevik/etree":                  "alerts/cap: the tree that goxmldsig works on",
	"github.com/boombuler/barcode":             "dashboards: the picture that a code program reads",
	"github.com/compose-spec/compose-go/v2":    "tests: docker-compose.yml is valid",
	"github.com/coreos/go-oidc/v3":             "dashboards/signin: ID tokens and discovery of OpenID Connect",
	"github.com/coreos/go-systemd/v22":         "cmd: the words to systemd, that the gateway is ready, lives and stops",
	"github.com/eclipse/paho.golang":           "channels/mqtt: MQTT 5",
	"github.com/emersion/go-imap/v2":           "channels/email: the mailbox of receipts; tests: an IMAP server",
	"github.com/emersion/go-msgauth":           "channels/email: DKIM signatures",
	"github.com/emersion/go-sasl":              "tests: sign-in at the SMTP server",
	"github.com/emersion/go-smtp":              "tests: an SMTP server",
	"github.com/getkin/kin-openapi":            "tests: the OpenAPI document is valid, and answers follow it",
	"github.com/go-telegram/bot":               "channels/telegram: the requests and answers of the Bot API",
	"github.com/go-webauthn/webauthn":          "dashboards/signin: passkeys",
	"github.com/gofrs/flock":                   "broadcast/rdb: one gateway for a data folder; channels/x: one program at a time renews a token; tests: one npm installation at a time",
	"github.com/gorilla/websocket":             "broadcast/live: WebSocket",
	"github.com/knadh/koanf/providers/confmap": "cmd: defaults and file under environment and flags",
	"github.com/knadh/koanf/providers/env/v2":  "cmd: MARTINELLA_* variables",
	"github.com/knadh/koanf/providers/posflag": "cmd: flags above all",
	"github.com/knadh/koanf/v2":                "cmd: configuration in layers",
	"github.com/mmcdole/gofeed":                "tests: a foreign reader of our feeds",
	"github.com/nicksnyder/go-i18n/v2":         "dashboards: words in several languages",
	"github.com/nyaruka/phonenumbers":          "people: numbers in E.164",
	"github.com/oklog/ulid/v2":                 "identifiers that sort by time",
	"github.com/paulmach/orb":                  "alerts/areas: points, rings and boxes",
	"github.com/pkg/sftp":                      "broadcast/backup/sftp: backups on a machine that is reached by SSH",
	"github.com/pquerna/otp":                   "dashboards/signin: codes of authenticator programs (RFC 6238)",
	"github.com/prometheus/client_golang":      "metrics",
	"github.com/redis/go-redis/v9":             "broadcast/rdb: Redis",
	"github.com/rivo/tview":                    "cmd: watch on a terminal",
	"github.com/gdamore/tcell/v2":              "cmd: keys and colours for tview",
	"github.com/rivo/uniseg":                   "channels: graphemes, in which platforms count",
	"github.com/russellhaering/goxmldsig":      "alerts/cap: XML signatures",
	"github.com/santhosh-tekuri/jsonschema/v6": "tests: JSON documents against their schemas",
	"github.com/schollz/progressbar/v3":        "cmd: send shows how far every channel is",
	"github.com/sony/gobreaker/v2":             "broadcast: the breaker of a channel",
	"github.com/spf13/cobra":                   "cmd: commands, help and completions",
	"github.com/spf13/pflag":                   "cmd: flags of cobra",
	"github.com/yuin/goldmark":                 "dashboards: the guide's pages",
	"github.com/wneessen/go-mail":              "channels/email: SMTP",
	"go.uber.org/goleak":                       "tests: no goroutine is left behind",
	"go.uber.org/zap":                          "logs",
	"go.yaml.in/yaml/v3":                       "cmd: configuration with line numbers",
	"golang.org/x/crypto":                      "dashboards/signin: argon2id; dashboards/certificate: ACME (RFC 8555); broadcast/backup/sftp: SSH with pinned keys",
	"golang.org/x/image":                       "channels/imagecard: letters of the Go fonts, and shapes with smooth edges; dashboards/photo: WebP, and pictures made smaller",
	"golang.org/x/mod":                         "alerts/ledger: the tree over the acts, signed notes; tests: reads go.mod",
	"golang.org/x/net":                         "channels/email: domains outside ASCII; tests: HTML as a browser sees it",
	"golang.org/x/oauth2":                      "dashboards/signin: the code and PKCE of OpenID Connect, in the form that go-oidc takes",
	"golang.org/x/sync":                        "broadcast/live: a budget of bytes for replays",
	"golang.org/x/sys":                         "broadcast/live: epoll; broadcast/live/swarm: epoll, raw sockets and a clock that processes share",
	"golang.org/x/term":                        "cmd: is this a terminal?",
	"golang.org/x/text":                        "alerts/cap: windows-1252; words by language; alerts/areas, alerts/compose, channels/x and dashboards/verify: accents composed or not",
}

// longFiles may have more than fileLimit lines, each with its reason.
var longFiles = map[string]string{}

// The limits of a file; a test may tell a longer story.
const (
	fileLimit = 500
	testLimit = 800
)

type goPackage struct {
	ImportPath   string
	Dir          string
	Standard     bool
	Module       *struct{ Path string }
	GoFiles      []string
	Imports      []string
	TestImports  []string
	XTestImports []string
}

// projectPackages asks go list once for all tests.
var projectPackages = sync.OnceValues(func() ([]goPackage, error) {
	cmd := exec.Command("go", "list", "-deps", "-json=ImportPath,Dir,Standard,Module,GoFiles,Imports,TestImports,XTestImports", "./...")
	cmd.Dir = filepath.Join("..", "..")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, err
	}
	var all []goPackage
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p goPackage
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return all, nil
		} else if err != nil {
			return nil, err
		}
		all = append(all, p)
	}
})

// ours gives the project's own packages.
func ours(t *testing.T) []goPackage {
	t.Helper()
	all, err := projectPackages()
	if err != nil {
		t.Fatal(err)
	}
	own := slices.DeleteFunc(slices.Clone(all), func(p goPackage) bool { return p.Module == nil || p.Module.Path != "martinella" })
	if len(own) < 5 {
		t.Fatalf("go list knows only %d packages of the project", len(own))
	}
	return own
}

func room(importPath string) int {
	rest, own := strings.CutPrefix(importPath, "martinella/")
	if !own {
		return -1
	}
	first, _, _ := strings.Cut(rest, "/")
	return slices.Index(rooms, first)
}

// below reports whether path is the folder or in it.
func below(path, folder string) bool {
	return path == "martinella/"+folder || strings.HasPrefix(path, "martinella/"+folder+"/")
}

// forAdapters are what several adapters share: the contract's tests, the drawing
// of an area, the posts of social platforms, providers that a configuration
// describes, a vendor's signatures.
var forAdapters = []string{"martinella/channels/channeltest", "martinella/channels/areamap", "martinella/channels/imagecard", "martinella/channels/provider", "martinella/channels/social", "martinella/channels/twilio"}

// isAdapter tells what cmd alone may import: a package of one technology.
func isAdapter(path string) bool {
	if below(path, "broadcast/rdb") || below(path, "broadcast/live") || below(path, "broadcast/backup/folder") || below(path, "broadcast/backup/s3") || below(path, "broadcast/backup/sftp") {
		return true
	}
	return strings.HasPrefix(path, "martinella/channels/") && !slices.Contains(forAdapters, path)
}

// wrongImport says what is wrong with an import, "" if nothing.
func wrongImport(from, to string, test bool) string {
	here, there := room(from), room(to)
	switch {
	case strings.HasPrefix(to, "github.com/redis/go-redis") && !below(from, "broadcast/rdb") && !(test && from == "martinella/cmd/martinella"):
		return "go-redis is spoken in broadcast/rdb only"
	case strings.HasPrefix(to, "github.com/gorilla/websocket") && !below(from, "broadcast/live") && !test:
		return "WebSocket is spoken in broadcast/live only"
	case there < 0:
		return ""
	case here < 0:
		return "is in none of the five rooms"
	case there < here:
		return "imports go " + strings.Join(rooms, " -> ") + ", never back"
	}
	testing := strings.HasSuffix(to, "test")
	if testing && !test && !strings.HasSuffix(from, "test") {
		return "a package for tests is not part of the program"
	}
	if isAdapter(to) && here != 0 && !sameAdapter(from, to) {
		if test && (below(to, "broadcast/live") || below(to, "broadcast/rdb") || below(from, "broadcast/broadcasttest")) {
			return "" // tests of the rooms run on a real store
		}
		return "adapters are imported by cmd only"
	}
	return ""
}

// sameAdapter: an adapter may have packages of its own below or beside it
// (sms/smpp, sms/httpsms).
func sameAdapter(from, to string) bool {
	family := func(p string) string {
		parts := strings.SplitN(p, "/", 4)
		return strings.Join(parts[:min(3, len(parts))], "/")
	}
	return family(from) == family(to)
}

func TestImportsGoOneWay(t *testing.T) {
	for _, p := range ours(t) {
		if room(p.ImportPath) < 0 {
			t.Errorf("%s is in none of the five rooms", p.ImportPath)
		}
		for _, to := range p.Imports {
			if why := wrongImport(p.ImportPath, to, strings.HasSuffix(p.ImportPath, "test")); why != "" {
				t.Errorf("%s imports %s: %s", p.ImportPath, to, why)
			}
		}
		for _, to := range append(p.TestImports, p.XTestImports...) {
			if why := wrongImport(p.ImportPath, to, true); why != "" {
				t.Errorf("tests of %s import %s: %s", p.ImportPath, to, why)
			}
		}
	}
}

// The rule itself must be able to say no.
func TestWrongImportsAreSeen(t *testing.T) {
	for name, c := range map[string]struct {
		from, to string
		test     bool
		wrong    bool
	}{
		"alerts may not know channels":               {"martinella/alerts", "martinella/channels", false, true},
		"a channel may know alerts":                  {"martinella/channels/mastodon", "martinella/alerts", false, false},
		"a channel may not know another":             {"martinella/channels/mastodon", "martinella/channels/webhook", false, true},
		"a channel may draw a map":                   {"martinella/channels/email", "martinella/channels/areamap", false, false},
		"sms providers may share their folder":       {"martinella/channels/sms/smpp", "martinella/channels/sms", false, false},
		"dashboards may not know Redis":              {"martinella/dashboards", "martinella/broadcast/rdb", false, true},
		"dashboards may not speak go-redis":          {"martinella/dashboards", "github.com/redis/go-redis/v9", false, true},
		"rdb speaks go-redis":                        {"martinella/broadcast/rdb", "github.com/redis/go-redis/v9", false, false},
		"broadcast may not speak WebSocket":          {"martinella/broadcast", "github.com/gorilla/websocket", false, true},
		"a test may be a WebSocket client":           {"martinella/dashboards", "github.com/gorilla/websocket", true, false},
		"cmd knows every adapter":                    {"martinella/cmd/martinella", "martinella/channels/webhook", false, false},
		"the program has no package for tests":       {"martinella/cmd/martinella", "martinella/channels/channeltest", false, true},
		"a sixth room is no room":                    {"martinella/internal", "martinella/alerts", false, true},
		"broadcast's tests may run on a real store":  {"martinella/broadcast", "martinella/broadcast/rdb", true, false},
		"broadcast's code may not know its adapters": {"martinella/broadcast", "martinella/broadcast/rdb", false, true},
	} {
		t.Run(name, func(t *testing.T) {
			if got := wrongImport(c.from, c.to, c.test); (got != "") != c.wrong {
				t.Errorf("got %q, want wrong=%v", got, c.wrong)
			}
		})
	}
}

func TestAlertsStandsOnTheStandardLibrary(t *testing.T) {
	all, err := projectPackages()
	if err != nil {
		t.Fatal(err)
	}
	standard := map[string]bool{}
	for _, p := range all {
		standard[p.ImportPath] = p.Standard
	}
	for _, p := range ours(t) {
		if p.ImportPath != "martinella/alerts" && p.ImportPath != "martinella/alerts/lexicon" {
			continue
		}
		for _, to := range p.Imports {
			if !standard[to] && !below(to, "alerts") {
				t.Errorf("%s imports %s", p.ImportPath, to)
			}
		}
	}
}

func TestTopLevelFoldersAreTheRooms(t *testing.T) {
	entries, err := os.ReadDir(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	built := []string{"bin", "data"} // ignored by git
	for _, e := range entries {
		if e.IsDir() && !strings.HasPrefix(e.Name(), ".") && !slices.Contains(rooms, e.Name()) && !slices.Contains(built, e.Name()) {
			t.Errorf("%s is no room", e.Name())
		}
	}
}

func TestEveryDependencyHasItsReason(t *testing.T) {
	b, err := os.ReadFile(filepath.Join("..", "..", "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	mod, err := modfile.Parse("go.mod", b, nil)
	if err != nil {
		t.Fatal(err)
	}
	required := map[string]bool{}
	for _, r := range mod.Require {
		required[r.Mod.Path] = true
	}
	used := map[string]bool{}
	walkGo(t, func(path string, src []byte) {
		file, err := parser.ParseFile(token.NewFileSet(), path, src, parser.ImportsOnly)
		if err != nil {
			t.Errorf("%s: %v", path, err)
			return
		}
		for _, im := range file.Imports {
			name, _ := strconv.Unquote(im.Path.Value)
			if module := moduleOf(name, required); module != "" {
				used[module] = true
			}
		}
	})
	for module := range used {
		if dependencies[module] == "" {
			t.Errorf("%s is imported without a reason: add it to the list above, or do without", module)
		}
	}
	for _, r := range mod.Require {
		if !r.Indirect && dependencies[r.Mod.Path] == "" {
			t.Errorf("%s is a direct dependency without a reason", r.Mod.Path)
		}
	}
	for module := range dependencies {
		if !used[module] {
			t.Errorf("%s has a reason, but nobody imports it: take it off the list", module)
		}
	}
}

// moduleOf finds the module of an import path, "" for the standard library.
func moduleOf(path string, modules map[string]bool) string {
	for at := path; at != "."; at = filepath.Dir(at) {
		if modules[at] {
			return at
		}
	}
	return ""
}

func walkGo(t *testing.T, see func(path string, src []byte)) {
	t.Helper()
	for _, r := range rooms {
		err := filepath.WalkDir(filepath.Join("..", "..", r), func(path string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			if d.IsDir() && (d.Name() == "node_modules" || d.Name() == "testdata") {
				return filepath.SkipDir
			}
			if !strings.HasSuffix(path, ".go") {
				return nil
			}
			src, err := os.ReadFile(path)
			if err == nil {
				see(path, src)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestNamesSayWhatIsInside(t *testing.T) {
	empty := []string{"util", "utils", "helper", "helpers", "common", "types", "manager", "misc", "shared", "base"}
	walkGo(t, func(path string, src []byte) {
		stem := strings.TrimSuffix(strings.TrimSuffix(filepath.Base(path), ".go"), "_test")
		for _, word := range append(strings.Split(stem, "_"), filepath.Base(filepath.Dir(path))) {
			if slices.Contains(empty, word) {
				t.Errorf("%s: %q says nothing about what is inside", path, word)
			}
		}
		lines := bytes.Count(src, []byte("\n"))
		limit := fileLimit
		if strings.HasSuffix(path, "_test.go") || strings.HasSuffix(filepath.Dir(path), "test") {
			limit = testLimit
		}
		if rel := strings.TrimPrefix(filepath.ToSlash(path), "../../"); lines > limit && longFiles[rel] == "" {
			t.Errorf("%s has %d lines: split it by nouns, or give its reason above", rel, lines)
		}
	})
}

func TestEveryPackageSaysWhatItIsFor(t *testing.T) {
	for _, p := range ours(t) {
		src, err := os.ReadFile(filepath.Join(p.Dir, "doc.go"))
		if err != nil {
			t.Errorf("%s has no doc.go", p.ImportPath)
			continue
		}
		if !bytes.Contains(src, []byte("Start")) {
			t.Errorf("doc.go of %s does not say where to start", p.ImportPath)
		}
	}
}
