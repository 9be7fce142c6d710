package qemu

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// program is a program that says that it is a version of QEMU.
func program(t *testing.T, version string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "qemu")
	if err := os.WriteFile(path, fmt.Appendf(nil, "#!/bin/sh\necho 'QEMU emulator version %s'\n", version), 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

// Programs of all accepted series are taken, and no others.
func TestFind(t *testing.T) {
	for series := range Accepted {
		if b, err := Find(t.Context(), program(t, series+".3 (Debian)")); err != nil || b.Version != series+".3 (Debian)" || len(b.SHA256) != 64 {
			t.Errorf("%s: %+v, %v", series, b, err)
		}
	}
	for _, version := range []string{"7.1.0", "7.20.0", "8.2.2 (Debian)", "10.0.2", "17.2.0"} {
		_, err := Find(t.Context(), program(t, version))
		if err == nil || !strings.Contains(err.Error(), "is "+version+", the exact engine needs 7.2 (Debian 12's package") {
			t.Errorf("%s: %v", version, err)
		}
	}
}
