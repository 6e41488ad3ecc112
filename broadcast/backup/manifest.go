package backup

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"
)

// Format is that of the files that this program writes. It reads no newer one.
const Format = 1

// The names of the parts of a file, in the order in which they stand in it.
// Redis' copy comes in pieces, since nobody knows its length when it begins, and
// the sums come last for the same reason: a file without them was cut off.
const (
	manifestName = "manifest.json"
	filesUnder   = "files/"
	redisUnder   = "redis/"
	sumsName     = "sums.json"
)

// Errors of a backup that is read.
var (
	// ErrOtherKey: it was made under another key file.
	ErrOtherKey = errors.New("the backup does not open with this key file: it was made under another one, or its first bytes were changed")
	// ErrBroken: bytes of it were changed or are missing.
	ErrBroken = errors.New("the backup is damaged or cut off")
	// ErrNewer: a newer program made it.
	ErrNewer = errors.New("the backup was made by a newer program")
	// ErrForeign: it is another authority's.
	ErrForeign = errors.New("the backup is another authority's")
)

// Manifest says what a backup is, before anything else in it.
type Manifest struct {
	Format    int       `json:"format"`
	Authority string    `json:"authority"`
	Name      string    `json:"name,omitempty"` // of the authority
	Program   string    `json:"program"`        // version that wrote it
	At        time.Time `json:"at"`             // when the copy was asked for
	Config    string    `json:"config,omitempty"`
	Facts     Facts     `json:"facts"`
}

// Facts are what the store held at the moment before the copy: the copy holds
// at least this.
type Facts struct {
	Schema   int    `json:"schema"`
	Oldest   int    `json:"oldest,omitempty"` // schema of the oldest program that can use it; 0: Schema
	Database int    `json:"database"`         // number of the one in Redis
	Epoch    string `json:"epoch"`            // of the log
	Cursor   string `json:"cursor"`           // newest entry of the log
	Acts     int64  `json:"acts"`             // in the ledger
	TreeSize int64  `json:"tree_size"`
	TreeHead string `json:"tree_head"` // signed note
	Records  int64  `json:"records"`
	People   int64  `json:"people"`
	KeyMark  string `json:"key_mark"` // stands for the key file and tells nothing of it
	Memory   int64  `json:"memory"`   // bytes that the store takes in memory
}

// Within reports what a copy lacks of what stood in the store before it, "" if
// nothing.
func (f Facts) Within(got Facts) string {
	switch {
	case got.Schema < f.Schema:
		return fmt.Sprintf("its schema is %d, the manifest says %d", got.Schema, f.Schema)
	case got.KeyMark != f.KeyMark:
		return "its values were sealed with another key file"
	case got.Acts < f.Acts:
		return fmt.Sprintf("it holds %d acts, the manifest says %d", got.Acts, f.Acts)
	case got.TreeSize < f.TreeSize:
		return fmt.Sprintf("its ledger has %d entries, the manifest says %d", got.TreeSize, f.TreeSize)
	case got.Records < f.Records:
		return fmt.Sprintf("it holds %d alerts, the manifest says %d", got.Records, f.Records)
	}
	return ""
}

// Sums are sizes and SHA-256 of the parts, in their order. That of Redis is
// over all of its pieces.
type Sums struct {
	Parts []Sum `json:"parts"`
}

// Sum is that of one part.
type Sum struct {
	Name   string `json:"name"`
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
}

// Size is that of all parts together, bytes.
func (s Sums) Size() (n int64) {
	for _, p := range s.Parts {
		n += p.Size
	}
	return n
}

// stamp is how a moment stands in a file name.
const stamp = "20060102T150405Z"

// Name is the file name of a backup.
func Name(authority string, at time.Time) string {
	return "martinella-" + authority + "-" + at.UTC().Format(stamp) + ".backup"
}

var named = regexp.MustCompile(`^martinella-([a-z0-9-]{2,32})-([0-9]{8}T[0-9]{6}Z)\.backup$`)

// ReadName takes a file name apart; ok is false for what is no backup.
func ReadName(name string) (authority string, at time.Time, ok bool) {
	m := named.FindStringSubmatch(name)
	if m == nil {
		return "", at, false
	}
	at, err := time.Parse(stamp, m[2])
	return m[1], at, err == nil
}

// ErasedName is the file of who was erased, beside the backups.
func ErasedName(authority string) string { return "martinella-" + authority + ".erased" }

// partPrefix begins the name of a file that is being written.
const partPrefix = ".part-"

// PartName is under what name a place keeps a file until it is whole.
func PartName(name string) string { return partPrefix + name }

// Unfinished reports whether a name is that of a file that was never finished.
func Unfinished(name string) bool { return strings.HasPrefix(name, partPrefix+"martinella-") }

// Restored says that a store was brought back from a copy.
type Restored struct {
	At   time.Time `json:"at"`
	Of   time.Time `json:"of"`   // when the copy was taken
	Acts int64     `json:"acts"` // that it held
}
