package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"martinella/alerts"
	"martinella/alerts/cap"
)

// bench runs the built program, which starts itself for its children.
func bench(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("SKIP: the swarm of clients needs Linux")
	}
	bin, err := program()
	if err != nil {
		t.Fatal(err)
	}
	var out, errOut record
	cmd := exec.CommandContext(t.Context(), bin, append([]string{"bench"}, args...)...)
	cmd.Stdout, cmd.Stderr = &out, &errOut
	cmd.Env = append(os.Environ(), "TMPDIR="+shortDir(t))
	err = cmd.Run()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return exit.ExitCode(), out.String(), errOut.String()
	} else if err != nil {
		t.Fatal(err)
	}
	return 0, out.String(), errOut.String()
}

// shortDir is a folder whose name leaves room for that of a socket.
func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "b")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		left, _ := os.ReadDir(dir)
		if len(left) > 0 {
			t.Errorf("the measure left %s behind", left[0].Name())
		}
		os.RemoveAll(dir)
	})
	return dir
}

func TestBenchLiveMeasuresItsOwnGateway(t *testing.T) {
	needRedis(t)
	for name, extra := range map[string][]string{
		"all read":             nil,
		"goroutines, a burst":  {"--path", "goroutines", "--burst", "10"},
		"some silent, remotes": {"--silent", "10", "--remote"},
	} {
		t.Run(name, func(t *testing.T) {
			code, out, errOut := bench(t, append([]string{"live", "--clients", "50", "--alerts", "3", "--rounds", "2", "--idle", "50ms", "--json"}, extra...)...)
			if code != exitDone {
				t.Fatalf("exit %d\n%s%s", code, out, errOut)
			}
			var r benchResult
			if err := json.Unmarshal([]byte(out), &r); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			if r.Clients != 50 || r.Rounds != 2 || r.Lost+r.Doubled+r.Reordered != 0 || len(r.Parts) != 2 || r.Memory.Gateway.Before == 0 || r.Memory.Floor.Idle == 0 {
				t.Fatalf("got %s", out)
			}
			if full := r.Parts[0]; full.View != "full" || full.Bytes < 1024*98/100 || full.Bytes > 1024*102/100 {
				t.Errorf("view=%s has %d bytes", full.View, full.Bytes)
			}
			if brief := r.Parts[1]; brief.View != "brief" || brief.Bytes > 400 {
				t.Errorf("view=%s has %d bytes", brief.View, brief.Bytes)
			}
			for _, p := range r.Parts {
				for who, f := range map[string]benchFigures{"gateway": p.Gateway, "floor": p.Floor} {
					if f.Half <= 0 || f.P99 < f.Half || f.All < f.P99 || f.All < f.AllFromFirst || f.CPUPerMillion <= 0 || f.DeliveriesPerSec <= 0 || (f.Post > 0) != (who == "gateway") {
						t.Errorf("%s of view=%s: %+v", who, p.View, f)
					}
					if (f.Burst != nil) != (r.BurstAlerts > 0) || f.Burst != nil && f.Burst.DeliveriesPerSec <= 0 {
						t.Errorf("%s of view=%s: burst %+v", who, p.View, f.Burst)
					}
				}
				if p.Ratio.All <= 0 || p.Ratio.CPUPerMillion <= 0 || (p.Ratio.Burst > 0) != (r.BurstAlerts > 0) || (p.AllRead != nil) != (r.Silent > 0) || (p.Ratio.P99AllRead > 0) != (r.Silent > 0) {
					t.Errorf("view=%s: %+v", p.View, p.Ratio)
				}
			}
		})
	}
}

func TestBenchPrintsATable(t *testing.T) {
	needRedis(t)
	code, out, errOut := bench(t, "live", "--clients", "20", "--alerts", "1", "--rounds", "1", "--view", "brief", "--idle", "0")
	if code != exitDone {
		t.Fatalf("exit %d\n%s%s", code, out, errOut)
	}
	for _, want := range []string{"20 subscribers", "view=brief", "floor", "ratio", "CPU s per million", "KiB per connection", "lost 0, doubled 0, reordered 0", "load average"} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is missing in\n%s", want, out)
		}
	}
	code, out, errOut = bench(t, "accept", "--alerts", "20")
	if code != exitDone || !strings.Contains(out, "accepts/s") || len(strings.Split(out, "\n")) != 5 {
		t.Errorf("accept: exit %d\n%s%s", code, out, errOut)
	}
}

