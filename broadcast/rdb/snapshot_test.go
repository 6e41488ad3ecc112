package rdb

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"martinella/alerts"
	"martinella/broadcast/backup"
)

// scratch starts a server for copies, or skips.
func scratch(t *testing.T) *Scratch {
	t.Helper()
	needServer(t)
	s, err := NewScratch(t.Context(), "", t.TempDir(), quiet(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// A copy that was taken through an encrypted file is loaded by another server and
// holds the same; what is on the way to it never touches a disk.
func TestACopyIsLoadedByAnotherServer(t *testing.T) {
	r := openServer(t)
	issue(t, r, alerts.SeveritySevere, map[string][]uint32{"sms": {1, 2, 3}}, "sms")
	if err := r.commands.Set(t.Context(), "another program's", strings.Repeat("x", 3<<20), 0).Err(); err != nil {
		t.Fatal(err)
	}
	facts, err := r.Facts(t.Context())
	if err != nil || facts.Schema != Schema || facts.Acts == 0 || facts.Records != 1 {
		t.Fatalf("the store tells %+v, %v", facts, err)
	}
	seed, err := r.BackupSeed()
	if err != nil {
		t.Fatal(err)
	}
	key, err := backup.NewKey(seed)
	if err != nil {
		t.Fatal(err)
	}
	copied, err := r.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer copied.Close()
	var file bytes.Buffer
	m := backup.Manifest{Authority: "valdemo", Program: "test", At: time.Now().UTC(), Facts: facts}
	if _, err := backup.Write(t.Context(), &file, key, m, []backup.File{{In: backup.InConfig, Path: "martinella.yaml", Data: []byte("mode: live\n")}}, copied); err != nil {
		t.Fatal(err)
	}
	for how, prover := range map[string]backup.Prover{backup.Loaded: Prover{Log: quiet(t)}, backup.Summed: nil} {
		proof, err := backup.Verify(t.Context(), bytes.NewReader(file.Bytes()), key, "valdemo", prover)
		if err != nil || proof.How != how {
			t.Fatalf("%s: %+v, %v", how, proof, err)
		}
	}
	s := scratch(t)
	taker := loader{s, t}
	if _, _, err := backup.Read(t.Context(), bytes.NewReader(file.Bytes()), key, taker); err != nil {
		t.Fatal(err)
	}
	if err := s.Only(t.Context(), "valdemo", 0); err != nil {
		t.Fatal(err)
	}
	got, err := s.Facts(t.Context(), "valdemo", 0)
	if lacks := facts.Within(got); err != nil || lacks != "" {
		t.Fatalf("%s %v", lacks, err)
	}
	if n := s.client.Exists(t.Context(), "another program's").Val(); n != 0 {
		t.Error("a key of another program was brought back too")
	}
	found, err := filepath.Glob(filepath.Join(s.server.dir, "*"))
	if err != nil || len(found) != 2 { // lock and socket
		t.Errorf("the copy is on disk: %q %v", found, err)
	}
	if err := s.Keep(t.Context()); err != nil {
		t.Fatal(err)
	}
}

type loader struct {
	s *Scratch
	t *testing.T
}

func (l loader) Manifest(backup.Manifest) error { return nil }
func (l loader) File(backup.File) error         { return nil }
func (l loader) Redis(copied io.Reader) error   { return l.s.Load(l.t.Context(), copied) }

// Every way to a server gives the same copy, of known length and with a mark at
// its end.
func TestEveryWayToAServerGivesACopy(t *testing.T) {
	path := need(t, "redis-server")
	for name, diskless := range map[string]string{"the length is known": "no", "a mark is at the end": "yes"} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			s := &server{cfg: Config{DataDir: dir}, log: quiet(t), binary: path, dir: dir, failed: make(chan struct{}), halt: make(chan struct{}), ended: make(chan struct{}),
				args: []string{"--requirepass", "once upon", "--repl-diskless-sync", diskless, "--repl-diskless-sync-delay", "0"}}
			close(s.ended)
			// It answers NOAUTH to a PING, so its socket is looked at instead.
			s.socket = filepath.Join(dir, "redis.sock")
			lock, err := lockDir(t.Context(), dir)
			if err != nil {
				t.Fatal(err)
			}
			s.lock = lock
			p, err := s.spawn()
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				_ = p.cmd.Process.Kill()
				<-p.done
				_ = lock.Close()
			})
			for alone := time.Now(); time.Since(alone) < 10*time.Second; {
				if c, err := net.Dial("unix", s.socket); err == nil {
					_ = c.Close()
					break
				}
			}
			url := "unix://:once%20upon@" + s.socket
			opt, err := redis.ParseURL(url)
			if err != nil {
				t.Fatal(err)
			}
			client := redis.NewClient(opt)
			defer client.Close()
			if err := client.Set(t.Context(), "k", strings.Repeat("y", 200_000), 0).Err(); err != nil {
				t.Fatal(err)
			}
			r := &Redis{cfg: Config{Redis: url}, log: quiet(t)}
			copied, err := r.Snapshot(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer copied.Close()
			all, err := io.ReadAll(copied)
			if err != nil || !bytes.HasPrefix(all, []byte("REDIS")) {
				t.Fatalf("%d bytes, %v", len(all), err)
			}
			other := scratch(t)
			if err := other.Load(t.Context(), bytes.NewReader(all)); err != nil {
				t.Fatal(err)
			}
			if got := other.client.Get(t.Context(), "k").Val(); len(got) != 200_000 {
				t.Errorf("the value comes back with %d bytes", len(got))
			}
			r.cfg.Redis = "unix://:wrong@" + s.socket
			if _, err := r.Snapshot(t.Context()); err == nil || strings.Contains(err.Error(), "wrong@") {
				t.Errorf("another password gives %v", err)
			}
		})
	}
}

