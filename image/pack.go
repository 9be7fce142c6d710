package image

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// packed is the name of a layer's erofs image in its entry.
const packed = "layer.erofs"

// PackedSize is the size of every packed layer's file, in bytes; what the layer does not need
// is a hole, which takes no space. One size for all lets a machine that was saved with some
// layers go on with others.
const PackedSize = 1 << 30

// Pack gives one read-only erofs image for each layer, in the order of Image.Layers, and makes
// those that are missing. Mounted and stacked by overlayfs in this order they are the image.
// The same layer always gives the same bytes. They are not compressed: decompression would
// cost a guest instructions, and uncompressed files can be mapped from persistent memory.
func (s *Store) Pack(ctx context.Context, image Image) ([]string, error) {
	var files []string
	for _, layer := range image.Layers {
		entry := filepath.Dir(layer)
		file := filepath.Join(entry, packed)
		files = append(files, file)
		if isPacked(file) {
			continue
		}
		id, err := filepath.Base(entry), error(nil)
		if s.direct() {
			err = s.pack(ctx, image.Name, id)
		} else {
			err = s.work(ctx, task{Pack: id, For: image.Name})
		}
		if err != nil {
			return nil, fmt.Errorf("pack image %q: %w", image.Name, err)
		}
	}
	return files, nil
}

func isPacked(file string) bool {
	info, err := os.Stat(file)
	return err == nil && info.Size() == PackedSize
}

// pack packs the layer of a digest, for the image of a name.
func (s *Store) pack(ctx context.Context, name, id string) error {
	layer, file := filepath.Join(s.path(id), "layer"), filepath.Join(s.path(id), packed)
	if err := s.checkOwner(id); err != nil {
		return err
	}
	mkfs, err := exec.LookPath("mkfs.erofs")
	if err != nil {
		return errors.New("mkfs.erofs is missing; install the package erofs-utils")
	}
	l, err := acquire(ctx, s.lockFile(id)+".pack", unix.LOCK_EX, func() { s.tell(name, "wait for another process") })
	if err != nil {
		return err
	}
	defer l.release()
	if isPacked(file) {
		return nil
	}
	s.tell(name, "pack")
	temporary := file + ".tmp"
	defer os.Remove(temporary)
	cmd := exec.CommandContext(ctx, mkfs, "--quiet", "-U00000000-0000-0000-0000-000000000000", temporary, layer)
	cmd.Env = buildEnv() // with SOURCE_DATE_EPOCH, the time in the superblock; files keep theirs
	if out, err := cmd.CombinedOutput(); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return fmt.Errorf("mkfs.erofs: %w", toolError(out, err))
	}
	if s.worker {
		if err := trustOpaque(temporary); err != nil {
			return fmt.Errorf("mark the packed layer's folders: %w", err)
		}
	}
	info, err := os.Stat(temporary)
	if err != nil {
		return err
	}
	if info.Size() > PackedSize {
		return fmt.Errorf("the layer takes %d MiB packed; the exact engine takes layers of up to %d MiB", info.Size()>>20, int64(PackedSize)>>20)
	}
	if err := os.Truncate(temporary, PackedSize); err != nil {
		return fmt.Errorf("extend the packed layer: %w", err)
	}
	return os.Rename(temporary, file)
}
