package main

import (
	"encoding"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"
	"unicode"

	"go.yaml.in/yaml/v3"
)

// mistake is one thing that is wrong in the configuration.
type mistake struct {
	where string // "martinella.yaml:12", "MARTINELLA_LISTEN"
	line  int    // for the order; 0 outside the file
	what  string
	hint  string
}

func (m mistake) Error() string {
	s := m.where + ": " + m.what
	if m.hint != "" {
		s += " (" + m.hint + ")"
	}
	return s
}

// mistakes is everything that is wrong at once.
type mistakes []mistake

func (ms mistakes) err() error {
	sort.SliceStable(ms, func(i, j int) bool { return ms[i].line < ms[j].line })
	var all []error
	for _, m := range ms {
		all = append(all, m)
	}
	return errors.Join(all...)
}

// nodeReader fills structs from YAML nodes. Every key must be a field, a key
// may stand once, and what is wrong keeps its line. A field is called by its
// yaml tag, or by its name in snake case.
type nodeReader struct {
	file     string // for messages
	dir      string // of the file: relative *_file paths begin there
	mistakes mistakes
	lines    map[string]int // path of a key to its line
	values   map[string]any // path of a key to what could be read
}

func (r *nodeReader) complain(n *yaml.Node, what, hint string) {
	r.mistakes = append(r.mistakes, mistake{fmt.Sprintf("%s:%d", r.file, n.Line), n.Line, what, hint})
}

// nodeFiller is a type that reads its own node.
type nodeFiller interface {
	fillFrom(r *nodeReader, n *yaml.Node, path string)
}

// read decodes n into what to points at. Path is that of n, "" at the top.
func (r *nodeReader) read(n *yaml.Node, to any, path string) {
	r.value(n, reflect.ValueOf(to).Elem(), path)
}

var (
	durationType = reflect.TypeFor[time.Duration]()
	textType     = reflect.TypeFor[encoding.TextUnmarshaler]()
)

func (r *nodeReader) value(n *yaml.Node, v reflect.Value, path string) {
	for n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if r.lines != nil && path != "" {
		r.lines[path] = n.Line
	}
	if v.CanAddr() {
		if f, ok := reflect.TypeAssert[nodeFiller](v.Addr()); ok {
			f.fillFrom(r, n, path)
			return
		}
	}
	switch {
	case n.Tag == "!!null":
		return // "redis:" with nothing behind it: as if absent
	case v.Kind() == reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		r.value(n, v.Elem(), path)
		return
	case v.Type() == durationType || v.CanAddr() && v.Addr().Type().Implements(textType):
		r.scalar(n, v, path)
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		r.fields(n, v, path)
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			r.scalar(n, v, path)
			return
		}
		if n.Kind != yaml.SequenceNode {
			r.complain(n, path+" must be a list", "write each entry on a line that begins with -")
			return
		}
		list := reflect.MakeSlice(v.Type(), len(n.Content), len(n.Content))
		for i, c := range n.Content {
			r.value(c, list.Index(i), fmt.Sprintf("%s[%d]", path, i))
		}
		v.Set(list)
		r.keep(path, v)
	default:
		r.scalar(n, v, path)
	}
}

func (r *nodeReader) fields(n *yaml.Node, v reflect.Value, path string) {
	if n.Kind != yaml.MappingNode {
		r.complain(n, orTop(path)+" must have keys", "write it as key: value")
		return
	}
	fields := fieldsOf(v.Type())
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		name := key.Value
		at := joinPath(path, name)
		if seen[name] {
			r.complain(key, at+" is given twice", "keep one of the two")
			continue
		}
		seen[name] = true
		if index, known := fields[name]; known {
			r.value(value, v.FieldByIndex(index), at)
			if r.lines != nil {
				r.lines[at] = key.Line
			}
			continue
		}
		if fields[name+"_file"] != nil {
			r.complain(key, at+" is a secret in the configuration", "put it into a file that only the gateway may read, and write "+name+"_file")
			continue
		}
		r.complain(key, "unknown key "+at, suggest(name, fields))
	}
}

func (r *nodeReader) scalar(n *yaml.Node, v reflect.Value, path string) {
	if n.Kind != yaml.ScalarNode {
		r.complain(n, path+" must be a single value", "")
		return
	}
	if err := setScalar(v, n.Value); err != nil {
		r.complain(n, fmt.Sprintf("%s is %q, which %v", path, n.Value, err), "")
		return
	}
	if strings.HasSuffix(path, "_file") && v.Kind() == reflect.String && v.String() != "" {
		v.SetString(beside(r.file, v.String()))
	}
	r.keep(path, v)
}

// beside is where a file lies that a configuration names: beside it, wherever
// the gateway is started. Under systemd the configuration is itself a credential
// (systemd.exec(5), LoadCredential= of a folder): what lies beside it is there
// too, in one flat folder with the same first word.
func beside(config, name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	dir := filepath.Dir(config)
	if folder, _ := credential(config); folder != "" {
		return filepath.Join(dir, folder+"_"+strings.ReplaceAll(filepath.Clean(name), string(filepath.Separator), "_"))
	}
	return filepath.Join(dir, name)
}

