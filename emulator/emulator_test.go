package emulator_test

import (
	"errors"
	"os"
	"strings"
	"testing"

	"detgen/emulator"
	"detgen/lab/inside"
)

func TestEmulatorsRefuseToStartOutsideALab(t *testing.T) {
	for _, name := range append(emulator.Names(), "unknown", "") {
		err := emulator.Main([]string{name})
		if !errors.Is(err, inside.ErrNoLab) || strings.Contains(err.Error(), "\n") {
			t.Errorf("emulate %s: %v, want one line that says where it can run", name, err)
		}
	}
}

func TestEveryEmulatorIsDocumented(t *testing.T) {
	page, err := os.ReadFile("../docs/adding-a-scenario.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range emulator.Names() {
		if !strings.Contains(string(page), "- `"+name+"`: ") {
			t.Errorf("docs/adding-a-scenario.md does not name %s", name)
		}
	}
}
