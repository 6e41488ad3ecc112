package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"go.uber.org/zap"

	"martinella/channels"
)

func channelsCommand(sh shell) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "channels",
		Short:   "Connect accounts, and try them without telling the public",
		Example: "  martinella channels add mastodon --config martinella.yaml",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(channelsAddCommand(sh), channelsRenewCommand(sh), channelsTryCommand(sh))
	return cmd
}

func channelsAddCommand(sh shell) *cobra.Command {
	var name string
	known := connectable()
	cmd := &cobra.Command{
		Use:   "add " + strings.Join(known, "|"),
		Short: "Walk through connecting an account; secrets go into files, the entry into the configuration",
		Long: `Asks what it needs, step by step, and proves the account without posting.
Then it writes the secrets into the folder "secrets" beside the configuration,
readable by its owner alone, adds the channel's entry to the configuration, and
offers a test post that the public does not see. Nothing is written before the
account works.`,
		Example:   "  martinella channels add mastodon --config martinella.yaml --name comune-mastodon",
		ValidArgs: known,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usage(fmt.Errorf("name one kind of account to connect: %s", strings.Join(known, ", ")), "")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if !slices.Contains(known, args[0]) {
				return usage(fmt.Errorf("%q is no kind of account that can be connected here", args[0]), "known: "+strings.Join(known, ", ")+"; other channels are written into the configuration by hand")
			}
			a := &addition{sh: sh, kind: args[0], name: name, prompt: newTerminal(cmd.Context(), sh)}
			return a.run(cmd)
		},
	}
	cmd.Flags().StringVar(&name, "name", "", "`NAME` of the channel in the configuration (default: asked)")
	configFlags(cmd.Flags())
	return cmd
}

// connectable lists the kinds that can be walked through.
func connectable() []string {
	var names []string
	for _, name := range slices.Sorted(maps.Keys(kinds)) {
		if kinds[name].connect != nil {
			names = append(names, name)
		}
	}
	return names
}

// addition is an account that is being connected.
type addition struct {
	sh     shell
	kind   string
	name   string
	prompt *terminal
}

// secretsName is the folder of secrets beside the configuration.
const secretsName = "secrets"

func (a *addition) run(cmd *cobra.Command) error {
	c, err := loadConfig(a.sh, cmd.Flags())
	if err != nil {
		return err
	}
	if c.file == "" {
		return refused(errors.New("there is no configuration that the channel could be added to"), "write one first, or name it with --config")
	}
	before, err := os.ReadFile(c.file)
	if err != nil {
		return refused(errors.New(plainPathError(err)), "the configuration must be readable")
	}
	if _, err := inserted(before, []channels.Field{{Key: "name", Value: "x"}}); err != nil {
		return refused(fmt.Errorf("%s: %w", c.file, err), "write the list of channels with one entry a line, or add the channel by hand")
	}
	if err := writable(filepath.Dir(c.file)); err != nil {
		return refused(err, "files of secrets and a new configuration are written there: run this as the user who owns the configuration")
	}
	if err := a.choose(c); err != nil {
		return err
	}
	found, err := kinds[a.kind].connect(cmd.Context(), a.prompt)
	if err != nil {
		return refused(fmt.Errorf("nothing was changed: %w", err), "run it again when you have what it asks for")
	}
	exercises, err := a.prompt.Ask(channels.Question{Text: "Shall exercises be posted there too, marked as such?", Default: "no", Choices: []string{"yes", "no"}})
	if err != nil {
		return refused(fmt.Errorf("nothing was changed: %w", err), "run it again when you have what it asks for")
	}
	if exercises == "yes" {
		found.Fields = append(found.Fields, channels.Field{Key: "exercise", Value: "true"})
	}
	entry, files := a.entry(c, found)
	written, err := writeSecrets(c.file, files)
	if err != nil {
		return refused(err, "nothing was added to the configuration")
	}
	if err := a.prove(cmd.Context(), c, entry); err != nil {
		for _, file := range written {
			_ = os.Remove(file) // it was written a moment ago, and belongs to nothing
		}
		return err
	}
	fmt.Fprintf(a.sh.out, "%s: the channel %s was added\n", c.file, a.name)
	for _, file := range written {
		fmt.Fprintf(a.sh.out, "%s: written, for its owner alone\n", file)
	}
	if found.Note != "" {
		fmt.Fprintln(a.sh.out, found.Note)
	}
	if err := a.offer(cmd.Context(), cmd); err != nil {
		fmt.Fprintf(a.sh.err, "martinella: the test post: %v\n", err)
	}
	fmt.Fprintln(a.sh.out, "Start the gateway again to use it.")
	return nil
}