// A measure that is stopped ends its children and takes its folder away.
func TestBenchStopsInOrder(t *testing.T) {
	needRedis(t)
	if runtime.GOOS != "linux" {
		t.Skip("SKIP: the swarm of clients needs Linux")
	}
	bin, err := program()
	if err != nil {
		t.Fatal(err)
	}
	var out, errOut record
	cmd := exec.Command(bin, "bench", "live", "--clients", "20", "--alerts", "1", "--rounds", "1000", "--idle", "0")
	cmd.Stdout, cmd.Stderr = &out, &errOut
	cmd.Env = append(os.Environ(), "TMPDIR="+shortDir(t)) // which must be empty in the end
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "rounds are measured", func() bool { return strings.Contains(errOut.String(), "round 2 of") })
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	if code := cmd.ProcessState.ExitCode(); code != exitRefused || !strings.Contains(errOut.String(), "stopped before the end") {
		t.Errorf("exit %d\n%s%s", code, out.String(), errOut.String())
	}
}

// Exercises of a load measure must not leave through the channels of a gateway
// that is in use.
func TestBenchSparesTheChannelsOfARunningGateway(t *testing.T) {
	needRedis(t)
	dir, config := settle(t, "  - {name: outbox, kind: outbox, exercise: true}\n")
	s := open(t, dir, config)
	args := []string{
		"live", "--url", s.Public, "--admin-url", s.Admin, "--pid", strconv.Itoa(s.PID), "--key-file", s.key(t, "bench", "--can", "issue", "--self-approve", "--status", "Exercise"),
		"--clients", "20", "--alerts", "2", "--rounds", "1", "--view", "brief", "--idle", "0", "--json",
	}
	code, out, errOut := bench(t, args...)
	if code != exitRefused || !strings.Contains(errOut, "the gateway has channels") {
		t.Errorf("exit %d\n%s%s", code, out, errOut)
	}
	code, out, errOut = bench(t, append(args, "--with-channels")...)
	if code != exitDone {
		t.Errorf("exit %d\n%s%s", code, out, errOut)
	}
}

// misfit is a gateway that sends every alert twice to one of its clients.
func misfit(t *testing.T) string {
	t.Helper()
	var mu sync.Mutex
	var conns []*websocket.Conn
	var seq atomic.Int64
	up := websocket.Upgrader{}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /metrics", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, "%s 0\n", liveClients)
	})
	mux.HandleFunc("GET /live", func(w http.ResponseWriter, r *http.Request) {
		c, err := up.Upgrade(w, r, nil)
		if err != nil {
			return
		}
		mu.Lock()
		conns = append(conns, c)
		c.WriteMessage(websocket.TextMessage, fmt.Appendf(nil, `{"type":"hello","cursor":"e-0-%d"}`, seq.Load()))
		mu.Unlock()
		for err == nil {
			_, _, err = c.ReadMessage()
		}
	})
	mux.HandleFunc("POST /api/v1/alerts", func(w http.ResponseWriter, _ *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		message := fmt.Appendf(nil, `{"type":"alert","cursor":"e-0-%d"}`, seq.Add(1))
		if err := conns[0].WriteMessage(websocket.TextMessage, message); err != nil {
			t.Error(err)
		}
		for _, c := range conns {
			c.WriteMessage(websocket.TextMessage, message)
		}
		w.WriteHeader(http.StatusCreated)
		w.Write([]byte("{}"))
	})
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s.URL
}

func TestBenchFailsWhereAClientGetsAnAlertTwice(t *testing.T) {
	url := misfit(t)
	key := write(t, filepath.Join(t.TempDir(), "key"), "mk_x\n")
	code, out, errOut := bench(t, "live", "--url", url, "--admin-url", url, "--pid", strconv.Itoa(os.Getpid()), "--key-file", key,
		"--clients", "5", "--alerts", "3", "--rounds", "1", "--view", "brief", "--idle", "0", "--json")
	var r benchResult
	if err := json.Unmarshal([]byte(out), &r); err != nil {
		t.Fatalf("%v: %s%s", err, out, errOut)
	}
	if code != exitRefused || r.Doubled < 3 || r.Lost != 0 || r.Reordered != 0 || !strings.Contains(errOut, "lost, doubled or out of order") {
		t.Errorf("exit %d, doubled %d, lost %d, reordered %d\n%s", code, r.Doubled, r.Lost, r.Reordered, errOut)
	}
}

