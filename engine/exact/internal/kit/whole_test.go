package kit

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A kit is whole when its files are as its manifest says.
func TestLoadWhole(t *testing.T) {
	sum := func(text string) string {
		h := sha256.Sum256([]byte(text))
		return hex.EncodeToString(h[:])
	}
	manifest, err := json.Marshal(Manifest{Kernel: sum("kernel"), Base: sum("base")})
	if err != nil {
		t.Fatal(err)
	}
	good := map[string]string{"vmlinux": "kernel", "base.cpio": "base", "kit.json": string(manifest)}
	for _, c := range []struct{ damaged, content, want string }{
		{"", "", ""},
		{"vmlinux", "kernal", "vmlinux is not as it was made: its SHA-256 is " + sum("kernal")},
		{"base.cpio", "", "base.cpio is not as it was made"},
		{"kit.json", "{", "unexpected end of JSON input"},
		{"kit.json", "{}", "is not as it was made"},
	} {
		dir := t.TempDir()
		for name, content := range good {
			if name == c.damaged {
				content = c.content
			}
			if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		_, err := loadWhole(dir)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s %q: got %v, want %q", c.damaged, c.content, err, c.want)
		}
	}
}
