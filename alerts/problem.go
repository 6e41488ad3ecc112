package alerts

import (
	"errors"
	"strings"
)

// Level tells whether a problem refuses the alert or only flags it.
type Level string

// The values of [Level]. The zero value counts as an error.
const (
	LevelError   Level = "error"
	LevelWarning Level = "warning"
)

// Problem is one thing that is wrong, in words for the person who must mend
// it: the field as a path ("info[0].area[1].polygon[0]"), what is wrong with
// it, and what to do.
type Problem struct {
	Field   string `json:"field"`
	Problem string `json:"problem"`
	Hint    string `json:"hint"`
	Level   Level  `json:"severity,omitempty"`
}

// Error makes a Problem usable as an error.
func (p Problem) Error() string {
	s := p.Problem
	if p.Field != "" {
		s = p.Field + " " + s
	}
	if p.Hint != "" {
		s += " (" + p.Hint + ")"
	}
	return s
}

// Problems is everything that is wrong at once.
type Problems []Problem

// Errors gives only those that refuse the alert.
func (ps Problems) Errors() Problems { return ps.only(false) }

// Warnings gives only those that flag it.
func (ps Problems) Warnings() Problems { return ps.only(true) }

func (ps Problems) only(warning bool) Problems {
	var out Problems
	for _, p := range ps {
		if (p.Level == LevelWarning) == warning {
			out = append(out, p)
		}
	}
	return out
}

// Err joins the problems that refuse into one error, nil when there is none.
// errors.As finds each [Problem].
func (ps Problems) Err() error {
	var errs []error
	for _, p := range ps.Errors() {
		errs = append(errs, p)
	}
	return errors.Join(errs...)
}

// String lists the problems, one a line.
func (ps Problems) String() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.Error()
	}
	return strings.Join(lines, "\n")
}

func (ps *Problems) refuse(field, problem, hint string) {
	*ps = append(*ps, Problem{field, problem, hint, LevelError})
}

func (ps *Problems) flag(field, problem, hint string) {
	*ps = append(*ps, Problem{field, problem, hint, LevelWarning})
}
