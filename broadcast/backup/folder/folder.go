package folder

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"martinella/broadcast/backup"
)

// Folder is a [backup.Place] in a directory, which is made when it is missing.
type Folder struct{ Dir string }

var _ backup.Place = Folder{}

// Put implements [backup.Place]. The file reaches the disk before it gets its
// name.
func (f Folder) Put(ctx context.Context, name string, over bool, fill func(io.Writer) error) (err error) {
	if err := os.MkdirAll(f.Dir, 0o700); err != nil {
		return err
	}
	path := filepath.Join(f.Dir, name)
	part := filepath.Join(f.Dir, backup.PartName(name))
	file, err := os.OpenFile(part, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(part)
		}
	}()
	err = fill(file)
	if err = errors.Join(err, ctx.Err()); err == nil {
		err = file.Sync()
	}
	if err := errors.Join(err, file.Close()); err != nil {
		return err
	}
	if over {
		err = os.Rename(part, path)
	} else if err = link(part, path); err == nil {
		_ = os.Remove(part)
	}
	if errors.Is(err, fs.ErrExist) {
		return backup.ErrThere
	}
	if err != nil {
		return err
	}
	return syncDir(f.Dir)
}

// link gives a file its name where nobody has it. A file system without links
// (FAT, some shares) gets it by renaming.
func link(part, path string) error {
	err := os.Link(part, path)
	if err == nil || errors.Is(err, fs.ErrExist) {
		return err
	}
	if _, there := os.Lstat(path); there == nil {
		return fs.ErrExist
	}
	return os.Rename(part, path)
}

// syncDir brings names to the disk, where the file system knows such a thing:
// some shares do not (fsync(2), EINVAL).
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	if err = d.Sync(); errors.Is(err, syscall.EINVAL) || errors.Is(err, errors.ErrUnsupported) {
		err = nil
	}
	return errors.Join(err, d.Close())
}

// Get implements [backup.Place].
func (f Folder) Get(_ context.Context, name string) (io.ReadCloser, error) {
	file, err := os.Open(filepath.Join(f.Dir, name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: %w", name, backup.ErrAbsent)
	}
	return file, err
}

// List implements [backup.Place].
func (f Folder) List(_ context.Context, prefix string) ([]string, error) {
	entries, err := os.ReadDir(f.Dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var names []string
	for _, e := range entries {
		if e.Type().IsRegular() && strings.HasPrefix(e.Name(), prefix) {
			names = append(names, e.Name())
		}
	}
	slices.Sort(names)
	return names, err
}

// Remove implements [backup.Place].
func (f Folder) Remove(_ context.Context, name string) error {
	err := os.Remove(filepath.Join(f.Dir, name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// Tidy implements [backup.Place].
func (f Folder) Tidy(_ context.Context, at time.Time) error {
	entries, err := os.ReadDir(f.Dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for _, e := range entries {
		info, gone := e.Info()
		if gone == nil && backup.Unfinished(e.Name()) && info.ModTime().Before(at) {
			err = errors.Join(err, os.Remove(filepath.Join(f.Dir, e.Name())))
		}
	}
	return err
}
