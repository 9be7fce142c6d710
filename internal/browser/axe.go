package browser

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"detgen/internal/whole"
)

// axe-core, the engine of accessibility checks, as its registry names it.
const (
	axeVersion   = "4.14.1"
	axeIntegrity = "FHfa+lmNjQZfJz1q8wKqIDwC6DExcHt/pkjNQb09a3NPjCKg2rhu5qb2S4r76ASyFNNtuFooJpZe37OgudVGtQ==" // SHA-512 of the package
)

// Finding is something that keeps people from using a page.
type Finding struct {
	ID     string `json:"id"`
	Impact string `json:"impact"`
	Help   string `json:"help"`
	Where  string `json:"where"`
}

// Serious gives axe's findings of impact serious or critical; of some tags' rules, where tags are named. It looks at the first rows of
// tables, as they are alike and take most of its time, and at drawings as images.
func (b *Browser) Serious(tags ...string) []Finding {
	b.t.Helper()
	if !Eval[bool](b, "window.axe !== undefined") {
		Eval[bool](b, axe(b.t)+";true")
	}
	only := ""
	if len(tags) > 0 {
		only = fmt.Sprintf(`runOnly: {type: "tag", values: ["%s"]}, `, strings.Join(tags, `", "`))
	}
	return Eval[[]Finding](b, `axe.run({exclude: [["tbody tr:nth-child(n+4)"], [".drawing > svg > *"]]}, {`+only+`resultTypes: ["violations"]}).then((r) => r.violations.filter((v) => v.impact === "serious" || v.impact === "critical").
		map((v) => ({id: v.id, impact: v.impact, help: v.help, where: v.nodes.map((n) => n.html).slice(0, 5).join(" ")})))`)
}

// axe gives axe-core's script, from the cache, or from the package registry that npm is set up for.
func axe(t *testing.T) string {
	t.Helper()
	cache := os.Getenv("DETGEN_CACHE")
	if cache == "" {
		user, err := os.UserCacheDir()
		if err != nil {
			t.Fatal(err)
		}
		cache = filepath.Join(user, "detgen")
	}
	name := "axe-core-" + axeVersion + ".tgz"
	path := filepath.Join(cache, "npm", name)
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		text, err = fetchAxe(t.TempDir(), name)
		if err == nil {
			err = os.MkdirAll(filepath.Dir(path), 0o755)
		}
		if err == nil {
			err = whole.WriteFile(path, text)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	if sum := sha512.Sum512(text); base64.StdEncoding.EncodeToString(sum[:]) != axeIntegrity {
		t.Fatalf("%s is not the package that was looked at: its SHA-512 differs; remove it", path)
	}
	script, err := axeScript(text)
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return script
}

func fetchAxe(dir, name string) ([]byte, error) {
	cmd := exec.Command("npm", "pack", "--silent", "--pack-destination", dir, "axe-core@"+axeVersion)
	cmd.Dir = dir
	var said strings.Builder
	cmd.Stderr = &said
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("npm pack axe-core: %w: %s", err, said.String())
	}
	return os.ReadFile(filepath.Join(dir, name))
}

// axeScript takes axe.min.js out of the package.
func axeScript(packed []byte) (string, error) {
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return "", err
	}
	for files := tar.NewReader(z); ; {
		h, err := files.Next()
		if err != nil {
			return "", fmt.Errorf("axe.min.js: %w", err)
		}
		if h.Name == "package/axe.min.js" {
			script, err := io.ReadAll(files)
			return string(script), err
		}
	}
}
