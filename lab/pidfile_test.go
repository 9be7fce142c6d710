package lab

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestAwaitNumber(t *testing.T) {
	write := func(path, text string) {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Error(err)
		}
	}
	for name, later := range map[string]func(path string){
		"there":               nil,
		"written later":       func(path string) { write(path, "4711\n") },
		"made, written later": func(path string) { write(path, ""); write(path, "4711") },
		"renamed": func(path string) {
			write(path+".new", "4711")
			if err := os.Rename(path+".new", path); err != nil {
				t.Error(err)
			}
		},
	} {
		path := filepath.Join(t.TempDir(), "init.pid")
		if later == nil {
			write(path, "4711\n")
		} else {
			go later(path)
		}
		if number, err := awaitNumber(path, nil); number != 4711 || err != nil {
			t.Errorf("%s: %d, %v", name, number, err)
		}
	}
	path := filepath.Join(t.TempDir(), "init.pid")
	gone := make(chan struct{})
	go close(gone)
	if _, err := awaitNumber(path, gone); !errors.Is(err, errInitEnded) {
		t.Errorf("the writer ended: %v", err)
	}
	write(path, "init")
	if _, err := awaitNumber(path, nil); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("no number: %v", err)
	}
}
