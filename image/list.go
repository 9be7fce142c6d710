package image

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// Status is an image of the catalogue as the store has it.
type Status struct {
	Name     string `json:"name"`
	About    string `json:"about,omitempty"`
	From     string `json:"from,omitempty"` // image that it is a layer on
	Digest   string `json:"digest"`
	Built    bool   `json:"built"`
	Bytes    int64  `json:"bytes,omitempty"`    // on disk, of its own layer
	Packed   int64  `json:"packed,omitempty"`   // bytes of its own layer's erofs image, 0 when there is none
	Packages int    `json:"packages,omitempty"` // number of Debian packages in all its layers
}

// List tells about all images of the catalogue, sorted by name.
func (s *Store) List() ([]Status, error) {
	var list []Status
	for _, name := range s.recipes.Names() {
		r := s.recipes.byName[name]
		status := Status{Name: name, About: r.About, From: r.From, Digest: s.recipes.digests[name]}
		e, err := s.entry(status.Digest)
		var notBuilt *NotBuiltError
		switch {
		case errors.As(err, &notBuilt):
		case err != nil:
			return nil, err
		default:
			status.Built, status.Bytes, status.Packages = s.exists(status.Digest), e.Bytes, len(e.Packages)
			if info, err := os.Stat(filepath.Join(s.path(status.Digest), packed)); err == nil {
				status.Packed = info.Size()
			}
		}
		list = append(list, status)
	}
	return list, nil
}

// Prune removes images that no recipe of the catalogue names, or all of them, and what killed builds left. It
// leaves what a process is using or building. It returns a line about each thing it removed.
func (s *Store) Prune(ctx context.Context, all bool) ([]string, error) {
	named := map[string]bool{}
	for _, digest := range s.recipes.digests {
		named[hexOf(digest)] = true
	}
	entries, err := os.ReadDir(filepath.Join(s.dir, "images"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the store: %w", err)
	}
	var removed []string
	for _, e := range entries {
		id, kind, _ := strings.Cut(e.Name(), ".")
		if kind == "" && named[id] && !all {
			continue
		}
		what := map[string]string{"": "image", "tmp": "killed build", "log": "log of a failed build"}[kind]
		line, err := s.pruneOne(ctx, id, e.Name(), what)
		if err != nil {
			return removed, err
		}
		if line != "" {
			removed = append(removed, line)
		}
	}
	return removed, nil
}

func (s *Store) pruneOne(ctx context.Context, id, file, what string) (string, error) {
	l, err := openLock(s.lockFile(id))
	if err != nil {
		return "", err
	}
	defer l.release()
	if alone, err := l.try(unix.LOCK_EX); !alone || err != nil {
		return "", err // somebody uses or builds it
	}
	path, left := filepath.Join(s.dir, "images", file), file
	name := ""
	if e, err := s.entry(id); err == nil && what == "image" {
		name = " " + e.Name
		// Without its description an image does not exist, so a kill leaves no half image.
		if err := os.Rename(path, path+".tmp"); err != nil {
			return "", fmt.Errorf("remove %s: %w", file, err)
		}
		left += ".tmp"
	}
	if err := s.remove(ctx, left); err != nil {
		return "", fmt.Errorf("remove %s: %w", file, err)
	}
	return fmt.Sprintf("removed %s%s %s", what, name, file), nil
}
