package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	"go.uber.org/zap"

	"martinella/broadcast/backup"
	"martinella/broadcast/backup/folder"
	"martinella/broadcast/rdb"
)

func backupCommand(sh shell) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "backup",
		Short: "Make, list and verify encrypted backups",
		Long: `The gateway makes a backup every hour in every place of its configuration
(backup:), reads it back and says how old the last good one is. A backup opens
with the key file alone, which is not in it: martinella key print puts that on
paper.`,
		Example: "  martinella backup now --config martinella.yaml\n  martinella backup list --config martinella.yaml",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(backupNowCommand(sh), backupListCommand(sh), backupVerifyCommand(sh))
	return cmd
}

var errNoPlaces = errors.New("the configuration names no place for backups")

const hintPlaces = "write one: backup: [{name: nas, folder: /mnt/nas/martinella}]"

func backupNowCommand(sh shell) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "now",
		Short:   "Make a backup in every place, and read it back",
		Example: "  martinella backup now --config martinella.yaml",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withStore(cmd, sh, func(ctx context.Context, c *Config, s *store) error {
				if len(c.Backup) == 0 {
					return usage(errNoPlaces, hintPlaces)
				}
				k, err := c.keeper(s, nil, zap.NewNop())
				if err != nil {
					return err
				}
				failed := 0
				for _, spot := range k.Spots {
					state, err := k.Now(ctx, spot)
					if err != nil {
						failed++
						fmt.Fprintf(sh.out, "BAD   %-12s %v\n", spot.Name, err)
						continue
					}
					fmt.Fprintf(sh.out, "good  %-12s %s, %s, in %.1f s; %d kept\n", spot.Name, state.Name, howProved(state.How), state.Took, state.Kept)
				}
				if failed > 0 {
					return refused(fmt.Errorf("%d of %d places have no new backup", failed, len(k.Spots)), "mend what is marked BAD; backups of before are still there")
				}
				return nil
			})
		},
	}
	configFlags(cmd.Flags())
	return cmd
}

// howProved says what reading a backup back has proved.
func howProved(how string) string {
	if how == backup.Loaded {
		return "read back and loaded by a redis-server"
	}
	return "read back, its checksum is right (no redis-server has loaded it)"
}

func backupListCommand(sh shell) *cobra.Command {
	var from string
	cmd := &cobra.Command{
		Use:     "list",
		Short:   "List the backups of every place",
		Example: "  martinella backup list --config martinella.yaml\n  martinella backup list --from /mnt/nas/martinella",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var spots []backup.Spot
			prefix := "martinella-"
			if from != "" && isDir(from) {
				spots = []backup.Spot{{Name: from, Place: folder.Folder{Dir: from}}}
			} else {
				c, err := loadConfig(sh, cmd.Flags())
				if err != nil {
					return err
				}
				if err := adopt(c); err != nil {
					return err
				}
				if spots, err = c.spots(); err != nil {
					return err
				}
				prefix = backup.Prefix(c.Authority.Slug)
				if from != "" {
					spots = slices.DeleteFunc(spots, func(s backup.Spot) bool { return s.Name != from })
				}
			}
			if len(spots) == 0 {
				return usage(errNoPlaces, hintPlaces)
			}
			return listBackups(cmd.Context(), sh, spots, prefix, time.Now())
		},
	}
	configFlags(cmd.Flags())
	cmd.Flags().StringVar(&from, "from", "", "only this `PLACE`: its name, or a folder")
	return cmd
}

