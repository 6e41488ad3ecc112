package rdb

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	// snapshotDial bounds the way to the server, snapshotPause how long it may
	// say nothing: while it gets ready it sends an empty line each second
	// (repl-ping-replica-period, redis.conf).
	snapshotDial  = 5 * time.Second
	snapshotPause = time.Minute
	// eofMark is the length of the mark behind a copy whose size was not known
	// when it began (redis, replication.c, CONFIG_RUN_ID_SIZE).
	eofMark = 40
	// mostHandshake bounds a line of the server before the copy begins.
	mostHandshake = 4096
)

// ErrNoSnapshot is the error of a store of which no copy can be taken: one in
// memory, or a cluster.
var ErrNoSnapshot = errors.New("no copy can be taken of this store")

// Snapshot is a copy of everything that the server holds at one moment, in
// Redis' own RDB form, as it comes. It holds all keys of the server, also those
// of others. It is for one goroutine; Close it.
type Snapshot struct {
	conn net.Conn
	stop func() bool
	in   *bufio.Reader
	ctx  context.Context // of the call that asked for it

	left int64  // bytes still to come; -1: up to the mark
	mark []byte // behind the last byte
	held []byte // read, and perhaps the beginning of the mark
}

// Snapshot asks for a copy, as a replica does: AUTH, REPLCONF, PSYNC ? -1. With
// sentinels a replica is asked where one is in order, else the master. It blocks
// until the server begins to send; ctx ends the reading as well.
func (r *Redis) Snapshot(ctx context.Context) (*Snapshot, error) {
	const op = "copy of the store"
	d, err := r.direct(ctx)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", op, err)
	}
	conn, err := d.dial(ctx)
	if err != nil {
		return nil, fail(op, err)
	}
	s := &Snapshot{conn: conn, ctx: ctx, in: bufio.NewReaderSize(conn, 64<<10)}
	s.stop = context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	if err := s.begin(d); err != nil {
		return nil, errors.Join(fail(op, s.why(err)), s.Close())
	}
	return s, nil
}

// direct is a server that a raw connection goes to.
type direct struct {
	network, address   string
	username, password string
	tls                *tls.Config
	by                 func(ctx context.Context, network, address string) (net.Conn, error)
}

func (d direct) dial(ctx context.Context) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, snapshotDial)
	defer cancel()
	dial := d.by
	if dial == nil {
		dial = new(net.Dialer).DialContext
	}
	conn, err := dial(ctx, d.network, d.address)
	if err != nil || d.tls == nil {
		return conn, err
	}
	secure := tls.Client(conn, d.tls)
	if err := secure.HandshakeContext(ctx); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return secure, nil
}

// direct finds the server of this store.
func (r *Redis) direct(ctx context.Context) (direct, error) {
	d := direct{network: "tcp", by: r.cfg.Dial}
	switch {
	case r.cfg.Sentinel != nil:
		return r.cfg.Sentinel.direct(ctx, d)
	case r.cfg.Redis == Memory:
		return d, ErrNoSnapshot
	case r.cfg.Redis == Embedded:
		return direct{network: "unix", address: r.server.socket}, nil
	}
	one, err := redis.ParseURL(r.cfg.Redis)
	if err != nil { // sentinel:// and cluster:// are no single server
		return d, fmt.Errorf("%w: name a server, or sentinels in the configuration", ErrNoSnapshot)
	}
	d.network, d.address, d.username, d.password, d.tls = one.Network, one.Addr, one.Username, one.Password, one.TLSConfig
	return d, nil
}

// direct asks the sentinels for a replica in order, else for the master.
func (s *Sentinel) direct(ctx context.Context, d direct) (direct, error) {
	d.username, d.password = s.Username, s.Password
	var last error
	for _, address := range s.Addresses {
		opt := &redis.Options{Addr: address, Username: s.SentinelUsername, Password: s.SentinelPassword, Dialer: d.by,
			DialTimeout: snapshotDial, ReadTimeout: snapshotDial, MaxRetries: -1, Protocol: 2, DisableIdentity: true}
		client := redis.NewSentinelClient(opt)
		found, err := client.Replicas(ctx, s.Master).Result()
		var master []string
		if err == nil {
			master, err = client.GetMasterAddrByName(ctx, s.Master).Result()
		}
		_ = client.Close()
		if err != nil || len(master) != 2 {
			last = errors.Join(last, err)
			continue
		}
		d.address = net.JoinHostPort(master[0], master[1])
		for _, one := range found {
			if one["flags"] == "slave" && one["master-link-status"] == "ok" { // nothing like s_down beside it
				d.address = net.JoinHostPort(one["ip"], one["port"])
				break
			}
		}
		return d, nil
	}
	return d, errors.Join(errors.New("no sentinel tells where the master is"), last)
}

