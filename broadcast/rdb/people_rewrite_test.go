package rdb

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"martinella/alerts"
	"martinella/broadcast"
)

// leaver enters somebody who will be erased, and gives the index of the contact,
// which stands in the append-only file.
func leaver(t *testing.T, r *Redis, i int) (number uint32, index string) {
	t.Helper()
	phone := fmt.Sprintf("+39333123%04d", i)
	number, _, err := r.People().Add(t.Context(), broadcast.Subscriber{Contacts: map[string]string{"phone": phone}, Language: "it", Areas: []string{"*"}})
	if err != nil {
		t.Fatal(err)
	}
	return number, r.vault.find("phone", phone)
}

// rewrites is how often this run of Redis was asked to rewrite its file.
func rewrites(t *testing.T, r *Redis) int {
	t.Helper()
	info, err := r.commands.Info(t.Context(), "commandstats").Result()
	if err != nil {
		t.Fatal(err)
	}
	calls, _, _ := strings.Cut(strings.TrimPrefix(infoField(info, "cmdstat_bgrewriteaof"), "calls="), ",")
	n, _ := strconv.Atoi(calls) // "" for never
	return n
}

// owed is what of rewriting is written down.
func owed(t *testing.T, r *Redis) map[string]string {
	t.Helper()
	had, err := r.commands.HGetAll(t.Context(), r.keys.rewrite()).Result()
	if err != nil {
		t.Fatal(err)
	}
	return had
}

// minuteLater ends the turn, as a minute does.
func minuteLater(t *testing.T, r *Redis) {
	t.Helper()
	if ttl, err := r.commands.PTTL(t.Context(), r.keys.rewriteTurn()).Result(); err != nil || ttl <= 0 || ttl > rewriteEvery {
		t.Errorf("the turn lasts %s, %v", ttl, err)
	}
	if err := r.commands.Del(t.Context(), r.keys.rewriteTurn()).Err(); err != nil {
		t.Fatal(err)
	}
}

// settled waits until Redis has ended its work and the state is what done wants.
func settled(t *testing.T, r *Redis, done func(owed map[string]string) bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; pause(t.Context(), 20*time.Millisecond) {
		if err := r.rewriteDue(t.Context()); err != nil {
			t.Fatal(err)
		}
		if done(owed(t, r)) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("after 20 s there is %v", owed(t, r))
		}
	}
}

func inFiles(t *testing.T, r *Redis, index string) bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(r.cfg.DataDir, "appendonlydir", "*"))
	if err != nil || len(files) < 2 {
		t.Fatalf("files %v, %v", files, err)
	}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(b, []byte(index)) {
			return true
		}
	}
	return false
}

func none(owed map[string]string) bool     { return len(owed) == 0 }
func notAsked(owed map[string]string) bool { return owed["due"] != "" && owed["asked"] == "" }

// Whoever signs up and erases in a loop makes Redis rewrite once a minute, on
// however many nodes; what was not rewritten at once is later.
func TestErasingRewritesOnceAMinute(t *testing.T) {
	r := openServer(t)
	second := other(t, r, nil)
	var last uint32
	var index string
	for i := range 20 {
		last, index = leaver(t, r, i)
		node := []*Redis{r, second}[i%2]
		if err := node.People().Erase(t.Context(), last); err != nil {
			t.Fatal(err)
		}
	}
	if n := rewrites(t, r); n != 1 {
		t.Fatalf("20 were erased: Redis was asked %d times", n)
	}
	if due := owed(t, r)["due"]; due != strconv.Itoa(int(last)) {
		t.Errorf("due is %q, want %d", due, last)
	}
	settled(t, r, notAsked) // the first one has ended; the others are still due
	if !inFiles(t, r, index) {
		t.Fatal("the last contact is gone before its time: the test proves nothing")
	}
	for range 3 {
		for _, node := range []*Redis{r, second} {
			if err := node.rewriteDue(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
	if n := rewrites(t, r); n != 1 {
		t.Errorf("within the minute Redis was asked %d times", n)
	}
	minuteLater(t, r)
	settled(t, second, none)
	if n := rewrites(t, r); n != 2 {
		t.Errorf("a minute later Redis was asked %d times, want 2", n)
	}
	if inFiles(t, r, index) {
		t.Error("the index of the last erased contact is still in a file")
	}
	minuteLater(t, r)
	if err := r.rewriteDue(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := rewrites(t, r); n != 2 {
		t.Errorf("with nothing due Redis was asked %d times, want 2", n)
	}
	// A browser that is gone by itself asks for none.
	number, _ := leaver(t, r, 99)
	if _, err := r.People().Unlist(t.Context(), number, "phone", "+393331230099", alerts.Act{V: 1, Verb: "gone"}); err != nil {
		t.Fatal(err)
	}
	if had := owed(t, r); len(had) != 0 {
		t.Errorf("who was unlisted makes due %v", had)
	}
}

// What is due survives the gateway and Redis, also where Redis stopped within a
// rewriting that was asked for.
func TestARewritingThatIsDueOutlivesARestart(t *testing.T) {
	for name, taken := range map[string]bool{"nobody asked for it": true, "it was asked for, and Redis stopped": false} {
		t.Run(name, func(t *testing.T) {
			needServer(t)
			cfg := Config{Redis: Embedded, Authority: "valdemo", DataDir: t.TempDir()}
			first, err := Open(t.Context(), cfg, quiet(t))
			if err != nil {
				t.Fatal(err)
			}
			if taken { // another node asked just before
				if err := first.commands.Set(t.Context(), first.keys.rewriteTurn(), "another", rewriteEvery).Err(); err != nil {
					t.Fatal(err)
				}
			}
			number, index := leaver(t, first, 1)
			if err := first.People().Erase(t.Context(), number); err != nil {
				t.Fatal(err)
			}
			if due := owed(t, first)["due"]; due != strconv.Itoa(int(number)) {
				t.Fatalf("due is %q, want %d", due, number)
			}
			if err := first.Close(); err != nil {
				t.Fatal(err)
			}
			r := open(t, cfg)
			if due := owed(t, r)["due"]; due != strconv.Itoa(int(number)) {
				t.Fatalf("after a restart due is %q, want %d", due, number)
			}
			if err := r.commands.Del(t.Context(), r.keys.rewriteTurn()).Err(); err != nil {
				t.Fatal(err)
			}
			ctx, stop := context.WithCancel(t.Context())
			ended := make(chan error, 1)
			go func() { ended <- r.Run(ctx) }()
			for deadline := time.Now().Add(2 * time.Minute); len(owed(t, r)) > 0; pause(t.Context(), 50*time.Millisecond) {
				if time.Now().After(deadline) {
					t.Errorf("after 30 s of running there is %v", owed(t, r))
					break
				}
			}
			stop()
			if err := <-ended; err != nil {
				t.Error(err)
			}
			if n := rewrites(t, r); n != 1 {
				t.Errorf("after the restart Redis was asked %d times, want once", n)
			}
			if inFiles(t, r, index) {
				t.Error("the index of the erased contact is still in a file")
			}
		})
	}
}
