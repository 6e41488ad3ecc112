package swarm

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"time"
)

// Floor is a child process that runs [ServeFloor]. Its methods block until the
// child has answered; one goroutine at a time calls them.
type Floor struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
	url string
}

// Fanout is what the floor says of one command: when it began and ended to
// write, on the clock of [Now], and what that took of its processors.
type Fanout struct {
	Start   int64         `json:"start"`
	End     int64         `json:"end"`
	CPU     time.Duration `json:"cpu_ns"`
	Sockets int           `json:"sockets"`
	Writes  int64         `json:"writes"`
	Waits   int64         `json:"waits"` // for a socket whose buffer was full
}

// floorAnswer is one line that the child writes.
type floorAnswer struct {
	URL   string `json:"url,omitempty"`
	Error string `json:"error,omitempty"`
	Fanout
}

// StartFloor starts a program that runs [ServeFloor] on its standard input and
// output.
func StartFloor(cmd *exec.Cmd) (*Floor, error) {
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("floor: %w", err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("floor: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("floor: %w", err)
	}
	f := &Floor{cmd: cmd, in: in, out: bufio.NewReader(out)}
	a, err := f.answer()
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	f.url = a.URL
	return f, nil
}

// URL is where clients connect.
func (f *Floor) URL() string { return f.url }

// PID is that of the child.
func (f *Floor) PID() int { return f.cmd.Process.Pid }

// Fan writes so many messages of size bytes back to back to every socket, one
// write(2) for each message and socket, and returns when all are written. The
// messages have the form of the live feed's, with growing cursors.
func (f *Floor) Fan(size, messages int) (Fanout, error) {
	a, err := f.ask(fmt.Sprintf("fan %d %d", size, messages))
	return a.Fanout, err
}

// Sockets is how many are connected.
func (f *Floor) Sockets() (int, error) {
	a, err := f.ask("count")
	return a.Sockets, err
}

// Drop closes all sockets.
func (f *Floor) Drop() error {
	_, err := f.ask("drop")
	return err
}

// Close ends the child and waits for it.
func (f *Floor) Close() error {
	if err := errors.Join(f.in.Close(), f.cmd.Wait()); err != nil {
		return fmt.Errorf("floor: %w", err)
	}
	return nil
}

func (f *Floor) ask(line string) (floorAnswer, error) {
	if _, err := io.WriteString(f.in, line+"\n"); err != nil {
		return floorAnswer{}, fmt.Errorf("floor: %w", err)
	}
	return f.answer()
}

func (f *Floor) answer() (floorAnswer, error) {
	var a floorAnswer
	line, err := f.out.ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(line, &a)
	}
	if err == nil && a.Error != "" {
		err = errors.New(a.Error)
	}
	if err != nil {
		return a, fmt.Errorf("floor: %w", err)
	}
	return a, nil
}

// floorMessage is a message of the live feed's form with size bytes, as near as
// its fixed parts allow.
func floorMessage(number, size int) []byte {
	b := fmt.Appendf(nil, `{"type":"alert","cursor":"floor-%d-0","headline":"`, number)
	const end = `"}`
	return append(append(b, strings.Repeat("x", max(size-len(b)-len(end), 0))...), end...)
}
