package roster

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"martinella/broadcast"
)

// Reader reads the people of a list one after the other. It is for one
// goroutine.
type Reader struct {
	lines    *lines
	defaults Defaults
	columns  []string // by position; "" is not used
	ofISTAT  bool
	ignored  []string
	headings []string // as they stand in the list
	left     map[int]int
}

// Left is a column of which values were not stored, and of how many rows: names
// of people who are no volunteers, and what stands under no heading.
type Left struct {
	Heading string `json:"heading,omitempty"` // "": it has none
	Column  int    `json:"column"`            // from 1
	Rows    int    `json:"rows"`
}

// Left are the columns of the rows so far, beside [Reader.Ignored], of which
// values were not stored, in the order of the list.
func (r *Reader) Left() (all []Left) {
	for _, at := range slices.Sorted(maps.Keys(r.left)) {
		all = append(all, Left{strings.TrimSpace(r.headings[at]), at + 1, r.left[at]})
	}
	return all
}

// leave counts what a row has and what is not stored of it. A refused row is not
// stored at all, and said to be.
func (r *Reader) leave(fields []string, row *Row) {
	if len(row.Refusals) > 0 {
		return
	}
	for i, f := range fields {
		c := r.columns[i]
		ofOther := (c == "name" || c == "surname") && row.Listing.Subscriber.Audience != broadcast.AudienceVolunteers
		if strings.TrimSpace(f) != "" && (ofOther || c == "" && strings.TrimSpace(r.headings[i]) == "") {
			r.left[i]++
		}
	}
}

// NewReader reads the heading. The error says what is wrong with it.
func NewReader(in io.Reader, d Defaults) (*Reader, error) {
	r := &Reader{lines: newLines(in), defaults: d, left: map[int]int{}}
	heading, _, err := r.lines.next()
	if errors.Is(err, io.EOF) {
		return nil, errors.New("the list is empty")
	}
	if err != nil {
		return nil, fmt.Errorf("the heading cannot be read: %w", err)
	}
	r.headings = heading
	contact := false
	roster := r.isRoster(heading)
	named := roster || slices.ContainsFunc(heading, func(name string) bool { column, _ := columnOf(name); return column == "audience" })
	for _, name := range heading {
		column, ofISTAT := columnOf(name)
		switch {
		case column == "audience" && roster && (folded(name) == "gruppo" || folded(name) == "group"):
			column = "groups" // of volunteers it is their team
		case (column == "name" || column == "surname") && !named:
			column = "" // names are stored of volunteers only
		}
		switch {
		case column != "" && slices.Contains(r.columns, column):
			return nil, fmt.Errorf("two columns are %s", column)
		case column == "" && strings.TrimSpace(name) != "":
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

// isRoster reports whether a list is, or may be, of volunteers: it says so, or it
// has a column that only they have.
func (r *Reader) isRoster(heading []string) bool {
	audience, ok := known(audiences, r.defaults.Audience)
	return ok && audience == broadcast.AudienceVolunteers || slices.ContainsFunc(heading, func(name string) bool {
		column, _ := columnOf(name)
		return slices.Contains(ofVolunteers, column)
	})
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
			value[c] = unguarded(f)
		}
	}
	row := r.defaults.row(line, value, r.ofISTAT)
	r.leave(fields, &row)
	return row, nil
}
