package main

import (
	"os"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
)

// newMan writes the manual pages that packages of detgen bring (scripts/dist).
func newMan() *cobra.Command {
	return &cobra.Command{
		Use:    "man FOLDER",
		Short:  "Write the manual pages of all commands",
		Hidden: true,
		Args:   cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := os.MkdirAll(args[0], 0o755); err != nil {
				return badRequest(err)
			}
			root := cmd.Root()
			root.DisableAutoGenTag = true // it has the day
			return doc.GenManTree(root, &doc.GenManHeader{Section: "1", Source: tool(), Manual: "detgen"}, args[0])
		},
	}
}
