package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"

	"github.com/spf13/cobra"

	"martinella/alerts"
)

func sendCommand(sh shell) *cobra.Command {
	var asJSON, wait bool
	var timeout time.Duration
	cmd := &cobra.Command{
		Use:   "send FILE",
		Short: "Submit a CAP file and follow it to its end on every channel",
		Long: `Submit a CAP file (XML or JSON, - for standard input) and follow every channel
until it has ended. An alert that waits for a second person is not followed
unless --wait is given. Sending the same file again issues nothing twice.
Where --timeout ends the waiting, for the second person or for a channel, the
exit code is 3 and the gateway goes on.`,
		Example: "  martinella send storm.xml --url http://localhost:8080 --key-file author.key",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := newClient(sh, cmd.Flags())
			if err != nil {
				return err
			}
			message, err := readMessage(sh, args[0])
			if err != nil {
				return err
			}
			ctx := cmd.Context()
			if timeout > 0 {
				var cancel context.CancelFunc
				ctx, cancel = context.WithTimeout(ctx, timeout)
				defer cancel()
			}
			return send(ctx, sh, c, message, asJSON, wait)
		},
	}
	clientFlags(cmd.Flags())
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object a line")
	cmd.Flags().BoolVar(&wait, "wait", false, "wait for the second person, then follow")
	cmd.Flags().DurationVar(&timeout, "timeout", 0, "stop waiting after this `TIME` with exit code 3 (default: until the end)")
	return cmd
}

// readMessage reads a file or, for "-", standard input.
func readMessage(sh shell, name string) ([]byte, error) {
	if name == "-" {
		return io.ReadAll(io.LimitReader(sh.in, answerLimit))
	}
	b, err := os.ReadFile(name)
	if err != nil {
		return nil, usage(errors.New(plainPathError(err)), "name a CAP file, or - for standard input")
	}
	return b, nil
}

func send(ctx context.Context, sh shell, c *client, message []byte, asJSON, wait bool) error {
	s, status, err := c.submit(ctx, message)
	if err != nil {
		return asFailure(err)
	}
	if err := sayAnswer(sh, s, status, asJSON); err != nil {
		return err
	}
	if s.State == alerts.StateSubmitted {
		if !wait {
			if !asJSON {
				fmt.Fprintf(sh.out, "an approver issues it with:\n  martinella approve %s --url %s --key-file APPROVER.key\n", s.ID, c.base)
			}
			return nil
		}
		if err := waitForIssue(ctx, c, s.ID); err != nil {
			return err
		}
		if !asJSON {
			fmt.Fprintln(sh.out, "issued")
		}
	} else if !s.State.Published() {
		return refused(fmt.Errorf("the alert is %s", s.State), "send a changed alert with a new identifier")
	}
	return followToEnd(ctx, sh, c, s, asJSON)
}

// followToEnd shows the deliveries until all have ended.
func followToEnd(ctx context.Context, sh shell, c *client, s submitted, asJSON bool) error {
	well, err := follow(ctx, c, s, newDisplay(sh.out, asJSON))
	if err != nil {
		return err
	}
	if !well {
		return &failure{exitPartly, errors.New("not everything was delivered"), "the table says what failed and why"}
	}
	return nil
}

func sayAnswer(sh shell, s submitted, status int, asJSON bool) error {
	if asJSON {
		b, err := json.Marshal(struct {
			Type string `json:"type"`
			submitted
		}{"submitted", s})
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(sh.out, "%s\n", b)
		return err
	}
	word := map[int]string{http.StatusCreated: "issued", http.StatusAccepted: "waiting for a second person", http.StatusOK: "known already, " + string(s.State)}[status]
	fmt.Fprintf(sh.out, "alert %s (event %s, revision %d): %s\n", s.ID, s.Event, s.Revision, word)
	if s.URL != "" {
		fmt.Fprintf(sh.out, "page: %s\n", s.URL)
	}
	for _, w := range s.Warnings {
		fmt.Fprintf(sh.out, "warning: %v\n", w)
	}
	return nil
}

// waitForIssue blocks until somebody decided. The gateway's stream of progress
// tells when; where it does not, the alert is read each second.
func waitForIssue(ctx context.Context, c *client, id alerts.ID) error {
	misses := 0
	for {
		v, err := c.alert(ctx, string(id))
		switch {
		case ctx.Err() != nil:
			return &failure{exitPartly, errors.New("stopped waiting; the alert still waits for a second person"), "send the same file again to follow it; nothing is issued twice"}
		case err != nil:
			if misses++; misses > mostMisses {
				return asFailure(err)
			}
		case v.State.Published():
			return nil
		case v.State == alerts.StateRejected || v.State == alerts.StateReturned:
			return refused(fmt.Errorf("the alert was %s", v.State), "the timeline says why")
		default:
			misses = 0
		}
		wait := time.Second
		if err == nil && decided(ctx, c, id) {
			wait = 50 * time.Millisecond
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
		case <-timer.C:
		}
		timer.Stop()
	}
}

// decided listens until the alert no longer waits; false where that cannot be
// heard. An update that waits is not heard: its event's stream is that of what
// it updates.
func decided(ctx context.Context, c *client, id alerts.ID) (heard bool) {
	_ = c.progress(ctx, id, func(p progress) bool {
		heard = p.ID == id && p.State != alerts.StateSubmitted
		return p.ID == id && !heard
	})
	return heard
}
