package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"martinella/broadcast/live"
	"martinella/broadcast/live/swarm"
)

// benchLive is a measure of the live feed.
type benchLive struct {
	sh     shell
	target benchTarget

	clients, alerts, rounds, burst int
	silent                         float64 // percent
	remote                         bool
	view, path                     string
	size                           int
	idle                           time.Duration
	asJSON                         bool

	gateway     *benchGateway
	floor       *swarm.Floor
	before      float64 // clients of a running gateway that are not ours
	description int     // bytes that fill the alert to its size
	result      benchResult
}

func benchLiveCommand(sh shell) *cobra.Command {
	b := &benchLive{sh: sh}
	cmd := &cobra.Command{
		Use:   "live",
		Short: "Measure the live feed with thousands of subscribers",
		Long: `Open subscribers of the live feed on loopback, publish exercise alerts through
the API, and tell when they had come to half, to 99 % and to all, what that
took of the processors, and what an idle connection takes of the memory. The
floor beside it is a loop that writes a ready message to as many sockets, one
system call each: no design can do with fewer. Both share the processors with
the subscribers, so the ratio says more than the times.

Every subscriber checks that it got each alert once and in order. Where one was
lost, doubled or out of order the exit code is 1. Each process needs one open
file for each subscriber: see ulimit -n.`,
		Example: `  martinella bench live --clients 10000 --alerts 20 --rounds 3 --burst 100
  martinella bench live --clients 1000 --url http://127.0.0.1:8080 --pid 4711 --key-file exercises.key`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := errors.Join(b.target.check(cmd.Flags()), b.check()); err != nil {
				return err
			}
			err := b.run(cmd.Context())
			if err != nil && cmd.Context().Err() != nil {
				return refused(errors.New("stopped before the end of the measure"), "")
			}
			return err
		},
	}
	f := cmd.Flags()
	b.target.flags(f)
	f.IntVar(&b.clients, "clients", 1000, "`NUMBER` of subscribers")
	f.IntVar(&b.alerts, "alerts", 20, "`NUMBER` of alerts in a round, one after the other")
	f.IntVar(&b.rounds, "rounds", 3, "`NUMBER` of rounds, gateway and floor by turns")
	f.IntVar(&b.burst, "burst", 0, "`NUMBER` of alerts that are also published at once in each round")
	f.StringVar(&b.view, "view", "both", "`VIEW` of the feed: full, brief or both")
	f.IntVar(&b.size, "size", 1024, "`BYTES` of the message with view=full")
	f.StringVar(&b.path, "path", "", "`PATH` by which the gateway keeps idle sockets: epoll or goroutines (default: its choice)")
	f.Float64Var(&b.silent, "silent", 0, "`PERCENT` of the subscribers that never read")
	f.BoolVar(&b.remote, "remote", false, "only every tenth subscriber reads while the clock runs, as if the others ran elsewhere")
	f.DurationVar(&b.idle, "idle", 10*time.Second, "`TIME` that connections are idle before their memory is measured")
	f.BoolVar(&b.asJSON, "json", false, "print one JSON object")
	return cmd
}

// views of the feed, in the order in which they are measured.
var benchViews = []string{"full", "brief"}

func (b *benchLive) views() []string {
	if b.view == "both" {
		return benchViews
	}
	return []string{b.view}
}

func (b *benchLive) check() error {
	for _, n := range []struct {
		flag        string
		value, from int
		to          int
	}{
		{"clients", b.clients, 1, 1 << 20}, {"alerts", b.alerts, 1, 10_000}, {"rounds", b.rounds, 1, 1000},
		{"burst", b.burst, 0, 10_000}, {"size", b.size, 1, 64 << 10},
	} {
		if n.value < n.from || n.value > n.to {
			return usage(fmt.Errorf("--%s is %d", n.flag, n.value), fmt.Sprintf("it is a number from %d to %d", n.from, n.to))
		}
	}
	switch {
	case b.silent < 0 || b.silent >= 100:
		return usage(fmt.Errorf("--silent is %v", b.silent), "it is a share in percent; somebody must read")
	case b.view != "both" && !slices.Contains(benchViews, b.view):
		return usage(fmt.Errorf("--view is %s", quoted(b.view)), "it is full, brief or both")
	case b.path != "" && b.path != string(live.PathEpoll) && b.path != string(live.PathGoroutines):
		return usage(fmt.Errorf("--path is %s", quoted(b.path)), "it is epoll or goroutines")
	case b.path != "" && b.target.url != "":
		return usage(errors.New("--path with --url"), "a running gateway has its path already")
	case b.idle < 0:
		return usage(fmt.Errorf("--idle is %v", b.idle), "it is a time like 10s")
	}
	if err := swarm.AllowFiles(b.clients); err != nil {
		return usage(err, "raise the hard limit (ulimit -Hn), or take fewer --clients")
	}
	return nil
}

