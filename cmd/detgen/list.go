package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"detgen/catalogue"
	"detgen/internal/beneath"
	"detgen/scenario"
	"detgen/scenario/page"

	"github.com/spf13/cobra"
)

// newList is "detgen list": the catalogue, or the page of one scenario or task.
func newList() *cobra.Command {
	var folder string
	var asJSON, schema bool
	cmd := &cobra.Command{
		Use:   "list [SCENARIO[/TASK]]",
		Short: "Show the catalogue, or a scenario: tasks, parameters and laws, failures, caching, implementations",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			out := cmd.OutOrStdout()
			if schema {
				_, err := out.Write(scenario.Schema)
				return err
			}
			scenarios, err := openScenarios(folder)
			if err != nil {
				return badRequest(err)
			}
			if len(args) == 0 {
				return listAll(out, scenarios, asJSON)
			}
			return listOne(out, scenarios, args[0], asJSON)
		},
	}
	cmd.Flags().StringVar(&folder, "catalogue", "", "use the scenarios of this folder too")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	cmd.Flags().BoolVar(&schema, "schema", false, "print the JSON Schema of scenario.yaml, for editors")
	return cmd
}

// openScenarios gives the scenarios of the built-in catalogue and of a user's folder, if any.
func openScenarios(folder string) (*scenario.Catalogue, error) {
	sources := []scenario.Source{{Name: "catalogue", FS: catalogue.FS}}
	if folder != "" {
		sources = append(sources, scenario.Source{Name: folder, FS: beneath.Dir(folder)})
	}
	return scenario.Open(sources...)
}

func listAll(out io.Writer, scenarios *scenario.Catalogue, asJSON bool) error {
	var all []*scenario.About
	for _, name := range scenarios.Names() {
		s, err := scenarios.Scenario(name)
		if err != nil {
			return badRequest(err)
		}
		all = append(all, s.About())
	}
	if asJSON {
		return printJSON(out, all)
	}
	return page.List(out, all)
}

func listOne(out io.Writer, scenarios *scenario.Catalogue, what string, asJSON bool) error {
	name, task, oneTask := strings.Cut(what, "/")
	s, err := scenarios.Scenario(name)
	if err != nil {
		return badRequest(err)
	}
	about := s.About()
	if oneTask {
		if about, err = s.AboutTask(task); err != nil {
			return badRequest(fmt.Errorf("%s: %w", what, err))
		}
	}
	if asJSON {
		return printJSON(out, about)
	}
	return page.Text(out, about, oneTask)
}

func printJSON(out io.Writer, v any) error {
	e := json.NewEncoder(out)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(v)
}
