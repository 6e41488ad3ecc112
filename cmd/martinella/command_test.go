package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"go.uber.org/zap"

	"martinella/alerts"
	"martinella/broadcast"
)

// every visits a command and those below it.
func every(c *cobra.Command, see func(*cobra.Command)) {
	see(c)
	for _, sub := range c.Commands() {
		every(sub, see)
	}
}

func TestEveryCommandHasHelpWithAnExample(t *testing.T) {
	every(newRoot(shell{getenv: noEnv}), func(c *cobra.Command) {
		if c.Name() == "help" || c.Name() == "completion" || (c.HasParent() && c.Parent().Name() == "completion") {
			return
		}
		if c.Short == "" || c.Example == "" || !strings.Contains(c.Example, "martinella") {
			t.Errorf("%s: short %q, example %q", c.CommandPath(), c.Short, c.Example)
		}
		if c.Args == nil {
			t.Errorf("%s does not say which arguments it takes", c.CommandPath())
		}
	})
}

func TestExitCodes(t *testing.T) {
	dir := t.TempDir()
	key := write(t, filepath.Join(dir, "key"), "mk_x\n")
	good := filepath.Join("testdata", "allerta.xml")
	bad := write(t, filepath.Join(dir, "bad.xml"), "<alert")
	closed := "http://" + freeAddr(t)
	for name, c := range map[string]struct {
		args []string
		code int
		says string
	}{
		"nothing is help":                   {nil, exitDone, ""},
		"version":                           {[]string{"version"}, exitDone, ""},
		"a valid file":                      {[]string{"check", good}, exitDone, ""},
		"a file that is not valid":          {[]string{"check", bad}, exitRefused, ""},
		"one of two is not valid":           {[]string{"check", good, bad}, exitRefused, ""},
		"a file that is not there":          {[]string{"check", "nowhere.xml"}, exitUsage, "hint: name a CAP file"},
		"--version":                         {[]string{"--version"}, exitDone, ""},
		"an unknown command":                {[]string{"shout"}, exitUsage, "unknown command \"shout\" for \"martinella\"\nhint: see martinella --help"},
		"a misspelt command":                {[]string{"chekc"}, exitUsage, "hint: did you mean check?"},
		"a misspelt command below":          {[]string{"keys", "lst"}, exitUsage, "hint: did you mean list?"},
		"an argument too many":              {[]string{"serve", "now"}, exitUsage, "hint: see martinella serve --help"},
		"an unknown flag":                   {[]string{"serve", "--loud"}, exitUsage, "hint: see martinella serve --help"},
		"no argument":                       {[]string{"check"}, exitUsage, "requires at least 1 arg"},
		"no key":                            {[]string{"send", good}, exitUsage, "hint: name the file of an API key"},
		"a gateway that does not answer":    {[]string{"send", good, "--url", closed, "--key-file", key}, exitUnreachable, "does not answer"},
		"approve without an answer":         {[]string{"approve", "01", "--yes", "--url", closed, "--key-file", key}, exitUnreachable, "does not answer"},
		"watch without an answer":           {[]string{"watch", "--once", "--url", closed, "--key-file", key}, exitUnreachable, "does not answer"},
		"an address that is none":           {[]string{"send", good, "--url", "here", "--key-file", key}, exitUsage, "is not that of a gateway"},
		"a configuration that is not there": {[]string{"serve", "--config", filepath.Join(dir, "no.yaml")}, exitUsage, "no such file"},
		"keys in memory":                    {[]string{"keys", "list", "--redis", "memory", "--data", dir}, exitUsage, "belongs to its gateway alone"},
		"a demonstration for everybody":     {[]string{"demo", "--once", "--listen", "0.0.0.0:0", "--data", dir}, exitUsage, "loopback only"},
		"extend without a reason":           {[]string{"extend", "01", "--until", "+6h", "--url", closed, "--key-file", key}, exitUsage, "no reason"},
		"extend without a time":             {[]string{"extend", "01", "--reason", "x", "--url", closed, "--key-file", key}, exitUsage, "not a time"},
		"cancel without a reason":           {[]string{"cancel", "01", "--url", closed, "--key-file", key}, exitUsage, "no reason"},
		"a number that does not exist":      {[]string{"people", "add", "--phone", "+3911", "--areas", "*", "--data", dir}, exitUsage, "phone number"},
		"a person nowhere":                  {[]string{"people", "add", "--phone", "+393331234567", "--data", dir}, exitUsage, "no area"},
	} {
		t.Run(name, func(t *testing.T) {
			code, out, errOut := command(t, c.args...)
			if code != c.code || !strings.Contains(errOut, c.says) {
				t.Errorf("exit %d, want %d with %q\n%s%s", code, c.code, c.says, out, errOut)
			}
			if first, _, _ := strings.Cut(errOut, "\n"); errOut != "" && (!strings.HasPrefix(first, "martinella: ") || strings.HasSuffix(first, ".")) {
				t.Errorf("the error is %q", first)
			}
		})
	}
}

