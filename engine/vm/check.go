package vm

import (
	"fmt"
	"os/exec"

	"detgen/lab"
)

// Requirements checks, without changing anything, what the engine needs of this computer with a link driver ("" for
// any): what every lab needs, and programs for the machines.
func Requirements(driver string) []lab.Requirement {
	return append(lab.Requirements(driver), Programs()...)
}

// Programs checks for the programs that machines need in addition to those of every lab.
func Programs() []lab.Requirement {
	var list []lab.Requirement
	for _, p := range []struct{ program, pkg string }{
		{"qemu-system-x86_64", "qemu-system-x86"}, {"mke2fs", "e2fsprogs"}, {"mkfs.erofs", "erofs-utils"}, {"unshare", "util-linux"},
	} {
		_, err := exec.LookPath(p.program)
		if err != nil {
			err = fmt.Errorf("%s is missing: apt-get install %s", p.program, p.pkg)
		}
		list = append(list, lab.Requirement{Name: p.program, Err: err})
	}
	return list
}
