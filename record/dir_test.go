package record_test

import (
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"detgen/record"

	"golang.org/x/sync/errgroup"
)

// Many makers beside each other sweep up what others left behind, and never each other's directory.
func TestCreateBesideOthers(t *testing.T) {
	parent := t.TempDir()
	left := filepath.Join(parent, ".killed.partial-1")
	if err := os.Mkdir(left, 0o755); err != nil {
		t.Fatal(err)
	}
	var group errgroup.Group
	for i := range 8 {
		group.Go(func() error {
			for j := range 50 {
				s, err := record.Create(filepath.Join(parent, strconv.Itoa(i)+"-"+strconv.Itoa(j)))
				if err != nil {
					return err
				}
				// Results hold runs, which are written in the same way.
				inner, err := record.Create(filepath.Join(s.Dir(), "inner"))
				if err != nil {
					return err
				}
				if err := os.WriteFile(filepath.Join(inner.Dir(), "file"), nil, 0o644); err != nil {
					return err
				}
				if err := inner.Publish(); err != nil {
					return err
				}
				if err := s.Publish(); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(left); !os.IsNotExist(err) {
		t.Errorf("what a killed process left is still there: %v", err)
	}
}
