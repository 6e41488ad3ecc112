package smpp

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// swallowEnv makes the test binary an SMSC that takes everything: a process of
// its own, so that its work is not counted as ours.
const swallowEnv = "MARTINELLA_TEST_SWALLOW"

func TestMain(m *testing.M) {
	if after := os.Getenv(swallowEnv); after != "" {
		swallowAll(after)
		return
	}
	os.Exit(m.Run())
}

// swallowed is what the SMSC says of itself.
type swallowed struct {
	Addr    string
	Submits int64
	CPU     time.Duration
}

// swallowAll listens, prints where, and for each line on stdin what it has
// done; it ends with its stdin.
func swallowAll(after string) {
	wait, err := time.ParseDuration(after)
	if err != nil {
		panic(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	var submits atomic.Int64
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go swallow(conn, wait, &submits)
		}
	}()
	out := json.NewEncoder(os.Stdout)
	in := bufio.NewScanner(os.Stdin)
	for more := true; more; more = in.Scan() {
		if err := out.Encode(swallowed{l.Addr().String(), submits.Load(), processorTime()}); err != nil {
			return
		}
	}
}

// late is an answer that waits for its time.
type late struct {
	due time.Time
	seq uint32
	id  int64
}

// swallow answers whatever it can as the bind, the submits after the wait.
func swallow(conn net.Conn, wait time.Duration, submits *atomic.Int64) {
	defer conn.Close()
	queue := make(chan late, 1<<16)
	defer close(queue)
	if wait > 0 {
		go answerLate(conn, queue)
	}
	r := bufio.NewReaderSize(conn, 64<<10)
	var buf, out []byte
	for {
		var err error
		if buf, err = readFrame(r, buf); err != nil {
			return
		}
		header := fields{rest: buf[4:headerSize]}
		asked, _, seq := command(header.word()), header.word(), header.word()
		if asked == submitSM {
			id := submits.Add(1)
			if wait > 0 {
				queue <- late{time.Now().Add(wait), seq, id}
				continue
			}
			out = appendAnswer(out, asked, seq, id)
		} else {
			out = appendAnswer(out, asked, seq, 0)
		}
		if r.Buffered() > 0 && len(out) < 32<<10 {
			continue
		}
		if _, err := conn.Write(out); err != nil {
			return
		}
		out = out[:0]
	}
}

func answerLate(conn net.Conn, queue chan late) {
	var out []byte
	for l := range queue {
		if d := time.Until(l.due); d > 0 {
			if len(out) > 0 {
				if _, err := conn.Write(out); err != nil {
					return
				}
				out = out[:0]
			}
			time.Sleep(time.Until(l.due)) // an SMSC that takes its time; no test waits by it
		}
		if out = appendAnswer(out, submitSM, l.seq, l.id); len(queue) == 0 || len(out) > 32<<10 {
			if _, err := conn.Write(out); err != nil {
				return
			}
			out = out[:0]
		}
	}
}

func appendAnswer(b []byte, asked command, seq uint32, id int64) []byte {
	answer := pdu{command: asked.response(), seq: seq}
	switch asked {
	case submitSM:
		answer.body = &messageAnswer{strconv.FormatInt(id, 10)}
	case bindTransceiver:
		answer.body = &bindAnswer{"SMSC"}
	}
	b, err := appendPDU(b, answer)
	if err != nil {
		panic(err)
	}
	return b
}

func (f *fields) word() uint32 {
	b := f.octets(4)
	return uint32(b[0])<<24 | uint32(b[1])<<16 | uint32(b[2])<<8 | uint32(b[3])
}

func processorTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// startSwallowing starts the process; ask gives its counts so far.
func startSwallowing(tb testing.TB, after time.Duration) (addr string, ask func() swallowed) {
	tb.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), swallowEnv+"="+after.String())
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		tb.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		tb.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { stdin.Close(); _ = cmd.Wait() }) // it ends with its stdin
	lines := json.NewDecoder(stdout)
	read := func() swallowed {
		var s swallowed
		if err := lines.Decode(&s); err != nil {
			tb.Fatalf("the SMSC says nothing: %v", err)
		}
		return s
	}
	first := read()
	return first.Addr, func() swallowed {
		if _, err := fmt.Fprintln(stdin); err != nil {
			tb.Fatal(err)
		}
		return read()
	}
}
