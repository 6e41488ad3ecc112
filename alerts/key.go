package alerts

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/hex"
	"strings"
	"time"
)

// NewKey makes an API key: its secret is given once and stored nowhere. The key
// never ends until Expires is set, and is not stored yet: see [Keys].
func NewKey(name string, rights Rights, now time.Time) (k *Key, secret string) {
	secret = "mk_" + RandomText()
	sum := sha256.Sum256([]byte(secret))
	id := make([]byte, 6)
	_, _ = rand.Read(id) // never fails (crypto/rand)
	return &Key{V: 1, Person: Person{ID: "key:" + hex.EncodeToString(id), Name: name, Rights: rights}, TokenSHA256: hex.EncodeToString(sum[:]), Created: now.UTC()}, secret
}

// RandomText is 160 random bits in letters and digits.
func RandomText() string {
	b := make([]byte, 20)
	_, _ = rand.Read(b) // never fails (crypto/rand)
	return strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(b))
}

// String says in one line what the rights allow.
func (r Rights) String() string {
	verbs := list(r.Verbs)
	if r.SelfApprove {
		verbs += " (alone)"
	}
	status := list(r.Statuses)
	if status == "" {
		status = "Exercise, Test"
	}
	all := []string{verbs, status}
	if r.MaxSeverity != "" {
		all = append(all, "up to "+string(r.MaxSeverity))
	}
	for _, limit := range []struct {
		word   string
		values []string
	}{{"senders", r.Senders}, {"areas", r.Areas}, {"hazards", r.Hazards}, {"channels", r.Channels}} {
		if len(limit.values) > 0 {
			all = append(all, limit.word+" "+strings.Join(limit.values, ", "))
		}
	}
	return strings.Join(all, "; ")
}
