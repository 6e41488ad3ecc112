package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"martinella/broadcast"
	"martinella/dashboards/mirror"
)

func exportCommand(sh shell) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "export",
		Short:   "Write copies for other hosts",
		Example: "  martinella export site /var/www/copy",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(exportSiteCommand(sh))
	return cmd
}

func exportSiteCommand(sh shell) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "site DIR",
		Short: "Write the public pages as plain files",
		Long: `Write all public pages, in every language, with feeds, CAP files and pictures,
as plain files that any web server can give out without configuration. The
address in an SMS (/a/...) opens there too. Every page says when the copy was
made.

A second run writes only what changed, replaces each file as a whole, and removes
what is gone; files of somebody else in DIR stay. A DIR that holds files and no
earlier copy is refused, and so is one in or around the gateway's data. The guide, page "mirror", says
how to serve it. For a copy that follows every change by itself, see "mirror" in
the configuration.`,
		Example: "  martinella export site /var/www/copy --config martinella.yaml\n  martinella export site copy && rsync -a --delete copy/ web2:/var/www/copy/",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return withStore(cmd, sh, func(ctx context.Context, c *Config, s *store) error {
				return exportSite(ctx, sh, c, s, args[0])
			})
		},
	}
	configFlags(cmd.Flags())
	return cmd
}

// boardTime is how long reading all that is public may take.
const boardTime = time.Minute

// exportSite writes a copy of the pages as this node would show them now.
func exportSite(ctx context.Context, sh shell, c *Config, s *store, dir string) error {
	if c.PublicURL == "" {
		return usage(errors.New("public_url is not set"), "feeds and shared links lead to it: set it to the address that citizens know")
	}
	if how := overlap(dir, c.Data); how != "" {
		return refused(fmt.Errorf("%s %s", dir, how), "a web server gives out all of it, keys and people too: name a folder apart from it")
	}
	if _, err := (mirror.Folder{Dir: dir}).Look(ctx); errors.Is(err, mirror.ErrForeign) {
		return refused(err, "nothing was written; the files of an earlier copy are known by its copy.json")
	}
	g, err := newGateway(c, s, c.PublicURL, newLogger(sh.err))
	if err != nil {
		return err
	}
	defer func() { _ = g.closeChannels() }() // nothing was sent
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() { defer close(ended); _ = g.board.Run(ctx) }() // always nil
	defer func() { cancel(); <-ended }()
	if err := loaded(ctx, g.board); err != nil {
		return err
	}
	e, err := g.server.Copier().Copy(ctx, time.Now(), true)
	if err != nil {
		return unreachable(fmt.Errorf("the pages could not be made: %w", err), "nothing was written; martinella doctor looks at the store")
	}
	r, err := mirror.Folder{Dir: dir}.Take(ctx, e)
	if err != nil {
		return refused(fmt.Errorf("write the copy: %s", plainPathError(err)), "each file is whole, the old one or the new one; run it again when the folder can be written")
	}
	_, err = fmt.Fprintf(sh.out, "%d files written, %d as they were, %d removed: the copy of %s is in %s\n", r.Written, r.Kept, r.Removed, e.At.In(c.zone()).Format("2006-01-02 15:04"), dir)
	return err
}

// loaded waits until the board knows all that is public.
func loaded(ctx context.Context, b *broadcast.Board) error {
	ctx, cancel := context.WithTimeout(ctx, boardTime)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		_, err := b.Health()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return unreachable(fmt.Errorf("the store did not give what is public in time: %w", err), "martinella doctor looks at the store")
		case <-tick.C:
		}
	}
}

// closeChannels closes what holds connections.
func (g *gateway) closeChannels() (err error) {
	for _, ch := range g.channels {
		if c, ok := ch.(interface{ Close() error }); ok {
			err = errors.Join(err, c.Close())
		}
	}
	return err
}
