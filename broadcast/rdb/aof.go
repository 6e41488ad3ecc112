package rdb

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"go.uber.org/zap"
)

// After a power loss the last append-only file may end in zeros, garbage or
// half a command, and then redis-server refuses to start. What is cut off at
// the very end was never acknowledged and may go; damage before commands that
// are whole must never be cut silently, since redis-check-aof --fix would
// remove everything after it.

// mostGarbage is how much may be cut off that is no beginning of a command.
const mostGarbage = 64 << 10

// errDamaged is the error of an append-only file that a person must look at.
var errDamaged = errors.New("the append-only file is damaged, and not only at its end: nothing was changed. " +
	"Restore a backup; or, knowing that everything after the damage is lost, run redis-check-aof --fix on it")

// repairTail looks at the last file of the append-only directory and cuts off
// an unfinished end, after copying the directory beside itself.
func repairTail(dir string, log *zap.Logger) error {
	aof := filepath.Join(dir, "appendonlydir")
	name, err := lastFile(filepath.Join(aof, "appendonly.aof.manifest"))
	if err != nil || name == "" {
		return err
	}
	path := filepath.Join(aof, name)
	end, err := scanFile(path)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if end.whole == end.size {
		return nil
	}
	if err := end.judge(path); err != nil {
		return fmt.Errorf("%s, good up to byte %d of %d: %w", path, end.whole, end.size, err)
	}
	backup := filepath.Join(dir, "appendonlydir.before-repair-"+time.Now().UTC().Format("20060102T150405.000"))
	if err := os.CopyFS(backup, os.DirFS(aof)); err != nil {
		return fmt.Errorf("copy before repair: %w", err)
	}
	if err := cut(path, end.whole); err != nil {
		return fmt.Errorf("cut %s: %w", name, err)
	}
	log.Warn("the end of the append-only file was unfinished and was cut off; what was acknowledged is all there",
		zap.String("file", path), zap.Int64("bytes", end.size-end.whole), zap.String("copy", backup))
	return nil
}

func cut(path string, size int64) error {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	return errors.Join(f.Truncate(size), f.Sync(), f.Close())
}

// lastFile reads the manifest: lines "file NAME seq N type i" in order. "" if
// there is no manifest, or no incremental file yet.
func lastFile(manifest string) (last string, err error) {
	b, err := os.ReadFile(manifest)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	for line := range strings.Lines(string(b)) {
		f := strings.Fields(line)
		if len(f) == 6 && f[0] == "file" && f[4] == "type" && f[5] == "i" && filepath.Base(f[1]) == f[1] {
			last = f[1]
		}
	}
	if _, err := os.Stat(filepath.Join(filepath.Dir(manifest), last)); errors.Is(err, fs.ErrNotExist) {
		return "", nil // redis-server says what it misses
	}
	return last, nil
}

// tail is how an append-only file ends.
type tail struct {
	size  int64
	whole int64 // bytes of whole commands and transactions
	bad   int64 // where the element begins that cannot be read
	torn  bool  // the file just ends there, within a command or transaction
}

// commandStart is how the next command looks inside bytes that were taken for
// something else.
var commandStart = regexp.MustCompile(`\r\n\*[0-9]{1,7}\r\n\$[0-9]{1,9}\r\n`)

// judge reports whether cutting the tail off loses nothing that is whole.
func (t tail) judge(path string) error {
	if !t.torn && t.size-t.whole > mostGarbage {
		return errDamaged
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	rest, err := io.ReadAll(io.NewSectionReader(f, t.bad, t.size-t.bad))
	if err != nil {
		return err
	}
	if commandStart.Match(rest) || bytes.HasPrefix(rest, []byte("*")) && !t.torn && commandStart.Match(append([]byte("\r\n"), rest[1:]...)) {
		return errDamaged
	}
	return nil
}

// scanFile reads the commands of an append-only file (redis.io, "Redis
// serialization protocol"): arrays of bulk strings, and notes after #. What
// stands between MULTI and EXEC counts only as a whole.
func scanFile(path string) (t tail, err error) {
	f, err := os.Open(path)
	if err != nil {
		return t, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return t, err
	}
	t.size = info.Size()
	s := &scanner{in: bufio.NewReaderSize(f, 1<<20)}
	if head, _ := s.in.Peek(5); string(head) == "REDIS" {
		t.whole = t.size // a snapshot in front: redis-server judges it
		return t, nil
	}
	inside := false
	for s.at < t.size {
		name, err := s.command()
		if err != nil {
			t.bad, t.torn = s.begin, errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
			return t, nil
		}
		switch name {
		case "MULTI":
			inside = true
		case "EXEC":
			inside = false
		}
		if !inside {
			t.whole = s.at
		}
	}
	t.bad, t.torn = s.at, t.whole < t.size
	return t, nil
}

type scanner struct {
	in    *bufio.Reader
	at    int64 // bytes read
	begin int64 // of the element being read
}

var errFormat = errors.New("not a command")

// command reads one command and gives its name in capitals, "" for a note.
func (s *scanner) command() (name string, err error) {
	s.begin = s.at
	first, err := s.in.Peek(1)
	if err != nil {
		return "", err
	}
	if first[0] == '#' {
		_, err := s.line()
		return "", err
	}
	n, err := s.number('*')
	if err != nil {
		return "", err
	}
	for i := range n {
		s.begin = s.at
		length, err := s.number('$')
		if err != nil {
			return "", err
		}
		if i == 0 && length <= 32 {
			b := make([]byte, length)
			m, err := io.ReadFull(s.in, b)
			s.at += int64(m)
			if err != nil {
				return "", err
			}
			name = strings.ToUpper(string(b))
		} else {
			m, err := io.CopyN(io.Discard, s.in, length)
			s.at += m
			if err != nil {
				return "", err
			}
		}
		var end [2]byte
		m, err := io.ReadFull(s.in, end[:])
		s.at += int64(m)
		if err != nil {
			return "", err
		}
		if string(end[:]) != "\r\n" {
			return "", errFormat
		}
	}
	return name, nil
}

// number reads a line of a sign and a number that is not negative.
func (s *scanner) number(sign byte) (int64, error) {
	text, err := s.line()
	if len(text) > 0 && text[0] != sign {
		return 0, errFormat
	}
	if err != nil {
		return 0, err
	}
	n, err := strconv.ParseInt(strings.TrimSuffix(text[1:], "\r"), 10, 32)
	if err != nil || n < 0 || !strings.HasSuffix(text, "\r") {
		return 0, errFormat
	}
	return n, nil
}

// line reads up to the next line feed, which it leaves out; longer than 64
// bytes is none of ours.
func (s *scanner) line() (string, error) {
	var b []byte
	for len(b) < 64 {
		c, err := s.in.ReadByte()
		if err != nil {
			return string(b), io.ErrUnexpectedEOF
		}
		s.at++
		if c == '\n' {
			if len(b) == 0 {
				return "", errFormat
			}
			return string(b), nil
		}
		b = append(b, c)
	}
	return "", errFormat
}
