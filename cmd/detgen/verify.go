package main

import (
	"fmt"
	"path/filepath"

	"detgen/engine/engines"
	"detgen/runner"

	"github.com/spf13/cobra"
)

// newVerify is "detgen verify": make runs again and compare the bytes.
func newVerify() *cobra.Command {
	var with makerFlags
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "verify DIR...",
		Short: "Make runs of the exact engine again and compare every capture's bytes",
		Args:  cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, dirs []string) error {
			if err := runner.Verifiable(dirs...); err != nil {
				return err
			}
			with.engine = engines.Exact()
			r, err := runner.Open(with.config(cmd))
			if err != nil {
				return err
			}
			defer r.Close()
			if err := r.Check(cmd.Context(), ""); err != nil {
				return err
			}
			for _, dir := range dirs {
				if err := r.Available(dir); err != nil {
					return err
				}
			}
			p := newProgress(cmd.ErrOrStderr())
			differ := 0
			for _, dir := range dirs {
				v, err := r.Verify(cmd.Context(), dir, func(stage string) { p.stage(filepath.Base(dir), stage) })
				p.clear()
				if err != nil {
					return fmt.Errorf("verify %s: %w", dir, err)
				}
				if !v.Same {
					differ++
				}
				if err := printLine(cmd, asJSON, v, v.WriteText); err != nil {
					return err
				}
			}
			if differ > 0 {
				return fmt.Errorf("%d of %d runs came out differently", differ, len(dirs))
			}
			return nil
		},
	}
	with.imageFlags.add(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print a JSON object a line for each run")
	return cmd
}