func TestBenchRefusesWhatIsNotHere(t *testing.T) {
	key := write(t, filepath.Join(t.TempDir(), "key"), "mk_x\n")
	closed := "http://" + freeAddr(t)
	here := []string{"--pid", strconv.Itoa(os.Getpid()), "--key-file", key}
	for name, c := range map[string]struct {
		args []string
		code int
		says string
	}{
		"a gateway elsewhere":           {append(here, "--url", "http://192.0.2.1:8080"), exitUsage, "is not on loopback"},
		"a name that may be elsewhere":  {append(here, "--url", "http://gateway.example:8080"), exitUsage, "is not on loopback"},
		"a name that looks like here":   {append(here, "--url", "http://127.0.0.1.example:8080"), exitUsage, "is not on loopback"},
		"an administration elsewhere":   {append(here, "--url", closed, "--admin-url", "http://192.0.2.1:9090"), exitUsage, "is not on loopback"},
		"no address":                    {append(here, "--url", "gateway"), exitUsage, "is not that of a gateway"},
		"a gateway that is not running": {append(here, "--url", closed, "--admin-url", closed), exitUnreachable, "does not answer"},
		"no key":                        {[]string{"--url", closed, "--pid", "1"}, exitUsage, "no key"},
		"no process":                    {[]string{"--url", closed, "--key-file", key}, exitUsage, "no process"},
		"a key without a gateway":       {[]string{"--key-file", key}, exitUsage, "--key-file without --url"},
	} {
		for _, which := range []string{"live", "accept"} {
			t.Run(which+": "+name, func(t *testing.T) {
				code, out, errOut := command(t, append([]string{"bench", which}, c.args...)...)
				if code != c.code || !strings.Contains(errOut, c.says) {
					t.Errorf("exit %d, want %d with %q\n%s%s", code, c.code, c.says, out, errOut)
				}
			})
		}
	}
	for name, c := range map[string]struct {
		args []string
		says string
	}{
		"no subscribers":             {[]string{"--clients", "0"}, "--clients is 0"},
		"no rounds":                  {[]string{"--rounds", "0"}, "--rounds is 0"},
		"a negative burst":           {[]string{"--burst", "-1"}, "--burst is -1"},
		"nobody reads":               {[]string{"--silent", "100"}, "--silent is 100"},
		"a view that does not exist": {[]string{"--view", "long"}, "full, brief or both"},
		"a path that does not exist": {[]string{"--path", "fibres"}, "epoll or goroutines"},
		"more than fit":              {[]string{"--clients", "1048576"}, "do not fit"},
		"an argument":                {[]string{"now"}, "unknown command"},
	} {
		t.Run(name, func(t *testing.T) {
			code, out, errOut := command(t, append([]string{"bench", "live"}, c.args...)...)
			if code != exitUsage || !strings.Contains(errOut, c.says) {
				t.Errorf("exit %d, want %d with %q\n%s%s", code, exitUsage, c.says, out, errOut)
			}
		})
	}
}

func TestBenchAlertIsAnExerciseOfItsLength(t *testing.T) {
	for _, n := range []int{1, 41, 42, 43, 600} {
		b, err := benchAlert(time.Now(), n)
		if err != nil {
			t.Fatal(err)
		}
		doc, err := cap.Parse(b, cap.Submit)
		if err != nil {
			t.Fatal(err)
		}
		if got := doc.Alert.Infos[0].Description; len(got) != n {
			t.Errorf("a description of %d bytes has %d: %q", n, len(got), got)
		}
		if doc.Alert.Status != alerts.StatusExercise {
			t.Errorf("its status is %s", doc.Alert.Status)
		}
		if v := cap.Check(b, capXML, cap.Submit, time.Now()); !v.Valid || !v.Sendable {
			t.Errorf("%+v", v)
		}
	}
}

func TestWhatAProcessTakesIsRead(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("SKIP: /proc exists on Linux only")
	}
	before, err := processTime(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	var after, ticks time.Duration
	eventually(t, "work takes time", func() bool {
		for end := time.Now().Add(20 * time.Millisecond); time.Now().Before(end); {
		}
		if after, err = processTime(os.Getpid()); err != nil {
			t.Fatal(err)
		}
		if ticks, err = processTicks(os.Getpid()); err != nil {
			t.Fatal(err)
		}
		return after-before >= 40*time.Millisecond && ticks > 0
	})
	if m, err := processMemory(os.Getpid()); err != nil || m < 1<<20 || m > 1<<40 {
		t.Errorf("%d bytes, %v", m, err)
	}
}

func TestMiddle(t *testing.T) {
	for name, c := range map[string]struct {
		in   []int64
		want int64
	}{"of nothing": {nil, 0}, "of one": {[]int64{7}, 7}, "of three": {[]int64{9, 1, 5}, 5}, "of four": {[]int64{9, 1, 5, 3}, 4}} {
		if got := middle(c.in); got != c.want {
			t.Errorf("%s: got %d, want %d", name, got, c.want)
		}
	}
}
