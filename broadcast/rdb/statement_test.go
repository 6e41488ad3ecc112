package rdb

import (
	"bytes"
	"testing"
)

func TestTheKeyOfStatementsComesFromTheKeyFileAlone(t *testing.T) {
	key := bytes.Repeat([]byte{7}, 32)
	keys := make([]string, 3)
	for i, b := range [][]byte{key, key, bytes.Repeat([]byte{8}, 32)} {
		v, err := newVault(b)
		if err != nil {
			t.Fatal(err)
		}
		k, err := v.statement()
		if err != nil {
			t.Fatal(err)
		}
		raw, err := k.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		if keys[i] = string(raw); bytes.Contains(raw, b) || bytes.Equal(raw, v.ledger) {
			t.Error("it is a key that is used for something else")
		}
	}
	if keys[0] != keys[1] || keys[0] == keys[2] {
		t.Error("the same key file gives another key, or another one the same")
	}
}
