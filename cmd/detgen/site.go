package main

import (
	"bytes"

	"detgen/dataset/site"
	"detgen/internal/whole"
	"detgen/runner"

	"github.com/spf13/cobra"
)

// newSite is "detgen site": a time line of activities from the habits of people.
func newSite() *cobra.Command {
	var folder string
	var out string
	var seed uint64
	cmd := &cobra.Command{
		Use:   "site SITE.yaml",
		Short: "Draw a time line of activities from users, habits, services and attacks, for detgen run --timeline",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := runner.OpenScenarios(folder)
			if err != nil {
				return badRequest(err)
			}
			s, err := site.ReadFile(args[0], c)
			if err != nil {
				return badRequest(err)
			}
			if cmd.Flags().Changed("seed") {
				s.Seed = seed
			}
			rows, err := s.Timeline()
			if err != nil {
				return badRequest(err)
			}
			if out == "" {
				return site.Write(cmd.OutOrStdout(), rows)
			}
			var text bytes.Buffer
			if err := site.Write(&text, rows); err != nil {
				return err
			}
			if err := whole.WriteFile(out, text.Bytes()); err != nil {
				return err
			}
			site.WriteText(cmd.OutOrStdout(), rows)
			return nil
		},
	}
	cmd.Flags().StringVar(&folder, "catalogue", "", "use the scenarios of this folder too")
	cmd.Flags().StringVarP(&out, "output", "o", "", "write the time line there, and print what it comes to (default: print it)")
	cmd.Flags().Uint64Var(&seed, "seed", 0, "instead of the file's")
	return cmd
}
