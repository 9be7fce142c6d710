package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"detgen/image"
	"detgen/runner"

	"github.com/spf13/cobra"
	"golang.org/x/term"
)

// newImage is "detgen image": the root file systems that hosts run on.
func newImage() *cobra.Command {
	var flags imageFlags
	cmd := &cobra.Command{
		Use:   "image",
		Short: "Build, list and prune the root file systems of hosts",
	}
	cmd.PersistentFlags().StringVar(&flags.cache, "cache", "", "keep images in this directory (default: DETGEN_CACHE, or /var/cache/detgen for root)")
	cmd.PersistentFlags().StringVar(&flags.catalogue, "catalogue", "", "use the images of this folder too")
	cmd.AddCommand(newImageBuild(&flags), newImageList(&flags), newImagePrune(&flags))
	return cmd
}

type imageFlags struct{ cache, catalogue string }

// add adds them to a command that makes runs.
func (f *imageFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.cache, "cache", "", "keep images in this directory (default: DETGEN_CACHE, or /var/cache/detgen for root)")
	cmd.Flags().StringVar(&f.catalogue, "catalogue", "", "use the scenarios and images of this folder too")
}

// open gives the store with the recipes of the catalogue. The caller closes it.
func (f *imageFlags) open(progress func(image.Progress)) (*image.Store, *image.Recipes, error) {
	return runner.OpenImages(f.catalogue, f.cache, progress)
}

func newImageBuild(flags *imageFlags) *cobra.Command {
	var all, pack bool
	cmd := &cobra.Command{
		Use:   "build [NAME...]",
		Short: "Build the named images, and those they stand on, if they are missing",
		RunE: func(cmd *cobra.Command, names []string) error {
			if all == (len(names) > 0) {
				return badRequest(fmt.Errorf("image build: give either names of images or --all"))
			}
			progress := newImageProgress(cmd.ErrOrStderr())
			store, recipes, err := flags.open(progress.tell)
			if err != nil {
				return err
			}
			defer store.Close()
			if all {
				names = recipes.Names()
			}
			for _, name := range names {
				if _, err := recipes.Recipe(name); err != nil {
					return badRequest(err)
				}
			}
			images, err := store.Ensure(cmd.Context(), names...)
			if err != nil || !pack {
				return err
			}
			for _, i := range images {
				if _, err := store.Pack(cmd.Context(), i); err != nil {
					return err
				}
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&all, "all", false, "build every image of the catalogue")
	cmd.Flags().BoolVar(&pack, "pack", false, "pack them for the exact engine too")
	return cmd
}

// imageProgress writes a line whenever an image gets to another step, with its time so far.
type imageProgress struct {
	out     io.Writer
	steps   bool // every step, not only the end: the reader is a person at a terminal
	started map[string]time.Time
}

func newImageProgress(out io.Writer) *imageProgress {
	file, ok := out.(*os.File)
	return &imageProgress{out: out, steps: ok && term.IsTerminal(int(file.Fd())), started: map[string]time.Time{}}
}

func (p *imageProgress) tell(e image.Progress) {
	if _, ok := p.started[e.Image]; !ok {
		p.started[e.Image] = time.Now()
	}
	if p.steps || e.Step == image.Built || e.Step == image.Failed {
		fmt.Fprintf(p.out, "image %-16s %6.1f s  %s\n", e.Image, time.Since(p.started[e.Image]).Seconds(), e.Step)
	}
}

func newImageList(flags *imageFlags) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the images of the catalogue and whether they are built",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			store, _, err := flags.open(nil)
			if err != nil {
				return err
			}
			defer store.Close()
			list, err := store.List()
			if err != nil {
				return err
			}
			if asJSON {
				encoder := json.NewEncoder(cmd.OutOrStdout())
				encoder.SetIndent("", "  ")
				return encoder.Encode(list)
			}
			return writeImageTable(cmd.OutOrStdout(), list)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "write JSON")
	return cmd
}

func writeImageTable(out io.Writer, list []image.Status) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "NAME\tDIGEST\tBUILT\tSIZE\tPACKAGES\tABOUT")
	for _, i := range list {
		built, size, packages := "no", "", ""
		if i.Built {
			built, size, packages = "yes", megabytes(i.Bytes), fmt.Sprint(i.Packages)
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", i.Name, strings.TrimPrefix(i.Digest, "sha256:")[:12], built, size, packages, i.About)
	}
	return w.Flush()
}

func megabytes(bytes int64) string { return fmt.Sprintf("%.1f MB", float64(bytes)/1e6) }

func newImagePrune(flags *imageFlags) *cobra.Command {
	return &cobra.Command{
		Use:   "prune",
		Short: "Remove images that no recipe names, and what killed builds left",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			store, _, err := flags.open(nil)
			if err != nil {
				return err
			}
			defer store.Close()
			pruned, err := store.Prune()
			for _, p := range pruned {
				fmt.Fprintf(cmd.OutOrStdout(), "%s\n", p)
			}
			return err
		},
	}
}
