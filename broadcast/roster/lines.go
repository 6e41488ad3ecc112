package roster

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
)

// The limits of one row: a quote that is not closed must not swallow the file.
const (
	rowBytes = 64 << 10
	rowLines = 20
)

var (
	errTooLong  = errors.New("the row is longer than 64 KiB")
	errNoClose  = errors.New("a quotation mark is not closed")
	errMisquote = errors.New("a quotation mark stands within a field that is not quoted")
)

// lines reads rows of CSV. A row that cannot be read is an error for that row
// alone; the next line goes on.
type lines struct {
	in    *bufio.Reader
	back  [][]byte // physical lines that were read ahead in vain
	line  int      // physical lines given so far
	comma rune
}

func newLines(in io.Reader) *lines {
	// UTF-16, which spreadsheets call Unicode text, is told by its mark; what has
	// none is UTF-8 or windows-1252, field by field.
	return &lines{in: bufio.NewReaderSize(transform.NewReader(in, unicode.BOMOverride(transform.Nop)), rowBytes)}
}

// physical gives one line with its end. One that is too long is errTooLong and
// is skipped.
func (l *lines) physical() ([]byte, error) {
	if len(l.back) > 0 {
		b := l.back[0]
		l.back = l.back[1:]
		return b, nil
	}
	b, err := l.in.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) {
		for errors.Is(err, bufio.ErrBufferFull) {
			_, err = l.in.ReadSlice('\n')
		}
		if err == nil || errors.Is(err, io.EOF) {
			err = errTooLong
		}
		return nil, err
	}
	if len(b) > 0 && errors.Is(err, io.EOF) {
		err = nil
	}
	return bytes.Clone(b), err
}

// next gives the fields of the next row that is not empty, and the line on
// which it begins. The error io.EOF is the end; errors of reading end it, too.
func (l *lines) next() (fields []string, line int, err error) {
	for {
		b, err := l.physical()
		if errors.Is(err, errTooLong) {
			l.line++
			return nil, l.line, err
		}
		if err != nil {
			return nil, l.line, err
		}
		l.line++
		line = l.line
		if len(bytes.TrimSpace(b)) == 0 {
			continue
		}
		if b, err = l.whole(b); err != nil {
			return nil, line, err
		}
		if l.comma == 0 {
			l.comma = separator(b)
		}
		r := csv.NewReader(bytes.NewReader(b))
		r.Comma, r.FieldsPerRecord = l.comma, -1
		fields, err = r.Read()
		if err != nil {
			return nil, line, errMisquote
		}
		for i := range fields {
			fields[i] = clean(fields[i])
		}
		return fields, line, nil
	}
}

// whole joins the lines of a row with line breaks inside quotes.
func (l *lines) whole(b []byte) ([]byte, error) {
	var ahead [][]byte
	for bytes.Count(b, []byte{'"'})%2 == 1 {
		var more []byte
		err := errNoClose
		if len(ahead) < rowLines && len(b) < rowBytes {
			more, err = l.physical()
		}
		if err != nil {
			l.back = append(ahead, l.back...)
			l.line -= len(ahead)
			return nil, errNoClose
		}
		ahead = append(ahead, more)
		l.line++
		b = append(slices.Clip(b), more...)
	}
	return b, nil
}

// separator is the one that the heading has most of.
func separator(heading []byte) rune {
	best, most := ',', 0
	for _, c := range ",;\t" {
		if n := strings.Count(string(heading), string(c)); n > most {
			best, most = c, n
		}
	}
	return best
}

// clean gives a field in UTF-8 without blanks around it, also those that
// spreadsheets put in.
func clean(s string) string {
	if !utf8.ValidString(s) {
		if text, err := charmap.Windows1252.NewDecoder().String(s); err == nil {
			s = text
		}
	}
	return strings.TrimFunc(strings.TrimSpace(s), func(r rune) bool {
		return r == '\ufeff' || r == '\u200b' || r == '\u200e' || r == '\u202a' || r == '\u202c'
	})
}
