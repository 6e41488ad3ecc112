package main

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"go.uber.org/zap"

	"martinella/broadcast"
	"martinella/broadcast/rdb"
	"martinella/channels"
)

// The skews between this clock and the store's (DECISIONS 21).
const (
	skewWarns = 2 * time.Second
	skewFails = 30 * time.Second
)

// checkTimeout bounds one look at a platform.
const checkTimeout = 30 * time.Second

func doctorCommand(sh shell) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Check durability, clock, certificates and credentials, without posting",
		Example: `  martinella doctor --config martinella.yaml
  martinella doctor --redis redis://10.0.0.5:6379`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			d := &doctor{out: sh.out, now: time.Now()}
			err := withStore(cmd, sh, func(ctx context.Context, c *Config, s *store) (err error) {
				if d.declared, err = s.Declaration(ctx); err != nil {
					return unreachable(err, "")
				}
				d.examine(ctx, c, s, d.now)
				d.declaration(c)
				return nil
			})
			if errors.Is(err, rdb.ErrOtherKey) {
				d.say(checkKey, "key file", err, "")
			}
			if err != nil {
				return err
			}
			return d.verdict()
		},
	}
	configFlags(cmd.Flags())
	return cmd
}

func (d *doctor) store(ctx context.Context, c *Config, s *store) {
	p, err := s.Durability(ctx)
	if err == nil && !p.Durable && !acceptedByName(c, p) {
		err = fmt.Errorf("%s: what is accepted could be lost: %s", p.Mode, p.Reason)
	}
	d.say(checkDurability, "durability", err, p.Mode)
	if p.Skew.Abs() > skewWarns {
		err = fmt.Errorf("this clock is %v ahead of the store's", p.Skew.Round(time.Millisecond))
	} else {
		err = nil
	}
	d.say(checkClock, "clock", err, fmt.Sprintf("%v from the store's", p.Skew.Round(time.Millisecond)))
}

// acceptedByName: the configuration names exactly this weakness.
func acceptedByName(c *Config, d broadcast.Durability) bool {
	return c.AcceptWeakDurability != "" && c.AcceptWeakDurability == d.Mode
}

// folder looks at who may read the data, for the key that opens everything is in
// there, and whose it is: what somebody else made there the gateway cannot write.
func (d *doctor) folder(c *Config) {
	for _, look := range []struct{ code, name string }{{checkFolder, c.Data}, {checkKeyMode, filepath.Join(c.Data, "key")}} {
		code, name := look.code, look.name
		info, err := os.Stat(name)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			err = fmt.Errorf("others may open it (mode %04o): chmod go-rwx %s", info.Mode().Perm(), name)
		}
		d.say(code, name, err, "for its owner alone")
	}
	strange, err := strangers(c.Data)
	if err == nil && len(strange) == 0 {
		return
	}
	if err == nil {
		err = fmt.Errorf("%d files are of another user, and the gateway cannot write them: chown --reference=%s %s", len(strange), c.Data, strings.Join(strange[:min(len(strange), 5)], " "))
	}
	d.say(checkOwner, "owner of the data", err, "")
}

