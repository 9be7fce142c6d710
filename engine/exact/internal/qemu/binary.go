package qemu

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
)

// Accepted are the series of QEMU that the engine runs on, and where each is to be had. A new one comes here once the
// soak has passed on it (docs/exactness.md): versions time devices differently, and order their threads differently.
var Accepted = map[string]string{
	"7.2": "Debian 12's package qemu-system-x86, and detgen's container image: docs/installing.md",
}

// Binary is a QEMU program.
type Binary struct {
	Path    string
	Version string // as it says itself: "7.2.22 (Debian 1:7.2+dfsg-7+deb12u18+b3)"
	SHA256  string
}

// ErrMissing says that there is no QEMU, ErrVersion that there is a wrong one.
var (
	ErrMissing = errors.New("qemu-system-x86_64 is not installed (Debian package qemu-system-x86)")
	ErrVersion = errors.New("QEMU has the wrong version")
)

var versionLine = regexp.MustCompile(`^QEMU emulator version ((\d+\.\d+)[^\n]*)`)

// Find looks for qemu-system-x86_64 in PATH, or takes the program at path when that is not
// empty, and checks its version.
func Find(ctx context.Context, path string) (Binary, error) {
	if path == "" {
		path = "qemu-system-x86_64"
	}
	path, err := exec.LookPath(path)
	if err != nil {
		return Binary{}, ErrMissing
	}
	b := Binary{Path: path}
	out, err := exec.CommandContext(ctx, path, "--version").Output()
	if err != nil {
		return b, fmt.Errorf("ask %s for its version: %w", path, err)
	}
	m := versionLine.FindSubmatch(out)
	if m == nil {
		return b, fmt.Errorf("%w: %s does not say which", ErrVersion, path)
	}
	b.Version = string(m[1])
	if Accepted[string(m[2])] == "" {
		var needed []string
		for _, series := range slices.Sorted(maps.Keys(Accepted)) {
			needed = append(needed, fmt.Sprintf("%s (%s)", series, Accepted[series]))
		}
		return b, fmt.Errorf("%w: %s is %s, the exact engine needs %s", ErrVersion, path, b.Version, strings.Join(needed, " or "))
	}
	f, err := os.Open(path)
	if err != nil {
		return b, err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return b, fmt.Errorf("read %s: %w", path, err)
	}
	b.SHA256 = hex.EncodeToString(h.Sum(nil))
	return b, nil
}
