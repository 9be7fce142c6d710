package exact

import (
	"context"
	"log/slog"
	"path"
	"path/filepath"

	"detgen/engine/exact/internal/kit"
)

// cacheFolder is this engine's part of the cache directory.
const cacheFolder = "exact"

// PrepareKit puts the guest's kernel and what it starts with into a cache directory, if they are missing. It gives their
// folder's path below that. A snapshot is made of them without root and without Debian's packages.
func PrepareKit(ctx context.Context, cache string, log *slog.Logger) (string, error) {
	if _, err := kit.Open(ctx, filepath.Join(cache, cacheFolder), log); err != nil {
		return "", err
	}
	return KitFolder(), nil
}

// KitFolder is the path, below the cache directory, of the kit that this program uses.
func KitFolder() string { return path.Join(cacheFolder, kit.Folder()) }
