package rdb

import (
	"bufio"
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"go.uber.org/zap"

	"martinella/broadcast/backup"
)

// Scratch is a private redis-server that reads a copy: to prove that the copy
// can be read, or to bring it back. Until [Scratch.Keep] it writes nothing to
// disk; the copy goes to it as to a replica, over a loopback port that asks for
// a password which only the two know. It is for one goroutine; Close it.
type Scratch struct {
	server *server
	client *redis.Client
}

// ErrNoServer is the error of [NewScratch] where there is no redis-server.
var ErrNoServer = errors.New("no redis-server could be started")

// NewScratch starts a server in a directory, which is made when it is missing.
func NewScratch(ctx context.Context, binary, dir string, log *zap.Logger) (*Scratch, error) {
	path, err := findServer(binary)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoServer, err)
	}
	if dir, err = filepath.Abs(dir); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	s := &server{cfg: Config{DataDir: dir}, log: log, binary: path, dir: dir, failed: make(chan struct{}), halt: make(chan struct{}), ended: make(chan struct{}),
		// What is read goes to memory at once; it asks for another copy no sooner than after a minute.
		args: []string{"--appendonly", "no", "--appendfsync", "always", "--repl-diskless-load", "swapdb", "--repl-timeout", "60"}}
	close(s.ended) // nobody starts it again: what it holds would be gone
	if err := s.launch(ctx); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoServer, err)
	}
	silence.Do(func() { redis.SetLogger(silent{}) })
	return &Scratch{server: s, client: scratchClient(s.socket, 0)}, nil
}

func scratchClient(socket string, db int) *redis.Client {
	return redis.NewClient(&redis.Options{Network: "unix", Addr: socket, DB: db, Protocol: 2, MaxRetries: -1, DisableIdentity: true, ReadTimeout: time.Minute})
}

// Load has the server read a copy up to its last byte. An error of reading is
// given as it is; where the server refuses the copy, its own words.
func (s *Scratch) Load(ctx context.Context, copied io.Reader) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	l, err := new(net.ListenConfig).Listen(ctx, "tcp4", "127.0.0.1:0")
	if err != nil {
		return err
	}
	defer l.Close()
	var secret [16]byte
	_, _ = rand.Read(secret[:]) // never fails (crypto/rand)
	password := hex.EncodeToString(secret[:])
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		return err
	}
	pipe := s.client.Pipeline()
	pipe.ConfigSet(ctx, "masterauth", password)
	pipe.Do(ctx, "REPLICAOF", "127.0.0.1", port)
	if _, err := pipe.Exec(ctx); err != nil {
		return fmt.Errorf("load the copy: %w", err)
	}
	stop := context.AfterFunc(ctx, func() { _ = l.Close() })
	defer stop()
	conn, err := s.asked(ctx, l, password)
	if err != nil {
		return err
	}
	defer conn.Close()
	cut := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer cut()
	mark := password + nonce()[:eofMark-2*len(secret)]
	if _, err := fmt.Fprintf(conn, "+FULLRESYNC %s 0\r\n$EOF:%s\r\n", mark, mark); err != nil {
		return s.refused(err)
	}
	in := &sourceReader{r: copied}
	if _, err = io.CopyBuffer(struct{ io.Writer }{conn}, in, make([]byte, 256<<10)); err != nil {
		if in.err != nil {
			return in.err
		}
		return s.refused(err)
	}
	if _, err := io.WriteString(conn, mark); err != nil {
		return s.refused(err)
	}
	if err := s.taken(ctx, conn); err != nil {
		return err
	}
	if err := s.client.Do(ctx, "REPLICAOF", "NO", "ONE").Err(); err != nil {
		return fmt.Errorf("load the copy: %w", err)
	}
	return s.client.ConfigSet(ctx, "masterauth", "").Err()
}

// sourceReader remembers an error that is not the connection's.
type sourceReader struct {
	r   io.Reader
	err error
}

func (s *sourceReader) Read(b []byte) (int, error) {
	n, err := s.r.Read(b)
	if err != nil && !errors.Is(err, io.EOF) {
		s.err = err
	}
	return n, err
}

// asked waits for the server to ask for a copy, and gives the connection. Who
// does not know the password gets nothing.
func (s *Scratch) asked(ctx context.Context, l net.Listener, password string) (net.Conn, error) {
	for {
		conn, err := l.Accept()
		if err != nil {
			return nil, errors.Join(ctx.Err(), err)
		}
		if err := handshake(conn, password); err == nil {
			return conn, nil
		}
		_ = conn.Close() // somebody else's
	}
}

