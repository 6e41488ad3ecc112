package roster

import (
	"errors"
	"fmt"
	"io"
	"slices"
)

// Reader reads the people of a list one after the other. It is for one
// goroutine.
type Reader struct {
	lines    *lines
	defaults Defaults
	columns  []string // by position; "" is not used
	ofISTAT  bool
	ignored  []string
}

// NewReader reads the heading. The error says what is wrong with it.
func NewReader(in io.Reader, d Defaults) (*Reader, error) {
	r := &Reader{lines: newLines(in), defaults: d}
	heading, _, err := r.lines.next()
	if errors.Is(err, io.EOF) {
		return nil, errors.New("the list is empty")
	}
	if err != nil {
		return nil, fmt.Errorf("the heading cannot be read: %w", err)
	}
	contact := false
	for _, name := range heading {
		column, ofISTAT := columnOf(name)
		switch {
		case column != "" && slices.Contains(r.columns, column):
			return nil, fmt.Errorf("two columns are %s", column)
		case column == "" && name != "":
			r.ignored = append(r.ignored, name)
		}
		r.columns, r.ofISTAT = append(r.columns, column), r.ofISTAT || ofISTAT
		contact = contact || column == "phone" || column == "email" || column == "push" || column == "other_contacts"
	}
	if !contact {
		r.ignored = nil
		return nil, errors.New("no column of the heading is a contact")
	}
	return r, nil
}

// Ignored are the headings that are not used: they are not stored, either.
func (r *Reader) Ignored() []string { return r.ignored }

// Next gives the next row; the error io.EOF is the end.
func (r *Reader) Next() (Row, error) {
	fields, line, err := r.lines.next()
	switch {
	case errors.Is(err, errTooLong), errors.Is(err, errNoClose), errors.Is(err, errMisquote):
		row := Row{Line: line}
		row.refuse("row", err.Error(), "mend the line, or write the list anew from the spreadsheet")
		return row, nil
	case err != nil:
		return Row{}, err
	}
	for len(fields) > len(r.columns) && fields[len(fields)-1] == "" {
		fields = fields[:len(fields)-1]
	}
	if len(fields) > len(r.columns) {
		row := Row{Line: line}
		row.refuse("row", fmt.Sprintf("it has %d fields, the heading %d", len(fields), len(r.columns)), "quote fields that hold the separator")
		return row, nil
	}
	value := make(map[string]string, len(fields))
	for i, f := range fields {
		if c := r.columns[i]; c != "" {
			value[c] = f
		}
	}
	return r.defaults.row(line, value, r.ofISTAT), nil
}