func TestCheckSpeaksToProgramsAndPeople(t *testing.T) {
	out := must(t, "check", "--json", filepath.Join("testdata", "allerta.xml"))
	var keys map[string]json.RawMessage
	if err := json.Unmarshal([]byte(out), &keys); err != nil {
		t.Fatal(err)
	}
	for _, k := range []string{"file", "valid", "sendable", "obstacles", "version", "problems"} {
		if keys[k] == nil {
			t.Errorf("%s is missing in %s", k, out)
		}
	}
	if len(keys) != 6 || string(keys["problems"]) != "[]" {
		t.Errorf("got %s", out)
	}
	// From standard input, with two faults.
	b, err := os.ReadFile(filepath.Join("testdata", "allerta.xml"))
	if err != nil {
		t.Fatal(err)
	}
	faulty := swapped(t, swapped(t, b, ">Met<", ">Rain<"), ">Expected<", ">Soon<")
	var stdout, stderr record
	code := run(t.Context(), []string{"check", "-"}, noEnv, strings.NewReader(string(faulty)), &stdout, &stderr)
	for _, want := range []string{"not valid", "info[0].category[0]", "info[0].urgency", "Immediate, Expected"} {
		if !strings.Contains(stdout.String(), want) {
			t.Errorf("%q is missing in\n%s", want, stdout.String())
		}
	}
	if code != exitRefused || stderr.String() != "" {
		t.Errorf("exit %d, %s", code, stderr.String())
	}
}

func TestKeysAreMadeListedAndRevoked(t *testing.T) {
	needRedis(t)
	dir, config := settle(t, "")
	file := filepath.Join(dir, "room.key")
	// Without a gateway: the command starts the store by itself.
	out := must(t, "keys", "create", "--config", config, "--name", "Sala operativa", "--can", "submit", "--out", file)
	if !strings.Contains(out, "for exercises and tests only") || strings.Contains(out, "mk_") {
		t.Errorf("create says %s", out)
	}
	info, err := os.Stat(file)
	if err != nil || info.Mode().Perm() != 0o600 || !strings.HasPrefix(secretOf(t, file), "mk_") {
		t.Errorf("the key's file: %v %v", info, err)
	}
	if code, _, errOut := command(t, "keys", "create", "--config", config, "--name", "x", "--can", "submit", "--out", file); code != exitRefused || !strings.Contains(errOut, "exists") {
		t.Errorf("a file that exists: exit %d %s", code, errOut)
	}
	// With one: through its store.
	s := open(t, dir, config)
	list := must(t, "keys", "list", "--config", config)
	if !strings.Contains(list, "Sala operativa") || strings.Contains(list, secretOf(t, file)) {
		t.Errorf("list says %s", list)
	}
	message := exercise(fixture(t))
	if r := s.submit(t, secretOf(t, file), message); r.status != http.StatusAccepted {
		t.Fatalf("submit: %d %s", r.status, r.body)
	}
	bound := s.key(t, "bound", "--can", "submit", "--senders", "altrove@example.org")
	if r := s.submit(t, secretOf(t, bound), message); r.status != http.StatusForbidden || !strings.Contains(string(r.body), `"sender"`) {
		t.Errorf("a key that speaks for somebody else: %d %s", r.status, r.body)
	}
	if list := must(t, "keys", "list", "--config", config); !strings.Contains(list, "senders altrove@example.org") {
		t.Errorf("list does not name the sender: %s", list)
	}
	id := strings.Fields(strings.Split(list, "\n")[1])[0]
	must(t, "keys", "revoke", "--config", config, id)
	if r := s.submit(t, secretOf(t, file), message); r.status != http.StatusUnauthorized {
		t.Errorf("a revoked key: got %d, want 401", r.status)
	}
	if code, _, _ := command(t, "keys", "revoke", "--config", config, "key:none"); code != exitRefused {
		t.Errorf("revoking what is not there: exit %d", code)
	}
}

