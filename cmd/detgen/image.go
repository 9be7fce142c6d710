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
	cmd.PersistentFlags().StringVar(&flags.cache, "cache", "", cacheUsage)
	cmd.PersistentFlags().StringVar(&flags.catalogue, "catalogue", "", "use the images of this folder too")
	cmd.AddCommand(newImageBuild(&flags), newImageList(&flags), newImagePrune(&flags), newImageSave(&flags), newImageLoad(&flags))
	return cmd
}

const cacheUsage = "keep images in this directory (default: DETGEN_CACHE, or /var/cache/detgen for root)"

type imageFlags struct{ cache, catalogue string }

// add adds them to a command that makes runs.
func (f *imageFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.cache, "cache", "", cacheUsage)
	cmd.Flags().StringVar(&f.catalogue, "catalogue", "", "use the scenarios and images of this folder too")
}

// storeCommand is what a command does with the store of images.
type storeCommand func(cmd *cobra.Command, args []string, store *image.Store) error

// with opens the store for a command and closes it after. lines, which may be nil, tell how images are built.
func (f *imageFlags) with(lines func(io.Writer) func(image.Progress), do storeCommand) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		var progress func(image.Progress)
		if lines != nil {
			progress = lines(cmd.ErrOrStderr())
		}
		store, _, err := runner.OpenImages(f.catalogue, f.cache, progress)
		if err != nil {
			return err
		}
		defer store.Close()
		return do(cmd, args, store)
	}
}

func newImageBuild(flags *imageFlags) *cobra.Command {
	var all, pack bool
	cmd := &cobra.Command{
		Use:   "build [NAME...]",
		Short: "Build the named images, and those they stand on, if they are missing",
		RunE: flags.with(image.Lines, func(cmd *cobra.Command, names []string, store *image.Store) (err error) {
			if all == (len(names) > 0) {
				return badRequest(errors.New("image build: give either names of images or --all"))
			}
			if names, err = store.Names(names, all); err != nil {
				return err
			}
			return store.Build(cmd.Context(), pack, names...)
		}),
	}
	cmd.Flags().BoolVar(&all, "all", false, "build every image of the catalogue")
	cmd.Flags().BoolVar(&pack, "pack", false, "pack them for the exact engine too")
	return cmd
}

func newImageList(flags *imageFlags) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the images of the catalogue and whether they are built",
		Args:  cobra.NoArgs,
		RunE: flags.with(nil, func(cmd *cobra.Command, _ []string, store *image.Store) error {
			list, err := store.List()
			if err != nil {
				return err
			}
			return printResult(cmd, list, func(out io.Writer) error { return image.WriteTable(out, list) })
		}),
	}
	cmd.Flags().Bool("json", false, "write JSON")
	return cmd
}

func newImagePrune(flags *imageFlags) *cobra.Command {
	var all bool
	cmd := &cobra.Command{
		Use:   "prune",
		Short: "Remove images that no recipe names, and what killed builds left",
		Args:  cobra.NoArgs,
		RunE: flags.with(nil, func(cmd *cobra.Command, _ []string, store *image.Store) error {
			pruned, err := store.Prune(cmd.Context(), all)
			for _, p := range pruned {
				fmt.Fprintln(cmd.OutOrStdout(), p)
			}
			return err
		}),
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
		RunE: flags.with(image.Lines, func(cmd *cobra.Command, names []string, store *image.Store) (err error) {
			if all == (len(names) > 0) || out == "" {
				return badRequest(errors.New("image save: give either names of images or --all, and a file with -o"))
			}
			if names, err = store.Names(names, all); err != nil {
				return err
			}
			bytes, err := runner.SaveImages(cmd.Context(), store, flags.cache, names, out)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s: %d MiB\n", out, bytes>>20)
			return err
		}),
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
		RunE: flags.with(nil, func(cmd *cobra.Command, files []string, store *image.Store) error {
			names, err := runner.LoadImages(cmd.Context(), store, files...)
			for _, name := range names {
				fmt.Fprintln(cmd.OutOrStdout(), name)
			}
			return err
		}),
	}
}
