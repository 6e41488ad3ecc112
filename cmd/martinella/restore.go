package main

import (
	"cmp"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"
	"go.uber.org/zap"

	"martinella/broadcast/backup"
	"martinella/broadcast/backup/folder"
	"martinella/broadcast/rdb"
)

// restoring is what `martinella restore` was asked for.
type restoring struct {
	file, from, places string
	data, redis        string
	config, filesUnder string
	keyFile, authority string
	sh                 shell
	log                *zap.Logger
	began              time.Time
	work               string // DIR/restoring, in which everything is made ready
	manifest           backup.Manifest
	facts              backup.Facts // of the copy itself
	files              []backup.File
	scratch            *rdb.Scratch
	done               rdb.Restored
	entries            int64 // of the ledger that were verified
	at                 backup.Restored
	erasures           backup.Erasures
	erasuresKnown      bool
	folderMade, moving bool
}

func restoreCommand(sh shell) *cobra.Command {
	r := &restoring{sh: sh}
	cmd := &cobra.Command{
		Use:   "restore FILE | --from PLACE",
		Short: "Bring a backup back on an empty machine",
		Long: `Bring a backup back: configuration, secret files and everything that the store
held. It needs the key: a key file, or its paper, whose lines are asked for. It
changes nothing that is there: the data folder must be empty, and so must the
Redis that --redis names.

What happened after the backup is lost. Nothing that it shows as not yet sent is
sent by itself: it may have left after the backup was taken, so a person decides,
alert by alert, on the page of the alert. Everybody signs in again.`,
		Example: "  martinella restore /mnt/nas/martinella/martinella-valdemo-20261122T220000Z.backup --data /var/lib/martinella\n  martinella restore --from /mnt/nas/martinella --data /var/lib/martinella --config /etc/martinella/martinella.yaml",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if (len(args) == 1) == (r.from != "") || r.data == "" {
				return usage(errors.New("restore needs --data and one backup"), "name its file, or its place with --from")
			}
			if len(args) == 1 {
				r.file = args[0]
			}
			r.log = newLogger(sh.err).WithOptions(zap.IncreaseLevel(zap.ErrorLevel))
			return r.run(cmd.Context())
		},
	}
	f := cmd.Flags()
	f.StringVar(&r.from, "from", "", "the newest backup of this `PLACE`: a folder, or its name in the file of --places")
	f.StringVar(&r.places, "places", "", "configuration `FILE` that names the place (only its backup: is used)")
	f.StringVar(&r.data, "data", "", "the gateway's data `DIR`, empty or not there yet")
	f.StringVar(&r.redis, "redis", rdb.Embedded, "embedded, or the `URL` of an empty Redis")
	f.StringVar(&r.config, "config", "martinella.yaml", "write the configuration to this `FILE`; its secret files go beside it")
	f.StringVar(&r.filesUnder, "files-under", "/", "write files with absolute paths below this `DIR`")
	f.StringVar(&r.keyFile, "key-file", "", "`FILE` of the key (default: typed from the paper)")
	f.StringVar(&r.authority, "authority", "", "`SLUG` that the backup must be of (default: any)")
	return cmd
}

// run does it in this order: read and prove everything, write files, and last put
// the data into its place. A gateway does not start before the last step.
func (r *restoring) run(ctx context.Context) (err error) {
	if err := r.empty(); err != nil {
		return err
	}
	from, err := r.open(ctx)
	if err != nil {
		return err
	}
	defer from.file.Close()
	raw, key, err := backupKey(r.sh, r.keyFile)
	if err != nil {
		return err
	}
	r.began = time.Now()
	if err := r.prepare(); err != nil {
		return err
	}
	defer func() {
		if r.scratch != nil {
			err = errors.Join(err, r.scratch.Close())
		}
		if err != nil {
			r.undo()
		}
	}()
	if r.manifest, _, err = backup.Read(ctx, from.file, key, &taking{ctx, r}); err != nil {
		return refusedBackup(err)
	}
	if err := r.free(); err != nil {
		return err
	}
	switch r.erasures, err = from.erased(ctx, key, r.manifest.Authority); {
	case err == nil:
		r.erasuresKnown = true
	case !errors.Is(err, backup.ErrAbsent):
		fmt.Fprintf(r.sh.err, "the list of who was erased cannot be read: %v\n", err)
	}
	keyFile := filepath.Join(r.work, "key")
	if err := writeSecret(keyFile, hex.EncodeToString(raw)+"\n"); err != nil {
		return err
	}
	if err := r.settle(ctx, keyFile); err != nil {
		return err
	}
	if err := r.keep(ctx, keyFile); err != nil {
		return err
	}
	if err := r.writeFiles(); err != nil {
		return err
	}
	if err := r.move(); err != nil {
		return err
	}
	return r.tell()
}

