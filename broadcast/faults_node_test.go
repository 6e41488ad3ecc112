package broadcast_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"martinella/alerts"
	"martinella/broadcast"
	"martinella/broadcast/rdb"
	"martinella/channels"
)

// nodeTask is what a node of its own process is told in FAULTS_NODE.
type nodeTask struct {
	Redis, Data, Provider, Log string
	Find                       bool
	Second                     string // the provider that the channel falls back on
	FindSecond                 bool
}

// TestFaultsNode is no test by itself: with FAULTS_NODE set, this program is a
// node that carries one channel until it is killed, told to end, or alone.
func TestFaultsNode(t *testing.T) {
	text := os.Getenv("FAULTS_NODE")
	if text == "" {
		return
	}
	var task nodeTask
	if err := json.Unmarshal([]byte(text), &task); err != nil {
		t.Fatal(err)
	}
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(3) // nobody is left who could stop it
	}()
	logs := zap.NewProductionConfig()
	logs.OutputPaths, logs.Sampling = []string{task.Log}, nil
	log, err := logs.Build()
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	store := openAt(ctx, task.Redis, task.Data, log)
	queues := broadcast.NewQueues(store)
	metrics := broadcast.NewMetrics(prometheus.NewRegistry(), []string{"sms", "backup"})
	carrier := func(name, addr string, find bool) *broadcast.Dispatcher {
		dial := &dialled{name: name, addr: addr, spare: make(chan net.Conn, 1000)}
		var ch channels.Channel = dial
		if find {
			ch = asking{dial}
		}
		return &broadcast.Dispatcher{
			Route: broadcast.Route{Channel: ch, Exercise: true}, Queues: queues, People: everybody{}, Metrics: metrics, Log: log,
			Sink: &broadcast.Sink{Queues: queues, Metrics: metrics, Log: log},
		}
	}
	d := carrier("sms", task.Provider, task.Find)
	var second sync.WaitGroup
	if task.Second != "" {
		d.Fallback = carrier("backup", task.Second, task.FindSecond)
		d.Fallback.Route.Standby = true
		second.Go(func() { _ = d.Fallback.Run(ctx) })
	}
	keeping, leave := context.WithCancel(context.Background())
	var keeper sync.WaitGroup
	keeper.Go(func() { _ = store.Run(keeping) })
	_ = d.Run(ctx)
	second.Wait()
	leave()
	keeper.Wait()
	log.Info("the node ends in order")
	os.Exit(0)
}

// openAt opens the store, however long it is away.
func openAt(ctx context.Context, url, data string, log *zap.Logger) *rdb.Redis {
	for {
		store, err := rdb.Open(ctx, rdb.Config{Redis: url, Authority: "valdemo", DataDir: data}, log)
		if err == nil {
			return store
		}
		if ctx.Err() != nil {
			os.Exit(0)
		}
		<-time.After(50 * time.Millisecond)
	}
}

// everybody has a number, made of what it is called by.
type everybody struct{ broadcast.People }

func (everybody) Contacts(_ context.Context, _ string, numbers []uint32) ([]string, error) {
	out := make([]string, len(numbers))
	for i, n := range numbers {
		out[i] = fmt.Sprintf("+39333%07d", n)
	}
	return out, nil
}

// dialled is the channel to a [provider].
type dialled struct {
	name, addr string
	spare      chan net.Conn
}

func (d *dialled) Name() string        { return d.name }
func (d *dialled) AddressKind() string { return "phone" }

func (d *dialled) Render(r *alerts.Record) ([]channels.Message, error) {
	return []channels.Message{{Audience: "public", Language: "it", Text: r.Alert.Infos[0].Headline}}, nil
}

var errAway = errors.New("the provider is away")

// say sends a line and gives the answer; "" where there was none.
func (d *dialled) say(ctx context.Context, line string) (answer string, err error) {
	var c net.Conn
	select {
	case c = <-d.spare:
	default:
		if c, err = new(net.Dialer).DialContext(ctx, "tcp", d.addr); err != nil {
			return "", errAway
		}
	}
	stop := context.AfterFunc(ctx, func() { c.Close() })
	defer stop()
	if _, err := fmt.Fprintln(c, line); err == nil {
		buf := make([]byte, 0, 64)
		one := make([]byte, 64)
		for len(buf) < 64 {
			n, err := c.Read(one)
			if buf = append(buf, one[:n]...); err != nil {
				break
			}
			if buf[len(buf)-1] == '\n' {
				select {
				case d.spare <- c:
				default:
					c.Close()
				}
				return strings.TrimSpace(string(buf)), nil
			}
		}
	}
	c.Close()
	return "", nil
}

func (d *dialled) Send(ctx context.Context, m channels.Message) (channels.Receipt, error) {
	if m.To == "" {
		return channels.Receipt{}, channels.Permanent(errors.New("no number"))
	}
	answer, err := d.say(ctx, "S "+m.Key+" "+string(m.Change))
	switch {
	case err != nil:
		return channels.Receipt{}, err
	case strings.HasPrefix(answer, "A "):
		return channels.Receipt{ID: answer[2:]}, nil
	case answer == "N":
		return channels.Receipt{}, channels.Permanent(errors.New("no such number"))
	case answer == "B":
		return channels.Receipt{}, errAway
	case answer == "W":
		return channels.Receipt{}, channels.RetryAfter(errors.New("busy"), 200*time.Millisecond)
	}
	return channels.Receipt{}, channels.Uncertain(errors.New("the answer was lost"))
}