// begin says who we are, asks for the copy and reads up to its first byte.
func (s *Snapshot) begin(d direct) error {
	if d.password != "" {
		auth := []string{"AUTH", d.password}
		if d.username != "" {
			auth = []string{"AUTH", d.username, d.password}
		}
		if err := s.ask(auth...); err != nil {
			return err
		}
	}
	if err := s.ask("REPLCONF", "capa", "eof"); err != nil {
		return err
	}
	if err := s.say("PSYNC", "?", "-1"); err != nil {
		return err
	}
	text, err := s.line()
	if err != nil {
		return err
	}
	if !strings.HasPrefix(text, "+FULLRESYNC") {
		return fmt.Errorf("the server gives no copy: %s", strings.TrimPrefix(text, "-"))
	}
	if text, err = s.line(); err != nil {
		return err
	}
	if mark, ok := strings.CutPrefix(text, "$EOF:"); ok {
		if len(mark) != eofMark {
			return errors.New("the mark at the end of the copy is not of 40 bytes")
		}
		s.mark, s.left = []byte(mark), -1
		return nil
	}
	size, ok := strings.CutPrefix(text, "$")
	if s.left, err = strconv.ParseInt(size, 10, 64); !ok || err != nil || s.left < 0 {
		return errors.New("the server does not say how long the copy is")
	}
	return nil
}

// say writes one command.
func (s *Snapshot) say(words ...string) error {
	var b bytes.Buffer
	fmt.Fprintf(&b, "*%d\r\n", len(words))
	for _, w := range words {
		fmt.Fprintf(&b, "$%d\r\n%s\r\n", len(w), w)
	}
	if err := s.wait(); err != nil {
		return err
	}
	_, err := s.conn.Write(b.Bytes())
	return err
}

// ask says one command whose answer is a plain yes.
func (s *Snapshot) ask(words ...string) error {
	if err := s.say(words...); err != nil {
		return err
	}
	text, err := s.line()
	if err == nil && !strings.HasPrefix(text, "+") {
		return fmt.Errorf("%s: %s", words[0], strings.TrimPrefix(text, "-"))
	}
	return err
}

// line reads the next line that says something, without its end.
func (s *Snapshot) line() (string, error) {
	var b []byte
	for {
		if err := s.wait(); err != nil {
			return "", err
		}
		c, err := s.in.ReadByte()
		switch {
		case err != nil:
			return "", err
		case len(b) == mostHandshake:
			return "", errors.New("the server's answer does not end")
		case c != '\n':
			b = append(b, c)
			continue
		}
		if text := strings.TrimRight(string(b), "\r"); text != "" {
			return text, nil
		}
		b = b[:0] // it is still getting ready
	}
}

// wait allows the server another pause.
func (s *Snapshot) wait() error {
	if err := s.ctx.Err(); err != nil {
		return err
	}
	if err := s.conn.SetDeadline(time.Now().Add(snapshotPause)); err != nil {
		return err
	}
	return s.ctx.Err() // it may have ended in between, and its deadline is overwritten
}

// why says that ctx ended, where that is why.
func (s *Snapshot) why(err error) error {
	if ended := s.ctx.Err(); err != nil && ended != nil {
		return ended
	}
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// Read implements io.Reader: the bytes of the copy alone. It ends with io.EOF
// only behind the last of them.
func (s *Snapshot) Read(b []byte) (int, error) {
	if len(b) == 0 {
		return 0, nil
	}
	if s.mark != nil {
		return s.readMarked(b)
	}
	if s.left == 0 {
		return 0, io.EOF
	}
	if err := s.wait(); err != nil {
		return 0, s.why(err)
	}
	n, err := s.in.Read(b[:min(int64(len(b)), s.left)])
	s.left -= int64(n)
	return n, s.why(err)
}

// readMarked keeps back as much as may be the mark. Nothing follows the mark:
// the server waits for a replica to say that it has all.
func (s *Snapshot) readMarked(b []byte) (int, error) {
	for {
		if free := len(s.held) - eofMark; free > 0 {
			n := copy(b, s.held[:free])
			s.held = append(s.held[:0], s.held[n:]...)
			return n, nil
		}
		if err := s.wait(); err != nil {
			return 0, s.why(err)
		}
		more := make([]byte, 32<<10)
		n, err := s.in.Read(more)
		s.held = append(s.held, more[:n]...)
		if bytes.HasSuffix(s.held, s.mark) && s.in.Buffered() == 0 {
			rest := s.held[:len(s.held)-eofMark]
			s.mark, s.left = nil, int64(len(rest))
			s.in = bufio.NewReader(io.MultiReader(bytes.NewReader(rest), errReader{}))
			return s.Read(b)
		}
		if err != nil {
			return 0, s.why(err)
		}
	}
}

// errReader stands behind the last byte.
type errReader struct{}

func (errReader) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// Close ends the connection.
func (s *Snapshot) Close() error {
	s.stop()
	return s.conn.Close()
}
