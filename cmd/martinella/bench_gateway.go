package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// benchGateway is the gateway that is measured: a running one, or a child with
// everything in a temporary folder.
type benchGateway struct {
	*client
	admin string
	pid   int

	cmd   *exec.Cmd // nil for a running one
	dir   string
	ended chan struct{}
}

// benchLimits are what the measure asks of its own gateway.
type benchLimits struct {
	clients int
	path    string // of idle WebSockets; "" is the gateway's own choice
}

// open finds or starts the gateway and blocks until it is ready.
func (t *benchTarget) open(ctx context.Context, sh shell, limits benchLimits) (*benchGateway, error) {
	if t.url == "" {
		return startBenchGateway(ctx, sh, limits)
	}
	b, err := os.ReadFile(t.keyFile)
	if err != nil {
		return nil, usage(fmt.Errorf("key file %s", plainPathError(err)), "martinella keys create --out writes one")
	}
	g := &benchGateway{client: benchClient(t.url, strings.TrimSpace(string(b))), admin: strings.TrimRight(t.admin, "/"), pid: t.pid}
	numbers, err := g.numbers(ctx)
	if err != nil {
		return nil, err
	}
	if _, err := processTime(t.pid); err != nil {
		return nil, usage(fmt.Errorf("process %d: %s", t.pid, plainPathError(err)), "--pid is the gateway's process: the ready file holds it")
	}
	for name := range numbers {
		if strings.HasPrefix(name, "martinella_queue_jobs{") && !t.withChannels {
			return nil, refused(errors.New("the gateway has channels: the exercises of the measure would leave through those with exercise: true"),
				"leave --url out to measure a gateway without channels, or say --with-channels")
		}
	}
	return g, nil
}

// benchClient keeps enough connections for a burst.
func benchClient(base, key string) *client {
	c := newClientOf(base, key)
	c.http.Transport = &http.Transport{MaxIdleConnsPerHost: 64}
	return c
}

// benchReady is how long the child may take until it can accept alerts.
const benchReady = 60 * time.Second

func startBenchGateway(ctx context.Context, sh shell, limits benchLimits) (g *benchGateway, err error) {
	if _, err := exec.LookPath("redis-server"); err != nil {
		return nil, refused(errors.New("redis-server is not installed: a measure without a store on disk says nothing"), "install it, or name a running gateway with --url")
	}
	exe, err := os.Executable()
	if err != nil {
		return nil, err
	}
	g = &benchGateway{ended: make(chan struct{})}
	if g.dir, err = os.MkdirTemp("", "martinella-bench-"); err != nil {
		return nil, refused(errors.New(plainPathError(err)), "TMPDIR names a folder that can be written")
	}
	defer func() {
		if err != nil {
			g.close()
		}
	}()
	config, ready, key, log := filepath.Join(g.dir, "bench.yaml"), filepath.Join(g.dir, "ready"), filepath.Join(g.dir, "key"), filepath.Join(g.dir, "log")
	text := fmt.Sprintf(`mode: live
authority: {slug: bench, name: Load measure, sender: bench@martinella.example}
listen: 127.0.0.1:0
admin_listen: 127.0.0.1:0
limits: {key_rate: -1, live_clients: %d}
data: %s
`, limits.clients, strconv.Quote(filepath.Join(g.dir, "data")))
	if limits.path != "" {
		text = strings.Replace(text, "live_clients", "live_path: "+limits.path+", live_clients", 1)
	}
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		return nil, refused(errors.New(plainPathError(err)), "TMPDIR names a folder that can be written")
	}
	out, err := os.OpenFile(log, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	defer out.Close()
	g.cmd = exec.Command(exe, "serve", "--config", config, "--ready-file", ready)
	g.cmd.Stdout, g.cmd.Stderr = out, out
	g.cmd.Env = benchEnv(sh)
	// Ctrl-C is for the measure, which then stops its gateway in order.
	g.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := g.cmd.Start(); err != nil {
		g.cmd = nil
		return nil, err
	}
	go func() {
		defer close(g.ended)
		_ = g.cmd.Wait() // how it ended stands in its log
	}()
	at, err := g.await(ctx, ready, log)
	if err != nil {
		return nil, err
	}
	made := exec.CommandContext(ctx, exe, "keys", "create", "--config", config, "--name", "bench", "--can", "issue", "--status", "Exercise", "--out", key)
	made.Env = g.cmd.Env
	if said, err := made.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("make a key: %w\n%s", err, said)
	}
	b, err := os.ReadFile(key)
	if err != nil {
		return nil, err
	}
	g.client, g.admin, g.pid = benchClient(at.Public, strings.TrimSpace(string(b))), at.Admin, at.PID
	return g, nil
}

