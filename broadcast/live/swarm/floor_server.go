//go:build linux

package swarm

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"sync"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// floorThreads is how many threads write.
const floorThreads = 2

// floorServer is the least that a fan-out can be: WebSocket handshakes, and
// then one write(2) for each message and socket, without a scheduler between
// (raw system calls on sockets that do not block, poll(2) where one is full).
// It reads nothing after the handshake and sends no pings.
type floorServer struct {
	listener int
	number   int // of the last message

	mu      sync.Mutex
	sockets []int32
}

// ServeFloor listens on a free port of 127.0.0.1 and obeys the lines of in,
// each answered by a line of JSON, until in ends or ctx does (which is seen
// when the line that is read has come): "fan SIZE COUNT", "count", "drop". The
// first line that it writes names its address.
func ServeFloor(ctx context.Context, in io.Reader, out io.Writer) error {
	f := &floorServer{}
	port, err := f.listen()
	if err != nil {
		return fmt.Errorf("floor: %w", err)
	}
	stop := make(chan struct{})
	var accepting sync.WaitGroup
	accepting.Go(func() { f.accept(stop) })
	defer func() {
		close(stop)
		accepting.Wait()
		f.drop()
		_ = unix.Close(f.listener)
	}()
	answer := json.NewEncoder(out)
	if err := answer.Encode(floorAnswer{URL: fmt.Sprintf("ws://127.0.0.1:%d/", port)}); err != nil {
		return fmt.Errorf("floor: %w", err)
	}
	lines := bufio.NewScanner(in)
	for ctx.Err() == nil && lines.Scan() {
		if err := answer.Encode(f.obey(lines.Text())); err != nil {
			return fmt.Errorf("floor: %w", err)
		}
	}
	return lines.Err()
}

// obey does what one line says.
func (f *floorServer) obey(line string) floorAnswer {
	var size, count int
	switch line {
	case "count":
		f.mu.Lock()
		defer f.mu.Unlock()
		return floorAnswer{Fanout: Fanout{Sockets: len(f.sockets)}}
	case "drop":
		f.drop()
		return floorAnswer{}
	}
	if n, err := fmt.Sscanf(line, "fan %d %d", &size, &count); n != 2 || err != nil || size < 0 || size > frameLimit || count < 1 || count > 1<<16 {
		return floorAnswer{Error: fmt.Sprintf("the command %q is unknown", line)}
	}
	done, err := f.fan(size, count)
	if err != nil {
		return floorAnswer{Error: err.Error()}
	}
	return floorAnswer{Fanout: done}
}

func (f *floorServer) listen() (port int, err error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, err
	}
	f.listener = fd
	if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		return 0, err
	}
	if err := unix.Listen(fd, 4096); err != nil {
		return 0, err
	}
	at, err := unix.Getsockname(fd)
	if err != nil {
		return 0, err
	}
	return at.(*unix.SockaddrInet4).Port, nil
}

// accept takes one client after the other until stop is closed.
func (f *floorServer) accept(stop <-chan struct{}) {
	buffer := make([]byte, answerLimit)
	for {
		select {
		case <-stop:
			return
		default:
		}
		fd, _, err := unix.Accept4(f.listener, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
		if err != nil {
			_, _ = ready(f.listener, unix.POLLIN, 100*time.Millisecond) // then look at stop again
			continue
		}
		answer, err := greet(fd, buffer)
		if err != nil {
			_ = unix.Close(fd)
			continue
		}
		_ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1) // as Go's net does
		// Counted before it is answered: who reads the answer gets what comes.
		f.mu.Lock()
		f.sockets = append(f.sockets, int32(fd))
		_, _ = unix.Write(fd, answer) // a client that is gone fails the next fan
		f.mu.Unlock()
	}
}

// greetPatience is how long a client may take for its request.
const greetPatience = 5 * time.Second

// greet reads a handshake and gives the answer to it (RFC 6455, section 4.2).
func greet(fd int, buffer []byte) ([]byte, error) {
	got := 0
	for end := -1; end < 0; end = bytes.Index(buffer[:got], []byte("\r\n\r\n")) {
		if ok, err := ready(fd, unix.POLLIN, greetPatience); !ok || err != nil {
			return nil, errors.Join(errors.New("no request came"), err)
		}
		n, err := unix.Read(fd, buffer[got:])
		if err != nil || n <= 0 {
			return nil, errors.Join(errors.New("the request has no end"), err)
		}
		got += n
	}
	_, header := readAnswer(buffer[:got])
	key := header("Sec-WebSocket-Key")
	if key == "" {
		return nil, errors.New("the request is no WebSocket handshake")
	}
	return fmt.Appendf(nil, "HTTP/1.1 %d Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n", http.StatusSwitchingProtocols, acceptOf(key)), nil
}

// ready waits until a descriptor can be read or written.
func ready(fd int, events int16, patience time.Duration) (bool, error) {
	end := time.Now().Add(patience)
	for {
		left := max(time.Until(end), 0)
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: events}}, int(left/time.Millisecond)+1)
		if err != unix.EINTR {
			return n > 0, err
		}
	}
}

func (f *floorServer) drop() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, fd := range f.sockets {
		_ = unix.Close(int(fd))
	}
	f.sockets = nil
}

// fan writes count messages to every socket, each thread to its half.
func (f *floorServer) fan(size, count int) (Fanout, error) {
	frames := make([][]byte, count)
	for i := range frames {
		f.number++
		frames[i] = wholeFrame(opText, floorMessage(f.number, size))
	}
	f.mu.Lock()
	sockets := f.sockets
	f.mu.Unlock()
	done := Fanout{Sockets: len(sockets)}
	var writing, waiting sync.WaitGroup
	begin := make(chan struct{})
	parts := [floorThreads]struct {
		writes, waits int64
		err           error
	}{}
	for t := range floorThreads {
		part := sockets[t*len(sockets)/floorThreads : (t+1)*len(sockets)/floorThreads]
		waiting.Add(1)
		writing.Go(func() {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			waiting.Done()
			<-begin
			p := &parts[t]
			for _, frame := range frames {
				for _, fd := range part {
					waits, err := put(fd, frame)
					p.waits += waits
					p.writes++
					if err != nil && p.err == nil {
						p.err = err
					}
				}
			}
		})
	}
	waiting.Wait()
	used := usage()
	done.Start = Now()
	close(begin)
	writing.Wait()
	done.End = Now()
	done.CPU = usage() - used
	for _, p := range parts {
		done.Writes += p.writes
		done.Waits += p.waits
		if p.err != nil {
			return done, fmt.Errorf("write: %w", p.err)
		}
	}
	return done, nil
}

// put writes a frame; where the socket is full it waits.
func put(fd int32, b []byte) (waits int64, err error) {
	for len(b) > 0 {
		n, _, errno := syscall.RawSyscall(syscall.SYS_WRITE, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b))) //nolint:gosec // G103: as syscall does it
		switch errno {
		case 0:
			b = b[n:]
		case syscall.EINTR:
		case syscall.EAGAIN:
			waits++
			if ok, err := ready(int(fd), unix.POLLOUT, time.Minute); !ok || err != nil {
				return waits, errors.Join(errors.New("a client does not read"), err)
			}
		default:
			return waits, errno
		}
	}
	return waits, nil
}

// usage is the processor time of this process so far.
func usage() time.Duration {
	var r unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &r); err != nil {
		panic("swarm: a process always has a usage: " + err.Error())
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}
