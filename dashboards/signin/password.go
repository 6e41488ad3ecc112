package signin

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"
	"golang.org/x/text/unicode/norm"
)

// The cost of argon2id: the least that OWASP's "Password Storage Cheat Sheet"
// names for one lane.
const (
	hashPasses = 2
	hashMemory = 19 * 1024 // KiB
	hashLanes  = 1
	hashLength = 32
	saltLength = 16
)

// A password's length (NIST SP 800-63B section 3.1.1: no rules of composition,
// at least 64 characters allowed).
const (
	shortestPassword = 12   // characters
	longestPassword  = 1024 // bytes
)

// strong refuses what is guessed first.
func strong(password, login, name string) error {
	p := strings.ToLower(password)
	if utf8.RuneCountInString(password) < shortestPassword || len(password) > longestPassword {
		return ErrWeak
	}
	distinct := map[rune]bool{}
	for _, r := range p {
		distinct[r] = true
	}
	if len(distinct) < 5 || strings.Contains(p, folded(login)) || strings.Contains(p, strings.ToLower(strings.TrimSpace(name))) {
		return ErrWeak
	}
	return nil
}

// hashed gives the hash in PHC form ("$argon2id$v=19$m=19456,t=2,p=1$...").
func hashed(password string) string {
	salt := make([]byte, saltLength)
	_, _ = rand.Read(salt) // never fails (crypto/rand)
	sum := argon2.IDKey([]byte(norm.NFKC.String(password)), salt, hashPasses, hashMemory, hashLanes, hashLength)
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, hashMemory, hashPasses, hashLanes,
		base64.RawStdEncoding.EncodeToString(salt), base64.RawStdEncoding.EncodeToString(sum))
}

// hash waits for its turn.
func (o *Office) hash(ctx context.Context, password string) (string, error) {
	leave, err := o.turn(ctx)
	if err != nil {
		return "", err
	}
	defer leave()
	return hashed(password), nil
}

func (o *Office) turn(ctx context.Context) (leave func(), err error) {
	select {
	case o.hashing <- struct{}{}:
		return func() { <-o.hashing }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// matches compares in constant time, after its turn. It takes as long for a
// hash that is not there.
func (o *Office) matches(ctx context.Context, password, hash string) (bool, error) {
	known := hash != "" && len(password) <= longestPassword
	if !known {
		password, hash = "", o.decoy
	}
	var memory, passes uint32
	var lanes uint8
	fields := strings.Split(hash, "$")
	if len(fields) != 6 || fields[1] != "argon2id" {
		return false, fmt.Errorf("the stored password is in no known form")
	}
	if _, err := fmt.Sscanf(fields[3], "m=%d,t=%d,p=%d", &memory, &passes, &lanes); err != nil {
		return false, fmt.Errorf("the stored password: %w", err)
	}
	salt, err := base64.RawStdEncoding.DecodeString(fields[4])
	if err != nil {
		return false, fmt.Errorf("the stored password: %w", err)
	}
	want, err := base64.RawStdEncoding.DecodeString(fields[5])
	if err != nil {
		return false, fmt.Errorf("the stored password: %w", err)
	}
	leave, err := o.turn(ctx)
	if err != nil {
		return false, err
	}
	defer leave()
	got := argon2.IDKey([]byte(norm.NFKC.String(password)), salt, passes, memory, lanes, hashLength)
	return subtle.ConstantTimeCompare(got, want) == 1 && known, nil
}
