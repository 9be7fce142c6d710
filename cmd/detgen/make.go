package main

import (
	"cmp"
	"log/slog"
	"strings"

	"detgen/engine/engines"
	"detgen/image"
	"detgen/runner"
	"detgen/scenario"

	"github.com/spf13/cobra"
)

// version is set when the program is built.
var version = "unknown"

// tool is this program, as what it writes names it.
func tool() string { return "detgen " + version }

// makerFlags are the flags of every command that makes runs.
type makerFlags struct {
	imageFlags
	engine string
}

func (f *makerFlags) add(cmd *cobra.Command) {
	f.imageFlags.add(cmd)
	f.addEngine(cmd)
}

// addEngine adds the flags that say where runs are made.
func (f *makerFlags) addEngine(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.engine, "engine", "", "where the lab runs: live (this kernel), exact (same seed, same bytes) or vm (ordinary virtual machines, to compare with) (default "+engines.Names[0]+")")
}

// config is what a runner is opened with.
func (f *makerFlags) config(cmd *cobra.Command) runner.Config {
	return runner.Config{
		Engine: f.engine, Catalogue: f.catalogue, Cache: f.cache, Tool: tool(),
		Log:    slog.New(slog.NewTextHandler(cmd.ErrOrStderr(), nil)),
		Images: image.Lines(cmd.ErrOrStderr()),
	}
}

// runFlags are the flags of commands that make runs of one spec.
type runFlags struct {
	makerFlags
	runner.Asked
	driver string
	seed   uint64
}

func (f *runFlags) add(cmd *cobra.Command) {
	f.makerFlags.add(cmd)
	cmd.Flags().StringVar(&f.driver, "link-driver", "", "what impairs the links: netem or soft (default: what the kernel has)")
	cmd.Flags().StringArrayVarP(&f.Settings, "set", "s", nil, "set a factor: KEY=VALUE (see detgen list SCENARIO)")
	cmd.Flags().StringVar(&f.File, "spec", "", "read the spec from this file; flags override it")
	cmd.Flags().Uint64Var(&f.seed, "seed", 0, "seed of the run (default: drawn)")
}

// open gives the spec that is asked for, with a seed, and a runner for it. The caller closes the runner.
func (f *runFlags) open(cmd *cobra.Command, args []string) (*runner.Runner, *scenario.Spec, error) {
	if f.Task = strings.Join(args, ""); cmd.Flags().Changed("seed") {
		f.Seed = &f.seed
	}
	spec, err := f.Spec()
	if err != nil {
		return nil, nil, err
	}
	f.engine = cmp.Or(f.engine, spec.Engine)
	spec.LinkDriver = cmp.Or(f.driver, spec.LinkDriver)
	r, err := runner.Open(f.config(cmd))
	return r, spec, err
}