// The whole way by hand: send, wait, approve, watch, cancel.
func TestSendWaitsForTheSecondPersonAndFollows(t *testing.T) {
	needRedis(t)
	dir, config := settle(t, "  - {name: outbox, kind: outbox, exercise: true}\n")
	s := open(t, dir, config)
	author := s.key(t, "author", "--can", "submit,read", "--status", "Actual")
	approver := s.key(t, "approver", "--can", "approve,read", "--status", "Actual")
	file := write(t, filepath.Join(dir, "storm.xml"), string(fixture(t)))

	code, out, errOut := command(t, "send", file, "--url", s.Public, "--key-file", author)
	if code != exitDone || !strings.Contains(out, "martinella approve ") {
		t.Fatalf("send: exit %d\n%s%s", code, out, errOut)
	}
	sent := make(chan string, 1)
	go func() {
		var o, e record
		run(t.Context(), []string{"send", file, "--wait", "--json", "--url", s.Public, "--key-file", author}, noEnv, strings.NewReader(""), &o, &e)
		sent <- o.String() + e.String()
	}()
	id := strings.Fields(out)[1]
	if code, out, errOut := command(t, "approve", id, "--url", s.Public, "--key-file", approver); code != exitRefused || !strings.Contains(errOut, "not approved") {
		t.Errorf("no answer is no: exit %d\n%s%s", code, out, errOut)
	}
	if code, _, errOut := command(t, "approve", id, "--yes", "--url", s.Public, "--key-file", author); code != exitRefused || !strings.Contains(errOut, "approve") {
		t.Errorf("the author approves: exit %d %s", code, errOut)
	}
	shown := must(t, "approve", id, "--yes", "--url", s.Public, "--key-file", approver)
	for _, want := range []string{"ACTUAL", "Severe", "Restate in casa", "Valdemo", "outbox", "done"} {
		if !strings.Contains(shown, want) {
			t.Errorf("approve does not show %q:\n%s", want, shown)
		}
	}
	select {
	case followed := <-sent:
		lines := strings.Split(strings.TrimSpace(followed), "\n")
		var last struct {
			End      bool
			Channels []broadcast.Delivery
		}
		if err := json.Unmarshal([]byte(lines[len(lines)-1]), &last); err != nil || !last.End || len(last.Channels) != 1 || last.Channels[0].State != "done" {
			t.Errorf("send --wait ended with %s (%v)", followed, err)
		}
	case <-time.After(patience):
		t.Error("send --wait does not end")
	}
	if _, seen, _ := command(t, "watch", "--once", "--url", s.Public, "--admin-url", s.Admin, "--key-file", approver); !strings.Contains(seen, "outbox: done") {
		t.Errorf("watch shows %s", seen)
	}
	if out := must(t, "cancel", id, "--reason", "sent by mistake", "--url", s.Public, "--key-file", approver); !strings.Contains(out, "issued") {
		t.Errorf("cancel says %s", out)
	}
	if out := must(t, "doctor", "--config", config); !strings.Contains(out, "durability") || !strings.Contains(out, "channel outbox") {
		t.Errorf("doctor says %s", out)
	}
}

