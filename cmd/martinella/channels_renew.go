package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"martinella/channels"
)

func channelsRenewCommand(sh shell) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "renew CHANNEL",
		Short: "Connect the account of a channel once more; only its secrets change",
		Long: `Walks through connecting the account as "channels add" does, for a channel that
is there already: its token has ended or was revoked. The new secrets take the
place of the old ones in their files once the account is proved without posting.
The configuration stays as it is.`,
		Example: "  martinella channels renew comune-facebook --config martinella.yaml",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := loadConfig(sh, cmd.Flags())
			if err != nil {
				return err
			}
			at := slices.IndexFunc(c.Channels, func(ch ChannelConfig) bool { return ch.Name == args[0] })
			if at < 0 {
				return usage(fmt.Errorf("%s is no channel of the configuration", args[0]), "martinella config print lists them")
			}
			r := &renewal{channel: &c.Channels[at], config: c, dir: filepath.Dir(c.file)}
			if r.channel.kind.connect == nil {
				return refused(fmt.Errorf("a channel of kind %s is not connected step by step", r.channel.Kind), "write the new secret into its file by hand, mode 0600, and start the gateway again")
			}
			return r.run(cmd.Context(), sh)
		},
	}
	configFlags(cmd.Flags())
	return cmd
}

// renewal is a channel whose secrets are made anew.
type renewal struct {
	config  *Config
	channel *ChannelConfig
	dir     string // of the configuration, from which its paths go out
}

// The fields that say which account a channel posts to, whatever its kind.
var accountFields = []string{"url", "page", "chat", "handle"}

func (r *renewal) run(ctx context.Context, sh shell) error {
	prompt := newTerminal(ctx, sh)
	prompt.Tell("Only the secrets of " + r.channel.Name + " are made anew; the rest of its entry stays as it is, whatever is answered.")
	found, err := r.channel.kind.connect(ctx, prompt)
	if err != nil {
		return refused(fmt.Errorf("nothing was changed: %w", err), "run it again when you have what it asks for")
	}
	for _, f := range found.Fields {
		if was := r.written(f.Key); slices.Contains(accountFields, f.Key) && !sameAccount(was, f.Value) {
			return refused(fmt.Errorf("nothing was changed: that is another account (%s is %s, the channel's is %s)", f.Key, f.Value, was), "connect it with martinella channels add, or sign in to the right one")
		}
	}
	var files []channels.Field
	for _, s := range found.Secrets {
		if path := r.written(s.Key); path != "" {
			if !filepath.IsAbs(path) {
				path = filepath.Join(r.dir, path)
			}
			files = append(files, channels.Field{Key: path, Value: s.Value + "\n"})
		}
	}
	if len(files) == 0 {
		return refused(errors.New("nothing was changed: the channel's entry has no place for these secrets"), "take the entry out of the configuration and connect the account with martinella channels add")
	}
	if err := r.put(ctx, files); err != nil {
		return err
	}
	for _, f := range files {
		fmt.Fprintf(sh.out, "%s: written anew, for its owner alone\n", f.Key)
	}
	if found.Note != "" {
		fmt.Fprintln(sh.out, found.Note)
	}
	fmt.Fprintln(sh.out, "Start the gateway again to use it.")
	return nil
}

// written is a value of the channel's entry as a person wrote it.
func (r *renewal) written(key string) string {
	content := r.channel.node.Content
	for i := 0; i+1 < len(content); i += 2 {
		if content[i].Value == key {
			return content[i+1].Value
		}
	}
	return ""
}

// sameAccount compares what names an account. A channel of Telegram may be
// written by its name and found by its number: the check finds out.
func sameAccount(written, found string) bool {
	plain := func(s string) string { return strings.ToLower(strings.Trim(strings.TrimPrefix(s, "@"), "/")) }
	return written == "" || strings.HasPrefix(written, "@") && strings.HasPrefix(found, "-") || plain(written) == plain(found)
}

// put writes the secrets into their files, and the old ones back where the
// account does not work with them.
func (r *renewal) put(ctx context.Context, files []channels.Field) error {
	release, err := alone(r.dir)
	if err != nil {
		return refused(fmt.Errorf("nothing was changed: %w", err), "run it again")
	}
	defer release()
	var old []channels.Field
	back := func() error {
		var all error
		for _, f := range old {
			all = errors.Join(all, replaceSecret(f))
		}
		return all
	}
	for _, f := range files {
		was, err := os.ReadFile(f.Key)
		if err == nil {
			err = replaceSecret(f)
		}
		if err != nil {
			return refused(errors.Join(fmt.Errorf("secret %s", plainPathError(err)), back()), "the files of the secrets and their folder must be writable")
		}
		old = append(old, channels.Field{Key: f.Key, Value: string(was)})
	}
	if f := r.config.examine(ctx, r.channel); f.err != nil {
		return refused(errors.Join(fmt.Errorf("the account does not work yet, nothing was changed: %w", f.err), back()), f.remedy)
	}
	return nil
}

// replaceSecret puts a new file in the place of another, of the same owner.
func replaceSecret(f channels.Field) error {
	draft, err := writeDraft(filepath.Dir(f.Key), f.Key, []byte(f.Value))
	if err != nil {
		return err
	}
	if err := os.Rename(draft, f.Key); err != nil {
		_ = os.Remove(draft) // it belongs to nothing
		return err
	}
	return nil
}