// benchEnv is the environment without settings of another gateway.
func benchEnv(sh shell) []string {
	var env []string
	for _, v := range sh.environ {
		if !strings.HasPrefix(v, envPrefix) {
			env = append(env, v)
		}
	}
	return env
}

// await blocks until the child has written its ready file.
func (g *benchGateway) await(ctx context.Context, ready, log string) (readyFile, error) {
	ctx, cancel := context.WithTimeout(ctx, benchReady)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		var at readyFile
		if b, err := os.ReadFile(ready); err == nil && json.Unmarshal(b, &at) == nil {
			return at, nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return at, unreachable(errors.New("the gateway of the measure is not ready in time"), "")
		case <-g.ended:
			said, _ := os.ReadFile(log)
			return at, refused(fmt.Errorf("the gateway of the measure ended at its start\n%s", said[max(0, len(said)-2000):]), "martinella doctor may know why")
		}
	}
}

// close ends the child and removes its folder; a running gateway stays.
func (g *benchGateway) close() {
	if g.client != nil {
		g.http.CloseIdleConnections()
	}
	if g.cmd != nil {
		_ = g.cmd.Process.Signal(syscall.SIGTERM) // it may have ended
		select {
		case <-g.ended:
		case <-time.After(30 * time.Second):
			_ = g.cmd.Process.Kill()
			<-g.ended
		}
	}
	if g.dir != "" {
		_ = os.RemoveAll(g.dir) // the system clears its temporary folders
	}
}

// live is the address of the live feed.
func (g *benchGateway) live(view string) string {
	return strings.Replace(g.base, "http", "ws", 1) + "/live?view=" + view
}

// numbers reads the metrics of the administration port, by name and labels.
func (g *benchGateway) numbers(ctx context.Context) (map[string]float64, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, g.admin+"/metrics", nil)
	if err != nil {
		return nil, err
	}
	resp, err := g.http.Do(req)
	if err != nil {
		return nil, unreachable(fmt.Errorf("%s does not answer", g.admin), "--admin-url is the gateway's address of administration")
	}
	defer resp.Body.Close()
	all := map[string]float64{}
	lines := bufio.NewScanner(io.LimitReader(resp.Body, answerLimit))
	for lines.Scan() {
		at := strings.LastIndexByte(lines.Text(), ' ')
		if at < 0 || strings.HasPrefix(lines.Text(), "#") {
			continue
		}
		if v, err := strconv.ParseFloat(lines.Text()[at+1:], 64); err == nil {
			all[lines.Text()[:at]] = v
		}
	}
	if _, ok := all[liveClients]; !ok {
		return nil, refused(fmt.Errorf("%s has no metrics of a gateway", g.admin), "--admin-url is the gateway's address of administration")
	}
	return all, lines.Err()
}

// Names of numbers.
const (
	liveClients = `martinella_live_clients{transport="websocket"}`
	fanoutSum   = "martinella_live_fanout_seconds_sum"
	fanoutCount = "martinella_live_fanout_seconds_count"
)

// emptied waits until the gateway has noticed that its clients left.
func (g *benchGateway) emptied(ctx context.Context, clients float64) error {
	ctx, cancel := context.WithTimeout(ctx, benchReady)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		n, err := g.numbers(ctx)
		if err != nil || n[liveClients] <= clients {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("the gateway still counts %v clients: %w", n[liveClients], ctx.Err())
		}
	}
}
