package kit

import (
	"bytes"
	"debug/elf"
	"fmt"
	"path"
	"slices"
)

// crunPackages are crun, which starts the hosts of a lab, and the packages of all shared
// libraries that it needs.
var crunPackages = []string{
	"crun", "libc6", "libcap2", "libgcrypt20", "libgpg-error0", "liblz4-1", "liblzma5",
	"libseccomp2", "libsystemd0", "libyajl2", "libzstd1",
}

const (
	crunPath   = "usr/bin/crun"
	libraryDir = "lib/x86_64-linux-gnu"
	loaderPath = "lib64/ld-linux-x86-64.so.2"
)

// libraries gives the shared libraries that the program needs, by the name under which it
// asks for them, out of all libraries that there are (by path). Every library is found or
// named in the error.
func libraries(program []byte, all map[string][]byte) (map[string][]byte, error) {
	byName := map[string][]byte{}
	for p, file := range all {
		byName[path.Base(p)] = file
		if f, err := elf.NewFile(bytes.NewReader(file)); err == nil {
			if names, err := f.DynString(elf.DT_SONAME); err == nil && len(names) == 1 {
				byName[names[0]] = file
			}
		}
	}
	found := map[string][]byte{}
	queue := [][]byte{program}
	for len(queue) > 0 {
		f, err := elf.NewFile(bytes.NewReader(queue[0]))
		if err != nil {
			return nil, err
		}
		queue = queue[1:]
		needed, err := f.ImportedLibraries()
		if err != nil {
			return nil, err
		}
		slices.Sort(needed)
		for _, name := range needed {
			if _, ok := found[name]; ok {
				continue
			}
			file, ok := byName[name]
			if !ok {
				return nil, fmt.Errorf("shared library %s is in none of the packages", name)
			}
			found[name] = file
			queue = append(queue, file)
		}
	}
	return found, nil
}
