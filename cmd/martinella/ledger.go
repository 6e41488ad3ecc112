package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"martinella/alerts/ledger"
	"martinella/broadcast"
)

func ledgerCommand(sh shell) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "ledger",
		Short: "Export and verify the ledger of who did what",
		Long: `Every act (submitted, approved, issued, cancelled, ...) enters a ledger with who,
what, when and digest. Its signed heads show later that nothing was edited,
removed, reordered or cut off. Keep heads, exports and the key on another
machine: verify needs nothing else.`,
		Example: "  martinella ledger export --out ledger.jsonl\n  martinella ledger verify ledger.jsonl --key ledger.pub --head last-month.head",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(ledgerHeadCommand(sh), ledgerKeyCommand(sh), ledgerExportCommand(sh), ledgerVerifyCommand(sh))
	return cmd
}

// withLedger runs an act on the ledger of the configuration's store.
func withLedger(cmd *cobra.Command, sh shell, act func(context.Context, broadcast.Ledger) error) error {
	return withStore(cmd, sh, func(ctx context.Context, _ *Config, s *store) error {
		l, err := s.Ledger()
		if err != nil {
			return err
		}
		err = act(ctx, l)
		if errors.Is(err, ledger.ErrBroken) {
			return refused(err, "export and verify the ledger, and compare with the heads that were kept elsewhere")
		}
		return err
	})
}

func ledgerHeadCommand(sh shell) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "head",
		Short:   "Print a signed head of the ledger",
		Example: "  martinella ledger head > $(date +%F).head",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withLedger(cmd, sh, func(ctx context.Context, l broadcast.Ledger) error {
				head, err := l.Head(ctx)
				if err != nil {
					return err
				}
				_, err = sh.out.Write(head.Note)
				return err
			})
		},
	}
	configFlags(cmd.Flags())
	return cmd
}

func ledgerKeyCommand(sh shell) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "key",
		Short:   "Print the public key of the ledger",
		Example: "  martinella ledger key > ledger.pub",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withLedger(cmd, sh, func(_ context.Context, l broadcast.Ledger) error {
				_, err := fmt.Fprintln(sh.out, l.Key())
				return err
			})
		},
	}
	configFlags(cmd.Flags())
	return cmd
}

func ledgerExportCommand(sh shell) *cobra.Command {
	var out string
	cmd := &cobra.Command{
		Use:     "export",
		Short:   "Write the whole ledger with a signed head",
		Long:    "Write the whole ledger with a signed head: one JSON value a line, each act exactly\nas it is stored. Who acted stands in it by name: keep it like other records of\npersonal work.",
		Example: "  martinella ledger export --out ledger.jsonl",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withLedger(cmd, sh, func(ctx context.Context, l broadcast.Ledger) error {
				return exportLedger(ctx, sh, l, out)
			})
		},
	}
	configFlags(cmd.Flags())
	cmd.Flags().StringVar(&out, "out", "", "write to a new `FILE` (mode 0600) instead of the terminal")
	return cmd
}

// exportLedger writes an export. A file is there whole, or not at all.
func exportLedger(ctx context.Context, sh shell, l broadcast.Ledger, name string) (err error) {
	head, err := l.Head(ctx)
	if err != nil {
		return err
	}
	if name == "" {
		return ledger.Write(sh.out, l.Key(), head, l.Entries(ctx, head.Size))
	}
	if _, err := os.Lstat(name); err == nil {
		return refused(fmt.Errorf("%s is there already", quoted(name)), "name a file that does not exist yet")
	}
	part, err := os.CreateTemp(filepath.Dir(name), ".ledger-*") // mode 0600
	if err != nil {
		return refused(fmt.Errorf("write %s", plainPathError(err)), "name a file in a folder that can be written")
	}
	defer os.Remove(part.Name())
	err = ledger.Write(part, l.Key(), head, l.Entries(ctx, head.Size))
	if err = errors.Join(err, part.Sync(), part.Close()); err != nil {
		return fmt.Errorf("export the ledger: %w", err)
	}
	if err := os.Link(part.Name(), name); err != nil { // never over a file that came meanwhile
		return refused(fmt.Errorf("write %s", plainPathError(err)), "name a file that does not exist yet")
	}
	fmt.Fprintf(sh.err, "%d entries, signed at %s\n", head.Size, head.At.Format(time.RFC3339))
	return nil
}