// strangers are the files of a folder, and of those in it, whose owner is not
// the folder's own.
func strangers(dir string) ([]string, error) {
	root, err := filepath.EvalSymlinks(dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var owner uint32
	var strange []string
	err = filepath.WalkDir(root, func(name string, e os.DirEntry, err error) error {
		if err != nil && name == root {
			return err
		}
		if err != nil { // gone meanwhile, or not for us
			return nil //nolint:nilerr // the others are looked at
		}
		info, err := e.Info()
		if err != nil {
			return nil //nolint:nilerr // as above
		}
		is, ok := info.Sys().(*syscall.Stat_t)
		switch {
		case !ok:
		case name == root:
			owner = is.Uid
		case is.Uid != owner && e.Name() != "lost+found":
			strange = append(strange, name)
		}
		return nil
	})
	return strange, err
}

// renewBefore is how long before its end a certificate is worth a word.
const renewBefore = 30 * 24 * time.Hour

func goodFor(c *x509.Certificate, now time.Time) string {
	return fmt.Sprintf("valid for %d days", int(c.NotAfter.Sub(now).Hours()/24))
}

func (d *doctor) certificates(c *Config, now time.Time) {
	d.tls(c, now)
	for _, s := range c.Senders {
		cert, err := readCertificate(s.Certificate)
		good := ""
		if err == nil {
			good = goodFor(cert, now)
			if cert.NotAfter.Sub(now) < renewBefore {
				err = fmt.Errorf("ends on %s: ask the sender for the next one", cert.NotAfter.Format(time.DateOnly))
			}
		}
		d.say(checkSender+s.Name, "certificate of "+s.Name, err, good)
	}
}

// checksAtOnce is how many accounts are looked at together.
const checksAtOnce = 4

// examined is what the look at one channel found.
type examined struct {
	err    error
	remedy string
	good   string
	notes  []string
}

// channels proves every configured account without sending anything, a few at a
// time, and tells of them in the order of the configuration.
func (d *doctor) channels(ctx context.Context, c *Config) {
	found := make([]examined, len(c.Channels))
	free := make(chan struct{}, checksAtOnce)
	var wg sync.WaitGroup
	for i := range c.Channels {
		wg.Go(func() {
			free <- struct{}{}
			defer func() { <-free }()
			found[i] = c.examine(ctx, &c.Channels[i])
		})
	}
	wg.Wait()
	for i, f := range found {
		d.say(checkChannel+c.Channels[i].Name, "channel "+c.Channels[i].Name, f.err, f.good)
		if f.err != nil {
			d.mend(f.remedy)
		}
		for _, note := range f.notes {
			d.note("channel "+c.Channels[i].Name, note)
		}
	}
}

// examine builds a channel, asks it for its check and its notes, and closes it.
func (c *Config) examine(ctx context.Context, cc *ChannelConfig) (f examined) {
	ch, err := cc.build(c.settings(), c.Data, zap.NewNop())
	if err != nil {
		return examined{err: err, remedy: "mend the channel's entry in the configuration: config check names every line"}
	}
	if closer, ok := ch.(interface{ Close() error }); ok {
		defer closer.Close() // only looked at
	}
	notes := func() []string {
		if n, ok := ch.(interface{ Notes() []string }); ok {
			return n.Notes()
		}
		return nil
	}
	checker, ok := ch.(channels.Checker)
	if !ok {
		f.good, f.notes = "nothing to check without posting", notes()
		return f
	}
	one, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	began := time.Now()
	f.err, f.good = checker.Check(one), "the account works"
	f.notes = notes() // some are found by the check
	if f.err == nil {
		if took := time.Since(began).Round(time.Millisecond); took > slowCheck {
			f.notes = append(f.notes, fmt.Sprintf("it took %v to answer", took))
		}
		return f
	}
	f.remedy = remedyOf(ch, f.err)
	return f
}

// slowCheck is an answer that is worth a word.
const slowCheck = 5 * time.Second

// remedyOf says what to do about a check that failed. A channel that knows how
// its credentials are renewed says so itself.
func remedyOf(ch channels.Channel, err error) string {
	renewer, knows := ch.(channels.Renewer)
	switch v, _ := channels.VerdictOf(err); {
	case errors.Is(err, context.DeadlineExceeded):
		return "the platform did not answer in time: is it reachable from this machine, and not held up by a firewall?"
	case v == channels.VerdictUnauthorized && knows:
		return "the platform refuses the credentials. " + renewer.Renewal()
	case v == channels.VerdictUnauthorized:
		return "the platform refuses the credentials: renew them there and write them into the channel's secret file"
	case v == channels.VerdictPermanent:
		return "the platform refuses the channel's settings: compare them with what it says above"
	}
	return "the platform cannot be reached or is in trouble: try again, then look at its address, the network and the platform's own status page"
}