// empty refuses a data folder that holds anything: also that of a running gateway.
func (r *restoring) empty() error {
	entries, err := os.ReadDir(r.data)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return refused(fmt.Errorf("data folder %s", plainPathError(err)), "name a folder that can be written")
	}
	for _, e := range entries {
		switch e.Name() {
		case "lost+found": // of a disk of its own
		case rdb.RestoringDir:
			return refused(fmt.Errorf("in %s a restore was begun and did not end", r.data), "nothing in it is in use: remove the folder's contents, and begin again")
		default:
			return refused(fmt.Errorf("the data folder %s is not empty, and nothing was changed in it", r.data), "stop a gateway that runs on it, and name an empty folder; keep the old one until all is well")
		}
	}
	return nil
}

func (r *restoring) open(ctx context.Context) (*opened, error) {
	if r.file != "" {
		return openFile(r.file)
	}
	if r.places == "" {
		if !isDir(r.from) {
			return nil, usage(fmt.Errorf("there is no folder %s", quoted(r.from)), "for a place on another machine write a file with its backup: entry, and name it with --places")
		}
		return openNewest(ctx, folder.Folder{Dir: r.from}, r.authority)
	}
	c, err := loadConfigOf(r.sh, r.places, nil)
	if err != nil {
		return nil, err
	}
	for i := range c.Backup {
		if c.Backup[i].Name == r.from {
			p, err := c.Backup[i].place()
			if err != nil {
				return nil, refused(err, "")
			}
			return openNewest(ctx, p, r.authority)
		}
	}
	return nil, usage(fmt.Errorf("%s names no place %s", r.places, quoted(r.from)), "write an entry below backup: with this name")
}

// prepare makes the folder in which everything is made ready.
func (r *restoring) prepare() error {
	_, err := os.Stat(r.data)
	r.folderMade = errors.Is(err, os.ErrNotExist)
	if err := makeData(r.data); err != nil {
		return err
	}
	r.work = filepath.Join(r.data, rdb.RestoringDir)
	if err := os.Mkdir(r.work, 0o700); err != nil {
		return refused(fmt.Errorf("data folder %s", plainPathError(err)), "name a folder that can be written")
	}
	return nil
}

// undo takes away what was made ready: the machine is as it was.
func (r *restoring) undo() {
	if r.moving { // a gateway must not start on half of it
		return
	}
	_ = os.RemoveAll(r.work)
	if r.folderMade {
		_ = os.Remove(r.data) // only where nothing else is in it
	}
}

// taking takes the parts of the backup.
type taking struct {
	ctx context.Context
	r   *restoring
}

// Manifest implements [backup.Taker].
func (t *taking) Manifest(m backup.Manifest) error {
	t.r.manifest = m
	if t.r.authority != "" && m.Authority != t.r.authority {
		return fmt.Errorf("%w: of %q, not of %q", backup.ErrForeign, m.Authority, t.r.authority)
	}
	if least := cmp.Or(m.Facts.Oldest, m.Facts.Schema); least > rdb.Schema {
		return fmt.Errorf("%w: version %s with schema %d, which programs from schema %d on can use; this one has %d", rdb.ErrNewerSchema, m.Program, m.Facts.Schema, least, rdb.Schema)
	}
	fmt.Fprintf(t.r.sh.out, "backup of %s (%s), taken at %s: %s ago\n", m.Name, m.Authority, m.At.Format(time.RFC3339), time.Since(m.At).Round(time.Minute))
	return nil
}

// File implements [backup.Taker].
func (t *taking) File(f backup.File) error {
	t.r.files = append(t.r.files, f)
	return nil
}

// Redis implements [backup.Taker].
func (t *taking) Redis(copied io.Reader) (err error) {
	if t.r.scratch, err = rdb.NewScratch(t.ctx, "", t.r.work, t.r.log); err != nil {
		return err
	}
	return t.r.scratch.Load(t.ctx, copied)
}

