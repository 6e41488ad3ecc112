package rdb

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"martinella/alerts"
	"martinella/broadcast"
)

// sealedStore gives a server that holds a signing key and a subscriber, and the
// configuration with which another program meets it by URL.
func sealedStore(t *testing.T) (*Redis, Config) {
	t.Helper()
	r := openServer(t)
	key := &alerts.Key{Person: alerts.Person{ID: "signer"}}
	if err := r.Keys().Add(t.Context(), key, []byte("0123456789abcdef"), alerts.KeyAct(alerts.By{ID: "command"}, alerts.ActKeyCreated, key.Person.ID, "", "command", time.Now())); err != nil {
		t.Fatal(err)
	}
	if _, _, err := r.People().Add(t.Context(), broadcast.Subscriber{Contacts: map[string]string{"phone": "+393331234567"}, Language: "it", Areas: []string{"*"}}); err != nil {
		t.Fatal(err)
	}
	return r, Config{Redis: "unix://" + r.server.socket, Authority: r.cfg.Authority, DataDir: t.TempDir()}
}

// A store opens with the key file that it was sealed with and no other, also
// where an older program left no mark; and no new key file is made beside what
// is sealed.
func TestAnotherKeyFileIsRefused(t *testing.T) {
	r, elsewhere := sealedStore(t)
	right, err := os.ReadFile(filepath.Join(r.cfg.DataDir, "key"))
	if err != nil {
		t.Fatal(err)
	}
	for _, marked := range []bool{true, false} {
		for what, c := range map[string]struct {
			key  []byte // nil: none
			want error
		}{
			"lost":     {nil, ErrOtherKey},
			"another":  {[]byte("00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\n"), ErrOtherKey},
			"restored": {right, nil},
		} {
			if !marked {
				if err := r.commands.Del(t.Context(), r.keys.keyMark()).Err(); err != nil {
					t.Fatal(err)
				}
			}
			cfg := elsewhere
			cfg.DataDir = t.TempDir()
			file := filepath.Join(cfg.DataDir, "key")
			if c.key != nil {
				if err := os.WriteFile(file, c.key, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			second, err := Open(t.Context(), cfg, quiet(t))
			if !errors.Is(err, c.want) {
				t.Errorf("%s, marked %v: got %v, want %v", what, marked, err, c.want)
			}
			if err == nil {
				if _, _, err := second.Keys().BySigner(t.Context(), "signer"); err != nil {
					t.Errorf("%s, marked %v: %v", what, marked, err)
				}
				_ = second.Close()
			}
			if _, err := os.Stat(file); c.key == nil && !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("%s, marked %v: a new key file was made (%v)", what, marked, err)
			}
		}
	}
}

// The mark is of the authority: another one on the same server has its own key.
func TestEachAuthorityHasItsKeyFile(t *testing.T) {
	_, cfg := sealedStore(t)
	cfg.Authority = "altra"
	open(t, cfg)
	open(t, cfg)
}

func TestASecretThatDoesNotOpenIsUnavailable(t *testing.T) {
	r, _ := sealedStore(t)
	damaged := &alerts.Key{Person: alerts.Person{ID: "damaged"}, SealedSecret: []byte("damaged and not sealed by anybody at all")}
	if err := r.Keys().Add(t.Context(), damaged, nil, alerts.KeyAct(alerts.By{ID: "command"}, alerts.ActKeyCreated, damaged.Person.ID, "", "command", time.Now())); err != nil {
		t.Fatal(err)
	}
	if _, _, err := r.Keys().BySigner(t.Context(), "damaged"); !errors.Is(err, alerts.ErrUnavailable) {
		t.Errorf("got %v, want alerts.ErrUnavailable", err)
	}
}
