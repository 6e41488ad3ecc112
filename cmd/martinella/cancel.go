package main

import (
	"context"
	"errors"
	"net/http"

	"github.com/spf13/cobra"

	"martinella/alerts"
)

func cancelCommand(sh shell) *cobra.Command {
	return closingCommand(sh, "cancel", "Take an alert back that was sent by mistake",
		`  martinella cancel 01JD0Q4W7N8R5T2V6X9ZABCDEF --reason "sent to the wrong town" --key-file approver.key`, true)
}

func allClearCommand(sh shell) *cobra.Command {
	return closingCommand(sh, "all-clear", "Say that the danger is over",
		`  martinella all-clear 01JD0Q4W7N8R5T2V6X9ZABCDEF --text "The river is falling." --key-file author.key`, false)
}

// closingCommand is cancel and all-clear: the same channels and recipients as
// the alert that they end.
func closingCommand(sh shell, verb, short, example string, needsReason bool) *cobra.Command {
	var d alerts.Decision
	var asJSON bool
	cmd := &cobra.Command{
		Use:     verb + " ID",
		Short:   short,
		Example: example,
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if needsReason && d.Reason == "" {
				return usage(errors.New("no reason"), "say with --reason why it is taken back; the record keeps it")
			}
			c, err := newClient(sh, cmd.Flags())
			if err != nil {
				return err
			}
			return closeEvent(cmd.Context(), sh, c, args[0], verb, d, asJSON)
		},
	}
	clientFlags(cmd.Flags())
	cmd.Flags().StringVar(&d.Reason, "reason", "", "`TEXT` for the record")
	cmd.Flags().StringVar(&d.Text, "text", "", "`TEXT` for the people who got the alert")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object a line")
	return cmd
}

func closeEvent(ctx context.Context, sh shell, c *client, id, verb string, d alerts.Decision, asJSON bool) error {
	v, err := c.alert(ctx, id)
	if err != nil {
		return asFailure(err)
	}
	d.Digest = v.public()
	s, status, err := c.act(ctx, v.ID, verb, d)
	if err != nil {
		return asFailure(err)
	}
	if err := sayAnswer(sh, s, status, asJSON); err != nil || status == http.StatusAccepted {
		return err
	}
	return followToEnd(ctx, sh, c, s, asJSON)
}