// Listen keeps one connection for reports.
func (d *dialled) Listen(ctx context.Context, to channels.Sink) error {
	c, err := new(net.Dialer).DialContext(ctx, "tcp", d.addr)
	if err != nil {
		return err
	}
	defer c.Close()
	stop := context.AfterFunc(ctx, func() { c.Close() })
	defer stop()
	if _, err := fmt.Fprintln(c, "L"); err != nil {
		return err
	}
	var mu sync.Mutex
	var wg sync.WaitGroup
	defer wg.Wait()
	in := bufio.NewScanner(c)
	for in.Scan() {
		report := in.Text()
		wg.Go(func() {
			id, state, _ := strings.Cut(report, " ")
			verb := "K "
			if err := to.Report(ctx, d.name, channels.DeliveryReport{MessageID: id, State: channels.ReportState(state), Code: state, At: time.Now()}); err != nil {
				verb = "X "
			}
			mu.Lock()
			defer mu.Unlock()
			_, _ = fmt.Fprintln(c, verb+report)
		})
	}
	return io.ErrUnexpectedEOF
}

// asking is a platform that can be asked.
type asking struct{ *dialled }

func (a asking) Find(ctx context.Context, m channels.Message) (channels.Receipt, bool, error) {
	answer, err := a.say(ctx, "F "+m.Key)
	switch {
	case err != nil:
		return channels.Receipt{}, false, err
	case answer == "":
		return channels.Receipt{}, false, errAway
	}
	id, found := strings.CutPrefix(answer, "A ")
	return channels.Receipt{ID: id}, found, nil
}

// nodeProcess is a node that may be killed.
type nodeProcess struct {
	cmd  *exec.Cmd
	done chan struct{}
	log  string
}

// plant is a store, a provider and nodes, each a process of its own but for
// the provider.
type plant struct {
	t        testing.TB
	dir      string
	program  string // of a node
	socket   string
	redis    *exec.Cmd
	ended    chan struct{}
	provider *provider
	second   *provider  // that the channel falls back on; nil: none
	store    *rdb.Redis // of the test itself: it issues
	count    int
	// pastFence is how many doubles a test allows.
	pastFence int
}

func newPlant(t testing.TB, program string, perSecond int, find bool) *plant {
	t.Helper()
	if _, err := exec.LookPath("redis-server"); err != nil {
		t.Skip("SKIPPED, nothing was proved: redis-server is not installed")
	}
	p := &plant{t: t, dir: t.TempDir(), program: program, provider: startProvider(t, perSecond, find)}
	p.socket = filepath.Join(p.dir, "r.sock")
	p.startRedis()
	t.Cleanup(func() { p.killRedis() })
	p.store = openAt(t.Context(), "unix://"+p.socket, p.dir, zap.NewNop())
	t.Cleanup(func() { _ = p.store.Close() })
	if _, err := p.store.Queue(t.Context(), "sms"); err != nil { // the channel exists before its first alert
		t.Fatal(err)
	}
	return p
}

func (p *plant) startRedis() {
	p.t.Helper()
	cmd := exec.Command("redis-server", "--port", "0", "--unixsocket", p.socket, "--dir", p.dir, "--appendonly", "yes", "--appendfsync", "always",
		"--save", "", "--logfile", filepath.Join(p.dir, "redis.log"))
	if err := cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = cmd.Wait() // killed
	}()
	p.redis, p.ended = cmd, ended
}

func (p *plant) killRedis() {
	_ = p.redis.Process.Kill() // it may have ended
	<-p.ended
}

// node starts one; env is added to its environment.
func (p *plant) node(env ...string) *nodeProcess {
	p.t.Helper()
	p.count++
	n := &nodeProcess{done: make(chan struct{}), log: filepath.Join(p.dir, fmt.Sprintf("node%d.log", p.count))}
	about := nodeTask{Redis: "unix://" + p.socket, Data: p.dir, Provider: p.provider.addr(), Log: n.log, Find: p.provider.find}
	if p.second != nil {
		about.Second, about.FindSecond = p.second.addr(), p.second.find
	}
	task, err := json.Marshal(about)
	if err != nil {
		p.t.Fatal(err)
	}
	n.cmd = exec.Command(p.program, "-test.run=^TestFaultsNode$", "-test.timeout=15m")
	n.cmd.Env = append(append(os.Environ(), "FAULTS_NODE="+string(task)), env...)
	stdin, err := n.cmd.StdinPipe()
	if err != nil {
		p.t.Fatal(err)
	}
	if err := n.cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	go func() {
		defer close(n.done)
		_ = n.cmd.Wait() // killed
		_ = stdin.Close()
	}()
	p.t.Cleanup(n.kill)
	if dir := os.Getenv("FAULTS_KEEP"); dir != "" { // the logs, for whoever looks for a defect
		p.t.Cleanup(func() {
			b, err := os.ReadFile(n.log)
			if err == nil {
				_ = os.WriteFile(filepath.Join(dir, filepath.Base(n.log)), b, 0o600)
			}
		})
	}
	return n
}

func (n *nodeProcess) kill() {
	_ = n.cmd.Process.Kill() // it may have ended
	<-n.done
}

func (n *nodeProcess) dead() bool {
	select {
	case <-n.done:
		return true
	default:
		return false
	}
}

// said counts the lines of all nodes' logs that hold the words.
func (p *plant) said(words string) (n int) {
	files, err := filepath.Glob(filepath.Join(p.dir, "node*.log"))
	if err != nil {
		p.t.Fatal(err)
	}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			p.t.Fatal(err)
		}
		n += strings.Count(string(b), words)
	}
	return n
}