// credential takes the name of a configuration apart that systemd gave as a
// credential: the word for the folder that it comes from, "" where it is an
// ordinary file, and how it is called in there.
func credential(config string) (folder, name string) {
	dir, base := filepath.Split(config)
	first, rest, flat := strings.Cut(base, "_")
	if flat && os.Getenv(credentials) != "" && filepath.Clean(dir) == filepath.Clean(os.Getenv(credentials)) {
		return first, rest
	}
	return "", base
}

// credentials names the folder that systemd gives a service for its secrets.
const credentials = "CREDENTIALS_DIRECTORY"

// keep notes a value that could be read.
func (r *nodeReader) keep(path string, v reflect.Value) {
	if r.values != nil && v.CanInterface() {
		r.values[path] = v.Interface()
	}
}

// given reports whether the file or the environment sets a single value.
func (r *nodeReader) given(path string) bool {
	line, known := r.lines[path]
	_, read := r.values[path]
	return read || known && line == 0 // a key with nothing behind it is as if absent
}

// setScalar reads the text of a file or of the environment into v.
func setScalar(v reflect.Value, text string) error {
	if v.CanAddr() {
		if u, ok := reflect.TypeAssert[encoding.TextUnmarshaler](v.Addr()); ok {
			return u.UnmarshalText([]byte(text))
		}
	}
	if v.Type() == durationType {
		d, err := time.ParseDuration(text)
		if err != nil {
			return errors.New("is not a duration: write it like 30s or 5m")
		}
		v.SetInt(int64(d))
		return nil
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(text)
	case reflect.Bool:
		b, err := strconv.ParseBool(text)
		if err != nil {
			return errors.New("is neither true nor false")
		}
		v.SetBool(b)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		i, err := strconv.ParseInt(text, 10, v.Type().Bits())
		if err != nil {
			return errors.New("is not a whole number in range")
		}
		v.SetInt(i)
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		u, err := strconv.ParseUint(text, 10, v.Type().Bits())
		if err != nil {
			return errors.New("is not a whole number in range")
		}
		v.SetUint(u)
	case reflect.Float32, reflect.Float64:
		f, err := strconv.ParseFloat(text, v.Type().Bits())
		if err != nil {
			return errors.New("is not a number")
		}
		v.SetFloat(f)
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			v.SetBytes([]byte(text))
			return nil
		}
		for part := range strings.SplitSeq(text, ",") {
			item := reflect.New(v.Type().Elem()).Elem()
			if err := setScalar(item, strings.TrimSpace(part)); err != nil {
				return err
			}
			v.Set(reflect.Append(v, item))
		}
	default:
		return errors.New("cannot be set by a single value")
	}
	return nil
}

// fieldsOf names the exported fields of a struct that a file can fill:
// functions, interfaces and fields tagged "-" are not among them.
func fieldsOf(t reflect.Type) map[string][]int {
	fields := map[string][]int{}
	for _, f := range reflect.VisibleFields(t) {
		name, _, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		if f.Anonymous || !f.IsExported() || name == "-" || !fillable(f.Type) {
			continue
		}
		if name == "" {
			name = snakeCase(f.Name)
		}
		fields[name] = f.Index
	}
	return fields
}

func fillable(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Func, reflect.Interface, reflect.Chan, reflect.Map:
		return false
	case reflect.Pointer:
		return t.Implements(textType) || t.Elem().Kind() != reflect.Struct
	case reflect.Slice:
		return fillable(t.Elem())
	}
	return true
}

// snakeCase turns VAPIDKey into vapid_key and URL into url.
func snakeCase(name string) string {
	var b strings.Builder
	letters := []rune(name)
	for i, r := range letters {
		if unicode.IsUpper(r) {
			word := i > 0 && (unicode.IsLower(letters[i-1]) || i+1 < len(letters) && unicode.IsLower(letters[i+1]))
			if word {
				b.WriteByte('_')
			}
			r = unicode.ToLower(r)
		}
		b.WriteRune(r)
	}
	return b.String()
}

// secretName tells from its name whether a value must never be shown.
func secretName(key string) bool {
	for _, word := range []string{"secret", "password", "token", "credentials", "private_key", "key"} {
		if key == word || strings.HasSuffix(key, "_"+word) {
			return true
		}
	}
	return false
}

func joinPath(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

func orTop(path string) string {
	if path == "" {
		return "the configuration"
	}
	return path
}

// suggest names the allowed keys, a near one alone.
func suggest(name string, fields map[string][]int) string {
	var all []string
	for f := range fields {
		if distance(name, f) <= 2 {
			return "did you mean " + f + "?"
		}
		all = append(all, f)
	}
	slices.Sort(all)
	return "known here: " + strings.Join(all, ", ")
}

// distance is the number of letters to change, add or drop between two words.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		last := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := last
			if a[i] != b[j] {
				cost++
			}
			last = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

// plainPathError is the error of a file without the call that failed.
func plainPathError(err error) string {
	if p, ok := errors.AsType[*os.PathError](err); ok {
		return p.Path + ": " + p.Err.Error()
	}
	return err.Error()
}
