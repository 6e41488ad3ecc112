package ledger

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"iter"
)

// Media is the type of an export: one JSON value a line.
const Media = "application/x-ndjson"

// exportVersion is that of the format which this program writes and reads.
const exportVersion = 1

// heading is the first line of an export.
type heading struct {
	V    int    `json:"v"`
	Key  string `json:"key"`
	Head string `json:"head"`
}

// Write writes an export: a line with key and head, and one for each entry. It
// ends with the first error of entries or w.
func Write(w io.Writer, key Key, head Signed, entries iter.Seq2[Entry, error]) error {
	out := bufio.NewWriterSize(w, 64<<10)
	first, err := json.Marshal(heading{exportVersion, key.String(), string(head.Note)})
	if err != nil {
		return err
	}
	if _, err := out.Write(append(first, '\n')); err != nil {
		return err
	}
	var buf []byte
	for e, err := range entries {
		if err != nil {
			return err
		}
		buf = append(e.append(buf[:0]), '\n')
		if _, err := out.Write(buf); err != nil {
			return err
		}
	}
	return out.Flush()
}

// lineLimit bounds a line of an export that is read.
const lineLimit = 1 << 20

// errTooLong is the error of a longer one.
var errTooLong = errors.New("is longer than any entry")

// lines reads an export line by line, in bounded memory.
type lines struct{ in *bufio.Reader }

func newLines(r io.Reader) lines { return lines{bufio.NewReaderSize(r, 64<<10)} }

// next gives a line without its end; io.EOF after the last one. Of a line that
// is too long only the beginning comes.
func (l lines) next() ([]byte, error) {
	var line []byte
	long := false
	for {
		part, err := l.in.ReadSlice('\n')
		if room := lineLimit - len(line); len(part) > room {
			part, long = part[:room], true
		}
		line = append(line, part...)
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case errors.Is(err, io.EOF) && len(line) == 0:
			return nil, io.EOF
		case err != nil && !errors.Is(err, io.EOF):
			return nil, err
		case long:
			return line[:1<<10], errTooLong
		}
		return trimEnd(line), nil
	}
}

// trimEnd takes off the end of a line, as any system writes it.
func trimEnd(line []byte) []byte {
	if n := len(line); n > 0 && line[n-1] == '\n' {
		line = line[:n-1]
	}
	if n := len(line); n > 0 && line[n-1] == '\r' {
		line = line[:n-1]
	}
	return line
}

// readHeading reads the first line.
func readHeading(b []byte) (heading, error) {
	var h heading
	if err := json.Unmarshal(b, &h); err != nil || h.Key == "" || h.Head == "" {
		return h, errors.New("this is not the export of a ledger")
	}
	if h.V != exportVersion {
		return h, errors.New("the export is of another format: verify it with the program that wrote it")
	}
	return h, nil
}
