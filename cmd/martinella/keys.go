package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"martinella/alerts"
	"martinella/dashboards/settings"
)

func keysCommand(sh shell) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "keys",
		Short:   "Create, list and revoke API keys",
		Example: `  martinella keys create --name "Control room" --can submit --status Actual,Exercise`,
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(keysCreateCommand(sh), keysListCommand(sh), keysRevokeCommand(sh), keysVAPIDCommand(sh))
	return cmd
}

// keyRequest is a key as it is asked for.
type keyRequest struct {
	name                                   string
	can, areas, hazards, statuses, channel []string
	senders                                []string
	severityMax                            string
	selfApprove, sign                      bool
	expires                                time.Duration
}

func (k *keyRequest) flags(f *pflag.FlagSet) {
	f.StringVar(&k.name, "name", "", "`NAME` for people and records")
	f.StringSliceVar(&k.can, "can", nil, "`VERBS`: submit, approve, issue, call, read")
	f.BoolVar(&k.selfApprove, "self-approve", false, "issue alerts and exercises of Severe and Extreme without a second person")
	f.StringSliceVar(&k.areas, "areas", nil, "geocode `VALUES` like 052032 or ISTAT=052032, or prefixes ending in * (default: no limit)")
	f.StringSliceVar(&k.senders, "senders", nil, "CAP `SENDERS` that the key may speak for (default: no limit)")
	f.StringSliceVar(&k.hazards, "hazards", nil, "CAP `CATEGORIES` (default: no limit)")
	f.StringVar(&k.severityMax, "severity-max", "", "highest `SEVERITY` (default: no limit)")
	f.StringSliceVar(&k.statuses, "status", nil, "CAP `STATUSES` (default: Exercise and Test only)")
	f.StringSliceVar(&k.channel, "channels", nil, "channel `NAMES` (default: all)")
	f.BoolVar(&k.sign, "sign", false, "also make a secret for Martinella-Signature")
	f.DurationVar(&k.expires, "expires", 0, "`TIME` until the key ends, like 720h (default: never)")
}

// newKey is a key with its secrets, which are shown once.
type newKey struct {
	ID     string        `json:"id"`
	Name   string        `json:"name"`
	Rights alerts.Rights `json:"rights"`
	Key    string        `json:"key"`
	Secret string        `json:"signing_secret,omitempty"`
}

// createKey makes a key, stores it, and gives its secrets.
func createKey(ctx context.Context, store alerts.Keys, k keyRequest, now time.Time) (newKey, error) {
	rights, ps := rightsOf(k.can, k.areas, k.hazards, k.severityMax, k.statuses, k.channel, k.selfApprove)
	rights.Senders = trimmed(k.senders)
	if strings.TrimSpace(k.name) == "" {
		ps = append(ps, alerts.Problem{Field: "name", Problem: "is missing", Hint: "say who uses the key"})
	}
	for _, text := range []struct {
		flag  string
		words []string
	}{{"name", []string{k.name}}, {"areas", rights.Areas}, {"channels", rights.Channels}, {"senders", rights.Senders}} {
		if slices.ContainsFunc(text.words, unprintable) {
			ps = append(ps, alerts.Problem{Field: text.flag, Problem: "holds control characters", Hint: "write plain text: it is shown in terminals and on pages"})
		}
	}
	if len(ps) > 0 {
		for i := range ps {
			ps[i].Field = "--" + strings.ReplaceAll(ps[i].Field, "_", "-")
		}
		return newKey{}, usage(ps.Err(), "see martinella keys create --help")
	}
	key, token := alerts.NewKey(k.name, rights, now)
	made := newKey{ID: key.Person.ID, Name: k.name, Rights: rights, Key: token}
	if k.expires > 0 {
		key.Expires = now.Add(k.expires).UTC()
	}
	var secret []byte
	if k.sign {
		made.Secret = "ms_" + alerts.RandomText()
		secret = []byte(made.Secret)
	}
	if err := store.Add(ctx, key, secret, alerts.KeyAct(alerts.By{ID: "command"}, alerts.ActKeyCreated, made.ID, rights.String(), "command", now)); err != nil {
		return newKey{}, fmt.Errorf("store the key: %w", err)
	}
	return made, nil
}

// unprintable tells whether a text holds what steers a terminal or turns the
// direction of writing.
var unprintable = settings.Unprintable

// unknownChannels gives the names that no channel of the configuration has.
// Without a file nothing is known.
func (c *Config) unknownChannels(names []string) []string {
	if c.file == "" {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool {
		return slices.ContainsFunc(c.Channels, func(ch ChannelConfig) bool { return ch.Name == name })
	})
}