// handshake answers what a replica says before the copy (redis, replication.c,
// syncWithMaster).
func handshake(conn net.Conn, password string) error {
	_ = conn.SetDeadline(time.Now().Add(snapshotDial))
	in, known := bufio.NewReader(conn), false
	for {
		words, err := readCommand(in)
		if err != nil {
			return err
		}
		answer := "+OK\r\n"
		switch name := strings.ToUpper(words[0]); {
		case name == "AUTH":
			if subtle.ConstantTimeCompare([]byte(words[len(words)-1]), []byte(password)) != 1 {
				return errors.New("another password")
			}
			known = true
		case name == "PING":
			answer = "+PONG\r\n"
		case name == "PSYNC" && known:
			return conn.SetDeadline(time.Time{})
		case name != "REPLCONF" || !known:
			return errors.New("not a replica of ours")
		}
		if _, err := io.WriteString(conn, answer); err != nil {
			return err
		}
	}
}

// readCommand reads one command of a few short words.
func readCommand(in *bufio.Reader) ([]string, error) {
	s := &scanner{in: in}
	n, err := s.number('*')
	if err != nil || n < 1 || n > 16 {
		return nil, errors.Join(errFormat, err)
	}
	words := make([]string, n)
	for i := range words {
		size, err := s.number('$')
		if err != nil || size > 256 {
			return nil, errors.Join(errFormat, err)
		}
		b := make([]byte, size+2)
		if _, err := io.ReadFull(in, b); err != nil {
			return nil, err
		}
		words[i] = string(b[:size])
	}
	return words, nil
}

// taken waits until the server has all and says so.
func (s *Scratch) taken(ctx context.Context, conn net.Conn) error {
	ended := make(chan error, 1)
	go func() {
		_, err := io.Copy(io.Discard, conn) // REPLCONF ACK each second; it hangs up where it refuses the copy
		ended <- err
	}()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		info, err := s.client.Info(ctx, "replication").Result()
		switch {
		case err == nil && infoField(info, "master_link_status") == "up":
			return nil
		case err != nil && !replied(err, passing):
			return s.refused(err)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case err := <-ended:
			return s.refused(err)
		case <-tick.C:
		}
	}
}

// lastWords is how long a server that hung up may take to end: what it says of
// the reason comes after that it hung up.
const lastWords = 5 * time.Second

// refused is the error of a server that does not take the copy: what it said
// last tells why.
func (s *Scratch) refused(err error) error {
	p := s.server.process
	late := time.NewTimer(lastWords)
	defer late.Stop()
	select {
	case <-p.done:
	case <-late.C:
	}
	said := p.out.last()
	if said == "" {
		said = fmt.Sprint(err)
	}
	return fmt.Errorf("redis-server does not read the copy: %s", said)
}

// keepWait bounds writing the whole store to disk.
const keepWait = 30 * time.Minute

