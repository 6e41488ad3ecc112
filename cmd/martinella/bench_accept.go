package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
)

// acceptConnections are measured one after the other.
var acceptConnections = []int{1, 16}

// acceptFigures are those of one number of connections.
type acceptFigures struct {
	Connections int     `json:"connections"`
	Alerts      int     `json:"alerts"`
	PerSecond   float64 `json:"accepts_per_second"`
	P50         float64 `json:"p50_ms"`
	P99         float64 `json:"p99_ms"`
}

func benchAcceptCommand(sh shell) *cobra.Command {
	var target benchTarget
	var alerts int
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "accept",
		Short: "Measure how fast alerts are accepted",
		Long: `Post exercise alerts over 1 and over 16 connections and tell how many a second
are accepted, each written to disk, and how long an answer takes.`,
		Example: "  martinella bench accept --alerts 5000",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := target.check(cmd.Flags()); err != nil {
				return err
			}
			if alerts < 1 || alerts > 1_000_000 {
				return usage(fmt.Errorf("--alerts is %d", alerts), "it is a number from 1 to 1000000")
			}
			return benchAccept(cmd.Context(), sh, &target, alerts, asJSON)
		},
	}
	target.flags(cmd.Flags())
	cmd.Flags().IntVar(&alerts, "alerts", 2000, "`NUMBER` of alerts for each number of connections")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object a line")
	return cmd
}

func benchAccept(ctx context.Context, sh shell, target *benchTarget, alerts int, asJSON bool) error {
	g, err := target.open(ctx, sh, benchLimits{clients: 100})
	if err != nil {
		return err
	}
	defer g.close()
	enc := json.NewEncoder(sh.out)
	table := tabwriter.NewWriter(sh.out, 0, 0, 2, ' ', tabwriter.AlignRight)
	if !asJSON {
		fmt.Fprint(table, "connections\taccepts/s\tp50 ms\tp99 ms\t\n")
	}
	for _, n := range acceptConnections {
		f, err := g.accepts(ctx, n, alerts)
		if err != nil {
			return err
		}
		if asJSON {
			if err := enc.Encode(f); err != nil {
				return err
			}
			continue
		}
		fmt.Fprintf(table, "%d\t%.0f\t%.2f\t%.2f\t\n", f.Connections, f.PerSecond, f.P50, f.P99)
	}
	if asJSON {
		return nil
	}
	if err := table.Flush(); err != nil {
		return err
	}
	_, err = fmt.Fprintf(sh.out, "load average %s\n", loadAverage())
	return err
}

// accepts posts alerts over so many connections at once.
func (g *benchGateway) accepts(ctx context.Context, connections, alerts int) (acceptFigures, error) {
	messages := make([][]byte, alerts)
	for i := range messages {
		m, err := benchAlert(time.Now(), 600)
		if err != nil {
			return acceptFigures{}, err
		}
		messages[i] = m
	}
	took := make([]int64, alerts)
	var next atomic.Int64
	var mu sync.Mutex
	var failed error
	var posting sync.WaitGroup
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	began := time.Now()
	for range connections {
		posting.Go(func() {
			for i := int(next.Add(1)) - 1; i < alerts && ctx.Err() == nil; i = int(next.Add(1)) - 1 {
				at := time.Now()
				_, status, err := g.submit(ctx, messages[i])
				took[i] = int64(time.Since(at))
				if err == nil && status != http.StatusCreated {
					err = refused(fmt.Errorf("the gateway answered %d: the exercise was not issued", status), "the key must issue exercises: martinella keys create --can issue --self-approve --status Exercise")
				}
				if err != nil {
					mu.Lock()
					if failed == nil {
						failed = asFailure(err)
					}
					mu.Unlock()
					cancel()
				}
			}
		})
	}
	posting.Wait()
	all := time.Since(began)
	if failed != nil {
		return acceptFigures{}, failed
	}
	if err := ctx.Err(); err != nil {
		return acceptFigures{}, errors.Join(errors.New("stopped"), err)
	}
	slices.Sort(took)
	return acceptFigures{
		Connections: connections, Alerts: alerts, PerSecond: float64(alerts) / all.Seconds(),
		P50: ms(took[len(took)/2]), P99: ms(took[len(took)*99/100]),
	}, nil
}
