package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
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
			d := &doctor{sh: sh}
			err := withStore(cmd, sh, func(ctx context.Context, c *Config, s *store) error {
				d.store(ctx, c, s)
				d.say("key file", nil, "the one that the store was sealed with")
				d.folder(c)
				d.certificates(c, time.Now())
				d.channels(ctx, c)
				return nil
			})
			if errors.Is(err, rdb.ErrOtherKey) {
				d.say("key file", err, "")
			}
			if err != nil {
				return err
			}
			if d.bad > 0 {
				return refused(fmt.Errorf("%d of %d checks failed", d.bad, d.done), "mend what is marked BAD, then run it again")
			}
			fmt.Fprintf(sh.out, "all %d checks passed\n", d.done)
			return nil
		},
	}
	configFlags(cmd.Flags())
	return cmd
}

// doctor prints one line for each check.
type doctor struct {
	sh        shell
	done, bad int
}

func (d *doctor) say(name string, err error, good string) {
	d.done++
	if err != nil {
		d.bad++
		fmt.Fprintf(d.sh.out, "BAD   %-24s %v\n", name, err)
		return
	}
	fmt.Fprintf(d.sh.out, "good  %-24s %s\n", name, good)
}

func (d *doctor) store(ctx context.Context, c *Config, s *store) {
	p, err := s.Durability(ctx)
	if err == nil && !p.Durable && !acceptedByName(c, p) {
		err = fmt.Errorf("%s: what is accepted could be lost: %s", p.Mode, p.Reason)
	}
	d.say("durability", err, p.Mode)
	if p.Skew.Abs() > skewWarns {
		err = fmt.Errorf("this clock is %v ahead of the store's", p.Skew.Round(time.Millisecond))
	} else {
		err = nil
	}
	d.say("clock", err, fmt.Sprintf("%v from the store's", p.Skew.Round(time.Millisecond)))
}

// acceptedByName: the configuration names exactly this weakness.
func acceptedByName(c *Config, d broadcast.Durability) bool {
	return c.AcceptWeakDurability != "" && c.AcceptWeakDurability == d.Mode
}

// folder looks at who may read the data: the key that opens everything is in
// there.
func (d *doctor) folder(c *Config) {
	for _, name := range []string{c.Data, filepath.Join(c.Data, "key")} {
		info, err := os.Stat(name)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			err = fmt.Errorf("others may open it (mode %04o): chmod go-rwx %s", info.Mode().Perm(), name)
		}
		d.say(name, err, "for its owner alone")
	}
}

func (d *doctor) certificates(c *Config, now time.Time) {
	for _, s := range c.Senders {
		cert, err := readCertificate(s.Certificate)
		good := ""
		if err == nil {
			left := cert.NotAfter.Sub(now)
			good = fmt.Sprintf("valid for %d days", int(left.Hours()/24))
			if left < 30*24*time.Hour {
				err = fmt.Errorf("ends on %s: ask the sender for the next one", cert.NotAfter.Format(time.DateOnly))
			}
		}
		d.say("certificate of "+s.Name, err, good)
	}
}

func (d *doctor) channels(ctx context.Context, c *Config) {
	for i := range c.Channels {
		cc := &c.Channels[i]
		ch, err := cc.build(c.settings(), c.Data, zap.NewNop())
		good := "nothing to check without posting"
		if checker, ok := ch.(channels.Checker); ok && err == nil {
			one, cancel := context.WithTimeout(ctx, checkTimeout)
			err = checker.Check(one)
			cancel()
			good = "credentials work"
		}
		d.say("channel "+cc.Name, err, good)
		if closer, ok := ch.(interface{ Close() error }); ok && ch != nil {
			_ = closer.Close() // only looked at
		}
	}
}