// path is where a file of the backup goes.
func (r *restoring) path(f backup.File) string {
	switch {
	case f.In == backup.InData:
		return filepath.Join(r.work, f.Path)
	case f.In == backup.InRoot:
		return filepath.Join(r.filesUnder, f.Path)
	case f.Path == r.manifest.Config:
		return r.config
	}
	return filepath.Join(filepath.Dir(r.config), f.Path)
}

// free refuses to write over any file that says something else.
func (r *restoring) free() error {
	var all []error
	for _, f := range r.files {
		if f.In == backup.InData {
			continue
		}
		there, equal, err := equalFile(r.path(f), f.Data)
		if err == nil && there && !equal {
			err = fmt.Errorf("%s is there already, and is another one", r.path(f))
		}
		all = append(all, err)
	}
	if err := errors.Join(all...); err != nil {
		return refused(err, "nothing was changed; move these files away, or name other places with --config and --files-under")
	}
	return nil
}

// settle proves the ledger and makes the store safe to run.
func (r *restoring) settle(ctx context.Context, keyFile string) error {
	m := r.manifest
	if err := r.scratch.Only(ctx, m.Authority, m.Facts.Database); err != nil {
		return err
	}
	facts, err := r.scratch.Facts(ctx, m.Authority, 0)
	if err != nil {
		return refusedBackup(err)
	}
	if lacks := m.Facts.Within(facts); lacks != "" {
		return refusedBackup(fmt.Errorf("%w: %s", backup.ErrBroken, lacks))
	}
	r.facts = facts
	r.at = backup.Restored{At: time.Now().UTC(), Of: m.At, Acts: facts.Acts}
	err = r.scratch.Settle(ctx, rdb.Config{Authority: m.Authority, KeyFile: keyFile}, func(ctx context.Context, s *store) (err error) {
		if r.entries, err = proveLedger(ctx, s, m.Facts.TreeHead); err != nil {
			return err
		}
		r.done, err = s.Restored(ctx, r.at, r.erasures.Numbers)
		return err
	})
	if errors.Is(err, rdb.ErrOtherKey) {
		return refusedBackup(fmt.Errorf("%w: %w", backup.ErrOtherKey, err))
	}
	return err
}

// keep brings the store to where it will run, and looks at it there.
func (r *restoring) keep(ctx context.Context, keyFile string) error {
	cfg := rdb.Config{Redis: r.redis, Authority: r.manifest.Authority, DataDir: r.work, KeyFile: keyFile}
	if r.redis == rdb.Embedded {
		if err := r.scratch.Keep(ctx); err != nil {
			return err
		}
		err := r.scratch.Close()
		if r.scratch = nil; err != nil {
			return err
		}
	} else if err := r.scratch.CopyTo(ctx, cfg, r.log); err != nil {
		return refused(err, "name the URL of an empty Redis of the same version or newer; after a failure, empty it with FLUSHDB and begin again")
	}
	s, err := rdb.Open(ctx, cfg, r.log)
	if err != nil {
		return fmt.Errorf("the restored store does not open: %w", err)
	}
	facts, err := s.Facts(ctx)
	if err := errors.Join(err, s.Close()); err != nil {
		return err
	}
	if lacks := r.manifest.Facts.Within(facts); lacks != "" {
		return fmt.Errorf("the restored store is not whole: %s", lacks)
	}
	return nil
}

// writeFiles writes the configuration and what it names, each for its owner alone.
func (r *restoring) writeFiles() error {
	for _, f := range r.files {
		path := r.path(f)
		if there, equal, err := equalFile(path, f.Data); err != nil || there && equal {
			if err != nil {
				return refused(err, "")
			}
			continue
		}
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return refused(fmt.Errorf("write %s", plainPathError(err)), "restore as a user who may write there, or name other places with --config and --files-under")
		}
		if err := writeSecret(path, string(f.Data)); err != nil {
			return err
		}
	}
	return nil
}

// move brings what is ready into the data folder. As long as the folder it comes
// from is there, no gateway starts.
func (r *restoring) move() error {
	r.moving = true
	for _, name := range []string{"lock", "redis.sock"} { // of the server that has ended
		if err := os.Remove(filepath.Join(r.work, name)); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	entries, err := os.ReadDir(r.work)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := os.Rename(filepath.Join(r.work, e.Name()), filepath.Join(r.data, e.Name())); err != nil {
			return err
		}
	}
	if d, err := os.Open(r.data); err == nil {
		err = errors.Join(d.Sync(), d.Close())
		if err != nil {
			return err
		}
	}
	return os.Remove(r.work)
}
