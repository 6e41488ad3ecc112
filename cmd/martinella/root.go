package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
)

// The exit codes that scripts may rely on.
const (
	exitDone        = 0
	exitRefused     = 1 // refused or invalid
	exitUsage       = 2
	exitPartly      = 3 // partly delivered, or not yet when the waiting ended
	exitUnreachable = 4 // the gateway does not answer
)

// failure is an error with its exit code and what to do about it.
type failure struct {
	code int
	err  error
	hint string
}

func (f *failure) Error() string { return f.err.Error() }
func (f *failure) Unwrap() error { return f.err }

func refused(err error, hint string) error     { return &failure{exitRefused, err, hint} }
func usage(err error, hint string) error       { return &failure{exitUsage, err, hint} }
func unreachable(err error, hint string) error { return &failure{exitUnreachable, err, hint} }

// errSaid ends a command whose output already says everything.
var errSaid = errors.New("")

// shell is what a command has of the world around it.
type shell struct {
	getenv  func(string) string
	environ []string // to find misspelt variables
	in      io.Reader
	out     io.Writer
	err     io.Writer
}

// run executes one command line and gives its exit code. It blocks until the
// command ended; ctx, SIGINT and SIGTERM stop it. A test calls it as main does.
func run(ctx context.Context, args []string, getenv func(string) string, stdin io.Reader, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	root := newRoot(shell{getenv: getenv, environ: os.Environ(), in: stdin, out: stdout, err: stderr})
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return exitDone
	}
	f := &failure{code: exitUsage, err: err} // what cobra itself refuses is usage
	errors.As(err, &f)
	if !errors.Is(f.err, errSaid) {
		fmt.Fprintf(stderr, "martinella: %v\n", f.err)
		if f.hint != "" {
			fmt.Fprintf(stderr, "hint: %s\n", f.hint)
		}
	}
	return f.code
}

func newRoot(sh shell) *cobra.Command {
	root := &cobra.Command{
		Use:   "martinella",
		Short: "Emergency broadcast gateway: one alert in, every channel out",
		Long: `Martinella takes one authenticated alert (CAP 1.2) and brings it to open pages,
social platforms, SMS and machines, with a delivery record for each channel.

Exit codes: 0 done, 1 refused or invalid, 2 usage, 3 partly delivered or not
yet when the waiting ended, 4 gateway unreachable.`,
		Example:       "  martinella demo\n  martinella check storm.xml\n  martinella send storm.xml --url http://localhost:8080 --key-file author.key",
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return cmd.Help()
		},
	}
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usage(err, fmt.Sprintf("see %s --help", cmd.CommandPath()))
	})
	root.Version = versionLine()
	root.SetVersionTemplate("{{.Version}}\n")
	root.AddCommand(
		serveCommand(sh), demoCommand(sh), checkCommand(sh), sendCommand(sh), approveCommand(sh), extendCommand(sh), cancelCommand(sh), allClearCommand(sh), kitCommand(sh), watchCommand(sh),
		keysCommand(sh), peopleCommand(sh), staffCommand(sh), channelsCommand(sh), templatesCommand(sh), ledgerCommand(sh), backupCommand(sh), restoreCommand(sh), schemaCommand(sh), keyCommand(sh), exportCommand(sh), configCommand(sh), benchCommand(sh), doctorCommand(sh), liveCommand(sh),
		sbomCommand(sh), versionCommand(sh),
	)
	hintAtArguments(root)
	return root
}

// hintAtArguments gives what a command and those below it say of wrong
// arguments a hint.
func hintAtArguments(cmd *cobra.Command) {
	check := cmd.Args
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		err := check(cmd, args)
		if err == nil {
			return nil
		}
		hint := fmt.Sprintf("see %s --help", cmd.CommandPath())
		if cmd.HasAvailableSubCommands() {
			cmd.SuggestionsMinimumDistance = 2
			if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
				hint = fmt.Sprintf("did you mean %s?", strings.Join(near, " or "))
			}
		}
		return usage(err, hint)
	}
	for _, sub := range cmd.Commands() {
		hintAtArguments(sub)
	}
}
