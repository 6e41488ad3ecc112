package rdb

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"go.uber.org/zap"
)

const (
	lockWait     = 10 * time.Second // for a server that is about to end
	loadWait     = time.Minute      // for a server that reads what it has
	stopWait     = 20 * time.Second
	restartLeast = 100 * time.Millisecond
	restartMost  = 5 * time.Second
	// longEnough is how long a server must have lived to be started again at
	// once: one that dies at its start is given time.
	longEnough = 500 * time.Millisecond
	// longestSocket keeps below the 104 bytes of sun_path (unix(4), macOS).
	longestSocket = 100
)

// server is a private redis-server that this program starts, watches and
// stops. It listens on a unix socket only.
type server struct {
	cfg    Config
	log    *zap.Logger
	binary string
	dir    string
	socket string
	short  string   // directory of a socket whose own path would be too long
	lock   *os.File // held by this program and its server until both have ended
	failed chan struct{}
	halt   chan struct{} // closed by stop: a wait before the next start ends
	ended  chan struct{} // the supervisor is gone
	args   []string      // beside those of every server

	mu       sync.Mutex
	process  *process
	stopping bool
	err      error
}

// process is one run of the server.
type process struct {
	cmd  *exec.Cmd
	out  *serverLog
	born time.Time
	done chan struct{}
	err  error // after done
}

// startServer starts the embedded server on its directory and waits until it
// answers.
func startServer(ctx context.Context, cfg Config, log *zap.Logger) (*server, error) {
	if cfg.DataDir == "" {
		return nil, errors.New("the embedded redis needs a data directory")
	}
	binary, err := findServer(cfg.Binary)
	if err != nil {
		return nil, err
	}
	dir, err := filepath.Abs(cfg.DataDir)
	if err != nil {
		return nil, err
	}
	if _, err := os.Lstat(filepath.Join(dir, RestoringDir)); err == nil {
		return nil, fmt.Errorf("%w: %s", ErrRestoring, dir)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	s := &server{cfg: cfg, log: log, binary: binary, dir: dir, failed: make(chan struct{}), halt: make(chan struct{}), ended: make(chan struct{})}
	// A backup asks for a copy as a replica does: the server need not wait for others.
	s.args = []string{"--appendonly", "yes", "--appendfsync", "always", "--repl-diskless-sync-delay", "0"}
	if err := s.launch(ctx); err != nil {
		return nil, err
	}
	go s.supervise() //nolint:gosec // G118: the program lives on when ctx, which is for its start, has ended
	return s, nil
}

// launch takes the directory and starts the server for the first time.
func (s *server) launch(ctx context.Context) (err error) {
	dir := s.dir
	if s.lock, err = lockDir(ctx, dir); err != nil {
		return err
	}
	s.socket = filepath.Join(dir, "redis.sock")
	if len(s.socket) >= longestSocket {
		if s.short, err = os.MkdirTemp("", "martinella"); err != nil {
			return errors.Join(err, s.lock.Close())
		}
		s.socket = filepath.Join(s.short, "redis.sock")
	}
	if err := s.start(ctx); err != nil {
		return errors.Join(err, s.release())
	}
	return nil
}

// findServer looks for a program that speaks Redis.
func findServer(binary string) (string, error) {
	names := []string{"redis-server", "valkey-server"}
	if binary != "" {
		names = []string{binary}
	}
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("%s not found: install it (apt-get install redis-server), name a server with --redis redis://..., or try it out with --redis memory, which keeps nothing", strings.Join(names, " or "))
}

// ErrInUse is the error of [Open] where another program has the data directory.
var ErrInUse = errors.New("in use by another gateway (or its redis-server)")

// lockDir takes the directory for this program; a server that another one left
// behind has ten seconds to end.
func lockDir(ctx context.Context, dir string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	for start := time.Now(); ; pause(ctx, 50*time.Millisecond) {
		err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return f, nil
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, errors.Join(fmt.Errorf("lock the data directory %s: %w", dir, err), f.Close())
		}
		if ctx.Err() != nil || time.Since(start) > lockWait {
			return nil, errors.Join(fmt.Errorf("the data directory %s is %w", dir, ErrInUse), f.Close())
		}
	}
}

// start brings the server up once.
func (s *server) start(ctx context.Context) error {
	if err := repairTail(s.dir, s.log); err != nil {
		return err
	}
	p, err := s.spawn()
	if err != nil {
		return err
	}
	s.mu.Lock()
	s.process = p
	stopping := s.stopping
	s.mu.Unlock()
	if stopping { // stop came while it was being started
		_ = p.cmd.Process.Signal(syscall.SIGTERM)
	}
	limit, cancel := context.WithTimeout(ctx, loadWait)
	defer cancel()
	for {
		if alive(limit, s.socket) {
			p.out.settled()
			return nil
		}
		select {
		case <-p.done:
			return fmt.Errorf("redis-server ended at its start (%v): %s", p.err, p.out.last()) //nolint:errorlint // nil where it ended with 0, which %w cannot show
		case <-limit.Done():
			return errors.Join(fmt.Errorf("redis-server does not answer: %w", limit.Err()), s.end(p))
		case <-time.After(3 * time.Millisecond):
		}
	}
}

