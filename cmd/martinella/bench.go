package main

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

func benchCommand(sh shell) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "bench",
		Short: "Measure what this machine can carry, on loopback",
		Long: `Measure a gateway on this machine with exercise alerts: its live feed with
thousands of subscribers, how fast it accepts alerts, or how fast it serves the
public page. Without --url each
measure starts a gateway of its own in a temporary folder and removes it.`,
		Example: "  martinella bench live --clients 10000\n  martinella bench accept\n  martinella bench page",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(benchLiveCommand(sh), benchAcceptCommand(sh), benchFloorCommand(sh), benchPageCommand(sh), benchBareCommand(sh))
	return cmd
}

// benchTarget is which gateway is measured; all empty: one of its own.
type benchTarget struct {
	url, admin, keyFile string
	pid                 int
	withChannels        bool
}

func (t *benchTarget) flags(f *pflag.FlagSet) {
	f.StringVar(&t.url, "url", "", "`ADDRESS` of a running gateway on loopback (default: start one)")
	f.StringVar(&t.admin, "admin-url", "http://127.0.0.1:9090", "`ADDRESS` of its administration, with --url")
	f.StringVar(&t.keyFile, "key-file", "", "`FILE` of a key that issues exercises, with --url")
	f.IntVar(&t.pid, "pid", 0, "process `NUMBER` of the gateway, with --url")
	f.BoolVar(&t.withChannels, "with-channels", false, "go on although the running gateway has channels, which send exercises where they are set to")
}

// check refuses what is not on this machine: a load test of somebody else's
// gateway is an attack, and its exercises would reach people.
func (t *benchTarget) check(f *pflag.FlagSet) error {
	if t.url == "" {
		for _, name := range []string{"admin-url", "key-file", "pid", "with-channels"} {
			if f.Changed(name) {
				return usage(fmt.Errorf("--%s without --url", name), "name the running gateway with --url, or leave both out")
			}
		}
		return nil
	}
	for _, site := range []string{t.url, t.admin} {
		if !plainSite(site) {
			return usage(fmt.Errorf("the address %s is not that of a gateway", quoted(site)), "write it like http://127.0.0.1:8080")
		}
		if !onLoopback(site) {
			return usage(fmt.Errorf("%s is not on loopback", quoted(site)), "run it on the gateway's machine, with an address like http://127.0.0.1:8080")
		}
	}
	switch {
	case t.keyFile == "":
		return usage(errors.New("no key"), "name the file of a key that issues exercises with --key-file: martinella keys create --can issue --self-approve --status Exercise")
	case t.pid <= 0:
		return usage(errors.New("no process"), "name the gateway's process with --pid: the ready file holds it")
	}
	return nil
}

// onLoopback reports whether an address can only be that of this machine.
func onLoopback(site string) bool {
	u, err := url.Parse(site)
	if err != nil {
		return false
	}
	if u.Hostname() == "localhost" { // RFC 6761, section 6.3
		return true
	}
	ip := net.ParseIP(u.Hostname())
	return ip != nil && ip.IsLoopback()
}

// middle is the median of values; 0 of none.
func middle[N int64 | float64](values []N) N {
	if len(values) == 0 {
		return 0
	}
	s := slices.Sorted(slices.Values(values))
	if n := len(s); n%2 == 0 {
		return (s[n/2-1] + s[n/2]) / 2
	}
	return s[len(s)/2]
}
