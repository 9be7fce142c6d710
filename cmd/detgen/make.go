package main

import (
	"cmp"
	"errors"
	"log/slog"

	"detgen/engine/engines"
	"detgen/image"
	"detgen/internal/problem"
	"detgen/internal/strictyaml"
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
	driver string
}

func (f *makerFlags) add(cmd *cobra.Command) {
	f.imageFlags.add(cmd)
	f.addEngine(cmd)
}

// addEngine adds the flags that say where runs are made.
func (f *makerFlags) addEngine(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.engine, "engine", "", "where the lab runs: live (this kernel), exact (same seed, same bytes) or vm (ordinary virtual machines, to compare with) (default "+engines.Names[0]+")")
	cmd.Flags().StringVar(&f.driver, "link-driver", "", "what impairs the links: netem or soft (default: what the kernel has)")
}

// config is what a runner is opened with.
func (f *makerFlags) config(cmd *cobra.Command) runner.Config {
	return runner.Config{
		Engine: f.engine, Catalogue: f.catalogue, Cache: f.cache, Tool: tool(),
		Log:    slog.New(slog.NewTextHandler(cmd.ErrOrStderr(), nil)),
		Images: image.Lines(cmd.ErrOrStderr()),
	}
}

// open gives a runner for a spec. The caller closes it.
func (f *makerFlags) open(cmd *cobra.Command, spec *scenario.Spec) (*runner.Runner, error) {
	f.engine = cmp.Or(f.engine, spec.Engine)
	spec.LinkDriver = cmp.Or(f.driver, spec.LinkDriver)
	return runner.Open(f.config(cmd))
}

// specFlags are the flags that say what to run.
type specFlags struct {
	settings []string
	file     string
	seed     uint64
	timeline string
}

func (f *specFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringArrayVarP(&f.settings, "set", "s", nil, "set a factor: KEY=VALUE (see detgen list SCENARIO)")
	cmd.Flags().StringVar(&f.file, "spec", "", "read the spec from this file; flags override it")
	cmd.Flags().Uint64Var(&f.seed, "seed", 0, "seed of the run (default: drawn)")
}

// spec gives the spec of the command line, with a seed.
func (f *specFlags) spec(cmd *cobra.Command, args []string) (*scenario.Spec, error) {
	spec := &scenario.Spec{}
	if f.file != "" {
		var err error
		if spec, err = scenario.ReadSpecFile(f.file); err != nil {
			return nil, badRequest(err)
		}
	}
	if len(args) > 0 {
		spec.Task = args[0]
	}
	if f.timeline != "" {
		spec.Timeline = strictyaml.Text{Text: f.timeline, At: problem.Position{File: f.timeline}}
	}
	switch {
	case spec.Timeline.Set() && (spec.Task != "" || len(spec.Background) > 0):
		return nil, badRequest(errors.New("a time line names all activities: give no task and no background with it"))
	case !spec.Timeline.Set() && spec.Task == "":
		return nil, badRequest(errors.New("what to run? give SCENARIO/TASK (detgen list shows them), --spec FILE or --timeline FILE"))
	}
	settings, err := scenario.ParseSettings(f.settings...)
	if err == nil {
		err = spec.Override(settings...)
	}
	if err != nil {
		return nil, badRequest(err)
	}
	switch {
	case cmd.Flags().Changed("seed"):
		spec.Seed = &f.seed
	case spec.Seed == nil:
		seed := runner.NewSeed()
		spec.Seed = &seed
	}
	return spec, nil
}

// follow shows how far a batch is.
func follow(p *progress) func(runner.Event) {
	return func(e runner.Event) {
		switch text := e.String(); {
		case e.Stage == "" && e.All > 1:
			p.Left("runs", e.Done, e.All, e.Left)
		case text != "":
			p.show(text)
		}
	}
}
