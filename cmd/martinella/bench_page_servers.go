package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/spf13/cobra"
)

// pageServer is one of the servers that are measured, with the client's
// connections to it.
type pageServer struct {
	name, base string
	pids       func() []int // its processes
	close      func()

	conns   []net.Conn
	readers []*bufio.Reader
	request []byte
	status  []byte
}

// connect opens the connections for one kind of answer.
func (s *pageServer) connect(ctx context.Context, connections int, answer string) error {
	host := strings.TrimPrefix(s.base, "http://")
	var request strings.Builder
	request.WriteString("GET / HTTP/1.1\r\nHost: " + host + "\r\n")
	for _, h := range pageAsk {
		request.WriteString(h[0] + ": " + h[1] + "\r\n")
	}
	s.status = []byte("HTTP/1.1 200 ")
	if answer == "304" {
		etag, err := s.etag(ctx)
		if err != nil {
			return err
		}
		request.WriteString("If-None-Match: " + etag + "\r\n")
		s.status = []byte("HTTP/1.1 304 ")
	}
	s.request = []byte(request.String() + "\r\n")
	for range connections {
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", host)
		if err != nil {
			s.hangUp()
			return err
		}
		s.conns, s.readers = append(s.conns, conn), append(s.readers, bufio.NewReader(conn))
	}
	return nil
}

// etag is the server's own name of its page.
func (s *pageServer) etag(ctx context.Context) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.base+"/", nil)
	if err != nil {
		return "", err
	}
	for _, h := range pageAsk {
		req.Header.Set(h[0], h[1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	if etag := resp.Header.Get("ETag"); etag != "" {
		return etag, nil
	}
	return "", errors.New("the page has no ETag")
}

func (s *pageServer) hangUp() {
	for _, c := range s.conns {
		_ = c.Close() // nothing is under way
	}
	s.conns, s.readers = nil, nil
}

// turn sends so many requests, spread over the connections, and gives the
// answers a second and the server's processor time for one, in microseconds.
func (s *pageServer) turn(requests int) (rate, micros float64, err error) {
	errs := make([]error, len(s.conns))
	before, began := s.time(), time.Now()
	var all sync.WaitGroup
	for i := range s.conns {
		all.Go(func() {
			for range max(requests/len(s.conns), 1) {
				if errs[i] = s.ask(i); errs[i] != nil {
					return
				}
			}
		})
	}
	all.Wait()
	took := time.Since(began)
	n := float64(max(requests/len(s.conns), 1) * len(s.conns))
	rate, micros = n/took.Seconds(), float64(s.time()-before)/1e3/n
	renewed := false
	for _, err := range errs {
		if err != nil && !errors.Is(err, errRenewed) {
			return rate, micros, err // one is enough
		}
		renewed = renewed || err != nil
	}
	if renewed {
		return rate, micros, errRenewed
	}
	return rate, micros, nil
}

// errRenewed: the page became another one while its reader was told that it has
// it. A page says when it was made, so this happens once a minute: the turn is
// taken again.
var errRenewed = errors.New("the page is new")

func (s *pageServer) time() time.Duration {
	var sum time.Duration
	for _, pid := range s.pids() {
		t, err := processTime(pid)
		if err == nil {
			sum += t
		}
	}
	return sum
}

// ask sends one request on a connection and reads past the answer.
func (s *pageServer) ask(i int) error {
	if _, err := s.conns[i].Write(s.request); err != nil {
		return err
	}
	r, length := s.readers[i], 0
	for first := true; ; first = false {
		line, err := r.ReadSlice('\n')
		if err != nil {
			return err
		}
		if first && !bytes.HasPrefix(line, s.status) {
			if bytes.HasPrefix(line, []byte("HTTP/1.1 200 ")) {
				return errRenewed
			}
			return fmt.Errorf("the answer is %q", line)
		}
		if len(line) <= 2 {
			break
		}
		const name = "content-length:"
		if len(line) > len(name) && bytes.EqualFold(line[:len(name)], []byte(name)) {
			if length, err = strconv.Atoi(string(bytes.TrimSpace(line[len(name):]))); err != nil {
				return err
			}
		}
	}
	_, err := r.Discard(length)
	return err
}

// benchBareCommand is the floor of bench page, as a child.
func benchBareCommand(sh shell) *cobra.Command {
	return &cobra.Command{
		Use:    "bare",
		Hidden: true,
		Short:  "A bare handler that gives one answer",
		Long: `Serve one answer, which comes over standard input as JSON, from a bare net/http
handler on loopback, and print its address. bench page starts it to have
something to measure a gateway against.`,
		Example: "  martinella bench bare",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var a pageAnswer
			if err := json.NewDecoder(sh.in).Decode(&a); err != nil {
				return usage(fmt.Errorf("the answer cannot be read: %w", err), "martinella bench page starts this itself")
			}
			l, err := new(net.ListenConfig).Listen(cmd.Context(), "tcp", "127.0.0.1:0")
			if err != nil {
				return err
			}
			server := &http.Server{Handler: a.handler(), ReadHeaderTimeout: 5 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 16 << 10}
			stop := context.AfterFunc(cmd.Context(), func() { _ = server.Close() })
			defer stop()
			if _, err := fmt.Fprintln(sh.out, l.Addr()); err != nil {
				return err
			}
			if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
				return err
			}
			return nil
		},
	}
}