func keysCreateCommand(sh shell) *cobra.Command {
	var k keyRequest
	var out string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "create",
		Short: "Make an API key; its secret is shown once",
		Example: `  martinella keys create --name "Control room" --can submit --status Actual,Exercise,Test --out room.key
  martinella keys create --name "Mayor" --can approve --status Actual,Exercise,Test`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withStore(cmd, sh, func(ctx context.Context, c *Config, s *store) error {
				made, err := createKey(ctx, s.Keys(), k, time.Now())
				if err != nil {
					return err
				}
				for _, name := range c.unknownChannels(made.Rights.Channels) {
					fmt.Fprintf(sh.err, "warning: no channel is called %s in %s\n", quoted(name), c.file)
				}
				if out != "" {
					if err := writeSecret(out, made.Key+"\n"); err != nil {
						return err
					}
				}
				return printKey(sh, made, out, asJSON)
			})
		},
	}
	configFlags(cmd.Flags())
	k.flags(cmd.Flags())
	cmd.Flags().StringVar(&out, "out", "", "write the key to `FILE` (mode 0600) instead of the terminal")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	return cmd
}

func printKey(sh shell, made newKey, file string, asJSON bool) error {
	if file != "" {
		made.Key = ""
	}
	if asJSON {
		return json.NewEncoder(sh.out).Encode(made) //nolint:gosec // G117: showing the new secret once is what this command is for
	}
	fmt.Fprintf(sh.out, "key %s (%s) may %s\n", made.ID, made.Name, made.Rights.String())
	if file != "" {
		fmt.Fprintf(sh.out, "written to %s\n", file)
	} else {
		fmt.Fprintf(sh.out, "%s\nit is shown only now: keep it in a file of mode 0600\n", made.Key)
	}
	if made.Secret != "" {
		fmt.Fprintf(sh.out, "signing secret: %s\n", made.Secret)
	}
	if len(made.Rights.Statuses) == 0 {
		fmt.Fprintln(sh.out, "note: for exercises and tests only; --status Actual,Exercise,Test makes one that warns people")
	}
	return nil
}

// writeSecret writes a new file that only its owner may read. It does not
// replace one.
func writeSecret(name, text string) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return refused(fmt.Errorf("write %s", plainPathError(err)), "name a file that does not exist yet")
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Sync(), f.Close())
}

func keysListCommand(sh shell) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "list",
		Short:   "List API keys with their rights; secrets are not stored",
		Example: "  martinella keys list",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withStore(cmd, sh, func(ctx context.Context, _ *Config, s *store) error {
				all, err := s.Keys().List(ctx)
				if err != nil {
					return err
				}
				return listKeys(sh, all, asJSON, time.Now())
			})
		},
	}
	configFlags(cmd.Flags())
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object a line")
	return cmd
}

func listKeys(sh shell, all []*alerts.Key, asJSON bool, now time.Time) error {
	if asJSON {
		e := json.NewEncoder(sh.out)
		for _, k := range all {
			if err := e.Encode(struct {
				alerts.Person
				Created  time.Time `json:"created"`
				Expires  time.Time `json:"expires,omitzero"`
				Revoked  time.Time `json:"revoked,omitzero"`
				LastUsed time.Time `json:"last_used,omitzero"`
				Live     bool      `json:"live"`
			}{k.Person, k.Created, k.Expires, k.Revoked, k.LastUsed, k.Live(now)}); err != nil {
				return err
			}
		}
		return nil
	}
	t := tabwriter.NewWriter(sh.out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(t, "id\tname\tmay\tcreated\tlast used\tstate")
	for _, k := range all {
		state := "in use"
		if !k.Revoked.IsZero() {
			state = "revoked " + day(k.Revoked)
		} else if !k.Live(now) {
			state = "expired " + day(k.Expires)
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\n", k.Person.ID, k.Person.Name, k.Person.Rights.String(), day(k.Created), day(k.LastUsed), state)
	}
	return t.Flush()
}

func keysRevokeCommand(sh shell) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "revoke ID",
		Short:   "End an API key at once",
		Example: "  martinella keys revoke key:7f3a91c204de",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return withStore(cmd, sh, func(ctx context.Context, _ *Config, s *store) error {
				err := s.Keys().Revoke(ctx, args[0], alerts.KeyAct(alerts.By{ID: "command"}, alerts.ActKeyRevoked, args[0], "", "command", time.Now()))
				if errors.Is(err, alerts.ErrNotFound) {
					return refused(fmt.Errorf("there is no key %s", quoted(args[0])), "martinella keys list shows their ids")
				}
				if err != nil {
					return err
				}
				fmt.Fprintf(sh.out, "key %s is revoked\n", args[0])
				return nil
			})
		},
	}
	configFlags(cmd.Flags())
	return cmd
}

func day(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.UTC().Format("2006-01-02 15:04")
}
