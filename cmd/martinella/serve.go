package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
	"github.com/spf13/cobra"
	"go.uber.org/zap"
)

// openPatience is how long a start waits for the store: a former gateway may
// still be ending, and a large log takes time to load.
const openPatience = 90 * time.Second

func serveCommand(sh shell) *cobra.Command {
	var ready string
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Run the gateway",
		Long: `Run the gateway until SIGTERM or SIGINT. Configuration: file, then
environment MARTINELLA_*, then flags.`,
		Example: `  martinella serve --config martinella.yaml
  martinella serve --data /var/lib/martinella --listen 0.0.0.0:8080 --redis redis://10.0.0.5:6379`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := loadConfig(sh, cmd.Flags())
			if err != nil {
				return err
			}
			return serve(cmd.Context(), c, ready, sh.out, newLogger(sh.err), nil)
		},
	}
	configFlags(cmd.Flags())
	listenFlags(cmd.Flags())
	cmd.Flags().StringVar(&ready, "ready-file", "", "write the addresses to `FILE` once alerts can be accepted")
	return cmd
}

// serve opens the store and both listeners, and runs the gateway until ctx
// ends. then is called once it is ready; its error ends the gateway.
func serve(ctx context.Context, c *Config, readyName string, out io.Writer, log *zap.Logger, then func(context.Context, *gateway, readyFile) error) (err error) {
	if err := makeData(c.Data); err != nil {
		return err
	}
	if err := claim(c); err != nil {
		return err
	}
	doors, err := c.open(ctx, log)
	if err != nil {
		return err
	}
	defer doors.close()
	at := readyFile{Public: doors.local(), Admin: "http://" + localHost(doors.admin.Addr()), PID: os.Getpid()}
	if readyName != "" {
		if err := removeReady(readyName); err != nil {
			return refused(err, "name a file in an existing folder")
		}
		defer at.remove(readyName)
	}

	opening, cancel := context.WithTimeout(ctx, openPatience)
	s, err := openNode(opening, c, log)
	cancel()
	if err != nil {
		return notOpened(err, "is redis-server installed, or --redis right? --redis memory practises without one")
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	d, err := s.Durability(ctx)
	if err != nil {
		return unreachable(err, "")
	}
	if err := durableEnough(c, d); err != nil {
		return err
	}
	if !d.Durable {
		log.Warn("what is accepted could be lost", zap.String("durability", d.Mode), zap.String("reason", d.Reason))
	}
	g, err := newGateway(c, s, doors.site(), log)
	if err != nil {
		return err
	}
	if d.Memory && then == nil {
		if err := practiceKey(ctx, g); err != nil {
			return err
		}
	}
	return g.run(ctx, doors, func(ctx context.Context) error {
		if readyName != "" {
			if err := at.write(readyName); err != nil {
				return refused(err, "name a file in an existing folder")
			}
		}
		notify(daemon.SdNotifyReady, log)
		log.Info("ready", zap.String("public", at.Public), zap.String("admin", at.Admin), zap.String("site", c.PublicURL),
			zap.String("mode", c.Mode), zap.String("authority", c.Authority.Slug), zap.String("durability", d.Mode), zap.Int("channels", len(g.channels)), zap.String("version", version()))
		if err := g.first(ctx, out); err != nil && ctx.Err() == nil { // told to stop in the first moment, the next start invites
			return err
		}
		if then != nil {
			return then(ctx, g, at)
		}
		return nil
	})
}

// practiceKey makes the key of a store in memory, which no other program can
// reach: for exercises and tests, new at each start.
func practiceKey(ctx context.Context, g *gateway) error {
	made, err := createKey(ctx, g.store.Keys(), keyRequest{name: "practice", can: []string{"issue", "approve", "read"}}, time.Now())
	if err != nil {
		return err
	}
	file := filepath.Join(g.config.Data, "practice.key")
	if err := os.Remove(file); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if err := writeSecret(file, made.Key+"\n"); err != nil {
		return err
	}
	g.log.Info("a key for exercises was made", zap.String("file", file))
	return nil
}

func listen(ctx context.Context, address string) (net.Listener, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		if op, ok := errors.AsType[*net.OpError](err); ok {
			err = op.Err
		}
		return nil, refused(fmt.Errorf("listen on %s: %w", address, err), "another program may have it: choose another address, or port 0 for a free one")
	}
	return l, nil
}