// handler gives the answer, header by header and byte by byte, and 304 to who
// names its ETag.
func (a *pageAnswer) handler() http.Handler {
	known := a.Header.Clone()
	for _, name := range []string{"Content-Type", "Content-Length", "Content-Encoding"} {
		known.Del(name)
	}
	etag := a.Header.Get("ETag")
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if has := r.Header.Get("If-None-Match"); has != "" && has == etag {
			maps.Copy(w.Header(), known)
			w.WriteHeader(http.StatusNotModified)
			return
		}
		maps.Copy(w.Header(), a.Header)
		w.WriteHeader(http.StatusOK)
		_, _ = w.Write(a.Body)
	})
}

func startBare(_ context.Context, sh shell, page *pageAnswer) (*pageServer, error) {
	exe, err := os.Executable()
	if err != nil {
		return nil, err
	}
	b, err := json.Marshal(page)
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(exe, "bench", "bare")
	cmd.Stdin, cmd.Stderr, cmd.Env = bytes.NewReader(b), sh.err, benchEnv(sh)
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	end := func() {
		_ = cmd.Process.Kill() // it keeps nothing
		_ = cmd.Wait()
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		end()
		return nil, fmt.Errorf("the bare handler did not start: %w", err)
	}
	return &pageServer{name: "bare", base: "http://" + strings.TrimSpace(line), pids: func() []int { return []int{cmd.Process.Pid} }, close: end}, nil
}

// nginxConfig serves one file with given headers from memory.
const nginxConfig = `daemon off; pid %[1]s/pid; error_log stderr crit; worker_processes auto;
events { worker_connections 12000; }
http {
 access_log off; sendfile on; tcp_nopush on; keepalive_timeout 120s; keepalive_requests 1000000000; open_file_cache max=10 inactive=1h; server_tokens off;
 client_body_temp_path %[1]s/b; proxy_temp_path %[1]s/p; fastcgi_temp_path %[1]s/f; uwsgi_temp_path %[1]s/u; scgi_temp_path %[1]s/s;
 server { listen %[2]s; root %[1]s/site; index index.html; types {} default_type %[3]s;
%[4]s }
}
`

// startNginx serves the same bytes and headers from nginx; nil where it is not
// installed.
func startNginx(ctx context.Context, sh shell, page *pageAnswer) (s *pageServer, err error) {
	path, err := exec.LookPath("nginx")
	if err != nil {
		return nil, nil // it is only reported beside
	}
	dir, err := os.MkdirTemp("", "martinella-bench-nginx-")
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			_ = os.RemoveAll(dir)
		}
	}()
	// Workers of a root's nginx are another user, who must be able to read.
	if err := errors.Join(os.Chmod(dir, 0o755), os.Mkdir(filepath.Join(dir, "site"), 0o755), os.WriteFile(filepath.Join(dir, "site", "index.html"), page.Body, 0o644)); err != nil { //nolint:gosec // a page for everybody
		return nil, err
	}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	address := l.Addr().String()
	_ = l.Close() // nginx opens it itself
	var headers strings.Builder
	for _, name := range slices.Sorted(maps.Keys(page.Header)) {
		if name == "Content-Type" || name == "Content-Length" || name == "Etag" {
			continue // nginx writes its own
		}
		for _, v := range page.Header[name] {
			fmt.Fprintf(&headers, "  add_header %s %s;\n", name, strconv.Quote(v))
		}
	}
	text := fmt.Sprintf(nginxConfig, dir, address, strconv.Quote(page.Header.Get("Content-Type")), headers.String())
	config := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		return nil, err
	}
	cmd := exec.Command(path, "-p", dir, "-c", config, "-e", "stderr")
	cmd.Stderr, cmd.Env = sh.err, benchEnv(sh)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	ended := make(chan struct{})
	go func() { defer close(ended); _ = cmd.Wait() }()
	s = &pageServer{name: "nginx", base: "http://" + address, pids: func() []int { return childrenOf(cmd.Process.Pid) }, close: func() {
		_ = cmd.Process.Signal(syscall.SIGTERM) // it may have ended
		<-ended
		_ = os.RemoveAll(dir) // the system clears its temporary folders
	}}
	for range 200 {
		if _, err := s.etag(ctx); err == nil {
			return s, nil
		}
		select {
		case <-ended:
			return nil, errors.New("nginx ended at its start")
		case <-time.After(20 * time.Millisecond):
		}
	}
	s.close()
	return nil, errors.New("nginx does not answer")
}

// childrenOf gives a process and its children.
func childrenOf(pid int) []int {
	all := []int{pid}
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
	if err != nil {
		return all
	}
	for child := range strings.FieldsSeq(string(b)) {
		if n, err := strconv.Atoi(child); err == nil {
			all = append(all, n)
		}
	}
	return all
}
