package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/spf13/cobra"

	"martinella/alerts"
)

func approveCommand(sh shell) *cobra.Command {
	var yes, asJSON bool
	var reason string
	cmd := &cobra.Command{
		Use:   "approve ID",
		Short: "Show what an alert would send, ask, and issue it",
		Long: `Show a submitted alert as it would leave, ask, and issue it as the second
person. What is approved is exactly what was shown: if the alert changed in
between, nothing is issued.`,
		Example: "  martinella approve 01JD0Q4W7N8R5T2V6X9ZABCDEF --key-file approver.key",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := newClient(sh, cmd.Flags())
			if err != nil {
				return err
			}
			return approve(cmd.Context(), sh, c, args[0], reason, yes, asJSON)
		},
	}
	clientFlags(cmd.Flags())
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object a line; needs --yes")
	cmd.Flags().StringVar(&reason, "reason", "", "`TEXT` for the record")
	return cmd
}

func approve(ctx context.Context, sh shell, c *client, id, reason string, yes, asJSON bool) error {
	if asJSON && !yes {
		return usage(errors.New("--json cannot ask"), "add --yes")
	}
	v, err := c.alert(ctx, id)
	if err != nil {
		return asFailure(err)
	}
	if v.Alert == nil {
		return refused(errors.New("the gateway did not show the alert"), "this key may not read it")
	}
	if v.State == alerts.StateSubmitted { // from now on its author waits for this person
		if _, _, err := c.act(ctx, v.ID, "open", alerts.Decision{Digest: v.Digest}); err != nil {
			return asFailure(err)
		}
	}
	if !asJSON {
		describe(sh, v)
	}
	if v.State != alerts.StateSubmitted && !v.State.Published() {
		return refused(fmt.Errorf("the alert is %s: nobody can approve it", v.State), "")
	}
	if !yes {
		fmt.Fprintf(sh.out, "issue it to everybody named above? [y/N] ")
		line, _ := bufio.NewReader(sh.in).ReadString('\n')
		if answer := strings.ToLower(strings.TrimSpace(line)); answer != "y" && answer != "yes" && answer != "s" && answer != "si" {
			return refused(errors.New("not approved"), "nothing was sent")
		}
	}
	s, status, err := c.act(ctx, v.ID, "approve", alerts.Decision{Digest: v.Digest, Reason: reason})
	if err != nil {
		return asFailure(err)
	}
	if status == http.StatusOK || status == http.StatusCreated {
		status = http.StatusCreated
	}
	if err := sayAnswer(sh, s, status, asJSON); err != nil {
		return err
	}
	return followToEnd(ctx, sh, c, s, asJSON)
}

// describe prints what an approver must see: what, where, until when, to whom.
// The words are strangers': what steers a terminal is shown as a mark.
func describe(sh shell, v view) {
	var out strings.Builder
	defer func() { fmt.Fprint(sh.out, printable(out.String())) }()
	a := v.Alert
	fmt.Fprintf(&out, "%s %s, %s, by %s, state %s\n", strings.ToUpper(string(a.Status)), a.MsgType, a.Severity(), v.Author.Name, v.State)
	for _, in := range a.Infos {
		fmt.Fprintf(&out, "\n[%s] %s: %s\n", orDash(in.Language), in.Event, in.Headline)
		for _, text := range []string{in.Description, in.Instruction} {
			if text != "" {
				fmt.Fprintf(&out, "  %s\n", strings.ReplaceAll(text, "\n", "\n  "))
			}
		}
		for _, ar := range in.Areas {
			fmt.Fprintf(&out, "  where: %s\n", ar.Description)
		}
		if !in.Expires.IsZero() {
			fmt.Fprintf(&out, "  until: %s\n", alerts.FormatTime(in.Expires))
		}
	}
	fmt.Fprintf(&out, "\nchannels: %s; recipients one by one: %d\n", orDash(strings.Join(v.Channels, ", ")), v.Reach)
	for _, w := range v.Warnings {
		fmt.Fprintf(&out, "warning: %v\n", w)
	}
	fmt.Fprintf(&out, "digest: %s\n", v.Digest)
}

// printable replaces what is neither text nor a line's end.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r != '\n' && unprintable(string(r)) {
			return '\ufffd'
		}
		return r
	}, s)
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}
