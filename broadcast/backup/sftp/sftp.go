package sftp

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"

	"martinella/broadcast/backup"
)

const (
	dialTime = 10 * time.Second
	// silence is how long the other side may take for nothing of what was asked.
	silence = 2 * time.Minute
)

// Config says where the machine is.
type Config struct {
	Address    string // host:port
	User       string
	Folder     string // on the other machine; made when it is missing
	KeyFile    string // OpenSSH private key without a passphrase
	KnownHosts string // file in the form of known_hosts; it must hold the machine's key
}

// SFTP is a [backup.Place] on another machine. Each call has its own connection.
type SFTP struct {
	Config
	client *ssh.ClientConfig
}

var _ backup.Place = (*SFTP)(nil)

// New reads the key and the known hosts; it asks nobody.
func New(c Config) (*SFTP, error) {
	if _, _, err := net.SplitHostPort(c.Address); err != nil || c.User == "" || c.Folder == "" {
		return nil, errors.New("address (host:port), user and folder are needed")
	}
	text, err := os.ReadFile(c.KeyFile)
	if err != nil {
		return nil, fmt.Errorf("key: %w", err)
	}
	key, err := ssh.ParsePrivateKey(text)
	if err != nil {
		return nil, fmt.Errorf("key %s: it is no OpenSSH private key, or has a passphrase", c.KeyFile)
	}
	known, err := knownhosts.New(c.KnownHosts)
	if err != nil {
		return nil, fmt.Errorf("known hosts: %w", err)
	}
	return &SFTP{c, &ssh.ClientConfig{
		User: c.User, Auth: []ssh.AuthMethod{ssh.PublicKeys(key)}, Timeout: dialTime,
		HostKeyCallback: known, HostKeyAlgorithms: algorithms(known, c.Address),
	}}, nil
}

// algorithms are those of the keys that are known of the machine, so that it does
// not show another one of its keys; none where it is not known: then it is said.
func algorithms(known ssh.HostKeyCallback, address string) (names []string) {
	host, _, _ := net.SplitHostPort(address)
	var wrong *knownhosts.KeyError
	if err := known(address, &net.TCPAddr{IP: net.ParseIP(host)}, nobody{}); errors.As(err, &wrong) {
		for _, k := range wrong.Want {
			switch kind := k.Key.Type(); kind {
			case ssh.KeyAlgoRSA:
				names = append(names, ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256)
			default:
				names = append(names, kind)
			}
		}
	}
	return names
}

// nobody is a key that no machine has.
type nobody struct{}

func (nobody) Type() string                        { return "nobody" }
func (nobody) Marshal() []byte                     { return []byte("nobody") }
func (nobody) Verify([]byte, *ssh.Signature) error { return errors.New("nobody's key") }

// session is one connection.
type session struct {
	*sftp.Client
	conn net.Conn
	ssh  *ssh.Client
	stop func() bool
}

// watched lets a connection on which nothing moves end.
type watched struct{ net.Conn }

func (w watched) Read(b []byte) (int, error) {
	_ = w.SetReadDeadline(time.Now().Add(silence))
	return w.Conn.Read(b)
}

func (w watched) Write(b []byte) (int, error) {
	_ = w.SetWriteDeadline(time.Now().Add(silence))
	return w.Conn.Write(b)
}

func (s *SFTP) open(ctx context.Context) (*session, error) {
	dialer := net.Dialer{Timeout: dialTime}
	conn, err := dialer.DialContext(ctx, "tcp", s.Address)
	if err != nil {
		return nil, err
	}
	one := &session{conn: conn, stop: context.AfterFunc(ctx, func() { _ = conn.Close() })}
	through, channels, requests, err := ssh.NewClientConn(watched{conn}, s.Address, s.client)
	if err != nil {
		one.stop()
		return nil, errors.Join(hostError(err), ctx.Err(), conn.Close())
	}
	one.ssh = ssh.NewClient(through, channels, requests)
	if one.Client, err = sftp.NewClient(one.ssh); err != nil {
		one.stop()
		return nil, errors.Join(fmt.Errorf("the machine gives no SFTP: %w", err), one.ssh.Close())
	}
	return one, nil
}

// hostError says plainly that it is another machine, or an unknown one.
func hostError(err error) error {
	var wrong *knownhosts.KeyError
	switch {
	case errors.As(err, &wrong) && len(wrong.Want) > 0:
		return errors.New("the machine shows another key than the known one: it is another machine, or was set up anew. Ask its keeper before the known hosts are changed")
	case errors.As(err, &wrong):
		return errors.New("the machine's key is not among the known hosts: compare it with its keeper, then add it (ssh-keyscan)")
	}
	return err
}