// make run: twice over the same data, and on a machine without a store.
func TestTheDemonstrationPlays(t *testing.T) {
	for _, redis := range []string{"embedded", "memory"} {
		t.Run(redis, func(t *testing.T) {
			if redis == "embedded" {
				needRedis(t)
			}
			dir := t.TempDir()
			for range 2 {
				code, out, errOut := command(t, "demo", "--once", "--redis", redis, "--data", dir, "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0")
				log, _ := os.ReadFile(filepath.Join(dir, "martinella.log"))
				if code != 0 {
					t.Fatalf("exit %d\n%s%s%s", code, out, errOut, log)
				}
				for _, want := range append([]string{"page ", "websocket ", "ESERCITAZIONE"}, demoChannels...) {
					if !strings.Contains(out, want) {
						t.Errorf("%q is missing in\n%s", want, out)
					}
				}
				if strings.Contains(out, "failed") || strings.Contains(out, "empty!") {
					t.Errorf("something was not delivered:\n%s", out)
				}
			}
		})
	}
}

func TestLiveModeRefusesAStoreThatForgets(t *testing.T) {
	for name, c := range map[string]struct {
		config Config
		have   broadcast.Durability
		refuse bool
	}{
		"always":                          {Config{Mode: modeLive}, broadcast.Durability{Mode: "always", Durable: true}, false},
		"everysec":                        {Config{Mode: modeLive}, broadcast.Durability{Mode: "everysec"}, true},
		"everysec, accepted by name":      {Config{Mode: modeLive, AcceptWeakDurability: "everysec"}, broadcast.Durability{Mode: "everysec"}, false},
		"no, where everysec was accepted": {Config{Mode: modeLive, AcceptWeakDurability: "everysec"}, broadcast.Durability{Mode: "no"}, true},
		"everysec while practising":       {Config{Mode: modePractice}, broadcast.Durability{Mode: "everysec"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			if err := durableEnough(&c.config, c.have); (err != nil) != c.refuse {
				t.Errorf("got %v, want a refusal: %v", err, c.refuse)
			}
		})
	}
}

func TestALoopThatEndsIsStartedAgainWithGrowingWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		s := &supervisor{log: zap.NewNop()}
		var starts []time.Duration
		began := time.Now()
		s.start(ctx, "broken", func(context.Context) error {
			starts = append(starts, time.Since(began))
			if len(starts) == 2 {
				panic("a defect")
			}
			return errors.New("no")
		})
		time.Sleep(4 * time.Second)
		cancel()
		s.wait()
		if got, want := fmt.Sprint(starts), "[0s 500ms 1.5s 3.5s]"; got != want {
			t.Errorf("started at %s, want %s", got, want)
		}
	})
}

func TestFollowingEndsWellOnlyIfAllWentWell(t *testing.T) {
	for state, want := range map[string][2]bool{
		"queued": {false, false}, "sending": {false, false}, "retrying": {false, false},
		"done": {true, true}, "partly_failed": {true, false}, "failed": {true, false}, "uncertain": {true, false}, "expired": {true, false},
	} {
		if ended, well := over(broadcast.Delivery{State: state}); [2]bool{ended, well} != want {
			t.Errorf("%s: got %v %v, want %v", state, ended, well, want)
		}
	}
	var out record
	show := newDisplay(&out, false)
	ms := int64(12)
	ds := []broadcast.Delivery{{Channel: "sms", State: "sending", Total: 3, Accepted: 1}}
	show.show(ds)
	show.show(ds) // nothing new: no line
	show.end([]broadcast.Delivery{{Channel: "sms", State: "partly_failed", Total: 3, Accepted: 2, Failed: 1, FirstMS: &ms, Error: "invalid number"}})
	if got := out.String(); strings.Count(got, "sending, 1 of 3") != 1 || !strings.Contains(got, "1 failed, 0 uncertain: invalid number") || !strings.Contains(got, "12 ") {
		t.Errorf("got\n%s", got)
	}
	var drawn record
	(&bars{out: &drawn}).end(ds)
	if !strings.Contains(drawn.String(), "sms sending") || !strings.Contains(drawn.String(), "1/3") {
		t.Errorf("got %q", drawn.String())
	}
}

