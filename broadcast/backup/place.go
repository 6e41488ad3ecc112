package backup

import (
	"context"
	"errors"
	"io"
	"time"
)

// Place keeps files somewhere else. A file in it is whole or not there: what is
// being written has another name, or none, until it is done. Its methods block;
// ctx ends them. They may be called from one goroutine at a time.
type Place interface {
	// Put writes a file: fill writes it to the place as a stream. Where fill or
	// the place fails, no file of that name is there, or the one of before.
	// [ErrThere] where one is there already and over is false.
	Put(ctx context.Context, name string, over bool, fill func(io.Writer) error) error
	// Get reads a file; [ErrAbsent] where there is none. Close it.
	Get(ctx context.Context, name string) (io.ReadCloser, error)
	// List gives the names of the files of ours that are whole: those that begin
	// with prefix.
	List(ctx context.Context, prefix string) ([]string, error)
	// Remove takes a file away; one that is not there is no error.
	Remove(ctx context.Context, name string) error
	// Tidy takes away what was never finished and is older than at: a program died
	// while it wrote it.
	Tidy(ctx context.Context, at time.Time) error
}

// Errors of a place.
var (
	ErrAbsent = errors.New("there is no such file")
	ErrThere  = errors.New("a file of this name is there already")
)

// Prefix begins the names of everything of one authority.
func Prefix(authority string) string { return "martinella-" + authority + "-" }
