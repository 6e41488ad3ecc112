package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"martinella/channels/webpush"
)

func keysVAPIDCommand(sh shell) *cobra.Command {
	var out string
	cmd := &cobra.Command{
		Use:   "vapid",
		Short: "Make the key of a webpush channel, or show the public part of one",
		Long: `Make the VAPID key of a webpush channel and print its public part, by which
browsers subscribe. Of a file that is there already only the public part is
printed. Keep the file with your backups: subscriptions work with the key that
they were made with, and with no other.`,
		Example: "  martinella keys vapid --out vapid.key",
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if out == "" {
				return usage(errors.New("no file is named"), "say where the key is kept: --out vapid.key")
			}
			if _, err := os.Stat(out); err == nil || !errors.Is(err, fs.ErrNotExist) {
				key, err := webpush.ReadKey(out)
				if err != nil {
					return refused(err, "name another file for a new key")
				}
				fmt.Fprintf(sh.out, "%s is there already; its public part is\n%s\n", out, key.Public())
				return nil
			}
			key, err := webpush.NewKey()
			if err != nil {
				return err
			}
			if err := writeSecret(out, key.Private()+"\n"); err != nil {
				return err
			}
			fmt.Fprintf(sh.out, "written to %s; its public part is\n%s\n", out, key.Public())
			return nil
		},
	}
	cmd.Flags().StringVar(&out, "out", "", "`FILE` of the key (mode 0600)")
	return cmd
}