// The second one waits for the first to end; the test ends the waiting.
func TestASecondGatewayOnTheSameDataIsRefused(t *testing.T) {
	needRedis(t)
	dir, config := settle(t, "")
	s := open(t, dir, config)
	ctx, cancel := context.WithTimeout(t.Context(), 8*time.Second) // it would wait ten, and needs some to begin
	defer cancel()
	var out, errOut record
	code := run(ctx, []string{"serve", "--config", config}, noEnv, strings.NewReader(""), &out, &errOut)
	if code != exitRefused || !strings.Contains(errOut.String(), "in use by another gateway") || !strings.Contains(errOut.String(), "hint: stop the other one") {
		t.Errorf("exit %d: %s", code, errOut.String())
	}
	if r := s.ask(t, http.MethodGet, "/", "", "", nil); r.status != http.StatusOK {
		t.Errorf("the first one answers %d", r.status)
	}
}

// Who starts a gateway waits for the file: it must be of this run.
func TestTheReadyFileIsThereOnlyWhileTheGatewayIs(t *testing.T) {
	dir := t.TempDir()
	ready := write(t, filepath.Join(dir, "ready"), `{"public":"http://127.0.0.1:1","admin":"http://127.0.0.1:2","pid":1}`)
	// A start that comes to nothing leaves no file either.
	args := []string{"serve", "--data", dir, "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--ready-file", ready, "--redis"}
	if code, _, _ := command(t, append(args, "unix://"+filepath.Join(dir, "nobody.sock"))...); code != exitUnreachable {
		t.Errorf("without a store: exit %d", code)
	}
	if _, err := os.Stat(ready); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the file of a former run: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended := make(chan int, 1)
	var log record
	go func() { ended <- run(ctx, append(args, "memory"), noEnv, strings.NewReader(""), io.Discard, &log) }()
	eventually(t, "the ready file is there", func() bool { _, err := os.Stat(ready); return err == nil })
	cancel()
	if code := <-ended; code != exitDone {
		t.Errorf("exit %d\n%s", code, log.String())
	}
	if _, err := os.Stat(ready); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("after the end: %v", err)
	}
}

// A gateway that never comes to an end: for the second person, for a channel.
func TestSendStopsWaitingWithItsOwnExitCode(t *testing.T) {
	for state, says := range map[alerts.State]string{
		alerts.StateSubmitted: "still waits for a second person",
		alerts.StateIssued:    "the gateway goes on delivering",
	} {
		t.Run(string(state), func(t *testing.T) {
			t.Parallel() // they wait
			gateway := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if strings.HasSuffix(r.URL.Path, "/deliveries") {
					fmt.Fprint(w, `{"channels":[{"channel":"sms","state":"retrying","total":1}]}`)
					return
				}
				fmt.Fprintf(w, `{"id":"01JD0Q4W7N8R5T2V6X9ZABCDEF","state":%q}`, state)
			}))
			defer gateway.Close()
			key := write(t, filepath.Join(t.TempDir(), "key"), "mk_x\n")
			code, _, errOut := command(t, "send", filepath.Join("testdata", "allerta.xml"), "--wait", "--timeout", "5s", "--url", gateway.URL, "--key-file", key)
			if code != exitPartly || !strings.Contains(errOut, says) {
				t.Errorf("exit %d, want %d with %q: %s", code, exitPartly, says, errOut)
			}
		})
	}
}