func (s *session) end() error {
	s.stop()
	err := s.Client.Close()
	_ = s.ssh.Close() // the line above has said what there is to say
	if errors.Is(err, io.EOF) || errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// with runs act on a connection of its own.
func (s *SFTP) with(ctx context.Context, act func(*session) error) error {
	one, err := s.open(ctx)
	if err != nil {
		return err
	}
	err = act(one)
	if closed := one.end(); err == nil {
		err = closed
	}
	if err != nil && ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

// Put implements [backup.Place].
func (s *SFTP) Put(ctx context.Context, name string, over bool, fill func(io.Writer) error) error {
	return s.with(ctx, func(one *session) (err error) {
		if err := one.MkdirAll(s.Folder); err != nil {
			return err
		}
		at := path.Join(s.Folder, name)
		if _, err := one.Lstat(at); err == nil && !over {
			return backup.ErrThere
		}
		// A name of its own: another program may be writing the same.
		var own [4]byte
		_, _ = rand.Read(own[:]) // never fails (crypto/rand)
		part := path.Join(s.Folder, backup.PartName(name)+"."+hex.EncodeToString(own[:]))
		f, err := one.OpenFile(part, os.O_WRONLY|os.O_CREATE|os.O_EXCL)
		if err != nil {
			return err
		}
		defer func() {
			if err != nil {
				_ = one.Remove(part) // where the connection is lost, Tidy does it later
			}
		}()
		_ = f.Chmod(0o600) // some machines know no modes; what is in it is encrypted
		if err := errors.Join(fill(f), ctx.Err()); err != nil {
			return errors.Join(err, f.Close())
		}
		if err := f.Sync(); err != nil && !unsupported(err) {
			return errors.Join(err, f.Close())
		}
		if err := f.Close(); err != nil {
			return err
		}
		if over {
			return replace(one, part, at)
		}
		// Rename of SFTP itself never goes over a file that is there (draft-ietf-secsh-filexfer-02, 6.5).
		if err := one.Rename(part, at); err != nil {
			if _, there := one.Lstat(at); there == nil {
				return errors.Join(backup.ErrThere, err)
			}
			return err
		}
		return nil
	})
}

// replace puts a file into the place of another at once, as OpenSSH can; on other
// machines the old one is taken away first.
func replace(one *session, part, at string) error {
	err := one.PosixRename(part, at)
	if err == nil || !unsupported(err) {
		return err
	}
	if err := one.Remove(at); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return one.Rename(part, at)
}

func unsupported(err error) bool {
	status, ok := errors.AsType[*sftp.StatusError](err)
	return ok && status.FxCode() == sftp.ErrSSHFxOpUnsupported
}

// reading is a file of another machine with its connection.
type reading struct {
	*sftp.File
	one *session
}

// Close implements io.Closer.
func (r reading) Close() error {
	_ = r.File.Close() // it was only read
	return r.one.end()
}

// Get implements [backup.Place].
func (s *SFTP) Get(ctx context.Context, name string) (io.ReadCloser, error) {
	one, err := s.open(ctx)
	if err != nil {
		return nil, err
	}
	f, err := one.Open(path.Join(s.Folder, name))
	if errors.Is(err, fs.ErrNotExist) {
		err = fmt.Errorf("%s: %w", name, backup.ErrAbsent)
	}
	if err != nil {
		return nil, errors.Join(err, one.end())
	}
	return reading{f, one}, nil
}

// List implements [backup.Place].
func (s *SFTP) List(ctx context.Context, prefix string) (names []string, err error) {
	err = s.with(ctx, func(one *session) error {
		entries, err := one.ReadDir(s.Folder)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		for _, e := range entries {
			if e.Mode().IsRegular() && strings.HasPrefix(e.Name(), prefix) {
				names = append(names, e.Name())
			}
		}
		return err
	})
	slices.Sort(names)
	return names, err
}

// Remove implements [backup.Place].
func (s *SFTP) Remove(ctx context.Context, name string) error {
	return s.with(ctx, func(one *session) error {
		err := one.Remove(path.Join(s.Folder, name))
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	})
}

// Tidy implements [backup.Place].
func (s *SFTP) Tidy(ctx context.Context, at time.Time) error {
	return s.with(ctx, func(one *session) error {
		entries, err := one.ReadDir(s.Folder)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		for _, e := range entries {
			if backup.Unfinished(e.Name()) && e.ModTime().Before(at) {
				err = errors.Join(err, one.Remove(path.Join(s.Folder, e.Name())))
			}
		}
		return err
	})
}
