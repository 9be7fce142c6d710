package main

import (
	"detgen/serve"

	"github.com/spf13/cobra"
)

// newServe is "detgen serve": the local page.
func newServe() *cobra.Command {
	var with makerFlags
	var o serve.Options
	var model string
	cmd := &cobra.Command{
		Use:   "serve [DIR]",
		Short: "Show what is in a folder as pages on this machine, and make twins of what is there",
		Long: `Serve shows the runs, twins, sweeps, experiments and datasets below a folder (default: the current one), also while they
grow. It reads only; with --make a page of a run has a form that changes one factor and makes the twin, below DIR/what-if.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if o.Dir = "."; len(args) > 0 {
				o.Dir = args[0]
			}
			return serve.Run(cmd.Context(), o, with.config(cmd), model, cmd.OutOrStdout())
		},
	}
	with.imageFlags.add(cmd)
	cmd.Flags().StringVar(&o.Address, "address", "127.0.0.1:8317", "HOST:PORT to listen on; one that others can reach needs --token; port 0 takes any")
	cmd.Flags().StringVar(&o.Token, "token", "", "what a browser must show once, in the address that is printed: 16 characters or more")
	cmd.Flags().BoolVar(&o.Make, "make", false, "let people make twins (live and vm runs need root)")
	cmd.Flags().StringVar(&model, "model", "", "show the output of this model")
	return cmd
}
