package broadcasttest

import (
	"bytes"
	"errors"
	"slices"
	"testing"
	"time"

	"martinella/alerts"
)

// TestKeys is the contract of alerts.Keys.
func TestKeys(t *testing.T, open Open) {
	for name, check := range map[string]func(*testing.T, *Node){
		"a key is found by its token, its secret by its id": keyFound,
		"a revoked or expired key is not found":             keyEnds,
		"all keys are listed, oldest first":                 keysListed,
	} {
		t.Run(name, func(t *testing.T) { check(t, open(t)) })
	}
}

func newKey(id string) *alerts.Key {
	return &alerts.Key{V: 1, Person: alerts.Person{ID: "key:" + id, Name: "Sala " + id, Rights: alerts.Rights{Verbs: []alerts.Verb{alerts.VerbIssue}}},
		TokenSHA256: "sha-" + id, Created: time.Now().UTC().Truncate(time.Millisecond)}
}

func keyFound(t *testing.T, n *Node) {
	key := newKey("a")
	if err := n.Keys.Add(t.Context(), key, []byte("a very secret secret"), keyAct(alerts.ActKeyCreated)); err != nil {
		t.Fatal(err)
	}
	got, err := n.Keys.ByToken(t.Context(), "sha-a")
	if err != nil || got.Person.Name != "Sala a" || !got.Person.Can(alerts.VerbIssue) {
		t.Fatalf("got %+v, %v", got, err)
	}
	if bytes.Contains(got.SealedSecret, []byte("very secret")) {
		t.Error("the secret is stored in clear")
	}
	_, secret, err := n.Keys.BySigner(t.Context(), "key:a")
	if err != nil || string(secret) != "a very secret secret" {
		t.Errorf("secret %q, %v", secret, err)
	}
	for _, token := range []string{"", "sha-b", "key:a"} {
		if _, err := n.Keys.ByToken(t.Context(), token); !errors.Is(err, alerts.ErrNotFound) {
			t.Errorf("token %q: %v, want alerts.ErrNotFound", token, err)
		}
	}
	if err := n.Keys.Add(t.Context(), newKey("c"), nil, keyAct(alerts.ActKeyCreated)); err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"key:b", "key:c"} {
		if _, _, err := n.Keys.BySigner(t.Context(), id); !errors.Is(err, alerts.ErrNotFound) {
			t.Errorf("signer %s: %v, want alerts.ErrNotFound", id, err)
		}
	}
}

func keyEnds(t *testing.T, n *Node) {
	revoked, expired := newKey("revoked"), newKey("expired")
	expired.Expires = time.Now().Add(-time.Minute)
	for _, k := range []*alerts.Key{revoked, expired} {
		if err := n.Keys.Add(t.Context(), k, []byte("secret"), keyAct(alerts.ActKeyCreated)); err != nil {
			t.Fatal(err)
		}
	}
	if err := n.Keys.Revoke(t.Context(), "key:revoked", keyAct(alerts.ActKeyRevoked)); err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"revoked", "expired"} {
		if _, err := n.Keys.ByToken(t.Context(), "sha-"+id); !errors.Is(err, alerts.ErrNotFound) {
			t.Errorf("%s by token: %v", id, err)
		}
		if _, _, err := n.Keys.BySigner(t.Context(), "key:"+id); !errors.Is(err, alerts.ErrNotFound) {
			t.Errorf("%s by signature: %v", id, err)
		}
	}
	if err := n.Keys.Revoke(t.Context(), "key:nobody", keyAct(alerts.ActKeyRevoked)); !errors.Is(err, alerts.ErrNotFound) {
		t.Errorf("revoking nobody: %v", err)
	}
}

func keysListed(t *testing.T, n *Node) {
	start := time.Now().UTC()
	for i, id := range []string{"first", "second", "third"} {
		k := newKey(id)
		k.Created = start.Add(time.Duration(i) * time.Hour)
		if err := n.Keys.Add(t.Context(), k, nil, keyAct(alerts.ActKeyCreated)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := n.Keys.ByToken(t.Context(), "sha-second"); err != nil {
		t.Fatal(err)
	}
	if err := n.Keys.Revoke(t.Context(), "key:third", keyAct(alerts.ActKeyRevoked)); err != nil {
		t.Fatal(err)
	}
	keys, err := n.Keys.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, k := range keys {
		names = append(names, k.Person.ID)
	}
	if !slices.Equal(names, []string{"key:first", "key:second", "key:third"}) {
		t.Fatalf("got %v", names)
	}
	if !keys[0].LastUsed.IsZero() || keys[1].LastUsed.IsZero() || keys[2].Revoked.IsZero() {
		t.Errorf("last uses and revocation are not told: %+v", keys)
	}
}

// keyAct is an act on a key, by the command line.
func keyAct(verb string) alerts.Act {
	return alerts.KeyAct(alerts.By{ID: "command"}, verb, "key:any", "", "command", time.Now())
}
