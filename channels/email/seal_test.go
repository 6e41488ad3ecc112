package email

import (
	"encoding/base64"
	"strings"
	"testing"
)

func seals(t testing.TB, channel string, secrets ...string) *seal {
	t.Helper()
	var raw [][]byte
	for _, s := range secrets {
		raw = append(raw, []byte(s))
	}
	s, err := newSeal(channel, raw)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

const otherKey = "an0ther-key-an0ther-key-an0ther-k"

func TestTickets(t *testing.T) {
	s, stranger, neighbour := seals(t, "mail", testKey), seals(t, "mail", otherKey), seals(t, "post", testKey)
	rotated := seals(t, "mail", otherKey, testKey)
	for _, address := range []string{testTo, "pelé@posta.example", strings.Repeat("x", 64) + "@" + strings.Repeat("y.", 90) + "example"} {
		ticket := s.ticket(address)
		if got, ok := s.open(ticket); !ok || got != address {
			t.Errorf("%q: %q, %v", address, got, ok)
		}
		if got, ok := rotated.open(ticket); !ok || got != address {
			t.Errorf("%q after the key was changed: %q, %v", address, got, ok)
		}
		if s.ticket(address) != ticket {
			t.Error("not the same in the next attempt")
		}
		if _, ok := stranger.open(ticket); ok {
			t.Error("another key opens it")
		}
		if _, ok := neighbour.open(ticket); ok {
			t.Error("another channel opens it")
		}
		raw, _ := base64.RawURLEncoding.DecodeString(ticket)
		if strings.Contains(string(raw), address[:5]) {
			t.Error("the address stands in it")
		}
		for i := range raw { // each bit counts
			bad := append([]byte(nil), raw...)
			bad[i] ^= 1 << (i % 8)
			if _, ok := s.open(base64.RawURLEncoding.EncodeToString(bad)); ok {
				t.Fatalf("opens with byte %d changed", i)
			}
		}
	}
	if s.ticket("a@b.example") == s.ticket("a@c.example") {
		t.Error("two addresses, one ticket")
	}
	for _, no := range []string{"", "x", strings.Repeat("A", 5000), "====", s.ticket(testTo) + "A", s.ticket(testTo) + "\n"} {
		if got, ok := s.open(no); ok {
			t.Errorf("%.20q opens to %q", no, got)
		}
	}
	var none *seal
	if _, ok := none.open(s.ticket(testTo)); ok {
		t.Error("opens without a key")
	}
}

func TestIDs(t *testing.T) {
	s := seals(t, "mail", testKey)
	id := s.id("a/1/mail/7", "it")
	if len(id) != tokenLength || !s.knows(id) || s.id("a/1/mail/7", "it") != id {
		t.Errorf("id %q", id)
	}
	if !seals(t, "mail", otherKey, testKey).knows(id) {
		t.Error("forgotten when the key is changed")
	}
	for name, no := range map[string]string{"of another key": seals(t, "mail", otherKey).id("a/1/mail/7", "it"), "of another channel": seals(t, "post", testKey).id("a/1/mail/7", "it"),
		"invented": strings.Repeat("a", tokenLength), "short": id[:25], "long": id + "a", "in capitals": strings.ToUpper(id), "": ""} {
		if s.knows(no) {
			t.Errorf("knows an id %s", name)
		}
	}
	bond := s.bond(id, testTo)
	if len(bond) != bondLength || !s.bound(id, bond, strings.ToUpper(testTo)) || s.bound(id, bond, "b@posta.example") || s.bound(s.id("x", "it"), bond, testTo) {
		t.Error("the bond does not bind")
	}
	var none *seal
	if id := none.id("a", "it"); len(id) != tokenLength || none.knows(id) || none.bound(id, "", testTo) {
		t.Error("without a key nothing is proven")
	}
}

func FuzzTicket(f *testing.F) {
	s := seals(f, "mail", testKey)
	f.Add(s.ticket(testTo))
	f.Add("")
	f.Add("AAAA")
	f.Fuzz(func(t *testing.T, ticket string) {
		if address, ok := s.open(ticket); ok && s.ticket(address) != ticket {
			t.Errorf("%q opens to %q, which was never sealed like that", ticket, address)
		}
	})
}
