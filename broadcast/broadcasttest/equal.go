package broadcasttest

import (
	"encoding/json"
	"testing"

	"martinella/alerts"
)

// text is a record as it is stored.
func text(t *testing.T, r *alerts.Record) string {
	t.Helper()
	b, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func equal(t *testing.T, a, b *alerts.Record) bool {
	t.Helper()
	return text(t, a) == text(t, b)
}
