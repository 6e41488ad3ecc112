package main

import (
	"os"
	"os/exec"

	"github.com/spf13/cobra"

	"martinella/broadcast/live/swarm"
)

func benchFloorCommand(sh shell) *cobra.Command {
	return &cobra.Command{
		Use:    "floor",
		Hidden: true,
		Short:  "The least that a fan-out can be, commanded over standard input",
		Long: `A WebSocket server that writes one ready frame to every socket and does nothing
else. bench live starts it to have something to measure a gateway against.
Lines of standard input are commands: fan SIZE COUNT, count, drop.`,
		Example: "  martinella bench floor",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return swarm.ServeFloor(cmd.Context(), sh.in, sh.out)
		},
	}
}

// startFloor starts the floor as a child.
func startFloor(sh shell) (*swarm.Floor, error) {
	exe, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(exe, "bench", "floor")
	cmd.Stderr = sh.err
	cmd.Env = benchEnv(sh)
	return swarm.StartFloor(cmd)
}
