package mirror

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"time"
)

// Folder is a copy in a directory. Nothing outside it is written, not even
// through links in it.
type Folder struct{ Dir string }

// partsName is where files grow before they get their names. What is in it for
// longer than partsAge was left by a program that was killed.
const (
	partsName = ".copy-parts"
	partsAge  = time.Hour
)

// ErrForeign says that a folder holds what no copy wrote: a copy would write
// over files with the same names, and a web server would give out the rest.
var ErrForeign = errors.New("holds files that are not of an earlier copy")

// beside are what may lie in a folder before its first copy: what web servers and
// stores of pages want there, which no copy writes.
var beside = []string{".git", ".gitattributes", ".gitignore", ".htaccess", ".nojekyll", "CNAME", "lost+found"}

// enter opens the folder, made where it is missing, and refuses a foreign one. An
// earlier copy is known by its list, and one that was cut short by partsName.
func (d Folder) enter() (*os.Root, error) {
	if err := os.MkdirAll(d.Dir, 0o755); err != nil { //nolint:gosec // pages for everybody
		return nil, err
	}
	root, err := os.OpenRoot(d.Dir)
	if err != nil {
		return nil, err
	}
	if err = d.mine(root); err == nil {
		if err = root.Mkdir(partsName, 0o700); errors.Is(err, fs.ErrExist) {
			err = nil
		}
	}
	if err != nil {
		_ = root.Close()
		return nil, err
	}
	return root, nil
}

func (d Folder) mine(root *os.Root) error {
	if parts, err := root.Lstat(partsName); err == nil && parts.IsDir() {
		return nil
	}
	listed, err := readFile(root, listName)
	if err == nil && isList(listed) {
		return nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	dir, err := root.Open(".")
	if err != nil {
		return err
	}
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	if err != nil {
		return err
	}
	slices.Sort(names)
	for _, name := range names {
		if !slices.Contains(beside, name) {
			return fmt.Errorf("the folder %s %w, like %q: name an empty folder, or one that does not exist yet", d.Dir, ErrForeign, name)
		}
	}
	return nil
}

// Take writes the files that differ from what is there, each beside its place
// first and then renamed, so that a reader, a crash or a power cut meets the old
// file or the new one. Files that others link to come first, removals last. Only
// files of earlier copies are removed, by their list: what somebody else laid
// there stays; but a folder that holds files and no earlier copy is refused with
// [ErrForeign]. It blocks for the disk and creates Dir where it is missing.
func (d Folder) Take(ctx context.Context, e *Edition) (r Report, err error) {
	root, err := d.enter()
	if err != nil {
		return r, err
	}
	defer root.Close()
	sweep(root)
	listed, err := readFile(root, listName)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return r, err
	}
	l := readList(listed)
	l.At = e.At
	for _, f := range e.Files {
		if err := ctx.Err(); err != nil {
			return r, err
		}
		if !Valid(f.Path) || f.Path == listName {
			return r, fmt.Errorf("%q is no path of a copy", f.Path)
		}
		if had, known := l.Files[f.Path]; known && f.Lasting && had.Sum == f.Sum {
			if b, err := readFile(root, f.Path); err == nil && bytes.Equal(b, f.Bytes(had.At)) {
				r.Kept++
				continue
			}
		}
		if err := writeFile(root, f.Path, f.Bytes(e.At)); err != nil {
			return r, err
		}
		l.Files[f.Path] = entry{f.Sum, e.At}
		r.Written++
	}
	gone := l.gone(e)
	slices.Sort(gone)
	for _, p := range gone {
		if err := root.Remove(p); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return r, err
		}
		for dir := path.Dir(p); dir != "." && root.Remove(dir) == nil; dir = path.Dir(dir) { // a folder with files stays
		}
		delete(l.Files, p)
		r.Removed++
	}
	if err := writeFile(root, listName, l.bytes()); err != nil {
		return r, err
	}
	return r, nil
}

// Look reports whether a copy can be written there, and of when the last one is;
// the zero time where there is none. It refuses what Take refuses.
func (d Folder) Look(context.Context) (time.Time, error) {
	root, err := d.enter()
	if err != nil {
		return time.Time{}, err
	}
	defer root.Close()
	b, err := readFile(root, listName)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return time.Time{}, err
	}
	return readList(b).At, nil
}

func readFile(root *os.Root, name string) ([]byte, error) {
	f, err := root.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, listLimit))
}

// writeFile puts a whole file in its place, or leaves the one that is there.
func writeFile(root *os.Root, name string, b []byte) (err error) {
	if dir := path.Dir(name); dir != "." {
		if err := root.MkdirAll(dir, 0o755); err != nil {
			return err
		}
	}
	var random [8]byte
	_, _ = rand.Read(random[:]) // it never fails
	part := path.Join(partsName, hex.EncodeToString(random[:]))
	f, err := root.OpenFile(part, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = root.Rename(part, name)
	}
	if err != nil {
		_ = root.Remove(part) // else the next copy does
	}
	return err
}

// sweep removes what a program that was killed left behind. What cannot be read
// or removed now is met again by the next copy.
func sweep(root *os.Root) {
	dir, err := root.Open(partsName)
	if err != nil {
		return
	}
	defer dir.Close()
	parts, _ := dir.Readdir(-1)
	for _, p := range parts {
		if time.Since(p.ModTime()) > partsAge {
			_ = root.Remove(path.Join(partsName, p.Name()))
		}
	}
}
