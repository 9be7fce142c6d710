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
	"detgen/internal/problem"
	"detgen/internal/progress"
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
func badRequest(err error) error { return problem.InRequest(err) }

func main() {
	engines.Guest()
	if role := runner.Role(os.Args); role != nil {
		if err := role(); err != nil {
			fmt.Fprintln(os.Stderr, filepath.Base(os.Args[0])+":", plain.Text(err.Error()))
			os.Exit(exitFailed)
		}
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	root, out := newRoot(), &progress.Printer{To: os.Stdout, Quiet: func() {}}
	root.PersistentPreRun = func(cmd *cobra.Command, args []string) { out.Quiet = showProgress(cmd, args) }
	root.SetOut(plain.Writer(out)) // names, labels and logs are not trusted
	err := errors.Join(root.ExecuteContext(ctx), out.Err)
	out.Quiet()
	interrupted := ctx.Err() != nil
	stop()
	os.Exit(exitCode(err, interrupted))
}

// exitCode prints err, if there is one, and gives the exit code for it.
func exitCode(err error, interrupted bool) int {
	if err == nil {
		return exitDone
	}
	fmt.Fprintln(os.Stderr, "detgen:", plain.Error(err))
	var request problem.Request
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

// tell gives the line on which a command tells what is going on. What it prints takes the line away.
func tell(cmd *cobra.Command) *progress.Line { return progress.New(cmd.ErrOrStderr()) }

// showProgress settles how a command tells what is going on: --quiet, and events with --json. The function that it gives
// takes away what tells it, and ends what says that the command is at work: from then on it prints.
func showProgress(cmd *cobra.Command, args []string) (quiet func()) {
	mode := progress.Auto
	switch {
	case isSet(cmd, "quiet"):
		mode = progress.Quiet
	case isSet(cmd, "json"):
		mode = progress.JSON
	}
	out := progress.NewOutput(cmd.ErrOrStderr(), mode)
	cmd.SetErr(out)
	atWork := out.Beat(strings.Join(append(strings.Fields(cmd.CommandPath())[1:], args[:min(len(args), 1)]...), " "))
	return func() {
		atWork()
		out.Clear()
	}
}
