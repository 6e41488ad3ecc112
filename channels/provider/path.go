package provider

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// path leads to a value in decoded JSON: data.messages[0].id, [0].id, or "" for
// the whole.
type path []step

type step struct {
	key   string
	index int // where key is ""
}

var errPath = errors.New("is not a path like data.messages[0].id")

// mostIndex bounds an index: no answer holds as many.
const mostIndex = 1 << 16

func parsePath(s string) (path, error) {
	var p path
	rest := s
	for rest != "" {
		if rest[0] == '[' {
			digits, after, closed := strings.Cut(rest[1:], "]")
			n, err := strconv.Atoi(digits)
			if !closed || err != nil || n < 0 || n > mostIndex || digits[0] == '+' {
				return nil, errPath
			}
			p, rest = append(p, step{index: n}), after
			if after != "" && after[0] == '.' {
				if rest = after[1:]; rest == "" || rest[0] == '[' {
					return nil, errPath
				}
			} else if after != "" && after[0] != '[' {
				return nil, errPath
			}
			continue
		}
		end := strings.IndexAny(rest, ".[")
		if end < 0 {
			end = len(rest)
		}
		if end == 0 || strings.ContainsAny(rest[:end], "]{}\"") {
			return nil, errPath
		}
		p = append(p, step{key: rest[:end]})
		if rest = rest[end:]; rest != "" && rest[0] == '.' {
			if rest = rest[1:]; rest == "" || rest[0] == '[' {
				return nil, errPath
			}
		}
	}
	return p, nil
}

// in walks to the value; nil where there is none.
func (p path) in(v any) any {
	for _, s := range p {
		switch at := v.(type) {
		case map[string]any:
			if s.key == "" {
				return nil
			}
			v = at[s.key]
		case []any:
			if s.key != "" || s.index >= len(at) {
				return nil
			}
			v = at[s.index]
		default:
			return nil
		}
	}
	return v
}

// text is the value as a text; "" where there is none, or more than one.
func (p path) text(v any) string {
	switch v := p.in(v).(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	case bool:
		return strconv.FormatBool(v)
	}
	return ""
}

// list is the items at the path: a list's, or the one value that is there.
func (p path) list(v any) []any {
	switch v := p.in(v).(type) {
	case nil:
		return nil
	case []any:
		return v
	default:
		return []any{v}
	}
}

// decode reads JSON and keeps numbers as they are written: ids are long.
func decode(b []byte) (any, error) {
	d := json.NewDecoder(strings.NewReader(string(b)))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, err
	}
	if d.More() {
		return nil, fmt.Errorf("something follows the JSON")
	}
	return v, nil
}