func ledgerVerifyCommand(sh shell) *cobra.Command {
	var key, earlier string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "verify FILE",
		Short: "Verify an export, offline",
		Long: `Verify an export of the ledger, without any gateway. Every entry that was edited,
removed, moved, added or cut off is named by its number; the exit code is then 1.

Without --key the export is verified with the key that it brings itself, which
says nothing about who signed it. --head is a head or a whole export that was
kept: what it has must still be there. - is standard input.`,
		Example: "  martinella ledger verify ledger.jsonl --key ledger.pub\n  martinella ledger verify ledger.jsonl --key ledger.pub --head 2026-10-01.head",
		Args:    cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			a, done, err := against(key, earlier)
			if err != nil {
				return err
			}
			defer done()
			in := sh.in
			if args[0] != "-" {
				f, err := os.Open(args[0])
				if err != nil {
					return usage(errors.New(plainPathError(err)), "martinella ledger export writes such a file")
				}
				defer f.Close()
				in = f
			}
			report, err := ledger.Verify(in, a)
			if err != nil {
				return usage(errors.New(plainPathError(err)), "name the file of an export, or - for standard input")
			}
			if err := printReport(sh.out, report, asJSON); err != nil {
				return err
			}
			if !report.OK() {
				return &failure{code: exitRefused, err: errSaid}
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&key, "key", "", "`FILE` with the ledger's public key, or the key itself")
	cmd.Flags().StringVar(&earlier, "head", "", "`FILE` with a head, or an export, that was kept")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	return cmd
}

// against reads what an export is verified with. done closes it.
func against(key, earlier string) (a ledger.Against, done func(), err error) {
	done = func() {}
	if key != "" {
		k, err := ledger.ParseKey(key)
		if err != nil {
			b, readErr := os.ReadFile(key)
			if readErr != nil {
				return a, done, usage(fmt.Errorf("key: %s", plainPathError(readErr)), "martinella ledger key prints it")
			}
			if k, err = ledger.ParseKey(string(b)); err != nil {
				return a, done, usage(fmt.Errorf("key %s: %w", quoted(key), err), "martinella ledger key prints it")
			}
		}
		a.Key = &k
	}
	if earlier != "" {
		f, err := os.Open(earlier)
		if err != nil {
			return a, done, usage(fmt.Errorf("head: %s", plainPathError(err)), "martinella ledger head prints one")
		}
		a.Earlier, done = f, func() { _ = f.Close() }
	}
	return a, done, nil
}

func printReport(out io.Writer, r *ledger.Report, asJSON bool) error {
	if asJSON {
		findings := r.Findings
		if findings == nil {
			findings = []ledger.Finding{}
		}
		return json.NewEncoder(out).Encode(struct {
			Whole    bool             `json:"whole"`
			Entries  int64            `json:"entries"`
			Key      string           `json:"key"`
			Pinned   bool             `json:"key_given"`
			At       time.Time        `json:"signed_at,omitzero"`
			Findings []ledger.Finding `json:"findings"`
			More     int              `json:"more,omitempty"`
		}{r.OK(), r.Entries, r.Key.String(), r.Pinned, r.Head.At, findings, r.More})
	}
	for _, f := range r.Findings {
		fmt.Fprintln(out, f)
	}
	if r.More > 0 {
		fmt.Fprintf(out, "and %d findings more\n", r.More)
	}
	if !r.OK() {
		_, err := fmt.Fprintf(out, "NOT whole: %d entries were read\n", r.Entries)
		return err
	}
	fmt.Fprintf(out, "whole: %d entries of the ledger of %s, signed at %s\n", r.Entries, r.Head.Authority, r.Head.At.Format(time.RFC3339))
	if r.Earlier != nil {
		fmt.Fprintf(out, "it leads on from the %d entries of %s\n", r.Earlier.Size, r.Earlier.At.Format(time.RFC3339))
	}
	if !r.Pinned {
		fmt.Fprintf(out, "note: verified with the key that the export brings; compare it with that of the gateway:\n%s\n", r.Key)
	}
	return nil
}
