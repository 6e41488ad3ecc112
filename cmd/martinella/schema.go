package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"martinella/broadcast/rdb"
)

func schemaCommand(sh shell) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "schema",
		Short: "Tell how the store and this program fit, and what an upgrade would change",
		Long: `The store has a schema: how it keeps what it is given. A newer program may bring
a newer one. This tells, and changes nothing: the store's schema, from which
program on it can be used (how far back a rollback can go), what waits to be
upgraded, and which gateways run.

Upgrades that older gateways can live with are made when a newer gateway starts,
so that one gateway after the other is replaced while alerts go on. The others
wait for "martinella schema upgrade".`,
		Example: "  martinella schema\n  martinella schema upgrade",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withStore(cmd, sh, func(ctx context.Context, _ *Config, s *store) error {
				l, err := s.Layout(ctx)
				if err != nil {
					return err
				}
				if asJSON {
					return writeLayoutJSON(sh.out, l)
				}
				writeLayout(sh.out, l)
				return nil
			})
		},
	}
	configFlags(cmd.PersistentFlags())
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	cmd.AddCommand(schemaUpgradeCommand(sh))
	return cmd
}

func schemaUpgradeCommand(sh shell) *cobra.Command {
	return &cobra.Command{
		Use:   "upgrade",
		Short: "Upgrade the store to this program's schema",
		Long: `Upgrade the store to this program's schema, with everything that waits. It may be
run again. Where gateways run that would not understand the result, nothing is
changed. Take a backup before: there is no way back but to restore it, unless
"martinella schema" says that older programs can use the store.`,
		Example: "  martinella backup now && martinella schema upgrade",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withStore(cmd, sh, func(ctx context.Context, _ *Config, s *store) error {
				l, err := s.Upgrade(ctx)
				if errors.Is(err, rdb.ErrOldNodes) {
					return refused(err, "stop those gateways, or install the newer program there, and try again; nothing was changed")
				}
				if err != nil {
					return err
				}
				writeLayout(sh.out, l)
				return nil
			})
		},
	}
}

func writeLayout(w io.Writer, l rdb.Layout) {
	fmt.Fprintf(w, "schema of the store: %d, which programs with schema %d or newer can use\nschema of this program (%s): %d\n", l.Store, l.Oldest, version(), l.Program)
	if len(l.Waiting) == 0 {
		fmt.Fprintln(w, "nothing waits to be upgraded")
	}
	for _, s := range l.Waiting {
		when := "made when a gateway of this version starts, beside older ones"
		if !s.Beside {
			when = "waits for martinella schema upgrade, once no older gateway runs"
		}
		fmt.Fprintf(w, "to %d: %s; %d keys; %s\n", s.To, s.What, s.Keys, when)
	}
	for _, n := range l.Nodes {
		of := n.Version
		if of == "" {
			of = "of an unknown version"
		}
		fmt.Fprintf(w, "running: %s, %s, schema %d\n", n.Name, of, n.Program)
	}
}

func writeLayoutJSON(w io.Writer, l rdb.Layout) error {
	type step struct {
		To     int    `json:"to"`
		Beside bool   `json:"beside_older_gateways"`
		What   string `json:"what"`
		Keys   int64  `json:"keys"`
	}
	type node struct {
		Name    string `json:"name"`
		Version string `json:"version"`
		Schema  int    `json:"schema"`
	}
	out := struct {
		Store   int    `json:"store"`
		Oldest  int    `json:"oldest_program"`
		Program int    `json:"program"`
		Waiting []step `json:"waiting"`
		Nodes   []node `json:"running"`
	}{l.Store, l.Oldest, l.Program, []step{}, []node{}}
	for _, s := range l.Waiting {
		out.Waiting = append(out.Waiting, step(s))
	}
	for _, n := range l.Nodes {
		out.Nodes = append(out.Nodes, node{n.Name, n.Version, n.Program})
	}
	return json.NewEncoder(w).Encode(out)
}