func listBackups(ctx context.Context, sh shell, spots []backup.Spot, prefix string, now time.Time) error {
	w := tabwriter.NewWriter(sh.out, 0, 0, 2, ' ', 0)
	var failed error
	for _, s := range spots {
		names, err := s.Place.List(ctx, prefix)
		if err != nil {
			failed = errors.Join(failed, fmt.Errorf("%s: %w", s.Name, err))
			continue
		}
		for _, name := range names {
			if _, at, ok := backup.ReadName(name); ok {
				fmt.Fprintf(w, "%s\t%s\t%s old\n", s.Name, name, now.Sub(at).Round(time.Minute))
			}
		}
	}
	if err := errors.Join(w.Flush(), failed); err != nil {
		return unreachable(err, "look at the place; the others are listed")
	}
	return nil
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

func backupVerifyCommand(sh shell) *cobra.Command {
	var keyFile string
	cmd := &cobra.Command{
		Use:   "verify FILE",
		Short: "Prove that a backup opens and can be read",
		Long: `Prove that a backup opens with the key, that none of its bytes was changed and
that a redis-server can load it. Nothing is written. Without --key-file the key is
read from its paper: type its lines.`,
		Example: "  martinella backup verify /mnt/nas/martinella/martinella-valdemo-20261122T220000Z.backup --key-file data/key",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			_, key, err := backupKey(sh, keyFile)
			if err != nil {
				return err
			}
			f, err := os.Open(args[0])
			if err != nil {
				return usage(errors.New(plainPathError(err)), "martinella backup list names the backups")
			}
			defer f.Close()
			proof, err := backup.Verify(cmd.Context(), f, key, "", rdb.Prover{Log: zap.NewNop()})
			if err != nil {
				return refusedBackup(err)
			}
			m := proof.Manifest
			fmt.Fprintf(sh.out, "good: %s\n  of %s (%s), taken at %s by version %s\n  schema %d, %d alerts, %d people, %d acts, %d files, %d bytes\n",
				howProved(proof.How), m.Authority, m.Name, m.At.Format(time.RFC3339), m.Program, m.Facts.Schema, m.Facts.Records, m.Facts.People, m.Facts.Acts, len(proof.Files), proof.Sums.Size())
			return nil
		},
	}
	cmd.Flags().StringVar(&keyFile, "key-file", "", "`FILE` of the key (default: typed from the paper)")
	return cmd
}

// refusedBackup gives an error of reading a backup its hint.
func refusedBackup(err error) error {
	hint := "take another backup: martinella backup list names them"
	switch {
	case errors.Is(err, backup.ErrOtherKey):
		hint = "type the key of the paper with the date of the first start, or name another key file; nothing was changed"
	case errors.Is(err, backup.ErrNewer), errors.Is(err, rdb.ErrNewerSchema):
		hint = "install the version that the error names, or a newer one; nothing was changed"
	case errors.Is(err, backup.ErrForeign):
		hint = "name the authority with --authority, or a place of its own; nothing was changed"
	}
	return refused(err, hint)
}

// backupKey reads the key file, or the paper from standard input, and makes the
// key of backups of it.
func backupKey(sh shell, keyFile string) (raw []byte, key *backup.Key, err error) {
	if keyFile != "" {
		if raw, err = rdb.ReadKeyFile(keyFile); err != nil {
			return nil, nil, refused(fmt.Errorf("key file: %w", err), "without it, leave --key-file out and type the key from its paper")
		}
	} else if raw, err = typeKey(sh); err != nil {
		return nil, nil, err
	}
	seed, err := rdb.BackupSeed(raw)
	if err == nil {
		key, err = backup.NewKey(seed)
	}
	return raw, key, err
}

// opened is a backup with what stands beside it.
type opened struct {
	name   string
	file   io.ReadCloser
	erased func(context.Context, *backup.Key, string) (backup.Erasures, error)
}

// openFile opens a backup in a folder, also under another name.
func openFile(path string) (*opened, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, usage(errors.New(plainPathError(err)), "name the file of a backup, or a place with --from")
	}
	return &opened{filepath.Base(path), f, erasedIn(folder.Folder{Dir: filepath.Dir(path)})}, nil
}

func erasedIn(p backup.Place) func(context.Context, *backup.Key, string) (backup.Erasures, error) {
	return func(ctx context.Context, key *backup.Key, authority string) (backup.Erasures, error) {
		return backup.GetErased(ctx, p, key, authority)
	}
}

// openNewest opens the newest backup of a place.
func openNewest(ctx context.Context, p backup.Place, authority string) (*opened, error) {
	prefix := "martinella-"
	if authority != "" {
		prefix = backup.Prefix(authority)
	}
	names, err := p.List(ctx, prefix)
	if err != nil {
		return nil, unreachable(fmt.Errorf("the place cannot be read: %w", err), "copy a backup here by hand, and name the file")
	}
	newest, whose, last := "", map[string]bool{}, time.Time{}
	for _, name := range names {
		of, at, ok := backup.ReadName(name)
		if !ok || authority != "" && of != authority {
			continue
		}
		if whose[of] = true; at.After(last) {
			newest, last = name, at
		}
	}
	switch {
	case newest == "":
		return nil, refused(errors.New("there is no backup in this place"), "martinella backup list --from PLACE shows what is there")
	case len(whose) > 1:
		return nil, usage(errors.New("this place holds backups of several authorities"), "say which with --authority")
	}
	f, err := p.Get(ctx, newest)
	if err != nil {
		return nil, unreachable(err, "copy the backup here by hand, and name the file")
	}
	return &opened{newest, f, erasedIn(p)}, nil
}