func TestAKeyIsNamedInPlainText(t *testing.T) {
	for name, plain := range map[string]bool{
		"Sala operativa – Müller (notte) 日本 👩\u200d🚒": true,
		"red \x1b[31m":        false,
		"two\nlines":          false,
		"turned \u202e round": false,
		"no UTF-8 \xff":       false,
	} {
		if got := !unprintable(name); got != plain {
			t.Errorf("%q: plain %v, want %v", name, got, plain)
		}
	}
	for flag, args := range map[string][]string{
		"--name":     {"--name", "red \x1b[31m"},
		"--areas":    {"--name", "x", "--areas", "\x1b[31m"},
		"--channels": {"--name", "x", "--channels", "\x1b[31m"},
	} {
		var k keyRequest
		flags := pflag.NewFlagSet("", pflag.ContinueOnError)
		k.flags(flags)
		if err := flags.Parse(append(args, "--can", "read")); err != nil {
			t.Fatal(err)
		}
		if _, err := createKey(t.Context(), nil, k, time.Now()); err == nil || !strings.Contains(err.Error(), flag+" holds control characters") || strings.Contains(err.Error(), "\x1b") {
			t.Errorf("%s: got %v", flag, err)
		}
	}
}

func TestAKeyForAnUnknownChannelIsWarnedOf(t *testing.T) {
	needRedis(t)
	_, config := settle(t, "  - {name: outbox, kind: outbox}\n")
	code, out, errOut := command(t, "keys", "create", "--config", config, "--name", "x", "--can", "read", "--channels", "outbox,nosuch", "--json")
	if code != exitDone || strings.Count(errOut, "warning:") != 1 || !strings.Contains(errOut, `no channel is called "nosuch"`) || !json.Valid([]byte(out)) {
		t.Errorf("exit %d\n%s%s", code, out, errOut)
	}
}

func TestCheckJudgesTheFilesBesideOneThatIsMissing(t *testing.T) {
	good := filepath.Join("testdata", "allerta.xml")
	code, out, errOut := command(t, "check", "nowhere.xml", good, "neither.xml")
	if code != exitUsage || !strings.Contains(out, good+": valid") || !strings.Contains(errOut, "nowhere.xml") || !strings.Contains(errOut, "neither.xml") {
		t.Errorf("exit %d\n%s%s", code, out, errOut)
	}
}

func TestTheDemonstrationSaysWhatIsLeft(t *testing.T) {
	for redis, want := range map[string]string{
		"embedded":               "the data stays in DIR,",
		"memory":                 "what it has stored is gone then; the keys and outboxes are in DIR,",
		"redis://127.0.0.1:6379": "the data stays in that Redis, the keys and outboxes in DIR,",
	} {
		dir := t.TempDir()
		var out record
		d := &demo{sh: shell{out: &out}, config: &Config{Redis: RedisConfig{URL: redis}, Data: dir}}
		d.invite(readyFile{}, "author.key", "approver.key", submitted{})
		if want = strings.ReplaceAll(want, "DIR", dir); !strings.Contains(out.String(), want) {
			t.Errorf("%s: %q is missing in\n%s", redis, want, out.String())
		}
	}
}

func TestVersionIsAFlagToo(t *testing.T) {
	if flag, word := must(t, "--version"), must(t, "version"); flag != word || !strings.HasPrefix(flag, "martinella ") {
		t.Errorf("--version says %q, version %q", flag, word)
	}
}

func TestSendToAnotherServerSaysSo(t *testing.T) {
	key := write(t, filepath.Join(t.TempDir(), "key"), "mk_x\n")
	other := httptest.NewServer(http.NotFoundHandler()) // as the port of administration
	defer other.Close()
	code, _, errOut := command(t, "send", filepath.Join("testdata", "allerta.xml"), "--url", other.URL, "--key-file", key)
	if code != exitRefused || !strings.Contains(errOut, "martinella: not found\nhint: this is not the API of a gateway") {
		t.Errorf("exit %d: %s", code, errOut)
	}
}
