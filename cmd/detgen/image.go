package main

import (
	"errors"
	"fmt"
	"io"

	"detgen/image"
	"detgen/runner"

	"github.com/spf13/cobra"
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
	cmd.AddCommand(newImageBuild(&flags), newImageList(&flags), newImagePrune(&flags), newImageSave(&flags), newImageLoad(&flags))
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
			store, recipes, err := flags.open(image.Lines(cmd.ErrOrStderr()))
			if err != nil {
				return err
			}
			defer store.Close()
			if names, err = chosen(recipes, names, all); err != nil {
				return err
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

// chosen gives the images that are asked for: those named, which the catalogue must have, or all.
func chosen(recipes *image.Recipes, names []string, all bool) ([]string, error) {
	if all {
		return recipes.Names(), nil
	}
	for _, name := range names {
		if _, err := recipes.Recipe(name); err != nil {
			return nil, badRequest(err)
		}
	}
	return names, nil
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
			return printResult(cmd, asJSON, list, func(out io.Writer) error { return image.WriteTable(out, list) })
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "write JSON")
	return cmd
}

func newImagePrune(flags *imageFlags) *cobra.Command {
	var all bool
	cmd := &cobra.Command{
		Use:   "prune",
		Short: "Remove images that no recipe names, and what killed builds left",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			store, _, err := flags.open(nil)
			if err != nil {
				return err
			}
			defer store.Close()
			pruned, err := store.Prune(cmd.Context(), all)
			for _, p := range pruned {
				fmt.Fprintf(cmd.OutOrStdout(), "%s\n", p)
			}
			return err
		},
	}
	cmd.Flags().BoolVar(&all, "all", false, "remove every image that no process uses")
	return cmd
}

func newImageSave(flags *imageFlags) *cobra.Command {
	var all bool
	var out string
	cmd := &cobra.Command{
		Use:   "save [NAME...] -o FILE",
		Short: "Write images and the exact engine's kernel to an archive, for machines that cannot build them",
		RunE: func(cmd *cobra.Command, names []string) error {
			if all == (len(names) > 0) || out == "" {
				return badRequest(errors.New("image save: give either names of images or --all, and a file with -o"))
			}
			store, recipes, err := flags.open(image.Lines(cmd.ErrOrStderr()))
			if err != nil {
				return err
			}
			defer store.Close()
			if names, err = chosen(recipes, names, all); err != nil {
				return err
			}
			bytes, err := runner.SaveImages(cmd.Context(), store, flags.cache, names, out)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s: %d MiB\n", out, bytes>>20)
			return err
		},
	}
	cmd.Flags().BoolVar(&all, "all", false, "save every image of the catalogue")
	cmd.Flags().StringVarP(&out, "output", "o", "", "the archive")
	return cmd
}

func newImageLoad(flags *imageFlags) *cobra.Command {
	return &cobra.Command{
		Use:   "load FILE",
		Short: "Take the images of an archive, for the exact engine",
		Args:  named("the archive"),
		RunE: func(cmd *cobra.Command, files []string) error {
			store, _, err := flags.open(nil)
			if err != nil {
				return err
			}
			defer store.Close()
			for _, file := range files {
				names, err := runner.LoadImages(cmd.Context(), store, file)
				for _, name := range names {
					fmt.Fprintln(cmd.OutOrStdout(), name)
				}
				if err != nil {
					return err
				}
			}
			return nil
		},
	}
}
