package main

import (
	"detgen/dataset/site"

	"github.com/spf13/cobra"
)

// newSite is "detgen site": a time line of activities from the habits of people.
func newSite() *cobra.Command {
	var folder, out string
	cmd := &cobra.Command{
		Use:   "site SITE.yaml",
		Short: "Draw a time line of activities from users, habits, services and attacks, for detgen run --timeline",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			rows, err := site.Draw(args[0], folder)
			if err != nil {
				return err
			}
			return site.Save(cmd.OutOrStdout(), out, rows)
		},
	}
	cmd.Flags().StringVar(&folder, "catalogue", "", "use the scenarios of this folder too")
	cmd.Flags().StringVarP(&out, "output", "o", "", "write the time line there, and print what it comes to (default: print it)")
	return cmd
}
