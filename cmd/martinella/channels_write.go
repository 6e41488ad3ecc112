package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"martinella/channels"
)

// writable reports why no new file can be made in a folder, or in its folder of
// secrets where there is one.
func writable(dir string) error {
	for _, in := range []string{dir, filepath.Join(dir, secretsName)} {
		if in != dir && !exists(in) {
			continue
		}
		f, err := os.CreateTemp(in, ".martinella-*")
		if err != nil {
			return fmt.Errorf("the folder %s cannot be written to", in)
		}
		_ = errors.Join(f.Close(), os.Remove(f.Name())) // it was made to see whether it can be
	}
	return nil
}

// writeSecrets writes new files beside the configuration, for its owner alone,
// all or none.
func writeSecrets(config string, files []channels.Field) (written []string, err error) {
	defer func() {
		if err != nil {
			for _, file := range written {
				_ = os.Remove(file) // none is left of what was not finished
			}
		}
	}()
	dir := filepath.Dir(config)
	folder := filepath.Join(dir, secretsName)
	made := !exists(folder)
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, fmt.Errorf("the folder of secrets: %s", plainPathError(err))
	}
	if made {
		if err := giveToOwner(folder, config); err != nil {
			return nil, err
		}
	}
	for _, f := range files {
		path := filepath.Join(dir, f.Key)
		file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if err != nil {
			return written, fmt.Errorf("secret %s", plainPathError(err))
		}
		written = append(written, path)
		_, err = file.WriteString(f.Value + "\n")
		if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
			return written, fmt.Errorf("secret %s", plainPathError(err))
		}
		if err := giveToOwner(path, config); err != nil {
			return written, err
		}
	}
	return written, nil
}

// giveToOwner gives a file that root has made to the owner of the
// configuration: the gateway would not be able to read it otherwise.
func giveToOwner(file, config string) error {
	info, err := os.Stat(config)
	if err != nil || os.Geteuid() != 0 {
		return nil //nolint:nilerr // nothing to give away
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return nil
	}
	if err := os.Chown(file, int(owner.Uid), int(owner.Gid)); err != nil {
		return errors.New(plainPathError(err))
	}
	return nil
}

// alone lets one command after the other change what is in a folder, until
// release.
func alone(dir string) (release func(), err error) {
	folder, err := os.Open(dir)
	if err != nil {
		return nil, errors.New(plainPathError(err))
	}
	if err := syscall.Flock(int(folder.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = folder.Close() // nothing was written to it
		return nil, errors.New("another command is changing the configuration at this moment")
	}
	return func() { _ = folder.Close() }, nil // which ends the lock
}

// prove writes the configuration with the entry beside the present one, reads
// it as the gateway would, asks the platform, and only then puts it in place.
func (a *addition) prove(ctx context.Context, c *Config, entry []channels.Field) error {
	dir := filepath.Dir(c.file)
	release, err := alone(dir)
	if err != nil {
		return refused(fmt.Errorf("nothing was changed: %w", err), "run it again")
	}
	defer release()
	before, err := os.ReadFile(c.file)
	if err != nil {
		return refused(errors.New(plainPathError(err)), "the configuration must be readable")
	}
	after, err := inserted(before, entry)
	if err != nil {
		return refused(fmt.Errorf("%s: %w", c.file, err), "add the channel by hand")
	}
	draft, err := writeDraft(dir, c.file, after)
	if err != nil {
		return refused(err, "the folder of the configuration must be writable")
	}
	defer os.Remove(draft) // where it was not put in place
	next, err := loadConfigOf(a.sh, draft, nil)
	if err != nil {
		return refused(fmt.Errorf("the new entry does not fit, nothing was changed: %w", err), "has the configuration been changed meanwhile? martinella config check lists every mistake")
	}
	for i := range next.Channels {
		if next.Channels[i].Name != a.name {
			continue
		}
		if f := next.examine(ctx, &next.Channels[i]); f.err != nil {
			return refused(fmt.Errorf("the account does not work yet, nothing was changed: %w", f.err), f.remedy)
		}
	}
	now, err := os.ReadFile(c.file)
	if err != nil || string(now) != string(before) {
		return refused(fmt.Errorf("%s was changed meanwhile", c.file), "run it again")
	}
	return a.replace(c.file, draft, after)
}

// replace puts the draft in the place of the configuration. A link to it stays
// a link.
func (a *addition) replace(config, draft string, text []byte) error {
	target, err := filepath.EvalSymlinks(config)
	if err != nil {
		return refused(errors.New(plainPathError(err)), "the configuration must be writable")
	}
	if linked, _ := os.Lstat(config); linked != nil && linked.Mode()&os.ModeSymlink != 0 {
		if draft, err = writeDraft(filepath.Dir(target), target, text); err != nil {
			return refused(err, "the folder that the link of the configuration leads to must be writable")
		}
		defer os.Remove(draft) // where it was not put in place
	}
	if err := os.Rename(draft, target); err != nil { //nolint:gosec // beside the operator's own file
		return refused(errors.New(plainPathError(err)), "the configuration must be writable")
	}
	return nil
}

// writeDraft writes a text into a new file of a folder, with the owner and the
// mode of the configuration.
func writeDraft(dir, config string, text []byte) (path string, err error) {
	file, err := os.CreateTemp(dir, ".martinella-*")
	if err != nil {
		return "", errors.New(plainPathError(err))
	}
	defer func() {
		if err != nil {
			_ = os.Remove(file.Name()) // nothing is left of what was not finished
		}
	}()
	mode := os.FileMode(0o600)
	if info, err := os.Stat(config); err == nil {
		mode = info.Mode().Perm()
	}
	_, err = file.Write(text)
	if err = errors.Join(err, file.Chmod(mode), file.Sync(), file.Close()); err != nil {
		return "", errors.New(plainPathError(err))
	}
	return file.Name(), giveToOwner(file.Name(), config)
}
