package rdb

import (
	"encoding/json"
	"maps"
	"reflect"
	"strings"

	"martinella/alerts/volunteers"
	"martinella/broadcast"
)

// The fields of a stored person that this program knows, by their names.
var (
	memberFields  = fieldsOf(reflect.TypeFor[broadcast.Member]())
	profileFields = fieldsOf(reflect.TypeFor[volunteers.Profile]())
)

func fieldsOf(t reflect.Type) map[string]bool {
	names := map[string]bool{}
	for _, f := range reflect.VisibleFields(t) {
		if name, _, _ := strings.Cut(f.Tag.Get("json"), ","); name != "" && name != "-" {
			names[name] = true
		}
	}
	return names
}

// withUnknown is the text of a person with the fields that a newer program wrote
// and this one does not know: a person whom two versions change in turn loses
// nothing (DECISIONS 24).
func withUnknown(before, next []byte) ([]byte, error) {
	if len(before) == 0 {
		return next, nil
	}
	old := map[string]json.RawMessage{}
	if err := json.Unmarshal(before, &old); err != nil {
		return nil, errUnreadable
	}
	was := map[string]json.RawMessage{}
	if old["volunteer"] != nil {
		if err := json.Unmarshal(old["volunteer"], &was); err != nil {
			return nil, errUnreadable
		}
	}
	if !drop(old, memberFields) && !drop(was, profileFields) {
		return next, nil
	}
	drop(was, profileFields)
	merged := map[string]json.RawMessage{}
	if err := json.Unmarshal(next, &merged); err != nil {
		return nil, err
	}
	if merged["volunteer"] != nil && len(was) > 0 {
		profile := map[string]json.RawMessage{}
		if err := json.Unmarshal(merged["volunteer"], &profile); err != nil {
			return nil, err
		}
		b, err := json.Marshal(over(profile, was))
		if err != nil {
			return nil, err
		}
		merged["volunteer"] = b
	}
	return json.Marshal(over(merged, old))
}

// drop removes the known fields and reports whether any other one is there.
func drop(from map[string]json.RawMessage, known map[string]bool) bool {
	for name := range known {
		delete(from, name)
	}
	return len(from) > 0
}

func over(to, more map[string]json.RawMessage) map[string]json.RawMessage {
	maps.Copy(to, more)
	return to
}
