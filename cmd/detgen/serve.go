package main

import (
	"fmt"
	"log/slog"
	"net"

	"detgen/model"
	"detgen/runner"
	"detgen/serve"

	"github.com/spf13/cobra"
)

// newServe is "detgen serve": the local page.
func newServe() *cobra.Command {
	var with makerFlags
	var o serve.Options
	var named string
	cmd := &cobra.Command{
		Use:   "serve [DIR]",
		Short: "Show what is in a folder as pages on this machine, and make twins of what is there",
		Long: `Serve shows the runs, twins, sweeps, experiments and datasets below a folder (default: the current one), also while they
grow. It reads only; with --make a page of a run has a form that changes one factor and makes the twin, below DIR/what-if.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			if o.Dir = "."; len(args) > 0 {
				o.Dir = args[0]
			}
			if err := o.Check(); err != nil {
				return badRequest(err)
			}
			o.Tool, o.Log = "detgen "+version, slog.New(slog.NewTextHandler(cmd.ErrOrStderr(), nil))
			if o.Catalogue, err = runner.OpenScenarios(with.catalogue); err != nil {
				return err
			}
			o.Open = func(engine string) (*runner.Runner, error) {
				with.engine = engine
				return runner.Open(with.config(cmd))
			}
			if named != "" {
				m, err := model.Open(named, model.Options{})
				if err != nil {
					return badRequest(err)
				}
				defer m.Close()
				o.Model = &serve.Model{Model: m}
			}
			s, err := serve.New(o)
			if err != nil {
				return err
			}
			l, err := net.Listen("tcp", o.Address)
			if err != nil {
				return badRequest(err)
			}
			if _, err := fmt.Fprintf(cmd.OutOrStdout(), "%s is shown at http://%s/%s  (Ctrl-C ends)\n", o.Dir, l.Addr(), o.Query()); err != nil {
				return err
			}
			return s.Serve(cmd.Context(), l)
		},
	}
	with.imageFlags.add(cmd)
	cmd.Flags().StringVar(&o.Address, "address", "127.0.0.1:8317", "HOST:PORT to listen on; one that others can reach needs --token; port 0 takes any")
	cmd.Flags().StringVar(&o.Token, "token", "", "what a browser must show once, in the address that is printed: 16 characters or more")
	cmd.Flags().BoolVar(&o.Make, "make", false, "let people make twins (live and vm runs need root)")
	cmd.Flags().StringVar(&named, "model", "", "show the output of this model")
	return cmd
}
