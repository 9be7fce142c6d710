package main

import (
	"strings"

	"detgen/runner"
	"detgen/scenario"
	"detgen/scenario/page"

	"github.com/spf13/cobra"
)

// newList is "detgen list": the catalogue, or the page of one scenario or task.
func newList() *cobra.Command {
	var folder string
	var schema bool
	cmd := &cobra.Command{
		Use:   "list [SCENARIO[/TASK]]",
		Short: "Show the catalogue, or a scenario: tasks, parameters and laws, failures, caching, implementations",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if schema {
				_, err := cmd.OutOrStdout().Write(scenario.Schema)
				return err
			}
			scenarios, err := runner.OpenScenarios(folder)
			if err != nil {
				return err
			}
			listed, err := page.Find(scenarios.Catalogue, strings.Join(args, ""))
			if err != nil {
				return badRequest(err)
			}
			return printResult(cmd, listed.Value(), listed.WriteText)
		},
	}
	cmd.Flags().StringVar(&folder, "catalogue", "", "use the scenarios of this folder too")
	cmd.Flags().Bool("json", false, "print JSON")
	cmd.Flags().BoolVar(&schema, "schema", false, "print the JSON Schema of scenario.yaml, for editors")
	return cmd
}
