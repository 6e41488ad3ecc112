package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/spf13/cobra"

	"martinella/alerts"
)

// longer is what the flags of extend ask for.
type longer struct {
	until  time.Time
	reason string
	asJSON bool
}

func extendCommand(sh shell) *cobra.Command {
	var want longer
	var until string
	cmd := &cobra.Command{
		Use:   "extend ID",
		Short: "Let an alert hold longer, with the same text and area",
		Long: `Let an issued alert hold longer. Text and area stay as they are; one authorised
person is enough, whatever the severity. It must be done before the alert ends,
and reaches at most 72 hours ahead: after the end only a cancel or an all-clear
leaves.`,
		Example: `  martinella extend 01JD0Q4W7N8R5T2V6X9ZABCDEF --until 2026-11-22T06:00:00+01:00 --reason "the river is still rising" --key-file approver.key
  martinella extend 01JD0Q4W7N8R5T2V6X9ZABCDEF --until +6h --reason "the river is still rising" --key-file approver.key`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if want.reason == "" {
				return usage(errors.New("no reason"), "say with --reason why it still holds; the record keeps it")
			}
			var err error
			if want.until, err = untilOf(until, time.Now()); err != nil {
				return err
			}
			c, err := newClient(sh, cmd.Flags())
			if err != nil {
				return err
			}
			return want.run(cmd.Context(), sh, c, args[0])
		},
	}
	clientFlags(cmd.Flags())
	cmd.Flags().StringVar(&until, "until", "", "`TIME` with its offset, or from now on like +6h")
	cmd.Flags().StringVar(&want.reason, "reason", "", "`TEXT` for the record")
	cmd.Flags().BoolVar(&want.asJSON, "json", false, "print one JSON object a line")
	return cmd
}

// untilOf reads --until.
func untilOf(text string, now time.Time) (time.Time, error) {
	if len(text) > 1 && text[0] == '+' {
		if d, err := time.ParseDuration(text[1:]); err == nil && d > 0 {
			return now.Add(d).Truncate(time.Second), nil
		}
	} else if t, err := alerts.ParseTime(text); err == nil {
		return t, nil
	}
	return time.Time{}, usage(fmt.Errorf("--until %q is not a time", text), "write 2026-11-22T06:00:00+01:00, or +6h for six hours from now")
}

func (l longer) run(ctx context.Context, sh shell, c *client, id string) error {
	v, err := c.alert(ctx, id)
	if err != nil {
		return asFailure(err)
	}
	b, err := json.Marshal(map[string]string{"digest": string(v.public()), "expires": alerts.FormatTime(l.until), "reason": l.reason})
	if err != nil {
		return err
	}
	var s submitted
	status, err := c.call(ctx, http.MethodPost, "/api/v1/alerts/"+url.PathEscape(string(v.ID))+"/extend", "application/json", b, &s)
	if err != nil {
		return asFailure(err)
	}
	if err := sayAnswer(sh, s, status, l.asJSON); err != nil {
		return err
	}
	return followToEnd(ctx, sh, c, s, l.asJSON)
}
