// Command detgen makes labelled network traffic with controlled microstructure, and reads it.
// This directory is the command line: flags in, calls out, nothing else; a file a verb.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"detgen/engine/engines"
	"detgen/internal/plain"
	"detgen/runner"

	"github.com/spf13/cobra"
)

// Exit codes of the command.
const (
	exitDone        = 0
	exitFailed      = 1 // a run or a check failed
	exitRequest     = 2 // the request was wrong; nothing was started
	exitInterrupted = 130
)

// badRequest marks err as an error in what the user asked for, found before anything started.
func badRequest(err error) error {
	if err == nil {
		return nil
	}
	return runner.RequestError{Err: err}
}

func main() {
	engines.Guest()
	if role := runner.Role(os.Args); role != nil {
		if err := role(); err != nil {
			fmt.Fprintln(os.Stderr, filepath.Base(os.Args[0])+":", err)
			os.Exit(exitFailed)
		}
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	root, out := newRoot(), &output{to: os.Stdout, quiet: func() {}}
	root.PersistentPreRun = func(cmd *cobra.Command, args []string) { out.quiet = showProgress(cmd, args) }
	root.SetOut(plain.Writer(out)) // names, labels and logs are not trusted
	err := errors.Join(root.ExecuteContext(ctx), out.err)
	out.quiet()
	interrupted := ctx.Err() != nil
	stop()
	os.Exit(exitCode(err, interrupted))
}

// output is the standard output. It remembers what could not be written, as on a full disk, so that no command ends as if
// it had printed everything.
type output struct {
	to    *os.File
	err   error
	quiet func() // ends what says that the command is at work: from now on it prints
}

func (o *output) Write(b []byte) (int, error) {
	o.quiet()
	n, err := o.to.Write(b)
	if err != nil && o.err == nil {
		o.err = fmt.Errorf("write the output: %w", err)
	}
	return n, err
}

// exitCode prints err, if there is one, and gives the exit code for it.
func exitCode(err error, interrupted bool) int {
	if err == nil {
		return exitDone
	}
	fmt.Fprintln(os.Stderr, "detgen:", plain.Text(err.Error()))
	var request runner.RequestError
	switch {
	case interrupted:
		return exitInterrupted
	case errors.As(err, &request):
		return exitRequest
	}
	return exitFailed
}

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:           "detgen",
		Version:       version,
		Short:         "Labelled network traffic with controlled microstructure",
		SilenceUsage:  true,
		SilenceErrors: true,

		SuggestionsMinimumDistance: 2,
		RunE:                       func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.Args = func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return nil
		}
		err := fmt.Errorf("there is no command %q", args[0])
		if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
			err = fmt.Errorf("%w: did you mean %s?", err, strings.Join(near, " or "))
		}
		return err
	}
	root.PersistentFlags().Bool("quiet", false, "do not tell what is going on")
	root.PersistentPreRun = func(cmd *cobra.Command, args []string) { showProgress(cmd, args)() } // as main does, without the beat
	root.SetFlagErrorFunc(badFlag)
	root.AddCommand(
		newModel(),
		newDoctor(), newList(), newImage(),
		newRun(), newVerify(), newTwin(), newSweep(),
		newShow(), newExport(), newReport(), newServe(),
		newPackets(), newFlows(), newCompare(), newAudit(), newCoverage(), newMirror(), newDataset(), newSite(),
		newProbe(),
		newExperiment(), newMan(),
	)
	argumentsAreRequests(root)
	return root
}

// argumentsAreRequests marks what a command says of its arguments as an error in the request.
func argumentsAreRequests(cmd *cobra.Command) {
	if check := cmd.Args; check != nil {
		cmd.Args = func(cmd *cobra.Command, args []string) error { return badRequest(check(cmd, args)) }
	}
	for _, c := range cmd.Commands() {
		argumentsAreRequests(c)
	}
}
