package runner

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"

	"detgen/engine/engines"
	"detgen/image"
	"detgen/internal/beneath"
)

// SaveImages writes images, and the kernel that the exact engine starts them with, to an archive. It gives the archive's
// size in bytes.
func SaveImages(ctx context.Context, store *image.Store, cache string, names []string, out string) (int64, error) {
	if _, err := os.Lstat(out); !errors.Is(err, fs.ErrNotExist) {
		return 0, request(fmt.Errorf("%s is there already", out))
	}
	dir, err := image.CacheDir(cache)
	if err != nil {
		return 0, request(err)
	}
	kit, err := engines.Kit(ctx, dir, slog.New(slog.DiscardHandler))
	if err != nil {
		return 0, err
	}
	part := out + ".partial"
	file, err := os.Create(part)
	if err != nil {
		return 0, request(err)
	}
	defer os.Remove(part)
	err = store.Save(ctx, file, names, []string{kit})
	if err := errors.Join(err, file.Sync(), file.Close()); err != nil {
		return 0, err
	}
	info, err := os.Stat(part)
	if err != nil {
		return 0, err
	}
	return info.Size(), os.Rename(part, out)
}

// LoadImages takes the images of archives into a store, and the kernel into its cache directory. It gives the names of those
// that were not there.
func LoadImages(ctx context.Context, store *image.Store, files ...string) ([]string, error) {
	var all []string
	for _, file := range files {
		names, err := loadImages(ctx, store, file)
		all = append(all, names...)
		if err != nil {
			return all, err
		}
	}
	return all, nil
}

func loadImages(ctx context.Context, store *image.Store, file string) ([]string, error) {
	f, err := beneath.OpenNamed(file)
	if err != nil {
		return nil, request(err)
	}
	defer f.Close()
	names, err := store.Load(ctx, f, engines.IsKit)
	if err != nil {
		err = fmt.Errorf("%s: %w", file, err)
	}
	return names, err
}
