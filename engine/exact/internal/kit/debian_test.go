package kit

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The guest's kernel is the own release's on a machine of another release, whose apt knows no such package.
func TestPackagesOfAnotherMachine(t *testing.T) {
	if testing.Short() {
		t.Skip("fetches with apt")
	}
	machine := t.TempDir()
	for name, text := range map[string]string{
		"sources.list": "deb http://deb.debian.org/debian trixie main\n",
		"apt.conf":     fmt.Sprintf("Dir::Etc::sourcelist %q;\nDir::Etc::sourceparts \"/dev/null\";\nDir::State::lists %q;\n", filepath.Join(machine, "sources.list"), machine),
	} {
		if err := os.WriteFile(filepath.Join(machine, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("APT_CONFIG", filepath.Join(machine, "apt.conf"))
	p, err := openPackages(t.Context(), filepath.Join(t.TempDir(), "packages"))
	if err != nil {
		t.Fatal(err)
	}
	kernel, err := p.dependency(t.Context(), KernelPackage)
	if err != nil || !strings.HasPrefix(kernel, "linux-image-6.12.") || !strings.Contains(kernel, "deb12-cloud") {
		t.Errorf("the guest's kernel is %q, %v", kernel, err)
	}
	debs, err := p.download(t.Context(), []string{"libyajl2"})
	if err != nil || len(debs) != 1 || debs[0].Package != "libyajl2" || debs[0].Version == "" {
		t.Errorf("downloaded %+v, %v", debs, err)
	}
	if _, err := p.dependency(t.Context(), "linux-image-0.1-cloud-amd64"); err == nil || !strings.Contains(err.Error(), "linux-image-0.1-cloud-amd64") {
		t.Errorf("a package that is not there: %v", err)
	}
}