// run measures everything and prints it.
func (b *benchLive) run(ctx context.Context) (err error) {
	b.result = benchResult{
		Clients: b.clients, Silent: b.silentClients(), Remote: b.remote, Alerts: b.alerts, Rounds: b.rounds, BurstAlerts: b.burst,
		Processors: runtime.NumCPU(), Go: runtime.Version(), LoadBefore: loadAverage(),
	}
	b.gateway, err = b.target.open(ctx, b.sh, benchLimits{clients: b.clients + 100, path: b.path})
	if err != nil {
		return err
	}
	defer b.gateway.close()
	numbers, err := b.gateway.numbers(ctx)
	if err != nil {
		return err
	}
	b.before = numbers[liveClients]
	for _, p := range []live.Path{live.PathEpoll, live.PathGoroutines} {
		if numbers[fmt.Sprintf("martinella_live_path{path=%q}", p)] == 1 {
			b.result.Path = string(p)
		}
	}
	if b.floor, err = startFloor(b.sh); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.floor.Close()) }()
	for i, view := range b.views() {
		part, err := b.measure(ctx, view, i == 0)
		if err != nil {
			return err
		}
		b.result.Parts = append(b.result.Parts, part)
	}
	b.result.LoadAfter = loadAverage()
	if err := b.print(); err != nil {
		return err
	}
	if n := b.result.Lost + b.result.Doubled + b.result.Reordered; n > 0 {
		return refused(fmt.Errorf("%d deliveries were lost, doubled or out of order", n), "no figure of this run counts")
	}
	return nil
}

func (b *benchLive) silentClients() int { return int(float64(b.clients) * b.silent / 100) }

// measure runs the rounds of one view: gateway and floor by turns, the other
// one first each time, so that what drifts meets both.
func (b *benchLive) measure(ctx context.Context, view string, first bool) (benchPart, error) {
	part := benchPart{View: view}
	var gateway, floor, reading []benchRound
	for n := range b.rounds {
		remember := first && n == 0
		turns := []func() error{
			func() error {
				r, err := b.gatewayRound(ctx, view, b.silentClients(), remember)
				gateway = append(gateway, r)
				part.Bytes = r.bytes
				return err
			},
			func() error {
				r, err := b.floorRound(ctx, max(part.Bytes, 1), remember)
				floor = append(floor, r)
				return err
			},
		}
		if b.silentClients() > 0 { // what the silent ones do to the others
			turns = append(turns, func() error {
				r, err := b.gatewayRound(ctx, view, 0, false)
				reading = append(reading, r)
				return err
			})
		}
		if n%2 == 1 {
			slices.Reverse(turns)
		}
		for _, turn := range turns {
			if err := turn(); err != nil {
				return part, err
			}
		}
		if !b.asJSON {
			fmt.Fprintf(b.sh.err, "view=%s, round %d of %d: all %.1f ms from the first arrival, floor %.1f ms\n",
				view, n+1, b.rounds, gateway[n].figures().AllFromFirst, floor[n].figures().AllFromFirst)
		}
	}
	part.set(gateway, floor, reading)
	return part, nil
}

func (b *benchLive) print() error {
	if b.asJSON {
		enc := json.NewEncoder(b.sh.out)
		enc.SetIndent("", "  ")
		return enc.Encode(b.result)
	}
	return b.result.table(b.sh.out)
}