// choose asks for the channel's name where none was given.
func (a *addition) choose(c *Config) error {
	free := func(name string) error {
		if err := channels.CheckName(name); err != nil {
			return err
		}
		for i := range c.Channels {
			if c.Channels[i].Name == name {
				return fmt.Errorf("there is a channel %s already", name)
			}
		}
		return nil
	}
	if a.name != "" {
		if err := free(a.name); err != nil {
			return refused(err, "name another one with --name")
		}
		return nil
	}
	first := c.Authority.Slug + "-" + a.kind
	if channels.CheckName(first) != nil { // too long
		first = "account-" + a.kind
	}
	suggestion := first
	for n := 2; free(suggestion) != nil && n < 100; n++ {
		suggestion = fmt.Sprintf("%s-%d", first, n)
	}
	var err error
	if a.name, err = a.prompt.Ask(channels.Question{Text: "Name of the channel, for records and tables", Default: suggestion, Check: free}); err != nil {
		return refused(fmt.Errorf("nothing was changed: %w", err), "")
	}
	return nil
}

// entry is the channel's entry, and the files of its secrets by their path
// beside the configuration.
func (a *addition) entry(c *Config, found channels.Connected) (entry, files []channels.Field) {
	entry = append(entry, channels.Field{Key: "name", Value: a.name}, channels.Field{Key: "kind", Value: a.kind})
	entry = append(entry, found.Fields...)
	for _, s := range found.Secrets {
		file := filepath.Join(secretsName, a.name+"-"+strings.ReplaceAll(strings.TrimSuffix(s.Key, "_file"), "_", "-"))
		for n := 2; exists(filepath.Join(filepath.Dir(c.file), file)); n++ { // what is there may be in use
			file = fmt.Sprintf("%s-%d", strings.TrimRight(file, "-0123456789"), n)
		}
		entry = append(entry, channels.Field{Key: s.Key, Value: file})
		files = append(files, channels.Field{Key: file, Value: s.Value})
	}
	return entry, files
}

func exists(file string) bool {
	_, err := os.Lstat(file)
	return err == nil
}

// offer asks whether a test post shall be made where the public does not see it.
func (a *addition) offer(ctx context.Context, cmd *cobra.Command) error {
	c, err := loadConfig(a.sh, cmd.Flags())
	if err != nil {
		return err
	}
	return c.try(ctx, a.sh, a.name, func() (bool, error) {
		answer, err := a.prompt.Ask(channels.Question{Text: "Make a test post that the public does not see?", Default: "no", Choices: []string{"yes", "no"}})
		return answer == "yes", err
	})
}

func channelsTryCommand(sh shell) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "try CHANNEL",
		Short:   "Make a test post that the public does not see",
		Example: "  martinella channels try comune-mastodon --config martinella.yaml",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := loadConfig(sh, cmd.Flags())
			if err != nil {
				return err
			}
			if !slices.ContainsFunc(c.Channels, func(ch ChannelConfig) bool { return ch.Name == args[0] }) {
				return usage(fmt.Errorf("%s is no channel of the configuration", args[0]), "martinella config print lists them")
			}
			err = c.try(cmd.Context(), sh, args[0], func() (bool, error) { return true, nil })
			if errors.Is(err, errors.ErrUnsupported) {
				return refused(err, "")
			}
			if err != nil {
				return refused(err, remedyOf(nil, err))
			}
			return nil
		},
	}
	configFlags(cmd.Flags())
	return cmd
}

// tryTimeout bounds one test post.
const tryTimeout = time.Minute

// try makes a test post over the channel where the public does not see it, if
// the person says yes. The error wraps errors.ErrUnsupported where there is no
// such place.
func (c *Config) try(ctx context.Context, sh shell, name string, ask func() (bool, error)) error {
	for i := range c.Channels {
		cc := &c.Channels[i]
		if cc.Name != name {
			continue
		}
		ch, err := cc.build(c.settings(), c.Data, zap.NewNop())
		if err != nil {
			return err
		}
		if closer, ok := ch.(interface{ Close() error }); ok {
			defer closer.Close() // it was opened for this post only
		}
		rehearser, ok := ch.(channels.Rehearser)
		if !ok {
			return fmt.Errorf("%s has no place for a test that the public does not see: send an exercise (status Exercise) instead: %w", name, errors.ErrUnsupported)
		}
		if yes, err := ask(); err != nil || !yes {
			return err
		}
		one, cancel := context.WithTimeout(ctx, tryTimeout)
		defer cancel()
		where, err := rehearser.Rehearse(one, "TEST - "+c.Authority.Name+": this channel is connected. Nobody is in danger.")
		if errors.Is(err, errors.ErrUnsupported) {
			return fmt.Errorf("%s has no place for a test that the public does not see: send an exercise (status Exercise) instead: %w", name, errors.ErrUnsupported)
		}
		if err != nil {
			return err
		}
		fmt.Fprintf(sh.out, "%s: the test post went %s\n", name, where)
	}
	return nil
}
