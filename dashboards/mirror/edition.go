package mirror

import (
	"context"
	"encoding/json"
	"path"
	"strings"
	"time"
)

// Source makes editions. Copy blocks until all pages are made; whole asks for
// every page, else for those that a change can concern. It is not called twice
// at once.
type Source interface {
	Copy(ctx context.Context, now time.Time, whole bool) (*Edition, error)
}

// Target takes editions. Take blocks until all of it is there; after an error
// some files may be new and others old, none half, and the same edition may be
// given again.
type Target interface {
	Take(ctx context.Context, e *Edition) (Report, error)
}

// Report counts what a target did with an edition.
type Report struct{ Written, Kept, Removed int }

// Edition is what a copy holds at one moment. Files stand in the order in which
// they are to be written: first what others link to.
type Edition struct {
	At    time.Time
	Whole bool // what is not in it is to be removed
	Files []File
}

// File is one file of a copy.
type File struct {
	Path    string // below the root: see [Valid]
	Media   string // with the charset
	Lasting bool   // written again only when Sum changed, else with every edition
	Sum     string // over all but the time of the copy
	// Bytes gives the content that says it was made at this time.
	Bytes func(at time.Time) []byte
}

// Valid reports whether a path is one that a copy may have: folders and names of
// letters, digits and ._~=-, none that begins with a dot but .well-known. So no
// text of an alert can lead anywhere else.
func Valid(p string) bool {
	if p == "" || len(p) > 250 || path.Clean(p) != p {
		return false
	}
	for name := range strings.SplitSeq(p, "/") {
		if name == "" || name[0] == '.' && name != ".well-known" {
			return false
		}
		for i := range len(name) {
			c := name[i]
			if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && !strings.ContainsRune("._~=-", rune(c)) {
				return false
			}
		}
	}
	return true
}

// listName is the file that says what the copy holds and since when. It is
// written last, and is for everybody: a watcher can read the copy's age in it.
const listName = "copy.json"

// list is the content of that file.
type list struct {
	V     int              `json:"v"`
	At    time.Time        `json:"at"` // of the last edition
	Files map[string]entry `json:"files"`
}

type entry struct {
	Sum string    `json:"sum"`
	At  time.Time `json:"at"` // that the file says
}

// listLimit bounds what is read of a list: 20,000 files.
const listLimit = 4 << 20

// readList reads a list; one that cannot be read, or names what no copy has, is
// as none: everything is then written again.
func readList(b []byte) list {
	l := list{}
	if json.Unmarshal(b, &l) != nil || l.V != 1 || l.Files == nil {
		return list{V: 1, Files: map[string]entry{}}
	}
	for p := range l.Files {
		if !Valid(p) || p == listName {
			delete(l.Files, p)
		}
	}
	return l
}

// isList reports whether a file is the list of a copy, and not one that somebody
// else named so.
func isList(b []byte) bool {
	var l list
	return json.Unmarshal(b, &l) == nil && l.V == 1 && l.Files != nil
}

func (l list) bytes() []byte {
	b, err := json.MarshalIndent(l, "", " ")
	if err != nil {
		panic("mirror: a list always marshals: " + err.Error())
	}
	return append(b, '\n')
}

// gone are the files that a whole edition no longer has.
func (l list) gone(e *Edition) []string {
	if !e.Whole {
		return nil
	}
	has := map[string]bool{}
	for _, f := range e.Files {
		has[f.Path] = true
	}
	var out []string
	for p := range l.Files {
		if !has[p] {
			out = append(out, p)
		}
	}
	return out
}