// A server that hangs up in the middle is never taken for one that has said all.
func TestACopyThatIsCutOffIsAnError(t *testing.T) {
	mark := strings.Repeat("m", 40)
	for name, says := range map[string]struct {
		text string
		want string // of the copy; "" is an error
	}{
		"all of a known length":        {"$9\r\nREDIS0011", "REDIS0011"},
		"cut off at a known length":    {"$12\r\nREDIS0011", ""},
		"all up to the mark":           {"$EOF:" + mark + "\r\nREDIS0011" + mark, "REDIS0011"},
		"a mark's beginning within":    {"$EOF:" + mark + "\r\nREDIS" + mark[:20] + "0011" + mark, "REDIS" + mark[:20] + "0011"},
		"cut off before the mark":      {"$EOF:" + mark + "\r\nREDIS0011", ""},
		"cut off within the mark":      {"$EOF:" + mark + "\r\nREDIS0011" + mark[:39], ""},
		"empty lines before it begins": {"\n\n\n$9\r\nREDIS0011", "REDIS0011"},
		"a length below zero":          {"$-1\r\n", ""},
		"a short mark":                 {"$EOF:abc\r\nREDISabc", ""},
		"nothing":                      {"", ""},
		"a line without end":           {strings.Repeat("x", 10_000), ""},
	} {
		t.Run(name, func(t *testing.T) {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			go func() {
				c, err := l.Accept()
				if err != nil {
					return
				}
				defer c.Close()
				b := make([]byte, 512)
				_, _ = c.Read(b)
				fmt.Fprint(c, "+OK\r\n")
				_, _ = c.Read(b)
				fmt.Fprint(c, "+FULLRESYNC 8de1787ba490483314a4d30f1c628bc5025eb761 0\r\n"+says.text)
			}()
			r := &Redis{cfg: Config{Redis: "redis://" + l.Addr().String()}, log: quiet(t)}
			got, err := func() ([]byte, error) {
				s, err := r.Snapshot(t.Context())
				if err != nil {
					return nil, err
				}
				defer s.Close()
				return io.ReadAll(s)
			}()
			if (err == nil) != (says.want != "") || err == nil && string(got) != says.want {
				t.Errorf("%q, %v", got, err)
			}
		})
	}
}

func TestWhatIsNoCopyIsRefusedInItsOwnWords(t *testing.T) {
	s := scratch(t)
	if err := s.Load(t.Context(), strings.NewReader("REDIS9999 of a program to come")); err == nil || !strings.Contains(err.Error(), "RDB") {
		t.Errorf("it says %v", err)
	}
	lost := errors.New("the place is gone")
	if err := scratch(t).Load(t.Context(), io.MultiReader(strings.NewReader("REDIS0011"), failing{lost})); !errors.Is(err, lost) {
		t.Errorf("it says %v", err)
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// Into a Redis that a URL names goes all of it, with the times at which keys end;
// one that holds anything is left as it is, and half of it is never opened.
func TestACopyGoesIntoAnEmptyRedisOnly(t *testing.T) {
	from, to := scratch(t), scratch(t)
	for i := range 300 {
		if err := from.client.Set(t.Context(), fmt.Sprintf("{martinella:valdemo}:k%d", i), i, time.Duration(i%3)*time.Hour).Err(); err != nil {
			t.Fatal(err)
		}
	}
	cfg := Config{Redis: "unix://" + to.server.socket, Authority: "valdemo", KeyFile: filepath.Join(t.TempDir(), "key")}
	if err := from.CopyTo(t.Context(), cfg, quiet(t)); err != nil {
		t.Fatal(err)
	}
	for i, want := range []time.Duration{-1, time.Hour, 2 * time.Hour} {
		got, err := to.client.PTTL(t.Context(), fmt.Sprintf("{martinella:valdemo}:k%d", 297+i)).Result()
		if err != nil || got > want || want > 0 && got < want-time.Minute {
			t.Errorf("key %d ends in %v, %v; not in %v", 297+i, got, err, want)
		}
	}
	if n := to.client.DBSize(t.Context()).Val(); n != 300 {
		t.Errorf("%d keys are there", n)
	}
	if err := from.CopyTo(t.Context(), cfg, quiet(t)); !errors.Is(err, ErrNotEmpty) {
		t.Errorf("a second time it says %v", err)
	}
	if err := to.client.Set(t.Context(), "{martinella:valdemo}:restoring", 1, 0).Err(); err != nil {
		t.Fatal(err)
	}
	cfg.KeyFile, cfg.DataDir = "", t.TempDir()
	if r, err := Open(t.Context(), cfg, quiet(t)); !errors.Is(err, ErrRestoring) {
		t.Errorf("half a store opens: %v %v", r, err)
	}
}