// spawn starts the process. The goroutine keeps its thread for the child's
// whole life: the signal at our death is tied to the thread that started it
// (golang/go#27505).
func (s *server) spawn() (*process, error) {
	p := &process{born: time.Now(), done: make(chan struct{}), out: &serverLog{log: s.log}}
	p.cmd = exec.Command(s.binary, append([]string{
		"--port", "0", "--unixsocket", s.socket, "--unixsocketperm", "700", "--dir", s.dir,
		"--save", "", "--daemonize", "no", "--logfile", "",
		"--maxmemory", strconv.FormatInt(s.cfg.MaxMemory, 10), "--maxmemory-policy", "noeviction"}, s.args...)...)
	p.cmd.Dir = s.dir
	p.cmd.Stdout, p.cmd.Stderr = p.out, p.out
	p.cmd.ExtraFiles = []*os.File{s.lock}
	p.cmd.WaitDelay = 2 * time.Second
	bindToUs(p.cmd)
	started := make(chan error)
	go func() {
		keepThread()
		err := p.cmd.Start()
		started <- err
		if err == nil {
			p.err = p.cmd.Wait()
			close(p.done)
		}
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start %s: %w", s.binary, err)
	}
	return p, nil
}

// alive reports whether the server takes commands, having read all it has.
func alive(ctx context.Context, socket string) bool {
	reply, err := say(ctx, socket, "PING")
	return err == nil && strings.HasPrefix(reply, "+PONG")
}

// say sends one command and reads the first line of the answer.
func say(ctx context.Context, socket, command string) (string, error) {
	d := net.Dialer{Timeout: time.Second}
	c, err := d.DialContext(ctx, "unix", socket)
	if err != nil {
		return "", err
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(2 * time.Second))
	if _, err := c.Write([]byte(command + "\r\n")); err != nil {
		return "", err
	}
	return bufio.NewReader(c).ReadString('\n')
}

// supervise starts the server again whenever it ends unasked.
func (s *server) supervise() {
	defer close(s.ended)
	wait := restartLeast
	for {
		s.mu.Lock()
		p := s.process
		s.mu.Unlock()
		<-p.done
		if s.isStopping() {
			return
		}
		s.log.Error("redis-server ended and is started again", zap.Error(p.err), zap.String("said", p.out.last()))
		if time.Since(p.born) > longEnough {
			wait = restartLeast
		}
		for {
			select {
			case <-s.halt:
				return
			case <-time.After(wait):
			}
			wait = min(2*wait, restartMost)
			err := s.start(context.Background())
			if err == nil {
				s.log.Info("redis-server is back")
				break
			}
			if errors.Is(err, errDamaged) {
				s.log.Error("redis-server is not started again", zap.Error(err))
				s.mu.Lock()
				s.err = err
				s.mu.Unlock()
				close(s.failed)
				return
			}
			s.log.Error("redis-server could not be started", zap.Error(err), zap.Duration("again_in", wait))
		}
	}
}

func (s *server) isStopping() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stopping
}

func (s *server) failure() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// pid is the process now, 0 if there is none.
func (s *server) pid() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case <-s.process.done:
		return 0
	default:
		return s.process.cmd.Process.Pid
	}
}

// stop ends the server in good order and waits for it. It may be called twice.
func (s *server) stop() error {
	s.mu.Lock()
	again := s.stopping
	s.stopping = true
	p := s.process
	s.mu.Unlock()
	if again {
		return nil
	}
	close(s.halt)
	err := s.end(p)
	<-s.ended
	s.mu.Lock()
	latest := s.process // it may just have been started again
	s.mu.Unlock()
	if latest != p {
		err = errors.Join(err, s.end(latest))
	}
	return errors.Join(err, s.release())
}

// end asks a process to write what it has and end; it insists after a while.
func (s *server) end(p *process) error {
	ctx, cancel := context.WithTimeout(context.Background(), stopWait)
	defer cancel()
	if _, err := say(ctx, s.socket, "SHUTDOWN"); err == nil { // an answer is a refusal: it closes otherwise
		_ = p.cmd.Process.Signal(syscall.SIGTERM)
	}
	select {
	case <-p.done:
		return nil
	case <-time.After(stopWait / 2):
	}
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.done:
		return nil
	case <-ctx.Done():
	}
	_ = p.cmd.Process.Kill()
	<-p.done
	return errors.New("redis-server did not end by itself and was killed")
}

// release gives the directory free.
func (s *server) release() error {
	if s.short != "" {
		_ = os.RemoveAll(s.short)
	}
	return s.lock.Close()
}

// serverLog passes what the server prints to our log, and keeps the last lines
// for errors.
type serverLog struct {
	log   *zap.Logger
	mu    sync.Mutex
	part  []byte
	lines []string
	up    bool // what is called a warning before is the server's greeting
}

// Write implements io.Writer.
func (l *serverLog) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.part = append(l.part, b...)
	for {
		line, rest, found := bytes.Cut(l.part, []byte("\n"))
		if !found {
			if len(l.part) > 4096 {
				l.part = l.part[:0]
			}
			return len(b), nil
		}
		l.line(string(bytes.TrimSpace(line)))
		l.part = rest
	}
}

// line handles one, of the form "PID:ROLE DATE # text": the sign before the
// text is the level, # a warning and * a notice.
func (l *serverLog) line(text string) {
	if text == "" {
		return
	}
	warning := l.up && strings.Contains(text, " # ")
	for _, sign := range []string{" # ", " * ", " - ", " . "} {
		if _, after, ok := strings.Cut(text, sign); ok {
			text = after
			break
		}
	}
	l.lines = append(l.lines, text)
	if len(l.lines) > 8 {
		l.lines = l.lines[1:]
	}
	if warning {
		l.log.Warn("redis-server", zap.String("said", text))
		return
	}
	l.log.Debug("redis-server", zap.String("said", text))
}

// settled says that the server answers: from now on its warnings are some.
func (l *serverLog) settled() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.up = true
}

func (l *serverLog) last() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Join(l.lines, " | ")
}