// Keep has the server write all it holds to its directory, as the append-only
// file that a gateway's own server begins with. It blocks until that is done.
func (s *Scratch) Keep(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, keepWait)
	defer cancel()
	if err := s.client.ConfigSet(ctx, "appendonly", "yes").Err(); err != nil {
		return fmt.Errorf("write the append-only file: %w", err)
	}
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		info, err := s.client.Info(ctx, "persistence").Result()
		if err != nil {
			return fmt.Errorf("write the append-only file: %w", err)
		}
		if infoField(info, "aof_rewrite_in_progress") == "0" && infoField(info, "aof_rewrite_scheduled") == "0" {
			if infoField(info, "aof_last_bgrewrite_status") != "ok" || infoField(info, "aof_last_write_status") != "ok" {
				return fmt.Errorf("write the append-only file: %s", s.server.process.out.last())
			}
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// Only leaves the keys of one authority alone in database 0: a server may hold
// others' beside them, which its copy holds too.
func (s *Scratch) Only(ctx context.Context, authority string, db int) error {
	if db != 0 {
		if err := s.client.Do(ctx, "SWAPDB", 0, db).Err(); err != nil {
			return fmt.Errorf("databases of the copy: %w", err)
		}
	}
	spaces, err := s.client.Info(ctx, "keyspace").Result()
	if err != nil {
		return err
	}
	for line := range strings.Lines(spaces) {
		name, _, _ := strings.Cut(line, ":")
		n, err := strconv.Atoi(strings.TrimPrefix(name, "db"))
		if err != nil || n == 0 || !strings.HasPrefix(name, "db") {
			continue
		}
		other := scratchClient(s.server.socket, n)
		err = other.FlushDB(ctx).Err()
		if err := errors.Join(err, other.Close()); err != nil {
			return err
		}
	}
	tag := newKeys(authority).tag
	for cursor := uint64(0); ; {
		names, next, err := s.client.Scan(ctx, cursor, "*", 1000).Result()
		if err != nil {
			return err
		}
		var others []string
		for _, name := range names {
			if !strings.HasPrefix(name, tag) {
				others = append(others, name)
			}
		}
		if len(others) > 0 {
			if err := s.client.Unlink(ctx, others...).Err(); err != nil {
				return err
			}
		}
		if cursor = next; cursor == 0 {
			return nil
		}
	}
}

// Facts tells what the server holds of an authority.
func (s *Scratch) Facts(ctx context.Context, authority string, db int) (backup.Facts, error) {
	client := scratchClient(s.server.socket, db)
	defer client.Close()
	return facts(ctx, client, newKeys(authority))
}

// Close ends the server and waits for it. Its directory stays.
func (s *Scratch) Close() error {
	err := s.client.Close()
	return errors.Join(err, s.server.stop())
}

// Settle opens what the server holds as a gateway does, and has act change it.
// cfg names the authority and the key file.
func (s *Scratch) Settle(ctx context.Context, cfg Config, act func(context.Context, *Redis) error) error {
	cfg.Redis, cfg.Sentinel = (&url.URL{Scheme: "unix", Path: s.server.socket}).String(), nil
	r, err := Open(ctx, cfg, s.server.log)
	if err != nil {
		return err
	}
	return errors.Join(act(ctx, r), r.Close())
}

// copyBatch is how many keys are copied to another server at once.
const copyBatch = 50

// CopyTo writes all that the server holds to an empty one, with the times at
// which keys end. Until that is done the other one is marked, and [Open] refuses
// it. An error leaves it marked: empty it before the next try.
func (s *Scratch) CopyTo(ctx context.Context, cfg Config, log *zap.Logger) error {
	opt := options()
	if cfg.Sentinel != nil {
		cfg.Sentinel.fill(opt)
	} else if err := address(opt, cfg.Redis); err != nil {
		return err
	}
	opt.ReadTimeout, opt.WriteTimeout = time.Minute, time.Minute
	to := redis.NewUniversalClient(opt)
	defer to.Close()
	n, err := to.DBSize(ctx).Result()
	if err != nil {
		return fail("restore into redis", err)
	}
	if n > 0 {
		return fmt.Errorf("%w: it holds %d keys", ErrNotEmpty, n)
	}
	mark := newKeys(cfg.Authority).restoring()
	if err := to.Set(ctx, mark, 1, 0).Err(); err != nil {
		return fail("restore into redis", err)
	}
	copied := 0
	for cursor := uint64(0); ; {
		names, next, err := s.client.Scan(ctx, cursor, "*", copyBatch).Result()
		if err != nil {
			return err
		}
		if err := s.copyKeys(ctx, to, names); err != nil {
			return err
		}
		copied += len(names)
		if cursor = next; cursor == 0 {
			break
		}
	}
	want, err := s.client.DBSize(ctx).Result()
	if err != nil {
		return err
	}
	have, err := to.DBSize(ctx).Result()
	if err != nil {
		return fail("restore into redis", err)
	}
	if have-1 < want { // one that ended meanwhile is on neither side
		return fmt.Errorf("restore into redis: %d keys of %d are there", have-1, want)
	}
	log.Info("the store was copied", zap.Int("keys", copied))
	return fail("restore into redis", to.Del(ctx, mark).Err())
}

// ErrNotEmpty is the error of a server that holds something already.
var ErrNotEmpty = errors.New("this redis is not empty, and nothing was changed in it")

// copyKeys copies some keys. One that ends meanwhile is left out.
func (s *Scratch) copyKeys(ctx context.Context, to redis.UniversalClient, names []string) error {
	from := s.client.Pipeline()
	texts, ttls := make([]*redis.StringCmd, len(names)), make([]*redis.DurationCmd, len(names))
	for i, name := range names {
		texts[i], ttls[i] = from.Dump(ctx, name), from.PTTL(ctx, name)
	}
	if _, err := from.Exec(ctx); err != nil && !errors.Is(err, redis.Nil) {
		return err
	}
	pipe := to.Pipeline()
	for i, name := range names {
		ttl := ttls[i].Val() // -1: it never ends; -2: it is gone
		if errors.Is(texts[i].Err(), redis.Nil) || ttl == -2 {
			continue
		}
		pipe.RestoreReplace(ctx, name, max(0, ttl), texts[i].Val())
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return fail("restore into redis", err)
	}
	return nil
}
